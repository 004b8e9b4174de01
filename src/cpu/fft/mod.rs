//! Fourier transforms along one axis through rustfft, threads over the lines.
//!
//! # Accuracy
//! Relative L2 error at most `1.5e-7 √log₂N`, `3e-7 √log₂N` where N has a prime factor above 13.

mod lines;

use std::sync::{Arc, Mutex, PoisonError};

use num_complex::Complex32;
use rayon::prelude::*;
use rustfft::{Fft, FftDirection, FftPlanner};

pub(super) use self::lines::{ComplexLines, HalfLines, LineTransform, RealLines};
use super::memory::{Memory, Scatter};
use super::numbers::Numbers;
use super::view::{View, zeroed_vec};
use crate::error::{Error, Result};
use crate::work::{FftKind, FftWork, Operand};

/// Entries that one thread takes at a time, at least.
const TASK: usize = 1 << 13;

/// Neighbouring lines that are gathered together where the axis is not the last: one cache line of complex numbers.
const TOGETHER: usize = 8;

const ZERO: Complex32 = Complex32::new(0.0, 0.0);

/// rustfft's plans, kept between calls.
pub(super) struct Plans(Mutex<FftPlanner<f32>>);

impl Plans {
    pub(super) fn new() -> Self {
        Self(Mutex::new(FftPlanner::new()))
    }

    /// The transform of a length from 1.
    pub(super) fn get(&self, op: &'static str, length: usize, inverse: bool) -> Result<Arc<dyn Fft<f32>>> {
        room_for_tables(op, length)?;
        let direction = if inverse { FftDirection::Inverse } else { FftDirection::Forward };
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).plan_fft(length, direction))
    }
}

/// Whether a planner's tables for so many points find memory: it ends the process where they do not. They take no more
/// than this.
pub(super) fn room_for_tables(op: &'static str, length: usize) -> Result<()> {
    let table_bytes = length.saturating_mul(4 * size_of::<Complex32>());
    let mut tables: Vec<u8> = Vec::new();
    let refused = |_| Error::OutOfMemory { op, requested: table_bytes as u64 };
    tables.try_reserve_exact(table_bytes).map_err(refused)?;
    // An allocation that nothing looks at may be left out by the compiler, and its failure with it.
    drop(std::hint::black_box(tables));
    Ok(())
}

/// How the lines of the input and of the result are found: line (outer, inner) starts at `outer`'s place plus
/// `inner`'s place and goes on with the axis's stride.
struct Lines {
    outer: Vec<usize>,
    inner: Vec<usize>,
    stride: usize,
    length: usize,
}

impl Lines {
    fn of<T: bytemuck::Pod>(view: &View<'_, T>, axis: usize) -> Self {
        Self {
            outer: places(&view.shape[..axis], &view.strides[..axis]),
            inner: places(&view.shape[axis + 1..], &view.strides[axis + 1..]),
            stride: view.strides[axis],
            length: view.shape[axis],
        }
    }
}

/// The place of every combination of positions, row-major.
fn places(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    shape.iter().zip(strides).fold(vec![0], |places, (&n, &stride)| {
        places.iter().flat_map(|place| (0..n).map(move |i| place + i * stride)).collect()
    })
}

/// [`crate::work::Work::Fft`].
pub(super) fn run(plans: &Plans, work: &FftWork, input: &Operand, taper: Option<&Operand>) -> Result<Memory> {
    let FftWork { op, axis, length, .. } = *work;
    let shape = &input.layout.shape;
    if axis >= shape.len() || length == 0 {
        let message = format!("{axis} of length {length} is not an axis of shape {shape:?} with a length from 1");
        return Err(Error::argument(op, "axis", message));
    }
    // The result's memory is asked for first: tables of an absurd length take minutes to make.
    let (given, bytes) = match work.kind {
        FftKind::Complex => (length, size_of::<Complex32>()),
        FftKind::RealToHalf => (length / 2 + 1, size_of::<Complex32>()),
        FftKind::HalfToReal => (length, size_of::<f32>()),
    };
    let others = shape.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, n)| *n);
    let len = others.fold(given.saturating_mul(bytes), usize::saturating_mul);
    drop(Memory::anything(op, len)?);
    let taper = taper.map(|taper| taper_of(work, shape[axis], taper)).transpose()?;
    match work.kind {
        FftKind::Complex => {
            let numbers = Numbers::<Complex32>::of(op, input)?;
            let transform = ComplexLines { fft: plans.get(op, length, work.inverse)?, scale: work.scale };
            transform_lines(op, &numbers.view(), taper, axis, (length, length), &transform)
        }
        FftKind::RealToHalf => {
            let numbers = Numbers::<f32>::of(op, input)?;
            let transform = RealLines::new(plans, op, length, work.inverse, work.scale)?;
            transform_lines(op, &numbers.view(), taper, axis, (length, length / 2 + 1), &transform)
        }
        FftKind::HalfToReal => {
            let numbers = Numbers::<Complex32>::of(op, input)?;
            let transform = HalfLines::new(plans, op, length, work.inverse, work.scale)?;
            transform_lines(op, &numbers.view(), None, axis, (length / 2 + 1, length), &transform)
        }
    }
}

