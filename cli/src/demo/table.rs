//! The table on the terminal.

use std::io::{IsTerminal, Write};

use anyhow::Result;

use super::Row;
use super::task::Task;
use crate::command::time_text;

/// Widths of the columns, known before the first row is.
pub(super) struct Table {
    device: usize,
    task: usize,
    size: usize,
    colour: bool,
}

impl Table {
    pub(super) fn new(devices: &[String], tasks: &[Box<dyn Task>]) -> Self {
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        Self {
            device: widest(&mut devices.iter().map(|d| d.chars().count())).max(6),
            task: widest(&mut tasks.iter().map(|t| t.name().chars().count())),
            size: widest(&mut tasks.iter().map(|t| t.size().chars().count())),
            colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    pub(super) fn print(&self, row: &Row, first: bool) -> Result<()> {
        let (d, t, s) = (self.device, self.task, self.size);
        let mut out = std::io::stdout().lock();
        if first {
            let line = format!(
                "{:<d$}  {:<t$}  {:<s$}  {:>8}  {:>14}  {:>11}  score",
                "device", "task", "size", "time", "throughput", "error/bound"
            );
            writeln!(out, "{}", self.paint("1", &line))?;
        }
        let start = format!("{:<d$}  {:<t$}  {:<s$}", row.device, row.task, row.size);
        if let Some(failure) = &row.failure {
            writeln!(out, "{start}  {}", self.paint("31", &format!("failed: {failure}")))?;
            return Ok(());
        }
        let colour = if row.error.is_some_and(|e| e > 1.0) { "31" } else { "32" };
        let error = self.paint(colour, &format!("{:>11}", fraction(row.error)));
        let line = format!("{start}  {:>8}  {:>14}  {error}  {}", time_text(row.seconds), row.throughput, row.score);
        writeln!(out, "{}", line.trim_end())?;
        Ok(())
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `0.31`, `2e-5`, or a dash where nothing was measured.
pub(super) fn fraction(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(v) if v < 0.01 => format!("{v:.0e}"),
        Some(v) => format!("{v:.2}"),
    }
}

/// `12.3 GFLOP/s`.
pub(super) fn per_second(rate: f64, unit: &str) -> String {
    let (scaled, prefix) = match rate {
        r if r >= 1e12 => (r / 1e12, "T"),
        r if r >= 1e9 => (r / 1e9, "G"),
        r if r >= 1e6 => (r / 1e6, "M"),
        r => (r / 1e3, "k"),
    };
    let digits = if scaled >= 100.0 { 0 } else { 1 };
    format!("{scaled:.digits$} {prefix}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(per_second(12.34e9, "FLOP/s"), "12.3 GFLOP/s");
        assert_eq!(per_second(512e9, "FLOP/s"), "512 GFLOP/s");
        assert_eq!([None, Some(0.0), Some(2.4e-5), Some(0.307)].map(fraction), ["–", "0", "2e-5", "0.31"]);
    }
}
