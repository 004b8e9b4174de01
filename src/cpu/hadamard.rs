//! Walsh–Hadamard transforms, threads over the lines.
//!
//! # Accuracy
//! Every entry goes through log₂n sums: relative L2 error at most `u log₂n`, u = 2⁻²⁴.

use num_complex::Complex32;

use super::fft::{LineTransform, transform_lines};
use super::memory::Memory;
use super::view::View;
use crate::error::{Error, Result};
use crate::work::{HadamardWork, Operand};

/// [`crate::work::Work::Hadamard`].
pub(super) fn run(work: &HadamardWork, input: &Operand, factors: Option<&Operand>) -> Result<Memory> {
    let HadamardWork { op, axis, .. } = *work;
    let view = View::<f32>::of(op, input)?;
    let length = view.shape.get(axis).copied().unwrap_or(0);
    work.check(length, factors.map(|factors| &factors.layout))?;
    let factors = factors.map(|factors| View::<f32>::of(op, factors)).transpose()?;
    let gaps = || Error::argument(op, "factors", "must have no gaps");
    let factors = factors.map(|view| view.contiguous().ok_or_else(gaps)).transpose()?;
    transform_lines(op, &view, factors, axis, (length, length), &Lines { work: *work, length })
}

struct Lines {
    work: HadamardWork,
    length: usize,
}

impl LineTransform for Lines {
    type From = f32;
    type To = f32;

    fn scratch(&self) -> usize {
        if self.work.sequency { self.length.div_ceil(2) } else { 0 }
    }

    fn line(&self, from: &[f32], to: &mut [f32], scratch: &mut [Complex32]) {
        to.copy_from_slice(from);
        let mut span = 1;
        while span < to.len() {
            for pair in to.chunks_exact_mut(2 * span) {
                let (low, high) = pair.split_at_mut(span);
                for (low, high) in low.iter_mut().zip(high) {
                    (*low, *high) = (*low + *high, *low - *high);
                }
            }
            span *= 2;
        }
        to.iter_mut().for_each(|y| *y *= self.work.scale);
        if self.work.sequency {
            let natural: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            natural[..to.len()].copy_from_slice(to);
            let shift = usize::BITS - to.len().ilog2().max(1);
            for (row, value) in natural[..to.len()].iter().enumerate() {
                // A row changes sign as often as its bits reversed, read as a Gray code, say.
                let code = row.reverse_bits() >> shift;
                let changes = (1..usize::BITS).fold(code, |changes, by| changes ^ (code >> by));
                to[changes] = *value;
            }
        }
    }
}
