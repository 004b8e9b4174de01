//! What some metrics make of every row before they compare two: each row by itself, in f64.

use std::sync::Arc;

use crate::error::{Error, Result};

/// Rows that are made into others first. The WGSL of such a metric sees the prepared rows.
#[derive(Debug, Clone, Copy)]
pub struct Prepare {
    /// What becomes of a row.
    pub rows: Preparation,
    /// The value in f64 for prepared rows, the table that goes with them, and the parameters.
    pub definition: fn(x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preparation {
    /// Less its mean, divided by its norm.
    Standardise,
    /// Divided by its sum.
    Normalise,
    /// Times the Cholesky factor of the metric's table, as sums of two floats.
    Whiten,
    /// With its norm beside it, so that a product of two rows is their squared distance.
    Expand,
}

/// What becomes of the rows of one side.
#[derive(Debug, Clone, PartialEq)]
pub enum RowMap {
    /// Less its mean, divided by its norm; NaN where all features are equal.
    Standardise,
    /// Divided by its sum.
    Normalise,
    /// Words of 32 bits to twice as many whole numbers below 65,536, the lower half first.
    Halves,
    /// Times a matrix of d × k, row by row; each value as two numbers whose sum it is, the larger first. A feature does
    /// not reach the columns in which its factor is 0, whatever it is.
    Whiten(Arc<[f64]>),
    /// −2x, ‖x‖², 1: the left side of an expanded square.
    ExpandLeft,
    /// y, 1, ‖y‖²: its right side.
    ExpandRight,
}

impl RowMap {
    /// Features of a prepared row whose original has `d`.
    pub fn features(&self, d: usize) -> usize {
        match self {
            Self::Standardise | Self::Normalise => d,
            Self::Halves => d.saturating_mul(2),
            Self::Whiten(factor) => 2 * factor.len().checked_div(d).unwrap_or(0),
            Self::ExpandLeft | Self::ExpandRight if d > 0 => d.saturating_add(2),
            Self::ExpandLeft | Self::ExpandRight => 0,
        }
    }

    /// The prepared row of `row`.
    pub fn apply(&self, row: &[f64]) -> Vec<f64> {
        match self {
            Self::Standardise => standardised(row),
            Self::Normalise => normalised(row),
            Self::Halves => row.iter().flat_map(|&word| halves(word as u32)).map(f64::from).collect(),
            Self::Whiten(factor) => whitened(row, factor),
            Self::ExpandLeft => row.iter().map(|x| -2.0 * x).chain([square(row), 1.0]).collect(),
            Self::ExpandRight => row.iter().copied().chain([1.0, square(row)]).collect(),
        }
    }
}

impl Preparation {
    /// What becomes of the rows of each side, for a metric with this table, and the table of prepared rows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where the table is no matrix that a distance can have.
    pub fn of(self, table: Option<&[f32]>) -> Result<([RowMap; 2], Option<Vec<f32>>)> {
        let both = |map: RowMap| [map.clone(), map];
        let sides = match self {
            Self::Standardise => both(RowMap::Standardise),
            Self::Normalise => both(RowMap::Normalise),
            Self::Whiten => {
                let (factor, columns) = narrowed(&factor(table.unwrap_or_default())?);
                // Every second number completes a value; a feature of weight 0 would be left out.
                let weights = [1.0, 2.0].into_iter().cycle().take(2 * columns).collect();
                return Ok((both(RowMap::Whiten(factor.into())), Some(weights)));
            }
            Self::Expand => [RowMap::ExpandLeft, RowMap::ExpandRight],
        };
        Ok((sides, table.map(<[f32]>::to_vec)))
    }
}

/// Both halves of a word, the lower first.
pub(crate) fn halves(word: u32) -> [u16; 2] {
    [word as u16, (word >> 16) as u16]
}

/// Less its mean, divided by its norm; NaN where all features are equal.
pub(super) fn standardised(row: &[f64]) -> Vec<f64> {
    let Some(first) = row.first() else { return Vec::new() };
    if row.iter().all(|x| x == first) {
        return vec![f64::NAN; row.len()];
    }
    let d = row.len() as f64;
    let mean = row.iter().sum::<f64>() / d;
    let missed = row.iter().map(|x| x - mean).sum::<f64>() / d;
    let centred: Vec<f64> = row.iter().map(|x| (x - mean) - missed).collect();
    let norm = centred.iter().map(|x| x * x).sum::<f64>().sqrt();
    centred.iter().map(|x| x / norm).collect()
}

/// Divided by its sum.
pub(super) fn normalised(row: &[f64]) -> Vec<f64> {
    let sum: f64 = row.iter().sum();
    row.iter().map(|x| x / sum).collect()
}

/// Times `factor`, each value as the nearest f32 and the nearest to what is left.
fn whitened(row: &[f64], factor: &[f64]) -> Vec<f64> {
    let mut values = vec![0.0; factor.len().checked_div(row.len()).unwrap_or(0)];
    for (x, line) in row.iter().zip(factor.chunks(values.len().max(1))) {
        let each = values.iter_mut().zip(line);
        each.for_each(|(value, factor)| *value += if *factor == 0.0 { 0.0 } else { x * factor });
    }
    values.iter().flat_map(|value| [f64::from(*value as f32), value - f64::from(*value as f32)]).collect()
}

fn square(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum()
}

/// A square matrix without the columns that are all 0, and how many there are left: at least one.
fn narrowed(factor: &[f64]) -> (Vec<f64>, usize) {
    let d = factor.len().isqrt();
    let mut columns: Vec<usize> = (0..d).filter(|k| factor.chunks(d).any(|line| line[*k] != 0.0)).collect();
    if columns.is_empty() {
        columns.extend((d > 0).then_some(0));
    }
    (factor.chunks(d.max(1)).flat_map(|line| columns.iter().map(|k| line[*k])).collect(), columns.len())
}

/// The Cholesky factor L of the symmetric part of a matrix, L Lᵀ = A, in f64. Where a pivot is 0 up to rounding the
/// column is 0, as it is for a matrix whose rank is not full.
pub(crate) fn factor(matrix: &[f32]) -> Result<Vec<f64>> {
    let d = matrix.len().isqrt();
    let at = |i: usize, j: usize| matrix.get(i * d + j).map_or(0.0, |value| f64::from(*value));
    // What rounding makes of a pivot (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., Theorem 10.3).
    let zero = |i: usize| 4.0 * d as f64 * f64::EPSILON * at(i, i).abs();
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let (upper, lower) = (&factor[j * d..j * d + j], &factor[i * d..i * d + j]);
            let rest = 0.5 * (at(i, j) + at(j, i)) - upper.iter().zip(lower).map(|(a, b)| a * b).sum::<f64>();
            let pivot = factor[j * d + j];
            let indefinite =
                if i == j { rest < -zero(i) } else { pivot == 0.0 && rest.abs() > (zero(j) * at(i, i).abs()).sqrt() };
            if indefinite {
                let message = "must be positive semidefinite, as the inverse of a covariance matrix is";
                return Err(Error::argument("metric", "mahalanobis: VI", message));
            }
            factor[i * d + j] = match () {
                () if i == j => {
                    if rest > zero(i) {
                        rest.sqrt()
                    } else {
                        0.0
                    }
                }
                () if pivot == 0.0 => 0.0,
                () => rest / pivot,
            };
        }
    }
    Ok(factor)
}
