//! Other forms of the Euclidean distance: with a covariance matrix, by the expanded square, and with compensated sums.

use super::super::Table;
use super::super::bound::{compensated_squares, expanded_squares, moved, settled, whitened_squares};
use super::super::definition::{expanded, quadratic_form, sum};
use super::super::prepare::{Preparation, Prepare};
use super::metrics;
use crate::expr::{SQRT_ROUNDING, UNIT_ROUNDOFF};
use crate::metric::Metric;

metrics! {
    /// The Mahalanobis distance, `√((x − y)ᵀ VI (x − y))` for the inverse VI of a covariance matrix; NaN where a number
    /// is not finite, but in a feature whose row and column of VI are 0. [`Self::mahalanobis`] takes VI.
    ///
    /// Rows are multiplied by the Cholesky factor of VI (of its symmetric part, in f64) into sums of two floats, whose
    /// differences are as accurate as those of the rows: rows that are close together and far from 0 lose nothing.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 8)/2 + 1.01 u to first order, as [`Self::EUCLIDEAN`] with a difference in two
    /// parts, plus 2⁻⁴⁴ (d + 8) Σ (|x_f| + |y_f|) √VI_ff absolute, what two floats and the factor miss.
    /// # Sources
    /// SciPy, `scipy.spatial.distance.mahalanobis`; Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed.,
    /// §10.1 (Cholesky); Dekker, "A floating-point technique for extending the available precision", 1971.
    pub MAHALANOBIS {
        name: "mahalanobis",
        formula: "√((x − y)ᵀ VI (x − y))",
        state: "sum: f32, upper: f32",
        accumulate_weighted: "let difference = fenced_(x - y) + (*state).upper; let complete = w > 1.5;
    (*state).upper = select(difference, 0.0, complete);
    (*state).sum += select(0.0, difference * difference, complete);",
        finish: "return sqrt_(state.sum);",
        table: Table::InverseCovariance,
        prepare: Some(Prepare { rows: Preparation::Whiten, definition: |x, y, _, _| whitened(x, y).sqrt() }),
        definition: |x, y, inverse, _| quadratic_form(x, y, inverse).sqrt(),
        error_bound: |x, y, inverse, _| {
            let (sum, error) = whitened_squares(x, y, inverse);
            settled(x, y, sum + error, moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt())
        },
    }

    /// [`Self::SQEUCLIDEAN`] with sums in two floats: as if all had been computed in twice the precision and then
    /// rounded.
    ///
    /// # Accuracy
    /// Relative error at most 2 u + 16 (d + 8) u²: differences, squares and sums keep their rounding errors in a second
    /// float; rounding them again is of second order.
    /// # Sources
    /// Knuth, *The Art of Computer Programming* 2, §4.2.2 (sums and their errors); Dekker 1971 (products); Ogita, Rump
    /// and Oishi, "Accurate sum and dot product", 2005.
    pub SQEUCLIDEAN_COMPENSATED {
        name: "sqeuclidean_compensated",
        formula: "Σ (x_f − y_f)², sums in two floats",
        state: "sum: f32, rest: f32",
        accumulate: "let d = fenced_(x - y); let t = fenced_(d - x);
    let lost = fenced_(x - fenced_(d - t)) - fenced_(y + t);
    let p = fenced_(d * d); let u = upper_(d); let l = d - u;
    let q = fenced_(fenced_(fenced_(u * u - p) + 2.0 * u * l) + l * l) + 2.0 * d * lost;
    let s = fenced_((*state).sum + p); let v = fenced_(s - (*state).sum);
    (*state).rest += (fenced_((*state).sum - fenced_(s - v)) + fenced_(p - v)) + q; (*state).sum = s;",
        merge: "let s = fenced_(a.sum + b.sum); let v = fenced_(s - a.sum);
    return State(s, a.rest + b.rest + (fenced_(a.sum - fenced_(s - v)) + fenced_(b.sum - v)));",
        finish: "if is_nan_(state.rest) { return state.sum; } return state.sum + state.rest;",
        definition: |x, y, _, _| sum(x, y, &[], |x, y| (x - y) * (x - y)),
        error_bound: |x, y, _, _| {
            let (sum, error) = compensated_squares(x, y);
            settled(x, y, sum, error)
        },
        is_metric: false,
    }

    /// [`Self::EUCLIDEAN`] with sums in two floats.
    ///
    /// # Accuracy
    /// Relative error at most 2.01 u + 8 (d + 8) u²: half of [`Self::SQEUCLIDEAN_COMPENSATED`]'s and a root (1.01 u).
    /// # Sources
    /// As [`Self::SQEUCLIDEAN_COMPENSATED`].
    pub EUCLIDEAN_COMPENSATED {
        name: "euclidean_compensated",
        formula: "√(Σ (x_f − y_f)²), sums in two floats",
        state: SQEUCLIDEAN_COMPENSATED.state,
        accumulate: SQEUCLIDEAN_COMPENSATED.accumulate,
        merge: SQEUCLIDEAN_COMPENSATED.merge,
        finish: "if is_nan_(state.rest) { return sqrt_(state.sum); } return sqrt_(state.sum + state.rest);",
        definition: |x, y, _, _| sum(x, y, &[], |x, y| (x - y) * (x - y)).sqrt(),
        error_bound: |x, y, _, _| {
            let (sum, error) = compensated_squares(x, y);
            settled(x, y, sum + error, moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt())
        },
    }

    /// [`Self::SQEUCLIDEAN`] as `‖x‖² + ‖y‖² − 2 x·y`, never below 0: one product per feature, as fast as a matrix
    /// product. Rows that are close together and far from 0 lose their digits; where both sides are the same tensor,
    /// [`pairwise`](crate::pairwise) puts 0 on the diagonal.
    ///
    /// # Accuracy
    /// Absolute error at most γ(b + 13) (‖x‖ + ‖y‖)²: both norms and the inner product in blocked sums.
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1; scikit-learn, `euclidean_distances`.
    pub SQEUCLIDEAN_EXPANDED {
        name: "sqeuclidean_expanded",
        formula: "‖x‖² + ‖y‖² − 2 x·y, at least 0",
        accumulate: "(*state).sum += x * y;",
        finish: "if is_nan_(state.sum) { return state.sum; } return max(state.sum, 0.0);",
        prepare: Some(Prepare {
            rows: Preparation::Expand,
            definition: |x, y, _, _| sum(x, y, &[], |x, y| x * y).clamp(0.0, f64::INFINITY),
        }),
        definition: |x, y, _, _| expanded(x, y),
        error_bound: |x, y, _, _| {
            let (sum, error) = expanded_squares(x, y);
            settled(x, y, sum, error)
        },
        zero_on_self: false,
        is_metric: false,
    }

    /// [`Self::EUCLIDEAN`] as `√(‖x‖² + ‖y‖² − 2 x·y)`; see [`Self::SQEUCLIDEAN_EXPANDED`].
    ///
    /// # Accuracy
    /// The root of a square that is off by what [`Self::SQEUCLIDEAN_EXPANDED`] states, and 1.01 u relative.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN_EXPANDED`].
    pub EUCLIDEAN_EXPANDED {
        name: "euclidean_expanded",
        formula: "√(‖x‖² + ‖y‖² − 2 x·y)",
        accumulate: SQEUCLIDEAN_EXPANDED.accumulate,
        finish: "if is_nan_(state.sum) { return state.sum; } return sqrt_(max(state.sum, 0.0));",
        prepare: Some(Prepare {
            rows: Preparation::Expand,
            definition: |x, y, _, _| sum(x, y, &[], |x, y| x * y).clamp(0.0, f64::INFINITY).sqrt(),
        }),
        definition: |x, y, _, _| expanded(x, y).sqrt(),
        error_bound: |x, y, _, _| {
            let (sum, error) = expanded_squares(x, y);
            settled(x, y, sum + error, moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt())
        },
        zero_on_self: false,
        is_metric: false,
    }
}

