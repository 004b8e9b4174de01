//! Sums, means and largest entries of sliding windows.

use rayon::prelude::*;

use super::memory::Memory;
use super::numbers::Numbers;
use crate::error::{Error, Result};
use crate::plan::{PhaseAxis, phases};
use crate::work::{Operand, PoolWork, Pooling};

/// Entries that are added one after another.
const BLOCK: usize = 64;

/// [`crate::work::Work::Pool`].
pub(super) fn run(work: &PoolWork, input: &Operand) -> Result<Memory> {
    let op = work.op;
    let x = Numbers::of(op, input)?;
    let shape = x.shape();
    if shape.len() != work.axes.len() + 2 || work.axes.is_empty() || work.axes.len() > 3 {
        return Err(Error::shape(op, format!("x of shape {shape:?} does not fit {} spatial axes", work.axes.len())));
    }
    let channels = shape[0].saturating_mul(shape[1]);
    let plane = work.axes.iter().fold(1usize, |product, axis| product.saturating_mul(axis.outputs));
    let len = channels.saturating_mul(plane);
    // A place stands behind its value.
    let width = if work.pooling == (Pooling::Max { indices: true }) { 2 } else { 1 };
    let mut out = Memory::for_entries::<u32>(op, len.saturating_mul(width))?;
    if len == 0 {
        return Ok(out);
    }
    let view = x.view();
    let flat = view.flat(op)?;
    let each: usize = shape[2..].iter().product();
    let axes = phases(&work.axes, &shape[2..], false);
    let Some(axes) = axes.first() else { return Ok(out) };
    let words = out.entries_mut::<u32>();
    words.par_chunks_mut(plane * width).enumerate().for_each(|(channel, words)| {
        let x = flat.get(channel * each..(channel + 1) * each).unwrap_or(&[]);
        for (number, words) in words.chunks_exact_mut(width).enumerate() {
            let (value, place) = match work.pooling {
                Pooling::Max { .. } => largest(x, axes, number),
                Pooling::Sum => (sum(x, axes, number), 0),
                Pooling::Mean { padding } => (sum(x, axes, number) / counted(work, axes, number, padding) as f32, 0),
            };
            words.iter_mut().zip([value.to_bits(), place]).for_each(|(word, bits)| *word = bits);
        }
    });
    Ok(out)
}

/// Coordinates of an output.
fn coordinates(axes: &[PhaseAxis; 3], number: usize) -> [usize; 3] {
    let [_, rows, columns] = axes.map(|axis| axis.outputs as usize);
    [number / columns / rows, number / columns % rows, number % columns]
}

/// The first entry that an output sees along an axis, and how many of them there are within `low .. high`.
fn along(axis: &PhaseAxis, output: usize, low: i64, high: i64) -> (i64, usize) {
    let (first, spread) = (axis.start + output as i64 * axis.step as i64, axis.spread as i64);
    let skipped = quotient((low - first).max(0), spread).min(axis.taps as i64);
    let end = quotient((high - first).max(0), spread).clamp(skipped, axis.taps as i64);
    (first + skipped * spread, (end - skipped) as usize)
}

/// `a / b` rounded up, of numbers that are not negative.
fn quotient(a: i64, b: i64) -> i64 {
    (a + b - 1) / b
}

/// Visits the entries that an output sees, with their places.
fn visit(x: &[f32], axes: &[PhaseAxis; 3], number: usize, mut take: impl FnMut(f32, usize)) {
    let at = coordinates(axes, number);
    let seen = |axis: usize| along(&axes[axis], at[axis], 0, axes[axis].input as i64);
    let [(plane, planes), (row, rows), (column, columns)] = [seen(0), seen(1), seen(2)];
    let spread = |axis: usize| axes[axis].spread as usize;
    let [_, lines, entries] = axes.map(|axis| axis.input as usize);
    for a in 0..planes {
        for b in 0..rows {
            let line = (plane as usize + a * spread(0)) * lines + row as usize + b * spread(1);
            for c in 0..columns {
                let place = line * entries + column as usize + c * spread(2);
                take(x[place], place);
            }
        }
    }
}

fn sum(x: &[f32], axes: &[PhaseAxis; 3], number: usize) -> f32 {
    let (mut total, mut block, mut terms) = (0.0, 0.0, 0);
    visit(x, axes, number, |entry, _| {
        if terms == BLOCK {
            total += block;
            (block, terms) = (0.0, 0);
        }
        block += entry;
        terms += 1;
    });
    total + block
}

/// How many entries a mean divides by.
fn counted(work: &PoolWork, axes: &[PhaseAxis; 3], number: usize, padding: bool) -> usize {
    let at = coordinates(axes, number);
    let first = 3 - work.axes.len();
    let count = |axis: usize| {
        let pads = axis.checked_sub(first).filter(|_| padding).map_or((0, 0), |axis| {
            let axis = &work.axes[axis];
            (axis.before as i64, axis.after as i64)
        });
        along(&axes[axis], at[axis], -pads.0, axes[axis].input as i64 + pads.1).1
    };
    count(0) * count(1) * count(2)
}

/// The largest entry with its place: the first NaN, or the first of the largest.
fn largest(x: &[f32], axes: &[PhaseAxis; 3], number: usize) -> (f32, u32) {
    let mut best = (f32::NEG_INFINITY, u32::MAX);
    visit(x, axes, number, |entry, place| {
        if !best.0.is_nan() && (entry.is_nan() || entry > best.0 || best.1 == u32::MAX) {
            best = (entry, place as u32);
        }
    });
    best
}
