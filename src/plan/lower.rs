//! From work to a program: each kind of work has its own lowering.

use super::{
    Choices, Limits, Program, conv, convolve, copy, extend, fft, formula, gemm, hadamard, overlap_add, pair, pool,
    prepare, random, reduce, symmetric, trigonometric,
};
use crate::error::{Error, Result};
use crate::work::{Input, Work};

/// What a device will do for `work` on `inputs`.
///
/// # Errors
/// Where the work cannot be done within `limits`.
pub fn lower(work: &Work, inputs: &[Input<'_>], limits: &Limits, choices: &Choices) -> Result<Program> {
    match work {
        Work::Copy => copy::lower(inputs, limits),
        Work::Extend(work) => extend::lower(work, inputs, limits),
        Work::Prepare(work) => prepare::lower(work, inputs, limits),
        Work::Symmetric(work) => symmetric::lower(work, inputs, limits),
        Work::Pair(work) => pair::lower(work, inputs, limits, choices),
        Work::Reduce(work) => reduce::lower(work, inputs, limits, choices),
        Work::Formula(work) => formula::lower(work, inputs, limits),
        Work::Gemm(work) => gemm::lower(work, inputs, limits, choices),
        Work::Fft(work) => fft::lower(work, inputs, limits, &choices.fft),
        Work::Trigonometric(work) => trigonometric::lower(work, inputs, limits, &choices.fft),
        Work::Hadamard(work) => hadamard::lower(work, inputs, limits),
        Work::Random(work) => random::lower(work, limits),
        Work::OverlapAdd(work) => overlap_add::lower(work, inputs, limits),
        Work::Convolve(work) => convolve::lower(work, inputs, limits, &choices.fft),
        Work::Conv(work) => conv::lower(work, inputs, limits, &choices.fft),
        Work::Pool(work) => pool::lower(work, inputs, limits),
    }
}

/// Size of a result, if one buffer holds it.
pub(super) fn output_bytes(op: &'static str, entries: u64, element_bytes: u64, limits: &Limits) -> Result<u64> {
    let requested = entries.saturating_mul(element_bytes);
    if requested > limits.max_buffer_bytes {
        let limit = limits.max_buffer_bytes;
        return Err(Error::BufferTooLarge { op, requested, limit, adapter: limits.adapter.clone() });
    }
    Ok(requested)
}
