//! The metric that the command line chooses: the one place that turns its flags into a [`Metric`].

use std::io::Write;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use gristmill::methods::{inverse_covariance, variances};
use gristmill::stream::Source;
use gristmill::{Domain, Metric, Table};
use serde_json::json;

use super::Job;
use crate::args::{FormName, General, MetricArgs};
use crate::format::{read_exact, read_labels, shape_text};
use crate::usage;

/// A metric whose table is not read yet.
pub(super) struct Chosen {
    metric: Metric,
    /// The file of its table, where one was given.
    table: Option<String>,
}

impl Chosen {
    /// What the flags say, before anything is read. Every flag fits the metric, or is refused here.
    pub(super) fn of(args: &MetricArgs) -> Result<Self> {
        let mut metric = named(args.metric.as_deref().unwrap_or("euclidean"))?;
        if let Some(mode) = args.mode {
            if !has_forms(&metric) {
                let mode = mode.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                return Err(refused(&format!("--mode {mode}"), &metric, has_forms));
            }
            metric = named(&mode.of(&metric.name))?;
        }
        for (name, value) in [("p", args.p), ("base", args.base)] {
            let Some(value) = value else { continue };
            if !has_parameter(&metric, name) {
                return Err(refused(&format!("--{name} {value}"), &metric, |metric| has_parameter(metric, name)));
            }
            metric = metric.with_parameter(name, value)?;
        }
        let flags: [(&str, &Option<String>, fn(&Metric) -> bool); 3] = [
            ("--w", &args.w, Metric::takes_weights),
            ("--V", &args.variances, |metric| metric.table == Table::Variances),
            ("--VI", &args.inverse_covariance, |metric| metric.table == Table::InverseCovariance),
        ];
        let mut table = None;
        for (flag, path, takes) in flags {
            let Some(path) = path else { continue };
            if !takes(&metric) {
                return Err(refused(flag, &metric, takes));
            }
            table = Some(path.clone());
        }
        Ok(Self { metric, table })
    }

    /// Whether its features are the bits of whole numbers.
    pub(super) fn compares_bits(&self) -> bool {
        self.metric.domain == Domain::Halves
    }

    /// The metric with its table: read from its file or, where it needs one and none was given, made of the rows.
    pub(super) fn ready(self, job: &mut Job<'_>, rows: &mut [&mut dyn Source]) -> Result<Metric> {
        let Self { metric, table } = self;
        let features = rows.first().map_or(0, |rows| rows.shape().1);
        let values = match (metric.table, table) {
            (Table::Weights, None) => return Ok(metric),
            (Table::Weights, Some(path)) => vector(job, "w", &path)?,
            (Table::Variances, Some(path)) => vector(job, "V", &path)?,
            (Table::InverseCovariance, Some(path)) => square(job, &path, features)?,
            (Table::Variances, None) => {
                job.note(format!(
                    "{}: the variances are those of {}; --V gives others",
                    metric.name,
                    job.sources(rows)
                ));
                job.explain(variances(rows))?
            }
            (Table::InverseCovariance, None) => {
                let text = "the inverse covariance matrix is that of";
                job.note(format!("{}: {text} {}; --VI gives another", metric.name, job.sources(rows)));
                job.explain(inverse_covariance(rows))?
            }
        };
        Ok(metric.with_table(values))
    }
}

fn named(name: &str) -> Result<Metric> {
    Metric::named(name).map_err(|error| usage(format!("{error} (`gristmill pairwise --list`)")))
}

fn has_parameter(metric: &Metric, name: &str) -> bool {
    metric.parameters.iter().any(|(known, _)| known == name)
}

/// Whether it is there in every form that `--mode` names.
fn has_forms(metric: &Metric) -> bool {
    FormName::value_variants().iter().all(|form| Metric::named(&form.of(&metric.name)).is_ok())
}

/// A flag that the metric does not take, and which ones do.
fn refused(flag: &str, metric: &Metric, takes: impl Fn(&Metric) -> bool) -> anyhow::Error {
    let all = Metric::all();
    let takers: Vec<&str> = all.iter().filter(|metric| takes(metric)).map(|metric| &*metric.name).collect();
    let verb = if takers.len() == 1 { "does" } else { "do" };
    usage(format!("{flag} is not taken by {}; {} {verb} (`gristmill pairwise --list`)", metric.name, takers.join(", ")))
}

fn vector(job: &mut Job<'_>, name: &'static str, path: &str) -> Result<Vec<f32>> {
    let values = read_labels(path)?;
    job.took(name, &values, &[values.array.len()]);
    Ok(values.array.iter().map(|&value| value as f32).collect())
}

/// A matrix of as many rows and columns as there are features.
fn square(job: &mut Job<'_>, path: &str, features: usize) -> Result<Vec<f32>> {
    let matrix = read_exact(path)?;
    let (shape, values) = matrix.array;
    ensure!(
        shape == [features, features],
        "--VI {path}: has shape {}; a matrix of {features}×{features} is needed, a row and a column per column of X",
        shape_text(&shape)
    );
    job.inputs.push(("VI", path.to_owned(), shape));
    let narrowed: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    if let Some(at) = values.iter().zip(&narrowed).position(|(wide, narrow)| wide.is_finite() && narrow.is_infinite()) {
        bail!("--VI {path}: {:e} at index {at} does not fit float32; scale the data first", values[at]);
    }
    Ok(narrowed)
}

/// `gristmill pairwise --list`
pub(super) fn list(general: &General) -> Result<()> {
    let metrics = Metric::all();
    let mut out = std::io::stdout();
    if general.json {
        let names: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
        return Ok(writeln!(out, "{}", json!(names))?);
    }
    for metric in &metrics {
        let parameters = metric.parameters.iter().map(|(name, value)| match name.as_ref() {
            "base" => "--base e".to_owned(),
            name => format!("--{name} {value}"),
        });
        let mut flags: Vec<String> = parameters.collect();
        flags.extend(has_forms(metric).then(|| "--mode direct|expanded|compensated".to_owned()));
        flags.extend(metric.takes_weights().then(|| "--w FILE".to_owned()));
        flags.extend((!metric.table.is_optional()).then(|| format!("--{} FILE", metric.table.name())));
        let mut notes = Vec::new();
        if !metric.aliases().is_empty() {
            notes.push(format!("also {}", metric.aliases().join(", ")));
        }
        if !metric.is_metric {
            notes.push("no triangle inequality".to_owned());
        }
        if metric.domain == Domain::Halves {
            notes.push("bits of whole numbers of up to 32 bits".to_owned());
        }
        writeln!(out, "{}", format!("{:<24}{}", metric.name, flags.join(" ")).trim_end())?;
        let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
        writeln!(out, "    {}{notes}", metric.formula())?;
    }
    let legend = "\
f runs over the columns, w_f is the weight of a column; c_TF counts the columns that are true (not 0) in x and false in y";
    Ok(writeln!(out, "{legend}")?)
}
