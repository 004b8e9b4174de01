//! Autocorrelation: a signal's correlation with itself.

use super::rows::centred;
use crate::error::{Error, Result};
use crate::ops::{ConvolveOptions, correlate};
use crate::tensor::Tensor;

/// The autocorrelation of signals along their last axis, their means taken away:
/// `out[n − 1 + lag] = Σₜ (x[t + lag] − m)(x[t] − m)` for lags from −(n − 1) to n − 1.
///
/// `x` has shape `… × n`, `out` `… × 2n − 1`; the middle entry is n times the variance, and what divides by it gives
/// coefficients from −1 to 1.
///
/// # Errors
/// [`Error::ShapeMismatch`] if there is no last axis or it is empty; those of [`correlate`].
///
/// # Accuracy
/// That of [`correlate`] on what is left of `x`, whose entries are off by `(64 + ⌈n/64⌉ + 4) u max |x|` at most, u = 2⁻²⁴.
///
/// # Sources
/// statsmodels, `statsmodels.tsa.stattools.acovf`; NumPy, `numpy.correlate`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::autocorrelation;
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 3.0, 1.0, 3.0])?;
/// let y = autocorrelation(&x)?.read_blocking()?;
/// let expected = [-1.0, 2.0, -3.0, 4.0, -3.0, 2.0, -1.0];
/// assert!(y.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn autocorrelation(x: &Tensor) -> Result<Tensor> {
    let op = "autocorrelation";
    let Some(&n) = x.shape().last().filter(|n| **n > 0) else {
        return Err(Error::shape(op, format!("x has shape {:?}; its last axis must have entries", x.shape())));
    };
    let (rows, _) = centred(&x.reshape(&[x.len() / n, n])?)?;
    let rows = rows.reshape(x.shape())?;
    correlate(&rows, &rows, &ConvolveOptions { rank: Some(1), ..ConvolveOptions::default() })
}
