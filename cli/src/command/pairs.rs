//! `gristmill pairwise` and `gristmill gram`: matrices over pairs of rows.

use std::io::Write;
use std::ops::Range;

use anyhow::{Context as _, Result, bail};
use gristmill::stream::{self, NpySink, Sink, Source, StreamOptions};
use gristmill::{Context, Kernel, Metric, Preparation};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array1, ArrayView2, Ix2};
use serde_json::json;

use super::Job;
use super::metric::{self, Chosen};
use super::points::{Points, Selection, matrix_bytes};
use crate::args::{General, Gram, Pairwise};
use crate::format::{Kind, Output, Values};
use crate::{stop, usage};

pub(super) fn pairwise(general: &General, args: &Pairwise) -> Result<()> {
    if args.list {
        return metric::list(general);
    }
    let mut asked = args.metric.clone();
    asked.w = asked.w.or_else(|| args.weights.clone());
    let chosen = Chosen::of(&asked)?;
    let mut job = Job::new("pairwise", general);
    let paths = [args.x.as_deref(), args.y.as_deref(), args.output.as_deref()];
    let selection = Selection { columns: &args.columns, bits: chosen.compares_bits() };
    let work = Matrix::prepare(&mut job, paths, selection, !args.paired && !args.condensed)?;
    let metric = work.ready(&mut job, chosen)?;
    let name = metric.name.to_string();
    if args.paired || args.condensed {
        return work.vector(&job, &metric, json!({ "metric": name }));
    }
    work.run(&job, &Function::Metric(metric), json!({ "metric": name }))
}

pub(super) fn gram(general: &General, args: &Gram) -> Result<()> {
    if args.list {
        return list_kernels(general);
    }
    let text = args.kernel.as_deref().unwrap_or_default();
    let mut job = Job::new("gram", general);
    let kernel: Kernel = job.explain(text.parse())?;
    let paths = [args.x.as_deref(), args.y.as_deref(), args.output.as_deref()];
    let work = Matrix::prepare(&mut job, paths, Selection { columns: &args.columns, bits: false }, true)?;
    work.run(&job, &Function::Kernel(kernel), json!({ "kernel": text }))
}

fn list_kernels(general: &General) -> Result<()> {
    let kernels = Kernel::all();
    let mut out = std::io::stdout();
    if general.json {
        let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name).collect();
        return Ok(writeln!(out, "{}", json!(names))?);
    }
    for kernel in kernels {
        let parameters: Vec<String> = kernel.parameters.iter().map(ToString::to_string).collect();
        let aliases =
            if kernel.aliases.is_empty() { String::new() } else { format!("; also {}", kernel.aliases.join(", ")) };
        writeln!(out, "{}({})\n    {}{aliases}", kernel.name, parameters.join(", "), kernel.formula)?;
    }
    Ok(writeln!(
        out,
        "Sums, products, multiples and powers too, on chosen columns: '0.5*rbf(gamma=0.1) + linear[0, 2]'"
    )?)
}

/// What is computed for every pair of rows.
enum Function {
    Metric(Metric),
    Kernel(Kernel),
}

/// Two sets of points and a place for the matrix over their pairs.
struct Matrix {
    x: Points,
    y: Option<Points>,
    /// Paths of both.
    paths: [String; 2],
    output: Output,
}

impl Matrix {
    /// Reads X and Y, or leaves them in their files where the result is a matrix that can be written in parts.
    fn prepare(job: &mut Job<'_>, paths: [Option<&str>; 3], selection: Selection<'_>, in_parts: bool) -> Result<Self> {
        let [x, y, output] = paths;
        // clap requires both where the list is not asked for.
        let (Some(x), Some(output)) = (x, output) else { return Err(usage("X and --output are needed")) };
        let output = Output::create(output, &[Kind::Npy, Kind::Npz, Kind::Csv])?;
        let paths = [x.to_owned(), y.unwrap_or(x).to_owned()];
        let streamed = output.kind() == Kind::Npy && in_parts;
        let x = selection.open(job, "x", x, streamed)?;
        let y = y.map(|y| selection.open(job, "y", y, streamed)).transpose()?;
        Ok(Self { x, y, paths, output })
    }

