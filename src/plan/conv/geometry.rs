//! A neural convolution in numbers: where the entries lie, and which of them an output sees.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::plan::parameters::Words;
use crate::work::{ConvWork, Input, Layout, WindowAxis};

/// One axis of outputs that are evenly spaced and see evenly spaced entries: output o sees entry
/// `o · step + t · spread + start` through tap t.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) outputs: u64,
    pub(crate) step: u64,
    pub(crate) taps: u64,
    pub(crate) spread: u64,
    pub(crate) start: i64,
    pub(crate) input: u64,
    /// Of all outputs along the axis, the first of these and how many lie from one to the next.
    pub(crate) first_output: u64,
    pub(crate) output_step: u64,
    /// Of all taps along the axis, tap 0 and how many lie from one to the next.
    pub(crate) first_tap: i64,
    pub(crate) tap_step: i64,
}

impl Axis {
    /// An axis of length 1.
    const UNIT: Self = Self {
        outputs: 1,
        step: 1,
        taps: 1,
        spread: 1,
        start: 0,
        input: 1,
        first_output: 0,
        output_step: 1,
        first_tap: 0,
        tap_step: 1,
    };

    /// All outputs of a convolution or pooling.
    fn whole(axis: &WindowAxis, input: usize) -> Self {
        Self {
            outputs: axis.outputs as u64,
            step: axis.stride as u64,
            taps: axis.taps as u64,
            spread: axis.dilation as u64,
            start: -(axis.before as i64),
            input: input as u64,
            ..Self::UNIT
        }
    }

    /// The outputs `phase, phase + stride, …` of a transposed convolution. With o = phase + q · stride, entry i reaches o
    /// through the taps j with j · dilation ≡ phase + before (mod stride): every stride/gcd-th from the first such j on, each
    /// dilation/gcd entries before the last. Taps are counted backwards, so that entries are counted forwards.
    fn phase(axis: &WindowAxis, input: usize, phase: usize) -> Self {
        let (stride, dilation) = (axis.stride, axis.dilation);
        let gcd = gcd(stride, dilation);
        let shifted = phase + axis.before;
        let meets = |tap: &usize| (shifted as i64 - (tap * dilation) as i64).rem_euclid(stride as i64) == 0;
        let first = (0..axis.taps.min(stride / gcd)).find(meets);
        let outputs = axis.outputs.saturating_sub(phase).div_ceil(stride) as u64;
        let placed = Self {
            outputs,
            step: 1,
            input: input as u64,
            first_output: phase as u64,
            output_step: stride as u64,
            ..Self::UNIT
        };
        let Some(first) = first else { return Self { taps: 0, ..placed } };
        let (tap_step, spread) = (stride / gcd, dilation / gcd);
        let taps = (axis.taps - first).div_ceil(tap_step);
        let last = first + (taps - 1) * tap_step;
        let start = (shifted as i64 - (last * dilation) as i64).div_euclid(stride as i64);
        let (taps, spread) = (taps as u64, spread as u64);
        Self { taps, spread, start, first_tap: last as i64, tap_step: -(tap_step as i64), ..placed }
    }

    /// The entries that these outputs see, as far as they exist: never empty, so that there is something to bind.
    pub(in crate::plan) fn seen(&self, outputs: &Range<u64>) -> Range<u64> {
        let last = self.input.max(1) as i64 - 1;
        let first_place = self.start + (outputs.start * self.step) as i64;
        let last_place =
            self.start + ((outputs.end - 1) * self.step) as i64 + (self.taps.max(1) - 1) as i64 * self.spread as i64;
        let first = first_place.clamp(0, last) as u64;
        first..(last_place.clamp(first as i64, last) as u64 + 1)
    }

