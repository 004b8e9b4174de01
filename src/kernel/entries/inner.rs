//! Kernels of the inner product, and those that see no distance at all.

use super::{GAMMA, KernelEntry, Parameter, Rule, kernels, number};
use crate::expr::Expr;
use crate::kernel::definition::dot;
use crate::metric::{Metric, statistics};

const COEF0: Parameter = number("coef0", 1.0, Rule::Finite);

kernels! {
    LINEAR = KernelEntry {
        name: "linear",
        aliases: &[],
        formula: "⟨x, y⟩",
        parameters: &[],
        expression: |_, statistics| Ok(statistics.of(Metric::INNER_PRODUCT)),
        definition: |_, x, y| dot(x, y),
    };

    /// A whole degree up to 64 is part of the shader, any other is a number in the uniform.
    POLYNOMIAL = KernelEntry {
        name: "polynomial",
        aliases: &["poly"],
        formula: "(γ⟨x, y⟩ + coef0)^degree",
        parameters: &[number("degree", 3.0, Rule::NotNegative), GAMMA, COEF0],
        expression: |arguments, statistics| {
            let gamma = Expr::parameter(arguments.number_or_inverse_d("gamma"));
            let base = gamma * statistics.of(Metric::INNER_PRODUCT) + arguments.parameter("coef0", |c| c);
            let degree = arguments.number("degree");
            let whole = degree.fract() == 0.0 && degree <= 64.0;
            Ok(base.pow(if whole { Expr::constant(degree) } else { Expr::parameter(degree) }))
        },
        definition: |arguments, x, y| {
            let gamma = arguments.number_or_inverse_d("gamma");
            (gamma * dot(x, y) + arguments.number("coef0")).powf(arguments.number("degree"))
        },
    };

    SIGMOID = KernelEntry {
        name: "sigmoid",
        aliases: &["tanh"],
        formula: "tanh(γ⟨x, y⟩ + coef0)",
        parameters: &[Parameter { rule: Rule::Finite, ..GAMMA }, COEF0],
        expression: |arguments, statistics| {
            let gamma = Expr::parameter(arguments.number_or_inverse_d("gamma"));
            Ok((gamma * statistics.of(Metric::INNER_PRODUCT) + arguments.parameter("coef0", |c| c)).tanh())
        },
        definition: |arguments, x, y| {
            (arguments.number_or_inverse_d("gamma") * dot(x, y) + arguments.number("coef0")).tanh()
        },
    };

    COSINE = KernelEntry {
        name: "cosine",
        aliases: &["cosine_similarity"],
        formula: "⟨x, y⟩/(‖x‖‖y‖), 0 where a row is zero",
        parameters: &[],
        expression: |_, statistics| Ok(statistics.of(Metric::COSINE_SIMILARITY)),
        definition: |_, x, y| {
            // scikit-learn divides a zero row by 1.
            let norm = |row: &[f64]| Some(dot(row, row).sqrt()).filter(|norm| *norm != 0.0).unwrap_or(1.0);
            dot(x, y) / (norm(x) * norm(y))
        },
    };

    DOT_PRODUCT = KernelEntry {
        name: "dot_product",
        aliases: &[],
        formula: "σ₀² + ⟨x, y⟩",
        parameters: &[number("sigma_0", 1.0, Rule::NotNegative)],
        expression: |arguments, statistics| {
            Ok(statistics.of(Metric::INNER_PRODUCT) + arguments.parameter("sigma_0", |s| s * s))
        },
        definition: |arguments, x, y| arguments.number("sigma_0").powi(2) + dot(x, y),
    };

    CONSTANT = KernelEntry {
        name: "constant",
        aliases: &["constant_kernel"],
        formula: "the same number for every pair",
        parameters: &[number("constant_value", 1.0, Rule::NotNegative)],
        expression: |arguments, _| Ok(arguments.parameter("constant_value", |c| c)),
        definition: |arguments, _, _| arguments.number("constant_value"),
    };

    /// Two rows with the same numbers are the same here, whichever matrix they are from.
    WHITE = KernelEntry {
        name: "white",
        aliases: &["white_kernel"],
        formula: "noise_level where the rows are equal, else 0",
        parameters: &[number("noise_level", 1.0, Rule::NotNegative)],
        expression: |arguments, statistics| {
            Ok((1.0 - statistics.of(statistics::differs())) * arguments.parameter("noise_level", |s| s))
        },
        definition: |arguments, x, y| if x == y { arguments.number("noise_level") } else { 0.0 },
    };
}
