#![allow(clippy::unwrap_used)]

use super::*;
use crate::work::Method;
use ndarray::{Array2, Axis};

fn signal(n: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, columns), |(t, c)| ((t * 31 + c * 17 + t * t % 7) % 23) as f32 - 11.0)
}

/// Every mode and boundary in windows as short as they can be is the whole at once. Whole numbers below 2²⁴ have exact
/// sums in any order.
#[test]
fn windows_join_to_the_whole() {
    let context = Context::cpu();
    let boundaries = [
        Boundary::Zero,
        Boundary::Constant(2.0),
        Boundary::Reflect,
        Boundary::Mirror,
        Boundary::Nearest,
        Boundary::Wrap,
    ];
    for (n, channels, k, kernels) in [(300, 2, 9, 1), (97, 1, 16, 3), (5, 2, 40, 2), (1, 1, 1, 1), (64, 1, 64, 1)] {
        let (x, h) = (signal(n, channels), signal(k, kernels));
        let on_device = context.upload(&h).unwrap();
        for boundary in boundaries {
            for mode in [Mode::Full, Mode::Same, Mode::Valid, Mode::Causal] {
                for (circular, correlates) in [(false, false), (false, true), (true, false), (true, true)] {
                    let method = Method::Direct;
                    let options = ConvolveOptions { boundary, mode, method, circular, ..ConvolveOptions::default() };
                    let columns = channels.max(kernels);
                    let whole: Vec<_> = (0..columns)
                        .map(|c| {
                            let x = context.upload(&x.column(c.min(channels - 1)).to_owned()).unwrap();
                            let h = context.upload(&h.column(c.min(kernels - 1)).to_owned()).unwrap();
                            let op = if correlates { ops::correlate } else { ops::convolve };
                            op(&x, &h, &options).unwrap().read_blocking().unwrap().into_dimensionality().unwrap()
                        })
                        .collect();
                    let whole: Vec<_> = whole.iter().map(|row: &ndarray::Array1<f32>| row.view()).collect();
                    let whole = ndarray::stack(Axis(1), &whole).unwrap();
                    let mut out = Array2::zeros(whole.dim());
                    let budget = 4 * columns as u64 * COPIES * (2 * k as u64).next_power_of_two();
                    let stream = StreamOptions { memory_budget: budget, ..StreamOptions::default() };
                    let op = if correlates { correlate_blocking } else { convolve_blocking };
                    op(&context, &mut x.view(), &on_device, &options, &mut out, stream).unwrap();
                    assert_eq!(out, whole, "{options:?} {n}×{channels} {k}×{kernels}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_streamed_is_said() {
    let context = Context::cpu();
    let h = context.upload(&signal(1000, 1)).unwrap();
    let two = context.upload(&signal(4, 2)).unwrap();
    let none = context.upload(&signal(0, 1)).unwrap();
    let complaint = |columns: usize, n: usize, h: &Tensor, memory_budget: u64| {
        let stream = StreamOptions { memory_budget, ..StreamOptions::default() };
        let mut out = Array2::zeros((n + 999, columns));
        let options = ConvolveOptions::default();
        convolve_blocking(&context, &mut signal(n, columns).view(), h, &options, &mut out, stream)
            .unwrap_err()
            .to_string()
    };
    assert!(complaint(1, 10, &h, 10_000).contains("1000 taps of 1 channels need a memory budget of 98304 bytes"));
    assert!(complaint(3, 10, &two, 1 << 20).contains("channels must match"));
    assert!(complaint(1, 10, &none, 1 << 20).contains("neither may be empty"));
    assert!(complaint(1, 0, &h, 1 << 20).contains("neither may be empty"));
}
