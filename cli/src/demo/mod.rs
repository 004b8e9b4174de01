//! `gristmill demo`: real work on bundled data, on every suitable device, with proof that they agree.

mod blur;
mod data;
mod diabetes;
mod digits;
mod gemm;
mod page;
mod table;
mod task;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use gristmill::Context;
use serde_json::json;

use self::table::Table;
use self::task::{Outcome, Task, apart, worst};
use crate::args::{Demo, General};
use crate::format::Output;
use crate::{device, say};

/// One line of the table.
struct Row {
    device: String,
    task: &'static str,
    size: String,
    seconds: f64,
    throughput: String,
    /// Error as a fraction of its bound; none where the score alone judges.
    error: Option<f64>,
    /// Difference to the first device as a fraction of both bounds.
    apart: Option<f64>,
    score: String,
    failure: Option<String>,
}

pub(crate) fn run(general: &General, args: &Demo) -> Result<()> {
    let start = Instant::now();
    let (devices, why) = devices(general)?;
    fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    // Found out now, not after the work.
    Output::check(&args.out.join("index.html"))?;
    let talk = !general.quiet && !general.json;
    if talk {
        say(&format!("{why}; the first device is the yardstick for the others"));
    }
    let tasks: Vec<Box<dyn Task>> = vec![
        Box::new(digits::Digits::new()?),
        Box::new(diabetes::Diabetes::new()?),
        Box::new(blur::Blur::new()?),
        Box::new(blur::Restore::new()?),
        Box::new(gemm::Gemm::new()),
    ];
    let table = Table::new(&devices, &tasks);
    let mut run = Run { rows: Vec::new(), first: Vec::new(), names: Vec::new() };
    for name in &devices {
        let context = match device::open_named(name) {
            Ok(context) => context,
            // One device was asked for by name: without it there is nothing to do.
            Err(error) if devices.len() == 1 => return Err(error),
            Err(error) => {
                say(&format!("{name}: {error:#}"));
                run.names.push((name.clone(), format!("could not be opened: {error:#}")));
                run.rows.push(Row::failed(name, tasks.first().map(AsRef::as_ref), format!("{error:#}")));
                continue;
            }
        };
        run.names.push((name.clone(), context.info().to_string()));
        if talk {
            say(&format!("\n{name} is {}", context.info()));
        }
        for (number, task) in tasks.iter().enumerate() {
            let row = run.one(name, &context, number, task.as_ref());
            if talk {
                table.print(&row, run.rows.is_empty())?;
            }
            run.rows.push(row);
        }
    }
    let verdict = run.verdict();
    write_pictures(&args.out, &run)?;
    let page = page::page(&run.rows, &run.names, &run.first, &verdict);
    Output::bytes(&args.out.join("index.html"), page.as_bytes())?;
    if general.json {
        let record = json!({
            "command": "demo", "rows": run.rows.iter().map(Row::json).collect::<Vec<_>>(), "agree": verdict.is_ok(),
            "output": args.out, "seconds": start.elapsed().as_secs_f64(),
        });
        writeln!(std::io::stdout(), "{record}")?;
    } else if !general.quiet {
        if let Ok(words) = &verdict {
            writeln!(std::io::stdout(), "\n{words}")?;
        }
        writeln!(std::io::stdout(), "{}", last_line(&args.out))?;
    }
    match verdict {
        Ok(_) => Ok(()),
        Err(words) => bail!("{words}"),
    }
}

/// Which devices run, and why in words; a name that fits none is wrong usage.
fn devices(general: &General) -> Result<(Vec<String>, String)> {
    Ok(match general.adapter.trim().to_lowercase().as_str() {
        "auto" | "" => device::suitable(),
        "all" => (device::all(), "every adapter was asked for".to_owned()),
        "cpu" => (vec!["cpu".to_owned()], "the CPU was asked for".to_owned()),
        name => {
            // Whatever else keeps a device from opening belongs into the table.
            if let Err(error) = device::open_named(name) {
                if matches!(error.downcast_ref(), Some(gristmill::Error::NoAdapter { .. })) {
                    return Err(error);
                }
            }
            (vec!["cpu".to_owned(), name.to_owned()], format!("\"{name}\" was asked for, beside the CPU"))
        }
    })
}

