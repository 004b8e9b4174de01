//! Streamed distances and kernel matrices.

use std::collections::VecDeque;

use ndarray::ArrayView2;

use super::{Progress, Sink, Source, StreamOptions, tiles_and_bytes};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::{Metric, RowMap};
use crate::ops::pair::prepare;
use crate::plan::StreamTiles;
use crate::tensor::{self, Tensor};
use crate::work::{Layout, PairWork, Pending, Work};

/// Distances between every row of `x` and every row of `y`, tile by tile: [`pairwise`](crate::pairwise) for data that does
/// not fit.
///
/// # Errors
/// Those of [`pairwise`](crate::pairwise), of the source and of the sink; [`Error::Cancelled`].
///
/// # Accuracy
/// As [`pairwise`](crate::pairwise).
pub async fn pairwise(
    context: &Context,
    x: &mut dyn Source,
    y: &mut dyn Source,
    metric: &Metric,
    sink: &mut dyn Sink,
    options: StreamOptions<'_>,
) -> Result<()> {
    let op = "pairwise";
    let d = features(op, x, y)?;
    metric.check(d)?;
    run(op, context, x, y, PairFunction::from(metric.clone()), sink, options).await
}

/// The Gram matrix of the rows of `x` and `y`, tile by tile: [`gram`](crate::gram) for data that does not fit.
///
/// # Errors
/// Those of [`gram`](crate::gram), of the source and of the sink; [`Error::Cancelled`].
///
/// # Accuracy
/// As [`gram`](crate::gram).
pub async fn gram(
    context: &Context,
    x: &mut dyn Source,
    y: &mut dyn Source,
    kernel: &Kernel,
    sink: &mut dyn Sink,
    options: StreamOptions<'_>,
) -> Result<()> {
    let op = "gram";
    let d = features(op, x, y)?;
    run(op, context, x, y, kernel.pair_function(d)?, sink, options).await
}

/// [`pairwise`], blocking the thread.
///
/// # Errors
/// As [`pairwise`].
///
/// # Examples
/// ```
/// # use gristmill::{stream, Context, Metric};
/// # use ndarray::{array, Array2};
/// let context = Context::open_blocking()?;
/// let points = array![[0.0_f32, 0.0], [3.0, 4.0]];
/// let (mut x, mut y) = (points.view(), points.view()); // or two `NpySource`s, with a `NpySink`
/// let mut out = Array2::zeros((2, 2));
/// let options = stream::StreamOptions::default();
/// stream::pairwise_blocking(&context, &mut x, &mut y, &Metric::EUCLIDEAN, &mut out, options)?;
/// assert_eq!(out, array![[0.0, 5.0], [5.0, 0.0]]);
/// # Ok::<(), gristmill::Error>(())
/// ```
#[cfg(not(target_arch = "wasm32"))]
pub fn pairwise_blocking(
    context: &Context,
    x: &mut dyn Source,
    y: &mut dyn Source,
    metric: &Metric,
    sink: &mut dyn Sink,
    options: StreamOptions<'_>,
) -> Result<()> {
    pollster::block_on(pairwise(context, x, y, metric, sink, options))
}

/// [`gram`], blocking the thread.
///
/// # Errors
/// As [`gram`].
///
/// # Examples
/// ```
/// # use gristmill::{stream, Context, Kernel};
/// # use ndarray::{array, Array2};
/// let context = Context::open_blocking()?;
/// let points = array![[0.0_f32, 0.0], [3.0, 4.0]];
/// let (mut x, mut y) = (points.view(), points.view()); // or two `NpySource`s, with a `NpySink`
/// let mut out = Array2::zeros((2, 2));
/// let options = stream::StreamOptions::default();
/// stream::gram_blocking(&context, &mut x, &mut y, &Kernel::linear(), &mut out, options)?;
/// assert_eq!(out, array![[0.0, 0.0], [0.0, 25.0]]);
/// # Ok::<(), gristmill::Error>(())
/// ```
#[cfg(not(target_arch = "wasm32"))]
pub fn gram_blocking(
    context: &Context,
    x: &mut dyn Source,
    y: &mut dyn Source,
    kernel: &Kernel,
    sink: &mut dyn Sink,
    options: StreamOptions<'_>,
) -> Result<()> {
    pollster::block_on(gram(context, x, y, kernel, sink, options))
}

