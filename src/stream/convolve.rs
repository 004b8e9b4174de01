//! Streamed convolution: of signals of any length with kernels that fit, window by window (overlap-save).

use std::collections::VecDeque;
use std::ops::Range;

use super::pair::{InFlight, settle};
use super::{Cancel, Progress, Sink, Source, StreamOptions};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops::{self, ConvolveOptions};
use crate::tensor::Tensor;
use crate::work::{Boundary, Mode};

/// Samples of a window where the budget allows them and the kernel does not need more.
const WINDOW: u64 = 1 << 20;

/// How often a window is there: as it was read, as it was uploaded, as a result that lies by channels and by samples, as
/// the two spectra, in buffers that wait to be used again, in mappable memory, as the bytes read from it and as the sink's.
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
    run("convolve", context, x, h, options, sink, stream).await
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
    run("correlate", context, x, h, options, sink, stream).await
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

async fn run(
    op: &'static str,
    context: &Context,
    x: &mut dyn Source,
    h: &Tensor,
    options: &ConvolveOptions,
    sink: &mut dyn Sink,
    mut stream: StreamOptions<'_>,
) -> Result<()> {
    let correlates = op == "correlate";
    let (n, channels) = x.shape();
    let (k, kernels) = match *h.shape() {
        [k] => (k, 1),
        [k, kernels] => (k, kernels),
        _ => {
            return Err(Error::shape(op, format!("h has shape {:?}; taps, or taps × channels, are needed", h.shape())));
        }
    };
    let matching = kernels == 1 || channels == 1 || kernels == channels;
    if n == 0 || k == 0 || channels == 0 || kernels == 0 || !matching {
        let message = format!("x has {n} samples of {channels} channels, h {k} taps of {kernels}; ");
        return Err(Error::shape(op, message + "neither may be empty, and channels must match unless one has one"));
    }
    if let Some(rank) = options.rank.filter(|rank| *rank != 1) {
        return Err(Error::argument(op, format!("rank {rank}"), "must be 1: signals are streamed along one axis"));
    }
    let (start, length) = ops::kept_of(op, 0, n, k, options, correlates)?;
    let (start, boundary) = match options.mode {
        _ if options.circular => (if correlates { k as i64 - 1 } else { 0 }, Boundary::Wrap),
        Mode::Valid => (start, Boundary::Zero),
        _ => (start, options.boundary),
    };
    let columns = channels.max(kernels);
    let most_in_flight = if context.info().backend == "gl" || context.is_cpu() { 1 } else { 2 };
    let largest = context.limits().map_or(u64::MAX, |limits| limits.max_buffer_bytes);
    let window = window(op, k, columns, stream.memory_budget, largest, most_in_flight)?.min(length);
    let mut progress = Progress { done: 0, total: (length as u64).saturating_mul(columns as u64) };
    sink.begin(length, columns)?;

    let h = if kernels == 1 { h.reshape(&[k])? } else { h.transpose() };
    let valid = ConvolveOptions { method: options.method, rank: Some(1), ..ConvolveOptions::mode(Mode::Valid) };
    let executor = context.executor().clone();
    let mut in_flight: VecDeque<InFlight<'_>> = VecDeque::new();
    let mut rows = Vec::new();
    for first in (0..length).step_by(window) {
        if stream.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Err(Error::Cancelled { op });
        }
        while in_flight.len() >= most_in_flight as usize {
            settle(&mut in_flight, sink, &mut progress, &mut stream).await?;
        }
        let count = window.min(length - first);
        let seen = start + first as i64 - (k as i64 - 1);
        continued_rows(x, seen..seen + (count + k - 1) as i64, boundary, columns / channels, &mut rows)?;
        // The last window is filled up, so that it has the shape, and the shaders, of the others.
        rows.resize((window + k - 1) * columns, 0.0);
        let signal = context.upload_slice(&rows, &[window + k - 1, columns])?.transpose();
        let result = match correlates {
            true => ops::correlate(&signal, &h, &valid)?,
            false => ops::convolve(&signal, &h, &valid)?,
        };
        let result = result.slice(1, 0..count)?.transpose().contiguous()?;
        let read = executor.read(result.storage(), result.layout().offset as u64 * 4, result.len() as u64 * 4);
        in_flight.push_back(InFlight { row: first, column: 0, shape: (count, columns), read });
    }
    while !in_flight.is_empty() {
        settle(&mut in_flight, sink, &mut progress, &mut stream).await?;
    }
    sink.finish()
}

