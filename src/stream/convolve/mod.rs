//! Streamed convolution: of signals of any length with kernels that fit, window by window (overlap-save).

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

use super::pair::{InFlight, settle};
use super::{Cancel, Progress, Sink, Source, StreamOptions, tiles_and_bytes};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops::{self, ConvolveOptions};
use crate::tensor::{self, Tensor};
use crate::work::{Boundary, ConvolveRecipe, ConvolveWork, Kept, Mode, full_length};

/// Samples of a window where the budget allows them and the kernel does not need more.
const WINDOW: u64 = 1 << 20;

/// How often a window is there: as it was read, as it was uploaded, as a result that lies by channels and by samples, as
/// the two spectra, in buffers that wait to be used again, in mappable memory, as the numbers read from it and as the sink's.
const COPIES: u64 = 12;

/// [`convolve`](crate::convolve) along the rows of a source: rows are samples, columns are channels, and there may be more
/// rows than anything holds.
///
/// `h` has shape k, one kernel for every channel, or k × channels; a source of one column takes all of them. Options are
/// those of the op, with one convolved axis. Each window of the result is computed from the rows that it sees, the last
/// k − 1 of which it shares with the window before.
///
/// # Errors
/// Those of [`convolve`](crate::convolve), of the source and of the sink; [`Error::Unsupported`] if the memory budget
/// does not hold a window twice as long as the kernel; [`Error::Cancelled`].
///
/// # Accuracy
/// As [`convolve`](crate::convolve), relative to the largest entry of a window.
/// # Sources
/// Oppenheim and Schafer, *Discrete-Time Signal Processing*, 3rd ed., §8.7.3.
pub async fn convolve(
    context: &Context,
    x: &mut dyn Source,
    h: &Tensor,
    options: &ConvolveOptions,
    sink: &mut dyn Sink,
    stream: StreamOptions<'_>,
) -> Result<()> {
    run(&options.work("convolve", 1, false, false), context, x, h, options, sink, stream).await
}

/// [`correlate`](crate::correlate) along the rows of a source, as [`convolve`].
///
/// # Errors
/// As [`convolve`].
///
/// # Accuracy
/// As [`convolve`].
pub async fn correlate(
    context: &Context,
    x: &mut dyn Source,
    h: &Tensor,
    options: &ConvolveOptions,
    sink: &mut dyn Sink,
    stream: StreamOptions<'_>,
) -> Result<()> {
    run(&options.work("correlate", 1, true, false), context, x, h, options, sink, stream).await
}

/// [`convolve`], blocking the thread.
///
/// # Errors
/// As [`convolve`].
///
/// # Examples
/// ```
/// # use gristmill::{stream, Context, ConvolveOptions};
/// # use ndarray::{array, Array2};
/// let context = Context::open_blocking()?;
/// let signal = array![[1.0_f32], [2.0], [3.0]]; // or a `NpySource`, with a `NpySink`
/// let h = context.upload(&array![1.0, 1.0])?;
/// let mut out = Array2::zeros((4, 1));
/// let options = ConvolveOptions::default();
/// stream::convolve_blocking(&context, &mut signal.view(), &h, &options, &mut out, Default::default())?;
/// assert_eq!(out, array![[1.0], [3.0], [5.0], [3.0]]);
/// # Ok::<(), gristmill::Error>(())
/// ```
#[cfg(not(target_arch = "wasm32"))]
pub fn convolve_blocking(
    context: &Context,
    x: &mut dyn Source,
    h: &Tensor,
    options: &ConvolveOptions,
    sink: &mut dyn Sink,
    stream: StreamOptions<'_>,
) -> Result<()> {
    pollster::block_on(convolve(context, x, h, options, sink, stream))
}

/// [`correlate`], blocking the thread.
///
/// # Errors
/// As [`convolve`].
#[cfg(not(target_arch = "wasm32"))]
pub fn correlate_blocking(
    context: &Context,
    x: &mut dyn Source,
    h: &Tensor,
    options: &ConvolveOptions,
    sink: &mut dyn Sink,
    stream: StreamOptions<'_>,
) -> Result<()> {
    pollster::block_on(correlate(context, x, h, options, sink, stream))
}

