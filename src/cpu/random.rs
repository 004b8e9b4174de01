//! Random numbers from counters.

use std::f64::consts::TAU;

use bytemuck::Pod;
use rayon::prelude::*;

use super::memory::Memory;
use crate::error::Result;
use crate::work::{Distribution, RandomWork, random_words};

/// Counters that one thread takes at a time.
const TASK: usize = 1 << 12;

/// [`crate::work::Work::Random`].
pub(super) fn run(work: &RandomWork) -> Result<Memory> {
    let upper = |word: u32| word >> 8;
    match work.distribution {
        Distribution::Bits => drawn(work, |words| words),
        Distribution::Uniform => drawn(work, |words| words.map(|word| upper(word) as f32 / 16_777_216.0)),
        Distribution::Normal => drawn(work, |[a, b, c, d]| {
            let pair = |a: u32, b: u32| {
                let radius = (-2.0 * (f64::from(upper(a) + 1) / 16_777_216.0).ln()).sqrt();
                let (sine, cosine) = (TAU * f64::from(upper(b)) / 16_777_216.0).sin_cos();
                [(radius * cosine) as f32, (radius * sine) as f32]
            };
            let ([a, b], [c, d]) = (pair(a, b), pair(c, d));
            [a, b, c, d]
        }),
    }
}

fn drawn<T: Pod + Send>(work: &RandomWork, numbers: impl Fn([u32; 4]) -> [T; 4] + Sync) -> Result<Memory> {
    let mut out = Memory::for_entries::<T>(work.op, work.length)?;
    out.entries_mut::<T>().par_chunks_mut(4 * TASK).enumerate().for_each(|(task, out)| {
        for (block, out) in out.chunks_mut(4).enumerate() {
            let made = numbers(random_words(work.seed, work.stream, (task * TASK + block) as u64));
            out.iter_mut().zip(made).for_each(|(to, number)| *to = number);
        }
    });
    Ok(out)
}
