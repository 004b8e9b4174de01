//! The record: CSV files that keep what was not measured this time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use peers::{Task, Work};

use crate::process::Seat;
use crate::rounds::Measured;

const LATEST: &str = "work,shape,adapter,implementation,median_ms,min_ms,max_ms,rounds";
const COST: &str = "shape,adapter,implementation,median_ms,ns_per_pair,device_bytes,host_bytes";
const LENGTHS: &str = "length,rows,adapter,implementation,median_ms,ns_per_n_log2_n,of_best_power_of_two";
const CONDITIONS: &str = "work,shape,date,revision,system,cores,load_average";
const VERSIONS: &str = "library,adapter,version";

/// The tables of the record, as rows of fields in the order of their files.
pub struct Record {
    directory: PathBuf,
    latest: Vec<Vec<String>>,
    cost: Vec<Vec<String>>,
    conditions: Vec<Vec<String>>,
    versions: Vec<Vec<String>>,
}

impl Record {
    /// What is there; empty tables where nothing is.
    ///
    /// # Errors
    /// Files that cannot be read, and folders that cannot be made.
    pub fn open(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let table = |name: &str, header: &str| -> Result<Vec<Vec<String>>> {
            let path = directory.join(name);
            if !path.exists() {
                return Ok(Vec::new());
            }
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let columns = header.split(',').count();
            // The last field of the versions is free text.
            let fields = |line: &str| line.splitn(columns, ',').map(str::to_owned).collect::<Vec<_>>();
            Ok(text.lines().skip(1).map(fields).filter(|row| row.len() == columns).collect())
        };
        Ok(Self {
            latest: table("latest.csv", LATEST)?,
            cost: table("cost.csv", COST)?,
            conditions: table("conditions.csv", CONDITIONS)?,
            versions: table("versions.csv", VERSIONS)?,
            directory: directory.to_owned(),
        })
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The rows of a task: adapter, implementation and median in milliseconds.
    pub fn rows(&self, task: &Task) -> Vec<(&str, &str, f64)> {
        let of_task = self.latest.iter().filter(|row| row[0] == task.work.name() && row[1] == task.shape_text());
        of_task.filter_map(|row| Some((row[2].as_str(), row[3].as_str(), row[4].parse().ok()?))).collect()
    }

    /// When and under what load a task was measured.
    pub fn conditions_of(&self, task: &Task) -> Option<String> {
        let of_task = |row: &&Vec<String>| row[0] == task.work.name() && row[1] == task.shape_text();
        self.conditions.iter().find(of_task).map(|row| format!("{} · {} cores · load {}", row[2], row[5], row[6]))
    }

    /// Puts what was measured in the place of what was known of the task. Nothing measured changes nothing.
    pub fn replace(&mut self, task: &Task, measured: Vec<Measured>) {
        if measured.is_empty() {
            return;
        }
        let (work, shape) = (task.work.name().to_owned(), task.shape_text());
        self.latest.retain(|row| row[0] != work || row[1] != shape);
        self.conditions.retain(|row| row[0] != work || row[1] != shape);
        self.conditions.push(vec![
            work.clone(),
            shape.clone(),
            said(&["date", "-u", "+%Y-%m-%d %H:%M"]),
            said(&["git", "rev-parse", "--short", "HEAD"]),
            said(&["uname", "-sm"]),
            std::thread::available_parallelism().map_or(String::new(), |cores| cores.to_string()),
            fs::read_to_string("/proc/loadavg")
                .ok()
                .and_then(|text| Some(text.split(' ').next()?.to_owned()))
                .unwrap_or_default(),
        ]);
        let [n, m, _] = task.dimensions();
        for row in measured {
            if let Some([device, host]) = row.bytes {
                let key = [shape.as_str(), &row.adapter, &row.implementation];
                self.cost.retain(|known| known[..3] != key);
                let per_pair = row.median_ms * 1e6 / (n as f64 * m as f64);
                let figures = [digits(row.median_ms), digits(per_pair), device.to_string(), host.to_string()];
                self.cost.push(key.map(str::to_owned).into_iter().chain(figures).collect());
            }
            let figures = [row.median_ms, row.min_ms, row.max_ms].map(digits);
            let names = [work.clone(), shape.clone(), row.adapter, row.implementation];
            self.latest.push(names.into_iter().chain(figures).chain([row.rounds.to_string()]).collect());
        }
    }

    /// Writes all tables, in the order of the tasks, after every task: a run that is stopped leaves what it had.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn save(&mut self, seats: &[Seat]) -> Result<()> {
        for seat in seats.iter().filter(|seat| !seat.version.is_empty()) {
            self.versions.retain(|row| row[0] != seat.name || row[1] != seat.adapter);
            self.versions.push(vec![seat.name.clone(), seat.adapter.clone(), seat.version.clone()]);
        }
        self.versions.sort();
        let order: Vec<[String; 2]> =
            Task::all().iter().map(|task| [task.work.name().to_owned(), task.shape_text()]).collect();
        let place = |row: &Vec<String>| order.iter().position(|task| row[..2] == task[..]);
        self.latest.sort_by_key(place);
        self.conditions.sort_by_key(place);
        self.cost.sort_by_key(|row| (row[1].clone(), row[0].len(), row[0].clone()));
        let lengths = self.lengths();
        let tables = [
            ("latest.csv", LATEST, &self.latest),
            ("cost.csv", COST, &self.cost),
            ("lengths.csv", LENGTHS, &lengths),
            ("conditions.csv", CONDITIONS, &self.conditions),
            ("versions.csv", VERSIONS, &self.versions),
        ];
        for (name, header, rows) in tables {
            let lines = rows.iter().map(|row| row.join(",") + "\n");
            let path = self.directory.join(name);
            fs::write(&path, lines.fold(format!("{header}\n"), |text, line| text + &line))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

impl Record {
    /// Transforms by their lengths: time for each of the N log₂N, also as a multiple of the least among the powers of two.
    fn lengths(&self) -> Vec<Vec<String>> {
        let of_task = |row: &&Vec<String>| row[0] == Work::FftLengths.name();
        let figures = |row: &Vec<String>| -> Option<(usize, usize, f64)> {
            let (rows, length) = row[1].split_once('x')?;
            let (rows, length): (usize, usize) = (rows.parse().ok()?, length.parse().ok()?);
            let points = rows as f64 * length as f64;
            Some((rows, length, row[4].parse::<f64>().ok()? * 1e6 / (points * (length as f64).log2())))
        };
        let best = |known: &[String]| {
            let same = self.latest.iter().filter(of_task).filter(|row| row[2..4] == *known);
            let powers = same.filter_map(figures).filter(|(_, length, _)| length.is_power_of_two());
            powers.fold(f64::INFINITY, |least, (.., ns)| least.min(ns))
        };
        let line = |row: &Vec<String>| {
            let (rows, length, ns) = figures(row)?;
            let names = [length.to_string(), rows.to_string(), row[2].clone(), row[3].clone(), row[4].clone()];
            Some(names.into_iter().chain([ns, ns / best(&row[2..4])].map(digits)).collect())
        };
        self.latest.iter().filter(of_task).filter_map(line).collect()
    }
}

/// Four significant digits: more than a timing has.
fn digits(value: f64) -> String {
    let before = value.abs().max(1e-9).log10().floor() as i32;
    format!("{value:.*}", (3 - before).max(0) as usize)
}

/// What a command prints, or nothing.
fn said(words: &[&str]) -> String {
    let output = words.split_first().and_then(|(program, rest)| Command::new(program).args(rest).output().ok());
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().replace(',', " ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_four_digits() {
        assert_eq!([0.05123, 1.23456, 45.678, 1234.56].map(digits), ["0.05123", "1.235", "45.68", "1235"]);
    }
}
