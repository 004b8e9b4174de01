use super::{contiguous, noise, operand, run};
use crate::cpu::Cpu;
use crate::metric::UNIT_ROUNDOFF;
use crate::work::{GemmWork, Layout, Work};

fn check(cpu: &Cpu, m: usize, k: usize, n: usize, transposed: (bool, bool), alpha: f32, beta: f32) {
    let (a, b, c) = (noise(1, m * k), noise(2, k * n), noise(3, m * n));
    let layout = |rows: usize, columns: usize, transposed: bool| Layout {
        shape: vec![rows, columns],
        strides: if transposed { vec![1, rows] } else { vec![columns, 1] },
        offset: 0,
    };
    let (a_layout, b_layout) = (layout(m, k, transposed.0), layout(k, n, transposed.1));
    let mut inputs = vec![operand(cpu, &a, a_layout.clone()), operand(cpu, &b, b_layout.clone())];
    if beta != 0.0 {
        inputs.push(contiguous(cpu, &c, &[m, n]));
    }
    let out = run::<f32>(cpu, &Work::Gemm(GemmWork { alpha, beta }), &inputs).unwrap();
    assert_eq!(out.len(), m * n);
    for i in 0..m {
        for j in 0..n {
            let (mut sum, mut size) = (0.0, 0.0);
            for f in 0..k {
                let a = f64::from(a[i * a_layout.strides[0] + f * a_layout.strides[1]]);
                let b = f64::from(b[f * b_layout.strides[0] + j * b_layout.strides[1]]);
                sum += a * b;
                size += (a * b).abs();
            }
            let (alpha, beta, c) = (f64::from(alpha), f64::from(beta), f64::from(c[i * n + j]));
            let terms = 64.0 + k.div_ceil(64) as f64 + 2.0;
            let bound = terms * UNIT_ROUNDOFF * (alpha.abs() * size + (beta * c).abs());
            let error = (f64::from(out[i * n + j]) - (alpha * sum + beta * c)).abs();
            assert!(error <= bound, "{m}×{k}×{n} {transposed:?}: {error} > {bound}");
        }
    }
}

#[test]
fn products_of_every_shape_are_within_the_bound() {
    let cpu = Cpu::new();
    for (m, k, n) in [
        (0, 3, 2),
        (2, 0, 3),
        (1, 1, 1),
        (1, 300, 1),
        (1, 77, 130),
        (131, 65, 1),
        (17, 19, 23),
        (65, 129, 63),
        (3, 4096, 5),
        (128, 513, 96),
    ] {
        for transposed in [(false, false), (false, true), (true, false), (true, true)] {
            check(&cpu, m, k, n, transposed, 1.0, 0.0);
            check(&cpu, m, k, n, transposed, -0.5, 2.0);
        }
    }
}

#[test]
fn batches_broadcast() {
    let cpu = Cpu::new();
    let (a, b) = (noise(1, 3 * 2 * 4), noise(2, 5 * 4 * 6));
    let inputs = [contiguous(&cpu, &a, &[3, 1, 2, 4]), contiguous(&cpu, &b, &[5, 4, 6])];
    let out = run::<f32>(&cpu, &Work::Gemm(GemmWork { alpha: 1.0, beta: 0.0 }), &inputs).unwrap();
    assert_eq!(out.len(), 3 * 5 * 2 * 6);
    for (flat, &got) in out.iter().enumerate() {
        let (j, i, v, u) = (flat % 6, flat / 6 % 2, flat / 12 % 5, flat / 60);
        let expected: f32 = (0..4).map(|f| a[u * 8 + i * 4 + f] * b[v * 24 + f * 6 + j]).sum();
        assert!((got - expected).abs() < 1e-5);
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let cpu = Cpu::new();
    let work = Work::Gemm(GemmWork { alpha: 1.0, beta: 0.0 });
    let with = |a: &[usize], b: &[usize]| {
        let (x, y) = (vec![0f32; a.iter().product()], vec![0f32; b.iter().product()]);
        run::<f32>(&cpu, &work, &[contiguous(&cpu, &x, a), contiguous(&cpu, &y, b)])
    };
    assert!(with(&[2, 3], &[2, 3]).is_err());
    assert!(with(&[3], &[3, 1]).is_err());
    assert!(with(&[2, 1, 3], &[3, 3, 1]).is_err());
    assert!(with(&[0, 3], &[3, 2]).unwrap().is_empty());
}
