//! Fourier transforms: from lengths and layouts to passes.

mod append;
mod blocks;
mod butterfly;
mod coefficients;
mod entries;
mod factors;
mod gather;
mod geometry;
mod line;
mod long;
mod parameters;
mod recipe;
mod rolled;
mod sections;
mod stages;
mod steps;
mod tables;
#[cfg(test)]
pub(super) mod tests;
mod words;

pub(crate) use append::first;
pub(crate) use append::{AxisTransform, Product, Side, SourceKind, Taper, append_axis};
pub(crate) use blocks::{Blocks, append_blocks, block_operations, longest_block};
pub(crate) use factors::{good_length, is_smooth};
pub(crate) use geometry::{Batch, Part, parts, reach, window, window_bytes};
pub(crate) use recipe::FftRecipe;
pub(crate) use tables::{root, spectrum, to_bytes};

use super::stored::Stored;
use super::{BufferId, DeviceKind, Limits, Program};
use crate::error::{Error, Result};
use crate::work::{FftKind, FftWork, Input};

/// What a tuner may choose about transforms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FftChoices {
    /// Largest butterfly, or a line's largest prime factor where that is larger.
    pub largest_radix: usize,
    /// Most invocations that share a line.
    pub threads: usize,
    /// Invocations that a workgroup is filled up to with lines.
    pub invocations: usize,
    /// Longest line that one workgroup takes, within what its memory holds.
    pub longest_line: usize,
    /// Whether entries in workgroup memory are spread over its banks.
    pub padded: bool,
    /// Whether a transform that takes several passes has one butterfly in each, so that nothing goes through workgroup
    /// memory. Where that is memory like any other, another pass costs no more than an exchange, and lines that are short
    /// leave the caches to their neighbours. Not for Bluestein's algorithm, see [`Self::single_chirps`], nor where
    /// butterflies of the largest radix would take more than six.
    pub single_butterflies: bool,
    /// Whether lines are loaded, stored and taken from stage to stage in loops: a fraction of the text, which compiles in a
    /// fraction of the time, for an exchange before and one after and for divisions on the way. Drivers that compile slowly
    /// run nothing else.
    pub rolled: bool,
    /// Transforms of at most so many complex numbers in all are rolled, with butterflies of 4: it would take hundreds of runs
    /// until larger ones, written out, have gained what they cost the compiler. A line among many others may so differ in
    /// its last bits from the same line alone.
    pub rolled_points: usize,
    /// Transforms by Bluestein's algorithm of at most so many complex numbers in all that take several passes have one small
    /// butterfly in each: little to compile, while each transform takes up to twice as long. So many that a hundred
    /// transforms or fewer make up for what larger butterflies take to compile are better off with those.
    pub single_chirps: usize,
    /// Whether neighbouring invocations work on neighbouring lines, as far as there are several, even where the entries of a
    /// line are neighbours in memory, and lines of a single butterfly some way apart: for memory that is read lane by lane,
    /// where lanes in one cache line are in each other's way.
    pub across_lines: bool,
    /// Whether a complex number is read and written as one word of 64 bits. Needs [`Limits::int64`].
    pub words: bool,
}

