//! Random numbers, the same on every device.

use crate::context::Context;
use crate::error::Result;
use crate::tensor::{Element, Tensor};
use crate::work::{Distribution, Layout, RandomWork, Work};

/// Random words: entry i, counted row-major, is word i mod 4 of Philox4x32-10 for counter (⌊i/4⌋, `stream`) and key `seed`.
///
/// Nothing is kept between calls: the same arguments give the same bits, on every adapter and on the host. Different
/// streams of a seed never meet.
///
/// # Errors
/// The device's.
///
/// # Sources
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
///
/// # Examples
/// ```
/// # use gristmill::{Context, random_bits};
/// let context = Context::open_blocking()?;
/// let words = random_bits(&context, &[4], 0, 0)?.read_blocking()?;
/// assert_eq!(words.as_slice(), Some(&[0x6627e8d5_u32, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8][..])); // as published
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn random_bits(context: &Context, shape: &[usize], seed: u64, stream: u64) -> Result<Tensor<u32>> {
    draw("random_bits", context, Distribution::Bits, shape, seed, stream)
}

/// Numbers from 0 to 1, without 1: the upper 24 bits of [`random_bits`] over 2²⁴. The same bits everywhere.
///
/// # Errors
/// The device's.
pub fn random_uniform(context: &Context, shape: &[usize], seed: u64, stream: u64) -> Result<Tensor> {
    draw("random_uniform", context, Distribution::Uniform, shape, seed, stream)
}

/// Normal numbers of mean 0 and variance 1, none beyond ±5.77: `√(−2 ln u) (cos 2πv, sin 2πv)` of neighbouring
/// [`random_bits`], u and v their upper 24 bits over 2²⁴ and u one step up.
///
/// # Errors
/// The device's.
///
/// # Accuracy
/// Within 1.2e-6 of the radius `√(−2 ln u)` from that in exact arithmetic; the words behind them are the same everywhere.
/// # Sources
/// Box and Muller, "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29 (1958).
pub fn random_normal(context: &Context, shape: &[usize], seed: u64, stream: u64) -> Result<Tensor> {
    draw("random_normal", context, Distribution::Normal, shape, seed, stream)
}

fn draw<E: Element>(
    op: &'static str,
    context: &Context,
    distribution: Distribution,
    shape: &[usize],
    seed: u64,
    stream: u64,
) -> Result<Tensor<E>> {
    let layout = Layout::contiguous(shape);
    let work = RandomWork { op, distribution, seed, stream, length: layout.len() };
    let storage = context.executor().run(&Work::Random(work), &[])?;
    Ok(Tensor::new(context.executor().clone(), storage, layout))
}
