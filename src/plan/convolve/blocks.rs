//! Along one axis: block by block in one pass, with the product between two transforms.

use super::{Axis, Geometry};
use crate::error::Result;
use crate::plan::fft::{
    AxisTransform, Batch, Blocks, FftChoices, Product, Side, SourceKind, append_axis, append_blocks, block_operations,
    good_length, is_smooth, longest_block,
};
use crate::plan::{BufferId, Limits, Program};
use crate::work::{ConvolveAlgorithm, Cut};

/// How blocks are transformed.
///
/// Real numbers go two as one: two blocks of a line, two lines of one block that share their kernel, or (`halved`) two
/// neighbours of a line that is one block.
struct Way {
    cut: Cut,
    halved: bool,
}

impl Way {
    /// All that a workgroup has room for, the cheapest first.
    fn all(geometry: &Geometry, axis: &Axis, longest: usize) -> Vec<Self> {
        let whole = |halved: bool| {
            let circular = geometry.circular.then_some(axis.signal);
            let points = circular.or_else(|| good_length(axis.kept().least_points(), halved))?;
            let cut = if geometry.circular { Cut::around(points) } else { axis.kept().whole(points) };
            let possible = !halved || (!geometry.complex() && points.is_multiple_of(2));
            let way = Self { cut, halved };
            (possible && way.numbers() <= longest && is_smooth(points)).then_some(way)
        };
        let blocks = axis.kept().cuts(None, longest).filter(|_| !geometry.circular);
        let blocks = blocks.map(|cut| Self { cut, halved: false });
        let mut ways: Vec<Self> = whole(false).into_iter().chain(whole(true)).chain(blocks).collect();
        ways.sort_by(|a, b| a.cost(geometry, axis).total_cmp(&b.cost(geometry, axis)));
        ways
    }

    /// Rough number of operations for all lines.
    fn cost(&self, geometry: &Geometry, axis: &Axis) -> f64 {
        let (items, count) = (geometry.items(), self.cut.count(axis.result));
        let transforms = match count {
            _ if geometry.complex() => items as f64 * count as f64,
            1 if !self.halved && geometry.one_kernel => items.div_ceil(2) as f64,
            _ => items as f64 * count.div_ceil(2) as f64,
        };
        transforms * self.block_cost()
    }

    /// The same for a block, where loads and stores cost as much as 50 operations for each number.
    fn block_cost(&self) -> f64 {
        block_operations(self.numbers(), self.halved) + 50.0 * self.numbers() as f64
    }

    /// Complex numbers that a block is transformed as.
    fn numbers(&self) -> usize {
        if self.halved { self.cut.points / 2 } else { self.cut.points }
    }

    /// Coefficients of a kernel.
    fn coefficients(&self) -> usize {
        if self.halved { self.cut.points / 2 + 1 } else { self.cut.points }
    }
}

/// The only axis of a convolution that blocks can do, and the cheapest way that fits.
fn way(geometry: &Geometry, limits: &Limits, choices: &FftChoices) -> Option<(Axis, Way)> {
    let [axis] = geometry.axes[..] else { return None };
    let fits = |way: &Way| {
        let spectra_fit = spectra_bytes(geometry, way) <= limits.max_binding_bytes.min(limits.max_buffer_bytes);
        spectra_fit && blocks(geometry, &axis, way, BufferId::Temporary(0)).parts(limits).is_some()
    };
    Way::all(geometry, &axis, longest_block(limits, choices)).into_iter().find(fits).map(|way| (axis, way))
}

/// Kernels that are different.
fn kernels(geometry: &Geometry) -> usize {
    if geometry.one_kernel { 1 } else { geometry.items() }
}

/// Bytes of the transforms of all kernels.
fn spectra_bytes(geometry: &Geometry, way: &Way) -> u64 {
    (kernels(geometry) as u64).saturating_mul(8 * way.coefficients() as u64)
}

