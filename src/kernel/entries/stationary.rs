//! Kernels of a distance with length scales.

use super::{GAMMA, KernelEntry, LENGTH_SCALES, PRECISION, Parameter, Rule, kernels, number};
use crate::expr::Expr;
use crate::kernel::definition::{city_block, distance, matern, quadratic_form, scaled_distance};
use crate::metric::Metric;

kernels! {
    RBF = KernelEntry {
        name: "rbf",
        aliases: &["gaussian", "squared_exponential"],
        formula: "exp(−½ Σ ((x_f − y_f)/l_f)²), exp(−½ (x − y)ᵀ P (x − y)), or exp(−γ‖x − y‖²)",
        parameters: &[Parameter { default: None, ..LENGTH_SCALES }, GAMMA, PRECISION],
        expression: |arguments, statistics| {
            arguments.at_most_one(&["length_scale", "gamma", "precision"])?;
            if arguments.given("precision").is_some() {
                return Ok((statistics.quadratic_form(arguments, "precision")? * -0.5).exp());
            }
            if arguments.given("length_scale").is_some() {
                return Ok(statistics.scaled_squares(arguments, "length_scale", -0.5)?.exp());
            }
            Ok((Expr::parameter(-arguments.number_or_inverse_d("gamma")) * statistics.of(Metric::SQEUCLIDEAN)).exp())
        },
        definition: |arguments, x, y| match (arguments.given("length_scale"), arguments.given("precision")) {
            (Some(_), _) => (-0.5 * scaled_distance(arguments, x, y).powi(2)).exp(),
            (_, Some(_)) => (-0.5 * quadratic_form(arguments.matrix("precision"), x, y)).exp(),
            _ => (-arguments.number_or_inverse_d("gamma") * distance(x, y).powi(2)).exp(),
        },
    };

    LAPLACIAN = KernelEntry {
        name: "laplacian",
        aliases: &["laplace"],
        formula: "exp(−γ Σ |x_f − y_f|)",
        parameters: &[GAMMA],
        expression: |arguments, statistics| {
            Ok((Expr::parameter(-arguments.number_or_inverse_d("gamma")) * statistics.of(Metric::CITYBLOCK)).exp())
        },
        definition: |arguments, x, y| (-arguments.number_or_inverse_d("gamma") * city_block(x, y)).exp(),
    };

    EXPONENTIAL = KernelEntry {
        name: "exponential",
        aliases: &["ornstein_uhlenbeck"],
        formula: "exp(−‖(x − y)/l‖)",
        parameters: &[LENGTH_SCALES],
        expression: |arguments, statistics| Ok((-statistics.scaled_distance(arguments, "length_scale", 1.0)?).exp()),
        definition: |arguments, x, y| (-scaled_distance(arguments, x, y)).exp(),
    };

    /// With r = ‖(x − y)/l‖ and s = √(2ν) r: e⁻ˢ for ν = ½, (1 + s) e⁻ˢ for 3/2, (1 + s + s²/3) e⁻ˢ for 5/2, exp(−½ r²) for ∞.
    MATERN = KernelEntry {
        name: "matern",
        aliases: &[],
        formula: "2^(1−ν)/Γ(ν) s^ν K_ν(s), s = √(2ν) ‖(x − y)/l‖; nu=inf is rbf",
        parameters: &[LENGTH_SCALES, number("nu", 1.5, Rule::PositiveOrInfinite)],
        expression: |arguments, statistics| {
            let nu = arguments.number("nu");
            if nu.is_infinite() {
                return Ok(statistics.scaled_squares(arguments, "length_scale", -0.5)?.exp());
            }
            if !(1e-4..=1e4).contains(&nu) {
                return Err(arguments.refuse("nu", "must be from 1e-4 to 1e4, or inf"));
            }
            if ![0.5, 1.5, 2.5].contains(&nu) {
                return Ok(Expr::matern_of_order(&statistics.scaled_squares(arguments, "length_scale", 2.0 * nu)?, nu));
            }
            let s = statistics.scaled_distance(arguments, "length_scale", (2.0 * nu).sqrt())?;
            let polynomial = if nu == 0.5 { Expr::constant(1.0) } else { &s + 1.0 };
            let square = if nu == 2.5 { s.powi(2) * (1.0 / 3.0) } else { Expr::constant(0.0) };
            Ok((square + polynomial) * (-s).exp())
        },
        definition: |arguments, x, y| matern(arguments.number("nu"), scaled_distance(arguments, x, y)),
    };

    /// As exp(−α log1p(…)), which stays accurate for large α.
    RATIONAL_QUADRATIC = KernelEntry {
        name: "rational_quadratic",
        aliases: &["rq"],
        formula: "(1 + ‖(x − y)/l‖²/(2α))^(−α)",
        parameters: &[LENGTH_SCALES, number("alpha", 1.0, Rule::Positive)],
        expression: |arguments, statistics| {
            let alpha = arguments.number("alpha");
            let quotient = statistics.scaled_squares(arguments, "length_scale", 0.5 / alpha)?;
            Ok((Expr::parameter(-alpha) * quotient.log1p()).exp())
        },
        definition: |arguments, x, y| {
            let alpha = arguments.number("alpha");
            (1.0 + scaled_distance(arguments, x, y).powi(2) / (2.0 * alpha)).powf(-alpha)
        },
    };

    CAUCHY = KernelEntry {
        name: "cauchy",
        aliases: &[],
        formula: "1/(1 + ‖(x − y)/l‖²)",
        parameters: &[LENGTH_SCALES],
        expression: |arguments, statistics| {
            Ok(1.0 / (statistics.scaled_squares(arguments, "length_scale", 1.0)? + 1.0))
        },
        definition: |arguments, x, y| 1.0 / (1.0 + scaled_distance(arguments, x, y).powi(2)),
    };

    INVERSE_MULTIQUADRIC = KernelEntry {
        name: "inverse_multiquadric",
        aliases: &["imq"],
        formula: "1/√(1 + ‖(x − y)/l‖²)",
        parameters: &[LENGTH_SCALES],
        expression: |arguments, statistics| {
            Ok((statistics.scaled_squares(arguments, "length_scale", 1.0)? + 1.0).rsqrt())
        },
        definition: |arguments, x, y| 1.0 / (1.0 + scaled_distance(arguments, x, y).powi(2)).sqrt(),
    };

    MULTIQUADRIC = KernelEntry {
        name: "multiquadric",
        aliases: &["mq"],
        formula: "√(1 + ‖(x − y)/l‖²)",
        parameters: &[LENGTH_SCALES],
        expression: |arguments, statistics| {
            Ok((statistics.scaled_squares(arguments, "length_scale", 1.0)? + 1.0).sqrt())
        },
        definition: |arguments, x, y| (1.0 + scaled_distance(arguments, x, y).powi(2)).sqrt(),
    };
}