/// How each window of [`convolve`] is done, for a source of this shape: [`convolve_recipe`](crate::convolve_recipe) of what
/// the memory budget lets a window be.
///
/// # Errors
/// As [`convolve`].
///
/// # Examples
/// ```
/// # use gristmill::{stream, Context, ConvolveOptions};
/// let context = Context::open_blocking()?;
/// let (hour_in_stereo, hall) = ((3600 * 48_000, 2), [96_000]);
/// let options = ConvolveOptions::default();
/// println!("{}", stream::convolve_recipe(&context, hour_in_stereo, &hall, &options, 256 << 20)?);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn convolve_recipe(
    context: &Context,
    x: (usize, usize),
    h: &[usize],
    options: &ConvolveOptions,
    memory_budget: u64,
) -> Result<ConvolveRecipe> {
    let work = options.work("convolve", 1, false, false);
    let windows = Windows::new(&work, context, x, h, options, memory_budget)?;
    let (k, columns) = (windows.kept.kernel, windows.columns);
    let h = if windows.kernels == 1 { vec![k] } else { vec![columns, k] };
    ops::convolve_recipe::<f32>(context, &[columns, full_length(windows.length_of_one, k)], &h, &windows.options)
}

/// How a streamed convolution is cut.
struct Windows {
    /// The result, of the full convolution.
    kept: Kept,
    kernels: usize,
    /// Channels of the result.
    columns: usize,
    boundary: Boundary,
    /// Results of a window.
    length_of_one: usize,
    most_in_flight: u64,
    /// Of a window.
    options: ConvolveOptions,
}

impl Windows {
    fn new(
        work: &ConvolveWork,
        context: &Context,
        (n, channels): (usize, usize),
        h: &[usize],
        options: &ConvolveOptions,
        memory_budget: u64,
    ) -> Result<Self> {
        let op = work.op;
        let (k, kernels) = match *h {
            [k] => (k, 1),
            [k, kernels] => (k, kernels),
            _ => return Err(Error::shape(op, format!("h has shape {h:?}; taps, or taps × channels, are needed"))),
        };
        let matching = kernels == 1 || channels == 1 || kernels == channels;
        if n == 0 || k == 0 || channels == 0 || kernels == 0 || !matching {
            let message = format!("x has {n} samples of {channels} channels, h {k} taps of {kernels}; ");
            return Err(Error::shape(op, message + "neither may be empty, and channels must match unless one has one"));
        }
        if n > usize::MAX / 8 || k > u32::MAX as usize / 2 {
            let message = "are more than can be counted";
            return Err(Error::argument(op, format!("{n} samples under {k} taps"), message));
        }
        if let Some(rank) = options.rank.filter(|rank| *rank != 1) {
            return Err(Error::argument(op, format!("rank {rank}"), "must be 1: signals are streamed along one axis"));
        }
        let kept = ops::kept(work, &options.origin, 0, n, k)?;
        let boundary = match work.mode {
            _ if work.circular => Boundary::Wrap,
            Mode::Valid => Boundary::Zero,
            _ => options.boundary,
        };
        let columns = channels.max(kernels);
        let (most_in_flight, largest) = tiles_and_bytes(context);
        let length_of_one = window(op, &kept, columns, memory_budget, largest, most_in_flight)?;
        let options = ConvolveOptions { method: options.method, rank: Some(1), ..ConvolveOptions::mode(Mode::Valid) };
        Ok(Self { kept, kernels, columns, boundary, length_of_one, most_in_flight, options })
    }
}