    /// The metric with its table, which may come from the rows.
    fn ready(&self, job: &mut Job<'_>, chosen: Chosen) -> Result<Metric> {
        let mut x = self.x.source(&self.paths[0])?;
        let mut y = self.y.as_ref().map(|y| y.source(&self.paths[1])).transpose()?;
        let mut rows: Vec<&mut dyn Source> = vec![x.as_mut()];
        rows.extend(y.as_mut().map(|y| y.as_mut() as &mut dyn Source));
        chosen.ready(job, &mut rows)
    }

    fn run(self, job: &Job<'_>, function: &Function, more: serde_json::Value) -> Result<()> {
        let second = self.y.as_ref().unwrap_or(&self.x);
        let (rows, columns) = (self.x.rows(), second.rows());
        let name = self.output.name().to_owned();
        let bytes = matrix_bytes(rows, columns);
        if i64::try_from(bytes).is_err() {
            bail!("{name}: a result of {rows}×{columns} is larger than any file can be");
        }
        // The result is there up to four times: on the device, in its staging copy, as bytes, and as the array.
        let inputs = self.x.bytes().saturating_add(self.y.as_ref().map_or(0, Points::bytes));
        let needed = bytes.saturating_mul(4).saturating_add(inputs);
        let context = job.open()?;
        match (&self.x, second) {
            (Points::Here(x), Points::Here(y)) if needed <= job.general.budget() => {
                let x = context.upload(x)?;
                let y = if self.y.is_some() { context.upload(y)? } else { x.clone() };
                let values = job.read(&job.explain(match function {
                    Function::Metric(metric) => gristmill::pairwise(&x, &y, metric),
                    Function::Kernel(kernel) => gristmill::gram(&x, &y, kernel),
                })?)?;
                self.output.array(&Values::Real(values))?;
            }
            _ if self.output.kind() != Kind::Npy => bail!(
                "{name}: the work takes {} MiB, more than the memory budget of {} MiB, and only .npy is streamed; \
                 write .npy or raise --memory-budget",
                needed.div_ceil(1 << 20),
                job.general.budget() >> 20
            ),
            _ => self.stream(job, &context, function)?,
        }
        job.done(&context.info().to_string(), &name, &[rows, columns], more)
    }

    /// Distances of row i and row i, or of every two rows of X once, as SciPy's `pdist` has them: a vector.
    fn vector(self, job: &Job<'_>, metric: &Metric, more: serde_json::Value) -> Result<()> {
        let name = self.output.name().to_owned();
        let (Points::Here(x), Some(Points::Here(_)) | None) = (&self.x, &self.y) else {
            bail!("{name}: a vector of distances is not streamed");
        };
        let context = job.open()?;
        let points = context.upload(x)?;
        let values: Array1<f32> = if let Some(Points::Here(y)) = &self.y {
            let others = context.upload(y)?;
            job.read(&job.explain(gristmill::paired_distances(&points, &others, metric))?)?.into_iter().collect()
        } else {
            let n = x.nrows();
            let count = n.saturating_mul(n.saturating_sub(1)) / 2;
            job.holds(count.saturating_mul(8))?;
            let mut condensed = Vec::new();
            let reserved = condensed.try_reserve_exact(count);
            reserved.with_context(|| format!("{name}: there is no memory for {count} distances; take fewer rows"))?;
            for panel in row_panels(n, n, panel_bytes(job.general, &context)) {
                let (above, below) = (points.rows(panel.clone()), points.rows(panel.start..n));
                let both = above.and_then(|above| gristmill::pairwise(&above, &below?, metric));
                let block = job.read(&job.explain(both)?)?.into_dimensionality::<Ix2>()?;
                for (row, distances) in block.outer_iter().enumerate() {
                    condensed.extend(distances.iter().skip(row + 1));
                }
            }
            condensed.into()
        };
        let shape = [values.len()];
        self.output.array(&Values::Real(values.into_dyn()))?;
        job.done(&context.info().to_string(), &name, &shape, more)
    }

