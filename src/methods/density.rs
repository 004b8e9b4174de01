//! Kernel density estimation: averages of bumps around the samples.

use std::f64::consts::PI;

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{ReduceOptions, entrywise, log_sum_exp, pair_mean, pair_sum};
use crate::tensor::Tensor;

/// The bump around a sample, as a function of t = ‖x − xᵢ‖/h; scikit-learn's names, and statsmodels' for the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DensityKernel {
    /// exp(−t²/2)
    Gaussian,
    /// 1 for t < 1
    Tophat,
    /// 1 − t² for t < 1
    Epanechnikov,
    /// exp(−t)
    Exponential,
    /// 1 − t for t < 1; the triangle in one dimension
    Linear,
    /// cos(πt/2) for t < 1
    Cosine,
    /// (1 − t²)² for t < 1
    Biweight,
    /// (1 − t²)³ for t < 1
    Triweight,
}

impl DensityKernel {
    /// The kernel of this name, scikit-learn's or statsmodels'.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        const NAMES: [(&str, DensityKernel); 15] = [
            ("gaussian", DensityKernel::Gaussian),
            ("gau", DensityKernel::Gaussian),
            ("tophat", DensityKernel::Tophat),
            ("uni", DensityKernel::Tophat),
            ("epanechnikov", DensityKernel::Epanechnikov),
            ("epa", DensityKernel::Epanechnikov),
            ("exponential", DensityKernel::Exponential),
            ("linear", DensityKernel::Linear),
            ("tri", DensityKernel::Linear),
            ("cosine", DensityKernel::Cosine),
            ("cos", DensityKernel::Cosine),
            ("biweight", DensityKernel::Biweight),
            ("biw", DensityKernel::Biweight),
            ("triweight", DensityKernel::Triweight),
            ("triw", DensityKernel::Triweight),
        ];
        let wanted = name.trim().to_lowercase();
        let found = NAMES.iter().find(|(known, _)| *known == wanted);
        found
            .map(|(_, kernel)| *kernel)
            .ok_or_else(|| Error::unknown("density kernel", name, NAMES.iter().map(|(known, _)| *known)))
    }

    /// Whether the bump ends at t = 1.
    pub fn is_compact(self) -> bool {
        !matches!(self, Self::Gaussian | Self::Exponential)
    }

    /// ln ∫ bump(‖x‖) over d dimensions, at bandwidth 1.
    pub(crate) fn log_volume(self, d: usize) -> f64 {
        let n = d as f64;
        // With B the volume of the unit ball: ∫ f(‖x‖) = d B ∫ f(t) t^(d−1) dt.
        let radial = |integral: f64| (n * integral).ln();
        match self {
            Self::Gaussian => 0.5 * n * (2.0 * PI).ln(),
            Self::Exponential => log_ball(d) + log_gamma_of_half(2 * d + 2),
            Self::Tophat => log_ball(d),
            Self::Epanechnikov => log_ball(d) + (2.0 / (n + 2.0)).ln(),
            Self::Linear => log_ball(d) - (n + 1.0).ln(),
            Self::Biweight => log_ball(d) + (8.0 / ((n + 2.0) * (n + 4.0))).ln(),
            Self::Triweight => log_ball(d) + (48.0 / ((n + 2.0) * (n + 4.0) * (n + 6.0))).ln(),
            Self::Cosine => log_ball(d) + radial(cosine_moment(d)),
        }
    }

    /// The bump over the distance r, for a bandwidth.
    fn bump(self, bandwidth: f64) -> PairFunction {
        let t = Expr::variable(0) / Expr::parameter(bandwidth);
        let parabola = || (1.0 - t.powi(2)).max(0.0);
        let finish = match self {
            Self::Gaussian => (-0.5 * t.powi(2)).exp(),
            Self::Exponential => (-&t).exp(),
            Self::Tophat => 1.0 - t.step(1.0),
            Self::Epanechnikov => parabola(),
            Self::Linear => (1.0 - &t).max(0.0),
            // cos(πt/2), where it is near 0 as exact as t itself.
            Self::Cosine => ((1.0 - &t).max(0.0) * (0.5 * PI)).sin(),
            Self::Biweight => parabola().powi(2),
            Self::Triweight => parabola().powi(3),
        };
        PairFunction { terms: vec![Metric::EUCLIDEAN], finish }
    }
}

