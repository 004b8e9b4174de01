//! Error bounds of the metrics' f32 values, from the rows themselves.
//!
//! Every bound is of the form "relative error of the sum, counted in roundings, times the sum of magnitudes". A sum of
//! n roundings has relative error at most γ(n) = n u / (1 − n u) (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, 2nd ed., Lemma 3.1). Anything below the normal range may be flushed to 0, which adds
//! [`SMALLEST_NORMAL`] per term that is not exactly 0. Where an input is NaN or infinite the bound is 0: the value must
//! be the definition's own NaN or infinity.

pub use crate::expr::UNIT_ROUNDOFF;

use crate::expr::{DIVIDE_ROUNDING, POW_ROUNDING, SMALLEST_NORMAL, SQRT_ROUNDING};

/// Terms that a blocked sum of `d` terms adds one after another, in the worst case: 64 in a block, then the blocks.
pub fn blocked_sum_terms(d: usize) -> f64 {
    d.min(64) as f64 + d.div_ceil(64) as f64
}

/// Relative error of n roundings in a row; infinite where f32 has no accuracy left.
pub(super) fn gamma(n: f64) -> f64 {
    let relative = n * UNIT_ROUNDOFF;
    if relative < 1.0 { relative / (1.0 - relative) } else { f64::INFINITY }
}

/// A sum of terms at or above 0 and its absolute error, where each term has `roundings` of its own.
pub(super) fn sum_of(
    x: &[f64],
    y: &[f64],
    weights: &[f64],
    roundings: f64,
    term: impl Fn(f64, f64) -> f64,
) -> (f64, f64) {
    let mut total = 0.0;
    let mut not_zero = 0.0;
    for (f, (&x, &y)) in x.iter().zip(y).enumerate() {
        let term = weights.get(f).copied().unwrap_or(1.0) * term(x, y);
        total += term;
        not_zero += f64::from(u8::from(term != 0.0));
    }
    // A weight is one more product, and one more rounding where it came from f64.
    let weighted = if weights.is_empty() { 0.0 } else { 2.0 };
    let relative = gamma(blocked_sum_terms(x.len()) + roundings + weighted);
    (total, relative * total + 2.0 * not_zero * SMALLEST_NORMAL)
}

/// The bound itself where inputs and value are finite in f32; see the module.
pub(super) fn settled(x: &[f64], y: &[f64], largest: f64, bound: f64) -> f64 {
    if x.iter().chain(y).any(|v| !v.is_finite()) {
        0.0
    } else if largest.is_finite() && largest + bound < f64::from(f32::MAX) {
        bound
    } else {
        f64::INFINITY
    }
}

/// How far a root of `sum` moves where the sum moves by `error`.
fn moved(sum: f64, error: f64, root: impl Fn(f64) -> f64) -> f64 {
    let value = root(sum);
    (root(sum + error) - value).max(value - root((sum - error).max(0.0)))
}

/// A difference and its square are 3 roundings.
pub(super) fn sqeuclidean(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let (sum, error) = sum_of(x, y, weights, 3.0, |x, y| (x - y) * (x - y));
    settled(x, y, sum, error)
}

pub(super) fn euclidean(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let (sum, error) = sum_of(x, y, weights, 3.0, |x, y| (x - y) * (x - y));
    let bound = moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt();
    settled(x, y, sum + error, bound)
}

pub(super) fn cityblock(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let (sum, error) = sum_of(x, y, weights, 1.0, |x, y| (x - y).abs());
    settled(x, y, sum, error)
}

/// One subtraction; the largest of rounded numbers is the rounded largest.
pub(super) fn chebyshev(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let counts = |f: usize| weights.get(f).is_none_or(|&w| w > 0.0);
    let differences = x.iter().zip(y).enumerate().filter(|(f, _)| counts(*f)).map(|(_, (x, y))| (x - y).abs());
    let largest = differences.fold(0.0, f64::max);
    let flushed = if largest == 0.0 { 0.0 } else { 2.0 * SMALLEST_NORMAL };
    settled(x, y, largest, UNIT_ROUNDOFF * largest + flushed)
}

/// p for the difference's rounding, taken to the power p; a general power; then the root of the sum, whose exponent is
/// itself rounded.
pub(super) fn minkowski(x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64 {
    let p = parameters.first().copied().unwrap_or(2.0);
    let pow = POW_ROUNDING / UNIT_ROUNDOFF;
    let (sum, error) = sum_of(x, y, weights, p + pow, |x, y| (x - y).abs().powf(p));
    let root = |sum: f64| sum.powf(1.0 / p);
    let exponent = if sum > 0.0 { sum.ln().abs() / p * UNIT_ROUNDOFF } else { 0.0 };
    let bound = moved(sum, error, root) + (POW_ROUNDING + exponent) * root(sum + error);
    settled(x, y, (sum + error).max(root(sum + error)), bound)
}

/// One product a term. Its terms cancel, so the error is relative to the sum of their magnitudes.
pub(super) fn inner_product(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let (sum, error) = sum_of(x, y, weights, 1.0, |x, y| (x * y).abs());
    settled(x, y, sum, error)
}

/// Relative to the product of the norms, which is at least the sum of magnitudes (Cauchy–Schwarz): the inner product's
/// error, half of each square sum's, two roots, a product, a quotient, and the difference from 1 (at most 2).
pub(super) fn cosine(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
    let xx = sum_of(x, x, weights, 1.0, |x, _| x * x);
    let yy = sum_of(y, y, weights, 1.0, |y, _| y * y);
    if xx.0 == 0.0 || yy.0 == 0.0 {
        return 0.0;
    }
    let relative = |(sum, error): (f64, f64)| error / sum;
    let whole = (relative(xx) + relative(yy)) * 1.5 + 2.0 * SQRT_ROUNDING + DIVIDE_ROUNDING + 3.0 * UNIT_ROUNDOFF;
    // A clamped cosine is never further than 2 away; where a norm leaves f32's range nothing is promised.
    let in_range = xx.0.min(yy.0) > SMALLEST_NORMAL;
    settled(x, y, if in_range { xx.0.max(yy.0) } else { f64::INFINITY }, (whole * 1.01).min(2.0))
}
