//! Pair functions: a value for every row of x and every row of y, and matrix products, which are the same skeleton.

mod code;
mod entries;
mod finish;
mod pack;
mod skeleton;
#[cfg(test)]
mod tests;
mod text;

pub(super) use code::PairCode;
pub(super) use pack::{Packing, Side, matrices};
pub(super) use skeleton::{Addend, Skeleton};

use super::choices::Choices;
use super::lower::output_bytes;
use super::{BufferId, Limits, Program};
use crate::error::{Error, Result};
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::work::{Input, PairWork};

/// Operations per feature from which a function is not worth unrolling over a tile.
pub(super) const DEAR: f64 = 20.0;

/// Rough number of operations at the end of a pair from which its text is not repeated: drivers take minutes for it.
pub(super) const DEAR_END: f64 = 300.0;

/// Passes of `out[i, j] = function(x[i], y[j])`.
pub(super) fn lower(work: &PairWork, inputs: &[Input<'_>], limits: &Limits, choices: &Choices) -> Result<Program> {
    let op = work.op;
    let [x, y] = inputs else {
        return Err(Error::argument(op, "inputs", "must be x and y"));
    };
    let ((axes, [n, d]), (y_axes, [m, y_d])) = (matrices(op, x.layout)?, matrices(op, y.layout)?);
    if d != y_d {
        return Err(Error::shape(op, format!("x has {d} columns, y has {y_d}; they must match")));
    }
    if axes != y_axes {
        return Err(Error::shape(op, format!("x has the batch axes {axes:?}, y has {y_axes:?}; they must match")));
    }
    if x.element_bytes != y.element_bytes {
        return Err(Error::argument(op, "x and y", "must hold numbers of one type"));
    }
    work.function.check(d)?;
    if work.function.terms.iter().any(|term| term.prepare.is_some()) {
        return Err(Error::argument(op, "rows", "must be prepared first"));
    }
    if work.paired && (n != m || !axes.is_empty()) {
        let shapes = format!("x {:?} and y {:?}", x.layout.shape, y.layout.shape);
        return Err(Error::shape(op, format!("{shapes} must be matrices of as many rows")));
    }
    let batches = axes.iter().fold(1, |all: u64, n| all.saturating_mul(*n as u64));
    let columns = if work.paired { 1 } else { m as u64 };
    let entries = batches.saturating_mul(n as u64).saturating_mul(columns);
    let mut program = Program::new(op, output_bytes(op, entries, 4, limits)?);
    if entries == 0 {
        return Ok(program);
    }
    let code = code_of(&work.function);
    if work.paired || ((code.cost >= DEAR || code.finish_cost() > DEAR_END) && entries::can_see_all_of(y, limits)) {
        entries::record(&code, [x, y], work.paired, limits, &mut program)?;
        return Ok(program);
    }
    let skeleton = Skeleton {
        limits,
        tile: choices.pair,
        workgroups: choices.workgroups,
        batches,
        x: Side::of(0, x),
        y: Side::of(1, y),
        features: d as u64,
        code,
        addend: None,
    };
    skeleton.record(&mut program)?;
    Ok(program)
}

pub(super) fn code_of(function: &PairFunction) -> PairCode {
    let code = function.code();
    let tables = function.weight_tables();
    let side_by_side =
        |first: &&[f32]| (0..first.len()).flat_map(|f| tables.iter().filter_map(move |t| t.get(f))).copied().collect();
    let weights = tables.first().map(side_by_side);
    // A power, a logarithm or a sine costs about as much as twenty products. What `finish` does is not counted: it is
    // done once per entry.
    let calls = |text: &str| {
        ["pow_(", "log_(", "log1p_(", "exp_(", "sin_(", "cos_(", "sqrt_("].iter().any(|call| text.contains(call))
    };
    // Branches, which `&&` and `||` are too, take some drivers minutes to compile where a tile repeats them.
    let branches = |text: &str| ["if ", "&&", "||"].iter().any(|word| text.contains(word));
    let dear = function.terms.iter().any(|term| {
        let text = if term.weights.is_some() { &term.accumulate_weighted } else { &term.accumulate };
        calls(text) || branches(text)
    });
    let cost = if dear { 24.0 } else { 3.0 };
    let state = code.fields.into_iter().map(|(name, is_u32)| (name, !is_u32)).collect();
    PairCode {
        text: code.text,
        trusted: function.terms.iter().all(Metric::is_built_in),
        math: true,
        values: function.values(),
        weights,
        weight_tables: tables.len() as u64,
        cost: cost * function.terms.len().max(1) as f64,
        state,
    }
}

/// Makes a temporary at least this large.
pub(super) fn reserve(program: &mut Program, buffer: BufferId, bytes: u64) {
    if let BufferId::Temporary(at) = buffer {
        if let Some(size) = program.temporaries.get_mut(at) {
            *size = (*size).max(bytes);
        }
    }
}
