//! Large windows by Fourier transforms: every channel and every filter is transformed once; products of spectra are summed
//! over the channels and transformed back.

use std::sync::Arc;

use super::geometry::{Axis, Geometry};
use crate::error::Result;
use crate::plan::convolve::{self, spectral};
use crate::plan::fft::{Batch, FftChoices};
use crate::plan::parameters::Words;
use crate::plan::stored::Stored;
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};

const SPECTRA: ShaderFile =
    ShaderFile { name: "conv_spectra", text: include_str!("../../../shaders/conv_spectra.wgsl") };

/// Rough operations of one product of spectra: two loads of two numbers and the product itself.
const PRODUCT: f64 = 24.0;

/// A convolution as Fourier transforms see it.
pub(super) struct Spectral<'a> {
    geometry: &'a Geometry,
    limits: &'a Limits,
    choices: &'a FftChoices,
    /// Of one item of the batch: all channels of the result, of full convolutions with reversed filters.
    convolution: convolve::Geometry,
    lengths: Vec<usize>,
    /// Bytes of the spectrum of one channel.
    spectrum_bytes: u64,
}

impl<'a> Spectral<'a> {
    /// `None` where outputs are no window of a full convolution, or a spectrum of all filters is more than a binding sees.
    pub(super) fn of(
        geometry: &'a Geometry,
        stored: [Stored; 2],
        limits: &'a Limits,
        choices: &'a FftChoices,
    ) -> Option<Self> {
        let [axes] = &geometry.phases[..] else { return None };
        let first = axes.iter().position(|axis| axis.input > 1 || axis.taps > 1 || axis.outputs > 1).unwrap_or(2);
        let mut convolved = Vec::new();
        for at in first..3 {
            let axis: &Axis = &axes[at];
            if [axis.step, axis.spread, axis.output_step] != [1; 3] || axis.taps == 0 || axis.input == 0 {
                return None;
            }
            let start = u64::try_from(axis.start + axis.taps as i64 - 1).ok()?;
            if start + axis.outputs > axis.input + axis.taps - 1 {
                return None;
            }
            convolved.push(convolve::Axis {
                signal: axis.input as usize,
                kernel: axis.taps as usize,
                result: axis.outputs as usize,
                start: start as usize,
                signal_stride: geometry.x[2 + at] as i64,
                kernel_stride: -axis.tap_step * geometry.w[3 + at] as i64,
                result_stride: geometry.result[2 + at] as i64,
            });
        }
        let last_tap = |at: usize| axes[at].first_tap + (axes[at].taps as i64 - 1) * axes[at].tap_step;
        let kernel_offset = (0..3).map(|at| last_tap(at) * geometry.w[3 + at] as i64).sum::<i64>();
        let [batch, groups, outputs] = [geometry.batch, geometry.groups, geometry.outputs].map(|n| n as usize);
        let convolution = convolve::Geometry {
            axes: convolved,
            // What is transformed back: the channels of the result, item by item.
            batch: vec![
                Batch { size: batch, source: 0, result: geometry.result[0] as i64, product: 0 },
                Batch { size: groups * outputs, source: 0, result: geometry.result[1] as i64, product: 0 },
            ],
            signal_offset: geometry.x_offset as i64,
            kernel_offset: geometry.w_offset as i64 + kernel_offset,
            one_kernel: false,
            stored,
            conjugate: false,
            circular: false,
            correlate: false,
        };
        let lengths = spectral::lengths(&convolution)?;
        let spectrum_bytes = spectral::spectrum_bytes(&convolution, &lengths);
        let filters = (groups * outputs) as u64 * geometry.inputs;
        let most = limits.temporary_bytes();
        let channels = filters.max(geometry.groups * geometry.inputs);
        let loops = geometry.inputs * 65 / 64 + 65;
        let fits = spectrum_bytes.saturating_mul(channels) <= most && loops < u64::from(limits.max_iterations);
        fits.then_some(Self { geometry, limits, choices, convolution, lengths, spectrum_bytes })
    }

    /// Whether every channel of the result sees one channel of x, so that products need no sum.
    fn alone(&self) -> bool {
        self.geometry.inputs == 1
    }

    fn channels(&self) -> u64 {
        self.geometry.groups * self.geometry.outputs
    }

