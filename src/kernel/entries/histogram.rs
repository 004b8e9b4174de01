//! Kernels of histograms: rows at or above 0.

use super::{KernelEntry, Rule, kernels, number};
use crate::metric::statistics;

/// `Σ (x_f − y_f)²/(x_f + y_f)`, features that are 0 in both rows left out.
fn chi_square(x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        if x + y != 0.0 {
            sum += (x - y) * (x - y) / (x + y);
        }
    }
    sum
}

kernels! {
    CHI2 = KernelEntry {
        name: "chi2",
        aliases: &["chi_squared"],
        formula: "exp(−γ Σ (x_f − y_f)²/(x_f + y_f))",
        parameters: &[number("gamma", 1.0, Rule::NotNegative)],
        expression: |arguments, rows| {
            Ok((arguments.parameter("gamma", |gamma| -gamma) * rows.of(statistics::chi_square())).exp())
        },
        definition: |arguments, x, y| (-arguments.number("gamma") * chi_square(x, y)).exp(),
    };

    ADDITIVE_CHI2 = KernelEntry {
        name: "additive_chi2",
        aliases: &["additive_chi_squared"],
        formula: "−Σ (x_f − y_f)²/(x_f + y_f)",
        parameters: &[],
        expression: |_, rows| Ok(-rows.of(statistics::chi_square())),
        definition: |_, x, y| -chi_square(x, y),
    };
}
