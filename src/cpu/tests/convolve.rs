use num_complex::{Complex32, Complex64};

use super::{contiguous, noise, run};
use crate::cpu::Cpu;
use crate::metric::UNIT_ROUNDOFF;
use crate::work::{ConvolveWork, Method, Mode, Work};

type Shape = [usize; 3];

fn places(shape: Shape) -> impl Iterator<Item = [usize; 3]> {
    (0..shape.iter().product()).map(move |i| [i / shape[2] / shape[1], i / shape[2] % shape[1], i % shape[2]])
}

fn flat(place: Shape, shape: Shape) -> usize {
    (place[0] * shape[1] + place[1]) * shape[2] + place[2]
}

/// The whole convolution or correlation, with the sum of the magnitudes of its terms.
fn textbook(
    x: &[Complex64],
    n: Shape,
    h: &[Complex64],
    k: Shape,
    correlate: bool,
    circular: bool,
) -> (Vec<(Complex64, f64)>, Shape) {
    let shape = if circular { n } else { std::array::from_fn(|axis| n[axis] + k[axis] - 1) };
    let mut out = vec![(Complex64::new(0.0, 0.0), 0.0); shape.iter().product()];
    for p in places(n) {
        for q in places(k) {
            let to = std::array::from_fn(|axis| match (correlate, circular) {
                (false, false) => p[axis] + q[axis],
                (true, false) => p[axis] + k[axis] - 1 - q[axis],
                (false, true) => (p[axis] + q[axis]) % n[axis],
                (true, true) => (p[axis] + k[axis] * n[axis] - q[axis]) % n[axis],
            });
            let h = if correlate { h[flat(q, k)].conj() } else { h[flat(q, k)] };
            let term = x[flat(p, n)] * h;
            let entry = &mut out[flat(to, shape)];
            entry.0 += term;
            entry.1 += term.norm();
        }
    }
    (out, shape)
}

fn check(cpu: &Cpu, n: Shape, k: Shape, work: ConvolveWork) {
    let parts = if work.complex { 2 } else { 1 };
    let count = |shape: Shape| shape.iter().product::<usize>();
    let (x, h) = (noise(5, 2 * count(n) * parts), noise(6, 2 * count(k) * parts));
    let wide = |x: &[f32]| -> Vec<Complex64> {
        x.chunks(parts).map(|z| Complex64::new(z[0].into(), z.get(1).copied().unwrap_or(0.0).into())).collect()
    };
    let batched = |shape: Shape| [vec![2], shape[3 - work.rank..].to_vec()].concat();
    let out = if work.complex {
        let narrow = |x: &[f32]| -> Vec<Complex32> { x.chunks(2).map(|z| Complex32::new(z[0], z[1])).collect() };
        let inputs = [contiguous(cpu, &narrow(&x), &batched(n)), contiguous(cpu, &narrow(&h), &batched(k))];
        let out = run::<Complex32>(cpu, &Work::Convolve(work), &inputs).unwrap();
        wide(bytemuck::cast_slice(&out))
    } else {
        let inputs = [contiguous(cpu, &x, &batched(n)), contiguous(cpu, &h, &batched(k))];
        wide(&run::<f32>(cpu, &Work::Convolve(work), &inputs).unwrap())
    };
    let (start, kept): (Shape, Shape) = match work.mode {
        _ if work.circular => ([0; 3], n),
        Mode::Full => ([0; 3], std::array::from_fn(|axis| n[axis] + k[axis] - 1)),
        Mode::Same => (k.map(|k| (k - 1) / 2), n),
        Mode::Causal => ([0; 3], n),
        Mode::Valid => (
            std::array::from_fn(|axis| n[axis].min(k[axis]) - 1),
            std::array::from_fn(|axis| n[axis].max(k[axis]) - n[axis].min(k[axis]) + 1),
        ),
    };
    let (x, h) = (wide(&x), wide(&h));
    assert_eq!(out.len(), 2 * count(kept));
    for batch in 0..2 {
        let x = &x[batch * count(n)..][..count(n)];
        let h = &h[batch * count(k)..][..count(k)];
        let (full, shape) = textbook(x, n, h, k, work.correlate, work.circular);
        let norm = |x: &[Complex64]| x.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        for place in places(kept) {
            let got = out[batch * count(kept) + flat(place, kept)];
            let (expected, size) = full[flat(std::array::from_fn(|axis| place[axis] + start[axis]), shape)];
            let taps = count(k) as f64;
            let bound = match work.method {
                // A complex product has two products and a sum of its own.
                Method::Direct => (64.0 + (taps / 64.0).ceil() + 4.0) * UNIT_ROUNDOFF * size * parts as f64,
                // Three transforms, each within 1.5e-7 √log₂N in the L2 norm of what passes through it.
                _ => 3.0 * 1.5e-7 * 16f64.sqrt() * norm(x) * norm(h),
            };
            assert!((got - expected).norm() <= bound, "{n:?} {k:?} {work:?}: {got} is not {expected} at {place:?}");
        }
    }
}

#[test]
fn every_mode_method_and_kind_of_number() {
    let cpu = Cpu::new();
    let cases: [(Shape, Shape, usize); 9] = [
        ([1, 1, 1], [1, 1, 1], 1),
        ([1, 1, 7], [1, 1, 1], 1),
        ([1, 1, 31], [1, 1, 97], 1),
        ([1, 1, 1100], [1, 1, 70], 1),
        ([1, 17, 31], [1, 5, 4], 2),
        ([1, 7, 50], [1, 9, 3], 2),
        ([1, 12, 13], [1, 12, 13], 2),
        ([10, 11, 12], [3, 4, 5], 3),
        ([3, 4, 5], [4, 2, 6], 3),
    ];
    for (n, k, rank) in cases {
        for mode in [Mode::Full, Mode::Same, Mode::Valid, Mode::Causal] {
            for method in [Method::Direct, Method::Fft, Method::Auto] {
                for flags in 0..8 {
                    let (correlate, circular, complex) = (flags & 1 > 0, flags & 2 > 0, flags & 4 > 0);
                    if circular && mode != Mode::Full {
                        continue;
                    }
                    let work = ConvolveWork { op: "convolve", rank, correlate, circular, mode, method, complex };
                    check(&cpu, n, k, work);
                }
            }
        }
    }
}

#[test]
fn empty_and_misfit_inputs() {
    let cpu = Cpu::new();
    let work = |rank| {
        let (mode, method) = (Mode::Full, Method::Auto);
        let work =
            ConvolveWork { op: "convolve", rank, correlate: false, circular: false, mode, method, complex: false };
        Work::Convolve(work)
    };
    let input = |shape: &[usize]| contiguous(&cpu, &vec![1f32; shape.iter().product()], shape);
    assert!(run::<f32>(&cpu, &work(1), &[input(&[0]), input(&[3])]).unwrap().is_empty());
    assert!(run::<f32>(&cpu, &work(1), &[input(&[0, 4]), input(&[0, 3])]).unwrap().is_empty());
    assert!(run::<f32>(&cpu, &work(1), &[input(&[2, 4]), input(&[3, 3])]).is_err());
    assert!(run::<f32>(&cpu, &work(0), &[input(&[4]), input(&[3])]).is_err());
    assert!(run::<f32>(&cpu, &work(4), &[input(&[4]), input(&[3])]).is_err());
}
