//! Convolution along one axis by transforms, the whole line at once or block by block (overlap-save: T. Stockham, 1966),
//! threads over lines and blocks.

use num_complex::Complex32;
use rayon::prelude::*;

use super::transform::{cost_of, fast_length};
use super::{Scalar, Window};
use crate::cpu::fft::{LineTransform, Plans};
use crate::cpu::view::zeroed_vec;
use crate::error::Result;
use crate::work::Cut;

/// Forwards and backwards for lines of one length.
pub(in crate::cpu) struct Transforms<T> {
    pub(in crate::cpu) forward: Box<dyn LineTransform<From = T, To = Complex32>>,
    pub(in crate::cpu) backward: Box<dyn LineTransform<From = Complex32, To = T>>,
    /// Numbers of a spectrum.
    pub(in crate::cpu) coefficients: usize,
}

/// How lines are cut the cheapest way; `None` where more than the last axis is convolved.
pub(super) fn cut(window: &Window, circular: bool, multiple: usize) -> Option<Cut> {
    let Window { signal: [1, 1, n], kernel: [1, 1, k], .. } = *window else { return None };
    let kept = window.kept(2);
    match (n, k) {
        (0, _) | (_, 0) => None,
        _ if circular => Some(Cut::around(kept.length)),
        _ => {
            let whole = fast_length(kept.least_points(), multiple);
            kept.cuts(Some(whole), whole).min_by(|a, b| cost(a, kept.length).total_cmp(&cost(b, kept.length)))
        }
    }
}

/// Nanoseconds on one core for a line of so many results, roughly.
pub(super) fn cost(cut: &Cut, results: usize) -> f64 {
    cost_of(cut.points) * cut.count(results) as f64
}

/// What one thread keeps from block to block.
struct Buffers<T> {
    line: Vec<T>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

/// Convolves lines of `n` entries with kernels of `taps` entries, one for each line or one for all, into lines of `each`.
pub(super) fn run<T: Scalar>(
    plans: &Plans,
    op: &'static str,
    cut: &Cut,
    (x, n): (&[T], usize),
    (h, taps): (&[T], usize),
    (out, each): (&mut [T], usize),
) -> Result<()> {
    let transforms = T::transforms(plans, op, cut.points)?;
    let filter = Filter { transforms, cut, n };
    // Fails here rather than in a thread where a block is absurdly long: what all threads take together.
    let scratch = filter.scratch();
    let threads = rayon::current_num_threads();
    drop(zeroed_vec::<Complex32>(op, (scratch + 4 * cut.points).saturating_mul(threads))?);
    let new = || Buffers {
        line: vec![T::zeroed(); cut.points],
        spectrum: vec![Complex32::default(); filter.transforms.coefficients],
        scratch: vec![Complex32::default(); scratch],
    };
    let one_kernel = h.len() == taps;
    let kernel_of = |line: usize| if one_kernel { h } else { &h[line * taps..][..taps] };
    let parts = |line: usize| filter.kernel(kernel_of(line), &mut new());
    let shared = one_kernel.then(|| parts(0));
    if cut.count(each) == 1 || out.len() / each >= threads {
        let at_once = ((1 << 14) / (cut.points * cut.count(each))).max(1);
        let lines = out.par_chunks_exact_mut(each).zip(x.par_chunks_exact(n)).enumerate();
        lines.with_min_len(at_once).for_each_init(new, |buffers, (line, (out, x))| {
            let own = shared.is_none().then(|| filter.kernel(kernel_of(line), buffers));
            let Some(kernel) = shared.as_ref().or(own.as_ref()) else { return };
            for (block, out) in out.chunks_mut(cut.step).enumerate() {
                filter.block(x, kernel, block, out, buffers);
            }
        });
        return Ok(());
    }
    for (line, (out, x)) in out.chunks_exact_mut(each).zip(x.chunks_exact(n)).enumerate() {
        let own = shared.is_none().then(|| parts(line));
        let Some(kernel) = shared.as_ref().or(own.as_ref()) else { continue };
        let blocks = out.par_chunks_mut(cut.step).enumerate();
        blocks.for_each_init(new, |buffers, (block, out)| filter.block(x, kernel, block, out, buffers));
    }
    Ok(())
}

struct Filter<'a, T> {
    transforms: Transforms<T>,
    cut: &'a Cut,
    /// Entries of a line.
    n: usize,
}

impl<T: Scalar> Filter<'_, T> {
    fn scratch(&self) -> usize {
        self.transforms.forward.scratch().max(self.transforms.backward.scratch())
    }

    /// The spectrum of a kernel, divided by the points of a block.
    fn kernel(&self, h: &[T], buffers: &mut Buffers<T>) -> Vec<Complex32> {
        let Buffers { line, spectrum, scratch } = buffers;
        line.fill(T::zeroed());
        line[..h.len()].copy_from_slice(h);
        self.transforms.forward.line(line, spectrum, scratch);
        let scale = 1.0 / self.cut.points as f32;
        spectrum.iter().map(|value| value * scale).collect()
    }

    fn block(&self, x: &[T], kernel: &[Complex32], block: usize, out: &mut [T], buffers: &mut Buffers<T>) {
        let Buffers { line, spectrum, scratch } = buffers;
        let first = self.cut.source_start as isize + (block * self.cut.step) as isize;
        let from = first.clamp(0, self.n as isize);
        let to = (first + line.len() as isize).clamp(from, self.n as isize);
        // Where the signal begins and ends in the block, which may be before or after it.
        let [begin, end] = [from, to].map(|at| (at - first).clamp(0, line.len() as isize) as usize);
        line[..begin].fill(T::zeroed());
        line[begin..end].copy_from_slice(&x[from as usize..from as usize + (end - begin)]);
        line[end..].fill(T::zeroed());
        self.transforms.forward.line(line, spectrum, scratch);
        spectrum.iter_mut().zip(kernel).for_each(|(value, factor)| *value *= factor);
        self.transforms.backward.line(spectrum, line, scratch);
        out.copy_from_slice(&line[self.cut.head..self.cut.head + out.len()]);
    }
}
