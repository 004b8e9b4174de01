//! `gristmill pairwise` and `gristmill gram`: matrices over pairs of rows.

use std::io::Write;
use std::ops::Range;

use anyhow::Result;
use gristmill::{Context, Kernel, Metric, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::Array2;
use serde_json::json;

use super::Job;
use crate::args::{General, Gram, Pairwise};
use crate::format::{Input, Kind, Output, Values, read_labels, read_points};
use crate::usage;

/// Kernels with their parameters at the values that scikit-learn starts from.
const KERNELS: [(&str, &str); 7] = [
    ("linear", "x·y"),
    ("polynomial(degree=3, gamma=1, coef0=1)", "(gamma x·y + coef0)^degree"),
    ("rbf(gamma=0.5)", "exp(−gamma ‖x − y‖²); or rbf(length_scale=1)"),
    ("laplacian(gamma=0.5)", "exp(−gamma ‖x − y‖₁)"),
    ("sigmoid(gamma=0.5, coef0=1)", "tanh(gamma x·y + coef0)"),
    ("matern(nu=1.5, length_scale=1)", "nu 0.5, 1.5 or 2.5"),
    ("0.5*rbf(gamma=0.1) + linear", "sums and products, where the parser knows them"),
];

pub(super) fn pairwise(general: &General, args: &Pairwise) -> Result<()> {
    if args.list {
        return list_metrics(general);
    }
    let mut metric = metric(&args.metric, args.p)?;
    let mut job = Job::new("pairwise", general);
    let work = Matrix::prepare(&mut job, args.x.as_deref(), args.y.as_deref(), args.output.as_deref())?;
    if let Some(path) = &args.weights {
        let weights = read_labels(path)?;
        job.took("weights", &weights, &[weights.array.len()]);
        metric = metric.with_weights(weights.array.iter().map(|&w| w as f32).collect());
    }
    let name = metric.name.to_string();
    work.run(&job, |x, y| gristmill::pairwise(x, y, &metric), json!({ "metric": name }))
}

pub(super) fn gram(general: &General, args: &Gram) -> Result<()> {
    if args.list {
        return list_kernels(general);
    }
    let text = args.kernel.as_deref().unwrap_or_default();
    let mut job = Job::new("gram", general);
    let kernel: Kernel = job.explain(text.parse())?;
    let work = Matrix::prepare(&mut job, args.x.as_deref(), args.y.as_deref(), args.output.as_deref())?;
    work.run(&job, |x, y| gristmill::gram(x, y, &kernel), json!({ "kernel": text }))
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
        let parameters: Vec<String> =
            metric.parameters.iter().map(|(name, value)| format!("--{name} {value}")).collect();
        let line = format!(
            "{:<14}{:<10}{}",
            metric.name,
            parameters.join(" "),
            if metric.is_metric { "" } else { "no triangle inequality" }
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn list_kernels(general: &General) -> Result<()> {
    let mut out = std::io::stdout();
    if general.json {
        let names: Vec<&str> = KERNELS.iter().map(|(example, _)| *example).collect();
        return Ok(writeln!(out, "{}", json!(names))?);
    }
    for (example, formula) in KERNELS {
        writeln!(out, "{example:<42}{formula}")?;
    }
    Ok(())
}

/// Two sets of points and a place for the matrix over their pairs.
struct Matrix {
    x: Input<Array2<f32>>,
    y: Option<Input<Array2<f32>>>,
    output: Output,
}

impl Matrix {
    fn prepare(job: &mut Job<'_>, x: Option<&str>, y: Option<&str>, output: Option<&str>) -> Result<Self> {
        // clap requires both where the list is not asked for.
        let (Some(x), Some(output)) = (x, output) else { return Err(usage("X and --output are needed")) };
        let output = Output::create(output, &[Kind::Npy, Kind::Npz, Kind::Csv])?;
        let x = read_points(x)?;
        job.took("x", &x, x.array.shape());
        let y = y.map(read_points).transpose()?;
        if let Some(y) = &y {
            job.took("y", y, y.array.shape());
        }
        Ok(Self { x, y, output })
    }

    fn run(
        self,
        job: &Job<'_>,
        op: impl Fn(&Tensor, &Tensor) -> gristmill::Result<Tensor>,
        more: serde_json::Value,
    ) -> Result<()> {
        let context = job.open()?;
        let x = context.upload(&self.x.array)?;
        let y = match &self.y {
            Some(y) => context.upload(&y.array)?,
            None => x.clone(),
        };
        let (rows, columns) = (self.x.array.nrows(), self.y.as_ref().unwrap_or(&self.x).array.nrows());
        let name = self.output.name().to_owned();
        let bytes = 4 * rows as u64 * columns as u64;
        if bytes > job.general.memory_budget && self.output.kind() == Kind::Npy {
            self.panels(job, &context, (&x, &y), [rows, columns], op)?;
        } else {
            let values = job.read(&job.explain(op(&x, &y))?)?;
            self.output.array(&Values::Real(values))?;
        }
        job.done(&context.info().to_string(), &name, &[rows, columns], more)
    }

    /// Row panels, each computed, read back and written before the next is asked for.
    fn panels(
        self,
        job: &Job<'_>,
        context: &Context,
        (x, y): (&Tensor, &Tensor),
        shape: [usize; 2],
        op: impl Fn(&Tensor, &Tensor) -> gristmill::Result<Tensor>,
    ) -> Result<()> {
        let [rows, columns] = shape;
        let progress = progress(job, rows as u64);
        self.output.rows(shape, |write| {
            for panel in row_panels(rows, columns, panel_bytes(job.general, context)) {
                let height = panel.len() as u64;
                let values = job.read(&job.explain(op(&job.explain(x.rows(panel))?, y))?)?;
                write(&values)?;
                progress.inc(height);
            }
            Ok(())
        })?;
        progress.finish_and_clear();
        Ok(())
    }
}

/// A quarter of the budget for each of: the panel on the device, its staging copy, its copy on the host, room.
pub(super) fn panel_bytes(general: &General, context: &Context) -> u64 {
    (general.memory_budget / 4).min(context.limits().max_buffer_bytes)
}

/// Cuts rows into panels of `columns` numbers each, none above `bytes` unless it is one row.
pub(super) fn row_panels(rows: usize, columns: usize, bytes: u64) -> impl Iterator<Item = Range<usize>> {
    let height = usize::try_from(bytes / (4 * columns.max(1) as u64)).unwrap_or(usize::MAX).max(1);
    (0..rows).step_by(height).map(move |start| start..rows.min(start.saturating_add(height)))
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn progress(job: &Job<'_>, rows: u64) -> ProgressBar {
    if job.general.quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    // indicatif itself draws only where standard error is a terminal.
    ProgressBar::new(rows).with_style(style)
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
