#![allow(clippy::unwrap_used)]

use super::{Geometry, lower};
use crate::plan::fft::FftChoices;
use crate::plan::fft::tests::{assert_sound, tight};
use crate::work::{ConvolveWork, Input, Layout, Method, Mode};

const WORK: ConvolveWork = ConvolveWork {
    op: "convolve",
    rank: 1,
    correlate: false,
    circular: false,
    mode: Mode::Full,
    method: Method::Auto,
    complex: false,
};

/// SciPy's three modes: length and first entry within the full convolution.
#[test]
fn modes_keep_what_scipy_keeps() {
    let kept = |n: usize, k: usize, mode| {
        let geometry =
            Geometry::of(&ConvolveWork { mode, ..WORK }, &Layout::contiguous(&[n]), &Layout::contiguous(&[k])).unwrap();
        (geometry.axes[0].result, geometry.axes[0].start)
    };
    assert_eq!(kept(10, 4, Mode::Full), (13, 0));
    assert_eq!(kept(10, 4, Mode::Same), (10, 1));
    assert_eq!(kept(10, 5, Mode::Same), (10, 2));
    assert_eq!(kept(10, 4, Mode::Valid), (7, 3));
    assert_eq!(kept(4, 10, Mode::Valid), (7, 3));
    assert_eq!(kept(0, 4, Mode::Full), (0, 0));
}

#[test]
fn batches_must_agree() {
    let (signal, kernel) = (Layout::contiguous(&[3, 10]), Layout::contiguous(&[2, 4]));
    let error = Geometry::of(&WORK, &signal, &kernel).unwrap_err();
    assert!(error.to_string().contains("[3, 10]"), "{error}");
    assert!(Geometry::of(&WORK, &signal, &Layout::contiguous(&[4])).unwrap().one_kernel);
}

#[test]
fn passes_stay_inside_their_buffers() {
    let limits = tight();
    let choices = FftChoices::default();
    for method in [Method::Direct, Method::Fft, Method::Auto] {
        for (complex, bytes) in [(false, 4), (true, 8)] {
            for correlate in [false, true] {
                for (circular, mode) in
                    [(true, Mode::Full), (false, Mode::Full), (false, Mode::Same), (false, Mode::Valid)]
                {
                    for (signal, kernel, rank) in [
                        (vec![60, 300], vec![60, 5], 1),
                        (vec![60, 300], vec![7], 1),
                        (vec![2000], vec![1500], 1),
                        (vec![5, 20, 30], vec![3, 4], 2),
                        (vec![6, 7, 8], vec![3, 2, 4], 3),
                    ] {
                        let (x, h) = (Layout::contiguous(&signal), Layout::contiguous(&kernel));
                        let inputs =
                            [Input { layout: &x, element_bytes: bytes }, Input { layout: &h, element_bytes: bytes }];
                        let work = ConvolveWork { rank, correlate, circular, mode, method, complex, ..WORK };
                        let program = lower(&work, &inputs, &limits, &choices).unwrap();
                        assert_sound(&program, &[(x.end() * bytes) as u64, (h.end() * bytes) as u64], &limits);
                    }
                }
            }
        }
    }
}