/// What has been done so far.
struct Run {
    rows: Vec<Row>,
    /// The outcomes of the first device that did each task.
    first: Vec<Option<Outcome>>,
    /// Short and full names of the devices.
    names: Vec<(String, String)>,
}

impl Run {
    fn one(&mut self, name: &str, context: &Context, number: usize, task: &dyn Task) -> Row {
        let mut row = Row { device: name.to_owned(), task: task.name(), size: task.size(), ..Row::empty() };
        let outcome = match task.run(context) {
            Ok(outcome) => outcome,
            Err(error) => {
                row.failure = Some(format!("{error:#}"));
                return row;
            }
        };
        let (work, unit) = task.work();
        row.seconds = outcome.seconds;
        row.throughput = table::per_second(work / outcome.seconds, unit);
        row.error = worst(task.checks(), &outcome.values);
        row.score.clone_from(&outcome.score);
        if self.first.len() <= number {
            self.first.resize_with(number + 1, || None);
        }
        match self.first.get_mut(number) {
            Some(Some(first)) if !task.checks().is_empty() => {
                row.apart = Some(apart(task.checks(), &first.values, &outcome.values));
            }
            Some(place @ None) => *place = Some(outcome),
            _ => {}
        }
        row
    }

    /// Whether every device was right and all agree, in words.
    fn verdict(&self) -> Result<String, String> {
        let mut wrong = Vec::new();
        for row in &self.rows {
            if let Some(failure) = &row.failure {
                wrong.push(format!("{} on {} failed: {failure}", row.task, row.device));
            } else if row.error.is_some_and(|e| e > 1.0) {
                wrong.push(format!("{} on {}: error {} × its bound", row.task, row.device, table::fraction(row.error)));
            } else if row.apart.is_some_and(|e| e > 1.0) {
                wrong.push(format!("{} on {} differs from {}", row.task, row.device, self.names[0].0));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        let error = self.rows.iter().filter_map(|row| row.error).fold(0.0, f64::max);
        let within = format!("largest error against f64 {} of its bound", table::fraction(Some(error)));
        Ok(match self.rows.iter().filter_map(|row| row.apart).reduce(f64::max) {
            Some(apart) => format!(
                "The {} devices agree: {within}, largest difference between devices {} of what the bounds allow.",
                self.names.len(),
                table::fraction(Some(apart))
            ),
            None => format!("The results are right: {within}."),
        })
    }
}

impl Row {
    fn empty() -> Self {
        Self {
            device: String::new(),
            task: "",
            size: String::new(),
            seconds: 0.0,
            throughput: String::new(),
            error: None,
            apart: None,
            score: String::new(),
            failure: None,
        }
    }

    fn failed(device: &str, task: Option<&dyn Task>, failure: String) -> Self {
        let task = task.map_or("", |task| task.name());
        Self { device: device.to_owned(), task, failure: Some(failure), ..Self::empty() }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "device": self.device, "task": self.task, "size": self.size, "seconds": self.seconds,
            "throughput": self.throughput, "error_of_bound": self.error, "difference_of_bounds": self.apart,
            "score": self.score, "failure": self.failure,
        })
    }
}

fn write_pictures(out: &Path, run: &Run) -> Result<()> {
    for (name, bytes) in run.first.iter().flatten().flat_map(|outcome| &outcome.pictures) {
        Output::bytes(&out.join(name), bytes)?;
    }
    Ok(())
}

/// Where everything is, and what to try next.
fn last_line(out: &Path) -> String {
    // Under `cargo run` there is no `gristmill` to call yet.
    let program = if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "gristmill" };
    format!(
        "Pictures and a page: {}. Next, on your own points: {program} pairwise yours.csv --metric cosine -o distances.npy",
        out.join("index.html").display()
    )
}
