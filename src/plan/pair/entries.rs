//! One invocation per entry: values of rows with equal numbers, and whole matrices of functions so dear that unrolling
//! them over a tile would only keep the driver's compiler busy.

use std::ops::Range;
use std::sync::Arc;

use super::code::PairCode;
use super::finish::Finish;
use super::pack::Side as PackedSide;
use super::text;
use crate::error::{Error, Result};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, pieces, window, window_bytes};
use crate::plan::stored::loads;
use crate::plan::{BufferId, Limits, Pass, Program, Window, copy};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, Layout};

const ENTRIES: ShaderFile =
    ShaderFile { name: "pair_entries", text: include_str!("../../../shaders/pair_entries.wgsl") };
const INVOCATIONS: u64 = 64;

/// Batches of rows of features of one operand, at one distance from each other.
#[derive(Clone, Copy)]
struct Side {
    buffer: BufferId,
    offset: u64,
    strides: [u64; 3],
}

/// Whether every row of y that a row of x meets, seen by every pass, fits one binding.
pub(super) fn can_see_all_of(y: &Input<'_>, limits: &Limits) -> bool {
    window_bytes(y.element_bytes as u64, reach(y.layout), limits) <= limits.max_binding_bytes
}

/// How far the matrix of one batch reaches.
fn reach(layout: &Layout) -> u64 {
    let last = layout.shape.iter().zip(&layout.strides).rev().take(2);
    last.fold(1, |reach: u64, (n, stride)| {
        reach.saturating_add((n.saturating_sub(1) as u64).saturating_mul(*stride as u64))
    })
}

