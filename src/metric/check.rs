//! Whether a metric can compare rows of some width.

use super::{Metric, Table, entries, fields, text};
use crate::error::{Error, Result};

/// [`Metric::check`]
pub(super) fn check(metric: &Metric, d: usize) -> Result<()> {
    let name = &metric.name;
    let entry = entries::of(metric);
    for (parameter, value) in &metric.parameters {
        let rule = entry.and_then(|entry| entry.parameters.iter().find(|(known, ..)| known == parameter));
        let least = rule.map_or(f32::NEG_INFINITY, |(_, _, least)| *least);
        if !value.is_finite() || *value <= least {
            let rule =
                if least.is_finite() { format!("must be a number above {least}") } else { "must be finite".into() };
            return refuse(format!("{name}: {parameter} = {value}"), &rule);
        }
        if !text::is_free_name(parameter) {
            return refuse(format!("{name}: parameter {parameter:?}"), "is no name that WGSL leaves free");
        }
    }
    if fields(&metric.state).is_empty() {
        return refuse(format!("{name}: state {:?}", metric.state), "must be a list like \"sum: f32, n: u32\"");
    }
    if let Some(features) = metric.features.filter(|features| *features != d) {
        return refuse(format!("{name}: rows of {d}"), &format!("must be of {features} features"));
    }
    table(metric, d)
}

/// The table against the number of features.
fn table(metric: &Metric, d: usize) -> Result<()> {
    let argument = format!("{}: {}", metric.name, metric.table.name());
    let Some(values) = &metric.weights else {
        let message = "is missing, and nothing is computed from the rows in its place: give it";
        return if metric.table.is_optional() { Ok(()) } else { refuse(argument, message) };
    };
    if metric.accumulate_weighted.is_empty() {
        return refuse(argument, "are not taken by this metric");
    }
    if values.len() != metric.table.entries(d) {
        let asked = match metric.table {
            Table::InverseCovariance => format!("must be {d} × {d} numbers; there are {}", values.len()),
            _ => format!("must be one per feature: there are {d} features and {} of them", values.len()),
        };
        return refuse(argument, &asked);
    }
    let is_wrong = |value: &f32| match metric.table {
        Table::Weights => !value.is_finite() || *value < 0.0,
        Table::Variances => !value.is_finite() || *value <= 0.0,
        Table::InverseCovariance => !value.is_finite(),
    };
    let rule = match metric.table {
        Table::Weights => "must be finite and not negative",
        Table::Variances => "must be finite and above 0",
        Table::InverseCovariance => "must be finite",
    };
    match values.iter().position(is_wrong) {
        Some(at) => refuse(format!("{argument}[{at}] = {}", values[at]), rule),
        None => Ok(()),
    }
}

fn refuse<T>(argument: String, message: &str) -> Result<T> {
    Err(Error::argument("metric", argument, message))
}
