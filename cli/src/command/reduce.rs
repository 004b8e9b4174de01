//! `gristmill reduce`: what a metric or kernel sums up to over the rows of Y, without its matrix.

use std::ops::Range;

use anyhow::{Result, ensure};
use gristmill::{
    Extremes, Kernel, Metric, PairFunction, PairSource, ReduceOptions, Tensor, count_within, largest, log_sum_exp,
    pair_mean, pair_sum, smallest, softmax_sum, stream,
};
use ndarray::{ArrayD, Axis, IxDyn, concatenate};
use serde_json::json;

use super::Job;
use super::metric::Chosen;
use super::pairs::progress;
use super::points::Selection;
use crate::args::{General, Reduce, Reduction};
use crate::format::{Kind, Member, Output, Values, read_real};
use crate::usage;

/// Pairs between two steps of the progress bar.
const PAIRS_PER_PANEL: usize = 1 << 27;

pub(super) fn run(general: &General, args: &Reduce) -> Result<()> {
    let mut job = Job::new("reduce", general);
    let kinds: &[Kind] =
        if matches!(args.reduce, Reduction::TopK(_)) { &[Kind::Npz] } else { &[Kind::Npy, Kind::Npz, Kind::Csv] };
    check(args)?;
    // What is wrong with a kernel or a flag is said before anything is read.
    let kernel = args.kernel.as_ref().map(|kernel| job.explain(kernel.parse::<Kernel>())).transpose()?;
    let chosen = Chosen::of(&args.metric)?;
    let output = Output::create(&args.output, kinds)?;
    let selection = Selection { columns: &args.columns, bits: kernel.is_none() && chosen.compares_bits() };
    let x = selection.read(&mut job, "x", &args.x)?;
    let y = args.y.as_deref().map(|y| selection.read(&mut job, "y", y)).transpose()?;
    let source = match kernel {
        Some(kernel) => Source::Kernel(kernel),
        None => {
            let (mut of_x, mut of_y) = (x.view(), y.as_ref().map(|y| y.view()));
            let mut rows: Vec<&mut dyn stream::Source> = vec![&mut of_x];
            rows.extend(of_y.as_mut().map(|y| y as &mut dyn stream::Source));
            Source::Metric(chosen.ready(&mut job, &mut rows)?)
        }
    };
    let (n, m) = (x.nrows(), y.as_ref().unwrap_or(&x).nrows());
    let weights = args.weights.as_deref().map(read_real).transpose()?;
    if let Some(weights) = &weights {
        job.took("weights", weights, weights.array.shape());
        fitting(args, weights.array.shape(), &weights.path, m)?;
    }
    let columns = match args.reduce {
        Reduction::TopK(k) => k,
        Reduction::Softmax if weights.is_none() => x.ncols(),
        _ => weights.as_ref().and_then(|w| w.array.shape().get(1).copied()).unwrap_or(1),
    };
    // Values and indices, and their parts while they are joined.
    job.holds(n.saturating_mul(columns).saturating_mul(24))?;
    let context = job.open()?;
    let points = context.upload(&x)?;
    let others = y.as_ref().map(|y| context.upload(y)).transpose()?.unwrap_or_else(|| points.clone());
    let values = weights.as_ref().map(|w| context.upload(&w.array)).transpose()?;
    let work = Work { args, source, others, values };
    // A row's number within its panel is not its number in Y.
    let height = if args.exclude_self { n.max(1) } else { (PAIRS_PER_PANEL / m.max(1)).max(256) };
    let found = work.panels(&job, &points, height)?;
    let device = context.info().to_string();
    write(&job, args, output, found, &device)
}

/// What can be said before anything is read.
fn check(args: &Reduce) -> Result<()> {
    match (args.reduce, args.radius) {
        (Reduction::Count, None) => return Err(usage("reduce: count needs --radius, the largest value that counts")),
        (Reduction::Count, Some(_)) | (_, None) => {}
        (_, Some(radius)) => return Err(usage(format!("reduce: --radius {radius} goes with --reduce count"))),
    }
    let takes = matches!(args.reduce, Reduction::Sum | Reduction::Mean | Reduction::LogSumExp | Reduction::Softmax);
    if args.weights.is_some() && !takes {
        return Err(usage("reduce: --weights goes with sum, mean, logsumexp and softmax"));
    }
    if args.exclude_self && args.y.is_some() {
        return Err(usage("reduce: --exclude-self is for the rows of X among themselves; leave out Y"));
    }
    Ok(())
}

/// Whether there is a row of weights per row of Y, and not more columns than the reduction takes.
fn fitting(args: &Reduce, shape: &[usize], path: &str, m: usize) -> Result<()> {
    let most = if args.reduce == Reduction::LogSumExp { 1 } else { ReduceOptions::MOST_COLUMNS };
    let (rows, columns) = (shape.first().copied().unwrap_or(0), shape.get(1).copied().unwrap_or(1));
    ensure!(
        matches!(shape.len(), 1 | 2) && rows == m,
        "reduce: --weights {path} has shape {}; one row per row of Y ({m}) is needed",
        crate::format::shape_text(shape)
    );
    ensure!(columns <= most, "reduce: --weights {path} has {columns} columns; {most} at most are taken");
    Ok(())
}

/// Metric or kernel.
enum Source {
    Metric(Metric),
    Kernel(Kernel),
}

impl PairSource for Source {
    fn pair_function(&self, d: usize) -> gristmill::Result<PairFunction> {
        match self {
            Self::Metric(metric) => metric.pair_function(d),
            Self::Kernel(kernel) => kernel.pair_function(d),
        }
    }
}

