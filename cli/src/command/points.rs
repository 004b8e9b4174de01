//! Points of the command line: rows in memory, or left in their file where that is large.

use std::path::Path;

use anyhow::Result;
use gristmill::stream::{NpySource, Source};
use ndarray::{Array2, Axis};

use super::Job;
use crate::format::{Input, peek_rows, read_bits, read_points};
use crate::usage;

/// Rows that are in memory, or stay in their file.
pub(super) enum Points {
    Here(Array2<f32>),
    There(NpySource),
}

/// What is taken from a file of points.
#[derive(Clone, Copy)]
pub(super) struct Selection<'a> {
    /// Only these columns; all where none is named.
    pub(super) columns: &'a [usize],
    /// The bits of whole numbers instead of the numbers.
    pub(super) bits: bool,
}

impl Selection<'_> {
    /// Reads a file.
    pub(super) fn read(self, job: &mut Job<'_>, argument: &'static str, path: &str) -> Result<Array2<f32>> {
        let mut input = if self.bits { read_bits(path)? } else { read_points(path)? };
        if self.bits && !self.columns.is_empty() {
            return Err(usage("--columns chooses numbers; this metric compares the bits of all of them"));
        }
        input.array = chosen_columns(input.array, self.columns, path)?;
        job.took(argument, &input, input.array.shape());
        Ok(input.array)
    }

    /// Reads a file, unless it is large, can be read in parts, and the result can be written in parts.
    pub(super) fn open(self, job: &mut Job<'_>, argument: &'static str, path: &str, streamed: bool) -> Result<Points> {
        let file = Path::new(path);
        let streamed = streamed && self.columns.is_empty() && !self.bits;
        if let Some((rows, columns, was)) = peek_rows(file).filter(|_| streamed) {
            let large = matrix_bytes(rows, columns) > job.general.budget() / 4;
            // What is wrong with a file that cannot be mapped, the plain reader says.
            if let Some(source) = large.then(|| NpySource::open(file).ok()).flatten() {
                let note = (was != "float32").then(|| format!("{path}: {was} converted to float32"));
                let input = Input { path: path.to_owned(), array: (), note };
                job.took(argument, &input, &[rows, columns]);
                return Ok(Points::There(source));
            }
        }
        Ok(Points::Here(self.read(job, argument, path)?))
    }
}

impl Points {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Here(array) => array.nrows(),
            Self::There(source) => source.shape().0,
        }
    }

    /// Bytes of all rows as the devices take them.
    pub(super) fn bytes(&self) -> u64 {
        let (rows, columns) = match self {
            Self::Here(array) => array.dim(),
            Self::There(source) => source.shape(),
        };
        matrix_bytes(rows, columns)
    }

    /// Another reader of the same rows.
    pub(super) fn source(&self, path: &str) -> Result<Box<dyn Source + '_>> {
        Ok(match self {
            Self::Here(array) => Box::new(array.view()),
            Self::There(_) => Box::new(NpySource::open(Path::new(path))?),
        })
    }
}

/// Some of the columns, in the order given; all where none is named.
fn chosen_columns(array: Array2<f32>, chosen: &[usize], path: &str) -> Result<Array2<f32>> {
    if chosen.is_empty() {
        return Ok(array);
    }
    match chosen.iter().find(|column| **column >= array.ncols()) {
        Some(wrong) => Err(usage(format!("--columns {wrong}: {path} has columns 0 to {}", array.ncols().max(1) - 1))),
        None => Ok(array.select(Axis(1), chosen)),
    }
}

/// Bytes of so many float32.
pub(super) fn matrix_bytes(rows: usize, columns: usize) -> u64 {
    (rows as u64).saturating_mul(columns as u64).saturating_mul(4)
}
