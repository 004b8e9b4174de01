//! Parts of matrices that are their own transpose.

use rayon::prelude::*;

use super::memory::Memory;
use super::view::View;
use crate::error::{Error, Result};
use crate::work::{Operand, Part, SymmetricWork};

/// [`crate::work::Work::Symmetric`].
pub(super) fn run(work: &SymmetricWork, matrix: &Operand) -> Result<Memory> {
    let op = work.op;
    let view = View::<f32>::of(op, matrix)?;
    let condensed = work.part == Part::Condensed;
    let (&[ref axes @ .., n, m], Some(entries)) = (view.shape, view.contiguous()) else {
        return Err(Error::argument(op, "matrix", "must be square and without gaps"));
    };
    if n != m || (condensed && !axes.is_empty()) {
        return Err(Error::argument(op, "matrix", "must be square, and one where it is condensed"));
    }
    let len = if condensed { n * n.saturating_sub(1) / 2 } else { entries.len() };
    let mut out = Memory::for_entries::<f32>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    match work.part {
        Part::ZeroDiagonal => {
            let rows = out.entries_mut::<f32>().par_chunks_exact_mut(n).zip(entries.par_chunks_exact(n)).enumerate();
            rows.for_each(|(i, (out, row))| {
                out.copy_from_slice(row);
                out[i % n] = 0.0;
            });
        }
        Part::Condensed => {
            let mut rest = out.entries_mut::<f32>();
            for (i, row) in entries.chunks_exact(n).enumerate() {
                let (own, others) = rest.split_at_mut(n - 1 - i);
                own.copy_from_slice(&row[i + 1..]);
                rest = others;
            }
        }
    }
    Ok(out)
}
