//! Parts of matrices that are their own transpose.

use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, length, pieces, window, window_bytes};
use super::{BufferId, Limits, Pass, Program};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, Part, SymmetricWork};

const SYMMETRIC: ShaderFile = ShaderFile { name: "symmetric", text: include_str!("../../shaders/symmetric.wgsl") };

/// Passes that copy the part.
pub(super) fn lower(work: &SymmetricWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    let condensed = work.part == Part::Condensed;
    let shape = inputs.first().filter(|input| input.layout.is_contiguous()).map(|input| &input.layout.shape[..]);
    let (Some(matrix), Some([axes @ .., n, m])) = (inputs.first(), shape) else {
        return Err(Error::argument(op, "matrix", "must be square and without gaps"));
    };
    if n != m || (condensed && !axes.is_empty()) {
        return Err(Error::argument(op, "matrix", "must be square, and one where it is condensed"));
    }
    let n = *n as u64;
    let all = axes.iter().fold(n, |all: u64, n| all.saturating_mul(*n as u64));
    // Entries of the result before row i.
    let before = |i: u64| if condensed { i * n - i * (i + 1) / 2 } else { i.saturating_mul(n) };
    let mut program = Program::new(op, output_bytes(op, before(all), 4, limits)?);
    if before(all) == 0 {
        return Ok(program);
    }
    let excess = |piece: &Region<1>| {
        let entries = length(&piece[0]) * n;
        let dear = length(&piece[0]) > 1 && entries as f64 > limits.max_pass_cost;
        (dear || window_bytes(4, entries, limits) > limits.max_binding_bytes).then_some(0)
    };
    let rows = if condensed { n - 1 } else { all };
    let cut = pieces([0..rows], [1], excess).ok_or_else(|| Error::BufferTooLarge {
        op,
        requested: window_bytes(4, n, limits),
        limit: limits.max_binding_bytes,
        adapter: limits.adapter.clone(),
    })?;
    let tail = Tail::new().flag("CONDENSED", condensed);
    let shader = Arc::new(Shader { file: SYMMETRIC, tail, math: false, indices_proven: true });
    for [rows] in cut {
        let count = length(&rows) * n;
        let first = matrix.layout.offset as u64 + rows.start * n;
        let (read, matrix_before) = window(BufferId::Input(0), 4, first, count, limits);
        let entries = before(rows.end) - before(rows.start);
        let (write, out_before) = window(BufferId::Output, 4, before(rows.start), entries, limits);
        let (grid, width) = limits.fold(count.div_ceil(64));
        let mut words = Words::new();
        words.u32(width).length(count).length(n).length(rows.start).u32(matrix_before).u32(out_before).u32(0).u32(0);
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![read, write],
            parameters: words.bytes(),
            grid,
            cost: count as f64,
        });
    }
    Ok(program)
}
