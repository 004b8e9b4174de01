//! Radial functions of interpolation: splines, energy, and functions of compact support.
//!
//! # Sources
//! Wendland, *Scattered Data Approximation*, ch. 8 and 9; SciPy, `RBFInterpolator`, for the signs, which make a spline
//! conditionally positive definite.

use super::{KernelEntry, LENGTH_SCALE, LENGTH_SCALES, Rule, kernels, number};
use crate::expr::Expr;
use crate::kernel::Arguments;
use crate::kernel::definition::{distance, scaled_distance};
use crate::metric::Metric;

/// Below this r² ln r² counts as 0.
const SMALLEST: f64 = 1e-30;

/// The sign with which a polyharmonic spline is conditionally positive definite.
fn sign(degree: f64) -> f64 {
    let half = (degree / 2.0).ceil() + if degree % 2.0 == 0.0 { 1.0 } else { 0.0 };
    if half % 2.0 == 0.0 { 1.0 } else { -1.0 }
}

/// The power of 1 − r, and the polynomial's coefficients from the constant on.
fn wendland(arguments: &Arguments<'_>) -> (f64, Vec<f64>) {
    let q = arguments.number("q");
    let j = (arguments.d as f64 / 2.0).floor() + q + 1.0;
    let coefficients = match q {
        0.0 => vec![1.0],
        1.0 => vec![1.0, j + 1.0],
        2.0 => vec![1.0, j + 2.0, (j * j + 4.0 * j + 3.0) / 3.0],
        _ => vec![1.0, j + 3.0, (6.0 * j * j + 36.0 * j + 45.0) / 15.0, (j * (j * (j + 9.0) + 23.0) + 15.0) / 15.0],
    };
    (j + q, coefficients)
}

kernels! {
    THIN_PLATE = KernelEntry {
        name: "thin_plate",
        aliases: &["thin_plate_spline"],
        formula: "r² ln r, r = ‖x − y‖/l",
        parameters: &[LENGTH_SCALE],
        expression: |arguments, statistics| {
            let squared = statistics.scaled_squares(arguments, "length_scale", 1.0)?;
            Ok(&squared * squared.max(SMALLEST).log() * 0.5)
        },
        definition: |arguments, x, y| {
            let r = scaled_distance(arguments, x, y);
            if r == 0.0 { 0.0 } else { r * r * r.ln() }
        },
    };

    POLYHARMONIC = KernelEntry {
        name: "polyharmonic",
        aliases: &["polyharmonic_spline"],
        formula: "±r^k for odd k, ±r^k ln r for even k, r = ‖x − y‖/l",
        parameters: &[number("degree", 3.0, Rule::Whole(1, 16)), LENGTH_SCALE],
        expression: |arguments, statistics| {
            let degree = arguments.number("degree");
            let squared = statistics.scaled_squares(arguments, "length_scale", 1.0)?;
            let power = squared.pow(degree / 2.0) * sign(degree);
            Ok(if degree % 2.0 == 0.0 { power * squared.max(SMALLEST).log() * 0.5 } else { power })
        },
        definition: |arguments, x, y| {
            let (r, degree) = (scaled_distance(arguments, x, y), arguments.number("degree"));
            let logarithm = if degree % 2.0 == 1.0 || r == 0.0 { 1.0 } else { r.ln() };
            sign(degree) * r.powf(degree) * logarithm
        },
    };

    ENERGY = KernelEntry {
        name: "energy",
        aliases: &["energy_distance"],
        formula: "−‖x − y‖",
        parameters: &[],
        expression: |_, statistics| Ok(-statistics.of(Metric::EUCLIDEAN)),
        definition: |_, x, y| -distance(x, y),
    };

    /// With 2q continuous derivatives, positive definite for the number of features that it sees; j = ⌊d/2⌋ + q + 1.
    WENDLAND = KernelEntry {
        name: "wendland",
        aliases: &["piecewise_polynomial"],
        formula: "max(0, 1 − r)^(j + q) times a polynomial of degree q, r = ‖(x − y)/l‖",
        parameters: &[LENGTH_SCALES, number("q", 1.0, Rule::Whole(0, 3))],
        expression: |arguments, statistics| {
            let (power, coefficients) = wendland(arguments);
            let near = (1.0 - statistics.scaled_distance(arguments, "length_scale", 1.0)?).positive_part();
            // Not r itself, which may be infinite.
            let r = 1.0 - &near;
            let polynomial = coefficients.iter().rev().fold(Expr::constant(0.0), |sum, c| sum * &r + *c);
            Ok(near.pow(if power <= 64.0 { Expr::constant(power) } else { Expr::parameter(power) }) * polynomial)
        },
        definition: |arguments, x, y| {
            let (power, coefficients) = wendland(arguments);
            let r = scaled_distance(arguments, x, y);
            let polynomial = coefficients.iter().rev().fold(0.0, |sum, c| sum * r + c);
            if r >= 1.0 { 0.0 } else { (1.0 - r).powf(power) * polynomial }
        },
    };
}
