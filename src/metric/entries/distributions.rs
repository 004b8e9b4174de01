//! Distances between distributions: rows of masses at or above 0.

use super::super::Domain;
use super::super::bound::{divergence, moved, settled, sum_of};
use super::super::definition::{first, jensen_shannon, relative_entropy, sum};
use super::super::prepare::{Preparation, Prepare, normalised};
use super::metrics;
use crate::expr::{SMALLEST_NORMAL, SQRT_ROUNDING};
use crate::metric::Metric;

metrics! {
    /// The Hellinger distance, `√(½ Σ (√x_f − √y_f)²)`. Rows are taken as they are, NaN where a mass is below 0.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 18)/2 + 1.01 u to first order: √x − √y as (x − y) / (√x + √y) has a difference, two
    /// roots, a sum and a quotient (2.5 ULP), twice that squared; then the blocked sum and a root. Where a square falls
    /// below the normal range it may be taken for 0.
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §1.7 (rewriting a difference of roots).
    pub HELLINGER {
        name: "hellinger",
        formula: "√(½ Σ (√x_f − √y_f)²)",
        accumulate: "let a = sqrt_(x); let b = sqrt_(y); let both = a + b;
    if bitcast<u32>(both) != 0u {
        let apart = select((x - y) / both, a - b, is_inf_(both));
        (*state).sum += apart * apart;
    }",
        finish: "return sqrt_(0.5 * state.sum);",
        domain: Domain::NonNegative,
        definition: |x, y, _, _| sum(x, y, &[], |x, y| 0.5 * (x.sqrt() - y.sqrt()).powi(2)).sqrt(),
        error_bound: |x, y, _, _| {
            let (sum, error) = sum_of(x, y, &[], 18.0, |x, y| 0.5 * (x.sqrt() - y.sqrt()).powi(2));
            let error = error + 2.0 * SMALLEST_NORMAL * x.len() as f64 * f64::from(u8::from(x != y));
            settled(x, y, sum + error, moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt())
        },
    }

    /// The Kullback–Leibler divergence, `Σ x_f ln(x_f / y_f)`, with the terms of `scipy.special.rel_entr`: 0 where x_f
    /// is 0, infinite where only y_f is or a mass is below 0. Rows are taken as they are.
    ///
    /// # Accuracy
    /// Absolute error at most γ(b + 17) Σ |x_f ln(x_f / y_f)|: a quotient (2.5 ULP) through a logarithm that is at least
    /// ln 1.5, which is 4 u accurate, and a product; near 1 the logarithm of 1 + (x − y)/y. Where a quotient leaves
    /// f32's normal range nothing is promised.
    /// # Sources
    /// SciPy, `scipy.special.rel_entr`.
    pub KL_DIVERGENCE {
        name: "kl_divergence",
        formula: "Σ x_f ln(x_f / y_f)",
        accumulate: "if x > 0.0 && y > 0.0 {
        let apart = x - y;
        if abs(apart) < 0.5 * y { (*state).sum += x * log1p_(apart / y); } else { (*state).sum += x * log_(x / y); }
    } else if is_nan_(x) || is_nan_(y) { (*state).sum += pair_nan();
    } else if !(x == 0.0 && y >= 0.0) { (*state).sum += pair_infinity(); }",
        domain: Domain::NonNegative,
        definition: |x, y, _, _| sum(x, y, &[], relative_entropy),
        error_bound: |x, y, _, _| {
            let (size, error) = sum_of(x, y, &[], 17.0, |x, y| relative_entropy(x, y).abs());
            let quotients = x.iter().zip(y).filter(|(x, y)| **x > 0.0 && **y > 0.0).map(|(x, y)| (x / y).max(y / x));
            // Where y alone is 0 the value is infinite, and nothing is near.
            if size.is_infinite() { 0.0 } else { settled(x, y, quotients.fold(size, f64::max), error) }
        },
        symmetric: false,
        is_metric: false,
    }

    const JENSENSHANNON {
        name: "jensenshannon",
        formula: "√((D(p‖m) + D(q‖m)) / 2), p = x/Σx, q = y/Σy, m = (p + q)/2",
        // With m = (p + q)/2 and r = (p − q)/(p + q) a term is m ((1 + r) ln(1 + r) + (1 − r) ln(1 − r)), which is
        // m Σ r²ᵏ / (k (2k − 1)): no cancellation.
        accumulate: "let both = x + y; let r = abs(x - y) / both; let z = r * r; let rest = (both - abs(x - y)) / both;
    if bitcast<u32>(both) != 0u {
        var term = z * (1.0 + z * (0.16666667 + z * (0.06666667 + z * (0.035714287 + z * (0.022222223 + z * (
            0.015151516 + z * (0.010989011 + z * (0.008333334 + z * (0.006535948 + z * 0.005263158)))))))));
        if !(r < 0.5) { term = (1.0 + r) * log_(1.0 + r); if rest != 0.0 { term += rest * log_(rest); } }
        (*state).sum += 0.5 * both * term;
    }",
        finish: "return sqrt_(0.5 * state.sum / log_(base));",
        parameters: &[("base", std::f32::consts::E, 1.0)],
        domain: Domain::NonNegative,
        prepare: Some(Prepare { rows: Preparation::Normalise, definition: |x, y, _, b| jensen_shannon(x, y, first(b, 1.0)) }),
        definition: |x, y, _, base| jensen_shannon(&normalised(x), &normalised(y), first(base, 1.0)),
        error_bound: |x, y, _, base| divergence(x, y, first(base, 1.0)),
        zero_on_self: false,
    }
}

impl Metric {
    /// The Jensen–Shannon distance of rows divided by their sums, `√((D(p‖m) + D(q‖m)) / 2)`, m = (p + q)/2, with
    /// logarithms of this base (e where SciPy's `base` is None); NaN where a row has no mass.
    ///
    /// # Accuracy
    /// Masses divided by their sum are δ = γ(b + 12) accurate (a blocked sum, a quotient), which moves
    /// r = |p − q|/(p + q) by at most 2 δ + 8 u. Terms m g(r), g(r) = (1 + r) ln(1 + r) + (1 − r) ln(1 − r), are never
    /// negative and 24 u accurate at their r. The bound is the sum of how far each term moves, carried through the root:
    /// near equal rows it is about δ.
    /// # Sources
    /// SciPy, `scipy.spatial.distance.jensenshannon`; Endres and Schindelin, "A new metric for probability
    /// distributions", 2003.
    pub fn jensenshannon(base: f32) -> Self {
        Self { parameters: vec![("base".into(), base)], ..JENSENSHANNON.metric() }
    }
}
