//! One module per command.

mod channels;
mod completions;
mod conformance;
mod convolve;
mod deconvolve;
mod fft;
mod filter;
mod gemm;
mod info;
mod knn;
mod match_template;
mod metric;
mod pairs;
mod points;
mod reduce;
mod spectrogram;

use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use gristmill::stream::Source;
use gristmill::{Context, Element, Error, Tensor};
use serde_json::{Value, json};

use crate::args::{Cli, Command, General};
use crate::format::{Input, shape_text};
use crate::{demo, device, say};

pub(crate) use knn::{nearest, vote};

/// Runs the command that was given.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    let general = &cli.general;
    match &cli.command {
        Command::Info => info::run(general),
        Command::Pairwise(args) => pairs::pairwise(general, args),
        Command::Gram(args) => pairs::gram(general, args),
        Command::Reduce(args) => reduce::run(general, args),
        Command::Knn(args) => knn::run(general, args),
        Command::Gemm(args) => gemm::run(general, args),
        Command::Fft(args) => fft::run(general, args),
        Command::Convolve(args) => convolve::run(general, args),
        Command::Deconvolve(args) => deconvolve::run(general, args),
        Command::Filter(args) => filter::run(general, args),
        Command::MatchTemplate(args) => match_template::run(general, args),
        Command::Spectrogram(args) => spectrogram::run(general, args),
        Command::Demo(args) => demo::run(general, args),
        Command::Conformance(args) => conformance::run(general, args),
        Command::Completions(args) => completions::run(args),
    }
}

/// One command at work: what it says, where it runs, how long it took.
struct Job<'a> {
    name: &'static str,
    general: &'a General,
    start: Instant,
    inputs: Vec<(&'static str, String, Vec<usize>)>,
    notes: Vec<String>,
}

impl<'a> Job<'a> {
    fn new(name: &'static str, general: &'a General) -> Self {
        Self { name, general, start: Instant::now(), inputs: Vec::new(), notes: Vec::new() }
    }

    /// Remembers an input for messages, and says what was converted.
    fn took<T>(&mut self, argument: &'static str, input: &Input<T>, shape: &[usize]) {
        self.inputs.push((argument, input.path.clone(), shape.to_vec()));
        if let Some(note) = &input.note {
            self.note(note.clone());
        }
    }

    /// Says what was done without being asked, and keeps it for the record.
    fn note(&mut self, line: String) {
        self.say(&line);
        self.notes.push(line);
    }

    /// `the 5 rows of x.npy and y.npy`, for sources that are the inputs taken so far.
    fn sources(&self, rows: &[&mut dyn Source]) -> String {
        let count: usize = rows.iter().map(|rows| rows.shape().0).sum();
        let paths: Vec<&str> = self.inputs.iter().map(|(_, path, _)| path.as_str()).take(rows.len()).collect();
        format!("the {count} rows of {}", paths.join(" and "))
    }

    fn say(&self, line: &str) {
        if !self.general.quiet {
            say(line);
        }
    }

    fn open(&self) -> Result<Context> {
        device::open(self.general)
    }

    /// Names the files where shapes do not fit, and the list where a name is unknown.
    fn explain<T>(&self, result: gristmill::Result<T>) -> Result<T> {
        result.map_err(|error| match &error {
            Error::ShapeMismatch { .. } => {
                let inputs: Vec<String> = self
                    .inputs
                    .iter()
                    .map(|(argument, path, shape)| format!("{argument}: {path} {}", shape_text(shape)))
                    .collect();
                anyhow::anyhow!("{error} ({})", inputs.join(", "))
            }
            Error::UnknownName { kind: "metric", .. } => crate::usage(format!("{error} (`gristmill pairwise --list`)")),
            Error::UnknownName { kind: "kernel", .. } => crate::usage(format!("{error} (`gristmill gram --list`)")),
            _ => error.into(),
        })
    }

    /// Refuses what a memory budget that was given does not hold: the inputs taken so far and a result of `bytes`, each on
    /// the host and on the device.
    fn holds(&self, bytes: usize) -> Result<()> {
        let Some(budget) = self.general.memory_budget else { return Ok(()) };
        let inputs = self.inputs.iter().map(|(_, _, shape)| shape.iter().product::<usize>().saturating_mul(4));
        let needed = inputs.fold(bytes, usize::saturating_add).saturating_mul(2) as u64;
        if needed <= budget {
            return Ok(());
        }
        let (name, needed, budget) = (self.name, needed.div_ceil(1 << 20), budget >> 20);
        anyhow::bail!(
            "{name} works in memory and takes about {needed} MiB, above --memory-budget {budget}MiB; raise it"
        )
    }

    fn read<E: Element>(&self, tensor: &Tensor<E>) -> Result<ndarray::ArrayD<E>> {
        self.explain(tensor.read_blocking())
    }

    /// Says what was written, for people or for programs.
    fn done(&self, device: &str, output: &str, shape: &[usize], more: Value) -> Result<()> {
        let seconds = self.start.elapsed().as_secs_f64();
        if self.general.json {
            let mut record = json!({
                "command": self.name, "device": device, "output": output, "shape": shape, "seconds": seconds,
                "notes": self.notes,
            });
            if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
                record.extend(more);
            }
            writeln!(std::io::stdout(), "{record}")?;
        } else {
            self.say(&format!("{output}: {} in {}", shape_text(shape), time_text(seconds)));
        }
        Ok(())
    }
}

/// `1.25 s`, `3.1 ms`.
pub(crate) fn time_text(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.01 => format!("{:.0} ms", s * 1e3),
        s => format!("{:.2} ms", s * 1e3),
    }
}
