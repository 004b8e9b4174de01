//! Products over the features of kernels on the unit interval, for lattices and digital nets.
//!
//! # Sources
//! Dick, Kuo and Sloan, "High-dimensional integration: the quasi-Monte Carlo way", Acta Numerica 22 (2013); Dick and
//! Pillichshammer, *Digital Nets and Sequences*, ch. 12 and 14; Sorokin, "A unified implementation of quasi-Monte Carlo
//! generators, randomization routines, and fast kernel methods" (2025).

use super::{KernelEntry, Parameter, Rule, kernels, number};
use crate::error::Result;
use crate::expr::Expr;
use crate::kernel::{Argument, Arguments, Statistics};
use crate::metric::{Metric, statistics as of_rows};

const WEIGHT: Parameter = number("gamma", 1.0, Rule::NotNegativePerFeature);
const ORDER: Parameter = number("order", 1.0, Rule::Whole(1, 3));

/// The product that `metric` makes of gamma: of one number, or of 1 with one weight per feature.
fn product(arguments: &Arguments<'_>, statistics: &mut Statistics, metric: impl Fn(f32) -> Metric) -> Result<Expr> {
    let metric = match arguments.given("gamma") {
        Some(Argument::List(_)) => metric(1.0),
        _ => metric(arguments.number("gamma") as f32),
    };
    Ok(statistics.weighted(metric, arguments, "gamma", |gamma| gamma)? + 1.0)
}

fn product_in_f64(arguments: &Arguments<'_>, x: &[f64], y: &[f64], metric: impl Fn(f32) -> Metric) -> f64 {
    let gamma: Vec<f64> = (0..x.len()).map(|f| arguments.of_feature("gamma", f)).collect();
    1.0 + (metric(1.0).definition)(x, y, &gamma, &[1.0])
}

fn order(arguments: &Arguments<'_>) -> u32 {
    arguments.number("order") as u32
}

kernels! {
    /// Shift-invariant modulo 1, periodic.
    BERNOULLI = KernelEntry {
        name: "bernoulli",
        aliases: &["shift_invariant", "korobov"],
        formula: "Π (1 + γ_f (−1)^(α+1) (2π)^(2α)/(2α)! B_2α({x_f − y_f})), order α",
        parameters: &[ORDER, WEIGHT],
        expression: |arguments, statistics| {
            product(arguments, statistics, |gamma| of_rows::bernoulli_product(order(arguments), gamma))
        },
        definition: |arguments, x, y| {
            product_in_f64(arguments, x, y, |gamma| of_rows::bernoulli_product(order(arguments), gamma))
        },
    };

    /// Invariant under digital shifts in base 2; ω_α is Σ_{k > 0} 2^(−μ_α(k)) wal_k, for α = 1 scaled to 1 at 0.
    WALSH = KernelEntry {
        name: "walsh",
        aliases: &["digitally_shift_invariant", "digital_shift_invariant"],
        formula: "Π (1 + γ_f ω_α(x_f ⊖ y_f)), order α, ⊖ digit by digit in base 2",
        parameters: &[ORDER, WEIGHT],
        expression: |arguments, statistics| {
            product(arguments, statistics, |gamma| of_rows::walsh_product(order(arguments), gamma))
        },
        definition: |arguments, x, y| {
            product_in_f64(arguments, x, y, |gamma| of_rows::walsh_product(order(arguments), gamma))
        },
    };

    /// Of the unanchored space of mixed first derivatives on the unit cube.
    SOBOLEV = KernelEntry {
        name: "sobolev",
        aliases: &["unanchored_sobolev"],
        formula: "Π (1 + γ_f (½ B₂(|x_f − y_f|) + (x_f − ½)(y_f − ½)))",
        parameters: &[WEIGHT],
        expression: |arguments, statistics| product(arguments, statistics, of_rows::sobolev_product),
        definition: |arguments, x, y| product_in_f64(arguments, x, y, of_rows::sobolev_product),
    };
}
