//! Sums of products, in blocks of at most 64.

use pulp::Arch;
use rayon::prelude::*;

use super::{Scalar, Window, volume};
use crate::error::Result;

/// Products that are added one after another.
const BLOCK: usize = 64;

/// Neighbouring results that are summed together: they and their two sums stay in the first-level cache.
const SEGMENT: usize = 1024;

/// Nanoseconds on one core, roughly.
pub(super) fn cost(window: &Window) -> f64 {
    volume(window.out) as f64 * volume(window.kernel) as f64 * 0.1
}

/// The window of the convolution of `x` and `h`, row-major, into `out`.
pub(super) fn run<T: Scalar>(_op: &'static str, window: &Window, x: &[T], h: &[T], out: &mut [T]) -> Result<()> {
    let row = window.out[2];
    let arch = Arch::new();
    let segments = row.div_ceil(SEGMENT);
    let work = |(index, out): (usize, &mut [T])| {
        for (segment, out) in out.chunks_mut(SEGMENT).enumerate() {
            let place = [index / window.out[1], index % window.out[1], segment * SEGMENT];
            arch.dispatch(|| sum_segment(window, x, h, place, out));
        }
    };
    if volume(window.out).saturating_mul(volume(window.kernel)) < 1 << 16 {
        out.chunks_mut(row).enumerate().for_each(work);
    } else if out.len() == row && segments > 1 {
        out.par_chunks_mut(SEGMENT).enumerate().for_each(|(segment, out)| {
            arch.dispatch(|| sum_segment(window, x, h, [0, 0, segment * SEGMENT], out));
        });
    } else {
        out.par_chunks_mut(row).enumerate().for_each(work);
    }
    Ok(())
}

/// The results from `place` (in the window) on, along the last axis.
#[inline(always)]
fn sum_segment<T: Scalar>(window: &Window, x: &[T], h: &[T], place: [usize; 3], out: &mut [T]) {
    let Window { signal, kernel, start, .. } = *window;
    let mut sums = [T::zeroed(); SEGMENT];
    let sums = &mut sums[..out.len()];
    out.fill(T::zeroed());
    let mut terms = 0;
    let [a, b, c] = [place[0] + start[0], place[1] + start[1], place[2] + start[2]];
    for i in taps(a, signal[0], kernel[0]) {
        for j in taps(b, signal[1], kernel[1]) {
            let x = &x[((a - i) * signal[1] + (b - j)) * signal[2]..][..signal[2]];
            let h = &h[(i * kernel[1] + j) * kernel[2]..][..kernel[2]];
            // Taps that see the signal from at least one result of the segment.
            let last = (c + out.len()).min(kernel[2]);
            for k in (c + 1).saturating_sub(signal[2])..last {
                // Result t sees x[c + t − k].
                let first = k.saturating_sub(c);
                let end = out.len().min(signal[2] + k - c.min(signal[2] + k));
                if first < end {
                    let x = &x[c + first - k..c + end - k];
                    for (sum, x) in sums[first..end].iter_mut().zip(x) {
                        *sum = sum.add_product(h[k], *x);
                    }
                }
                terms += 1;
                if terms == BLOCK {
                    flush(sums, out);
                    terms = 0;
                }
            }
        }
    }
    flush(sums, out);
}

/// Kernel positions that meet the signal at position `at` of the full convolution.
#[inline(always)]
fn taps(at: usize, signal: usize, kernel: usize) -> std::ops::Range<usize> {
    (at + 1).saturating_sub(signal)..(at + 1).min(kernel)
}

#[inline(always)]
fn flush<T: Scalar>(sums: &mut [T], out: &mut [T]) {
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = out.plus(*sum);
        *sum = T::zeroed();
    }
}
