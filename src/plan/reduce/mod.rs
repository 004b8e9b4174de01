//! Reductions of a pair function over the rows of y: the matrix of its values is never stored.

mod finish;
mod fold;
mod mask;
mod passes;
mod rows;
mod scheme;
mod take;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use super::choices::{Choices, Tile};
use super::lower::output_bytes;
use super::pair::{DEAR, DEAR_END, Side, code_of, matrices};
use super::pieces::collapsed;
use super::{BufferId, Limits, Program, Window, copy};
use crate::error::{Error, Result};
use crate::work::{BlockRanges, Input, Layout, ReduceWork, Reduction};
use fold::Fold;
use rows::Walk;
use scheme::{BLOCK_ROWS, Buffers, Matrix, Scheme, Span};

/// Features up to which the own rows stay in registers.
const RESIDENT: u64 = 8;
/// Rough number of operations that a panel may unroll.
const UNROLLED_COST: f64 = 8000.0;
/// Terms of all sums together up to which a shape counts as small: it takes any tile less time than a driver takes for a
/// longer shader.
const SMALL: u64 = 1 << 17;

/// Passes of `out[i] = reduce over j of f(x[i], y[j])`.
pub(super) fn lower(work: &ReduceWork, inputs: &[Input<'_>], limits: &Limits, choices: &Choices) -> Result<Program> {
    let shape = Shape::of(work, inputs)?;
    let op = work.op;
    let entries = [shape.batches, shape.n, shape.width()].iter().fold(1, |all: u64, n| all.saturating_mul(*n));
    let parts = if matches!(work.reduction, Reduction::Extreme { .. }) { 2 } else { 1 };
    let mut program = Program::new(op, output_bytes(op, entries.saturating_mul(parts), 4, limits)?);
    if entries == 0 {
        return Ok(program);
    }
    let mut code = code_of(&work.function);
    code.math = true;
    let side = |index: usize| Side::of(index, &inputs[index]);
    let values = work.reduction.has_values().then(|| side(2));
    let bias = match work.mask.bias {
        Some(_) => {
            let index = 2 + usize::from(values.is_some());
            Some(matrix(index, inputs[index].layout, limits, &mut program)?)
        }
        None => None,
    };
    let columns = if values.is_some() { shape.c } else { 0 };
    let finish_cost = code.finish_cost();
    let small = [shape.batches, shape.n, shape.m, shape.d.max(1)].iter().fold(1, |all: u64, n| all.saturating_mul(*n));
    // Extremes are found a few ranks at a time, each time among what lies behind those that are known.
    let (count, step) = match work.reduction {
        Reduction::Extreme { k, .. } => (u64::from(k), 2 * u64::from(choices.reduce_columns)),
        _ => (columns.max(1), u64::from(choices.reduce_columns)),
    };
    let floors = match count > step && matches!(work.reduction, Reduction::Extreme { .. }) {
        true => Some(floors(&shape, limits, &mut program)?),
        false => None,
    };
    let mut buffers = Buffers::new(&code, floors, &mut program);
    let spans = spans(work.mask.blocks.as_deref(), shape.n, shape.m);
    for first in (0..count).step_by(step as usize) {
        let taken = (count - first).min(step);
        let fold = match work.reduction {
            reduction @ Reduction::Extreme { .. } => {
                Fold { reduction, columns: 0, first_rank: first as u32, ranks: taken as u32 }
            }
            reduction => Fold { reduction, columns: taken.min(columns) as u32, first_rank: 0, ranks: 0 },
        };
        let rolled = choices.reduce_rolled || finish_cost > DEAR_END;
        let mut walk = if shape.d <= RESIDENT { Walk::Resident(shape.d as u32) } else { Walk::Streamed };
        let feature_cost = if walk == Walk::Streamed { 0.0 } else { shape.d as f64 * code.cost };
        let tile = if walk == Walk::Streamed { choices.reduce_long } else { choices.reduce_short };
        // A load for each pair is what drivers in software take longest to compile.
        let bias_cost = if bias.is_some() { 150.0 } else { 0.0 };
        let tile = fitted(tile, shape.n, small <= SMALL, feature_cost + finish_cost + fold.cost() + bias_cost);
        let block_visits = shape.d.saturating_mul(u64::from(tile.block_columns)).saturating_mul(BLOCK_ROWS + 2);
        if choices.reduce_rolled && code.cost >= DEAR && block_visits <= u64::from(limits.max_iterations / 2) {
            walk = Walk::PairByPair;
        }
        let scheme = Scheme {
            limits,
            work,
            workgroups: choices.workgroups,
            shape: &shape,
            sides: [side(0), side(1)],
            values: values.clone(),
            bias: bias.clone(),
            code: code.clone(),
            fold,
            chunk: if columns > 0 { first..first + taken } else { 0..0 },
            tile,
            walk,
            pair_cost: code.pair_cost(shape.d) + fold.cost(),
            rolled,
        };
        scheme.record(&spans, &mut buffers, &mut program)?;
    }
    program.temporaries.iter_mut().for_each(|bytes| *bytes = (*bytes).max(16));
    Ok(program)
}

/// Lengths of the work.
#[derive(Debug, Clone)]
struct Shape {
    batches: u64,
    n: u64,
    m: u64,
    d: u64,
    /// Columns of the values.
    c: u64,
    /// Entries of a row of the result, where they are not the columns.
    k: Option<u64>,
}

impl Shape {
    fn of(work: &ReduceWork, inputs: &[Input<'_>]) -> Result<Self> {
        let op = work.op;
        let expected = 2 + usize::from(work.reduction.has_values()) + usize::from(work.mask.bias.is_some());
        if inputs.len() != expected {
            return Err(Error::argument(op, "inputs", format!("must be {expected}, not {}", inputs.len())));
        }
        let (axes, [n, d]) = matrices(op, inputs[0].layout)?;
        let (y_axes, [m, y_d]) = matrices(op, inputs[1].layout)?;
        if d != y_d {
            return Err(Error::shape(op, format!("x has {d} columns, y has {y_d}; they must match")));
        }
        work.function.check(d)?;
        let agree = |name: &str, other: &[usize]| match other == axes {
            true => Ok(()),
            false => {
                Err(Error::shape(op, format!("x has the batch axes {axes:?}, {name} has {other:?}; they must match")))
            }
        };
        agree("y", y_axes)?;
        let mut c = 1;
        if work.reduction.has_values() {
            let (v_axes, [rows, columns]) = matrices(op, inputs[2].layout)?;
            agree("v", v_axes)?;
            if rows != m {
                return Err(Error::shape(op, format!("y has {m} rows, v has {rows}; they must match")));
            }
            c = columns;
        }
        if let Some(bias) = inputs.last().filter(|_| work.mask.bias.is_some()) {
            let (bias_axes, [rows, columns]) = matrices(op, bias.layout)?;
            agree("the bias", bias_axes)?;
            if [rows, columns] != [n, m] {
                return Err(Error::shape(op, format!("the bias is {rows} × {columns}; it must be {n} × {m}")));
            }
        }
        let k = match work.reduction {
            Reduction::Extreme { k: 0, .. } => return Err(Error::argument(op, "k", "must be at least 1")),
            Reduction::Extreme { k, .. } => Some(u64::from(k)),
            Reduction::Count { .. } => Some(1),
            Reduction::LogSumExp { .. } if c == 1 => Some(1),
            Reduction::LogSumExp { .. } => {
                return Err(Error::shape(op, format!("v has {c} columns; log-sum-exp takes one")));
            }
            _ => None,
        };
        let batches = axes.iter().fold(1, |all: u64, n| all.saturating_mul(*n as u64));
        Ok(Self { batches, n: n as u64, m: m as u64, d: d as u64, c: c as u64, k })
    }

    /// Entries of one row of the result.
    fn width(&self) -> u64 {
        self.k.unwrap_or(self.c)
    }
}

/// An input with an entry per pair, as one stride over all batches sees it: another one is copied first.
fn matrix(index: usize, layout: &Layout, limits: &Limits, program: &mut Program) -> Result<Matrix> {
    let rank = layout.shape.len();
    let batch = collapsed(&layout.shape[..rank - 2], &layout.strides[..rank - 2]);
    if batch.len() > 1 {
        let target = program.temporary(layout.len() as u64 * 4);
        copy::record(layout, 4, BufferId::Input(index), target, limits, program)?;
        let [n, m] = [layout.shape[rank - 2] as u64, layout.shape[rank - 1] as u64];
        return Ok(Matrix { buffer: target, offset: 0, strides: [n * m, m, 1] });
    }
    Ok(Matrix {
        buffer: BufferId::Input(index),
        offset: layout.offset as u64,
        strides: [
            batch.first().map_or(0, |(_, stride)| *stride),
            layout.strides[rank - 2] as u64,
            layout.strides[rank - 1] as u64,
        ],
    })
}

/// A word pair for each row of x: the last extreme that was found.
fn floors(shape: &Shape, limits: &Limits, program: &mut Program) -> Result<Window> {
    let bytes = shape.batches.saturating_mul(shape.n).saturating_mul(8);
    if bytes > limits.temporary_bytes() {
        let (limit, adapter) = (limits.max_binding_bytes, limits.adapter.clone());
        return Err(Error::BufferTooLarge { op: program.op, requested: bytes, limit, adapter });
    }
    Ok(Window { buffer: program.temporary(bytes), offset: 0, bytes })
}

/// A tile of no more own rows than there are, whose unrolled text stays short enough for drivers to compile it at once.
fn fitted(mut tile: Tile, n: u64, small: bool, entry_cost: f64) -> Tile {
    let lanes = tile.invocations();
    let own = |tile: Tile, own: u32| Tile { columns: lanes * own, block_columns: own, ..tile };
    if small || n <= u64::from(4 * lanes) {
        tile = own(tile, 4);
    }
    if small {
        tile = Tile { rows: tile.rows.min(8), block_rows: tile.rows.min(8), depth: 1, ..tile };
    }
    while f64::from(tile.block()) * entry_cost > UNROLLED_COST {
        match (tile.block_columns, tile.rows) {
            (8.., _) => tile = own(tile, tile.block_columns / 2),
            (_, 8..) => tile = Tile { rows: tile.rows / 2, block_rows: tile.rows / 2, ..tile },
            _ => break,
        }
    }
    tile
}

/// Which rows of x meet which rows of y, all rows of x once and in order.
fn spans(blocks: Option<&BlockRanges>, n: u64, m: u64) -> Vec<Span> {
    let Some(blocks) = blocks else { return vec![Span { rows: 0..n, columns: vec![0..m] }] };
    let range = |range: &Range<usize>, most: u64| (range.start as u64).min(most)..(range.end as u64).min(most);
    let mut spans = Vec::new();
    let mut row = 0;
    for (rows, columns) in blocks.rows.iter().zip(&blocks.columns) {
        let rows = range(rows, n);
        if rows.start > row {
            spans.push(Span { rows: row..rows.start, columns: Vec::new() });
        }
        if rows.start < rows.end {
            row = rows.end;
            let columns = columns.iter().map(|columns| range(columns, m)).filter(|c| c.start < c.end).collect();
            spans.push(Span { rows, columns });
        }
    }
    if row < n {
        spans.push(Span { rows: row..n, columns: Vec::new() });
    }
    spans
}
