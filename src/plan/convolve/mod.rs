//! Convolution and correlation: which entries are kept, and by which method they are computed.

mod blocks;
mod direct;
mod filter;
pub(in crate::plan) mod spectral;
#[cfg(test)]
mod tests;

use super::fft::{Batch, FftChoices};
use super::stored::Stored;
use super::{Limits, Program};
use crate::error::{Error, Result};
use crate::work::{ConvolveAlgorithm, ConvolveReason, ConvolveRecipe, ConvolveWork, Input, Kept, Method};

/// One convolved axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) struct Axis {
    pub(in crate::plan) signal: usize,
    pub(in crate::plan) kernel: usize,
    pub(in crate::plan) result: usize,
    /// First entry of the result within the full convolution.
    pub(in crate::plan) start: usize,
    pub(in crate::plan) signal_stride: i64,
    /// Of the kernel as it is convolved: negative where a correlation flips it.
    pub(in crate::plan) kernel_stride: i64,
    pub(in crate::plan) result_stride: i64,
}

impl Axis {
    /// What is kept of the full convolution.
    fn kept(&self) -> Kept {
        Kept { signal: self.signal, kernel: self.kernel, start: self.start, length: self.result }
    }
}

/// A convolution in numbers.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::plan) struct Geometry {
    pub(in crate::plan) axes: Vec<Axis>,
    pub(in crate::plan) batch: Vec<Batch>,
    pub(in crate::plan) signal_offset: i64,
    /// Of the kernel's first entry as it is convolved.
    pub(in crate::plan) kernel_offset: i64,
    /// All items share one kernel.
    pub(in crate::plan) one_kernel: bool,
    /// How signal and kernel are stored.
    pub(in crate::plan) stored: [Stored; 2],
    /// The kernel is conjugated.
    pub(in crate::plan) conjugate: bool,
    pub(in crate::plan) circular: bool,
    pub(in crate::plan) correlate: bool,
}

