//! Kernels that oscillate.

use std::f64::consts::PI;

use super::{KernelEntry, LENGTH_SCALE, Parameter, Rule, kernels, number};
use crate::error::Result;
use crate::expr::Expr;
use crate::kernel::definition::distance;
use crate::kernel::{Arguments, Statistics};
use crate::metric::{Metric, statistics as of_rows};

const fn list(name: &'static str) -> Parameter {
    number(name, 1.0, Rule::List)
}

/// The numbers of component q of `count`: one for all features, or one for each.
fn component<'a>(arguments: &Arguments<'a>, name: &str, q: usize, count: usize) -> Result<&'a [f64]> {
    let (values, d) = (arguments.list(name), arguments.d);
    let each = if values.len() == count { 1 } else { d };
    if values.len() != count * each {
        let message = format!("must have {count} numbers, one per component, or one per component and feature");
        return Err(arguments.refuse(name, message));
    }
    Ok(&values[q * each..(q + 1) * each])
}

/// `factor · Σ v_f m_f`, m_f being the metric's term.
fn weighted(statistics: &mut Statistics, metric: fn() -> Metric, values: &[f64], factor: f64) -> Expr {
    if let [value] = values {
        return statistics.of(metric()) * Expr::parameter(factor * value);
    }
    // Weights are not negative, so numbers of either sign are two sums.
    let mut part = |sign: f64| {
        let weights: Vec<f32> = values.iter().map(|v| (sign * v).max(0.0) as f32).collect();
        weights.iter().any(|w| *w > 0.0).then(|| statistics.of(metric().with_weights(weights)) * (sign * factor))
    };
    match (part(1.0), part(-1.0)) {
        (Some(above), Some(below)) => above + below,
        (one, other) => one.or(other).unwrap_or_else(|| Expr::constant(0.0)),
    }
}

kernels! {
    EXP_SINE_SQUARED = KernelEntry {
        name: "exp_sine_squared",
        aliases: &["exp_sine", "periodic"],
        formula: "exp(−2 sin²(π‖x − y‖/p)/l²)",
        parameters: &[LENGTH_SCALE, number("periodicity", 1.0, Rule::Positive)],
        expression: |arguments, statistics| {
            let turns = arguments.parameter("periodicity", |p| PI / p);
            let sine = (statistics.of(Metric::SQEUCLIDEAN).sqrt() * turns).sin();
            Ok((arguments.parameter("length_scale", |l| -2.0 / (l * l)) * sine.powi(2)).exp())
        },
        definition: |arguments, x, y| {
            let sine = (PI * distance(x, y) / arguments.number("periodicity")).sin();
            (-2.0 * (sine / arguments.number("length_scale")).powi(2)).exp()
        },
    };

    /// Of Wilson and Adams, "Gaussian process kernels for pattern discovery and extrapolation" (2013).
    SPECTRAL_MIXTURE = KernelEntry {
        name: "spectral_mixture",
        aliases: &["sm"],
        formula: "Σ_q w_q exp(−2π² Σ (σ_qf (x_f − y_f))²) cos(2π Σ μ_qf (x_f − y_f))",
        parameters: &[list("weights"), list("means"), list("scales")],
        expression: |arguments, statistics| {
            let weights = arguments.list("weights");
            weights.iter().enumerate().try_fold(Expr::constant(0.0), |sum, (q, weight)| {
                let squares: Vec<f64> = component(arguments, "scales", q, weights.len())?.iter().map(|s| s * s).collect();
                let means = component(arguments, "means", q, weights.len())?;
                let fall = weighted(statistics, || Metric::SQEUCLIDEAN, &squares, -2.0 * PI * PI);
                let phase = weighted(statistics, of_rows::signed_difference, means, 2.0 * PI);
                Ok(sum + Expr::parameter(*weight) * fall.exp() * phase.cos())
            })
        },
        definition: |arguments, x, y| spectral_mixture(arguments, x, y).unwrap_or(f64::NAN),
    };
}

fn spectral_mixture(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> Result<f64> {
    let weights = arguments.list("weights");
    let mut total = 0.0;
    for (q, weight) in weights.iter().enumerate() {
        let (means, scales) =
            (component(arguments, "means", q, weights.len())?, component(arguments, "scales", q, weights.len())?);
        let of = |values: &[f64], f: usize| values.get(if values.len() == 1 { 0 } else { f }).copied();
        let (mut squares, mut phase) = (0.0, 0.0);
        for (f, (x, y)) in x.iter().zip(y).enumerate() {
            squares += (of(scales, f).unwrap_or(f64::NAN) * (x - y)).powi(2);
            phase += of(means, f).unwrap_or(f64::NAN) * (x - y);
        }
        total += weight * (-2.0 * PI * PI * squares).exp() * (2.0 * PI * phase).cos();
    }
    Ok(total)
}