/// The logarithm of the kernel density estimate of `samples`, at the rows of `points`.
///
/// `out[i] = log (1/(m hᵈ V)) Σⱼ bump(‖points[i] − samples[j]‖ / h)`, with `samples` of shape `m × d`, `points` of shape
/// `n × d`, `out` of shape `n`, h the bandwidth and V the integral of the bump. Where no sample is in reach it is −∞;
/// the Gaussian and the exponential bump reach everywhere, because their logarithms are what is summed. Every density
/// integrates to 1; scikit-learn's cosine in an even number of dimensions does not, because its constant lacks a term.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the shapes do not fit; [`Error::InvalidArgument`] if the bandwidth is not above 0 or there
/// are no samples; the device's errors.
///
/// # Accuracy
/// That of [`log_sum_exp`](crate::log_sum_exp), and 2u of the value; for the bumps that end, the relative error of
/// [`pair_sum`](crate::pair_sum) and 4u, u = 2⁻²⁴.
///
/// # Sources
/// scikit-learn, `sklearn.neighbors.KernelDensity`; Silverman, *Density Estimation for Statistics and Data Analysis*,
/// 1986.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::{DensityKernel, log_density};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let samples = context.upload(&array![[0.0], [2.0]])?;
/// let points = context.upload(&array![[0.5], [9.0]])?;
/// let log = log_density(&samples, &points, DensityKernel::Tophat, 1.0)?.read_blocking()?;
/// assert!((log[[0]] - 0.25f32.ln()).abs() < 1e-6); // one of two samples, spread over a length of 2
/// assert_eq!(log[[1]], f32::NEG_INFINITY);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn log_density(samples: &Tensor, points: &Tensor, kernel: DensityKernel, bandwidth: f64) -> Result<Tensor> {
    let op = "log_density";
    let (m, d) = sampled(op, samples, bandwidth)?;
    let log_scale = -(m as f64).ln() - kernel.log_volume(d) - d as f64 * bandwidth.ln();
    let options = ReduceOptions::default();
    let bump = kernel.bump(bandwidth);
    if kernel.is_compact() {
        let sums = pair_sum(points, samples, &bump, None, &options)?;
        return entrywise::map(op, &sums, |sum| sum.log() + Expr::parameter(log_scale));
    }
    let t = Expr::variable(0) / Expr::parameter(bandwidth);
    let exponent = if kernel == DensityKernel::Gaussian { -0.5 * t.powi(2) } else { -t };
    let sums = log_sum_exp(points, samples, &PairFunction { finish: exponent, ..bump }, None, &options)?;
    entrywise::map(op, &sums, |sum| sum + Expr::parameter(log_scale))
}

/// The kernel density estimate of numbers, at other numbers.
///
/// `out[i] = (1/(m h V)) Σⱼ bump(|points[i] − samples[j]| / h)`, with `samples` of shape `m` and `points` and `out` of
/// shape `n`, as statsmodels has it.
///
/// # Errors
/// As [`log_density`].
///
/// # Accuracy
/// The relative error of [`pair_mean`](crate::pair_mean), and 2u, u = 2⁻²⁴.
///
/// # Sources
/// statsmodels, `statsmodels.nonparametric.kde.KDEUnivariate`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::{DensityKernel, density_1d};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let samples = context.upload(&array![0.0, 2.0])?;
/// let points = context.upload(&array![0.0, 1.0])?;
/// let density = density_1d(&samples, &points, DensityKernel::Epanechnikov, 2.0)?.read_blocking()?;
/// assert!((density[[1]] - 0.75 * 0.75 / 2.0).abs() < 1e-6);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn density_1d(samples: &Tensor, points: &Tensor, kernel: DensityKernel, bandwidth: f64) -> Result<Tensor> {
    let op = "density_1d";
    let column = |name: &str, t: &Tensor| match *t.shape() {
        [n] => t.reshape(&[n, 1]),
        _ => Err(Error::shape(op, format!("{name} has shape {:?}; it must be a vector", t.shape()))),
    };
    let (samples, points) = (column("samples", samples)?, column("points", points)?);
    sampled(op, &samples, bandwidth)?;
    let scale = (-kernel.log_volume(1)).exp() / bandwidth;
    let PairFunction { terms, finish } = kernel.bump(bandwidth);
    let density = PairFunction { terms, finish: Expr::parameter(scale) * finish };
    pair_mean(&points, &samples, &density, None, &ReduceOptions::default())
}

