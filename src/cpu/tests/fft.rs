use std::f64::consts::PI;

use num_complex::{Complex32, Complex64};

use super::{contiguous, noise, operand, run};
use crate::cpu::Cpu;
use crate::work::{FftKind, FftWork, Layout, Work};

fn complex_noise(seed: u64, len: usize) -> Vec<Complex32> {
    noise(seed, 2 * len).chunks(2).map(|pair| Complex32::new(pair[0], pair[1])).collect()
}

fn textbook(line: &[Complex64], inverse: bool) -> Vec<Complex64> {
    let n = line.len();
    let sign = if inverse { 2.0 } else { -2.0 };
    let turn = |j: usize| Complex64::from_polar(1.0, sign * PI * j as f64 / n as f64);
    (0..n).map(|j| line.iter().enumerate().map(|(i, x)| x * turn(i * j % n)).sum()).collect()
}

fn largest_factor(mut n: usize) -> usize {
    let mut largest = 1;
    let mut p = 2;
    while n > 1 {
        if n.is_multiple_of(p) {
            largest = p;
            n /= p;
        } else {
            p += 1;
        }
    }
    largest
}

fn assert_close(got: &[Complex64], expected: &[Complex64], n: usize) {
    let error: f64 = got.iter().zip(expected).map(|(a, b)| (a - b).norm_sqr()).sum();
    let size: f64 = expected.iter().map(|b| b.norm_sqr()).sum();
    let factor = if largest_factor(n) > 13 { 3e-7 } else { 1.5e-7 };
    let bound = factor * (n as f64).log2().max(1.0).sqrt();
    assert!((error / size).sqrt() <= bound, "{n}: {} > {bound}", (error / size).sqrt());
}

fn work(kind: FftKind, axis: usize, length: usize, inverse: bool) -> Work {
    Work::Fft(FftWork { op: "fft", kind, axis, length, inverse, scale: 1.0 })
}

#[test]
fn every_length_is_within_the_bound() {
    let cpu = Cpu::new();
    for n in (1..130).chain([255, 256, 257, 338, 1000, 1009, 1024]) {
        let x = complex_noise(n as u64, n);
        let line: Vec<Complex64> = x.iter().map(|z| Complex64::new(z.re.into(), z.im.into())).collect();
        let wide =
            |out: Vec<Complex32>| -> Vec<_> { out.iter().map(|z| Complex64::new(z.re.into(), z.im.into())).collect() };
        let input = [contiguous(&cpu, &x, &[n])];
        for inverse in [false, true] {
            let out = run(&cpu, &work(FftKind::Complex, 0, n, inverse), &input).unwrap();
            assert_close(&wide(out), &textbook(&line, inverse), n);
        }

        let real = noise(n as u64, n);
        let line: Vec<Complex64> = real.iter().map(|&x| Complex64::new(x.into(), 0.0)).collect();
        let spectrum = textbook(&line, false);
        let half = n / 2 + 1;
        let input = [contiguous(&cpu, &real, &[n])];
        let out = run(&cpu, &work(FftKind::RealToHalf, 0, n, false), &input).unwrap();
        assert_close(&wide(out), &spectrum[..half], n);

        let given: Vec<Complex32> = spectrum[..half].iter().map(|z| Complex32::new(z.re as f32, z.im as f32)).collect();
        let mut hermitian = spectrum;
        for j in 0..n {
            let z = given[j.min(n - j)];
            let imaginary = if j == 0 || 2 * j == n { 0.0 } else { f64::from(z.im) };
            hermitian[j] = Complex64::new(z.re.into(), if 2 * j > n { -imaginary } else { imaginary });
        }
        let input = [contiguous(&cpu, &given, &[half])];
        let out: Vec<f32> = run(&cpu, &work(FftKind::HalfToReal, 0, n, true), &input).unwrap();
        let out: Vec<_> = out.iter().map(|&x| Complex64::new(x.into(), 0.0)).collect();
        assert_close(&out, &textbook(&hermitian, true), n);
    }
}

#[test]
fn any_axis_of_any_view_is_cropped_and_padded() {
    let cpu = Cpu::new();
    let x = complex_noise(7, 5 * 21 * 13);
    let contiguous = Layout::contiguous(&[5, 21, 13]);
    let turned = Layout { shape: vec![13, 5, 21], strides: vec![1, 273, 13], offset: 0 };
    for layout in [contiguous, turned] {
        let input = [operand(&cpu, &x, layout.clone())];
        for axis in 0..3 {
            for length in [4, layout.shape[axis], 24] {
                let out: Vec<Complex32> = run(&cpu, &work(FftKind::Complex, axis, length, false), &input).unwrap();
                let mut shape = layout.shape.clone();
                shape[axis] = length;
                let to = Layout::contiguous(&shape);
                let (p, q) = ((axis + 1) % 3, (axis + 2) % 3);
                for i in 0..shape[p] {
                    for j in 0..shape[q] {
                        let from = i * layout.strides[p] + j * layout.strides[q];
                        let mut line = vec![Complex64::new(0.0, 0.0); length];
                        for (f, z) in line.iter_mut().enumerate().take(layout.shape[axis]) {
                            let x = x[from + f * layout.strides[axis]];
                            *z = Complex64::new(x.re.into(), x.im.into());
                        }
                        let start = i * to.strides[p] + j * to.strides[q];
                        let got: Vec<_> = (0..length)
                            .map(|f| out[start + f * to.strides[axis]])
                            .map(|z| Complex64::new(z.re.into(), z.im.into()))
                            .collect();
                        assert_close(&got, &textbook(&line, false), length);
                    }
                }
            }
        }
    }
}

#[test]
fn empty_and_absurd_transforms() {
    let cpu = Cpu::new();
    let input = [contiguous::<Complex32>(&cpu, &[], &[0, 4])];
    assert!(run::<Complex32>(&cpu, &work(FftKind::Complex, 1, 4, false), &input).unwrap().is_empty());
    assert_eq!(
        run::<Complex32>(&cpu, &work(FftKind::Complex, 0, 3, false), &input).unwrap(),
        [Complex32::default(); 12]
    );
    assert!(run::<Complex32>(&cpu, &work(FftKind::Complex, 2, 3, false), &input).is_err());
    assert!(run::<Complex32>(&cpu, &work(FftKind::Complex, 1, 0, false), &input).is_err());
    assert!(run::<f32>(&cpu, &work(FftKind::RealToHalf, 1, 4, false), &input).is_err());
}