/// Makes the plans that a transform will ask for.
pub(super) fn prepare(plans: &Plans, work: &FftWork) -> Result<()> {
    let halved = work.kind != FftKind::Complex && work.length.is_multiple_of(2);
    let inverse = match work.kind {
        FftKind::Complex => work.inverse,
        FftKind::RealToHalf => false,
        FftKind::HalfToReal => true,
    };
    if work.length > 0 {
        plans.get(work.op, if halved { work.length / 2 } else { work.length }, inverse)?;
    }
    Ok(())
}

/// The real factors of the entries that are read of every line.
fn taper_of<'a>(work: &FftWork, axis_length: usize, taper: &'a Operand) -> Result<&'a [f32]> {
    let op = work.op;
    if work.kind == FftKind::HalfToReal {
        return Err(Error::argument(op, "taper", "is for transforms of signals; this one takes half a spectrum"));
    }
    let view = View::<f32>::of(op, taper)?;
    let read = axis_length.min(work.length);
    let factors = view.contiguous().filter(|_| *view.shape == [read]);
    let message = || format!("the taper has shape {:?}; it must be [{read}], without gaps", view.shape);
    factors.ok_or_else(|| Error::shape(op, message()))
}

/// Transforms every line along `axis`; a line, times the taper, is cropped or zero-padded to `taken` entries and gives
/// `given`.
pub(super) fn transform_lines<L: LineTransform>(
    op: &'static str,
    view: &View<'_, L::From>,
    taper: Option<&[f32]>,
    axis: usize,
    (taken, given): (usize, usize),
    transform: &L,
) -> Result<Memory> {
    let mut shape = view.shape.to_vec();
    shape[axis] = given;
    let len = shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    let Some(len) = len else { return Err(Error::OutOfMemory { op, requested: u64::MAX }) };
    let mut out = Memory::for_entries::<L::To>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    // Fails here rather than in a thread where a line is absurdly long.
    drop(zeroed_vec::<Complex32>(op, transform.scratch() + taken)?);
    let entries = out.entries_mut::<L::To>();
    let lines = Lines::of(view, axis);
    let together = if lines.inner.len() == 1 { 1 } else { TOGETHER };
    let zero = <L::From as bytemuck::Zeroable>::zeroed();
    let per_outer = lines.inner.len().div_ceil(together);
    let blocks = lines.outer.len() * per_outer;
    let scatter = Scatter::over(entries);
    let tapered = |f: usize, value: L::From| match taper {
        Some(factors) => value * factors[f],
        None => value,
    };
    let work_block = |buffers: &mut Buffers<L>, block: usize| {
        let (outer, first) = (block / per_outer, block % per_outer * together);
        let width = together.min(lines.inner.len() - first);
        let copied = taken.min(lines.length);
        let place = lines.outer[outer];
        if together == 1 {
            // SAFETY: every block has a line of the result to itself.
            let to = unsafe { scatter.slice(outer * given, given) };
            let start = place + lines.inner[0];
            if copied == taken && lines.stride == 1 && taper.is_none() {
                transform.line(&view.entries[start..start + taken], to, &mut buffers.scratch);
                return;
            }
            let from = buffers.from(taken, zero);
            for (f, to) in from.iter_mut().enumerate().take(copied) {
                *to = tapered(f, view.entries[start + f * lines.stride]);
            }
            transform.line(&buffers.from[..taken], to, &mut buffers.scratch);
            return;
        }
        buffers.from(taken * width, zero);
        buffers.to.resize(given * width, <L::To as bytemuck::Zeroable>::zeroed());
        for f in 0..copied {
            for i in 0..width {
                let from = view.entries[place + lines.inner[first + i] + f * lines.stride];
                buffers.from[i * taken + f] = tapered(f, from);
            }
        }
        for (from, to) in buffers.from.chunks_exact(taken).zip(buffers.to.chunks_exact_mut(given)) {
            transform.line(from, to, &mut buffers.scratch);
        }
        for f in 0..given {
            // SAFETY: every block writes columns of its own.
            let to = unsafe { scatter.slice((outer * given + f) * lines.inner.len() + first, width) };
            for (i, to) in to.iter_mut().enumerate() {
                *to = buffers.to[i * given + f];
            }
        }
    };
    let at_once = (TASK / (taken * together)).max(1);
    let new = || Buffers { from: Vec::new(), to: Vec::new(), scratch: vec![ZERO; transform.scratch()] };
    if blocks <= at_once {
        let mut buffers = new();
        (0..blocks).for_each(|block| work_block(&mut buffers, block));
    } else {
        (0..blocks).into_par_iter().with_min_len(at_once).for_each_init(new, work_block);
    }
    Ok(out)
}

