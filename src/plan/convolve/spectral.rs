//! By the convolution theorem: transform both inputs, multiply in the last pass forwards, transform back.

use super::{Axis, Geometry};
use crate::error::{Error, Result};
use crate::plan::fft::{
    AxisTransform, Batch, FftChoices, FftRecipe, Part, Product, Side, SourceKind, append_axis, first, good_length,
    parts,
};
use crate::plan::stored::Stored;
use crate::plan::{BufferId, Limits, Program};
use crate::work::ConvolveAlgorithm;

/// A pass over memory costs more than its arithmetic: measured operations per counted one.
pub(super) const MEMORY_FACTOR: f64 = 3.0;

/// What starting a pass costs, in operations.
pub(in crate::plan) const PASS_COST: f64 = 2e5;

/// Length of the transforms along an axis.
fn length(axis: &Axis, circular: bool, even: bool) -> Option<usize> {
    if circular {
        return Some(axis.signal);
    }
    good_length(axis.kept().least_points(), even)
}

/// Lengths of the transforms; `None` where one is too long.
pub(in crate::plan) fn lengths(geometry: &Geometry) -> Option<Vec<usize>> {
    let last = geometry.axes.len() - 1;
    let even = |i: usize| i == last && !geometry.complex();
    geometry.axes.iter().enumerate().map(|(i, axis)| length(axis, geometry.circular, even(i))).collect()
}

/// Coefficients that are kept along the last axis.
fn kept(length: usize, complex: bool) -> usize {
    if complex { length } else { length / 2 + 1 }
}

/// The lengths of the transforms, with the rough number of operations; `None` where transforms cannot do it.
pub(super) fn candidate(
    geometry: &Geometry,
    limits: &Limits,
    choices: &FftChoices,
) -> Option<(ConvolveAlgorithm, f64)> {
    let lengths = lengths(geometry)?;
    let points: f64 = lengths.iter().map(|&n| n as f64).product();
    if points * 8.0 > limits.max_binding_bytes as f64 {
        return None;
    }
    let items = geometry.items() as f64;
    let transforms = 2.0 * items + if geometry.one_kernel { 1.0 } else { items };
    let cost = transform_cost(&lengths, limits, choices)? * transforms + lengths.len() as f64 * 3.0 * PASS_COST;
    Some((ConvolveAlgorithm::Transforms { lengths }, cost))
}

/// What is said where transforms cannot do it.
pub(super) fn unsupported(op: &'static str, limits: &Limits) -> Error {
    let message = format!(
        "the spectrum of one item needs more than the {} bytes that {} binds at once; convolve it in pieces",
        limits.max_binding_bytes, limits.adapter
    );
    Error::Unsupported { op, message }
}

/// Rough number of operations of one transform along all axes.
pub(in crate::plan) fn transform_cost(lengths: &[usize], limits: &Limits, choices: &FftChoices) -> Option<f64> {
    let points: f64 = lengths.iter().map(|&n| n as f64).product();
    let of_axis = |&n: &usize| Some(FftRecipe::new(n, limits, choices)?.cost() * (points / n as f64) * MEMORY_FACTOR);
    lengths.iter().map(of_axis).sum()
}

/// Bytes of the spectrum of one item.
pub(in crate::plan) fn spectrum_bytes(geometry: &Geometry, lengths: &[usize]) -> u64 {
    let last = lengths.len() - 1;
    let kept = |(at, &n): (usize, &usize)| if at == last { kept(n, geometry.complex()) } else { n };
    lengths.iter().enumerate().map(kept).fold(8u64, |bytes, n| bytes.saturating_mul(n as u64))
}

/// A row-major box of complex numbers in a scratch buffer.
#[derive(Clone)]
pub(in crate::plan) struct Spectrum {
    pub(in crate::plan) buffer: BufferId,
    pub(in crate::plan) items: usize,
    pub(in crate::plan) shape: Vec<usize>,
}

impl Spectrum {
    pub(super) fn strides(&self) -> Vec<i64> {
        let mut strides = vec![1i64; self.shape.len()];
        for i in (1..self.shape.len()).rev() {
            strides[i - 1] = strides[i] * self.shape[i] as i64;
        }
        strides
    }

    pub(super) fn item(&self) -> i64 {
        self.shape.iter().map(|&n| n as i64).product()
    }
}

