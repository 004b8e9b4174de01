//! What a task of the demo is, and what one run of it gives.

use std::time::Instant;

use anyhow::Result;
use gristmill::Context;

/// Numbers by a fixed recipe, so that every device and every day sees the same sample.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Between −1 and 1.
    pub(super) fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// One entry of a result: its flat position, its value in f64, and how far f32 may be from that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    pub(super) place: usize,
    pub(super) value: f64,
    pub(super) bound: f64,
}

/// What one device made of a task.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) seconds: f64,
    /// The result itself, row-major, for the comparison of devices.
    pub(super) values: Vec<f32>,
    pub(super) score: String,
    /// PNG files by name.
    pub(super) pictures: Vec<(&'static str, Vec<u8>)>,
    /// A drawing for the page.
    pub(super) drawing: Option<String>,
}

/// One task on real data.
pub(super) trait Task {
    /// The op and what for, in a few words.
    fn name(&self) -> &'static str;
    /// Shapes, in a few characters.
    fn size(&self) -> String;
    /// How much is done, and the unit of it per second.
    fn work(&self) -> (f64, &'static str);
    /// Entries with their f64 values; empty where the task is judged by its score alone.
    fn checks(&self) -> &[Check];
    /// Does it.
    fn run(&self, context: &Context) -> Result<Outcome>;
}

/// Runs work once to build the pipelines, then takes the fastest of a few runs, from host memory to host memory.
pub(super) fn measure<T>(mut work: impl FnMut() -> Result<T>) -> Result<(T, f64)> {
    let mut result = work()?;
    let mut fastest = f64::INFINITY;
    let begin = Instant::now();
    // Slow devices are timed once: the demo has little time.
    while fastest.is_infinite() || begin.elapsed().as_secs_f64() < 0.3 {
        let start = Instant::now();
        result = work()?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok((result, fastest))
}

/// Largest error at the checked entries as a fraction of the bound; a NaN is infinitely wrong.
pub(super) fn worst(checks: &[Check], values: &[f32]) -> Option<f64> {
    let fraction = |check: &Check| {
        let error = values.get(check.place).map_or(f64::INFINITY, |&v| (f64::from(v) - check.value).abs());
        share(error, check.bound)
    };
    checks.iter().map(fraction).reduce(f64::max)
}

/// Largest difference of two devices at the checked entries, as a fraction of the sum of their bounds.
pub(super) fn apart(checks: &[Check], one: &[f32], other: &[f32]) -> f64 {
    let fraction = |check: &Check| match (one.get(check.place), other.get(check.place)) {
        (Some(&a), Some(&b)) => share((f64::from(a) - f64::from(b)).abs(), 2.0 * check.bound),
        _ => f64::INFINITY,
    };
    checks.iter().map(fraction).fold(0.0, f64::max)
}

fn share(error: f64, bound: f64) -> f64 {
    let share = if error == 0.0 { 0.0 } else { error / bound };
    if share.is_nan() { f64::INFINITY } else { share }
}
