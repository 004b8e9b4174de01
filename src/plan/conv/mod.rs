//! Neural convolution: blocks of neighbouring outputs that slide over the input, of few channels (direct) or of many (the
//! implicit matrix product), or Fourier transforms for large windows. A transposed convolution is a convolution for every
//! remainder of the outputs by the strides.

mod block;
mod finish;
pub(in crate::plan) mod geometry;
mod sliding;
mod spectral;
#[cfg(test)]
mod tests;

use super::fft::FftChoices;
use super::lower::output_bytes;
use super::stored::Stored;
use super::{Limits, Program};
use crate::error::{Error, Result};
use crate::work::{ConvMethod, ConvWork, Input};
use finish::Finish;
use geometry::Geometry;
use spectral::Spectral;

/// Lowers a neural convolution.
pub(super) fn lower(work: &ConvWork, inputs: &[Input<'_>], limits: &Limits, choices: &FftChoices) -> Result<Program> {
    let [x, w, rest @ ..] = inputs else {
        return Err(Error::argument(work.op, "inputs", format!("are {}; x and w are needed", inputs.len())));
    };
    if work.bias && rest.is_empty() {
        return Err(Error::argument(work.op, "inputs", "have no bias, although there should be one"));
    }
    let finish = Finish { work, bias: rest.first().filter(|_| work.bias) };
    let geometry = Geometry::of(work, x, w)?;
    let mut program = Program::new(work.op, output_bytes(work.op, geometry.entries, 4, limits)?);
    if geometry.entries == 0 {
        return Ok(program);
    }
    let stored = [x, w].map(|input| Stored::new(false, input.element_bytes));
    let by_transforms = Spectral::of(&geometry, stored, limits, choices).filter(|_| !x.layout.is_empty());
    let chosen = match work.method {
        ConvMethod::Fft => by_transforms,
        ConvMethod::Auto => {
            let sliding = sliding::cost(&geometry, limits);
            by_transforms.filter(|spectral| spectral.cost().is_some_and(|cost| cost < sliding))
        }
        _ => None,
    };
    match chosen {
        Some(spectral) => {
            spectral.append(&mut program)?;
            finish.record(&mut program, &geometry, limits);
        }
        None => sliding::append(&mut program, finish, &geometry, [x, w], limits)?,
    }
    Ok(program)
}
