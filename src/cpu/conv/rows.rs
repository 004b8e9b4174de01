//! Few channels: every row of outputs is a sum of rows of x, in blocks of at most 64 taps.

use pulp::Arch;
use rayon::prelude::*;

use super::{Outputs, Phase};
use crate::error::Result;
use crate::plan::PhaseAxis;

/// Products that are added one after another.
const BLOCK: usize = 64;

/// Outputs that are summed together: they and their two sums stay in the first-level cache.
const SEGMENT: usize = 512;

/// Nanoseconds on one core, roughly.
pub(super) fn cost(phase: &Phase) -> f64 {
    let outputs = phase.counts().iter().product::<usize>() * phase.outputs * phase.groups;
    let spread = if phase.axes[2].step == 1 { 0.1 } else { 0.6 };
    let started = 8.0 / phase.axes[2].outputs as f64;
    outputs as f64 * (phase.inputs * phase.taps()) as f64 * (spread + started)
}

pub(super) fn run(_op: &'static str, phase: &Phase, x: &[f32], out: &Outputs) -> Result<()> {
    let [planes, rows, columns] = phase.counts();
    let channels = phase.groups * phase.outputs;
    let of_x = phase.groups * phase.inputs * phase.plane();
    let arch = Arch::new();
    let work = |number: usize| {
        let (row, above, channel) = (number % rows, number / rows % planes, number / rows / planes);
        let (batch, output) = (channel / channels, channel % channels);
        let (group, output) = (output / phase.outputs, output % phase.outputs);
        let x = &x[batch * of_x + group * phase.inputs * phase.plane()..][..phase.inputs * phase.plane()];
        let each = phase.inputs * phase.taps();
        let filter = &phase.group(group)[output * each..][..each];
        for column in (0..columns).step_by(SEGMENT) {
            let mut sums = [[0.0; SEGMENT]; 2];
            let count = SEGMENT.min(columns - column);
            arch.dispatch(|| sum_row(phase, x, filter, [above, row, column], count, &mut sums));
            // SAFETY: every number is another row of outputs.
            unsafe { out.write(channel, [above, row, column], &sums[0][..count]) };
        }
    };
    let all = x.len() / of_x * channels * planes * rows;
    let small = all.saturating_mul(columns * phase.inputs * phase.taps()) < 1 << 16;
    if small {
        (0..all).for_each(work)
    } else {
        (0..all).into_par_iter().for_each(work)
    }
    Ok(())
}

/// `sums[0][..count]` becomes the outputs from `place` on.
#[inline(always)]
fn sum_row(
    phase: &Phase,
    x: &[f32],
    filter: &[f32],
    [above, row, column]: [usize; 3],
    count: usize,
    [totals, block]: &mut [[f32; SEGMENT]; 2],
) {
    let [planes, rows, columns] = &phase.axes;
    let (totals, block) = (&mut totals[..count], &mut block[..count]);
    let step = columns.step as usize;
    let mut terms = 0;
    for input in 0..phase.inputs {
        for (tap_plane, plane) in seen(planes, above) {
            for (tap_row, line) in seen(rows, row) {
                let start = ((input * phase.lengths[0] + plane) * phase.lengths[1] + line) * phase.lengths[2];
                let line = &x[start..][..phase.lengths[2]];
                let taps = columns.taps as usize;
                let first = ((input * planes.taps as usize + tap_plane) * rows.taps as usize + tap_row) * taps;
                for (tap, factor) in filter[first..][..taps].iter().enumerate() {
                    if terms == BLOCK {
                        totals.iter_mut().zip(&mut *block).for_each(|(total, sum)| *total += std::mem::take(sum));
                        terms = 0;
                    }
                    terms += 1;
                    // Outputs whose entry of this tap lies inside.
                    let place = columns.start + (column * step) as i64 + (tap as u64 * columns.spread) as i64;
                    let skipped = (-place).max(0) as usize;
                    let begin = skipped.div_ceil(step);
                    let inside = line.len() as i64 - place;
                    if inside <= 0 {
                        continue;
                    }
                    let end = count.min((inside as usize).div_ceil(step));
                    if begin >= end {
                        continue;
                    }
                    let from = &line[(place + (begin * step) as i64) as usize..];
                    let sums = &mut block[begin..end];
                    if step == 1 {
                        sums.iter_mut().zip(from).for_each(|(sum, entry)| *sum += factor * entry);
                    } else {
                        sums.iter_mut().zip(from.iter().step_by(step)).for_each(|(sum, entry)| *sum += factor * entry);
                    }
                }
            }
        }
    }
    totals.iter_mut().zip(&*block).for_each(|(total, sum)| *total += sum);
}

/// The taps through which an output sees an entry, with the entry.
fn seen(axis: &PhaseAxis, output: usize) -> impl Iterator<Item = (usize, usize)> {
    let (first, spread, input) = (axis.start + output as i64 * axis.step as i64, axis.spread as i64, axis.input as i64);
    let place = move |tap: u64| first + tap as i64 * spread;
    let inside = move |tap: &u64| (0..input).contains(&place(*tap));
    (0..axis.taps).filter(inside).map(move |tap| (tap as usize, place(tap) as usize))
}