/// What is reduced against all rows of Y.
struct Work<'a> {
    args: &'a Reduce,
    source: Source,
    others: Tensor,
    values: Option<Tensor>,
}

/// Recorded results of one panel.
enum Recorded {
    Real(Tensor),
    Count(Tensor<u32>),
    Extremes(Extremes),
}

/// Results on the host: values, indices or counts, or both.
#[derive(Default)]
struct Found {
    values: Vec<ArrayD<f32>>,
    indices: Vec<ArrayD<i64>>,
}

impl Work<'_> {
    /// All panels; one is computed while the one before it is read.
    fn panels(&self, job: &Job<'_>, points: &Tensor, height: usize) -> Result<Found> {
        let rows = points.shape().first().copied().unwrap_or(0);
        let progress = progress(job, "rows");
        progress.set_length(rows as u64);
        let mut found = Found::default();
        let mut before: Option<(Range<usize>, Recorded)> = None;
        let starts: Vec<usize> = if rows == 0 { vec![0] } else { (0..rows).step_by(height).collect() };
        for start in starts {
            let range = start..rows.min(start.saturating_add(height));
            let recorded = job.explain(points.rows(range.clone()).and_then(|panel| self.record(&panel)))?;
            if let Some((done, recorded)) = before.replace((range, recorded)) {
                found.take(job, &recorded)?;
                progress.inc(done.len() as u64);
            }
        }
        if let Some((_, recorded)) = before {
            found.take(job, &recorded)?;
        }
        progress.finish_and_clear();
        Ok(found)
    }

    fn record(&self, x: &Tensor) -> gristmill::Result<Recorded> {
        let (y, f, v) = (&self.others, &self.source, self.values.as_ref());
        let options = ReduceOptions {
            exclude_self: self.args.exclude_self,
            compensated: self.args.compensated,
            ..ReduceOptions::default()
        };
        Ok(match (self.args.reduce, v) {
            (Reduction::Sum, _) => Recorded::Real(pair_sum(x, y, f, v, &options)?),
            (Reduction::Mean, _) => Recorded::Real(pair_mean(x, y, f, v, &options)?),
            (Reduction::LogSumExp, _) => Recorded::Real(log_sum_exp(x, y, f, v, &options)?),
            // Without weights the rows of Y themselves are averaged: a step of mean shift.
            (Reduction::Softmax, v) => Recorded::Real(softmax_sum(x, y, f, v.unwrap_or(y), &options)?),
            (Reduction::Min | Reduction::ArgMin, _) => Recorded::Extremes(smallest(x, y, f, 1, &options)?),
            (Reduction::Max | Reduction::ArgMax, _) => Recorded::Extremes(largest(x, y, f, 1, &options)?),
            (Reduction::TopK(k), _) if self.args.largest => Recorded::Extremes(largest(x, y, f, k, &options)?),
            (Reduction::TopK(k), _) => Recorded::Extremes(smallest(x, y, f, k, &options)?),
            (Reduction::Count, _) => {
                Recorded::Count(count_within(x, y, f, self.args.radius.unwrap_or(f32::INFINITY), &options)?)
            }
        })
    }
}

impl Found {
    fn take(&mut self, job: &Job<'_>, recorded: &Recorded) -> Result<()> {
        // A row that met too few has no index there.
        let index = |index: u32| if index == u32::MAX { -1 } else { i64::from(index) };
        match recorded {
            Recorded::Real(values) => self.values.push(job.read(values)?),
            Recorded::Count(counts) => self.indices.push(job.read(counts)?.mapv(i64::from)),
            Recorded::Extremes(found) => {
                self.values.push(job.read(&found.values)?);
                self.indices.push(job.read(&found.indices)?.mapv(index));
            }
        }
        Ok(())
    }
}

fn write(job: &Job<'_>, args: &Reduce, output: Output, found: Found, device: &str) -> Result<()> {
    let name = output.name().to_owned();
    let values = joined(&found.values)?;
    let indices = joined(&found.indices)?;
    let more = |arrays: &[&str]| json!({ "reduce": args.reduce.to_string(), "arrays": arrays });
    // The one of one column is a vector.
    fn flat<T: Clone>(array: ArrayD<T>) -> Result<ArrayD<T>> {
        let count = array.len();
        Ok(array.into_shape_with_order(IxDyn(&[count]))?)
    }
    match args.reduce {
        Reduction::TopK(_) => {
            let shape = values.shape().to_vec();
            let values = Values::Real(values);
            output.arrays(&[("values", Member::Values(&values)), ("indices", Member::Indices(&indices))])?;
            job.done(device, &name, &shape, more(&["values", "indices"]))
        }
        Reduction::ArgMin | Reduction::ArgMax | Reduction::Count => {
            let indices = flat(indices)?;
            let shape = indices.shape().to_vec();
            output.whole_numbers(&indices)?;
            job.done(device, &name, &shape, more(&[]))
        }
        Reduction::Min | Reduction::Max => {
            let values = flat(values)?;
            let shape = values.shape().to_vec();
            output.array(&Values::Real(values))?;
            job.done(device, &name, &shape, more(&[]))
        }
        _ => {
            let shape = values.shape().to_vec();
            output.array(&Values::Real(values))?;
            job.done(device, &name, &shape, more(&[]))
        }
    }
}

/// Panels one below the other.
fn joined<T: Clone>(panels: &[ArrayD<T>]) -> Result<ArrayD<T>> {
    let views: Vec<_> = panels.iter().map(|panel| panel.view()).collect();
    if views.is_empty() {
        return Ok(ArrayD::from_shape_vec(IxDyn(&[0]), Vec::new())?);
    }
    Ok(concatenate(Axis(0), &views)?)
}
