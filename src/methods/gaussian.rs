//! Gaussian density estimation with a full covariance, as SciPy has it.

use std::f64::consts::PI;

use ndarray::{Array2, ArrayView2, Axis};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{ReduceOptions, pair_mean};
use crate::tensor::Tensor;

/// How wide the Gaussians are, as a multiple of the samples' own standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bandwidth {
    /// m^(−1/(d + 4)), Scott's rule.
    Scott,
    /// (m (d + 2)/4)^(−1/(d + 4)), Silverman's rule.
    Silverman,
    /// This factor.
    Factor(f64),
}

/// The density of `samples` at the rows of `points`, with Gaussians that have the samples' covariance.
///
/// `out[i] = (1/m) Σⱼ N(points[i]; samples[j], f² Σ)`, with Σ the sample covariance (divisor m − 1), f the bandwidth's
/// factor, `samples` of shape `m × d`, `points` of shape `n × d` and `out` of shape `n`. Both are whitened on the host
/// in f64, by the Cholesky factor of f² Σ, before they go to the device.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the columns differ; [`Error::InvalidArgument`] if there are fewer than two samples, the
/// factor is not above 0, or the covariance is singular; the device's errors.
///
/// # Accuracy
/// That of [`pair_mean`](crate::pair_mean) on whitened rows, which are rounded to f32 after centring.
///
/// # Sources
/// SciPy, `scipy.stats.gaussian_kde`; Scott, *Multivariate Density Estimation*, 1992.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::{Bandwidth, gaussian_density};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let samples = array![[0.0, 0.0], [1.0, 0.5], [0.0, 1.0], [2.0, 2.0]];
/// let density = gaussian_density(&context, samples.view(), samples.view(), Bandwidth::Scott)?.read_blocking()?;
/// assert!(density.iter().all(|p| *p > 0.05));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn gaussian_density(
    context: &Context,
    samples: ArrayView2<'_, f64>,
    points: ArrayView2<'_, f64>,
    bandwidth: Bandwidth,
) -> Result<Tensor> {
    let op = "gaussian_density";
    let (m, d) = samples.dim();
    if points.ncols() != d {
        let message = format!("samples have {d} columns, points have {}; they must match", points.ncols());
        return Err(Error::shape(op, message));
    }
    if m < 2 || d == 0 {
        return Err(Error::argument(op, format!("samples of shape {:?}", samples.shape()), "have no covariance"));
    }
    let (count, axes) = (m as f64, d as f64);
    let factor = match bandwidth {
        Bandwidth::Scott => count.powf(-1.0 / (axes + 4.0)),
        Bandwidth::Silverman => (count * (axes + 2.0) / 4.0).powf(-1.0 / (axes + 4.0)),
        Bandwidth::Factor(factor) if factor.is_finite() && factor > 0.0 => factor,
        Bandwidth::Factor(factor) => return Err(Error::argument(op, format!("factor {factor}"), "must be above 0")),
    };
    let Some(mean) = samples.mean_axis(Axis(0)) else { return Err(Error::argument(op, "samples", "are missing")) };
    let centred = &samples - &mean;
    let covariance = centred.t().dot(&centred) * (factor * factor / (count - 1.0));
    let root = cholesky(&covariance)
        .ok_or_else(|| Error::argument(op, "the samples' covariance", "must be positive definite, and is not"))?;
    let whitened = |rows: &Array2<f64>| -> Array2<f64> {
        let mut rows = rows.clone();
        for mut row in rows.rows_mut() {
            for i in 0..d {
                let known: f64 = (0..i).map(|j| root[[i, j]] * row[j]).sum();
                row[i] = (row[i] - known) / root[[i, i]];
            }
        }
        rows
    };
    let log_volume = 0.5 * axes * (2.0 * PI).ln() + root.diag().iter().map(|r| r.ln()).sum::<f64>();
    let scale = (-log_volume).exp();
    if !(scale as f32).is_normal() {
        return Err(Error::argument(op, format!("a density of up to {scale:e}"), "does not fit single precision"));
    }
    let (y, x) = (context.upload(&whitened(&centred))?, context.upload(&whitened(&(&points - &mean)))?);
    let finish = Expr::parameter(scale) * (-0.5 * Expr::variable(0)).exp();
    let bump = PairFunction { terms: vec![Metric::SQEUCLIDEAN], finish };
    pair_mean(&x, &y, &bump, None, &ReduceOptions::default())
}

/// The lower triangle L with L Lᵀ = A; `None` where A is not positive definite.
fn cholesky(a: &Array2<f64>) -> Option<Array2<f64>> {
    let n = a.nrows();
    let mut root = Array2::<f64>::zeros((n, n));
    for j in 0..n {
        let pivot = a[[j, j]] - (0..j).map(|k| root[[j, k]].powi(2)).sum::<f64>();
        // What rounding leaves of a pivot that is 0 is no pivot.
        if !pivot.is_finite() || pivot <= n as f64 * f64::EPSILON * a[[j, j]] {
            return None;
        }
        root[[j, j]] = pivot.sqrt();
        for i in j + 1..n {
            let dot: f64 = (0..j).map(|k| root[[i, k]] * root[[j, k]]).sum();
            root[[i, j]] = (a[[i, j]] - dot) / root[[j, j]];
        }
    }
    Some(root)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_factor_times_its_transpose_is_the_matrix() {
        let a = array![[4.0, 2.0, 0.5], [2.0, 5.0, 1.0], [0.5, 1.0, 3.0]];
        let root = cholesky(&a).unwrap();
        assert!((root.dot(&root.t()) - &a).iter().all(|e| e.abs() < 1e-14));
        assert!(cholesky(&array![[1.0, 1.0], [1.0, 1.0]]).is_none());
    }
}