    /// Tile by tile, from files to a file, under the memory budget.
    fn stream(self, job: &Job<'_>, context: &Context, function: &Function) -> Result<()> {
        let second = self.y.as_ref().unwrap_or(&self.x);
        let (mut x, mut y) = (self.x.source(&self.paths[0])?, second.source(&self.paths[1])?);
        let progress = progress(job, "entries");
        let mut report = |done: stream::Progress| {
            progress.set_length(done.total);
            progress.set_position(done.done);
        };
        let options = StreamOptions { memory_budget: job.general.budget(), progress: Some(&mut report), cancel: None };
        let mut sink = NpySink::new(self.output.path());
        stop::remove_when_stopped(sink.temporary_path());
        let (x, y) = (x.as_mut(), y.as_mut());
        // What an expanded square leaves of a row's distance from itself is rounding.
        let same = self.y.is_none();
        job.explain(match function {
            Function::Metric(metric) if same && is_expanded(metric) => {
                stream::pairwise_blocking(context, x, y, metric, &mut ZeroDiagonal(sink), options)
            }
            Function::Metric(metric) => stream::pairwise_blocking(context, x, y, metric, &mut sink, options),
            Function::Kernel(kernel) => stream::gram_blocking(context, x, y, kernel, &mut sink, options),
        })?;
        progress.finish_and_clear();
        Ok(())
    }
}

fn is_expanded(metric: &Metric) -> bool {
    metric.prepare.is_some_and(|prepare| prepare.rows == Preparation::Expand)
}

/// A sink of a square matrix whose diagonal is 0.
struct ZeroDiagonal(NpySink);

impl Sink for ZeroDiagonal {
    fn begin(&mut self, rows: usize, columns: usize) -> gristmill::Result<()> {
        self.0.begin(rows, columns)
    }

    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> gristmill::Result<()> {
        let diagonal = row.max(column)..(row + tile.nrows()).min(column + tile.ncols());
        if diagonal.is_empty() {
            return self.0.write(row, column, tile);
        }
        let mut tile = tile.to_owned();
        diagonal.filter_map(|at| Some((at.checked_sub(row)?, at.checked_sub(column)?))).for_each(|place| {
            if let Some(entry) = tile.get_mut(place) {
                *entry = 0.0;
            }
        });
        self.0.write(row, column, tile.view())
    }

    fn finish(&mut self) -> gristmill::Result<()> {
        self.0.finish()
    }
}

/// A quarter of the budget for each of: the panel on the device, its staging copy, its copy on the host, room.
pub(super) fn panel_bytes(general: &General, context: &Context) -> u64 {
    let largest = context.limits().map_or(u64::MAX, |limits| limits.max_buffer_bytes);
    (general.budget() / 4).min(largest)
}

/// Cuts rows into panels of `columns` numbers each, none above `bytes` unless it is one row.
pub(super) fn row_panels(rows: usize, columns: usize, bytes: u64) -> impl Iterator<Item = Range<usize>> {
    let height = usize::try_from(bytes / (4 * columns.max(1) as u64)).unwrap_or(usize::MAX).max(1);
    (0..rows).step_by(height).map(move |start| start..rows.min(start.saturating_add(height)))
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn progress(job: &Job<'_>, what: &str) -> ProgressBar {
    if job.general.quiet {
        return ProgressBar::hidden();
    }
    let template = format!("{{bar:40}} {{percent:>3}} % of {{len}} {what}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // indicatif itself draws only where standard error is a terminal.
    ProgressBar::new(0).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::row_panels;

    #[test]
    fn panels_cover_every_row_once() {
        for (rows, columns, bytes) in [(0, 5, 100), (10, 1, 4), (10, 7, 60), (10, 7, 1), (3, 0, 8), (10, 10, u64::MAX)]
        {
            let seen: Vec<usize> = row_panels(rows, columns, bytes).flatten().collect();
            assert_eq!(seen, (0..rows).collect::<Vec<_>>());
        }
    }
}