/// How blocks do it, with the rough number of operations; `None` where they cannot.
pub(super) fn candidate(
    geometry: &Geometry,
    limits: &Limits,
    choices: &FftChoices,
) -> Option<(ConvolveAlgorithm, f64)> {
    let (axis, way) = way(geometry, limits, choices)?;
    // A kernel is transformed once, and only there.
    let of_kernels = kernels(geometry) as f64 * 0.5 * way.block_cost();
    let operations = way.cost(geometry, &axis) + of_kernels;
    let (Cut { points, step, .. }, count) = (way.cut, way.cut.count(axis.result));
    let algorithm = ConvolveAlgorithm::OverlapSave { length: points, step, count };
    Some((algorithm, super::spectral::MEMORY_FACTOR * operations + 2.0 * super::spectral::PASS_COST))
}

/// Appends the passes.
pub(super) fn append(program: &mut Program, geometry: &Geometry, limits: &Limits, choices: &FftChoices) -> Result<()> {
    let op = program.op;
    let unsupported = || super::spectral::unsupported(op, limits);
    let (axis, way) = way(geometry, limits, choices).ok_or_else(unsupported)?;
    let spectrum = program.temporary(spectra_bytes(geometry, &way));
    let blocks = blocks(geometry, &axis, &way, spectrum);
    let parts = blocks.parts(limits).ok_or_else(unsupported)?;
    kernel_spectrum(program, geometry, &axis, &way, spectrum, limits, choices)?;
    append_blocks(program, &blocks, &parts, limits, choices);
    Ok(())
}

/// The lines, once the spectra of the kernels are there.
fn blocks(geometry: &Geometry, axis: &Axis, way: &Way, spectrum: BufferId) -> Blocks {
    let mut distance = (kernels(geometry) * way.coefficients()) as i64;
    let batch = geometry.batch.iter().map(|lines| {
        distance /= if geometry.one_kernel { 1 } else { lines.size as i64 };
        Batch { product: if geometry.one_kernel { 0 } else { distance }, ..*lines }
    });
    Blocks {
        length: way.cut.points,
        halved: way.halved,
        step: way.cut.step,
        head: way.cut.head,
        source_start: way.cut.source_start,
        stored: geometry.stored[0],
        source: Side {
            buffer: BufferId::Input(0),
            offset: geometry.signal_offset,
            stride: axis.signal_stride,
            length: axis.signal,
        },
        result: Side { buffer: BufferId::Output, offset: 0, stride: axis.result_stride, length: axis.result },
        spectrum: Product { buffer: spectrum, offset: 0, stride: 1 },
        batch: batch.collect(),
    }
}

/// The transforms of all kernels.
fn kernel_spectrum(
    program: &mut Program,
    geometry: &Geometry,
    axis: &Axis,
    way: &Way,
    buffer: BufferId,
    limits: &Limits,
    choices: &FftChoices,
) -> Result<()> {
    let mut offset = geometry.kernel_offset;
    let mut stride = axis.kernel_stride;
    let reversed = geometry.circular && geometry.correlate;
    if reversed {
        // The conjugate spectrum of the kernel as it stands: the transform backwards of its conjugate.
        offset += stride * (axis.kernel as i64 - 1);
        stride = -stride;
    }
    let mut distance = (geometry.items() * way.coefficients()) as i64;
    let batch = geometry.batch.iter().filter(|_| !geometry.one_kernel).map(|lines| {
        distance /= lines.size as i64;
        Batch { size: lines.size, source: lines.product, result: distance, product: 0 }
    });
    let transform = AxisTransform {
        length: way.cut.points,
        inverse: reversed,
        scale: 1.0,
        number: if geometry.complex() { SourceKind::Complex } else { SourceKind::Real },
        halves: geometry.stored[1].halves,
        conjugate: geometry.conjugate,
        source: Side { buffer: BufferId::Input(1), offset, stride, length: axis.kernel },
        taper: None,
        real_result: false,
        result: Side { buffer, offset: 0, stride: 1, length: way.coefficients() },
        result_start: 0,
        product: None,
        columns: None,
        batch: batch.collect(),
    };
    append_axis(program, &transform, limits, choices)
}
