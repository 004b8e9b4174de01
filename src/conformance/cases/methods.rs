//! Methods of outside cases: density estimation, discrepancy, random features, nearest neighbours.

use std::f64::consts::PI;

use ndarray::{ArrayD, Ix2, IxDyn, arr0};

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::methods::{self, Bandwidth, DensityKernel, Vote};

pub(super) fn log_density(case: &Case, context: &Context) -> Result<Outputs> {
    let (samples, points) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Xt")?)?);
    let kernel = density_kernel(case)?;
    let log = methods::log_density(&samples, &points, kernel, f64::from(case.needed("bandwidth")?))?.read_blocking()?;
    let offset =
        if kernel == DensityKernel::Cosine { cosine_offset(points.shape().get(1).copied().unwrap_or(0)) } else { 0.0 };
    Ok(vec![("logp", HostArray::F32(log.mapv(|log| (f64::from(log) + offset) as f32)))])
}

/// What scikit-learn's log density has besides ours under its cosine kernel: its constant leaves out the last term of
/// ∫ cos(πt/2) t^(d−1) dt, which is 0 where d is odd.
fn cosine_offset(d: usize) -> f64 {
    let (mut moment, mut term) = (0.0, 2.0 / PI);
    for k in (1..=d).step_by(2) {
        moment += term;
        term *= -((d - k) as f64) * (d as f64 - k as f64 - 1.0) * (2.0 / PI).powi(2);
    }
    let ours = DensityKernel::Cosine.log_volume(d) - DensityKernel::Tophat.log_volume(d) - (d as f64).ln();
    ours - moment.ln()
}

/// statsmodels asks of a compact kernel that a sample reaches *all* of the points that it is given at once; the others
/// are left out, and where none is left the answer is the number 0.
pub(super) fn density_1d(case: &Case, context: &Context) -> Result<Outputs> {
    let kernel = density_kernel(case)?;
    let bandwidth = case.needed("bandwidth")?;
    let (samples, points) = (case.real("x")?, case.real("grid")?);
    let samples = if kernel.is_compact() {
        let reaches = |x: f32| points.iter().all(|p| ((x - p) / bandwidth).abs() <= 1.0);
        let kept: Vec<f32> = samples.iter().copied().filter(|x| reaches(*x)).collect();
        if kept.is_empty() {
            return Ok(vec![("p", HostArray::F32(arr0(0.0).into_dyn()))]);
        }
        ArrayD::from_shape_vec(IxDyn(&[kept.len()]), kept).map_err(|error| case.error(error.to_string()))?
    } else {
        samples
    };
    let (samples, points) = (context.upload(&samples)?, context.upload(&points)?);
    let density = methods::density_1d(&samples, &points, kernel, f64::from(bandwidth))?;
    Ok(vec![("p", HostArray::F32(density.read_blocking()?))])
}

pub(super) fn gaussian_density(case: &Case, context: &Context) -> Result<Outputs> {
    let matrix = |name: &str| {
        let array = case.real(name)?.mapv(f64::from);
        array.into_dimensionality::<Ix2>().map_err(|error| case.error(error.to_string()))
    };
    let bandwidth = match (case.number("factor"), case.text("bandwidth")) {
        (Some(factor), _) => Bandwidth::Factor(factor),
        (None, Some(rule)) if rule.starts_with("silverman") => Bandwidth::Silverman,
        _ => Bandwidth::Scott,
    };
    let density = methods::gaussian_density(context, matrix("X")?.view(), matrix("Xt")?.view(), bandwidth)?;
    Ok(vec![("p", HostArray::F32(density.read_blocking()?))])
}

fn density_kernel(case: &Case) -> Result<DensityKernel> {
    DensityKernel::named(case.text("kernel").unwrap_or("gaussian"))
}

pub(super) fn discrepancy(case: &Case, context: &Context) -> Result<Outputs> {
    let kernel = super::pair::kernel(case)?;
    let (x, y) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?);
    let found = methods::mmd2_blocking(&x, &y, &kernel)?;
    let number = |value: f64| HostArray::F64(arr0(value).into_dyn());
    Ok(vec![("biased", number(found.biased)), ("unbiased", number(found.unbiased))])
}

pub(super) fn random_features(case: &Case, context: &Context) -> Result<Outputs> {
    let upload = |name: &str| context.upload(&case.real(name)?);
    let features = methods::random_features(&upload("X")?, &upload("W")?, &upload("b")?)?;
    Ok(vec![("Z", HostArray::F32(features.read_blocking()?))])
}

pub(super) fn neighbors(case: &Case, context: &Context) -> Result<Outputs> {
    let (query, train) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?);
    let found = methods::nearest_neighbors(&train, &query, &super::pair::metric(case)?, k(case))?;
    let indices = found.indices.read_blocking()?.mapv(i64::from);
    let distances = found.values.read_blocking()?;
    Ok(vec![("dist", HostArray::F32(distances)), ("idx", HostArray::I64(indices))])
}

pub(super) fn class_probabilities(case: &Case, context: &Context) -> Result<Outputs> {
    let (train, query) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Xt")?)?);
    let classes_of = case.real("y")?;
    let mut classes: Vec<f32> = classes_of.iter().copied().collect();
    classes.sort_unstable_by(f32::total_cmp);
    classes.dedup();
    let labels: Vec<usize> = classes_of.iter().map(|class| classes.partition_point(|known| known < class)).collect();
    let vote = match case.text("weights") {
        None | Some("uniform") => Vote::Uniform,
        Some("distance") => Vote::Distance,
        Some(other) => return Err(case.unsupported(format!("weights {other}"))),
    };
    let found = methods::nearest_neighbors(&train, &query, &crate::metric::Metric::EUCLIDEAN, k(case))?;
    let wide = |error: ndarray::ShapeError| case.error(error.to_string());
    let distances = found.values.read_blocking()?.into_dimensionality::<Ix2>().map_err(wide)?;
    let indices = found.indices.read_blocking()?.into_dimensionality::<Ix2>().map_err(wide)?;
    let shares = methods::class_probabilities(distances.view(), indices.view(), &labels, classes.len(), vote)?;
    Ok(vec![("proba", HostArray::F64(shares.into_dyn()))])
}

fn k(case: &Case) -> usize {
    case.number("k").unwrap_or(1.0) as usize
}