    /// The axis as a shader sees it for these outputs, with the strides of input and result.
    pub(in crate::plan) fn words(&self, outputs: &Range<u64>, strides: [u64; 2], words: &mut Words) {
        let seen = self.seen(outputs);
        let start = self.start + (outputs.start * self.step) as i64 - seen.start as i64;
        words.length(outputs.end - outputs.start).length(self.step).length(self.taps).length(self.spread);
        words.u32(start as u32).length(seen.end - seen.start).length(strides[0]);
        words.length(strides[1] * self.output_step);
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Strides of a batch of channels: item, channel, and the three spatial axes.
pub(in crate::plan) type Strides = [u64; 5];

/// Strides with missing spatial axes in front of the others.
pub(in crate::plan) fn strides(layout: &Layout) -> Strides {
    let rank = layout.strides.len();
    let mut strides = [0; 5];
    for (to, from) in strides.iter_mut().zip(layout.strides.iter().take(2)) {
        *to = *from as u64;
    }
    for axis in 2..rank {
        strides[axis + 5 - rank] = layout.strides[axis] as u64;
    }
    strides
}

/// The three spatial axes of each part of the outputs that is computed for itself: one, or of a transposed convolution one
/// for every remainder of the outputs by the strides.
pub(crate) fn phases(axes: &[WindowAxis], inputs: &[usize], transposed: bool) -> Vec<[Axis; 3]> {
    let mut phases = vec![[Axis::UNIT; 3]];
    for (at, (axis, input)) in axes.iter().zip(inputs).enumerate() {
        let choices: Vec<Axis> = match transposed {
            false => vec![Axis::whole(axis, *input)],
            true => (0..axis.stride.min(axis.outputs)).map(|phase| Axis::phase(axis, *input, phase)).collect(),
        };
        let with = |phase: &[Axis; 3], choice: &Axis| {
            let mut phase = *phase;
            phase[at + 3 - axes.len()] = *choice;
            phase
        };
        phases = phases.iter().flat_map(|phase| choices.iter().map(|choice| with(phase, choice))).collect();
    }
    phases
}

/// Shapes and strides of a neural convolution.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Geometry {
    pub(super) batch: u64,
    pub(super) groups: u64,
    /// Channels of x and of the result in one group.
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    pub(super) x: Strides,
    pub(super) x_offset: u64,
    pub(super) result: Strides,
    /// Strides of w: group, output, input, and the three axes of taps.
    pub(super) w: [u64; 6],
    pub(super) w_offset: u64,
    pub(super) phases: Vec<[Axis; 3]>,
    /// Entries of the result.
    pub(super) entries: u64,
}

impl Geometry {
    pub(super) fn of(work: &ConvWork, x: &Input<'_>, w: &Input<'_>) -> Result<Self> {
        let rank = work.axes.len() + 2;
        let shapes = (&x.layout.shape, &w.layout.shape);
        let refuse = || Error::shape(work.op, format!("x and w of shapes {shapes:?} do not fit the work"));
        let ([n, channels, lengths @ ..], [first, second, taps @ ..]) = (&shapes.0[..], &shapes.1[..]) else {
            return Err(refuse());
        };
        let groups = work.groups.max(1);
        let (filters, own) = if work.transposed { (second * groups, *first) } else { (*first, second * groups) };
        let same_taps = taps.iter().zip(&work.axes).all(|(taps, axis)| *taps == axis.taps);
        if shapes.0.len() != rank || shapes.1.len() != rank || own != *channels || !same_taps {
            return Err(refuse());
        }
        let shape: Vec<usize> = [*n, filters].into_iter().chain(work.axes.iter().map(|axis| axis.outputs)).collect();
        let result = Layout::contiguous(&shape);
        let [outer, inner, ..] = strides(w.layout);
        let (inputs, outputs) = ((channels / groups) as u64, (filters / groups) as u64);
        let of_w = if work.transposed { [outer * inputs, inner, outer] } else { [outer * outputs, outer, inner] };
        let [_, _, along @ ..] = strides(w.layout);
        Ok(Self {
            batch: *n as u64,
            groups: groups as u64,
            inputs,
            outputs,
            x: strides(x.layout),
            x_offset: x.layout.offset as u64,
            result: strides(&result),
            w: [of_w[0], of_w[1], of_w[2], along[0], along[1], along[2]],
            w_offset: w.layout.offset as u64,
            phases: phases(&work.axes, lengths, work.transposed),
            entries: result.len() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every phase together sees exactly what the definition says: entry i reaches output i · stride − before + j · dilation.
    #[test]
    fn phases_gather_what_is_spread() {
        for (input, taps, stride, dilation, before, outputs) in
            [(5, 3, 2, 1, 1, 10), (7, 4, 3, 2, 0, 30), (4, 5, 4, 6, 3, 40), (6, 2, 5, 1, 2, 27), (3, 3, 1, 3, 4, 9)]
        {
            let axis = WindowAxis { taps, stride, dilation, before, after: 0, outputs };
            let mut wanted = std::collections::BTreeSet::new();
            for i in 0..input {
                for j in 0..taps {
                    let o = (i * stride + j * dilation) as i64 - before as i64;
                    if (0..outputs as i64).contains(&o) {
                        wanted.insert((o as u64, i as i64, j as i64));
                    }
                }
            }
            let mut found = std::collections::BTreeSet::new();
            for phase in 0..stride.min(outputs) {
                let phase = Axis::phase(&axis, input, phase);
                for q in 0..phase.outputs {
                    for t in 0..phase.taps {
                        let i = phase.start + (q * phase.step + t * phase.spread) as i64;
                        if (0..input as i64).contains(&i) {
                            let j = phase.first_tap + t as i64 * phase.tap_step;
                            found.insert((phase.first_output + q * phase.output_step, i, j));
                        }
                    }
                }
            }
            assert_eq!(found, wanted, "{axis:?}");
        }
    }
}