/// Rows and columns of samples that a density can be made of.
fn sampled(op: &'static str, samples: &Tensor, bandwidth: f64) -> Result<(usize, usize)> {
    if !(bandwidth.is_finite() && bandwidth > 0.0) {
        return Err(Error::argument(op, format!("bandwidth {bandwidth}"), "must be above 0"));
    }
    match *samples.shape() {
        [m, d] if m > 0 && d > 0 => Ok((m, d)),
        [_, _] => Err(Error::argument(op, format!("samples of shape {:?}", samples.shape()), "have no density")),
        _ => Err(Error::shape(op, format!("samples have shape {:?}; they must be a matrix", samples.shape()))),
    }
}

/// ln of the volume of the unit ball in d dimensions.
fn log_ball(d: usize) -> f64 {
    0.5 * d as f64 * PI.ln() - log_gamma_of_half(d + 2)
}

/// ln Γ(twice / 2), by its recurrence from Γ(1/2) = √π or Γ(1) = 1.
fn log_gamma_of_half(twice: usize) -> f64 {
    let (first, start) = if twice.is_multiple_of(2) { (2, 0.0) } else { (1, 0.5 * PI.ln()) };
    (first..twice).step_by(2).fold(start, |sum, k| sum + (k as f64 / 2.0).ln())
}

/// ∫ cos(πt/2) t^(d−1) dt from 0 to 1, by its power series, whose terms fall off however large d is.
fn cosine_moment(d: usize) -> f64 {
    let mut term = 1.0;
    (0..30u32).fold(0.0, |sum, k| {
        let own = term / (d as f64 + 2.0 * f64::from(k));
        let next = 2.0 * f64::from(k) + 1.0;
        term *= -(0.25 * PI * PI) / (next * (next + 1.0));
        sum + own
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALL: [DensityKernel; 8] = [
        DensityKernel::Gaussian,
        DensityKernel::Tophat,
        DensityKernel::Epanechnikov,
        DensityKernel::Exponential,
        DensityKernel::Linear,
        DensityKernel::Cosine,
        DensityKernel::Biweight,
        DensityKernel::Triweight,
    ];

    /// d B ∫ bump(t) t^(d−1) dt by Simpson's rule.
    #[test]
    fn the_volumes_are_the_integrals_of_the_bumps() {
        for kernel in ALL {
            for d in [1usize, 2, 3, 7] {
                let bump = kernel.bump(1.0);
                let end = if kernel.is_compact() { 1.0 } else { 60.0 };
                let steps = 60_000;
                let h = end / f64::from(steps);
                let value = |k: i32| {
                    let t = f64::from(k) * h;
                    // The value at the very edge is the limit from inside.
                    let at = if k == steps && kernel.is_compact() { t - 1e-12 } else { t };
                    bump.finish.evaluate(&[at]) * t.powi(d as i32 - 1)
                };
                let sum: f64 = (0..=steps)
                    .map(|k| value(k) * if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) })
                    .sum();
                let integral = d as f64 * log_ball(d).exp() * sum * h / 3.0;
                let closed = kernel.log_volume(d).exp();
                assert!((integral / closed - 1.0).abs() < 1e-8, "{kernel:?} in {d}: {integral} and {closed}");
            }
        }
    }

    #[test]
    fn many_dimensions_stay_finite() {
        for kernel in ALL {
            assert!(kernel.log_volume(4096).is_finite(), "{kernel:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_others() {
        assert_eq!(DensityKernel::named("Tophat").ok(), Some(DensityKernel::Tophat));
        assert_eq!(DensityKernel::named("biw").ok(), Some(DensityKernel::Biweight));
        assert!(DensityKernel::named("gausian").unwrap_err().to_string().contains("gaussian"));
    }
}
