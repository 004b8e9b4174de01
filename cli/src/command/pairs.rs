//! `gristmill pairwise` and `gristmill gram`: matrices over pairs of rows.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::{Result, bail};
use gristmill::stream::{self, NpySink, NpySource, Source, StreamOptions};
use gristmill::{Context, Kernel, Metric};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array1, Array2, Axis, Ix2};
use serde_json::json;

use super::Job;
use crate::args::{General, Gram, Pairwise};
use crate::format::{Input, Kind, Output, Values, peek_rows, read_labels, read_points};
use crate::{stop, usage};

pub(super) fn pairwise(general: &General, args: &Pairwise) -> Result<()> {
    if args.list {
        return list_metrics(general);
    }
    let mut metric = metric(&args.metric, args.p)?;
    let mut job = Job::new("pairwise", general);
    let paths = [args.x.as_deref(), args.y.as_deref(), args.output.as_deref()];
    let work = Matrix::prepare(&mut job, paths, &args.columns, !args.paired && !args.condensed)?;
    if let Some(path) = &args.weights {
        let weights = read_labels(path)?;
        job.took("weights", &weights, &[weights.array.len()]);
        metric = metric.with_weights(weights.array.iter().map(|&w| w as f32).collect());
    }
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
    let work = Matrix::prepare(&mut job, paths, &args.columns, true)?;
    work.run(&job, &Function::Kernel(kernel), json!({ "kernel": text }))
}

/// The metric of a name and a power.
pub(super) fn metric(name: &str, p: Option<f32>) -> Result<Metric> {
    match (name.to_lowercase().as_str(), p) {
        ("minkowski", p) => Ok(Metric::minkowski(p.unwrap_or(2.0))),
        (_, Some(p)) => Err(usage(format!("--p {p} is the power of minkowski; {name} has none"))),
        (lower, None) => Metric::named(lower).map_err(|error| usage(format!("{error} (`gristmill pairwise --list`)"))),
    }
}

fn list_metrics(general: &General) -> Result<()> {
    let metrics = Metric::all();
    let mut out = std::io::stdout();
    if general.json {
        let names: Vec<&str> = metrics.iter().map(|m| m.name.as_ref()).collect();
        return Ok(writeln!(out, "{}", json!(names))?);
    }
    for metric in &metrics {
        // What follows from p is not the caller's to give.
        let power = metric.parameters.iter().find(|(name, _)| name == "p").map(|(_, p)| format!("--p {p}"));
        let note = if metric.is_metric { "" } else { "no triangle inequality" };
        let line = format!("{:<14}{:<10}{note}", metric.name, power.unwrap_or_default());
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
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

/// Rows that are in memory, or stay in their file.
enum Points {
    Here(Array2<f32>),
    There(NpySource),
}

impl Points {
    /// Reads a file, unless it is large, can be read in parts, and the result can be written in parts.
    fn open(job: &mut Job<'_>, argument: &'static str, path: &str, streamed: bool) -> Result<Self> {
        let file = Path::new(path);
        if let Some((rows, columns, was)) = peek_rows(file).filter(|_| streamed) {
            let large = matrix_bytes(rows, columns) > job.general.budget() / 4;
            // What is wrong with a file that cannot be mapped, the plain reader says.
            if let Some(source) = large.then(|| NpySource::open(file).ok()).flatten() {
                let note = (was != "float32").then(|| format!("{path}: {was} converted to float32"));
                let input = Input { path: path.to_owned(), array: (), note };
                job.took(argument, &input, &[rows, columns]);
                return Ok(Self::There(source));
            }
        }
        let input = read_points(path)?;
        job.took(argument, &input, input.array.shape());
        Ok(Self::Here(input.array))
    }

    /// Some of the columns, in the order given; all where none is named.
    fn columns(self, chosen: &[usize], path: &str) -> Result<Self> {
        match self {
            Self::Here(array) => Ok(Self::Here(chosen_columns(array, chosen, path)?)),
            Self::There(source) => Ok(Self::There(source)),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Here(array) => array.nrows(),
            Self::There(source) => source.shape().0,
        }
    }

    /// Bytes of all rows as the devices take them.
    fn bytes(&self) -> u64 {
        let (rows, columns) = match self {
            Self::Here(array) => array.dim(),
            Self::There(source) => source.shape(),
        };
        matrix_bytes(rows, columns)
    }

    /// Another reader of the same rows.
    fn source(&self, path: &str) -> Result<Box<dyn Source + '_>> {
        Ok(match self {
            Self::Here(array) => Box::new(array.view()),
            Self::There(_) => Box::new(NpySource::open(Path::new(path))?),
        })
    }
}

/// Some of the columns, in the order given; all where none is named.
pub(super) fn chosen_columns(array: Array2<f32>, chosen: &[usize], path: &str) -> Result<Array2<f32>> {
    if chosen.is_empty() {
        return Ok(array);
    }
    match chosen.iter().find(|column| **column >= array.ncols()) {
        Some(wrong) => Err(usage(format!("--columns {wrong}: {path} has columns 0 to {}", array.ncols().max(1) - 1))),
        None => Ok(array.select(Axis(1), chosen)),
    }
}

/// Bytes of so many float32.
fn matrix_bytes(rows: usize, columns: usize) -> u64 {
    (rows as u64).saturating_mul(columns as u64).saturating_mul(4)
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
    fn prepare(job: &mut Job<'_>, paths: [Option<&str>; 3], chosen: &[usize], in_parts: bool) -> Result<Self> {
        let [x, y, output] = paths;
        // clap requires both where the list is not asked for.
        let (Some(x), Some(output)) = (x, output) else { return Err(usage("X and --output are needed")) };
        let output = Output::create(output, &[Kind::Npy, Kind::Npz, Kind::Csv])?;
        let paths = [x.to_owned(), y.unwrap_or(x).to_owned()];
        let streamed = output.kind() == Kind::Npy && in_parts && chosen.is_empty();
        let x = Points::open(job, "x", x, streamed)?.columns(chosen, &paths[0])?;
        let y = y.map(|y| Points::open(job, "y", y, streamed)?.columns(chosen, &paths[1])).transpose()?;
        Ok(Self { x, y, paths, output })
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
            let mut condensed = Vec::with_capacity(count);
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
        job.explain(match function {
            Function::Metric(metric) => stream::pairwise_blocking(context, x, y, metric, &mut sink, options),
            Function::Kernel(kernel) => stream::gram_blocking(context, x, y, kernel, &mut sink, options),
        })?;
        progress.finish_and_clear();
        Ok(())
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
