//! Copies of views into row-major memory.

use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use super::stored::HALF_BYTES;
use super::{BufferId, Limits, Pass, Program};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, Layout};

const COPY: ShaderFile = ShaderFile { name: "copy", text: include_str!("../../shaders/copy.wgsl") };
const COPY_HALVES: ShaderFile =
    ShaderFile { name: "copy_halves", text: include_str!("../../shaders/copy_halves.wgsl") };
const AXES: usize = 8;

/// Passes that copy a view row-major.
pub(super) fn lower(inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let [input] = inputs else {
        return Err(Error::argument("copy", "inputs", "must be one"));
    };
    let entries = input.layout.len() as u64;
    let bytes = output_bytes("copy", entries, input.element_bytes as u64, limits)?.next_multiple_of(4);
    let mut program = Program::new("copy", bytes);
    if entries > 0 {
        record(input.layout, input.element_bytes, BufferId::Input(0), BufferId::Output, limits, &mut program)?;
    }
    Ok(program)
}

/// Records the copy of a view that is not empty, row-major from the start of `target`.
pub(super) fn record(
    layout: &Layout,
    element_bytes: usize,
    source: BufferId,
    target: BufferId,
    limits: &Limits,
    program: &mut Program,
) -> Result<()> {
    let dense = Layout::contiguous(&layout.shape);
    record_between((source, layout), (target, &dense), element_bytes, limits, program)
}

/// Records the copy of a view that is not empty to another of the same shape.
pub(super) fn record_between(
    (source, layout): (BufferId, &Layout),
    (target, other): (BufferId, &Layout),
    element_bytes: usize,
    limits: &Limits,
    program: &mut Program,
) -> Result<()> {
    let element = match element_bytes {
        // Words that two rows share need an owner: only what is written without gaps has one for each.
        HALF_BYTES if *other == Layout::contiguous(&other.shape) => "u32",
        4 => "u32",
        8 => "vec2<u32>",
        16 => "vec4<u32>",
        _ => return Err(Error::argument(program.op, "element", format!("of {element_bytes} bytes cannot be copied"))),
    };
    let axes = collapsed_pair(layout, other);
    if axes.len() > AXES {
        return Err(Error::argument(program.op, "rank", format!("{} is above {AXES}", layout.shape.len())));
    }
    let pad = AXES - axes.len();
    let axis = |at: usize| at.checked_sub(pad).and_then(|at| axes.get(at)).copied().unwrap_or((1, 0, 0));
    let from: [u64; AXES] = std::array::from_fn(|at| axis(at).1);
    let to: [u64; AXES] = std::array::from_fn(|at| axis(at).2);
    let whole: Region<AXES> = std::array::from_fn(|at| 0..axis(at).0);
    let bytes = element_bytes as u64;
    let halves = element_bytes == HALF_BYTES;
    let excess = |piece: &Region<AXES>| {
        for strides in [from, to] {
            if window_bytes(bytes, extent(piece, strides), limits) > limits.max_binding_bytes {
                return longest(piece, strides);
            }
        }
        // Of halves, every word between the first and the last is visited.
        let count = if halves { extent(piece, to) } else { piece.iter().map(length).product::<u64>() };
        (count as f64 > limits.max_pass_cost.max(1.0)).then(|| longest(piece, to)).flatten()
    };
    let cut = pieces(whole, [1; AXES], excess).ok_or_else(|| Error::BufferTooLarge {
        op: program.op,
        requested: window_bytes(bytes, 1, limits),
        limit: limits.max_binding_bytes,
        adapter: limits.adapter.clone(),
    })?;
    let (file, tail) = match halves {
        true => (COPY_HALVES, Tail::new()),
        false => (COPY, Tail::new().alias("Element", element)),
    };
    let shader = Arc::new(Shader { file, tail, math: false, indices_proven: true });
    for piece in cut {
        let first = |strides: [u64; AXES]| piece.iter().zip(strides).map(|(range, s)| range.start * s).sum::<u64>();
        let from_first = layout.offset as u64 + first(from);
        let (read, source_before) = window(source, bytes, from_first, extent(&piece, from), limits);
        let (write, target_before) = window(target, bytes, other.offset as u64 + first(to), extent(&piece, to), limits);
        let mut words = Words::new();
        let (count, grid) = if halves {
            let (low, high) = (first(to), first(to) + extent(&piece, to) - 1);
            let count = high / 2 - low / 2 + 1;
            let (grid, width) = limits.fold(count.div_ceil(64));
            words.u32(width).length(count).u32(source_before).u32(target_before / 2).length(low / 2 * 2).align();
            for at in 0..AXES {
                words.length(axis(at).0).length(piece[at].start).length(piece[at].end).length(from[at]);
            }
            (count, grid)
        } else {
            let count: u64 = piece.iter().map(length).product();
            let (grid, width) = limits.fold(count.div_ceil(64));
            words.u32(width).length(count).u32(source_before).u32(target_before);
            for at in 0..AXES {
                words.length(length(&piece[at])).length(from[at]).length(to[at]).u32(0);
            }
            (count, grid)
        };
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![read, write],
            parameters: words.bytes(),
            grid,
            cost: count as f64,
        });
    }
    Ok(())
}