async fn run(
    work: &ConvolveWork,
    context: &Context,
    x: &mut dyn Source,
    h: &Tensor,
    options: &ConvolveOptions,
    sink: &mut dyn Sink,
    mut stream: StreamOptions<'_>,
) -> Result<()> {
    let op = work.op;
    let windows = Windows::new(work, context, x.shape(), h.shape(), options, stream.memory_budget)?;
    let Windows { kept, columns, boundary, length_of_one, options, .. } = windows;
    let (k, length) = (kept.kernel, kept.length);
    let mut progress = Progress { done: 0, total: (length as u64).saturating_mul(columns as u64) };
    sink.begin(length, columns)?;

    let h = if windows.kernels == 1 { h.reshape(&[k])? } else { h.transpose() };
    let copies = columns / x.shape().1;
    let executor = context.executor().clone();
    let mut in_flight: VecDeque<InFlight<'_>> = VecDeque::new();
    let mut rows = Vec::new();
    for first in (0..length).step_by(length_of_one) {
        if stream.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Err(Error::Cancelled { op });
        }
        while in_flight.len() >= windows.most_in_flight as usize {
            settle(&mut in_flight, sink, &mut progress, &mut stream).await?;
        }
        let count = length_of_one.min(length - first);
        let (from, seen) = Kept { start: kept.start + first, length: count, ..kept }.seen();
        continued_rows(x, from..from + seen as i64, boundary, copies, &mut rows)?;
        // The last window is filled up, so that it has the shape, and the shaders, of the others.
        let taken = full_length(length_of_one, k);
        rows.resize(taken * columns, 0.0);
        let signal = context.upload_slice(&rows, &[taken, columns])?.transpose();
        let filter = if work.correlate { ops::correlate } else { ops::convolve };
        let result = filter(&signal, &h, &options)?;
        let result = result.slice(1, 0..count)?.transpose().contiguous()?;
        let read = tensor::read(&*executor, result.storage(), result.layout().offset, result.len());
        in_flight.push_back(InFlight { row: first, column: 0, shape: (count, columns), read });
    }
    while !in_flight.is_empty() {
        settle(&mut in_flight, sink, &mut progress, &mut stream).await?;
    }
    sink.finish()
}

/// Results of a window: with the k − 1 samples before them a power of two that the budget holds for all windows under way.
fn window(op: &'static str, kept: &Kept, columns: usize, budget: u64, largest: u64, in_flight: u64) -> Result<usize> {
    let k = kept.kernel;
    let bytes = |samples: u64| samples.saturating_mul(4 * columns as u64);
    let needed = |samples: u64| bytes(samples).saturating_mul(COPIES * in_flight);
    let fits = |samples: u64| bytes(samples) <= largest && needed(samples) <= budget;
    let least = (2 * k as u64).next_power_of_two();
    let mut samples = WINDOW.max(2 * least);
    while samples > least && !fits(samples) {
        samples /= 2;
    }
    if let Some(cut) = kept.blocks(samples as usize).filter(|_| fits(samples)) {
        return Ok(cut.step.min(kept.length));
    }
    let (bytes, needed) = (bytes(samples), needed(samples));
    let message = if bytes > largest {
        format!("need buffers of {bytes} bytes, the device has {largest}; take a shorter kernel or fewer channels")
    } else {
        format!("need a memory budget of {needed} bytes, {budget} are given; raise it, or take a shorter kernel")
    };
    Err(Error::Unsupported { op, message: format!("{k} taps of {columns} channels {message}") })
}

/// The rows of a range that may reach past both ends, each number `copies` times.
fn continued_rows(
    x: &mut dyn Source,
    range: Range<i64>,
    boundary: Boundary,
    copies: usize,
    rows: &mut Vec<f32>,
) -> Result<()> {
    let (n, columns) = x.shape();
    let (from, to, end) = (range.start, range.end, n as i64);
    let mut there = Vec::new();
    rows.clear();
    // Before, within and past the signal: what each part shows lies together, in no more rows than the kernel has taps.
    for part in [from..to.min(0), from.max(0)..to.min(end), from.max(end)..to] {
        let places = || part.clone().map(|at| boundary.place(at, n));
        let (first, last) = (places().flatten().min(), places().flatten().max());
        if let (Some(first), Some(last)) = (first, last) {
            x.read_rows(first..last + 1, &mut there)?;
        }
        for place in places() {
            match place.zip(first) {
                Some((place, first)) => {
                    let row = &there[(place - first) * columns..][..columns];
                    rows.extend(row.iter().flat_map(|&value| std::iter::repeat_n(value, copies)));
                }
                None => rows.extend(std::iter::repeat_n(boundary.outside(), columns * copies)),
            }
        }
    }
    Ok(())
}
