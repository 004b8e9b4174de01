#![allow(clippy::unwrap_used)]

use super::lower;
use crate::expr::Expr;
use crate::plan::fft::FftChoices;
use crate::plan::fft::tests::{assert_sound, tight};
use crate::plan::{DeviceKind, Limits};
use crate::work::{ConvMethod, ConvWork, Input, Layout, WindowAxis};

/// Work on x of this shape by filters of that one, as `ops` would make it.
fn work(
    x: &[usize],
    w: &[usize],
    stride: usize,
    dilation: usize,
    pad: usize,
    groups: usize,
    transposed: bool,
) -> ConvWork {
    let axes = x[2..].iter().zip(&w[2..]).map(|(length, taps)| {
        let reach = (taps - 1) * dilation + 1;
        let outputs = match transposed {
            true => (length - 1) * stride + reach - 2 * pad,
            false => (length + 2 * pad - reach) / stride + 1,
        };
        WindowAxis { taps: *taps, stride, dilation, before: pad, after: pad, outputs }
    });
    let axes = axes.collect();
    let activation = Some(Expr::variable(0).positive_part() * Expr::parameter(0.5));
    ConvWork { op: "conv", axes, groups, transposed, bias: true, activation, method: ConvMethod::Auto }
}

#[test]
fn passes_stay_inside_their_buffers() {
    let software = |subgroup_size| Limits { kind: DeviceKind::Software, subgroup_size, ..tight() };
    for limits in [tight(), software(Some(8)), software(None), Limits { compiles_slowly: true, ..software(Some(4)) }] {
        for method in [ConvMethod::Auto, ConvMethod::Direct, ConvMethod::ImplicitGemm] {
            for (x, w, stride, dilation, pad, groups, transposed) in [
                (&[2, 3, 50][..], &[4, 3, 3][..], 1, 1, 1, 1, false),
                (&[1, 2, 3000], &[3, 1, 129], 1, 1, 64, 2, false),
                (&[2, 12, 33, 34], &[6, 4, 3, 3], 2, 1, 1, 3, false),
                (&[1, 8, 40, 40], &[8, 1, 7, 7], 1, 1, 3, 8, false),
                (&[3, 40, 7, 7], &[70, 40, 1, 1], 1, 1, 0, 1, false),
                (&[1, 4, 9, 8, 7], &[6, 2, 3, 3, 3], 1, 2, 2, 2, false),
                (&[2, 8, 7, 11], &[8, 3, 3, 5], 3, 2, 1, 4, true),
                (&[1, 4, 20, 20], &[4, 4, 3, 3], 1, 1, 1, 1, true),
            ] {
                let of_filters = if transposed { w[1] * groups } else { w[0] };
                for bytes in [4, 2] {
                    let (x, w, bias) =
                        (Layout::contiguous(x), Layout::contiguous(w), Layout::contiguous(&[of_filters]));
                    let inputs = [(&x, bytes), (&w, bytes), (&bias, 4)]
                        .map(|(layout, element_bytes)| Input { layout, element_bytes });
                    let work =
                        ConvWork { method, ..work(&x.shape, &w.shape, stride, dilation, pad, groups, transposed) };
                    let program = lower(&work, &inputs, &limits, &FftChoices::default()).unwrap();
                    let sizes =
                        inputs.map(|input| ((input.layout.len() * input.element_bytes) as u64).next_multiple_of(4));
                    assert!(!program.passes.is_empty());
                    assert_sound(&program, &sizes, &limits);
                }
            }
        }
    }
}
