//! Convolution by Fourier transforms: both inputs padded to a length that transforms fast, transformed, multiplied,
//! transformed back.

use num_complex::Complex32;

use super::{Shape, Window, volume};
use crate::cpu::fft::{HalfLines, LineTransform, Plans, RealLines, along_axis};
use crate::cpu::view::zeroed_vec;
use crate::error::Result;

/// Nanoseconds on one core, roughly.
pub(in crate::cpu) fn cost(window: &Window) -> f64 {
    cost_of(volume(padded(window, 1)))
}

/// The same for transforms there and back of so many points.
pub(super) fn cost_of(points: usize) -> f64 {
    let size = points as f64;
    2000.0 + 3.0 * size * (size.log2() * 0.35 + 2.0)
}

/// The window of the convolution of complex `x` and `h`.
pub(super) fn complex(
    plans: &Plans,
    op: &'static str,
    window: &Window,
    x: &[Complex32],
    h: &[Complex32],
    out: &mut [Complex32],
) -> Result<()> {
    let shape = padded(window, 1);
    let mut product = pad(op, x, window.signal, shape)?;
    let mut kernel = pad(op, h, window.kernel, shape)?;
    for axis in [2, 1, 0] {
        along_axis(plans, op, &mut product, shape, axis, false)?;
        along_axis(plans, op, &mut kernel, shape, axis, false)?;
    }
    multiply(&mut product, &kernel, 1.0 / volume(shape) as f32);
    for axis in [0, 1, 2] {
        along_axis(plans, op, &mut product, shape, axis, true)?;
    }
    keep(window, &product, shape, out);
    Ok(())
}

/// The window of the convolution of real `x` and `h`: the last axis by real transforms.
pub(in crate::cpu) fn real(
    plans: &Plans,
    op: &'static str,
    window: &Window,
    x: &[f32],
    h: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let shape = padded(window, 2);
    let half = [shape[0], shape[1], shape[2] / 2 + 1];
    let forward = RealLines::new(plans, op, shape[2], false, 1.0)?;
    let spectrum = |entries: &[f32], own: Shape| -> Result<Vec<Complex32>> {
        let padded = pad(op, entries, own, shape)?;
        let mut spectrum = zeroed_vec(op, volume(half))?;
        every_line(&forward, &padded, &mut spectrum, shape[2], half[2]);
        for axis in [1, 0] {
            along_axis(plans, op, &mut spectrum, half, axis, false)?;
        }
        Ok(spectrum)
    };
    let mut product = spectrum(x, window.signal)?;
    multiply(&mut product, &spectrum(h, window.kernel)?, 1.0 / volume(shape) as f32);
    for axis in [0, 1] {
        along_axis(plans, op, &mut product, half, axis, true)?;
    }
    let mut result = zeroed_vec(op, volume(shape))?;
    let backward = HalfLines::new(plans, op, shape[2], true, 1.0)?;
    every_line(&backward, &product, &mut result, half[2], shape[2]);
    keep(window, &result, shape, out);
    Ok(())
}

/// Lengths at which nothing that is kept wraps around: from a position on, only what lies before the window may be
/// wrapped into.
pub(super) fn padded(window: &Window, multiple: usize) -> Shape {
    let mut shape = [1; 3];
    for axis in 0..3 {
        let needed = window.kept(axis).least_points();
        shape[axis] =
            if needed == 1 && axis < 2 { 1 } else { fast_length(needed, if axis == 2 { multiple } else { 1 }) };
    }
    shape
}

/// The next length without a prime factor above 5 that is a multiple of `multiple`.
pub(super) fn fast_length(needed: usize, multiple: usize) -> usize {
    let smooth = |mut n: usize| {
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    let mut length = needed.next_multiple_of(multiple);
    while !smooth(length) {
        length += multiple;
    }
    length
}

fn pad<T: bytemuck::Pod>(op: &'static str, from: &[T], own: Shape, shape: Shape) -> Result<Vec<T>> {
    let mut to = zeroed_vec(op, volume(shape))?;
    for (index, row) in from.chunks_exact(own[2]).enumerate() {
        let start = (index / own[1] * shape[1] + index % own[1]) * shape[2];
        to[start..start + own[2]].copy_from_slice(row);
    }
    Ok(to)
}

fn keep<T: bytemuck::Pod>(window: &Window, from: &[T], shape: Shape, out: &mut [T]) {
    let Window { start, out: kept, .. } = *window;
    for (index, row) in out.chunks_exact_mut(kept[2]).enumerate() {
        let line = (index / kept[1] + start[0]) * shape[1] + index % kept[1] + start[1];
        row.copy_from_slice(&from[line * shape[2] + start[2]..][..kept[2]]);
    }
}

fn multiply(product: &mut [Complex32], kernel: &[Complex32], scale: f32) {
    for (z, h) in product.iter_mut().zip(kernel) {
        *z = *z * h * scale;
    }
}

/// A transform of every row.
fn every_line<L: LineTransform>(transform: &L, from: &[L::From], to: &mut [L::To], taken: usize, given: usize) {
    use rayon::prelude::*;
    let new = || vec![Complex32::new(0.0, 0.0); transform.scratch()];
    if from.len() < 1 << 14 {
        let mut scratch = new();
        for (from, to) in from.chunks_exact(taken).zip(to.chunks_exact_mut(given)) {
            transform.line(from, to, &mut scratch);
        }
    } else {
        let lines = from.par_chunks_exact(taken).zip(to.par_chunks_exact_mut(given));
        lines.with_min_len(((1 << 13) / taken).max(1)).for_each_init(new, |scratch, (from, to)| {
            transform.line(from, to, scratch);
        });
    }
}
