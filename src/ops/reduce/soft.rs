//! Reductions under an exponential: the maximum is taken out first, so that nothing overflows.

use super::ReduceOptions;
use super::arguments::Arguments;
use crate::error::{Error, Result};
use crate::kernel::PairSource;
use crate::tensor::{Real, Tensor};
use crate::work::Reduction;

/// The logarithm of a sum of exponentials of a metric's or kernel's values.
///
/// `out[i] = log Σⱼ v[j] exp f(x[i], y[j])`, with `x` of shape `… × n × d`, `y` of shape `… × m × d`, weights `v` ≥ 0 of
/// shape `… × m` or `… × m × 1` (all ones where it is `None`) and `out` of shape `… × n`. Over nothing, or where all
/// weights are 0, it is −∞. A pair of weight 0 is left out, whatever its value.
///
/// # Errors
/// As [`pair_sum`](crate::pair_sum); [`Error::ShapeMismatch`] if `v` has more than one column.
///
/// # Accuracy
/// u = 2⁻²⁴, δⱼ the bound of f(xᵢ, yⱼ), pⱼ its soft-max weight, M the largest f: within
/// `log Σⱼ pⱼ exp δⱼ + (64 + 5 ⌈m/64⌉ + 28) u + 2u Σⱼ pⱼ |f − M| + 3u |log Σⱼ exp(f − M)| + u |out|`, to first order.
///
/// # Sources
/// Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41,
/// 2021.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, ReduceOptions, log_sum_exp};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[300.0], [1.0]])?;
/// let y = context.upload(&array![[1.0], [1.0]])?;
/// let sums = log_sum_exp(&x, &y, &Kernel::linear(), None, &ReduceOptions::default())?.read_blocking()?;
/// assert!((sums[[0]] - (300.0 + 2f32.ln())).abs() < 1e-4); // exp(300) alone would overflow
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn log_sum_exp<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    v: Option<&Tensor>,
    options: &ReduceOptions,
) -> Result<Tensor> {
    let op = "log_sum_exp";
    let mut arguments = Arguments::of(op, x, y, v)?;
    if let Some(columns) = arguments.columns.filter(|columns| *columns != 1) {
        return Err(Error::shape(op, format!("v has {columns} columns; the weights are one")));
    }
    arguments.columns = None;
    arguments.rows(f, Reduction::LogSumExp { values: v.is_some() }, options)
}

/// Averages of the rows of `v`, weighted by the soft-max of a metric's or kernel's values: attention without its matrix.
///
/// `out[i, c] = Σⱼ exp(f(x[i], y[j])) v[j, c] / Σⱼ exp f(x[i], y[j])`, shapes as in [`pair_sum`](crate::pair_sum). A row
/// that meets nothing is 0.
///
/// # Errors
/// As [`pair_sum`](crate::pair_sum).
///
/// # Accuracy
/// u = 2⁻²⁴, pⱼ the soft-max weight of j, εⱼ = exp δⱼ − 1 + 2u |f − max f| + (64 + 5 ⌈m/64⌉ + 31) u its relative error,
/// δⱼ the bound of f(xᵢ, yⱼ): within `Σⱼ pⱼ εⱼ |vⱼ| + |out| Σⱼ pⱼ εⱼ + 5u |out|`, to first order.
///
/// # Sources
/// As [`log_sum_exp`].
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, ReduceOptions, softmax_sum};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0]])?;
/// let y = context.upload(&array![[90.0], [0.0], [90.0]])?;
/// let v = context.upload(&array![[1.0, 0.0], [0.0, 3.0], [5.0, 0.0]])?;
/// let out = softmax_sum(&x, &y, &Kernel::linear(), &v, &ReduceOptions::default())?.read_blocking()?;
/// let want = array![[2.0_f32, 1.0], [3.0, 0.0]];
/// assert!(out.iter().zip(&want).all(|(out, want)| (out - want).abs() < 1e-5));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn softmax_sum<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    v: &Tensor,
    options: &ReduceOptions,
) -> Result<Tensor> {
    let arguments = Arguments::of("softmax_sum", x, y, Some(v))?;
    arguments.rows(f, Reduction::SoftmaxSum, options)
}
