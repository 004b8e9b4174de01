//! Times the same work done by Gristmill and by its peers, in turns, and keeps the record and its chart. Runs at the root of
//! the repository, where `scripts/peers` starts it.

mod arguments;
mod chart;
mod process;
mod record;
mod rounds;

use std::path::Path;

use anyhow::{Result, ensure};
use arguments::Arguments;
use peers::Task;
use process::Seat;

fn main() -> Result<()> {
    let Some(arguments) = Arguments::read(std::env::args().skip(1))? else {
        println!("{} {}", arguments::USAGE, peers::Work::names().collect::<Vec<_>>().join(", "));
        return Ok(());
    };
    let tasks: Vec<Task> = Task::all()
        .into_iter()
        .filter(|task| arguments.works.is_empty() || arguments.works.iter().any(|work| work == task.work.name()))
        .collect();
    let mut seats = seats(&arguments)?;
    let mut record = record::Record::open(Path::new(&arguments.record))?;
    for task in &tasks {
        let measured = rounds::measure(task, &mut seats, arguments.rounds);
        record.replace(task, measured);
        record.save(&seats)?;
    }
    chart::draw(&record, &arguments.adapters)?;
    let missing: Vec<&Seat> = seats.iter().filter(|seat| seat.absent.is_some()).collect();
    for seat in &missing {
        println!("left out: {} on {}: {}", seat.name, seat.adapter, seat.absent.as_deref().unwrap_or_default());
    }
    println!("wrote {}", record.directory().display());
    ensure!(
        !seats.iter().any(|seat| seat.name == "gristmill" && seat.absent.is_some()),
        "gristmill itself did not run"
    );
    Ok(())
}

/// Who takes part: ours on every adapter, the portable peers on every GPU, the host's libraries once.
fn seats(arguments: &Arguments) -> Result<Vec<Seat>> {
    let mut seats = Vec::new();
    for adapter in &arguments.adapters {
        seats.push(Seat::beside("gristmill", adapter)?);
        if adapter != "cpu" {
            for name in ["numr", "burn", "vkfft", "wgsl-fft", "gpu-fft"] {
                seats.push(Seat::beside(name, adapter)?);
            }
        }
    }
    seats.push(Seat::beside("host", "cpu")?);
    match &arguments.python {
        Some(python) => seats.push(Seat::python(python)),
        None => println!("left out: the Python libraries, no --python is given (scripts/peers makes one)"),
    }
    Ok(seats)
}
