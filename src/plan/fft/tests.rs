#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::{FftChoices, lower};
use crate::plan::{BufferId, Limits, Program};
use crate::shader::{BindingKind, Interface, compile};
use crate::work::{FftKind, FftWork, Input, Layout};

thread_local! {
    /// Shaders that were compiled before, by their text.
    static COMPILED: RefCell<HashMap<String, Rc<Interface>>> = RefCell::default();
}

/// Limits so small that everything has to be split.
pub(in crate::plan) fn tight() -> Limits {
    Limits {
        max_binding_bytes: 70_000,
        max_workgroups: 60,
        max_pass_cost: 3e5,
        max_iterations: 1000,
        ..Limits::webgpu_defaults()
    }
}

/// Every pass binds aligned windows inside their buffers, never one buffer for reading and for writing, in a grid
/// that the device takes, and its shader compiles, asks for that many windows and fits the device.
pub(in crate::plan) fn assert_sound(program: &Program, inputs: &[u64], limits: &Limits) {
    let size = |buffer| match buffer {
        BufferId::Input(n) => inputs[n],
        BufferId::Output => program.output_bytes,
        BufferId::Temporary(n) => program.temporaries[n],
        BufferId::Constant(n) => program.constants[n].bytes.len() as u64,
    };
    for pass in &program.passes {
        for window in &pass.windows {
            assert_eq!(window.offset % limits.offset_alignment, 0, "{window:?}");
            assert!(window.bytes > 0 && window.bytes <= limits.max_binding_bytes, "{window:?}");
            assert!(window.offset + window.bytes <= size(window.buffer), "{window:?} of {}", size(window.buffer));
        }
        assert!(pass.grid.iter().all(|&n| n > 0 && n <= limits.max_workgroups), "{:?}", pass.grid);
        let interface = COMPILED.with_borrow_mut(|compiled| {
            let compiled = compiled.entry(pass.shader.text());
            Rc::clone(compiled.or_insert_with(|| Rc::new(compile(&pass.shader).unwrap().interface)))
        });
        interface.check(limits).unwrap();
        assert!(limits.int64 || !interface.uses_int64);
        assert_eq!(interface.bindings.len(), pass.windows.len() + 1);
        assert_eq!(pass.parameters.len() % 16, 0);
        assert!(pass.parameters.len() >= interface.parameter_bytes as usize);
        for (window, kind) in pass.windows.iter().zip(&interface.bindings[1..]) {
            if *kind == BindingKind::StorageReadWrite {
                assert_eq!(pass.windows.iter().filter(|other| other.buffer == window.buffer).count(), 1);
            }
        }
    }
}

#[test]
fn passes_stay_inside_their_buffers() {
    let limits = Limits { int64: true, ..tight() };
    let two_passes = FftChoices { longest_line: 64, ..FftChoices::default() };
    // Up to five.
    let butterflies =
        FftChoices { longest_line: 13, largest_radix: 13, single_butterflies: true, words: true, ..two_passes.clone() };
    let rolled = two_passes.for_points(0);
    let lengths = [1, 2, 17, 64, 100, 127, 2048];
    let wide = FftChoices { words: true, ..rolled.clone() };
    let chirps = FftChoices { longest_line: 30, single_chirps: usize::MAX, across_lines: true, ..two_passes.clone() };
    let shapes = [&two_passes, &butterflies, &rolled, &wide, &chirps];
    for (length, choices) in lengths.into_iter().flat_map(|length| shapes.map(|choices| (length, choices))) {
        let stored = [(FftKind::Complex, 8), (FftKind::RealToHalf, 4), (FftKind::HalfToReal, 8)];
        for (kind, number) in stored.into_iter().flat_map(|(kind, bytes)| [(kind, bytes), (kind, bytes / 2)]) {
            for given in [length, length / 2 + 1, length + 3] {
                let shape = [40, given, 3];
                let transposed = Layout { shape: shape.to_vec(), strides: vec![1, 120, 40], offset: 0 };
                for layout in [Layout::contiguous(&shape), transposed] {
                    let work = FftWork { op: "fft", kind, axis: 1, length, inverse: length % 2 == 0, scale: 1.0 };
                    let input = Input { layout: &layout, element_bytes: number };
                    let bytes = (layout.end() * number).next_multiple_of(4) as u64;
                    // Lines of the transposed layout reach across all of it, further than one binding sees.
                    let program = lower(&work, &[input], &limits, choices).unwrap();
                    assert_sound(&program, &[bytes], &limits);
                    for pass in program.passes.iter().filter(|pass| pass.shader.file.name == "fft_lines") {
                        assert_eq!(pass.shader.text().contains("alias Word = u64;"), choices.words);
                    }
                    if kind != FftKind::HalfToReal {
                        let taper = Layout { offset: 3, ..Layout::contiguous(&[given.min(length)]) };
                        let inputs = [input, Input { layout: &taper, element_bytes: 4 }];
                        let program = lower(&work, &inputs, &limits, choices).unwrap();
                        assert_sound(&program, &[bytes, 4 * taper.end() as u64], &limits);
                    }
                }
            }
        }
    }
}

