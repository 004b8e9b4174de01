//! Nearest-neighbour classification of handwritten digits by pairwise distances.

use anyhow::Result;
use gristmill::{Context, Metric};
use ndarray::{Array2, ArrayView1, Ix2, s};

use super::data;
use super::task::{Check, Dice, Outcome, Task, measure};
use crate::command::{nearest, vote};
use crate::format::grey_png;

/// Digits that are known; the rest are to be recognised.
const KNOWN: usize = 1000;
const NEIGHBOURS: usize = 5;

pub(super) struct Digits {
    known: Array2<f32>,
    unknown: Array2<f32>,
    known_labels: Vec<usize>,
    unknown_labels: Vec<usize>,
    checks: Vec<Check>,
}

impl Digits {
    pub(super) fn new() -> Result<Self> {
        let (x, mut labels) = data::digits()?;
        let (known, unknown) = (x.slice(s![..KNOWN, ..]).to_owned(), x.slice(s![KNOWN.., ..]).to_owned());
        let unknown_labels = labels.split_off(KNOWN);
        let mut dice = Dice::new(1);
        let checks = (0..2000)
            .map(|_| {
                let (i, j) = (dice.below(unknown.nrows()), dice.below(KNOWN));
                let (x, y) = (exact(unknown.row(i)), exact(known.row(j)));
                let (value, bound) = Metric::EUCLIDEAN.evaluate_with_bound(&x, &y);
                Check { place: i * KNOWN + j, value, bound }
            })
            .collect();
        Ok(Self { known, unknown, known_labels: labels, unknown_labels, checks })
    }
}

/// A row in f64.
pub(super) fn exact(row: ArrayView1<'_, f32>) -> Vec<f64> {
    row.iter().map(|&v| f64::from(v)).collect()
}

impl Task for Digits {
    fn name(&self) -> &'static str {
        "digits: nearest neighbours"
    }

    fn size(&self) -> String {
        format!("{}×{KNOWN}×64", self.unknown.nrows())
    }

    fn work(&self) -> (f64, &'static str) {
        (3.0 * (self.unknown.len() * KNOWN) as f64, "FLOP/s")
    }

    fn checks(&self) -> &[Check] {
        &self.checks
    }

    fn run(&self, context: &Context) -> Result<Outcome> {
        let (distances, seconds) = measure(|| {
            let (unknown, known) = (context.upload(&self.unknown)?, context.upload(&self.known)?);
            Ok(gristmill::pairwise(&unknown, &known, &Metric::EUCLIDEAN)?.read_blocking()?)
        })?;
        let distances = distances.into_dimensionality::<Ix2>()?;
        let mut mistakes = Vec::new();
        for (i, (row, &truth)) in distances.outer_iter().zip(&self.unknown_labels).enumerate() {
            let labels = nearest(row, NEIGHBOURS).into_iter().map(|j| self.known_labels[j] as f64);
            if vote(labels) as usize != truth {
                mistakes.push(i);
            }
        }
        let all = self.unknown_labels.len();
        let right = all - mistakes.len();
        Ok(Outcome {
            seconds,
            score: format!("{:.1} % right ({right} of {all})", 100.0 * right as f64 / all as f64),
            pictures: vec![("mistakes.png", grey_png(&strip(&self.unknown, &mistakes))?)],
            values: distances.into_iter().collect(),
            drawing: None,
        })
    }
}

/// The digits that were taken for others, dark on light, ten in a row, each pixel six wide.
fn strip(digits: &Array2<f32>, which: &[usize]) -> Array2<f32> {
    const ZOOM: usize = 6;
    const CELL: usize = 9 * ZOOM;
    let rows = which.len().div_ceil(10).max(1);
    Array2::from_shape_fn((rows * CELL, 10 * CELL), |(y, x)| {
        let (row, column) = ((y % CELL) / ZOOM, (x % CELL) / ZOOM);
        match which.get(y / CELL * 10 + x / CELL) {
            Some(&digit) if row < 8 && column < 8 => 1.0 - digits[[digit, row * 8 + column]] / 16.0,
            _ => 1.0,
        }
    })
}
