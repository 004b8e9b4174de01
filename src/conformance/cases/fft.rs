//! Fourier transforms of outside cases: `axes` or `axis`, `n`, `norm`, `direction`; NumPy's meaning of each.

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops::{self, DctOptions, FftOptions, Norm};
use crate::work::TransformType;

pub(super) fn forward(case: &Case, context: &Context) -> Result<Outputs> {
    if case.text("direction") == Some("inverse") {
        return inverse(case, context);
    }
    let x = case.complex("x")?;
    let options = options(case, x.ndim())?;
    let y = ops::fft(&context.upload(&x)?, &options)?.read_blocking()?;
    Ok(vec![("y", HostArray::Complex32(y))])
}

pub(super) fn inverse(case: &Case, context: &Context) -> Result<Outputs> {
    let x = case.complex("x")?;
    let options = options(case, x.ndim())?;
    let y = ops::ifft(&context.upload(&x)?, &options)?.read_blocking()?;
    Ok(vec![("y", HostArray::Complex32(y))])
}

pub(super) fn real_forward(case: &Case, context: &Context) -> Result<Outputs> {
    let x = case.real("x")?;
    let mut options = options(case, x.ndim())?;
    if case.op == "rfft2" && options.axes.is_none() {
        options.axes = Some((x.ndim().saturating_sub(2)..x.ndim()).collect());
    }
    let y = ops::rfft(&context.upload(&x)?, &options)?.read_blocking()?;
    Ok(vec![("y", HostArray::Complex32(y))])
}

pub(super) fn real_inverse(case: &Case, context: &Context) -> Result<Outputs> {
    let x = case.complex("x")?;
    let y = ops::irfft(&context.upload(&x)?, &options(case, x.ndim())?)?.read_blocking()?;
    Ok(vec![("y", HostArray::F32(y))])
}

/// `type` 1 to 4.
pub(super) fn cosine(case: &Case, context: &Context) -> Result<Outputs> {
    let x = case.real("x")?;
    let FftOptions { axes, lengths, norm } = options(case, x.ndim())?;
    let kind = match case.number("type") {
        Some(1.0) => TransformType::I,
        None | Some(2.0) => TransformType::II,
        Some(3.0) => TransformType::III,
        Some(4.0) => TransformType::IV,
        Some(other) => return Err(case.unsupported(format!("type {other}"))),
    };
    let options = DctOptions { kind, axes, lengths, norm, orthogonalize: None };
    let y = ops::dct(&context.upload(&x)?, &options)?.read_blocking()?;
    Ok(vec![("y", HostArray::F32(y))])
}

fn options(case: &Case, rank: usize) -> Result<FftOptions> {
    let axes = match case.indices("axes", rank)? {
        Some(axes) => Some(axes),
        None => case.indices("axis", rank)?,
    };
    let norm = match case.text("norm") {
        None | Some("backward") => Norm::Backward,
        Some("ortho") => Norm::Ortho,
        Some("forward") => Norm::Forward,
        Some(other) => return Err(case.unsupported(format!("norm {other}"))),
    };
    Ok(FftOptions { axes, lengths: case.indices("n", rank)?, norm })
}
