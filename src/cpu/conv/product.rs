//! Many channels: a strip of outputs is the product of the filters and the entries that its outputs see, 64 of them at a time.

use gemm::Parallelism;
use rayon::prelude::*;

use super::{Outputs, Phase};
use crate::cpu::view::zeroed_vec;
use crate::error::Result;

/// Products that are added one after another.
const BLOCK: usize = 64;

/// Outputs of a strip: what they see of a block stays in the second-level cache.
const STRIP: usize = 256;

/// Nanoseconds on one core, roughly.
pub(super) fn cost(phase: &Phase) -> f64 {
    let positions = (phase.counts().iter().product::<usize>() * phase.groups) as f64;
    let terms = (phase.inputs * phase.taps()) as f64;
    positions * terms * (1.2 + phase.outputs.next_multiple_of(4) as f64 * 0.02)
}

pub(super) fn run(op: &'static str, phase: &Phase, x: &[f32], out: &Outputs) -> Result<()> {
    let positions = phase.counts().iter().product::<usize>();
    let of_x = phase.groups * phase.inputs * phase.plane();
    let strips = positions.div_ceil(STRIP);
    let all = x.len() / of_x * phase.groups * strips;
    let work = |number: usize| -> Result<()> {
        let (strip, group, batch) = (number % strips, number / strips % phase.groups, number / strips / phase.groups);
        let first = strip * STRIP;
        let count = STRIP.min(positions - first);
        let x = &x[batch * of_x + group * phase.inputs * phase.plane()..][..phase.inputs * phase.plane()];
        let mut sums = zeroed_vec::<f32>(op, phase.outputs * count)?;
        let mut seen = zeroed_vec::<f32>(op, BLOCK * count)?;
        let depth = phase.inputs * phase.taps();
        let filters = phase.group(group);
        for start in (0..depth).step_by(BLOCK) {
            let taken = BLOCK.min(depth - start);
            gather(phase, x, first, start, &mut seen[..taken * count], count);
            // SAFETY: the filters are outputs × depth and `start + taken ≤ depth`; `seen` is taken × count and `sums`
            // outputs × count, all row-major.
            unsafe {
                gemm::gemm(
                    phase.outputs,
                    count,
                    taken,
                    sums.as_mut_ptr(),
                    1,
                    count as isize,
                    true,
                    filters.as_ptr().add(start),
                    1,
                    depth as isize,
                    seen.as_ptr(),
                    1,
                    count as isize,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
        }
        let [_, rows, columns] = phase.counts();
        for (output, sums) in sums.chunks_exact(count).enumerate() {
            let channel = (batch * phase.groups + group) * phase.outputs + output;
            let mut done = 0;
            while done < count {
                let at = first + done;
                let run = (columns - at % columns).min(count - done);
                let place = [at / columns / rows, at / columns % rows, at % columns];
                // SAFETY: every number is another strip of outputs, or another group or item of the batch.
                unsafe { out.write(channel, place, &sums[done..done + run]) };
                done += run;
            }
        }
        Ok(())
    };
    (0..all).into_par_iter().try_for_each(work)
}

/// What outputs `first …` see through the terms `start …`, term by term.
fn gather(phase: &Phase, x: &[f32], first: usize, start: usize, seen: &mut [f32], count: usize) {
    let [_, rows, columns] = phase.counts();
    let [planes, lines, entries] = &phase.axes;
    for (term, seen) in seen.chunks_exact_mut(count).enumerate() {
        let term = start + term;
        let taps = [planes.taps, lines.taps, entries.taps].map(|taps| taps as usize);
        let (input, tap) = (term / phase.taps(), term % phase.taps());
        let tap = [tap / taps[2] / taps[1], tap / taps[2] % taps[1], tap % taps[2]];
        let place = |axis: usize, output: usize| {
            let axis_of = &phase.axes[axis];
            let place = axis_of.start + output as i64 * axis_of.step as i64 + tap[axis] as i64 * axis_of.spread as i64;
            usize::try_from(place).ok().filter(|place| *place < phase.lengths[axis])
        };
        let mut done = 0;
        while done < count {
            let at = first + done;
            let run = (columns - at % columns).min(count - done);
            let out = &mut seen[done..done + run];
            done += run;
            let (Some(plane), Some(line)) = (place(0, at / columns / rows), place(1, at / columns % rows)) else {
                out.fill(0.0);
                continue;
            };
            let line = &x[((input * phase.lengths[0] + plane) * phase.lengths[1] + line) * phase.lengths[2]..];
            let line = &line[..phase.lengths[2]];
            let step = entries.step as i64;
            let from = entries.start + (at % columns) as i64 * step + tap[2] as i64 * entries.spread as i64;
            let before = ((-from).max(0) as usize).div_ceil(step as usize).min(run);
            let inside = ((line.len() as i64 - from).max(0) as usize).div_ceil(step as usize).clamp(before, run);
            out[..before].fill(0.0);
            out[inside..].fill(0.0);
            if before < inside {
                let line = &line[(from + before as i64 * step) as usize..];
                let entries = line.iter().step_by(step as usize);
                match step {
                    1 => out[before..inside].copy_from_slice(&line[..inside - before]),
                    _ => out[before..inside].iter_mut().zip(entries).for_each(|(out, entry)| *out = *entry),
                }
            }
        }
    }
}
