//! Convolution along one axis by transforms, the whole line at once or block by block (overlap-save: T. Stockham, 1966),
//! threads over lines and blocks.

use num_complex::Complex32;
use rayon::prelude::*;

use super::transform::{cost_of, fast_length};
use super::{Number, Window};
use crate::cpu::fft::{LineTransform, Plans};
use crate::cpu::view::zeroed_vec;
use crate::error::Result;

/// Forwards and backwards for lines of one length.
pub(in crate::cpu) struct Transforms<T> {
    pub(in crate::cpu) forward: Box<dyn LineTransform<From = T, To = Complex32>>,
    pub(in crate::cpu) backward: Box<dyn LineTransform<From = Complex32, To = T>>,
    /// Numbers of a spectrum.
    pub(in crate::cpu) coefficients: usize,
}

/// How a line is cut into blocks: points of a block, results that it gives and where they begin in it, and the entry of the
/// signal that the first block begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) length: usize,
    pub(super) step: usize,
    head: usize,
    start: isize,
}

impl Cut {
    /// The cheapest; `None` where more than the last axis is convolved.
    pub(super) fn of(window: &Window, circular: bool, multiple: usize) -> Option<Self> {
        let Window { signal: [1, 1, n], kernel: [1, 1, k], start: [.., start], out: [.., out] } = *window else {
            return None;
        };
        if n == 0 || k == 0 {
            return None;
        }
        if circular {
            return Some(Self { length: out, step: out, head: 0, start: 0 });
        }
        // Entries that wrap around may fall on entries that nobody keeps.
        let needed = (n + k - 1).saturating_sub(start).max(start + out).max(n).max(k);
        let whole = Self { length: fast_length(needed, multiple), step: out, head: start, start: 0 };
        let lengths = (6..24).flat_map(|bits| [1usize << bits, 3 << (bits - 1)]);
        let blocks = lengths.filter(|&length| length >= 2 * k && length < whole.length).map(|length| Self {
            length,
            step: length - (k - 1),
            head: k - 1,
            start: start as isize - (k as isize - 1),
        });
        blocks.chain([whole]).min_by(|a, b| a.cost(out).total_cmp(&b.cost(out)))
    }

    /// Blocks of a line of so many results.
    pub(super) fn count(&self, out: usize) -> usize {
        out.div_ceil(self.step)
    }

    /// Nanoseconds on one core for a line, roughly.
    pub(super) fn cost(&self, out: usize) -> f64 {
        cost_of(self.length) * self.count(out) as f64
    }
}

/// What one thread keeps from block to block.
struct Buffers<T> {
    line: Vec<T>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

/// Convolves lines of `n` entries with kernels of `taps` entries, one for each line or one for all, into lines of `each`.
pub(super) fn run<T: Number>(
    plans: &Plans,
    op: &'static str,
    cut: &Cut,
    (x, n): (&[T], usize),
    (h, taps): (&[T], usize),
    (out, each): (&mut [T], usize),
) -> Result<()> {
    let transforms = T::transforms(plans, op, cut.length)?;
    let filter = Filter { transforms, cut, n };
    // Fails here rather than in a thread where a block is absurdly long: what all threads take together.
    let scratch = filter.scratch();
    let threads = rayon::current_num_threads();
    drop(zeroed_vec::<Complex32>(op, (scratch + 4 * cut.length).saturating_mul(threads))?);
    let new = || Buffers {
        line: vec![T::zeroed(); cut.length],
        spectrum: vec![Complex32::default(); filter.transforms.coefficients],
        scratch: vec![Complex32::default(); scratch],
    };
    let one_kernel = h.len() == taps;
    let kernel_of = |line: usize| if one_kernel { h } else { &h[line * taps..][..taps] };
    let parts = |line: usize| filter.kernel(kernel_of(line), &mut new());
    let shared = one_kernel.then(|| parts(0));
    if cut.count(each) == 1 || out.len() / each >= threads {
        let at_once = ((1 << 14) / (cut.length * cut.count(each))).max(1);
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

impl<T: Number> Filter<'_, T> {
    fn scratch(&self) -> usize {
        self.transforms.forward.scratch().max(self.transforms.backward.scratch())
    }

    /// The spectrum of a kernel, divided by the points of a block.
    fn kernel(&self, h: &[T], buffers: &mut Buffers<T>) -> Vec<Complex32> {
        let Buffers { line, spectrum, scratch } = buffers;
        line.fill(T::zeroed());
        line[..h.len()].copy_from_slice(h);
        self.transforms.forward.line(line, spectrum, scratch);
        let scale = 1.0 / self.cut.length as f32;
        spectrum.iter().map(|value| value * scale).collect()
    }

    fn block(&self, x: &[T], kernel: &[Complex32], block: usize, out: &mut [T], buffers: &mut Buffers<T>) {
        let Buffers { line, spectrum, scratch } = buffers;
        let first = self.cut.start + (block * self.cut.step) as isize;
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
