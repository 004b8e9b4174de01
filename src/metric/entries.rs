//! The metrics that have names.

use std::borrow::Cow;

use super::{Metric, bound, definition};

impl Metric {
    /// Whether its WGSL is that of a metric below, whatever the values of its parameters and weights are: text that is
    /// known to index nothing and to have no loops.
    pub(crate) fn is_built_in(&self) -> bool {
        let texts = |metric: &Self| {
            let Self { state, accumulate, accumulate_weighted, merge, finish, .. } = metric;
            [state, accumulate, accumulate_weighted, merge, finish].map(|text| text.to_string())
        };
        let names = |metric: &Self| metric.parameters.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        let own = (texts(self), names(self));
        let others = [Self::COSINE_SIMILARITY, Self::INNER_PRODUCT];
        Self::all()
            .iter()
            .chain(&others)
            .chain(&super::statistics::all())
            .any(|known| (texts(known), names(known)) == own)
    }

    /// The squared distance, `Σ w_f (x_f − y_f)²`.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 3), γ(n) = n u / (1 − n u), u = 2⁻²⁴, b = min(d, 64) + ⌈d/64⌉: the difference, its
    /// square, the blocked sum; with weights γ(b + 5). Where the sum leaves f32's range nothing is promised.
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1 and Lemma 3.1.
    pub const SQEUCLIDEAN: Self = Self {
        name: Cow::Borrowed("sqeuclidean"),
        state: Cow::Borrowed("sum: f32"),
        accumulate: Cow::Borrowed("let difference = x - y; (*state).sum += difference * difference;"),
        accumulate_weighted: Cow::Borrowed("let difference = x - y; (*state).sum += w * (difference * difference);"),
        merge: Cow::Borrowed(""),
        finish: Cow::Borrowed("return state.sum;"),
        parameters: Vec::new(),
        weights: None,
        definition: definition::sqeuclidean,
        error_bound: bound::sqeuclidean,
        zero_on_self: true,
        symmetric: true,
        is_metric: false,
        padding_neutral: true,
    };

    /// The distance, `√(Σ w_f (x_f − y_f)²)`.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 3)/2 + 1.01 u to first order: half of [`Metric::SQEUCLIDEAN`]'s, and a root (1.01 u).
    /// Where the sum of squares leaves f32's range nothing is promised.
    /// # Sources
    /// As [`Metric::SQEUCLIDEAN`].
    pub const EUCLIDEAN: Self = Self {
        name: Cow::Borrowed("euclidean"),
        finish: Cow::Borrowed("return sqrt_(state.sum);"),
        definition: definition::euclidean,
        error_bound: bound::euclidean,
        state: Cow::Borrowed("sum: f32"),
        accumulate: Cow::Borrowed("let difference = x - y; (*state).sum += difference * difference;"),
        accumulate_weighted: Cow::Borrowed("let difference = x - y; (*state).sum += w * (difference * difference);"),
        merge: Cow::Borrowed(""),
        parameters: Vec::new(),
        weights: None,
        zero_on_self: true,
        symmetric: true,
        is_metric: true,
        padding_neutral: true,
    };

    /// The city-block distance, `Σ w_f |x_f − y_f|`.
    ///
    /// # Accuracy
    /// Relative error at most γ(b + 1): the difference and the blocked sum; with weights γ(b + 3).
    /// # Sources
    /// As [`Metric::SQEUCLIDEAN`].
    pub const CITYBLOCK: Self = Self {
        name: Cow::Borrowed("cityblock"),
        state: Cow::Borrowed("sum: f32"),
        accumulate: Cow::Borrowed("(*state).sum += abs(x - y);"),
        accumulate_weighted: Cow::Borrowed("(*state).sum += w * abs(x - y);"),
        merge: Cow::Borrowed(""),
        finish: Cow::Borrowed("return state.sum;"),
        parameters: Vec::new(),
        weights: None,
        definition: definition::cityblock,
        error_bound: bound::cityblock,
        zero_on_self: true,
        symmetric: true,
        is_metric: true,
        padding_neutral: true,
    };

    /// The largest difference, `max |x_f − y_f|` over the features with a weight above 0; NaN where one of them is.
    ///
    /// The bits of numbers at or above 0 are in the numbers' own order, infinity above all and NaN above infinity, so
    /// the largest bits are the largest difference or the NaN; no driver's treatment of NaN in `max` matters.
    ///
    /// # Accuracy
    /// Relative error at most u: one subtraction.
    /// # Sources
    /// IEEE 754-2019, §3.4; SciPy, `scipy.spatial.distance.chebyshev` (for the weights).
    pub const CHEBYSHEV: Self = Self {
        name: Cow::Borrowed("chebyshev"),
        state: Cow::Borrowed("bits: u32"),
        accumulate: Cow::Borrowed("(*state).bits = max((*state).bits, bitcast<u32>(x - y) & 0x7fffffffu);"),
        accumulate_weighted: Cow::Borrowed(
            "if w > 0.0 { (*state).bits = max((*state).bits, bitcast<u32>(x - y) & 0x7fffffffu); }",
        ),
        merge: Cow::Borrowed("return State(max(a.bits, b.bits));"),
        finish: Cow::Borrowed("if state.bits > 0x7f800000u { return pair_nan(); } return bitcast<f32>(state.bits);"),
        parameters: Vec::new(),
        weights: None,
        definition: definition::chebyshev,
        error_bound: bound::chebyshev,
        zero_on_self: true,
        symmetric: true,
        is_metric: true,
        padding_neutral: true,
    };

