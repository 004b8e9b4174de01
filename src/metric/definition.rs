//! Textbook definitions in f64, as plain loops.

/// The weight of feature f; no weights mean 1.
fn weight(weights: &[f64], f: usize) -> f64 {
    weights.get(f).copied().unwrap_or(1.0)
}

fn sum(x: &[f64], y: &[f64], weights: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut total = 0.0;
    for (f, (&x, &y)) in x.iter().zip(y).enumerate() {
        total += weight(weights, f) * term(x, y);
    }
    total
}

pub(super) fn sqeuclidean(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    sum(x, y, weights, |x, y| (x - y) * (x - y))
}

pub(super) fn euclidean(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    sum(x, y, weights, |x, y| (x - y) * (x - y)).sqrt()
}

pub(super) fn cityblock(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    sum(x, y, weights, |x, y| (x - y).abs())
}

pub(super) fn chebyshev(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let mut largest = 0.0;
    for (f, (&x, &y)) in x.iter().zip(y).enumerate() {
        let difference = (x - y).abs();
        if weight(weights, f) > 0.0 && (difference > largest || difference.is_nan()) {
            largest = difference;
        }
        if largest.is_nan() {
            break;
        }
    }
    largest
}

pub(super) fn minkowski(x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64 {
    let p = parameters.first().copied().unwrap_or(2.0);
    sum(x, y, weights, |x, y| (x - y).abs().powf(p)).powf(1.0 / p)
}

pub(super) fn inner_product(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    sum(x, y, weights, |x, y| x * y)
}

/// The cosine of the angle; NaN where a row is zero.
fn cosine_of_angle(x: &[f64], y: &[f64], weights: &[f64]) -> f64 {
    let dot = sum(x, y, weights, |x, y| x * y);
    let cosine = dot / (sum(x, x, weights, |x, y| x * y).sqrt() * sum(y, y, weights, |x, y| x * y).sqrt());
    if cosine.abs() > 1.0 { cosine.signum() } else { cosine }
}

pub(super) fn cosine(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    1.0 - cosine_of_angle(x, y, weights)
}

pub(super) fn cosine_similarity(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let is_zero = |row: &[f64]| sum(row, row, weights, |x, y| x * y) == 0.0;
    if is_zero(x) || is_zero(y) {
        // A zero row stays zero when it is normalized, unless the other is not a number.
        return if x.iter().chain(y).all(|v| v.is_finite()) { 0.0 } else { f64::NAN };
    }
    cosine_of_angle(x, y, weights)
}