    /// Rough operations.
    pub(super) fn cost(&self) -> Option<f64> {
        let Geometry { batch, groups, inputs, .. } = *self.geometry;
        let read = if self.alone() { self.channels() } else { groups * inputs };
        let transforms = batch * (read + self.channels()) + self.channels() * inputs;
        let one = spectral::transform_cost(&self.lengths, self.limits, self.choices)?;
        let products = (batch * self.channels() * inputs) as f64 * self.spectrum_bytes as f64 / 8.0 * PRODUCT;
        let passes = (2 + batch * 3) as f64 * self.lengths.len() as f64 * spectral::PASS_COST;
        Some(transforms as f64 * one + if self.alone() { 0.0 } else { products } + passes)
    }

    /// Appends the passes that leave the sums in the result.
    pub(super) fn append(&self, program: &mut Program) -> Result<()> {
        let Geometry { batch, groups, inputs, outputs, x, w, .. } = *self.geometry;
        let most = (groups * inputs).max(self.channels());
        let two = usize::from(self.lengths.len() > 1) + 1;
        let mut scratch = |items: u64| -> Vec<BufferId> {
            (0..two).map(|_| program.temporary(items * self.spectrum_bytes)).collect()
        };
        let (of_filters, of_x) = (scratch(self.channels() * inputs), scratch(most));
        let summed = if self.alone() { Vec::new() } else { scratch(self.channels()) };
        let axes = &self.convolution.axes;
        let filters = spectral::Incoming {
            buffer: BufferId::Input(1),
            offset: self.convolution.kernel_offset,
            axes: axes.iter().map(|axis| (axis.kernel, axis.kernel_stride)).collect(),
            batch: [(groups, w[0]), (outputs, w[1]), (inputs, w[2])].map(distances).to_vec(),
            stored: self.convolution.stored[1],
            inverse: false,
            conjugate: false,
        };
        let spectra = spectral::Spectra { lengths: &self.lengths, limits: self.limits, choices: self.choices };
        let filters = spectra.forward(program, &filters, 0, &of_filters, None)?;
        for item in 0..batch {
            let channels = match self.alone() {
                true => vec![(groups, x[1]), (outputs, 0)],
                false => vec![(groups * inputs, x[1])],
            };
            let signal = spectral::Incoming {
                buffer: BufferId::Input(0),
                offset: self.convolution.signal_offset + (item * x[0]) as i64,
                axes: axes.iter().map(|axis| (axis.signal, axis.signal_stride)).collect(),
                batch: channels.into_iter().map(distances).collect(),
                stored: self.convolution.stored[0],
                inverse: false,
                conjugate: false,
            };
            let part = vec![(item as usize, 1), (0, self.channels() as usize)];
            let kept = (&self.convolution, &part);
            if self.alone() {
                spectra.filter(program, kept, &signal, (&filters, false), &of_x)?;
            } else {
                let x = spectra.forward(program, &signal, 0, &of_x, None)?;
                let sum = self.sum(program, &x, &filters, &summed);
                spectra.backward(program, kept, sum, 0, &summed)?;
            }
        }
        Ok(())
    }

    /// Sums the products of the spectra of one item.
    fn sum(
        &self,
        program: &mut Program,
        x: &spectral::Spectrum,
        w: &spectral::Spectrum,
        to: &[BufferId],
    ) -> spectral::Spectrum {
        let points = self.spectrum_bytes / 8;
        let entries = self.channels() * points;
        let (grid, width) = self.limits.fold(entries.div_ceil(64));
        let y = spectral::Spectrum { buffer: to[0], items: self.channels() as usize, shape: x.shape.clone() };
        let mut words = Words::new();
        words.u32(width).length(points).length(self.geometry.inputs).length(self.geometry.outputs).length(entries);
        let spectra = |buffer: BufferId, items: u64| Window { buffer, offset: 0, bytes: items * self.spectrum_bytes };
        let windows = vec![
            spectra(x.buffer, self.geometry.groups * self.geometry.inputs),
            spectra(w.buffer, self.channels() * self.geometry.inputs),
            spectra(y.buffer, self.channels()),
        ];
        let shader = Arc::new(Shader { file: SPECTRA, tail: Tail::new(), math: false, indices_proven: true });
        let cost = entries as f64 * self.geometry.inputs as f64 * PRODUCT;
        program.passes.push(Pass { shader, windows, parameters: words.bytes(), grid, cost });
        y
    }
}

fn distances((size, distance): (u64, u64)) -> (usize, i64) {
    (size as usize, distance as i64)
}