    /// One minus the cosine of the angle, `1 − Σ w_f x_f y_f / (‖x‖ ‖y‖)`; NaN where a row is zero, as SciPy has it, and
    /// never outside 0 … 2.
    ///
    /// # Accuracy
    /// Absolute error at most `(3 (b + 1) + 11) u` to first order: three blocked sums (Cauchy–Schwarz bounds the sum of
    /// magnitudes by the norms), two roots (1.01 u each), a product, a quotient (2.5 ULP), a difference. Where the
    /// square of a norm leaves f32's normal range nothing is promised.
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1; WGSL, "Floating Point Accuracy".
    pub const COSINE: Self = Self {
        name: Cow::Borrowed("cosine"),
        state: Cow::Borrowed("dot: f32, xx: f32, yy: f32"),
        accumulate: Cow::Borrowed("(*state).dot += x * y; (*state).xx += x * x; (*state).yy += y * y;"),
        accumulate_weighted: Cow::Borrowed(
            "(*state).dot += w * (x * y); (*state).xx += w * (x * x); (*state).yy += w * (y * y);",
        ),
        merge: Cow::Borrowed(""),
        finish: Cow::Borrowed(
            "if state.xx == 0.0 || state.yy == 0.0 { return pair_nan(); }
    let cosine = state.dot / (sqrt_(state.xx) * sqrt_(state.yy));
    if is_nan_(cosine) { return pair_nan(); }
    return 1.0 - clamp(cosine, -1.0, 1.0);",
        ),
        parameters: Vec::new(),
        weights: None,
        definition: definition::cosine,
        error_bound: bound::cosine,
        zero_on_self: false,
        symmetric: true,
        is_metric: false,
        padding_neutral: true,
    };

    /// The cosine of the angle as scikit-learn's `cosine_similarity` has it: 0 where a row is zero. No distance; kernels
    /// are made of it.
    ///
    /// # Accuracy
    /// As [`Metric::COSINE`].
    /// # Sources
    /// As [`Metric::COSINE`]; scikit-learn, `sklearn.metrics.pairwise.cosine_similarity`.
    pub const COSINE_SIMILARITY: Self = Self {
        name: Cow::Borrowed("cosine_similarity"),
        finish: Cow::Borrowed(
            "if state.xx == 0.0 || state.yy == 0.0 { return state.dot; }
    let cosine = state.dot / (sqrt_(state.xx) * sqrt_(state.yy));
    if is_nan_(cosine) { return pair_nan(); }
    return clamp(cosine, -1.0, 1.0);",
        ),
        definition: definition::cosine_similarity,
        state: Cow::Borrowed("dot: f32, xx: f32, yy: f32"),
        accumulate: Cow::Borrowed("(*state).dot += x * y; (*state).xx += x * x; (*state).yy += y * y;"),
        accumulate_weighted: Cow::Borrowed(
            "(*state).dot += w * (x * y); (*state).xx += w * (x * x); (*state).yy += w * (y * y);",
        ),
        merge: Cow::Borrowed(""),
        parameters: Vec::new(),
        weights: None,
        error_bound: bound::cosine,
        zero_on_self: false,
        symmetric: true,
        is_metric: false,
        padding_neutral: true,
    };

    /// The inner product, `Σ w_f x_f y_f`. No distance; kernels are made of it.
    ///
    /// # Accuracy
    /// Absolute error at most γ(b + 1) Σ |w_f x_f y_f|; with weights γ(b + 3).
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1.
    pub const INNER_PRODUCT: Self = Self {
        name: Cow::Borrowed("inner_product"),
        state: Cow::Borrowed("sum: f32"),
        accumulate: Cow::Borrowed("(*state).sum += x * y;"),
        accumulate_weighted: Cow::Borrowed("(*state).sum += w * (x * y);"),
        merge: Cow::Borrowed(""),
        finish: Cow::Borrowed("return state.sum;"),
        parameters: Vec::new(),
        weights: None,
        definition: definition::inner_product,
        error_bound: bound::inner_product,
        zero_on_self: false,
        symmetric: true,
        is_metric: false,
        padding_neutral: true,
    };

    /// The Minkowski distance, `(Σ w_f |x_f − y_f|ᵖ)^(1/p)`, for p above 0; at p = ∞ it is [`Metric::CHEBYSHEV`].
    ///
    /// # Accuracy
    /// Relative error at most `((b + p + 10)/p + 10 + |ln S|/p) u` to first order, S the sum: the difference to the
    /// power p, two powers of 10 u each (`pow_` in `math.wgsl`), the blocked sum, and 1/p in f32. Where S leaves f32's
    /// range nothing is promised.
    /// # Sources
    /// As [`Metric::SQEUCLIDEAN`].
    pub fn minkowski(p: f32) -> Self {
        if p == f32::INFINITY {
            return Self::CHEBYSHEV;
        }
        Self {
            name: Cow::Borrowed("minkowski"),
            state: Cow::Borrowed("sum: f32"),
            accumulate: Cow::Borrowed("(*state).sum += pow_(abs(x - y), p);"),
            accumulate_weighted: Cow::Borrowed("(*state).sum += w * pow_(abs(x - y), p);"),
            merge: Cow::Borrowed(""),
            finish: Cow::Borrowed("return pow_(state.sum, root);"),
            parameters: vec![(Cow::Borrowed("p"), p), (Cow::Borrowed("root"), 1.0 / p)],
            weights: None,
            definition: definition::minkowski,
            error_bound: bound::minkowski,
            zero_on_self: true,
            symmetric: true,
            is_metric: p >= 1.0,
            padding_neutral: true,
        }
    }
}