impl Geometry {
    fn of(work: &ConvolveWork, inputs: [&Input<'_>; 2]) -> Result<Self> {
        let [signal, kernel] = inputs.map(|input| input.layout);
        let op = work.op;
        let (rank, dimensions) = (work.rank, signal.shape.len());
        if rank == 0 || rank > 3 || rank > dimensions {
            return Err(Error::argument(
                op,
                format!("rank {rank}"),
                "must be 1, 2 or 3 and at most that of the inputs",
            ));
        }
        let leading = dimensions - rank;
        let one_kernel = kernel.shape.len() == rank && leading > 0;
        if !one_kernel && (kernel.shape.len() != dimensions || kernel.shape[..leading] != signal.shape[..leading]) {
            return Err(Error::shape(
                op,
                format!(
                    "the signal has shape {:?}, the kernel {:?}; the axes before the last {rank} must agree",
                    signal.shape, kernel.shape
                ),
            ));
        }
        let kernel_leading = kernel.shape.len() - rank;
        let mut axes = Vec::with_capacity(rank);
        let mut kernel_offset = kernel.offset as i64;
        for i in 0..rank {
            let (n, k) = (signal.shape[leading + i], kernel.shape[kernel_leading + i]);
            let stride = kernel.strides[kernel_leading + i] as i64;
            if work.correlate {
                kernel_offset += stride * (k as i64 - 1).max(0);
            }
            let kept = work.kept(n, k);
            axes.push(Axis {
                signal: n,
                kernel: k,
                result: kept.length,
                start: kept.start,
                signal_stride: signal.strides[leading + i] as i64,
                kernel_stride: if work.correlate { -stride } else { stride },
                result_stride: 1,
            });
        }
        let mut distance = 1i64;
        for axis in axes.iter_mut().rev() {
            axis.result_stride = distance;
            distance = distance.saturating_mul(axis.result as i64);
        }
        let mut batch = Vec::with_capacity(leading);
        for i in (0..leading).rev() {
            let product = if one_kernel { 0 } else { kernel.strides[i] as i64 };
            batch.push(Batch { size: signal.shape[i], source: signal.strides[i] as i64, result: distance, product });
            distance = distance.saturating_mul(signal.shape[i] as i64);
        }
        batch.reverse();
        Ok(Self {
            axes,
            batch,
            signal_offset: signal.offset as i64,
            kernel_offset,
            one_kernel,
            stored: inputs.map(|input| Stored::new(work.complex, input.element_bytes)),
            conjugate: work.correlate && work.complex,
            circular: work.circular,
            correlate: work.correlate,
        })
    }

    /// Entries of one item's result.
    fn entries(&self) -> usize {
        self.axes.iter().fold(1, |product: usize, axis| product.saturating_mul(axis.result))
    }

    /// Items of the batch.
    fn items(&self) -> usize {
        self.batch.iter().fold(1, |product: usize, axis| product.saturating_mul(axis.size))
    }

    /// Entries of the kernel.
    fn taps(&self) -> usize {
        self.axes.iter().fold(1, |product: usize, axis| product.saturating_mul(axis.kernel))
    }

    fn complex(&self) -> bool {
        self.stored[0].complex
    }

    /// Bytes of an entry of the result.
    fn element_bytes(&self) -> u64 {
        Stored { complex: self.complex(), halves: false }.bytes()
    }

    /// Bytes of the result, which one buffer holds.
    fn output_bytes(&self, op: &'static str, limits: &Limits) -> Result<u64> {
        let (entries, items, limit) = (self.entries() as u64, self.items() as u64, limits.max_buffer_bytes);
        let requested = entries.saturating_mul(items).saturating_mul(self.element_bytes());
        if requested > limit {
            return Err(Error::BufferTooLarge { op, requested, limit, adapter: limits.adapter.clone() });
        }
        Ok(requested)
    }

    /// Whether the kernel wraps around the signal more than once, which transforms of the signal's length cannot do.
    fn kernel_wraps_twice(&self) -> bool {
        self.circular && self.axes.iter().any(|axis| axis.kernel > axis.signal)
    }
}

/// Lowers a convolution or correlation.
pub(crate) fn lower(
    work: &ConvolveWork,
    inputs: &[Input<'_>],
    limits: &Limits,
    choices: &FftChoices,
) -> Result<Program> {
    let op = work.op;
    let [signal, kernel] = inputs else {
        return Err(Error::argument(op, "inputs", format!("are {}; a convolution takes two", inputs.len())));
    };
    let geometry = Geometry::of(work, [signal, kernel])?;
    let mut program = Program::new(op, geometry.output_bytes(op, limits)?);
    if program.output_bytes == 0 {
        return Ok(program);
    }
    match choose(work, &geometry, limits, choices)?.algorithm {
        ConvolveAlgorithm::Direct { .. } => direct::append(&mut program, &geometry, limits)?,
        ConvolveAlgorithm::OverlapSave { .. } => blocks::append(&mut program, &geometry, limits, choices)?,
        ConvolveAlgorithm::Transforms { .. } => spectral::append(&mut program, &geometry, limits, choices)?,
    }
    Ok(program)
}

/// How a convolution of such inputs is done, and what else could do it.
pub(crate) fn recipe(
    work: &ConvolveWork,
    inputs: [&Input<'_>; 2],
    limits: &Limits,
    choices: &FftChoices,
) -> Result<ConvolveRecipe> {
    let geometry = Geometry::of(work, inputs)?;
    geometry.output_bytes(work.op, limits)?;
    choose(work, &geometry, limits, choices)
}

fn choose(work: &ConvolveWork, geometry: &Geometry, limits: &Limits, choices: &FftChoices) -> Result<ConvolveRecipe> {
    let direct = direct::candidate(geometry, limits);
    if geometry.kernel_wraps_twice() {
        let (algorithm, reason) = (direct.0.clone(), ConvolveReason::WrapsTwice);
        return Ok(ConvolveRecipe { algorithm, reason, candidates: vec![direct] });
    }
    let blocks = blocks::candidate(geometry, limits, choices);
    let transforms: Vec<_> = blocks.into_iter().chain(spectral::candidate(geometry, limits, choices)).collect();
    if work.method == Method::Fft && transforms.is_empty() {
        return Err(spectral::unsupported(work.op, limits));
    }
    Ok(ConvolveRecipe::choose(work.method, direct, transforms))
}
