//! Error bounds of the metrics' f32 values, from the rows themselves.
//!
//! Every bound is of the form "relative error of the sum, counted in roundings, times the sum of magnitudes". A sum of
//! n roundings has relative error at most γ(n) = n u / (1 − n u) (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, 2nd ed., Lemma 3.1). Anything below the normal range may be flushed to 0, which adds
//! [`SMALLEST_NORMAL`] per term that is not exactly 0. Where an input is NaN or infinite the bound is 0: the value must
//! be the definition's own NaN or infinity.

pub use crate::expr::UNIT_ROUNDOFF;

use super::definition::jensen_shannon_term;
use super::prepare::normalised;
use crate::expr::{DIVIDE_ROUNDING, SMALLEST_NORMAL, SQRT_ROUNDING};

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
pub(super) fn moved(sum: f64, error: f64, root: impl Fn(f64) -> f64) -> f64 {
    let value = root(sum);
    (root(sum + error) - value).max(value - root((sum - error).max(0.0)))
}

/// `Σ w (x − y)²` and its error: a difference and its square are 3 roundings.
pub(super) fn sum_of_squares(x: &[f64], y: &[f64], weights: &[f64]) -> (f64, f64) {
    sum_of(x, y, weights, 3.0, |x, y| (x - y) * (x - y))
}

/// Error of the quotient of two sums at or above 0; infinite where the lower one may vanish.
pub(super) fn quotient((above, above_error): (f64, f64), (below, below_error): (f64, f64)) -> f64 {
    if below == 0.0 {
        return 0.0;
    }
    let largest = (above + above_error) / (below - below_error);
    if below_error < below { largest * (1.0 + DIVIDE_ROUNDING) - above / below } else { f64::INFINITY }
}

/// Error of a quotient of two sums of counts or weights, each with at most two roundings of its own. Counts are exact.
pub(super) fn share(x: &[f64], y: &[f64], weights: &[f64], value: Definition) -> f64 {
    counted(x, y, weights, value, 2.0, 6.0)
}

/// The same where both sums are products of two sums.
pub(super) fn shares(x: &[f64], y: &[f64], weights: &[f64], value: Definition) -> f64 {
    counted(x, y, weights, value, 4.0, 10.0)
}

fn counted(x: &[f64], y: &[f64], weights: &[f64], value: Definition, sums: f64, roundings: f64) -> f64 {
    let exact = weights.is_empty() && x.len() <= 1 << 20;
    let sum = if exact { 0.0 } else { gamma(blocked_sum_terms(x.len()) + 2.0) };
    let value = value(x, y, weights, &[]);
    // A sum that is not 0 in f32 either: weights below the normal range promise nothing.
    let tiny = weights.iter().any(|w| *w > 0.0 && *w < 1e-30);
    if tiny { f64::INFINITY } else { value * (sums * sum * 1.01 + gamma(roundings)) }
}

/// A metric's definition.
type Definition = fn(&[f64], &[f64], &[f64], &[f64]) -> f64;

/// Error of a row less its mean and divided by its norm, in the norm; see [`Metric::CORRELATION`](super::Metric).
/// A row's sums are taken by 64 invocations, which are then merged in six steps.
pub(super) fn standardised_error(row: &[f64]) -> f64 {
    let d = row.len() as f64;
    let b = blocked_sum_terms(row.len()) + 7.0;
    let mean = row.iter().sum::<f64>() / d;
    let size = row.iter().map(|x| x.abs()).sum::<f64>();
    let squares = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    if squares == 0.0 {
        return 0.0;
    }
    let fits = squares > 4.0 * SMALLEST_NORMAL * (1.0 + d) && squares < 1e38 && size < 1e38;
    let missed = gamma(b + 6.0) * (size / d) / (squares / d).sqrt();
    let centred = 2.0 * ((UNIT_ROUNDOFF + gamma(b + 6.0)) * (1.0 + missed) + UNIT_ROUNDOFF);
    let whole = centred + 0.5 * gamma(b + 1.0) + SQRT_ROUNDING + DIVIDE_ROUNDING + 2.0 * UNIT_ROUNDOFF;
    if fits { whole } else { f64::INFINITY }
}

/// Error of the Jensen–Shannon distance; see [`Metric::jensenshannon`](super::Metric::jensenshannon).
pub(super) fn divergence(x: &[f64], y: &[f64], base: f64) -> f64 {
    let most = x.iter().sum::<f64>().max(y.iter().sum());
    let (p, q) = (normalised(x), normalised(y));
    let b = blocked_sum_terms(x.len());
    let row = gamma(b + 12.0);
    let (mut sum, mut error) = (0.0, 0.0);
    for (p, q) in p.iter().zip(&q).filter(|(p, q)| *p + *q > 0.0) {
        let (m, r) = (0.5 * (p + q), (p - q).abs() / (p + q));
        let by = 2.0 * row + 8.0 * UNIT_ROUNDOFF;
        let [value, high, low] = [r, (r + by).min(1.0), (r - by).max(0.0)].map(jensen_shannon_term);
        sum += m * value;
        error += m * ((high - value).max(value - low) + (value + high) * (row + gamma(24.0))) + 2.0 * SMALLEST_NORMAL;
    }
    error += gamma(b + 2.0) * (sum + error);
    let scale = 0.5 / base.ln();
    let (sum, error) = (scale * sum, scale * error + scale * (sum + error) * gamma(10.0));
    let bound = moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt();
    let smallest = x.iter().sum::<f64>().min(y.iter().sum());
    if x == y {
        0.0
    } else {
        settled(x, y, if smallest > 0.0 && smallest < 1e-30 { f64::INFINITY } else { most }, bound)
    }
}

