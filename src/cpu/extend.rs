//! Tensors continued past their edges, cut, or moved around.

use bytemuck::Pod;
use num_complex::Complex32;
use rayon::prelude::*;

use super::memory::Memory;
use super::numbers::Numbers;
use super::view::View;
use crate::error::{Error, Result};
use crate::memory::with_room;
use crate::work::{ExtendWork, Operand};

/// Entries from which on the work is worth several threads.
const PARALLEL_FROM: usize = 1 << 15;

/// [`crate::work::Work::Extend`].
pub(super) fn run(work: &ExtendWork, x: &Operand) -> Result<Memory> {
    let outside = work.boundary.outside();
    if work.complex {
        extended(work, &Numbers::of(work.op, x)?.view(), Complex32::new(outside, 0.0))
    } else {
        extended(work, &Numbers::of(work.op, x)?.view(), outside)
    }
}

fn extended<T: Pod + Send + Sync>(work: &ExtendWork, x: &View<'_, T>, outside: T) -> Result<Memory> {
    let op = work.op;
    let len = work.axes.iter().try_fold(1usize, |len, (_, length)| len.checked_mul(*length));
    let mut out = Memory::for_entries::<T>(op, len.unwrap_or(usize::MAX))?;
    if x.shape.len() != work.axes.len() {
        let message = format!("are {} and the input's {}; they must be as many", work.axes.len(), x.shape.len());
        return Err(Error::argument(op, "axes", message));
    }
    if len == Some(0) {
        return Ok(out);
    }
    if x.len() == 0 {
        return Err(Error::argument(op, format!("x of shape {:?}", x.shape), "has no entry to continue"));
    }
    // Where the entries that stand along each axis lie in x.
    let mut places: Vec<Vec<Option<usize>>> = Vec::with_capacity(work.axes.len());
    for ((&(first, length), &n), &stride) in work.axes.iter().zip(x.shape).zip(x.strides) {
        let mut along = with_room(op, length)?;
        let place = |i: i64| Some(work.boundary.place(first.saturating_add(i), n)? * stride);
        along.extend((0..length as i64).map(place));
        places.push(along);
    }
    let Some((along, others)) = places.split_last() else {
        out.entries_mut().fill(x.entries[0]);
        return Ok(out);
    };
    let row = |(number, out): (usize, &mut [T])| {
        let mut rest = number;
        let start = others.iter().rev().try_fold(0, |start, places| {
            let place = places[rest % places.len()];
            rest /= places.len();
            Some(start + place?)
        });
        for (out, place) in out.iter_mut().zip(along) {
            *out = start.zip(*place).map_or(outside, |(start, place)| x.entries[start + place]);
        }
    };
    let out_entries = out.entries_mut::<T>();
    if out_entries.len() < PARALLEL_FROM {
        out_entries.chunks_exact_mut(along.len()).enumerate().for_each(row);
    } else {
        let rows = (PARALLEL_FROM / 4).div_ceil(along.len());
        out_entries.par_chunks_exact_mut(along.len()).enumerate().with_min_len(rows).for_each(row);
    }
    Ok(out)
}
