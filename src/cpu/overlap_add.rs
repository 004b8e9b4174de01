//! Frames laid over one another.

use rayon::prelude::*;

use super::memory::Memory;
use super::view::View;
use crate::error::{Error, Result};
use crate::work::{Operand, OverlapAddWork};

/// Samples that one thread takes at a time.
const TASK: usize = 1 << 14;

/// [`crate::work::Work::OverlapAdd`].
pub(super) fn run(work: &OverlapAddWork, x: &Operand, w: &Operand) -> Result<Memory> {
    let OverlapAddWork { op, hop, start, length } = *work;
    work.check(&x.layout, &w.layout)?;
    let (x, w) = (View::<f32>::of(op, x)?, View::<f32>::of(op, w)?);
    let (n, axes) = (w.shape[0], x.shape.len() - 2);
    let (signals, frames) = (x.shape[..axes].iter().product::<usize>(), x.shape[axes]);
    let len = signals.checked_mul(length).ok_or(Error::OutOfMemory { op, requested: u64::MAX })?;
    let mut out = Memory::for_entries::<f32>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    for (signal, out) in out.entries_mut::<f32>().chunks_exact_mut(length).enumerate() {
        let x = &x.entries[signal * frames * n..];
        out.par_chunks_mut(TASK).enumerate().for_each(|(task, out)| {
            for (k, out) in out.iter_mut().enumerate() {
                let t = start + task * TASK + k;
                let first = if t < n { 0 } else { (t - n) / hop + 1 };
                let (mut sum, mut weight) = (0.0, 0.0);
                for f in first..=(t / hop).min(frames - 1) {
                    let within = t - f * hop;
                    sum += w.entries[within] * x[f * n + within];
                    weight += w.entries[within] * w.entries[within];
                }
                *out = sum / weight;
            }
        });
    }
    Ok(out)
}
