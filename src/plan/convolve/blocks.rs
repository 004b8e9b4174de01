//! Along one axis: block by block in one pass, with the product between two transforms.

use super::{Axis, Geometry};
use crate::error::Result;
use crate::plan::fft::{
    AxisTransform, Batch, Blocks, FftChoices, Number, Product, Side, append_axis, append_blocks, good_length,
    is_smooth, longest_block,
};
use crate::plan::{BufferId, Limits, Program};
use crate::work::{ConvolveAlgorithm, Cut};

/// The cheapest for an axis; `None` where no block is long enough.
fn cheapest(axis: &Axis, circular: bool, longest: usize) -> Option<Cut> {
    let fits = |points: &usize| *points <= longest && is_smooth(*points);
    if circular {
        return Some(axis.signal).filter(fits).map(Cut::around);
    }
    let cost = |cut: &Cut| block_cost(cut.points) * cut.count(axis.result) as f64;
    let whole = good_length(axis.kept().least_points(), false).filter(fits);
    axis.kept().cuts(whole, longest).min_by(|a, b| cost(a).total_cmp(&cost(b)))
}

/// Rough number of operations for a block: there and back.
fn block_cost(points: usize) -> f64 {
    let n = points as f64;
    10.0 * n * n.log2().max(1.0) + 60.0 * n
}

/// The only axis of a convolution that blocks can do, and how.
fn cut(geometry: &Geometry, limits: &Limits, choices: &FftChoices) -> Option<(Axis, Cut)> {
    let [axis] = geometry.axes[..] else { return None };
    let cut = cheapest(&axis, geometry.circular, longest_block(limits, choices))?;
    let spectra_fit = spectra_bytes(geometry, &cut) <= limits.max_binding_bytes.min(limits.max_buffer_bytes);
    spectra_fit.then_some((axis, cut))
}

/// Kernels that are different.
fn kernels(geometry: &Geometry) -> usize {
    if geometry.one_kernel { 1 } else { geometry.items() }
}

/// Bytes of the transforms of all kernels.
fn spectra_bytes(geometry: &Geometry, cut: &Cut) -> u64 {
    (kernels(geometry) as u64).saturating_mul(8 * cut.points as u64)
}

/// How blocks do it, with the rough number of operations; `None` where they cannot.
pub(super) fn candidate(
    geometry: &Geometry,
    limits: &Limits,
    choices: &FftChoices,
) -> Option<(ConvolveAlgorithm, f64)> {
    let (axis, cut) = cut(geometry, limits, choices)?;
    let lines = geometry.items() as f64 * if geometry.complex() { 1.0 } else { 0.5 };
    // A kernel is transformed once, and only there.
    let (of_block, count) = (block_cost(cut.points), cut.count(axis.result));
    let operations = (lines * count as f64 + kernels(geometry) as f64 * 0.5) * of_block;
    let algorithm = ConvolveAlgorithm::OverlapSave { length: cut.points, step: cut.step, count };
    Some((algorithm, super::spectral::MEMORY_FACTOR * operations + 2.0 * super::spectral::PASS_COST))
}

/// Appends the passes; `false` where nothing was appended because blocks cannot do it.
pub(super) fn append(
    program: &mut Program,
    geometry: &Geometry,
    limits: &Limits,
    choices: &FftChoices,
) -> Result<bool> {
    let Some((axis, cut)) = cut(geometry, limits, choices) else { return Ok(false) };
    let before = program.mark();
    let spectrum = program.temporary(spectra_bytes(geometry, &cut));
    kernel_spectrum(program, geometry, &axis, &cut, spectrum, limits, choices)?;
    let mut distance = (kernels(geometry) * cut.points) as i64;
    let batch = geometry.batch.iter().map(|lines| {
        distance /= if geometry.one_kernel { 1 } else { lines.size as i64 };
        Batch { product: if geometry.one_kernel { 0 } else { distance }, ..*lines }
    });
    let blocks = Blocks {
        length: cut.points,
        step: cut.step,
        head: cut.head,
        source_start: cut.source_start,
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
    };
    if append_blocks(program, &blocks, limits, choices).is_none() {
        program.rewind(before);
        return Ok(false);
    }
    Ok(true)
}

/// The transforms of all kernels.
fn kernel_spectrum(
    program: &mut Program,
    geometry: &Geometry,
    axis: &Axis,
    cut: &Cut,
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
    let mut distance = (geometry.items() * cut.points) as i64;
    let batch = geometry.batch.iter().filter(|_| !geometry.one_kernel).map(|lines| {
        distance /= lines.size as i64;
        Batch { size: lines.size, source: lines.product, result: distance, product: 0 }
    });
    let transform = AxisTransform {
        length: cut.points,
        inverse: reversed,
        scale: 1.0,
        number: if geometry.complex() { Number::Complex } else { Number::Real },
        halves: geometry.stored[1].halves,
        conjugate: geometry.conjugate,
        source: Side { buffer: BufferId::Input(1), offset, stride, length: axis.kernel },
        taper: None,
        real_result: false,
        result: Side { buffer, offset: 0, stride: 1, length: cut.points },
        result_start: 0,
        product: None,
        columns: None,
        batch: batch.collect(),
    };
    append_axis(program, &transform, limits, choices)
}
