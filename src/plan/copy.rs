//! Copies of views into row-major memory.

use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use super::{BufferId, Limits, Pass, Program};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, Layout};

const COPY: ShaderFile = ShaderFile { name: "copy", text: include_str!("../../shaders/copy.wgsl") };
const AXES: usize = 8;

/// Passes that copy a view row-major.
pub(super) fn lower(inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let [input] = inputs else {
        return Err(Error::argument("copy", "inputs", "must be one"));
    };
    let entries = input.layout.len() as u64;
    let bytes = output_bytes("copy", entries, input.element_bytes as u64, limits)?;
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
    let excess = |piece: &Region<AXES>| {
        for strides in [from, to] {
            if window_bytes(bytes, extent(piece, strides), limits) > limits.max_binding_bytes {
                return longest(piece, strides);
            }
        }
        let count = piece.iter().map(length).product::<u64>();
        (count as f64 > limits.max_pass_cost.max(1.0)).then(|| longest(piece, to)).flatten()
    };
    let cut = pieces(whole, [1; AXES], excess).ok_or_else(|| Error::BufferTooLarge {
        op: program.op,
        requested: window_bytes(bytes, 1, limits),
        limit: limits.max_binding_bytes,
        adapter: limits.adapter.clone(),
    })?;
    let tail = Tail::new().alias("Element", element);
    let shader = Arc::new(Shader { file: COPY, tail, math: false, indices_proven: true });
    for piece in cut {
        let first = |strides: [u64; AXES]| piece.iter().zip(strides).map(|(range, s)| range.start * s).sum::<u64>();
        let from_first = layout.offset as u64 + first(from);
        let (read, source_before) = window(source, bytes, from_first, extent(&piece, from), limits);
        let (write, target_before) = window(target, bytes, other.offset as u64 + first(to), extent(&piece, to), limits);
        let count: u64 = piece.iter().map(length).product();
        let (grid, width) = limits.fold(count.div_ceil(64));
        let mut words = Words::new();
        words.u32(width).length(count).u32(source_before).u32(target_before);
        for at in 0..AXES {
            words.length(length(&piece[at])).length(from[at]).length(to[at]).u32(0);
        }
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