/// Results of a window: with the k − 1 samples before them a power of two that the budget holds for all windows under way.
fn window(op: &'static str, k: usize, columns: usize, budget: u64, largest: u64, in_flight: u64) -> Result<usize> {
    let bytes = |samples: u64| samples.saturating_mul(4 * columns as u64);
    let needed = |samples: u64| bytes(samples).saturating_mul(COPIES * in_flight);
    let fits = |samples: u64| bytes(samples) <= largest && needed(samples) <= budget;
    let least = (2 * k as u64).next_power_of_two();
    let mut samples = WINDOW.max(2 * least);
    while samples > least && !fits(samples) {
        samples /= 2;
    }
    if fits(samples) {
        return Ok(samples as usize - (k - 1));
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis};

    fn signal(n: usize, columns: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, columns), |(t, c)| ((t * 31 + c * 17 + t * t % 7) % 23) as f32 - 11.0)
    }

    /// Every mode and boundary in windows as short as they can be is the whole at once.
    #[test]
    fn windows_join_to_the_whole() {
        let context = Context::cpu();
        let boundaries = [
            Boundary::Zero,
            Boundary::Constant(2.0),
            Boundary::Reflect,
            Boundary::Mirror,
            Boundary::Nearest,
            Boundary::Wrap,
        ];
        for (n, channels, k, kernels) in [(300, 2, 9, 1), (97, 1, 16, 3), (5, 2, 40, 2), (1, 1, 1, 1), (64, 1, 64, 1)] {
            let (x, h) = (signal(n, channels), signal(k, kernels));
            let on_device = context.upload(&h).unwrap();
            for boundary in boundaries {
                for mode in [Mode::Full, Mode::Same, Mode::Valid, Mode::Causal] {
                    for (circular, correlates) in [(false, false), (false, true), (true, false), (true, true)] {
                        let options = ConvolveOptions { boundary, mode, circular, ..ConvolveOptions::default() };
                        let columns = channels.max(kernels);
                        let whole: Vec<_> = (0..columns)
                            .map(|c| {
                                let x = context.upload(&x.column(c.min(channels - 1)).to_owned()).unwrap();
                                let h = context.upload(&h.column(c.min(kernels - 1)).to_owned()).unwrap();
                                let op = if correlates { ops::correlate } else { ops::convolve };
                                op(&x, &h, &options).unwrap().read_blocking().unwrap().into_dimensionality().unwrap()
                            })
                            .collect();
                        let whole: Vec<_> = whole.iter().map(ndarray::Array1::view).collect();
                        let whole = ndarray::stack(Axis(1), &whole).unwrap();
                        let mut out = Array2::zeros(whole.dim());
                        let budget = 4 * columns as u64 * COPIES * (2 * k as u64).next_power_of_two();
                        let stream = StreamOptions { memory_budget: budget, ..StreamOptions::default() };
                        let op = if correlates { correlate_blocking } else { convolve_blocking };
                        op(&context, &mut x.view(), &on_device, &options, &mut out, stream).unwrap();
                        let largest = (k * 121) as f32;
                        let error = (&out - &whole).iter().fold(0f32, |most, d| most.max(d.abs()));
                        assert!(error <= 4e-6 * largest, "{options:?} {n}×{channels} {k}×{kernels}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_streamed_is_said() {
        let context = Context::cpu();
        let h = context.upload(&signal(1000, 1)).unwrap();
        let two = context.upload(&signal(4, 2)).unwrap();
        let none = context.upload(&signal(0, 1)).unwrap();
        let complaint = |columns: usize, n: usize, h: &Tensor, memory_budget: u64| {
            let stream = StreamOptions { memory_budget, ..StreamOptions::default() };
            let mut out = Array2::zeros((n + 999, columns));
            let options = ConvolveOptions::default();
            convolve_blocking(&context, &mut signal(n, columns).view(), h, &options, &mut out, stream)
                .unwrap_err()
                .to_string()
        };
        assert!(complaint(1, 10, &h, 10_000).contains("1000 taps of 1 channels need a memory budget of 98304 bytes"));
        assert!(complaint(3, 10, &two, 1 << 20).contains("channels must match"));
        assert!(complaint(1, 10, &none, 1 << 20).contains("neither may be empty"));
        assert!(complaint(1, 0, &h, 1 << 20).contains("neither may be empty"));
    }
}
