//! What textbook definitions share, in f64, as plain loops; they know nothing of expressions and metrics.

use super::entry::Arguments;
use crate::expr::ln_gamma;

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        sum += x * y;
    }
    sum
}

/// `‖(x − y)/l‖` for one length scale or one per feature.
pub(super) fn scaled_distance(arguments: &Arguments<'_>, x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (f, (x, y)) in x.iter().zip(y).enumerate() {
        let difference = (x - y) / arguments.of_feature("length_scale", f);
        sum += difference * difference;
    }
    sum.sqrt()
}

/// `(x − y)ᵀ P (x − y)`
pub(super) fn quadratic_form(precision: &[Vec<f64>], x: &[f64], y: &[f64]) -> f64 {
    let apart: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
    let mut sum = 0.0;
    for (row, a) in precision.iter().zip(&apart) {
        for (p, b) in row.iter().zip(&apart) {
            sum += a * p * b;
        }
    }
    sum
}

pub(super) fn distance(x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        sum += (x - y) * (x - y);
    }
    sum.sqrt()
}

pub(super) fn city_block(x: &[f64], y: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in x.iter().zip(y) {
        sum += (x - y).abs();
    }
    sum
}

/// The norms of both rows and the angle between them, 0 where one is zero. From both diagonals of the rhombus that the
/// rows span at equal length, which keeps small angles, and those near π.
pub(super) fn norms_and_angle(x: &[f64], y: &[f64]) -> (f64, f64, f64) {
    let (a, b) = (dot(x, x).sqrt(), dot(y, y).sqrt());
    let (mut difference, mut sum) = (0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        difference += (x * b - y * a).powi(2);
        sum += (x * b + y * a).powi(2);
    }
    (a, b, 2.0 * difference.sqrt().atan2(sum.sqrt()))
}

/// `exp(s) K_ν(s)` for s > 0 by its integral ∫ exp(s − s cosh t) cosh(νt) dt, t > 0.
fn scaled_bessel_k(nu: f64, s: f64) -> f64 {
    let h = 0.01;
    let mut sum = 0.5;
    for q in 1.. {
        let t = f64::from(q) * h;
        let fall = -2.0 * s * (0.5 * t).sinh().powi(2);
        if fall + nu * t < -800.0 {
            break;
        }
        // cosh(νt) is written into the exponent, beside which it would overflow.
        sum += 0.5 * ((fall + nu * t).exp() + (fall - nu * t).exp());
    }
    h * sum
}

/// Matérn's correlation of order ν at the distance r in length scales.
pub(super) fn matern(nu: f64, r: f64) -> f64 {
    let s = (2.0 * nu).sqrt() * r;
    if nu == 0.5 {
        (-s).exp()
    } else if nu == 1.5 {
        (1.0 + s) * (-s).exp()
    } else if nu == 2.5 {
        (1.0 + s + s * s / 3.0) * (-s).exp()
    } else if nu.is_infinite() {
        (-0.5 * r * r).exp()
    } else if s < 1e-12 {
        1.0
    } else if s >= 1e6 || s.is_nan() {
        0.0 * s.recip()
    } else {
        ((1.0 - nu) * 2.0_f64.ln() - ln_gamma(nu) + nu * s.ln() - s + scaled_bessel_k(nu, s).ln()).exp()
    }
}
