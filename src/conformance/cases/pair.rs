//! Distances and Gram matrices of outside cases. `cdist` follows SciPy; `pairwise_distances`, `paired_distances` and
//! kernels follow scikit-learn.

use std::borrow::Cow;

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::metric::{Metric, Table};
use crate::ops;

pub(super) fn distances(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, y) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?);
    let distances = ops::pairwise(&x, &y, &metric(case)?)?.read_blocking()?;
    Ok(vec![("D", HostArray::F32(distances))])
}

pub(super) fn paired(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, y) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?);
    let distances = ops::paired_distances(&x, &y, &metric(case)?)?.read_blocking()?;
    Ok(vec![("D", HostArray::F32(distances))])
}

/// The metric by its name, with its parameters among the attributes (one that is null keeps SciPy's default) and its table
/// among the inputs: `V`, `VI`, or `w` for weights.
pub(super) fn metric(case: &Case) -> Result<Metric> {
    let name = case.text("metric").ok_or_else(|| case.error("there is no attribute metric".to_owned()))?;
    let name = name.trim_start_matches("sk_").trim_end_matches("_distances");
    let mut metric = Metric::named(name)?;
    if case.op != "cdist" && metric.name == "cosine" {
        metric = scikit_cosine();
    }
    for (parameter, value) in &case.attributes {
        if let (Some(value), true) = (value.as_f64(), metric.parameters.iter().any(|(known, _)| known == parameter)) {
            metric = metric.with_parameter(parameter, value as f32)?;
        }
    }
    let table = if metric.table == Table::Weights { "w" } else { metric.table.name() };
    match case.optional(table)?.and_then(HostArray::into_f32) {
        Some(table) => Ok(metric.with_table(table.into_iter().collect())),
        None => Ok(metric),
    }
}

/// scikit-learn's cosine distance: 1 where a row is zero, where SciPy's is NaN.
fn scikit_cosine() -> Metric {
    Metric {
        name: Cow::Borrowed("cosine_distances"),
        finish: Cow::Borrowed(
            "if state.xx == 0.0 || state.yy == 0.0 { return 1.0 - state.dot; }
    let cosine = state.dot / (sqrt_(state.xx) * sqrt_(state.yy));
    if is_nan_(cosine) { return pair_nan(); }
    return 1.0 - clamp(cosine, -1.0, 1.0);",
        ),
        definition: |x, y, weights, parameters| 1.0 - (Metric::COSINE_SIMILARITY.definition)(x, y, weights, parameters),
        ..Metric::COSINE
    }
}

pub(super) fn gram(case: &Case, context: &Context) -> Result<Outputs> {
    let kernel = kernel(case)?;
    let (x, y) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?);
    let gram = ops::gram(&x, &y, &kernel)?.read_blocking()?;
    Ok(vec![("K", HostArray::F32(gram))])
}

/// The kernel as a text of the kernel grammar: `matern` with nu and length_scale among the attributes is
/// `matern(nu=1.5, length_scale=0.7)`; what is a formula already is taken as it is.
pub(super) fn kernel(case: &Case) -> Result<Kernel> {
    let name = case.text("kernel").ok_or_else(|| case.error("there is no attribute kernel".to_owned()))?;
    if name.contains('(') {
        return parse(case, name);
    }
    let numbers = case.attributes.iter().filter_map(|(key, value)| Some((key, value.as_f64()?)));
    let mut parameters: Vec<String> = numbers.map(|(key, value)| format!("{key}={value:e}")).collect();
    if let Some(scales) = case.optional("l")?.and_then(HostArray::into_f32) {
        let scales: Vec<String> = scales.iter().map(|scale| format!("{scale:e}")).collect();
        parameters.push(format!("length_scale=[{}]", scales.join(", ")));
    }
    parse(case, &format!("{}({})", name.trim_end_matches("_ard"), parameters.join(", ")))
}

/// A formula that the grammar does not know is unsupported, not failed.
fn parse(case: &Case, formula: &str) -> Result<Kernel> {
    formula.parse().map_err(|error: Error| match error {
        Error::Parse { message, .. } => case.unsupported(format!("kernel {formula}: {message}")),
        other => other,
    })
}
