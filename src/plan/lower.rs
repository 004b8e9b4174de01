//! From work to a program: each kind of work has its own lowering.

use super::{Choices, Limits, Program};
use crate::error::{Error, Result};
use crate::work::{Input, Work};

/// What a device will do for `work` on `inputs`.
///
/// # Errors
/// Where the work cannot be done within `limits`.
pub fn lower(work: &Work, inputs: &[Input<'_>], limits: &Limits, choices: &Choices) -> Result<Program> {
    match work {
        Work::Fft(fft) => super::fft::lower(fft, inputs, limits, &choices.fft),
        Work::Convolve(convolve) => super::convolve::lower(convolve, inputs, limits, &choices.fft),
        _ => Err(Error::Unsupported { op: work.op(), message: "no plan exists for it".to_owned() }),
    }
}