fn features(op: &'static str, x: &dyn Source, y: &dyn Source) -> Result<usize> {
    let ((_, d), (_, e)) = (x.shape(), y.shape());
    if d == e {
        return Ok(d);
    }
    Err(Error::shape(op, format!("x has {d} columns, y has {e}; they must match")))
}

/// A tile that is computed but not yet written.
pub(super) struct InFlight<'a> {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) shape: (usize, usize),
    pub(super) read: Pending<'a, Vec<f32>>,
}

async fn run(
    op: &'static str,
    context: &Context,
    x: &mut dyn Source,
    y: &mut dyn Source,
    function: PairFunction,
    sink: &mut dyn Sink,
    mut options: StreamOptions<'_>,
) -> Result<()> {
    let ((n, d), (m, _)) = (x.shape(), y.shape());
    // Some metrics make others of all rows first: every panel once, when it arrives.
    let (maps, function) =
        function.prepared(op, d)?.map_or((None, function), |(maps, function)| (Some(maps), function));
    let made = |maps: &[RowMap; 2]| maps.iter().map(|rows| rows.features(d)).max().unwrap_or(0);
    let features = d.saturating_add(maps.as_ref().map_or(0, made));
    let panel = |rows: &[f32], height: usize, side: usize| {
        let panel = context.upload_slice(rows, &[height, d])?;
        match maps.as_ref().and_then(|maps| maps.get(side)) {
            Some(rows) => prepare(op, &panel, rows.clone()),
            None => Ok(panel),
        }
    };
    let (most_in_flight, largest) = tiles_and_bytes(context);
    let tiles = StreamTiles::new(n, m, features, options.memory_budget, largest, most_in_flight);
    let total = (n as u64).saturating_mul(m as u64);
    let mut progress = Progress { done: 0, total };
    sink.begin(n, m)?;

    let work = Work::Pair(PairWork { op, function, paired: false });
    let executor = context.executor().clone();
    let mut in_flight: VecDeque<InFlight<'_>> = VecDeque::new();
    let mut rows = Vec::new();
    let mut y_panel: Option<(usize, Tensor)> = None;
    for (row, height, column, width) in tiles.iter(n, m) {
        if options.cancel.as_ref().is_some_and(super::Cancel::is_cancelled) {
            return Err(Error::Cancelled { op });
        }
        while in_flight.len() >= most_in_flight as usize {
            settle(&mut in_flight, sink, &mut progress, &mut options).await?;
        }
        let of_y = match y_panel.take() {
            Some((at, of_y)) if at == column => of_y,
            _ => {
                y.read_rows(column..column + width, &mut rows)?;
                panel(&rows, width, 1)?
            }
        };
        x.read_rows(row..row + height, &mut rows)?;
        let of_x = panel(&rows, height, 0)?;
        let storage = executor.run(&work, &[of_x.operand(), of_y.operand()])?;
        let entries = Layout::contiguous(&[height, width]).len();
        let read = tensor::read(&*executor, &storage, 0, entries);
        in_flight.push_back(InFlight { row, column, shape: (height, width), read });
        y_panel = Some((column, of_y));
    }
    while !in_flight.is_empty() {
        settle(&mut in_flight, sink, &mut progress, &mut options).await?;
    }
    sink.finish()
}

/// Waits for the oldest tile and writes it.
pub(super) async fn settle(
    in_flight: &mut VecDeque<InFlight<'_>>,
    sink: &mut dyn Sink,
    progress: &mut Progress,
    options: &mut StreamOptions<'_>,
) -> Result<()> {
    let Some(tile) = in_flight.pop_front() else { return Ok(()) };
    let entries = tile.read.await?;
    let view = ArrayView2::from_shape(tile.shape, &entries).map_err(|e| Error::shape("stream", e.to_string()))?;
    sink.write(tile.row, tile.column, view)?;
    progress.done += entries.len() as u64;
    if let Some(report) = &mut options.progress {
        report(*progress);
    }
    Ok(())
}
