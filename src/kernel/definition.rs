//! Textbook definitions in f64, as plain loops; they know nothing of expressions and metrics.

use super::entry::{Argument, Arguments};

fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        sum += x * y;
    }
    sum
}

/// `‖(x − y)/l‖` for one length scale or one per feature.
fn scaled_distance(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (f, (x, y)) in x.iter().zip(y).enumerate() {
        let l = match arguments.given("length_scale") {
            Some(Argument::List(scales)) => scales.get(f).copied().unwrap_or(f64::NAN),
            _ => arguments.number("length_scale"),
        };
        sum += ((x - y) / l) * ((x - y) / l);
    }
    sum.sqrt()
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        sum += (x - y) * (x - y);
    }
    sum.sqrt()
}

pub(super) fn linear(_: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    dot(x, y)
}

pub(super) fn polynomial(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let gamma = arguments.number_or_inverse_d("gamma");
    (gamma * dot(x, y) + arguments.number("coef0")).powf(arguments.number("degree"))
}

pub(super) fn rbf(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    if arguments.given("length_scale").is_some() {
        return (-0.5 * scaled_distance(arguments, x, y).powi(2)).exp();
    }
    (-arguments.number_or_inverse_d("gamma") * distance(x, y).powi(2)).exp()
}

pub(super) fn laplacian(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        sum += (x - y).abs();
    }
    (-arguments.number_or_inverse_d("gamma") * sum).exp()
}

pub(super) fn sigmoid(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    (arguments.number_or_inverse_d("gamma") * dot(x, y) + arguments.number("coef0")).tanh()
}

pub(super) fn matern(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let r = scaled_distance(arguments, x, y);
    match arguments.number("nu") {
        0.5 => (-r).exp(),
        1.5 => (1.0 + 3.0_f64.sqrt() * r) * (-3.0_f64.sqrt() * r).exp(),
        2.5 => (1.0 + 5.0_f64.sqrt() * r + 5.0 / 3.0 * r * r) * (-5.0_f64.sqrt() * r).exp(),
        _ => f64::NAN,
    }
}

pub(super) fn rational_quadratic(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let alpha = arguments.number("alpha");
    (1.0 + scaled_distance(arguments, x, y).powi(2) / (2.0 * alpha)).powf(-alpha)
}

pub(super) fn exponential(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    (-scaled_distance(arguments, x, y)).exp()
}

pub(super) fn exp_sine_squared(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let sine = (std::f64::consts::PI * distance(x, y) / arguments.number("periodicity")).sin();
    (-2.0 * (sine / arguments.number("length_scale")).powi(2)).exp()
}

pub(super) fn cosine(_: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let (xx, yy) = (dot(x, x).sqrt(), dot(y, y).sqrt());
    // scikit-learn divides a zero row by 1.
    let (xx, yy) = (if xx == 0.0 { 1.0 } else { xx }, if yy == 0.0 { 1.0 } else { yy });
    dot(x, y) / (xx * yy)
}

pub(super) fn dot_product(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    arguments.number("sigma_0").powi(2) + dot(x, y)
}

pub(super) fn constant(arguments: &Arguments<'_>, _: &[f64], _: &[f64]) -> f64 {
    arguments.number("constant_value")
}
