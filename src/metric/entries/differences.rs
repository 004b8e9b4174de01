//! Sums of differences, feature by feature.

use super::super::Table;
use super::super::bound::{gamma, moved, quotient, settled, sum_of, sum_of_squares};
use super::super::definition::{first, largest_difference, sum};
use super::metrics;
use crate::expr::{POW_ROUNDING, SMALLEST_NORMAL, SQRT_ROUNDING, UNIT_ROUNDOFF};
use crate::metric::Metric;

metrics! {
    /// The squared distance, `Σ w_f (x_f − y_f)²`.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 3), γ(n) = n u / (1 − n u), u = 2⁻²⁴, b = min(d, 64) + ⌈d/64⌉: the difference, its
    /// square, the blocked sum; with weights γ(b + 5). Where the sum leaves f32's range nothing is promised.
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1 and Lemma 3.1.
    pub SQEUCLIDEAN {
        name: "sqeuclidean",
        formula: "Σ w_f (x_f − y_f)²",
        accumulate: "let difference = x - y; (*state).sum += difference * difference;",
        accumulate_weighted: "let difference = x - y; (*state).sum += w * (difference * difference);",
        definition: |x, y, w, _| sum(x, y, w, |x, y| (x - y) * (x - y)),
        error_bound: |x, y, w, _| {
            let (sum, error) = sum_of_squares(x, y, w);
            settled(x, y, sum, error)
        },
        is_metric: false,
    }

    /// The distance, `√(Σ w_f (x_f − y_f)²)`.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 3)/2 + 1.01 u to first order: half of [`Self::SQEUCLIDEAN`]'s, and a root (1.01 u).
    /// Where the sum of squares leaves f32's range nothing is promised.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`].
    pub EUCLIDEAN {
        name: "euclidean",
        formula: "√(Σ w_f (x_f − y_f)²)",
        aliases: &["l2"],
        accumulate: SQEUCLIDEAN.accumulate,
        accumulate_weighted: SQEUCLIDEAN.accumulate_weighted,
        finish: "return sqrt_(state.sum);",
        definition: |x, y, w, _| sum(x, y, w, |x, y| (x - y) * (x - y)).sqrt(),
        error_bound: |x, y, w, _| {
            let (sum, error) = sum_of_squares(x, y, w);
            settled(x, y, sum + error, moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt())
        },
    }

    /// The distance of standardized features, `√(Σ (x_f − y_f)² / V_f)`; [`Self::seuclidean`] takes the variances.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 8)/2 + 1.01 u to first order: as [`Self::EUCLIDEAN`], with a quotient (2.5 ULP)
    /// per feature.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`]; SciPy, `scipy.spatial.distance.seuclidean`; WGSL, "Floating Point Accuracy".
    pub SEUCLIDEAN {
        name: "seuclidean",
        formula: "√(Σ (x_f − y_f)² / V_f)",
        // Without variances there is nothing to compute, and `check` says so.
        accumulate_weighted: "let difference = x - y; (*state).sum += difference * difference / w;",
        finish: EUCLIDEAN.finish,
        table: Table::Variances,
        definition: |x, y, v, _| {
            let inverse: Vec<f64> = v.iter().map(|v| 1.0 / v).collect();
            sum(x, y, &inverse, |x, y| (x - y) * (x - y)).sqrt()
        },
        error_bound: |x, y, v, _| {
            let inverse: Vec<f64> = v.iter().map(|v| 1.0 / v).collect();
            let (sum, error) = sum_of(x, y, &inverse, 8.0, |x, y| (x - y) * (x - y));
            // A square that is flushed to 0 is missed as many times as the variance is small.
            let flushed = inverse.iter().sum::<f64>() * SMALLEST_NORMAL;
            let error = if sum == 0.0 { error } else { error + flushed };
            settled(x, y, sum + error, moved(sum, error, f64::sqrt) + SQRT_ROUNDING * (sum + error).sqrt())
        },
    }

    /// The distance over the features that are a number in both rows, scaled up to all of them:
    /// `√(d/k Σ (x_f − y_f)²)` for k such features; NaN where there is none, as scikit-learn has it.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 10)/2 + 1.01 u to first order: as [`Self::EUCLIDEAN`], with a quotient (2.5 ULP)
    /// and a product. Features are counted exactly up to 2²⁴ of them.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`]; scikit-learn, `sklearn.metrics.pairwise.nan_euclidean_distances`.
    pub NAN_EUCLIDEAN {
        name: "nan_euclidean",
        formula: "√(d/k Σ (x_f − y_f)²) over the k features that are no NaN in either",
        state: "sum: f32, present: f32, all: f32",
        accumulate: "let difference = x - y; let there = !(is_nan_(x) | is_nan_(y));
    (*state).sum += select(0.0, difference * difference, there);
    (*state).present += select(0.0, 1.0, there); (*state).all += 1.0;",
        finish: "if state.all == 0.0 { return 0.0; } if state.present == 0.0 { return pair_nan(); }
    return sqrt_(state.sum * (state.all / state.present));",
        definition: |x, y, _, _| {
            let there = |x: f64, y: f64| f64::from(u8::from(!x.is_nan() && !y.is_nan()));
            let squares = sum(x, y, &[], |x, y| if there(x, y) > 0.0 { (x - y) * (x - y) } else { 0.0 });
            if x.is_empty() { 0.0 } else { (squares * (x.len() as f64 / sum(x, y, &[], there))).sqrt() }
        },
        error_bound: |x, y, _, _| {
            let there = x.iter().zip(y).filter(|(x, y)| !x.is_nan() && !y.is_nan());
            let (a, b): (Vec<f64>, Vec<f64>) = there.unzip();
            let scale = x.len() as f64 / (a.len().max(1) as f64);
            let (sum, error) = sum_of_squares(&a, &b, &[]);
            let error = scale * (error + (sum + error) * gamma(7.0 + x.len() as f64 / 64.0));
            settled(&a, &b, scale * sum, moved(scale * sum, error, f64::sqrt) + 1.1 * SQRT_ROUNDING * (scale * sum).sqrt())
        },
        is_metric: false,
        padding_neutral: false,
    }

    /// The city-block distance, `Σ w_f |x_f − y_f|`.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 1): the difference and the blocked sum; with weights γ(b + 3).
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`].
    pub CITYBLOCK {
        name: "cityblock",
        formula: "Σ w_f |x_f − y_f|",
        aliases: &["l1", "manhattan"],
        accumulate: "(*state).sum += abs(x - y);",
        accumulate_weighted: "(*state).sum += w * abs(x - y);",
        definition: |x, y, w, _| sum(x, y, w, |x, y| (x - y).abs()),
        error_bound: |x, y, w, _| {
            let (sum, error) = sum_of(x, y, w, 1.0, |x, y| (x - y).abs());
            settled(x, y, sum, error)
        },
    }

    /// The largest difference, `max |x_f − y_f|` over the features with a weight above 0; NaN where one of them is.
    ///
    /// The bits of numbers at or above 0 are in the numbers' own order, infinity above all and NaN above infinity, so
    /// the largest bits are the largest difference or the NaN; no driver's treatment of NaN in `max` matters.
    ///
    /// # Accuracy
    /// Relative error at most u: one subtraction, and the largest of rounded numbers is the rounded largest.
    /// # Sources
    /// IEEE 754-2019, §3.4; SciPy, `scipy.spatial.distance.chebyshev` (for the weights).
    pub CHEBYSHEV {
        name: "chebyshev",
        formula: "max |x_f − y_f| where w_f > 0",
        aliases: &["linf", "chebychev"],
        state: "bits: u32",
        accumulate: "(*state).bits = max((*state).bits, bitcast<u32>(x - y) & 0x7fffffffu);",
        accumulate_weighted: "if w > 0.0 { (*state).bits = max((*state).bits, bitcast<u32>(x - y) & 0x7fffffffu); }",
        merge: "return State(max(a.bits, b.bits));",
        finish: "if state.bits > 0x7f800000u { return pair_nan(); } return bitcast<f32>(state.bits);",
        definition: |x, y, w, _| largest_difference(x, y, w),
        error_bound: |x, y, w, _| {
            let largest = largest_difference(x, y, w);
            let flushed = if largest == 0.0 { 0.0 } else { 2.0 * SMALLEST_NORMAL };
            settled(x, y, largest, UNIT_ROUNDOFF * largest + flushed)
        },
    }

    const MINKOWSKI {
        name: "minkowski",
        formula: "(Σ w_f |x_f − y_f|ᵖ)^(1/p)",
        accumulate: "(*state).sum += pow_(abs(x - y), p);",
        accumulate_weighted: "(*state).sum += w * pow_(abs(x - y), p);",
        finish: "return pow_(state.sum, 1.0 / p);",
        parameters: &[("p", 2.0, 0.0)],
        definition: |x, y, w, p| sum(x, y, w, |x, y| (x - y).abs().powf(first(p, 2.0))).powf(1.0 / first(p, 2.0)),
        error_bound: |x, y, w, p| {
            // p for the difference's rounding, taken to the power p, and a general power.
            let (sum, error) = sum_of(x, y, w, first(p, 2.0) + POW_ROUNDING / UNIT_ROUNDOFF, |x, y| (x - y).abs().powf(first(p, 2.0)));
            let root = |sum: f64| sum.powf(1.0 / first(p, 2.0));
            let exponent = if sum > 0.0 { sum.ln().abs() / first(p, 2.0) * 5.0 * UNIT_ROUNDOFF } else { 0.0 };
            let bound = moved(sum, error, root) + (POW_ROUNDING + exponent) * root(sum + error);
            settled(x, y, (sum + error).max(root(sum + error)), bound)
        },
    }

    /// The Canberra distance, `Σ w_f |x_f − y_f| / (|x_f| + |y_f|)`, where a feature that is 0 on both sides adds 0.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 7): the difference, the sum below it, a quotient (2.5 ULP), the blocked sum; with
    /// weights γ(b + 9). Differences below the normal range may be taken for 0.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`]; SciPy, `scipy.spatial.distance.canberra`.
    pub CANBERRA {
        name: "canberra",
        formula: "Σ w_f |x_f − y_f| / (|x_f| + |y_f|)",
        // Branches over a whole register tile would keep some drivers' compilers busy for minutes.
        accumulate: "let size = abs(x) + abs(y); let none = bitcast<u32>(size) == 0u;
    (*state).sum += select(abs(x - y) / select(size, 1.0, none), 0.0, none);",
        accumulate_weighted: "let size = abs(x) + abs(y); let none = bitcast<u32>(size) == 0u;
    (*state).sum += select(w * (abs(x - y) / select(size, 1.0, none)), 0.0, none);",
        definition: |x, y, w, _| {
            sum(x, y, w, |x, y| if x == 0.0 && y == 0.0 { 0.0 } else { (x - y).abs() / (x.abs() + y.abs()) })
        },
        error_bound: |x, y, w, _| {
            let size = |x: f64, y: f64| x.abs() + y.abs();
            let term = |x: f64, y: f64| if size(x, y) == 0.0 { 0.0 } else { (x - y).abs() / size(x, y) };
            let (total, error) = sum_of(x, y, w, 7.0, term);
            let lost = |x: f64, y: f64| if x == y { 0.0 } else { 2.0 * SMALLEST_NORMAL / size(x, y) };
            let most = x.iter().zip(y).map(|(&x, &y)| size(x, y)).fold(total, f64::max);
            settled(x, y, most, error + sum(x, y, w, lost))
        },
    }

    /// The Bray–Curtis distance, `Σ w_f |x_f − y_f| / Σ w_f |x_f + y_f|`; NaN where both sums are 0, as SciPy has it.
    ///
    /// # Accuracy
    /// Relative error at most 2 γ(b + 1) + 5 u to first order: two blocked sums and a quotient (2.5 ULP); with weights
    /// 2 γ(b + 3) + 5 u.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`]; SciPy, `scipy.spatial.distance.braycurtis`.
    pub BRAYCURTIS {
        name: "braycurtis",
        formula: "Σ w_f |x_f − y_f| / Σ w_f |x_f + y_f|",
        state: "apart: f32, together: f32",
        accumulate: "(*state).apart += abs(x - y); (*state).together += abs(x + y);",
        accumulate_weighted: "(*state).apart += w * abs(x - y); (*state).together += w * abs(x + y);",
        finish: "if bitcast<u32>(state.together) != 0u { return state.apart / state.together; }
    if bitcast<u32>(state.apart) != 0u { return pair_infinity(); } return pair_nan();",
        definition: |x, y, w, _| sum(x, y, w, |x, y| (x - y).abs()) / sum(x, y, w, |x, y| (x + y).abs()),
        error_bound: |x, y, w, _| {
            let apart = sum_of(x, y, w, 1.0, |x, y| (x - y).abs());
            let together = sum_of(x, y, w, 1.0, |x, y| (x + y).abs());
            settled(x, y, apart.0.max(together.0), quotient(apart, together))
        },
        zero_on_self: false,
        is_metric: false,
    }
}

impl Metric {
    /// The Minkowski distance, `(Σ w_f |x_f − y_f|ᵖ)^(1/p)`, for p above 0; at p = ∞ it is [`Self::CHEBYSHEV`].
    ///
    /// # Accuracy
    /// Relative error at most `((b + p + 10)/p + 10 + 5 |ln S|/p) u` to first order, S the sum: the difference to the
    /// power p, two powers of 10 u each (`pow_` in `math.wgsl`), the blocked sum, and 1/p in f32 (2.5 ULP). Where S
    /// leaves f32's range nothing is promised.
    /// # Sources
    /// As [`Self::SQEUCLIDEAN`].
    pub fn minkowski(p: f32) -> Self {
        if p == f32::INFINITY {
            return Self::CHEBYSHEV;
        }
        Self { parameters: vec![("p".into(), p)], is_metric: p >= 1.0, ..MINKOWSKI.metric() }
    }

    /// [`Self::SEUCLIDEAN`] with one variance per feature.
    pub fn seuclidean(variances: Vec<f32>) -> Self {
        Self::SEUCLIDEAN.with_table(variances)
    }
}