/// Records the passes that fill `program`'s result, which is not empty: one value per row of two matrices of equal shape
/// where `paired`, else one per row of x and row of y in each batch.
pub(super) fn record(
    code: &PairCode,
    inputs: [&Input<'_>; 2],
    paired: bool,
    limits: &Limits,
    program: &mut Program,
) -> Result<()> {
    let [x, y] = [0, 1].map(|at| PackedSide::of(at, inputs[at]));
    let batches = inputs[0].layout.shape.iter().rev().skip(2).map(|n| *n as u64).product::<u64>();
    let features = inputs[0].layout.shape.last().map_or(0, |d| *d as u64);
    let columns = if paired { 1 } else { y.rows };
    let sides = [side(0, inputs[0], limits, program)?, side(1, inputs[1], limits, program)?];
    let bytes = |elements: u64| window_bytes(4, elements, limits);
    let element_bytes = x.element_bytes as u64;
    let stored = |elements: u64| window_bytes(element_bytes, elements, limits);
    // One slice of one row keeps the loop limit and the binding.
    let furthest = sides.iter().map(|side| side.strides[2]).max().unwrap_or(1).max(1);
    let reach = limits.max_binding_bytes.saturating_sub(limits.offset_alignment) / element_bytes / furthest;
    let most = (u64::from(limits.max_iterations).saturating_sub(64) / 65 * 64).min(reach).max(1);
    let slices = features.div_ceil(most);
    let words = if slices == 1 { 1 } else { code.state.len() as u64 };
    let partials = (slices != 1).then(|| program.temporary(16));

    let mut tail = code
        .tail(loads(Tail::new(), &["x", "y"], x.element_bytes))
        .alias("Word", if slices == 1 { "f32" } else { "u32" });
    tail = tail.code(&code.feature_weight(4));
    tail = match slices {
        1 => tail.code(text::EMIT_VALUE).code(&code.entry_value(false, 5)),
        _ => tail.code(&code.emit_state()),
    };
    let shader = Arc::new(Shader { file: ENTRIES, tail, math: code.math, indices_proven: code.trusted });
    let weights = code.weights_constant(program);

    let out = [x.rows * columns, columns];
    // Paired rows of y step with x's; otherwise every pass sees all rows of its batches, and columns step through them.
    let seen = |moves: bool, piece: &Region<2>, features: Range<u64>| -> Region<3> {
        [piece[0].clone(), if moves { piece[1].clone() } else { 0..y.rows }, features]
    };
    let pair_cost = code.pair_cost(most.min(features));
    let excess = |piece: &Region<2>| {
        let slice = 0..most.min(features).max(1);
        let moving = sides.iter().zip([true, paired]);
        let largest =
            moving.map(|(side, moves)| stored(extent(&seen(moves, piece, slice.clone()), side.strides))).max();
        let count = length(&piece[0]) * length(&piece[1]) * columns;
        let largest = largest.max(Some(bytes(extent(piece, out) + columns - 1)));
        let largest = largest.max(Some(bytes(count * words * slices.max(1))));
        let dear = count as f64 * pair_cost > limits.max_pass_cost && length(&piece[0]) * length(&piece[1]) > 1;
        let axis = usize::from(length(&piece[0]) == 1);
        (dear || largest > Some(limits.max_binding_bytes)).then_some(axis)
    };
    let grain = [1, if paired { INVOCATIONS } else { 1 }];
    let cut = pieces([0..batches, 0..x.rows], grain, excess).ok_or_else(|| Error::BufferTooLarge {
        op: program.op,
        requested: bytes(words * slices),
        limit: limits.max_binding_bytes,
        adapter: limits.adapter.clone(),
    })?;
    for piece in cut {
        let of_batch = length(&piece[1]) * columns;
        let count = length(&piece[0]) * of_batch;
        let first_entry = piece[0].start * out[0] + piece[1].start * out[1];
        let (result, before) = window(BufferId::Output, 4, first_entry, extent(&piece, out) + columns - 1, limits);
        let states = partials.map(|buffer| Window { buffer, offset: 0, bytes: (count * words * slices * 4).max(16) });
        for slice in 0..slices {
            let part = slice * most..((slice + 1) * most).min(features);
            let (target, first) = match states {
                Some(states) => (states, (slice * count * words) as u32),
                None => (result, before),
            };
            let weights = weights.map(|table| code.weights_window(table, &part, limits));
            let (grid, width) = limits.fold(count.div_ceil(INVOCATIONS));
            let mut parameters = Words::new();
            parameters.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(count);
            parameters.length(length(&part)).u32(weights.map_or(0, |(_, before)| before));
            let mut windows = Vec::new();
            for (side, moves) in sides.into_iter().zip([true, paired]) {
                let region = seen(moves, &piece, part.clone());
                let start = region.iter().zip(side.strides).map(|(range, stride)| range.start * stride).sum::<u64>();
                let (view, before) =
                    window(side.buffer, element_bytes, side.offset + start, extent(&region, side.strides), limits);
                windows.push(view);
                let row = if moves { side.strides[1] } else { 0 };
                parameters.u32(before).length(row).length(side.strides[2]);
            }
            windows.push(target);
            windows.extend(weights.map(|(view, _)| view));
            let y_column = if paired { 0 } else { sides[1].strides[1] };
            let out_batch = if states.is_some() { of_batch * words } else { out[0] };
            parameters.u32(first).length(words).length(columns).length(y_column);
            parameters
                .length(of_batch)
                .length(sides[0].strides[0])
                .length(sides[1].strides[0])
                .length(out_batch)
                .align();
            code.value_words(&mut parameters);
            program.passes.push(Pass {
                shader: Arc::clone(&shader),
                windows,
                parameters: parameters.bytes(),
                grid,
                cost: count as f64 * code.pair_cost(length(&part)),
            });
        }
        if let Some(states) = states {
            super::reserve(program, states.buffer, states.bytes);
            let finish = Finish {
                partials: (states, 0, count * words, [of_batch * words, 0, words]),
                slices,
                counts: [length(&piece[0]), 1, of_batch],
                out: (result, before, [out[0], 0, 1]),
                addend: None,
            };
            program.passes.push(finish.pass(code, limits));
        }
    }
    Ok(())
}

/// An operand whose batches lie at one distance and whose rows can be cut until they fit a binding: another one, or a
/// view whose features lie far apart, is copied first.
fn side(index: usize, input: &Input<'_>, limits: &Limits, program: &mut Program) -> Result<Side> {
    let layout = input.layout;
    let PackedSide { buffer, element_bytes, axes, offset, rows, row_stride, feature_stride } =
        PackedSide::of(index, input);
    let features = layout.shape.last().map_or(0, |d| *d as u64);
    let scattered = feature_stride > 1 && row_stride < feature_stride.saturating_mul(features);
    let far = scattered && window_bytes(element_bytes as u64, reach(layout), limits) > limits.max_binding_bytes;
    if (far || axes.len() > 1) && !layout.is_empty() {
        let target = program.temporary((layout.len() as u64 * element_bytes as u64).next_multiple_of(4));
        copy::record(layout, element_bytes, buffer, target, limits, program)?;
        return Ok(Side { buffer: target, offset: 0, strides: [rows * features, features, 1] });
    }
    let batch = axes.first().map_or(0, |(_, stride)| *stride);
    Ok(Side { buffer, offset, strides: [batch, row_stride, feature_stride] })
}
