//! Convolution and correlation over the last axes, by sums of products or by Fourier transforms.
//!
//! Everything is brought to one form first: both inputs row-major with three convolved axes (missing ones of length
//! 1), a correlation's kernel flipped and conjugated, a circular one folded. What is left is a
//! window of the full convolution.

mod direct;
mod lines;
pub(super) mod transform;

use std::ops::Mul;

use bytemuck::Pod;
use num_complex::Complex32;
use rayon::prelude::*;

use self::lines::Transforms;
use super::fft::{ComplexLines, HalfLines, Plans, RealLines};
use super::memory::Memory;
use super::numbers::Numbers;
use super::view::{View, zeroed_vec};
use crate::error::{Error, Result};
use crate::work::{ConvolveAlgorithm, ConvolveRecipe, ConvolveWork, Cut, Kept, Mode, Operand, full_length};

/// Convolved axes, padded in front with length 1.
pub(super) type Shape = [usize; 3];

/// Numbers that can be convolved.
pub(super) trait Scalar: Pod + Send + Sync + Mul<f32, Output = Self> {
    /// The complex conjugate.
    fn conjugate(self) -> Self;
    /// `self + a · b`.
    fn add_product(self, a: Self, b: Self) -> Self;
    /// `self + a`.
    fn plus(self, a: Self) -> Self;
    /// Transforms of lines of these numbers.
    fn transforms(plans: &Plans, op: &'static str, length: usize) -> Result<Transforms<Self>>;
}

impl Scalar for f32 {
    fn conjugate(self) -> Self {
        self
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        self + a * b
    }

    #[inline(always)]
    fn plus(self, a: Self) -> Self {
        self + a
    }

    fn transforms(plans: &Plans, op: &'static str, length: usize) -> Result<Transforms<Self>> {
        Ok(Transforms {
            forward: Box::new(RealLines::new(plans, op, length, false, 1.0)?),
            backward: Box::new(HalfLines::new(plans, op, length, true, 1.0)?),
            coefficients: length / 2 + 1,
        })
    }
}

impl Scalar for Complex32 {
    fn conjugate(self) -> Self {
        self.conj()
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        Self::new(self.re + (a.re * b.re - a.im * b.im), self.im + (a.re * b.im + a.im * b.re))
    }

    #[inline(always)]
    fn plus(self, a: Self) -> Self {
        self + a
    }

    fn transforms(plans: &Plans, op: &'static str, length: usize) -> Result<Transforms<Self>> {
        Ok(Transforms {
            forward: Box::new(ComplexLines::new(plans, op, length, false)?),
            backward: Box::new(ComplexLines::new(plans, op, length, true)?),
            coefficients: length,
        })
    }
}

/// A window of one full convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The signal's lengths.
    pub(super) signal: Shape,
    /// The kernel's lengths.
    pub(super) kernel: Shape,
    /// The first entry of the full convolution that is kept.
    pub(super) start: Shape,
    /// How many are kept.
    pub(super) out: Shape,
}

impl Window {
    /// The same along one axis.
    fn kept(&self, axis: usize) -> Kept {
        let Self { signal, kernel, start, out } = *self;
        Kept { signal: signal[axis], kernel: kernel[axis], start: start[axis], length: out[axis] }
    }
}

fn volume(shape: Shape) -> usize {
    shape.iter().fold(1usize, |product, &n| product.saturating_mul(n))
}

/// [`crate::work::Work::Convolve`].
pub(super) fn run(plans: &Plans, work: &ConvolveWork, signal: &Operand, kernel: &Operand) -> Result<Memory> {
    if work.complex {
        let (signal, kernel) = (Numbers::<Complex32>::of(work.op, signal)?, Numbers::of(work.op, kernel)?);
        convolve(plans, work, signal.view(), kernel.view(), |window, x, h, out| {
            transform::complex(plans, work.op, window, x, h, out)
        })
    } else {
        let (signal, kernel) = (Numbers::<f32>::of(work.op, signal)?, Numbers::of(work.op, kernel)?);
        convolve(plans, work, signal.view(), kernel.view(), |window, x, h, out| {
            transform::real(plans, work.op, window, x, h, out)
        })
    }
}

