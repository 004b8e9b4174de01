//! Neural convolution: a transposed one is a convolution for every remainder of the outputs by the strides; few channels
//! are summed row by row, many by matrix products over strips of outputs, large windows go through transforms.

mod product;
mod rows;
mod spectral;

use pulp::Arch;
use rayon::prelude::*;

use super::fft::Plans;
use super::memory::{Memory, Scatter};
use super::numbers::Numbers;
use super::pair::single::{BLOCK as EVALUATED, evaluate};
use super::view::{View, zeroed_vec};
use crate::error::{Error, Result};
use crate::expr::Tape;
use crate::plan::{PhaseAxis, phases};
use crate::work::{ConvMethod, ConvWork, Operand};

/// Channels of a group from which on a matrix product pays.
const PRODUCT_FROM: usize = 4;

/// A part of the outputs whose taps are evenly spaced, with the filters that it sees.
struct Phase {
    axes: [PhaseAxis; 3],
    /// Channels of x and of the result in one group.
    inputs: usize,
    outputs: usize,
    groups: usize,
    /// Lengths of x along the spatial axes.
    lengths: [usize; 3],
    /// groups × outputs × inputs × taps, row-major.
    filters: Vec<f32>,
}

impl Phase {
    fn new(work: &ConvWork, x: &View<'_, f32>, w: &View<'_, f32>, axes: [PhaseAxis; 3]) -> Result<Self> {
        let (first, second) = (w.shape[0], w.shape[1]);
        let (inputs, outputs) =
            if work.transposed { (first / work.groups, second) } else { (second, first / work.groups) };
        let groups = work.groups;
        let mut lengths = [1; 3];
        let rank = x.shape.len() - 2;
        lengths[3 - rank..].copy_from_slice(&x.shape[2..]);
        let mut strides = [0; 3];
        strides[3 - rank..].copy_from_slice(&w.strides[2..]);
        let taps: usize = axes.iter().map(|axis| axis.taps as usize).product();
        let mut filters = zeroed_vec(work.op, groups * outputs * inputs * taps)?;
        let place = |axis: usize, tap: usize| {
            (axes[axis].first_tap + tap as i64 * axes[axis].tap_step) as usize * strides[axis]
        };
        for (number, entry) in filters.iter_mut().enumerate() {
            let [_, rows, columns] = axes.map(|axis| axis.taps as usize);
            let (tap, filter) = (number % taps, number / taps);
            let (input, output, group) = (filter % inputs, filter / inputs % outputs, filter / inputs / outputs);
            let (outer, inner) =
                if work.transposed { (group * inputs + input, output) } else { (group * outputs + output, input) };
            let along = place(0, tap / (rows * columns)) + place(1, tap / columns % rows) + place(2, tap % columns);
            *entry = w.entries[outer * w.strides[0] + inner * w.strides[1] + along];
        }
        Ok(Self { axes, inputs, outputs, groups, lengths, filters })
    }

    fn taps(&self) -> usize {
        self.axes.iter().map(|axis| axis.taps as usize).product()
    }

    /// Outputs of one channel.
    fn counts(&self) -> [usize; 3] {
        self.axes.map(|axis| axis.outputs as usize)
    }

    /// Entries of one channel of x.
    fn plane(&self) -> usize {
        self.lengths.iter().product()
    }

    /// The filters of one group.
    fn group(&self, group: usize) -> &[f32] {
        let each = self.outputs * self.inputs * self.taps();
        &self.filters[group * each..][..each]
    }
}

/// [`crate::work::Work::Conv`].
pub(super) fn run(plans: &Plans, work: &ConvWork, inputs: &[Operand]) -> Result<Memory> {
    let op = work.op;
    let (x, w, bias) = match inputs {
        [x, w] if !work.bias => (x, w, None),
        [x, w, bias, ..] if work.bias => (x, w, Some(View::<f32>::of(op, bias)?)),
        _ => return Err(Error::argument(op, "inputs", "must be x, w and, where there is one, the bias")),
    };
    let (x, w) = (Numbers::of(op, x)?, Numbers::of(op, w)?);
    let (x, w) = (x.view(), w.view());
    let rank = work.axes.len() + 2;
    let groups = work.groups.max(1);
    let shapes = (x.shape, w.shape);
    if x.shape.len() != rank || w.shape.len() != rank || w.shape.contains(&0) {
        return Err(Error::shape(op, format!("x and w of shapes {shapes:?} do not fit the work")));
    }
    let (channels, own) =
        if work.transposed { (w.shape[1] * groups, w.shape[0]) } else { (w.shape[0], w.shape[1] * groups) };
    if own != x.shape[1] {
        return Err(Error::shape(op, format!("x and w of shapes {shapes:?} do not fit the work")));
    }
    let plane = work.axes.iter().fold(1usize, |product, axis| product.saturating_mul(axis.outputs));
    let len = x.shape[0].saturating_mul(channels).saturating_mul(plane);
    let mut out = Memory::for_entries::<f32>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    let entries = out.entries_mut::<f32>();
    if work.transposed || x.len() == 0 {
        // Outputs that nothing reaches.
        entries.fill(0.0);
    }
    let flat = x.flat(op)?;
    for axes in phases(&work.axes, &x.shape[2..], work.transposed) {
        let phase = Phase::new(work, &x, &w, axes)?;
        if phase.taps() > 0 && !flat.is_empty() && phase.counts().iter().product::<usize>() > 0 {
            sum(plans, work, &phase, &flat, entries, plane)?;
        }
    }
    finish(work, bias.as_ref(), channels, plane, entries);
    Ok(out)
}

