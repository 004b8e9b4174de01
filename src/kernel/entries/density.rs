//! The shapes of density estimation, u = ‖x − y‖/bandwidth, without their normalization.
//!
//! # Sources
//! scikit-learn, `sklearn.neighbors.KernelDensity`.

use std::f64::consts::FRAC_PI_2;

use super::{KernelEntry, Parameter, Rule, kernels, number};
use crate::expr::Expr;
use crate::kernel::definition::distance;
use crate::kernel::{Arguments, Statistics};
use crate::metric::Metric;

const BANDWIDTH: &[Parameter] = &[number("bandwidth", 1.0, Rule::Positive)];

fn reach(arguments: &Arguments<'_>, statistics: &mut Statistics) -> Expr {
    statistics.of(Metric::SQEUCLIDEAN).sqrt() * arguments.parameter("bandwidth", |h| 1.0 / h)
}

fn reach_in_f64(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    distance(x, y) / arguments.number("bandwidth")
}

/// 1 for u below 1, else 0; NaN for NaN, which `step` may lose.
fn inside(u: &Expr) -> Expr {
    (1.0 - u.step(1.0)) + (-u).positive_part()
}

kernels! {
    KDE_GAUSSIAN = KernelEntry {
        name: "kde_gaussian",
        aliases: &[],
        formula: "exp(−u²/2), u = ‖x − y‖/bandwidth",
        parameters: BANDWIDTH,
        expression: |arguments, statistics| {
            Ok((statistics.of(Metric::SQEUCLIDEAN) * arguments.parameter("bandwidth", |h| -0.5 / (h * h))).exp())
        },
        definition: |arguments, x, y| (-0.5 * reach_in_f64(arguments, x, y).powi(2)).exp(),
    };

    KDE_TOPHAT = KernelEntry {
        name: "kde_tophat",
        aliases: &["tophat"],
        formula: "1 for u < 1, else 0",
        parameters: BANDWIDTH,
        expression: |arguments, statistics| Ok(inside(&reach(arguments, statistics))),
        definition: |arguments, x, y| match reach_in_f64(arguments, x, y) {
            u if u.is_nan() => u,
            u => f64::from(u8::from(u < 1.0)),
        },
    };

    KDE_EPANECHNIKOV = KernelEntry {
        name: "kde_epanechnikov",
        aliases: &["epanechnikov"],
        formula: "max(0, 1 − u²)",
        parameters: BANDWIDTH,
        expression: |arguments, statistics| {
            let squared = statistics.of(Metric::SQEUCLIDEAN) * arguments.parameter("bandwidth", |h| 1.0 / (h * h));
            Ok((1.0 - squared).positive_part())
        },
        definition: |arguments, x, y| match reach_in_f64(arguments, x, y) {
            u if u >= 1.0 => 0.0,
            u => 1.0 - u * u,
        },
    };

    KDE_EXPONENTIAL = KernelEntry {
        name: "kde_exponential",
        aliases: &[],
        formula: "exp(−u)",
        parameters: BANDWIDTH,
        expression: |arguments, statistics| Ok((-reach(arguments, statistics)).exp()),
        definition: |arguments, x, y| (-reach_in_f64(arguments, x, y)).exp(),
    };

    KDE_LINEAR = KernelEntry {
        name: "kde_linear",
        aliases: &["triangle"],
        formula: "max(0, 1 − u)",
        parameters: BANDWIDTH,
        expression: |arguments, statistics| Ok((1.0 - reach(arguments, statistics)).positive_part()),
        definition: |arguments, x, y| match reach_in_f64(arguments, x, y) {
            u if u >= 1.0 => 0.0,
            u => 1.0 - u,
        },
    };

    /// As sin(π/2 (1 − u)) where u is below 1: exactly 0 at its end.
    KDE_COSINE = KernelEntry {
        name: "kde_cosine",
        aliases: &[],
        formula: "cos(πu/2) for u < 1, else 0",
        parameters: BANDWIDTH,
        expression: |arguments, statistics| {
            Ok(((1.0 - reach(arguments, statistics)).positive_part() * FRAC_PI_2).sin())
        },
        definition: |arguments, x, y| match reach_in_f64(arguments, x, y) {
            u if u >= 1.0 => 0.0,
            u => (FRAC_PI_2 * u).cos(),
        },
    };
}