fn convolve<T: Scalar>(
    plans: &Plans,
    work: &ConvolveWork,
    signal: View<'_, T>,
    kernel: View<'_, T>,
    by_transforms: impl Fn(&Window, &[T], &[T], &mut [T]) -> Result<()> + Sync,
) -> Result<Memory> {
    let op = work.op;
    let (batch, lengths) = axes(op, signal.shape, work.rank)?;
    let (kernel_batch, kernel_lengths) = axes(op, kernel.shape, work.rank)?;
    // One kernel without batch axes serves all.
    if batch != kernel_batch && !kernel_batch.is_empty() {
        let message = format!("the batch axes {batch:?} of the signal and {kernel_batch:?} of the kernel must agree");
        return Err(Error::shape(op, message));
    }
    let window = window(work, lengths, kernel_lengths);
    let count = batch.iter().product::<usize>();
    let each = volume(window.out);
    let mut out = Memory::for_entries::<T>(op, each.saturating_mul(count))?;
    if each == 0 || count == 0 || volume(lengths) == 0 || volume(kernel_lengths) == 0 {
        out.entries_mut::<T>().fill(T::zeroed());
        return Ok(out);
    }

    let algorithm = choose(work, &window, count).algorithm;
    let cut = cut(work, &window).filter(|_| matches!(algorithm, ConvolveAlgorithm::OverlapSave { .. }));
    let x = signal.flat(op)?;
    let mut h = kernel.flat(op)?;
    let mut taps = kernel_lengths[2];
    // A line's kernel that wraps nowhere is taken as it is: zeros follow it in any case.
    if work.circular && (work.correlate || cut.is_none() || taps > lengths[2]) {
        h = wrapped_kernel(op, &h, kernel_lengths, lengths, work.correlate)?.into();
        taps = lengths[2];
    } else if work.correlate {
        h.to_mut().chunks_exact_mut(volume(kernel_lengths)).for_each(|kernel| {
            kernel.reverse();
            kernel.iter_mut().for_each(|h| *h = h.conjugate());
        });
    }
    let entries = out.entries_mut::<T>();
    if let Some(cut) = cut {
        lines::run(plans, op, &cut, (&x, lengths[2]), (&h, taps), (entries, each))?;
        return Ok(out);
    }
    let x = if work.circular { repeated_signal(op, &x, lengths, window.signal)?.into() } else { x };
    let one = |((out, x), h): ((&mut [T], &[T]), &[T])| match algorithm {
        ConvolveAlgorithm::Direct { .. } => direct::run(op, &window, x, h, out),
        _ => by_transforms(&window, x, h, out),
    };
    let kernels: Vec<&[T]> = h.chunks_exact(volume(window.kernel)).collect();
    let kernel_of = |item: usize| kernels[item % kernels.len()];
    let batches = entries
        .par_chunks_exact_mut(each)
        .zip(x.par_chunks_exact(volume(window.signal)))
        .zip((0..count).into_par_iter().map(kernel_of));
    batches.map(one).collect::<Result<()>>()?;
    Ok(out)
}

/// How a convolution of such inputs is done, and what else could do it.
pub(crate) fn recipe(work: &ConvolveWork, signal: &[usize], kernel: &[usize]) -> Result<ConvolveRecipe> {
    let ((batch, lengths), (_, kernel)) = (axes(work.op, signal, work.rank)?, axes(work.op, kernel, work.rank)?);
    Ok(choose(work, &window(work, lengths, kernel), batch.iter().product()))
}

fn choose(work: &ConvolveWork, window: &Window, count: usize) -> ConvolveRecipe {
    let direct = ConvolveAlgorithm::Direct { taps: volume(window.kernel) };
    let cost = |each: f64| each * count as f64;
    let transforms = match cut(work, window) {
        Some(cut) => {
            let out = window.out[2];
            let blocks = ConvolveAlgorithm::OverlapSave { length: cut.points, step: cut.step, count: cut.count(out) };
            (blocks, cost(lines::cost(&cut, out)))
        }
        None => {
            let lengths = transform::padded(window, if work.complex { 1 } else { 2 })[3 - work.rank..].to_vec();
            (ConvolveAlgorithm::Transforms { lengths }, cost(transform::cost(window)))
        }
    };
    ConvolveRecipe::choose(work.method, (direct, cost(direct::cost(window))), vec![transforms])
}