/// What one thread keeps from line to line.
struct Buffers<L: LineTransform> {
    from: Vec<L::From>,
    to: Vec<L::To>,
    scratch: Vec<Complex32>,
}

impl<L: LineTransform> Buffers<L> {
    fn from(&mut self, len: usize, zero: L::From) -> &mut [L::From] {
        self.from.clear();
        self.from.resize(len, zero);
        &mut self.from
    }
}

/// A complex transform, without a factor, along one axis of a row-major array of three axes, in place.
pub(super) fn along_axis(
    plans: &Plans,
    op: &'static str,
    entries: &mut [Complex32],
    shape: [usize; 3],
    axis: usize,
    inverse: bool,
) -> Result<()> {
    let length = shape[axis];
    if length < 2 || entries.is_empty() {
        return Ok(());
    }
    let fft = plans.get(op, length, inverse)?;
    let scratch_len = fft.get_inplace_scratch_len();
    drop(zeroed_vec::<Complex32>(op, scratch_len + length * TOGETHER)?);
    if axis == 2 {
        let at_once = (TASK / length).max(1) * length;
        entries
            .par_chunks_mut(at_once)
            .for_each_init(|| vec![ZERO; scratch_len], |scratch, lines| fft.process_with_scratch(lines, scratch));
        return Ok(());
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let per_outer = inner.div_ceil(TOGETHER);
    let scatter = Scatter::over(entries);
    let new = || (vec![ZERO; length * TOGETHER], vec![ZERO; scratch_len]);
    let work = |(lines, scratch): &mut (Vec<Complex32>, Vec<Complex32>), block: usize| {
        let (outer, first) = (block / per_outer, block % per_outer * TOGETHER);
        let width = TOGETHER.min(inner - first);
        let lines = &mut lines[..length * width];
        for f in 0..length {
            // SAFETY: every block reads and writes columns of its own.
            let row = unsafe { scatter.slice((outer * length + f) * inner + first, width) };
            row.iter().enumerate().for_each(|(i, z)| lines[i * length + f] = *z);
        }
        fft.process_with_scratch(lines, scratch);
        for f in 0..length {
            // SAFETY: as above.
            let row = unsafe { scatter.slice((outer * length + f) * inner + first, width) };
            row.iter_mut().enumerate().for_each(|(i, z)| *z = lines[i * length + f]);
        }
    };
    let at_once = (TASK / (length * TOGETHER)).max(1);
    (0..outer * per_outer).into_par_iter().with_min_len(at_once).for_each_init(new, work);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_memory_is_refused_before_it_is_planned() {
        for length in [1 << 55, usize::MAX] {
            assert!(matches!(Plans::new().get("fft", length, false), Err(Error::OutOfMemory { op: "fft", .. })));
        }
        assert_eq!(Plans::new().get("fft", 12, true).unwrap().len(), 12);
    }
}
