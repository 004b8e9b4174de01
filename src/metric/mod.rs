//! Metrics: how two rows are compared, feature by feature. One entry holds everything about one metric.

mod bound;
mod definition;
mod entries;
pub(crate) mod statistics;
mod text;
mod vector;

pub use bound::{UNIT_ROUNDOFF, blocked_sum_terms};
pub(crate) use text::{LABEL, fields, labelled, mentions, rename_fields, rename_words};

use std::borrow::Cow;

use crate::error::{Error, Result};

/// A metric: running sums over the features of a pair of rows, and how they end in one value.
///
/// The WGSL texts are bodies of functions. `accumulate` sees `state: ptr<function, State>`, `x` and `y`, and
/// `accumulate_weighted` the weight `w` besides; `merge` sees `a` and `b` and returns a `State`; `finish` sees
/// `state: State` and returns an `f32`. All of them see the metric's parameters by name, `pair_nan()`,
/// `pair_infinity()` and the functions of `math.wgsl`.
///
/// # Examples
/// A metric of one's own: the largest quotient of two positive features.
/// ```
/// # use gristmill::Metric;
/// let spread = Metric {
///     name: "log spread".into(),
///     state: "largest: f32".into(),
///     accumulate: "(*state).largest = max((*state).largest, abs(log_(x / y)));".into(),
///     accumulate_weighted: "".into(), // takes no weights
///     merge: "return State(max(a.largest, b.largest));".into(),
///     finish: "return state.largest;".into(),
///     parameters: vec![],
///     weights: None,
///     definition: |x, y, _, _| x.iter().zip(y).fold(0.0, |m: f64, (x, y)| m.max((x / y).ln().abs())),
///     error_bound: |_, _, _, _| 10.0 * gristmill::UNIT_ROUNDOFF, // for quotients up to e
///     zero_on_self: false,
///     symmetric: true,
///     is_metric: true,
///     padding_neutral: false,
/// };
/// spread.check(3)?;
/// assert_eq!(spread.evaluate(&[1.0, 1.0], &[1.0, 2.0]), 2.0_f64.ln());
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Metric {
    /// SciPy's or scikit-learn's name.
    pub name: Cow<'static, str>,
    /// Fields of the state, `"dot: f32, xx: f32"`; only `f32` and `u32`. They start at 0.
    pub state: Cow<'static, str>,
    /// Body that takes one feature into the state.
    pub accumulate: Cow<'static, str>,
    /// Body that takes one feature with its weight into the state; empty: the metric takes no weights.
    pub accumulate_weighted: Cow<'static, str>,
    /// Body that joins the states of two groups of features; empty: the fields are added.
    pub merge: Cow<'static, str>,
    /// Body that turns the state into the value.
    pub finish: Cow<'static, str>,
    /// Parameters by name, in a uniform.
    pub parameters: Vec<(Cow<'static, str>, f32)>,
    /// One weight per feature, if the caller gave them.
    pub weights: Option<Vec<f32>>,
    /// The value in f64 for rows x and y, weights (empty: all 1) and parameters.
    pub definition: fn(x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64,
    /// Largest absolute error of the f32 value for these rows; infinite where an f32 may overflow on the way.
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

impl Metric {
    /// The same metric with one weight per feature. In sums the weight multiplies the feature's term, as in SciPy; in
    /// [`Metric::CHEBYSHEV`] a feature counts if its weight is above 0. A feature of weight 0 is left out altogether: not
    /// even a NaN in it changes anything.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Self {
        self.weights = Some(weights);
        self
    }

    /// Every distance that has a name, those with parameters at SciPy's defaults.
    pub fn all() -> Vec<Self> {
        vec![Self::SQEUCLIDEAN, Self::EUCLIDEAN, Self::CITYBLOCK, Self::CHEBYSHEV, Self::COSINE, Self::minkowski(2.0)]
    }

    /// The distance of this name, SciPy's or scikit-learn's, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        let wanted = name.trim().to_lowercase();
        let wanted = match wanted.as_str() {
            "l1" | "manhattan" => "cityblock",
            "l2" => "euclidean",
            "linf" => "chebyshev",
            other => other,
        };
        let known = Self::all();
        match known.iter().find(|metric| metric.name == wanted) {
            Some(metric) => Ok(metric.clone()),
            None => Err(Error::unknown("metric", name, known.iter().map(|m| &*m.name).chain(["manhattan"]))),
        }
    }

    /// Whether rows of `d` features can be compared.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a parameter is not finite, or p of minkowski is not above 0; where the weights
    /// are not `d` numbers at or above 0, or the metric takes none; where a text of a metric of one's own cannot work.
    pub fn check(&self, d: usize) -> Result<()> {
        let refuse = |argument: String, message: &str| Err(Error::argument("metric", argument, message));
        for (name, value) in &self.parameters {
            let in_minkowski = self.name == "minkowski";
            if !value.is_finite() || (in_minkowski && *value <= 0.0) {
                let given = self.parameters.first().filter(|_| in_minkowski).map_or(*value, |(_, p)| *p);
                let name = if in_minkowski { "p" } else { name };
                let rule = if in_minkowski { "must be a number above 0" } else { "must be finite" };
                return refuse(format!("{}: {name} = {given}", self.name), rule);
            }
            if !text::is_free_name(name) {
                return refuse(format!("{}: parameter {name:?}", self.name), "is no name that WGSL leaves free");
            }
        }
        if fields(&self.state).is_empty() {
            return refuse(
                format!("{}: state {:?}", self.name, self.state),
                "must be a list like \"sum: f32, n: u32\"",
            );
        }
        let Some(weights) = &self.weights else { return Ok(()) };
        if self.accumulate_weighted.is_empty() {
            return refuse(format!("{}: weights", self.name), "are not taken by this metric");
        }
        if weights.len() != d {
            let message = format!("must be one per feature: there are {d} features and {} weights", weights.len());
            return refuse(format!("{}: weights", self.name), &message);
        }
        match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            Some(at) => {
                refuse(format!("{}: weights[{at}] = {}", self.name, weights[at]), "must be finite and not negative")
            }
            None => Ok(()),
        }
    }

    /// The value in f64.
    pub fn evaluate(&self, x: &[f64], y: &[f64]) -> f64 {
        let (weights, parameters) = self.numbers();
        (self.definition)(&self.kept(x), &self.kept(y), &weights, &parameters)
    }

    /// The value in f64, and how far a device's f32 value may be from it.
    pub fn evaluate_with_bound(&self, x: &[f64], y: &[f64]) -> (f64, f64) {
        let (weights, parameters) = self.numbers();
        let (x, y) = (self.kept(x), self.kept(y));
        ((self.definition)(&x, &y, &weights, &parameters), (self.error_bound)(&x, &y, &weights, &parameters))
    }

    /// Whether some feature has weight 0.
    pub(crate) fn leaves_features_out(&self) -> bool {
        self.weights.as_ref().is_some_and(|weights| weights.contains(&0.0))
    }

    /// The row with 0 in every feature of weight 0, whatever stood there.
    pub(crate) fn kept<'a>(&self, row: &'a [f64]) -> Cow<'a, [f64]> {
        match &self.weights {
            Some(weights) if weights.contains(&0.0) => {
                let kept = |(value, weight): (&f64, &f32)| if *weight == 0.0 { 0.0 } else { *value };
                row.iter().zip(weights).map(kept).collect()
            }
            _ => row.into(),
        }
    }

    fn numbers(&self) -> (Vec<f64>, Vec<f64>) {
        let weights = self.weights.iter().flatten().map(|&w| f64::from(w)).collect();
        (weights, self.parameters.iter().map(|(_, value)| f64::from(*value)).collect())
    }
}

/// The same computation on the same parameters and weights; names do not matter.
impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
            && self.accumulate == other.accumulate
            && self.accumulate_weighted == other.accumulate_weighted
            && self.merge == other.merge
            && self.finish == other.finish
            && self.parameters == other.parameters
            && self.weights == other.weights
    }
}