/// Axes as (length, stride, other stride), with neighbours joined where both strides allow it.
fn collapsed_pair(layout: &Layout, other: &Layout) -> Vec<(u64, u64, u64)> {
    let mut axes: Vec<(u64, u64, u64)> = Vec::new();
    for ((&n, &from), &to) in layout.shape.iter().zip(&layout.strides).zip(&other.strides) {
        let (n, from, to) = (n as u64, from as u64, to as u64);
        match axes.last_mut() {
            _ if n == 1 => {}
            Some(last) if last.1 == from * n && last.2 == to * n => *last = (last.0 * n, from, to),
            _ => axes.push((n, from, to)),
        }
    }
    axes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::fft::tests::{assert_sound, tight};

    /// What `copy_halves.wgsl` does, pass by pass.
    fn run_halves(program: &Program, source: &[u16]) -> Vec<u16> {
        let half = |at: usize| source.get(at).copied().unwrap_or(0xdead);
        let mut out = vec![0xbeef; program.output_bytes as usize / 2];
        for pass in &program.passes {
            let words: Vec<u32> = bytemuck::pod_collect_to_vec(&pass.parameters);
            let [read, write] = [0, 1].map(|at| pass.windows[at].offset as usize / 2);
            for number in 0..words[1] {
                for part in 0..2 {
                    let mut rest = words[4] + 2 * number + part;
                    let (mut at, mut inside) = (words[2], true);
                    for axis in words[8..].chunks_exact(4).rev() {
                        let place = rest % axis[0];
                        rest /= axis[0];
                        inside &= (axis[1]..axis[2]).contains(&place);
                        at = at.wrapping_add(place.wrapping_sub(axis[1]).wrapping_mul(axis[3]));
                    }
                    if inside && rest == 0 {
                        out[write + (2 * (words[3] + number) + part) as usize] = half(read + at as usize);
                    }
                }
            }
        }
        out
    }

    #[test]
    fn halves_of_any_view_are_copied_whatever_the_limits() {
        let source: Vec<u16> = (0..30_000).map(|i| (i * 7) as u16).collect();
        let views = [
            Layout { shape: vec![61, 67], strides: vec![1, 61], offset: 5 },
            Layout { shape: vec![67, 61], strides: vec![63, 1], offset: 3 },
            Layout { shape: vec![5, 7, 11], strides: vec![1, 400, 35], offset: 0 },
            Layout { shape: vec![3, 4099], strides: vec![0, 5], offset: 1 },
            Layout { shape: vec![2, 1, 9], strides: vec![9, 9, 2], offset: 2 },
            Layout { shape: vec![1], strides: vec![1], offset: 29_999 },
        ];
        let small = Limits { max_binding_bytes: 2048, offset_alignment: 32, ..tight() };
        for limits in [Limits::webgpu_defaults(), small] {
            for layout in &views {
                let program = lower(&[Input { layout, element_bytes: 2 }], &limits).unwrap();
                assert_sound(&program, &[source.len() as u64 * 2], &limits);
                let out = run_halves(&program, &source);
                for (flat, got) in out.iter().enumerate().take(layout.len()) {
                    let mut rest = flat;
                    let axes = layout.shape.iter().zip(&layout.strides).rev();
                    let at = axes.fold(layout.offset, |at, (n, stride)| {
                        let place = rest % n;
                        rest /= n;
                        at + place * stride
                    });
                    assert_eq!(*got, source[at], "{flat} of {layout:?}");
                }
            }
        }
    }
}