/// 127 points by way of 256, in two passes of 16: half of the first one's entries and of the last one's results are padding.
#[test]
fn what_bluestein_s_algorithm_pads_is_neither_read_nor_stored() {
    let choices = FftChoices { longest_line: 64, ..FftChoices::default() };
    let layout = Layout::contiguous(&[40, 127]);
    let work = FftWork { op: "fft", kind: FftKind::Complex, axis: 1, length: 127, inverse: false, scale: 1.0 };
    let input = Input { layout: &layout, element_bytes: 8 };
    let program = lower(&work, &[input], &Limits::webgpu_defaults(), &choices).unwrap();
    let calls = |call: &str| -> Vec<usize> {
        program.passes.iter().map(|pass| pass.shader.text().matches(call).count()).collect()
    };
    assert_eq!(calls(" = load(line, "), [8, 16, 16]);
    assert_eq!(calls(" store(line, "), [16, 16, 8]);
}

#[test]
fn an_output_that_is_all_result_holds_what_lies_between_passes() {
    let choices = FftChoices { longest_line: 16, single_butterflies: true, ..FftChoices::default() };
    for (length, temporaries) in [(256, 1), (4096, 1), (65_536, 1), (251, 2)] {
        let layout = Layout::contiguous(&[3, length]);
        let work = FftWork { op: "fft", kind: FftKind::Complex, axis: 1, length, inverse: false, scale: 1.0 };
        let input = Input { layout: &layout, element_bytes: 8 };
        let program = lower(&work, &[input], &Limits::webgpu_defaults(), &choices).unwrap();
        assert_eq!(program.temporaries.len(), temporaries, "{length}");
        assert_sound(&program, &[8 * 3 * length as u64], &Limits::webgpu_defaults());
    }
}

#[test]
fn a_line_longer_than_a_binding_stays_inside_its_buffers() {
    for (shape, axis) in [(vec![1 << 16], 0), (vec![2, 50_000], 1), (vec![30_000, 3], 0)] {
        for (element_bytes, inverse) in [(8, false), (4, true)] {
            let layout = Layout::contiguous(&shape);
            let length = shape[axis];
            let work = FftWork { op: "fft", kind: FftKind::Complex, axis, length, inverse, scale: 1.0 };
            let input = Input { layout: &layout, element_bytes };
            let program = lower(&work, &[input], &tight(), &FftChoices::default()).unwrap();
            assert_sound(&program, &[(layout.end() * element_bytes) as u64], &tight());
        }
    }
}

#[test]
fn a_line_that_no_binding_holds_is_refused() {
    let layout = Layout::contiguous(&[65_537]);
    let work = FftWork { op: "fft", kind: FftKind::Complex, axis: 0, length: 65_537, inverse: false, scale: 1.0 };
    let input = Input { layout: &layout, element_bytes: 8 };
    let error = lower(&work, &[input], &tight(), &FftChoices::default()).unwrap_err();
    assert!(error.to_string().contains("70000 bytes"), "{error}");
}
