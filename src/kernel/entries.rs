//! The named kernels.
//!
//! Parameters become numbers of the uniform after what can be done with them in f64 has been done (1/(2l²), say), so
//! that each is rounded once and changing one needs no new pipeline.
//!
//! # Accuracy
//! Every kernel's bound is its statistics' bounds carried through its expression
//! ([`Expr::evaluate_with_bound`](crate::Expr::evaluate_with_bound)): an argument of `exp` far from 0 turns its
//! relative error into an absolute one, which is most of a distant pair's error.
//! # Sources
//! scikit-learn, `sklearn.metrics.pairwise` and `sklearn.gaussian_process.kernels`; Rasmussen and Williams, *Gaussian
//! Processes for Machine Learning*, ch. 4.

use super::definition;
use super::entry::{Argument, KernelEntry, Parameter, Rule};
use crate::error::Error;
use crate::expr::Expr;
use crate::metric::Metric;

/// Every entry, in the order in which they are listed.
pub(super) static ALL: [&KernelEntry; 12] = [
    &LINEAR,
    &POLYNOMIAL,
    &RBF,
    &LAPLACIAN,
    &SIGMOID,
    &MATERN,
    &RATIONAL_QUADRATIC,
    &EXPONENTIAL,
    &EXP_SINE_SQUARED,
    &COSINE,
    &DOT_PRODUCT,
    &CONSTANT,
];

const GAMMA: Parameter = Parameter { name: "gamma", default: None, rule: Rule::NotNegative };
const COEF0: Parameter = Parameter { name: "coef0", default: Some(1.0), rule: Rule::Finite };
const LENGTH_SCALE: Parameter = Parameter { name: "length_scale", default: Some(1.0), rule: Rule::Positive };
const LENGTH_SCALES: Parameter = Parameter { rule: Rule::PositivePerFeature, ..LENGTH_SCALE };

/// `⟨x, y⟩`
pub(super) static LINEAR: KernelEntry = KernelEntry {
    name: "linear",
    aliases: &[],
    parameters: &[],
    expression: |_, statistics| Ok(statistics.of(Metric::INNER_PRODUCT)),
    definition: definition::linear,
};

/// `(γ⟨x, y⟩ + coef0)^degree`. A whole degree up to 64 is part of the shader, any other is a number in the uniform.
pub(super) static POLYNOMIAL: KernelEntry = KernelEntry {
    name: "polynomial",
    aliases: &["poly"],
    parameters: &[Parameter { name: "degree", default: Some(3.0), rule: Rule::NotNegative }, GAMMA, COEF0],
    expression: |arguments, statistics| {
        let gamma = Expr::parameter(arguments.number_or_inverse_d("gamma"));
        let base = gamma * statistics.of(Metric::INNER_PRODUCT) + arguments.parameter("coef0", |c| c);
        let degree = arguments.number("degree");
        let whole = degree.fract() == 0.0 && degree <= 64.0;
        Ok(base.pow(if whole { Expr::constant(degree) } else { Expr::parameter(degree) }))
    },
    definition: definition::polynomial,
};

/// `exp(−γ‖x − y‖²)`, or `exp(−½ Σ ((x_f − y_f)/l_f)²)` where a length scale is given.
pub(super) static RBF: KernelEntry = KernelEntry {
    name: "rbf",
    aliases: &["gaussian"],
    parameters: &[Parameter { default: None, ..LENGTH_SCALES }, GAMMA],
    expression: |arguments, statistics| match (arguments.given("length_scale"), arguments.given("gamma")) {
        (Some(_), Some(_)) => Err(Error::argument("kernel", "rbf", "takes length_scale or gamma, not both")),
        (Some(_), None) => Ok(statistics.scaled_squares(arguments, "length_scale", -0.5)?.exp()),
        (None, _) => {
            Ok((Expr::parameter(-arguments.number_or_inverse_d("gamma")) * statistics.of(Metric::SQEUCLIDEAN)).exp())
        }
    },
    definition: definition::rbf,
};

/// `exp(−γ Σ|x_f − y_f|)`
pub(super) static LAPLACIAN: KernelEntry = KernelEntry {
    name: "laplacian",
    aliases: &["laplace"],
    parameters: &[GAMMA],
    expression: |arguments, statistics| {
        Ok((Expr::parameter(-arguments.number_or_inverse_d("gamma")) * statistics.of(Metric::CITYBLOCK)).exp())
    },
    definition: definition::laplacian,
};

/// `tanh(γ⟨x, y⟩ + coef0)`
pub(super) static SIGMOID: KernelEntry = KernelEntry {
    name: "sigmoid",
    aliases: &[],
    parameters: &[Parameter { rule: Rule::Finite, ..GAMMA }, COEF0],
    expression: |arguments, statistics| {
        let gamma = Expr::parameter(arguments.number_or_inverse_d("gamma"));
        Ok((gamma * statistics.of(Metric::INNER_PRODUCT) + arguments.parameter("coef0", |c| c)).tanh())
    },
    definition: definition::sigmoid,
};

