//! Filters, deconvolution, matching, registration and resampling of outside cases.

use ndarray::{ArrayD, IxDyn};

use super::case::{Case, Outputs};
use super::convolve::boundary;
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::methods::signal::{self, Edges, FilterOptions};
use crate::tensor::Tensor;

/// `spec` is `gaussian_s<σ>_<mode>`.
pub(super) fn gaussian(case: &Case, context: &Context) -> Result<Outputs> {
    let x = upload(case, context, "x")?;
    let named = case.text("spec").and_then(|spec| spec.strip_prefix("gaussian_s")?.split('_').next()?.parse().ok());
    let sigma = match case.number("sigma").or(named) {
        Some(sigma) => vec![sigma; x.rank()],
        None => return Err(case.unsupported("a Gaussian without its sigma")),
    };
    one(signal::gaussian_filter(&x, &sigma, &filter(case)?)?)
}

/// `spec` is `uniform<size>`.
pub(super) fn uniform(case: &Case, context: &Context) -> Result<Outputs> {
    let x = upload(case, context, "x")?;
    let named = case.text("spec").and_then(|spec| spec.strip_prefix("uniform")?.split('_').next()?.parse().ok());
    let size = match case.number("size").map(|size| size as usize).or(named) {
        Some(size) => vec![size; x.rank()],
        None => return Err(case.unsupported("a uniform filter without its size")),
    };
    one(signal::uniform_filter(&x, &size, &filter(case)?)?)
}

fn filter(case: &Case) -> Result<FilterOptions> {
    let truncate = case.number("truncate").unwrap_or(4.0);
    Ok(FilterOptions { boundary: boundary(case, "mode", "cval")?, truncate, ..FilterOptions::default() })
}

pub(super) fn wiener(case: &Case, context: &Context) -> Result<Outputs> {
    let (y, psf) = (upload(case, context, "y")?, upload(case, context, "psf")?);
    let balance = case.number("balance").ok_or_else(|| case.error("there is no attribute balance".to_owned()))?;
    Ok(vec![("x", read(signal::wiener(&y, &psf, balance, Edges::Periodic)?)?)])
}

pub(super) fn richardson_lucy(case: &Case, context: &Context) -> Result<Outputs> {
    let (y, psf) = (upload(case, context, "y")?, upload(case, context, "psf")?);
    let iterations = case.needed("num_iter")? as usize;
    Ok(vec![("u", read(signal::richardson_lucy(&y, &psf, iterations)?)?)])
}

pub(super) fn matching(case: &Case, context: &Context) -> Result<Outputs> {
    if case.flag("pad_input") {
        return Err(case.unsupported("pad_input"));
    }
    let map = signal::match_template(&upload(case, context, "image")?, &upload(case, context, "template")?)?;
    let (place, _) = signal::best_match_blocking(&map)?;
    Ok(vec![("y", read(map)?), ("argmax", places(place.into_iter().map(|at| at as i64).collect()))])
}

pub(super) fn shift(case: &Case, context: &Context) -> Result<Outputs> {
    let (reference, moving) = (upload(case, context, "reference")?, upload(case, context, "moving")?);
    let shift = signal::phase_shift_blocking(&reference, &moving)?;
    Ok(vec![("shift", places(shift.into_iter().map(|at| at as i64).collect()))])
}

pub(super) fn upfirdn(case: &Case, context: &Context) -> Result<Outputs> {
    let (up, down) = (case.needed("up")? as usize, case.needed("down")? as usize);
    one(signal::upfirdn(&upload(case, context, "h")?, &upload(case, context, "x")?, up, down)?)
}

pub(super) fn autocorrelation(case: &Case, context: &Context) -> Result<Outputs> {
    one(signal::autocorrelation(&upload(case, context, "x")?)?)
}

fn upload(case: &Case, context: &Context, name: &str) -> Result<Tensor> {
    context.upload(&case.real(name)?)
}

fn read(tensor: Tensor) -> Result<HostArray> {
    Ok(HostArray::F32(tensor.read_blocking()?))
}

fn one(y: Tensor) -> Result<Outputs> {
    Ok(vec![("y", read(y)?)])
}

fn places(values: Vec<i64>) -> HostArray {
    HostArray::I64(ArrayD::from_shape_fn(IxDyn(&[values.len()]), |at| values[at[0]]))
}