/// Error of the haversine distance: the angles' and functions' own errors carried through both sums, then through the
/// arctangent of their roots. Where two roots make a point on the unit circle, its angle moves by at most the sum of
/// each root's error times the other root.
pub(super) fn arc(x: &[f64], y: &[f64], _: &[f64], _: &[f64]) -> f64 {
    let (&[a, b], &[c, d]) = (x, y) else { return f64::INFINITY };
    let u = UNIT_ROUNDOFF;
    // sin_ and cos_ are within 3 u absolute, sin_ within 3 u relative up to π/4; the angle is rounded once.
    let sine = |angle: f64| {
        let own = if angle.abs() <= 0.785 { 3.0 * u * angle.sin().abs() } else { 3.0 * u };
        (angle.sin(), own + u * angle.abs())
    };
    let cosine = |angle: f64| (angle.cos(), 3.0 * u + u * angle.abs());
    let product = |(p, dp): (f64, f64), (q, dq): (f64, f64)| {
        (p * q, p.abs() * dq + q.abs() * dp + dp * dq + u * (p.abs() + dp) * (q.abs() + dq) + SMALLEST_NORMAL)
    };
    let scale = product((a.cos(), 3.0 * u), (c.cos(), 3.0 * u));
    let sum = |first: (f64, f64), second: (f64, f64)| {
        let (first, second) = (product(first, first), product(scale, product(second, second)));
        let total = first.0 + second.0;
        (total.max(0.0), first.1 + second.1 + u * (total.abs() + first.1 + second.1))
    };
    let near = sum(sine(0.5 * (a - c)), sine(0.5 * (b - d)));
    let far = sum(sine(0.5 * (a + c)), cosine(0.5 * (b - d)));
    let root =
        |(sum, error): (f64, f64)| (sum.sqrt(), moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt());
    let (near, far) = (root(near), root(far));
    let moved = 1.1 * (near.1 * (far.0 + far.1) + far.1 * (near.0 + near.1));
    let angle = near.0.atan2(far.0);
    settled(x, y, 1.0, 2.0 * (moved + 9.0 * u * (angle + moved)))
}

/// `(x − y)ᵀ VI (x − y)` and its error. A row of the Cholesky factor has the norm √VI_ff, so the error of a prepared row
/// in the norm is at most c Σ |x_f| √VI_ff: c = 4 (d + 8) u² for sums of two floats and for the factor's own error,
/// which is far below f64's unit times the condition that f32 entries can have.
pub(super) fn whitened_squares(x: &[f64], y: &[f64], inverse: &[f64]) -> (f64, f64) {
    let d = x.len();
    let total = super::definition::quadratic_form(x, y, inverse);
    if total.is_nan() {
        return (0.0, 0.0);
    }
    let size = |f: usize| (x[f].abs() + y[f].abs()) * inverse.get(f * d + f).copied().unwrap_or(0.0).max(0.0).sqrt();
    let missed = 16.0 * (d as f64 + 8.0) * UNIT_ROUNDOFF * UNIT_ROUNDOFF * (0..d).map(size).sum::<f64>();
    let relative = gamma(blocked_sum_terms(2 * d) + 5.0);
    let error = relative * total + 2.0 * missed * total.sqrt() + missed * missed + 2.0 * d as f64 * SMALLEST_NORMAL;
    (total, if x == y { 0.0 } else { error })
}

/// `Σ (x − y)²` and the error of its compensated sum.
pub(super) fn compensated_squares(x: &[f64], y: &[f64]) -> (f64, f64) {
    let (total, _) = sum_of_squares(x, y, &[]);
    let d = x.len() as f64;
    let relative = 2.0 * UNIT_ROUNDOFF + 16.0 * (d + 8.0) * UNIT_ROUNDOFF * UNIT_ROUNDOFF;
    // Below 2⁻¹⁰² the error of a square is no normal number and may be lost.
    let lost = if total > 0.0 { 8.0 * d * SMALLEST_NORMAL } else { 0.0 };
    (total, relative * total + lost)
}

/// `Σ (x − y)²` and the error of its expanded form.
pub(super) fn expanded_squares(x: &[f64], y: &[f64]) -> (f64, f64) {
    let norm = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>();
    let (x_square, y_square) = (norm(x), norm(y));
    let size = (x_square.sqrt() + y_square.sqrt()).powi(2);
    let (total, _) = sum_of_squares(x, y, &[]);
    let error = gamma(blocked_sum_terms(x.len() + 2) + 13.0) * size + 4.0 * x.len() as f64 * SMALLEST_NORMAL;
    let fits = size < f64::from(f32::MAX);
    (
        total,
        if size == 0.0 {
            0.0
        } else if fits {
            error
        } else {
            f64::INFINITY
        },
    )
}