/// Appends the passes.
pub(super) fn append(program: &mut Program, geometry: &Geometry, limits: &Limits, choices: &FftChoices) -> Result<()> {
    let op = program.op;
    let unsupported = || unsupported(op, limits);
    let lengths = lengths(geometry).ok_or_else(unsupported)?;
    let item_bytes = spectrum_bytes(geometry, &lengths);
    let most_bytes = limits.temporary_bytes();
    let parts = parts(&geometry.batch, |part: &Part| {
        part.iter().map(|(_, size)| *size as u64).product::<u64>().saturating_mul(item_bytes) <= most_bytes
    })
    .ok_or_else(unsupported)?;
    let most_items = parts.iter().map(items).max().unwrap_or(1) as u64;
    let kernels = if geometry.one_kernel { 1 } else { most_items };
    let two = usize::from(lengths.len() > 1) + 1;
    let kernel_scratch: Vec<BufferId> = (0..two).map(|_| program.temporary(kernels * item_bytes)).collect();
    let scratch: Vec<BufferId> = (0..two).map(|_| program.temporary(most_items * item_bytes)).collect();

    let spectra = Spectra { lengths: &lengths, limits, choices };
    let whole = vec![(0, 1); geometry.batch.len()];
    let mut kernel = None;
    for part in &parts {
        let spectrum = match kernel.take() {
            Some(spectrum) if geometry.one_kernel => spectrum,
            _ => {
                let part = if geometry.one_kernel { &whole } else { part };
                spectra.forward(program, &kernel_side(geometry, part), 0, &kernel_scratch, None)?
            }
        };
        let signal = signal_side(geometry, part);
        spectra.filter(program, (geometry, part), &signal, (&spectrum, geometry.one_kernel), &scratch)?;
        kernel = Some(spectrum);
    }
    Ok(())
}

fn items(part: &Part) -> usize {
    part.iter().map(|(_, size)| *size).product()
}

/// One input as it goes into the transforms.
pub(in crate::plan) struct Incoming {
    pub(in crate::plan) buffer: BufferId,
    pub(in crate::plan) offset: i64,
    /// Length and distance along each axis.
    pub(in crate::plan) axes: Vec<(usize, i64)>,
    /// Size and distance along each batch axis.
    pub(in crate::plan) batch: Vec<(usize, i64)>,
    pub(in crate::plan) stored: Stored,
    pub(in crate::plan) inverse: bool,
    pub(in crate::plan) conjugate: bool,
}

fn signal_side(geometry: &Geometry, part: &Part) -> Incoming {
    Incoming {
        buffer: BufferId::Input(0),
        offset: first(geometry.signal_offset, &geometry.batch, part, |b| b.source),
        axes: geometry.axes.iter().map(|axis| (axis.signal, axis.signal_stride)).collect(),
        batch: geometry.batch.iter().zip(part).map(|(axis, (_, size))| (*size, axis.source)).collect(),
        stored: geometry.stored[0],
        inverse: false,
        conjugate: false,
    }
}

fn kernel_side(geometry: &Geometry, part: &Part) -> Incoming {
    let batch = geometry.batch.iter().zip(part).map(|(axis, (_, size))| (*size, axis.product)).collect();
    let offset = first(geometry.kernel_offset, &geometry.batch, part, |b| b.product);
    let mut side = Incoming {
        buffer: BufferId::Input(1),
        offset,
        axes: geometry.axes.iter().map(|axis| (axis.kernel, axis.kernel_stride)).collect(),
        batch,
        stored: geometry.stored[1],
        inverse: false,
        conjugate: geometry.conjugate,
    };
    if geometry.circular && geometry.correlate {
        // The conjugate spectrum of the kernel as it stands: the transform backwards of its conjugate.
        side.inverse = true;
        for (length, stride) in &mut side.axes {
            side.offset += *stride * (*length as i64 - 1);
            *stride = -*stride;
        }
    }
    side
}

/// Transforms of some lengths, one per axis.
pub(in crate::plan) struct Spectra<'a> {
    pub(in crate::plan) lengths: &'a [usize],
    pub(in crate::plan) limits: &'a Limits,
    pub(in crate::plan) choices: &'a FftChoices,
}

