//! One invocation per entry: values of rows with equal numbers, and whole matrices of functions so dear that unrolling
//! them over a tile would only keep the driver's compiler busy.

use std::sync::Arc;

use super::code::PairCode;
use super::finish::Finish;
use super::text;
use crate::error::{Error, Result};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, pieces, window, window_bytes};
use crate::plan::{BufferId, Limits, Pass, Program, Window, copy};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::Layout;

const ENTRIES: ShaderFile =
    ShaderFile { name: "pair_entries", text: include_str!("../../../shaders/pair_entries.wgsl") };
const INVOCATIONS: u64 = 64;

/// Rows and features of one operand.
#[derive(Clone, Copy)]
struct Side {
    buffer: BufferId,
    offset: u64,
    strides: [u64; 2],
}

/// Whether every row of y, seen by every pass, fits one binding.
pub(super) fn can_see_all_of(y: &Layout, limits: &Limits) -> bool {
    window_bytes(4, y.end().saturating_sub(y.offset) as u64, limits) <= limits.max_binding_bytes
}

/// Records the passes that fill `program`'s result: one value per row of matrices of equal shape where `paired`, else one
/// per row of x and row of y.
pub(super) fn record(
    code: &PairCode,
    layouts: [&Layout; 2],
    paired: bool,
    limits: &Limits,
    program: &mut Program,
) -> Result<()> {
    let (rows, features) = (layouts[0].shape[0] as u64, layouts[0].shape[1] as u64);
    let columns = if paired { 1 } else { layouts[1].shape[0] as u64 };
    let sides = [side(0, layouts[0], limits, program)?, side(1, layouts[1], limits, program)?];
    let bytes = |elements: u64| window_bytes(4, elements, limits);
    // One slice of one row keeps the loop limit and the binding.
    let furthest = sides.iter().map(|side| side.strides[1]).max().unwrap_or(1).max(1);
    let reach = limits.max_binding_bytes.saturating_sub(limits.offset_alignment) / 4 / furthest;
    let most = (u64::from(limits.max_iterations).saturating_sub(64) / 65 * 64).min(reach).max(1);
    let slices = features.div_ceil(most);
    let words = if slices == 1 { 1 } else { code.state.len() as u64 };
    let partials = (slices != 1).then(|| program.temporary(16));

    let mut tail = code.tail(Tail::new()).alias("Word", if slices == 1 { "f32" } else { "u32" });
    tail = tail.code(&code.feature_weight(4));
    tail = match slices {
        1 => tail.code(text::EMIT_VALUE).code(&code.entry_value(false, 5)),
        _ => tail.code(&code.emit_state()),
    };
    let shader = Arc::new(Shader { file: ENTRIES, tail, math: code.math, indices_proven: code.trusted });
    let weights = code.weights_constant(program);

    let excess = |piece: &Region<1>| {
        let slice: Region<2> = [piece[0].clone(), 0..most.min(features).max(1)];
        let moving = if paired { &sides[..] } else { &sides[..1] };
        let largest = moving.iter().map(|side| bytes(extent(&slice, side.strides))).max();
        let count = length(&piece[0]) * columns;
        let largest = largest.max(Some(bytes(count * words * slices.max(1))));
        let cost = count as f64 * most.min(features) as f64 * code.cost;
        let dear = cost > limits.max_pass_cost && length(&piece[0]) > 1;
        (dear || largest > Some(limits.max_binding_bytes)).then_some(0)
    };
    let cut =
        pieces([0..rows], [if paired { INVOCATIONS } else { 1 }], excess).ok_or_else(|| Error::BufferTooLarge {
            op: program.op,
            requested: bytes(words * slices),
            limit: limits.max_binding_bytes,
            adapter: limits.adapter.clone(),
        })?;
    for [range] in cut {
        let count = length(&range) * columns;
        let (result, before) = window(BufferId::Output, 4, range.start * columns, count, limits);
        let states = partials.map(|buffer| Window { buffer, offset: 0, bytes: (count * words * slices * 4).max(16) });
        for slice in 0..slices {
            let part: Region<2> = [range.clone(), slice * most..((slice + 1) * most).min(features)];
            let (target, first) = match states {
                Some(states) => (states, (slice * count * words) as u32),
                None => (result, before),
            };
            let weights = weights.map(|table| code.weights_window(table, &part[1], limits));
            let (grid, width) = limits.fold(count.div_ceil(INVOCATIONS));
            let mut parameters = Words::new();
            parameters.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(count);
            parameters.length(length(&part[1])).u32(weights.map_or(0, |(_, before)| before));
            let mut windows = Vec::new();
            // Paired rows of y step with x's; otherwise every pass sees all of y, and columns step through it.
            let all: Region<2> = [0..layouts[1].shape[0] as u64, part[1].clone()];
            let steps_with_rows = [true, paired];
            for (side, steps) in sides.into_iter().zip(steps_with_rows) {
                let seen = if steps { &part } else { &all };
                let start = side.offset + seen[0].start * side.strides[0] + seen[1].start * side.strides[1];
                let (view, before) = window(side.buffer, 4, start, extent(seen, side.strides), limits);
                windows.push(view);
                let row = if steps { side.strides[0] } else { 0 };
                parameters.u32(before).length(row).length(side.strides[1]);
            }
            windows.push(target);
            windows.extend(weights.map(|(view, _)| view));
            let y_column = if paired { 0 } else { sides[1].strides[0] };
            parameters.u32(first).length(words).length(columns).length(y_column).align();
            code.value_words(&mut parameters);
            program.passes.push(Pass {
                shader: Arc::clone(&shader),
                windows,
                parameters: parameters.bytes(),
                grid,
                cost: count as f64 * length(&part[1]) as f64 * code.cost,
            });
        }
        if let Some(states) = states {
            super::reserve(program, states.buffer, states.bytes);
            let finish = Finish {
                partials: (states, 0, count * words, [0, 0, words]),
                slices,
                counts: [1, 1, count],
                out: (result, before, [0, 0, 1]),
                addend: None,
            };
            program.passes.push(finish.pass(code, limits));
        }
    }
    Ok(())
}

/// An operand whose rows can be cut until they fit a binding: a view whose features lie far apart is copied first.
fn side(index: usize, layout: &Layout, limits: &Limits, program: &mut Program) -> Result<Side> {
    let buffer = BufferId::Input(index);
    let (shape, strides) = (&layout.shape, &layout.strides);
    let reach = (layout.end().saturating_sub(layout.offset) as u64).saturating_mul(4);
    let scattered = strides[1] > 1 && strides[0] < strides[1].saturating_mul(shape[1]);
    if scattered && reach + limits.offset_alignment > limits.max_binding_bytes {
        let target = program.temporary(layout.len() as u64 * 4);
        copy::record(layout, 4, buffer, target, limits, program)?;
        return Ok(Side { buffer: target, offset: 0, strides: [shape[1] as u64, 1] });
    }
    Ok(Side { buffer, offset: layout.offset as u64, strides: [strides[0] as u64, strides[1] as u64] })
}