/// The outputs of one phase.
fn sum(plans: &Plans, work: &ConvWork, phase: &Phase, x: &[f32], out: &mut [f32], plane: usize) -> Result<()> {
    let costs = [(ConvMethod::Direct, rows::cost(phase)), (ConvMethod::ImplicitGemm, product::cost(phase))];
    let sliding = match work.method {
        ConvMethod::Direct => ConvMethod::Direct,
        ConvMethod::ImplicitGemm => ConvMethod::ImplicitGemm,
        _ if phase.outputs >= PRODUCT_FROM || costs[1].1 < costs[0].1 => ConvMethod::ImplicitGemm,
        _ => ConvMethod::Direct,
    };
    let least = costs.iter().filter(|(method, _)| *method == sliding).map(|(_, cost)| *cost).sum::<f64>();
    let by_transforms = spectral::window(phase).filter(|window| match work.method {
        ConvMethod::Fft => true,
        ConvMethod::Auto => spectral::cost(phase, window) < least,
        _ => false,
    });
    if let Some(window) = by_transforms {
        return spectral::run(plans, work.op, phase, &window, x, out);
    }
    let out = Outputs::new(work, phase, out, plane);
    match sliding {
        ConvMethod::Direct => rows::run(work.op, phase, x, &out),
        _ => product::run(work.op, phase, x, &out),
    }
}

/// Where the outputs of a phase lie.
struct Outputs {
    entries: Scatter<f32>,
    plane: usize,
    lengths: [usize; 3],
    axes: [PhaseAxis; 3],
}

impl Outputs {
    fn new(work: &ConvWork, phase: &Phase, entries: &mut [f32], plane: usize) -> Self {
        let mut lengths = [1; 3];
        let rank = work.axes.len();
        lengths.iter_mut().skip(3 - rank).zip(&work.axes).for_each(|(to, axis)| *to = axis.outputs);
        Self { entries: Scatter::over(entries), plane, lengths, axes: phase.axes }
    }

    /// Writes outputs `column …` of a row of one channel of the batch.
    ///
    /// # Safety
    /// No other thread writes the same outputs.
    unsafe fn write(&self, channel: usize, [above, row, column]: [usize; 3], values: &[f32]) {
        let place =
            |axis: usize, at: usize| (self.axes[axis].first_output + at as u64 * self.axes[axis].output_step) as usize;
        let line = (place(0, above) * self.lengths[1] + place(1, row)) * self.lengths[2];
        let step = self.axes[2].output_step as usize;
        let start = channel * self.plane + line + place(2, column);
        // SAFETY: the caller's promise.
        let out = unsafe { self.entries.slice(start, (values.len() - 1) * step + 1) };
        if step == 1 {
            out.copy_from_slice(values);
        } else {
            out.iter_mut().step_by(step).zip(values).for_each(|(out, value)| *out = *value);
        }
    }
}

/// Adds the bias and applies the activation.
fn finish(work: &ConvWork, bias: Option<&View<'_, f32>>, channels: usize, plane: usize, out: &mut [f32]) {
    let tape = work.activation.as_ref().map(|activation| activation.tape());
    if bias.is_none() && tape.is_none() {
        return;
    }
    let arch = Arch::new();
    let one = |scratch: &mut Vec<[f32; EVALUATED]>, (channel, out): (usize, &mut [f32])| {
        if let Some(bias) = bias {
            let bias = bias.entries[channel % channels * bias.strides[0]];
            out.iter_mut().for_each(|value| *value += bias);
        }
        if let Some(tape) = tape.as_ref() as Option<&Tape> {
            evaluate(arch, tape, &mut [out], scratch);
        }
    };
    out.par_chunks_mut(plane).enumerate().for_each_init(Vec::new, one);
}