impl FftChoices {
    /// Defaults by the kind of device. In software a workgroup is as small as a subgroup, which waits for nobody, and long
    /// butterflies save exchanges, where there is enough to do; drivers that compile slowly want short texts always.
    pub fn for_limits(limits: &Limits) -> Self {
        let lanes = limits.subgroup_size.unwrap_or(8) as usize;
        match limits.kind {
            DeviceKind::Software => Self {
                largest_radix: if limits.compiles_slowly { 16 } else { 36 },
                threads: lanes,
                invocations: lanes,
                padded: false,
                single_butterflies: !limits.compiles_slowly,
                rolled: limits.compiles_slowly,
                rolled_points: 1 << 14,
                single_chirps: if limits.compiles_slowly { 0 } else { 300_000 },
                across_lines: true,
                words: limits.int64,
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    /// What is chosen for a box of lines of so many complex numbers each.
    fn for_lines(&self, batch: &[Batch], numbers: usize) -> Self {
        self.for_points(batch.iter().map(|axis| axis.size).fold(numbers, usize::saturating_mul))
    }

    /// What is chosen for transforms of so many complex numbers in all.
    pub(crate) fn for_points(&self, points: usize) -> Self {
        if points > self.rolled_points {
            let single_chirps = if points > self.single_chirps { 0 } else { self.single_chirps };
            return Self { single_chirps, ..self.clone() };
        }
        let largest_radix = self.largest_radix.min(SHORT_RADIX);
        Self { largest_radix, single_butterflies: false, single_chirps: 0, rolled: true, ..self.clone() }
    }
}

impl Default for FftChoices {
    fn default() -> Self {
        Self {
            largest_radix: 16,
            threads: 256,
            invocations: 64,
            longest_line: 4096,
            padded: true,
            single_butterflies: false,
            rolled: false,
            rolled_points: 0,
            single_chirps: 0,
            across_lines: false,
            words: false,
        }
    }
}

/// Largest butterfly of transforms of few points, where no prime factor is larger.
const SHORT_RADIX: usize = 4;

/// Lowers a transform along one axis.
pub(crate) fn lower(work: &FftWork, inputs: &[Input<'_>], limits: &Limits, choices: &FftChoices) -> Result<Program> {
    let op = work.op;
    let Some(input) = inputs.first() else {
        return Err(Error::argument(op, "inputs", "are missing; a transform takes one"));
    };
    let layout = input.layout;
    if work.axis >= layout.shape.len() {
        return Err(Error::argument(
            op,
            format!("axis {}", work.axis),
            format!("must be below {}", layout.shape.len()),
        ));
    }
    if work.length == 0 {
        return Err(Error::argument(op, "length 0", "must be at least 1"));
    }
    let half = work.length / 2 + 1;
    let (source, source_length, result_length, result_bytes) = match work.kind {
        FftKind::Complex => (SourceKind::Complex, work.length, work.length, 8),
        FftKind::RealToHalf => (SourceKind::Real, work.length, half, 8),
        FftKind::HalfToReal => (SourceKind::Half, half, work.length, 4),
    };
    let mut shape = layout.shape.clone();
    shape[work.axis] = result_length;
    let entries = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
    let output_bytes = entries.and_then(|n| n.checked_mul(result_bytes)).unwrap_or(u64::MAX);
    if output_bytes > limits.max_buffer_bytes {
        return Err(Error::BufferTooLarge {
            op,
            requested: output_bytes,
            limit: limits.max_buffer_bytes,
            adapter: limits.adapter.clone(),
        });
    }
    let mut program = Program::new(op, output_bytes);
    let mut result_strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        result_strides[axis - 1] = result_strides[axis] * shape[axis] as i64;
    }
    let batch = (0..shape.len())
        .filter(|&axis| axis != work.axis)
        .map(|axis| Batch {
            size: shape[axis],
            source: layout.strides[axis] as i64,
            result: result_strides[axis],
            product: 0,
        })
        .collect();
    let transform = AxisTransform {
        length: work.length,
        inverse: work.inverse,
        scale: work.scale,
        number: source,
        halves: Stored::new(source != SourceKind::Real, input.element_bytes).halves,
        conjugate: false,
        source: Side {
            buffer: BufferId::Input(0),
            offset: layout.offset as i64,
            stride: layout.strides[work.axis] as i64,
            length: layout.shape[work.axis].min(source_length),
        },
        taper: taper(work, layout.shape[work.axis], &inputs[1..])?,
        real_result: work.kind == FftKind::HalfToReal,
        result: Side { buffer: BufferId::Output, offset: 0, stride: result_strides[work.axis], length: result_length },
        result_start: 0,
        product: None,
        columns: None,
        batch,
    };
    if let Some(matrix) = long::split(&transform, limits) {
        long::record(&mut program, &transform, matrix, limits, choices)?;
        return Ok(program);
    }
    match gather::lines_at_once(&transform, limits) {
        Some(lines) => gather::record(&mut program, &transform, lines, &mut Vec::new(), limits, choices)?,
        None => append_axis(&mut program, &transform, limits, choices)?,
    }
    Ok(program)
}

/// The second input of a transform: real factors, one for each entry of a line that is read.
fn taper(work: &FftWork, axis_length: usize, others: &[Input<'_>]) -> Result<Option<Taper>> {
    let Some(taper) = others.first() else { return Ok(None) };
    if work.kind == FftKind::HalfToReal {
        return Err(Error::argument(work.op, "taper", "is for transforms of signals; this one takes half a spectrum"));
    }
    let read = axis_length.min(work.length);
    if taper.layout.shape != [read] || !taper.layout.is_contiguous() {
        let message = format!("the taper has shape {:?}; it must be [{read}], without gaps", taper.layout.shape);
        return Err(Error::shape(work.op, message));
    }
    Ok(Some(Taper { buffer: BufferId::Input(1), offset: taper.layout.offset as i64 }))
}