impl Spectra<'_> {
    /// What [`Self::forward`] leaves when it has come down to this axis.
    pub(super) fn transformed(&self, side: &Incoming, axis: usize, scratch: &[BufferId]) -> Spectrum {
        let last = self.lengths.len() - 1;
        let mut shape: Vec<usize> = side.axes.iter().map(|(length, _)| *length).collect();
        shape[axis..].copy_from_slice(&self.lengths[axis..]);
        shape[last] = kept(self.lengths[last], side.stored.complex);
        let items = side.batch.iter().map(|(size, _)| *size).product();
        Spectrum { buffer: scratch[(last - axis) % scratch.len()], items, shape }
    }

    /// Transforms the axes from the last down to `first`; multiplies by `factor` on the way out of axis 0.
    pub(in crate::plan) fn forward(
        &self,
        program: &mut Program,
        side: &Incoming,
        first: usize,
        scratch: &[BufferId],
        factor: Option<(&Spectrum, bool)>,
    ) -> Result<Spectrum> {
        let Self { lengths, limits, choices } = *self;
        let rank = lengths.len();
        let mut current: Option<Spectrum> = None;
        for axis in (first..rank).rev() {
            let result = self.transformed(side, axis, scratch);
            let items = result.items;
            let strides = result.strides();
            let factor = factor.filter(|_| axis == 0);
            let mut batch = Vec::new();
            match &current {
                None => {
                    let mut distance = result.item() * items as i64;
                    let mut factor_distance = distance;
                    for (size, source) in &side.batch {
                        distance /= *size as i64;
                        factor_distance /= *size as i64;
                        let product = if factor.is_some_and(|(_, one)| one) { 0 } else { factor_distance };
                        batch.push(Batch { size: *size, source: *source, result: distance, product });
                    }
                }
                Some(source) => {
                    let product = if factor.is_some_and(|(_, one)| one) { 0 } else { result.item() };
                    batch.push(Batch { size: items, source: source.item(), result: result.item(), product });
                }
            }
            let source_strides: Vec<i64> = match &current {
                None => side.axes.iter().map(|(_, stride)| *stride).collect(),
                Some(source) => source.strides(),
            };
            let sizes: Vec<usize> = match &current {
                None => side.axes.iter().map(|(length, _)| *length).collect(),
                Some(source) => source.shape.clone(),
            };
            for other in (0..rank).filter(|&other| other != axis) {
                let distance = strides[other];
                batch.push(Batch {
                    size: sizes[other],
                    source: source_strides[other],
                    result: distance,
                    product: distance,
                });
            }
            let (buffer, offset) = current.as_ref().map_or((side.buffer, side.offset), |source| (source.buffer, 0));
            let fresh = current.is_none();
            let transform = AxisTransform {
                length: lengths[axis],
                inverse: side.inverse,
                scale: 1.0,
                number: if fresh && !side.stored.complex { SourceKind::Real } else { SourceKind::Complex },
                halves: fresh && side.stored.halves,
                conjugate: fresh && side.conjugate,
                source: Side { buffer, offset, stride: source_strides[axis], length: sizes[axis] },
                taper: None,
                real_result: false,
                result: Side { buffer: result.buffer, offset: 0, stride: strides[axis], length: result.shape[axis] },
                result_start: 0,
                product: factor.map(|(spectrum, _)| Product {
                    buffer: spectrum.buffer,
                    offset: 0,
                    stride: strides[axis],
                }),
                columns: None,
                batch,
            };
            append_axis(program, &transform, limits, choices)?;
            current = Some(result);
        }
        current.ok_or(Error::Unsupported { op: program.op, message: "no axis is convolved".to_owned() })
    }

    /// Transforms back the axes from `first` to the last, and keeps what the result wants.
    pub(in crate::plan) fn backward(
        &self,
        program: &mut Program,
        (geometry, part): (&Geometry, &Part),
        spectrum: Spectrum,
        first_axis: usize,
        scratch: &[BufferId],
    ) -> Result<()> {
        let Self { lengths, limits, choices } = *self;
        let rank = lengths.len();
        let mut current = spectrum;
        for axis in first_axis..rank {
            let last = axis == rank - 1;
            let convolved = &geometry.axes[axis];
            let source_strides = current.strides();
            let mut shape = current.shape.clone();
            shape[axis] = convolved.result;
            let buffer = if last { BufferId::Output } else { other(scratch, current.buffer) };
            let result = Spectrum { buffer, items: current.items, shape };
            let strides = result.strides();
            let mut batch = Vec::new();
            if last {
                let mut distance = current.item() * current.items as i64;
                for (axis, (_, size)) in geometry.batch.iter().zip(part) {
                    distance /= *size as i64;
                    batch.push(Batch { size: *size, source: distance, result: axis.result, product: 0 });
                }
            } else {
                batch.push(Batch { size: current.items, source: current.item(), result: result.item(), product: 0 });
            }
            for other in (0..rank).filter(|&other| other != axis) {
                batch.push(Batch {
                    size: current.shape[other],
                    source: source_strides[other],
                    result: strides[other],
                    product: 0,
                });
            }
            let offset = if last { first(0, &geometry.batch, part, |b| b.result) } else { 0 };
            let transform = AxisTransform {
                length: lengths[axis],
                inverse: true,
                scale: (1.0 / lengths[axis] as f64) as f32,
                number: if last && !geometry.complex() { SourceKind::Half } else { SourceKind::Complex },
                halves: false,
                conjugate: false,
                source: Side {
                    buffer: current.buffer,
                    offset: 0,
                    stride: source_strides[axis],
                    length: current.shape[axis],
                },
                taper: None,
                real_result: last && !geometry.complex(),
                result: Side { buffer: result.buffer, offset, stride: strides[axis], length: convolved.result },
                result_start: if geometry.circular { 0 } else { convolved.start },
                product: None,
                columns: None,
                batch,
            };
            append_axis(program, &transform, limits, choices)?;
            current = result;
        }
        Ok(())
    }
}

/// Scratch memory that is not `buffer`.
pub(super) fn other(scratch: &[BufferId], buffer: BufferId) -> BufferId {
    scratch.iter().copied().find(|&other| other != buffer).unwrap_or(buffer)
}
