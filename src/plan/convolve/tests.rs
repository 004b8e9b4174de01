#![allow(clippy::unwrap_used, clippy::panic)]

use super::{Geometry, choose, lower, recipe};
use crate::error::{Error, Result};
use crate::plan::Limits;
use crate::plan::fft::FftChoices;
use crate::plan::fft::tests::{assert_sound, tight};
use crate::work::{ConvolveAlgorithm, ConvolveReason, ConvolveWork, Input, Layout, Method, Mode};

const WORK: ConvolveWork = ConvolveWork {
    op: "convolve",
    rank: 1,
    correlate: false,
    circular: false,
    mode: Mode::Full,
    method: Method::Auto,
    complex: false,
};

fn geometry(work: &ConvolveWork, signal: &[usize], kernel: &[usize]) -> Result<Geometry> {
    let [signal, kernel] = [signal, kernel].map(Layout::contiguous);
    let [signal, kernel] = [&signal, &kernel].map(|layout| Input { layout, element_bytes: 4 });
    Geometry::of(work, [&signal, &kernel])
}

/// What is chosen for shapes that leave no doubt, and in which words.
#[test]
fn recipes_say_what_is_done() {
    let limits = Limits::webgpu_defaults();
    let of = |work: &ConvolveWork, signal: &[usize], kernel: &[usize]| {
        choose(work, &geometry(work, signal, kernel).unwrap(), &limits, &FftChoices::default()).unwrap()
    };
    let short = of(&WORK, &[4096], &[5]);
    assert_eq!((&short.algorithm, short.reason), (&ConvolveAlgorithm::Direct { taps: 5 }, ConvolveReason::Cheapest));
    assert_eq!(short.candidates.len(), 3);
    assert!(short.to_string().starts_with("direct sum of 5 products (the cheapest by estimate; "), "{short}");
    let long = of(&WORK, &[1 << 20], &[501]);
    let ConvolveAlgorithm::OverlapSave { length, step, count } = long.algorithm else { panic!("{long}") };
    assert!(step == length - 500 && (count - 1) * step < (1 << 20) + 500 && count * step >= (1 << 20) + 500, "{long}");
    // Half as many complex numbers fit a workgroup where the lines themselves would not.
    let each = of(&ConvolveWork { circular: true, ..WORK }, &[256, 4096], &[256, 4096]);
    assert_eq!(each.algorithm, ConvolveAlgorithm::OverlapSave { length: 4096, step: 4096, count: 1 });
    let plane = of(&ConvolveWork { rank: 2, ..WORK }, &[200, 200], &[57, 57]);
    assert_eq!(plane.algorithm, ConvolveAlgorithm::Transforms { lengths: vec![256, 256] });
    let asked = of(&ConvolveWork { method: Method::Direct, ..WORK }, &[1 << 20], &[501]);
    assert_eq!((asked.algorithm, asked.reason), (ConvolveAlgorithm::Direct { taps: 501 }, ConvolveReason::AskedFor));
    let around = of(&ConvolveWork { circular: true, method: Method::Fft, ..WORK }, &[7], &[9]);
    assert_eq!((around.algorithm, around.reason), (ConvolveAlgorithm::Direct { taps: 9 }, ConvolveReason::WrapsTwice));
    let work = ConvolveWork { method: Method::Fft, ..WORK };
    let huge = choose(&work, &geometry(&work, &[1 << 27], &[9]).unwrap(), &limits, &FftChoices::default());
    assert!(huge.is_ok_and(|recipe| matches!(recipe.algorithm, ConvolveAlgorithm::OverlapSave { .. })));
}

#[test]
fn what_no_buffer_holds_has_no_recipe() {
    let layouts = [&[1 << 27][..], &[9]].map(Layout::contiguous);
    let [signal, kernel] = [&layouts[0], &layouts[1]].map(|layout| Input { layout, element_bytes: 4 });
    let refused = recipe(&WORK, [&signal, &kernel], &Limits::webgpu_defaults(), &FftChoices::default()).unwrap_err();
    assert!(
        matches!(refused, Error::BufferTooLarge { requested, .. } if requested == ((1 << 27) + 8) * 4),
        "{refused}"
    );
}

#[test]
fn batches_must_agree() {
    let error = geometry(&WORK, &[3, 10], &[2, 4]).unwrap_err();
    assert!(error.to_string().contains("[3, 10]"), "{error}");
    assert!(geometry(&WORK, &[3, 10], &[4]).unwrap().one_kernel);
}

#[test]
fn passes_stay_inside_their_buffers() {
    let limits = tight();
    let choices = FftChoices::default();
    for method in [Method::Direct, Method::Fft, Method::Auto] {
        for (complex, bytes) in [(false, 4), (true, 8), (false, 2), (true, 4)] {
            for correlate in [false, true] {
                for (circular, mode) in
                    [(true, Mode::Full), (false, Mode::Full), (false, Mode::Same), (false, Mode::Valid)]
                {
                    for (signal, kernel, rank) in [
                        (vec![60, 300], vec![60, 5], 1),
                        (vec![60, 300], vec![7], 1),
                        (vec![3, 81], vec![3, 40], 1),
                        (vec![2001], vec![1501], 1),
                        (vec![5, 20, 30], vec![3, 4], 2),
                        (vec![6, 7, 8], vec![3, 2, 4], 3),
                    ] {
                        let (x, h) = (Layout::contiguous(&signal), Layout::contiguous(&kernel));
                        let inputs =
                            [Input { layout: &x, element_bytes: bytes }, Input { layout: &h, element_bytes: bytes }];
                        let work = ConvolveWork { rank, correlate, circular, mode, method, complex, ..WORK };
                        let program = lower(&work, &inputs, &limits, &choices).unwrap();
                        let sizes = [x, h].map(|layout| (layout.end() * bytes).next_multiple_of(4) as u64);
                        assert_sound(&program, &sizes, &limits);
                    }
                }
            }
        }
    }
}
