//! Rows that are made into others before they are compared, in f64 and rounded once.

use rayon::prelude::*;

use super::memory::Memory;
use super::numbers::Numbers;
use super::view::View;
use crate::error::{Error, Result};
use crate::metric::{RowMap, halves};
use crate::work::{Operand, PrepareWork};

/// [`crate::work::Work::Prepare`].
pub(super) fn run(work: &PrepareWork, x: &Operand) -> Result<Memory> {
    let op = work.op;
    let d = x.layout.shape.last().copied().unwrap_or(0);
    let rows = x.layout.len() / d.max(1);
    let features = work.rows.features(d);
    let len = rows.checked_mul(features).ok_or(Error::OutOfMemory { op, requested: u64::MAX })?;
    let mut out = Memory::for_entries::<f32>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    let gaps = || Error::argument(op, "rows", "must lie without gaps to be prepared");
    let prepared = out.entries_mut::<f32>();
    if work.rows == RowMap::Halves {
        let words = View::<u32>::of(op, x)?.contiguous().ok_or_else(gaps)?;
        let both = prepared.par_chunks_exact_mut(2).zip(words);
        both.for_each(|(out, word)| out.copy_from_slice(&halves(*word).map(f32::from)));
        return Ok(out);
    }
    let x = Numbers::<f32>::of(op, x)?;
    let x = x.view().contiguous().ok_or_else(gaps)?;
    prepared.par_chunks_exact_mut(features).zip(x.par_chunks_exact(d)).for_each(|(out, row)| {
        let wide: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
        out.iter_mut().zip(work.rows.apply(&wide)).for_each(|(out, value)| *out = value as f32);
    });
    Ok(out)
}
