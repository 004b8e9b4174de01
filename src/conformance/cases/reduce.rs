//! Reductions of outside cases. The function is told by `kernel` and the length `s`, or is the squared distance.

use ndarray::ArrayD;

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{self, Extremes, ReduceOptions};
use crate::tensor::Tensor;

pub(super) fn kernel_sum(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, y) = points(case, context)?;
    let weights = context.upload(&case.real("b")?)?;
    let function = function(case, x.shape().get(1).copied().unwrap_or(0))?;
    // What cancels needs more than f32 along the sum.
    let options = ReduceOptions { compensated: true, ..ReduceOptions::default() };
    let sums = ops::pair_sum(&x, &y, &function, Some(&weights), &options)?.read_blocking()?;
    let n = sums.shape().first().copied().unwrap_or(0);
    let sums = if sums.ndim() == 1 { shaped(case, sums, &[n, 1])? } else { sums };
    Ok(vec![("a", HostArray::F32(sums))])
}

pub(super) fn log_sum_exp(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, y) = points(case, context)?;
    let bias =
        if case.text("formula").is_some_and(|formula| formula.contains("b_j")) { Some(case.real("b")?) } else { None };
    let weights = bias.map(|bias| context.upload(&bias.mapv(|b| f64::from(b).exp()))).transpose()?;
    let exponent = exponent(case)?;
    let sums = ops::log_sum_exp(&x, &y, &exponent, weights.as_ref(), &ReduceOptions::default())?.read_blocking()?;
    Ok(vec![("l", HostArray::F32(sums))])
}

pub(super) fn softmax_sum(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, y) = points(case, context)?;
    let values = context.upload(&case.real("v")?)?;
    let sums = ops::softmax_sum(&x, &y, &exponent(case)?, &values, &ReduceOptions::default())?.read_blocking()?;
    Ok(vec![("a", HostArray::F32(sums))])
}

pub(super) fn smallest(case: &Case, context: &Context) -> Result<Outputs> {
    let k = case.number("k").unwrap_or(1.0) as usize;
    let (x, y) = points(case, context)?;
    let found = ops::smallest(&x, &y, &Metric::SQEUCLIDEAN, k, &ReduceOptions::default())?;
    found_outputs(case, &found, case.op == "kmin_argkmin")
}

pub(super) fn largest(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, y) = points(case, context)?;
    let found = ops::largest(&x, &y, &Metric::SQEUCLIDEAN, 1, &ReduceOptions::default())?;
    found_outputs(case, &found, false)
}

/// Values and indices; without the last axis of one where the case asks for one each.
fn found_outputs(case: &Case, found: &Extremes, keep_axis: bool) -> Result<Outputs> {
    let (values, indices) = (found.values.read_blocking()?, found.indices.read_blocking()?.mapv(i64::from));
    let n = values.shape().first().copied().unwrap_or(0);
    if keep_axis {
        return Ok(vec![("v", HostArray::F32(values)), ("i", HostArray::I64(indices))]);
    }
    Ok(vec![("v", HostArray::F32(shaped(case, values, &[n])?)), ("i", HostArray::I64(shaped(case, indices, &[n])?))])
}

fn points(case: &Case, context: &Context) -> Result<(Tensor, Tensor)> {
    Ok((context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?))
}

/// `±‖x − y‖²/(2 s²)`
fn exponent(case: &Case) -> Result<PairFunction> {
    let s = f64::from(case.needed("s")?);
    let sign = if case.text("sign") == Some("+") { 1.0 } else { -1.0 };
    let finish = Expr::parameter(sign / (2.0 * s * s)) * Expr::variable(0);
    Ok(PairFunction { terms: vec![Metric::SQEUCLIDEAN], finish })
}

/// The function of `kernel` and `s`; one that goes by other words is asked of the kernel grammar.
fn function(case: &Case, d: usize) -> Result<PairFunction> {
    let name = case.text("kernel").unwrap_or("gaussian");
    let s = case.number("s").unwrap_or(1.0);
    let squared = || Expr::parameter(1.0 / (s * s)) * Expr::variable(0);
    let distance = |finish: Expr| Ok(PairFunction { terms: vec![Metric::EUCLIDEAN], finish });
    let finish = match name {
        "gaussian" => (-0.5 * squared()).exp(),
        "cauchy" => 1.0 / (squared() + 1.0),
        "imq" => (squared() + 1.0).rsqrt(),
        "laplacian" => return distance((Expr::parameter(-1.0 / s) * Expr::variable(0)).exp()),
        "energy" => return distance(-Expr::variable(0)),
        _ => return super::pair::kernel(case)?.pair_function(d),
    };
    Ok(PairFunction { terms: vec![Metric::SQEUCLIDEAN], finish })
}

/// The same entries in another shape.
pub(super) fn shaped<T>(case: &Case, array: ArrayD<T>, shape: &[usize]) -> Result<ArrayD<T>> {
    array.into_shape_with_order(shape).map_err(|error| case.error(error.to_string()))
}