/// The squared distance of whitened rows, whose values are sums of two numbers.
fn whitened(x: &[f64], y: &[f64]) -> f64 {
    let pairs = x.chunks(2).zip(y.chunks(2));
    pairs.map(|(x, y)| x.iter().zip(y).map(|(x, y)| x - y).sum::<f64>().powi(2)).sum()
}

impl Metric {
    /// [`Self::MAHALANOBIS`] with the inverse of the covariance matrix, row by row.
    pub fn mahalanobis(inverse_covariance: Vec<f32>) -> Self {
        Self::MAHALANOBIS.with_table(inverse_covariance)
    }

    /// `(x − y)ᵀ P (x − y)`, what kernels are made of. P has one more rounding where it came from f64.
    pub(crate) fn quadratic_form(precision: Vec<f32>) -> Self {
        Self {
            name: "quadratic form".into(),
            finish: "return state.sum;".into(),
            prepare: Some(Prepare { rows: Preparation::Whiten, definition: |x, y, _, _| whitened(x, y) }),
            definition: |x, y, precision, _| quadratic_form(x, y, precision),
            error_bound: |x, y, precision, _| {
                let (sum, error) = whitened_squares(x, y, precision);
                let apart: Vec<f64> = x.iter().zip(y).map(|(x, y)| (x - y).abs()).collect();
                let sizes: Vec<f64> = precision.iter().map(|entry| entry.abs()).collect();
                let rounded = UNIT_ROUNDOFF * quadratic_form(&apart, &vec![0.0; apart.len()], &sizes);
                settled(x, y, sum + error, if x == y { 0.0 } else { error + rounded })
            },
            is_metric: false,
            weights: Some(precision),
            ..Self::MAHALANOBIS
        }
    }
}