/// How the lines of a convolution along the last axis alone are cut.
fn cut(work: &ConvolveWork, window: &Window) -> Option<Cut> {
    lines::cut(window, work.circular, if work.complex { 1 } else { 2 })
}

/// The batch axes and the convolved ones.
fn axes<'a>(op: &'static str, shape: &'a [usize], rank: usize) -> Result<(&'a [usize], Shape)> {
    let split = shape.len().checked_sub(rank).filter(|_| (1..=3).contains(&rank));
    let message = || Error::argument(op, format!("rank {rank}"), format!("must be 1 to 3 of the axes of {shape:?}"));
    let (batch, own) = shape.split_at(split.ok_or_else(message)?);
    let mut lengths = [1; 3];
    lengths[3 - rank..].copy_from_slice(own);
    Ok((batch, lengths))
}

fn window(work: &ConvolveWork, signal: Shape, kernel: Shape) -> Window {
    let mut window = Window { signal, kernel, start: [0; 3], out: [0; 3] };
    for axis in 0..3 {
        let (n, k) = (signal[axis], kernel[axis]);
        let mut kept = work.kept(n, k);
        if work.circular && kept.length > 0 {
            // Every kernel position sees a whole turn of the repeated signal.
            kept = ConvolveWork { circular: false, mode: Mode::Valid, ..*work }.kept(full_length(n, n), n);
        }
        let Kept { signal, kernel, start, length } = kept;
        (window.signal[axis], window.kernel[axis]) = (signal, kernel);
        (window.start[axis], window.out[axis]) = (start, length);
    }
    window
}

/// Kernels folded to the signal's lengths; a correlation's runs backwards around the circle.
fn wrapped_kernel<T: Scalar>(op: &'static str, h: &[T], from: Shape, to: Shape, correlate: bool) -> Result<Vec<T>> {
    let mut out: Vec<T> = zeroed_vec(op, (h.len() / volume(from)).saturating_mul(volume(to)))?;
    let kernels = out.par_chunks_exact_mut(volume(to)).zip(h.par_chunks_exact(volume(from)));
    kernels.for_each(|(out, h)| {
        for (row, h) in h.chunks_exact(from[2]).enumerate() {
            let turn = |i: usize, n: usize| if correlate { (n - i % n) % n } else { i % n };
            let place = turn(row / from[1], to[0]) * to[1] + turn(row % from[1], to[1]);
            let out = &mut out[place * to[2]..][..to[2]];
            for lap in h.chunks(to[2]) {
                if correlate {
                    out[0] = out[0].plus(lap[0].conjugate());
                    let back = out.iter_mut().rev().zip(&lap[1..]);
                    back.for_each(|(out, h)| *out = out.plus(h.conjugate()));
                } else {
                    out.iter_mut().zip(lap).for_each(|(out, h)| *out = out.plus(*h));
                }
            }
        }
    });
    Ok(out)
}

/// Signals with all but their first entry in front of them once more, along every axis.
fn repeated_signal<T: Scalar>(op: &'static str, x: &[T], from: Shape, to: Shape) -> Result<Vec<T>> {
    let mut out = zeroed_vec(op, (x.len() / volume(from)).saturating_mul(volume(to)))?;
    for (out, x) in out.chunks_exact_mut(volume(to)).zip(x.chunks_exact(volume(from))) {
        for_each_place(to, |[a, b, c], flat| {
            let turn = |i: usize, n: usize| (i + 1) % n;
            out[flat] = x[(turn(a, from[0]) * from[1] + turn(b, from[1])) * from[2] + turn(c, from[2])];
        });
    }
    Ok(out)
}

fn for_each_place(shape: Shape, mut visit: impl FnMut(Shape, usize)) {
    let mut flat = 0;
    for a in 0..shape[0] {
        for b in 0..shape[1] {
            for c in 0..shape[2] {
                visit([a, b, c], flat);
                flat += 1;
            }
        }
    }
}