/// With r = ‖(x − y)/l‖ and s = √(2ν) r: `e⁻ˢ` for ν = ½, `(1 + s) e⁻ˢ` for 3/2, `(1 + s + s²/3) e⁻ˢ` for 5/2.
pub(super) static MATERN: KernelEntry = KernelEntry {
    name: "matern",
    aliases: &[],
    parameters: &[LENGTH_SCALES, Parameter { name: "nu", default: Some(1.5), rule: Rule::Positive }],
    expression: |arguments, statistics| {
        let nu = arguments.number("nu");
        let scaled = |statistics: &mut super::Statistics| {
            // One length scale multiplies the distance itself: one rounding less than under the root.
            match arguments.given("length_scale") {
                Some(Argument::List(_)) => Ok(statistics.scaled_squares(arguments, "length_scale", 2.0 * nu)?.sqrt()),
                _ => {
                    let distance = statistics.of(Metric::SQEUCLIDEAN).sqrt();
                    Ok(distance * arguments.parameter("length_scale", |l| (2.0 * nu).sqrt() / l))
                }
            }
        };
        if ![0.5, 1.5, 2.5].contains(&nu) {
            let message = format!("matern of order nu = {nu} is not there; 0.5, 1.5 and 2.5 are");
            return Err(Error::Unsupported { op: "kernel", message });
        }
        let s = scaled(statistics)?;
        let decay = (-&s).exp();
        Ok(match nu {
            0.5 => decay,
            1.5 => (&s + 1.0) * decay,
            _ => (s.powi(2) * (1.0 / 3.0) + &s + 1.0) * decay,
        })
    },
    definition: definition::matern,
};

/// `(1 + ‖x − y‖²/(2αl²))^(−α)`, as `exp(−α log1p(…))`, which stays accurate for large α.
pub(super) static RATIONAL_QUADRATIC: KernelEntry = KernelEntry {
    name: "rational_quadratic",
    aliases: &["rq"],
    parameters: &[LENGTH_SCALE, Parameter { name: "alpha", default: Some(1.0), rule: Rule::Positive }],
    expression: |arguments, statistics| {
        let alpha = arguments.number("alpha");
        let quotient =
            statistics.of(Metric::SQEUCLIDEAN) * arguments.parameter("length_scale", |l| 0.5 / (alpha * l * l));
        Ok((Expr::parameter(-alpha) * quotient.log1p()).exp())
    },
    definition: definition::rational_quadratic,
};

/// `exp(−‖(x − y)/l‖)`
pub(super) static EXPONENTIAL: KernelEntry = KernelEntry {
    name: "exponential",
    aliases: &[],
    parameters: &[LENGTH_SCALES],
    expression: |arguments, statistics| match arguments.given("length_scale") {
        Some(Argument::List(_)) => Ok((-statistics.scaled_squares(arguments, "length_scale", 1.0)?.sqrt()).exp()),
        _ => {
            let distance = statistics.of(Metric::SQEUCLIDEAN).sqrt();
            Ok((distance * arguments.parameter("length_scale", |l| -1.0 / l)).exp())
        }
    },
    definition: definition::exponential,
};

/// `exp(−2 sin²(π‖x − y‖/p)/l²)`
pub(super) static EXP_SINE_SQUARED: KernelEntry = KernelEntry {
    name: "exp_sine_squared",
    aliases: &["exp_sine", "periodic"],
    parameters: &[LENGTH_SCALE, Parameter { name: "periodicity", default: Some(1.0), rule: Rule::Positive }],
    expression: |arguments, statistics| {
        let turns = arguments.parameter("periodicity", |p| std::f64::consts::PI / p);
        let sine = (statistics.of(Metric::SQEUCLIDEAN).sqrt() * turns).sin();
        Ok((arguments.parameter("length_scale", |l| -2.0 / (l * l)) * sine.powi(2)).exp())
    },
    definition: definition::exp_sine_squared,
};

/// `⟨x, y⟩/(‖x‖‖y‖)`, 0 where a row is zero.
pub(super) static COSINE: KernelEntry = KernelEntry {
    name: "cosine",
    aliases: &["cosine_similarity"],
    parameters: &[],
    expression: |_, statistics| Ok(statistics.of(Metric::COSINE_SIMILARITY)),
    definition: definition::cosine,
};

/// `σ₀² + ⟨x, y⟩`
pub(super) static DOT_PRODUCT: KernelEntry = KernelEntry {
    name: "dot_product",
    aliases: &[],
    parameters: &[Parameter { name: "sigma_0", default: Some(1.0), rule: Rule::NotNegative }],
    expression: |arguments, statistics| {
        Ok(statistics.of(Metric::INNER_PRODUCT) + arguments.parameter("sigma_0", |s| s * s))
    },
    definition: definition::dot_product,
};

/// The same number for every pair.
pub(super) static CONSTANT: KernelEntry = KernelEntry {
    name: "constant",
    aliases: &["constant_kernel"],
    parameters: &[Parameter { name: "constant_value", default: Some(1.0), rule: Rule::NotNegative }],
    expression: |arguments, _| Ok(arguments.parameter("constant_value", |c| c)),
    definition: definition::constant,
};
