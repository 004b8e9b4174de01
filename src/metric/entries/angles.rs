//! Inner products, angles between rows, and distances on the sphere.

use super::super::Domain;
use super::super::bound::{arc, settled, standardised_error, sum_of};
use super::super::definition::{cosine_of_angle, cosine_similarity, sum};
use super::super::prepare::{Preparation, Prepare, standardised};
use super::metrics;
use crate::expr::{DIVIDE_ROUNDING, SMALLEST_NORMAL, SQRT_ROUNDING, UNIT_ROUNDOFF};

metrics! {
    /// The inner product, `Σ w_f x_f y_f`. No distance; kernels are made of it.
    ///
    /// # Accuracy
    /// Absolute error at most γ(b + 1) Σ |w_f x_f y_f|; with weights γ(b + 3).
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1.
    pub INNER_PRODUCT {
        name: "inner_product",
        formula: "Σ w_f x_f y_f",
        aliases: &["dot"],
        accumulate: "(*state).sum += x * y;",
        accumulate_weighted: "(*state).sum += w * (x * y);",
        definition: |x, y, w, _| sum(x, y, w, |x, y| x * y),
        error_bound: |x, y, w, _| {
            let (sum, error) = sum_of(x, y, w, 1.0, |x, y| (x * y).abs());
            settled(x, y, sum, error)
        },
        zero_on_self: false,
        is_metric: false,
    }

    /// One minus the cosine of the angle, `1 − Σ w_f x_f y_f / (‖x‖ ‖y‖)`; NaN where a row is zero, as SciPy has it, and
    /// never outside 0 … 2.
    ///
    /// # Accuracy
    /// Absolute error at most `(3 (b + 1) + 11) u` to first order: three blocked sums (Cauchy–Schwarz bounds the sum of
    /// magnitudes by the norms), two roots (1.01 u each), a product, a quotient (2.5 ULP), a difference. Where the
    /// square of a norm leaves f32's normal range nothing is promised.
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1; WGSL, "Floating Point Accuracy".
    pub COSINE {
        name: "cosine",
        formula: "1 − Σ w_f x_f y_f / (‖x‖ ‖y‖)",
        state: "dot: f32, xx: f32, yy: f32",
        accumulate: "(*state).dot += x * y; (*state).xx += x * x; (*state).yy += y * y;",
        accumulate_weighted: "(*state).dot += w * (x * y); (*state).xx += w * (x * x); (*state).yy += w * (y * y);",
        finish: "if state.xx == 0.0 || state.yy == 0.0 { return pair_nan(); }
    let cosine = state.dot / (sqrt_(state.xx) * sqrt_(state.yy));
    if is_nan_(cosine) { return pair_nan(); }
    return 1.0 - clamp(cosine, -1.0, 1.0);",
        definition: |x, y, w, _| 1.0 - cosine_of_angle(x, y, w),
        error_bound: angle_bound,
        zero_on_self: false,
        is_metric: false,
    }

    /// The cosine of the angle as scikit-learn's `cosine_similarity` has it: 0 where a row is zero. No distance; kernels
    /// are made of it.
    ///
    /// # Accuracy
    /// As [`Metric::COSINE`](crate::Metric::COSINE).
    /// # Sources
    /// As [`Metric::COSINE`](crate::Metric::COSINE); scikit-learn, `sklearn.metrics.pairwise.cosine_similarity`.
    pub COSINE_SIMILARITY {
        name: "cosine_similarity",
        formula: "Σ w_f x_f y_f / (‖x‖ ‖y‖), 0 where a row is zero",
        state: COSINE.state,
        accumulate: COSINE.accumulate,
        accumulate_weighted: COSINE.accumulate_weighted,
        finish: "if state.xx == 0.0 || state.yy == 0.0 { return state.dot; }
    let cosine = state.dot / (sqrt_(state.xx) * sqrt_(state.yy));
    if is_nan_(cosine) { return pair_nan(); }
    return clamp(cosine, -1.0, 1.0);",
        definition: |x, y, w, _| cosine_similarity(x, y, w),
        error_bound: angle_bound,
        zero_on_self: false,
        is_metric: false,
    }

    /// One minus Pearson's correlation, `1 − Σ x̂_f ŷ_f` for rows less their mean and divided by their norm; NaN where a
    /// row is constant.
    ///
    /// Rows are standardized first, in two steps, so that neither a large mean nor nearness cancels; then the value is
    /// half the squared distance of the standardized rows.
    ///
    /// # Accuracy
    /// With ε = 2 (u + γ(b + 13)) (1 + τ) + γ(b + 8)/2 + 9 u the error of a standardized row in the norm (the mean of what
    /// a first mean leaves, two differences, the norm, a quotient; τ is what the first mean misses, γ(b + 13) times the
    /// mean of |x| over the root mean square of x less its mean), absolute error at most
    /// 2 ε √(2 v) + 2 ε² + γ(b + 4) v for the value v. Where the square of a centred row's norm leaves f32's normal range
    /// nothing is promised.
    /// # Sources
    /// Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983 (the corrected two-pass form).
    pub CORRELATION {
        name: "correlation",
        formula: "1 − Pearson's correlation of the rows",
        accumulate: "let difference = x - y; (*state).sum += difference * difference;",
        finish: "return 0.5 * state.sum;",
        prepare: Some(Prepare {
            rows: Preparation::Standardise,
            definition: |x, y, _, _| 0.5 * sum(x, y, &[], |x, y| (x - y) * (x - y)),
        }),
        definition: |x, y, _, _| {
            let (x, y) = (standardised(x), standardised(y));
            0.5 * sum(&x, &y, &[], |x, y| (x - y) * (x - y))
        },
        error_bound: |x, y, _, _| {
            let (a, b) = (standardised(x), standardised(y));
            let (twice, error) = sum_of(&a, &b, &[], 4.0, |x, y| (x - y) * (x - y));
            let row = standardised_error(x).max(standardised_error(y));
            let bound = 0.5 * error + 2.0 * row * twice.sqrt() + 2.0 * row * row;
            settled(x, y, twice, bound)
        },
        is_metric: false,
    }

    /// The distance on the unit sphere between two points of latitude and longitude in radians:
    /// `2 arcsin √(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2))`, by the arctangent of that root and the one of its
    /// complement `sin²(φ̄) + cos φ₁ cos φ₂ cos²(Δλ/2)`, so that antipodes are as accurate as neighbours.
    ///
    /// # Accuracy
    /// The errors of `sin_` and `cos_` (3 u absolute) and of the half angles (u relative) carried through both sums,
    /// and 9 u relative for roots and arctangent: below 30 u absolute for angles up to π, relative for small distances.
    /// # Sources
    /// Sinnott, "Virtues of the haversine", *Sky and Telescope* 68 (1984); scikit-learn,
    /// `sklearn.metrics.pairwise.haversine_distances`.
    pub HAVERSINE {
        name: "haversine",
        formula: "2 arcsin √(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2)), rows are (φ, λ) in radians",
        state: "near: f32, far: f32, scale: f32, seen: u32",
        accumulate: "let s = sin_(0.5 * (x - y)); var t = cos_(0.5 * (x - y)); var scale = (*state).scale;
    if (*state).seen == 0u { scale = 1.0; t = sin_(0.5 * (x + y)); (*state).scale = cos_(x) * cos_(y); }
    (*state).near += scale * (s * s); (*state).far += scale * (t * t); (*state).seen += 1u;",
        finish: "if is_nan_(state.near) || is_nan_(state.far) { return pair_nan(); }
    return 2.0 * atan2_(sqrt_(max(state.near, 0.0)), sqrt_(max(state.far, 0.0)));",
        features: Some(2),
        domain: Domain::Angles,
        definition: |x, y, _, _| {
            let (&[a, b], &[c, d]) = (x, y) else { return f64::NAN };
            let [s, t] = [a - c, b - d].map(|angle| (0.5 * angle).sin().powi(2));
            let near = s + a.cos() * c.cos() * t;
            let far = (0.5 * (a + c)).sin().powi(2) + a.cos() * c.cos() * (0.5 * (b - d)).cos().powi(2);
            if near.is_nan() { near } else { 2.0 * near.max(0.0).sqrt().atan2(far.max(0.0).sqrt()) }
        },
        error_bound: arc,
        padding_neutral: false,
    }
}

/// Relative to the product of the norms, which is at least the sum of magnitudes (Cauchy–Schwarz): the inner product's
/// error, half of each square sum's, two roots, a product, a quotient, and the difference from 1 (at most 2).
fn angle_bound(x: &[f64], y: &[f64], weights: &[f64], _: &[f64]) -> f64 {
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
