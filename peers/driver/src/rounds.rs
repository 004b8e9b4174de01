//! Rounds: everyone in turn, so that what else the machine does meets all alike.

use peers::{Task, Work, check};

use crate::process::Seat;

/// What one implementation took.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub adapter: String,
    pub implementation: String,
    pub median_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub rounds: usize,
    /// Bytes on the device and growth of the process, where they were asked for.
    pub bytes: Option<[u64; 2]>,
}

/// A call longer than this is not repeated more than [`SLOW_ROUNDS`] times.
const SLOW_MS: f64 = 2000.0;
const SLOW_ROUNDS: usize = 3;

struct Contender {
    seat: usize,
    name: String,
    times: Vec<f64>,
    failed: bool,
}

/// Times the task with everyone who can do it; whoever fails is named and left out.
pub fn measure(task: &Task, seats: &mut [Seat], rounds: usize) -> Vec<Measured> {
    println!("\n{task}");
    let mut contenders = Vec::new();
    for (index, seat) in seats.iter_mut().enumerate() {
        if seat.absent.is_some() {
            continue;
        }
        match seat.ask(&format!("prepare {task}"), "offers") {
            Ok(names) => contenders.extend(names.split('|').filter(|name| !name.is_empty()).map(|name| Contender {
                seat: index,
                name: name.to_owned(),
                times: Vec::new(),
                failed: false,
            })),
            Err(error) => println!("  {} on {} left out: {error:#}", seat.name, seat.adapter),
        }
    }
    // The first call builds pipelines and tunes; its result shows whether the work was done.
    for contender in &mut contenders {
        let seat = &mut seats[contender.seat];
        let checked = seat.ask(&format!("sample {}", contender.name), "values").and_then(|values| {
            let values = values.split_whitespace().map(str::parse).collect::<Result<Vec<f32>, _>>()?;
            check(task, &values)
        });
        contender.note(seat, checked.map(|()| None));
    }
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let place = (round + turn) % contenders.len();
            let contender = &mut contenders[place];
            let slow = contender.times.first().is_some_and(|&time| time > SLOW_MS);
            if contender.failed || (slow && round >= SLOW_ROUNDS) {
                continue;
            }
            let seat = &mut seats[contender.seat];
            let ready = if task.work == Work::FirstCall {
                seat.forget();
                seat.ask(&format!("prepare {task}"), "offers").map(drop)
            } else {
                Ok(())
            };
            let time = ready.and_then(|()| seat.ask(&format!("time {}", contender.name), "ms"));
            let time = time.and_then(|text| Ok(Some(text.parse()?)));
            contender.note(seat, time);
        }
    }
    let mut measured = Vec::new();
    for contender in &mut contenders {
        contender.times.sort_by(f64::total_cmp);
        let (Some(&min_ms), Some(&max_ms)) = (contender.times.first(), contender.times.last()) else { continue };
        let seat = &mut seats[contender.seat];
        let bytes = if task.work == Work::Cost { memory(contender, seat) } else { None };
        measured.push(Measured {
            adapter: seat.adapter.clone(),
            implementation: contender.name.clone(),
            median_ms: median(&contender.times),
            min_ms,
            max_ms,
            rounds: contender.times.len(),
            bytes,
        });
    }
    for row in &measured {
        println!(
            "  {:<22} {:<16} {:>10.2} ms   ({:.2} to {:.2} in {} rounds)",
            row.implementation, row.adapter, row.median_ms, row.min_ms, row.max_ms, row.rounds
        );
    }
    measured
}

impl Contender {
    fn note(&mut self, seat: &Seat, time: anyhow::Result<Option<f64>>) {
        match time {
            Ok(time) => self.times.extend(time),
            Err(error) => {
                println!("  {} on {} left out: {error:#}", self.name, seat.adapter);
                self.failed = true;
                self.times.clear();
            }
        }
    }
}

fn memory(contender: &Contender, seat: &mut Seat) -> Option<[u64; 2]> {
    let text = seat
        .ask(&format!("memory {}", contender.name), "bytes")
        .inspect_err(|error| println!("  memory of {} on {} is not known: {error:#}", contender.name, seat.adapter))
        .ok()?;
    let (device, host) = text.split_once(' ')?;
    Some([device.parse().ok()?, host.parse().ok()?])
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_between_the_middle_two() {
        assert_eq!(median(&[1.0, 2.0, 4.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 8.0]), 3.0);
    }
}
