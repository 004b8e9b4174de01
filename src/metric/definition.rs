//! What the textbook definitions in f64 are made of: plain loops.

/// The weight of feature f; no weights mean 1.
pub(super) fn weight(weights: &[f64], f: usize) -> f64 {
    weights.get(f).copied().unwrap_or(1.0)
}

/// `Σ w term(x, y)`
pub(super) fn sum(x: &[f64], y: &[f64], weights: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut total = 0.0;
    for (f, (&x, &y)) in x.iter().zip(y).enumerate() {
        total += weight(weights, f) * term(x, y);
    }
    total
}

/// The largest of `|x − y|` over the features with a weight above 0; NaN where one of them is.
pub(super) fn largest_difference(x: &[f64], y: &[f64], weights: &[f64]) -> f64 {
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

/// The cosine of the angle; NaN where a row is zero.
pub(super) fn cosine_of_angle(x: &[f64], y: &[f64], weights: &[f64]) -> f64 {
    let dot = sum(x, y, weights, |x, y| x * y);
    let cosine = dot / (sum(x, x, weights, |x, y| x * y).sqrt() * sum(y, y, weights, |x, y| x * y).sqrt());
    if cosine.abs() > 1.0 { cosine.signum() } else { cosine }
}

/// The cosine of the angle; 0 where a row is zero.
pub(super) fn cosine_similarity(x: &[f64], y: &[f64], weights: &[f64]) -> f64 {
    let is_zero = |row: &[f64]| sum(row, row, weights, |x, y| x * y) == 0.0;
    if is_zero(x) || is_zero(y) {
        // A zero row stays zero when it is normalized, unless the other is not a number.
        return if x.iter().chain(y).all(|v| v.is_finite()) { 0.0 } else { f64::NAN };
    }
    cosine_of_angle(x, y, weights)
}

/// `x ln(x / y)` as `scipy.special.rel_entr` has it: 0 where x is, infinite where a number is below 0 or only y is 0.
pub(super) fn relative_entropy(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if x > 0.0 && y > 0.0 {
        x * (x / y).ln()
    } else if x == 0.0 && y >= 0.0 {
        0.0
    } else {
        f64::INFINITY
    }
}

/// Features that are true in both rows, only in x, only in y, and in neither; with weights, the weights of them.
pub(super) fn truth_table(x: &[f64], y: &[f64], weights: &[f64]) -> [f64; 4] {
    let count = |a: bool, b: bool| sum(x, y, weights, |x, y| f64::from(u8::from((x != 0.0) == a && (y != 0.0) == b)));
    [count(true, true), count(true, false), count(false, true), count(false, false)]
}

/// The first parameter, or its default where there is none.
pub(super) fn first(parameters: &[f64], default: f64) -> f64 {
    parameters.first().copied().unwrap_or(default)
}

/// `(1 + r) ln(1 + r) + (1 − r) ln(1 − r)` for 0 ≤ r ≤ 1.
pub(super) fn jensen_shannon_term(r: f64) -> f64 {
    (1.0 + r) * r.ln_1p() + if r == 1.0 { 0.0 } else { (1.0 - r) * (-r).ln_1p() }
}

/// `√((D(p‖m) + D(q‖m)) / 2)` with m = (p + q)/2, feature by feature in r = |p − q|/(p + q).
pub(super) fn jensen_shannon(p: &[f64], q: &[f64], base: f64) -> f64 {
    let term = |p: f64, q: f64| {
        if p == 0.0 && q == 0.0 { 0.0 } else { 0.5 * (p + q) * jensen_shannon_term((p - q).abs() / (p + q)) }
    };
    (0.5 * sum(p, q, &[], term) / base.ln()).sqrt()
}

/// `(x − y)ᵀ VI (x − y)`, never below 0; NaN where a number is not finite.
pub(super) fn quadratic_form(x: &[f64], y: &[f64], inverse: &[f64]) -> f64 {
    if x.iter().chain(y).any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    let difference: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
    let rows = inverse.chunks(difference.len().max(1)).zip(&difference);
    let total: f64 = rows.map(|(row, a)| a * row.iter().zip(&difference).map(|(v, b)| v * b).sum::<f64>()).sum();
    total.max(0.0)
}

/// `Σ (x − y)²`; where a number is not finite, what the expanded square then gives.
pub(super) fn expanded(x: &[f64], y: &[f64]) -> f64 {
    if x.iter().chain(y).all(|value| value.is_finite()) {
        return sum(x, y, &[], |x, y| (x - y) * (x - y));
    }
    let square = |row: &[f64]| sum(row, row, &[], |x, y| x * y);
    sum(x, y, &[], |x, y| -2.0 * x * y) + square(x) + square(y)
}
