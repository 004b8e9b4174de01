//! Metrics: how two rows are compared, feature by feature. One entry holds everything about one metric.

use std::borrow::Cow;

/// Unit roundoff of f32, 2⁻²⁴.
pub const UNIT_ROUNDOFF: f64 = 5.960464477539063e-8;

/// Terms that a blocked sum of `d` terms adds one after another, in the worst case: 64 in a block, then the blocks.
pub fn blocked_sum_terms(d: usize) -> f64 {
    d.min(64) as f64 + d.div_ceil(64) as f64
}

/// A metric: running sums over the features of a pair of rows, and how they end in one value.
///
/// The WGSL texts are bodies: `accumulate` sees `state: ptr<function, State>`, `x`, `y` and, where `weighted`, `w`;
/// `merge` sees `a` and `b` and returns a `State`; `finish` sees `state: State` and returns an `f32`. All of them see
/// the metric's parameters by name, and `pair_nan()` and `pair_infinity()`.
#[derive(Debug, Clone)]
pub struct Metric {
    /// SciPy's or scikit-learn's name.
    pub name: Cow<'static, str>,
    /// Fields of the state, `"dot: f32, xx: f32"`; only `f32` and `u32`. They start at 0.
    pub state: Cow<'static, str>,
    /// Body that takes one feature into the state.
    pub accumulate: Cow<'static, str>,
    /// Body that joins the states of two groups of features; empty: the fields are added.
    pub merge: Cow<'static, str>,
    /// Body that turns the state into the value.
    pub finish: Cow<'static, str>,
    /// Parameters by name, in a uniform.
    pub parameters: Vec<(Cow<'static, str>, f32)>,
    /// One weight per feature, if the caller gave them; `accumulate` must then use `w`.
    pub weights: Option<Vec<f32>>,
    /// The value in f64 for rows x and y, weights (empty: all 1) and parameters.
    pub definition: fn(x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64,
    /// Largest absolute error of the f32 value for these rows.
    pub error_bound: fn(x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64,
    /// Whether equal rows are at distance exactly 0.
    pub zero_on_self: bool,
    /// Whether metric(x, y) = metric(y, x).
    pub symmetric: bool,
    /// Whether the triangle inequality holds.
    pub is_metric: bool,
    /// Whether features that are 0 on both sides change nothing.
    pub padding_neutral: bool,
}
