//! Metrics: how two rows are compared, feature by feature. One entry holds everything about one metric.

mod bound;
mod check;
mod definition;
mod domain;
mod entries;
mod prepare;
pub(crate) mod statistics;
mod text;
mod vector;

pub use bound::UNIT_ROUNDOFF;
#[cfg(feature = "conformance")]
pub use bound::blocked_sum_terms;
pub use domain::{Domain, Table};
pub(crate) use prepare::factor;
#[cfg(feature = "cpu")]
pub(crate) use prepare::halves;
pub use prepare::{Preparation, Prepare, RowMap};
pub(crate) use text::{LABEL, fields, labelled, mentions, rename_fields, rename_words};
pub(crate) use vector::MOST_WRITTEN_OUT;

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
/// # use gristmill::{Domain, Metric, Table};
/// let spread = Metric {
///     name: "log spread".into(),
///     state: "largest: f32".into(),
///     accumulate: "(*state).largest = max((*state).largest, abs(log_(x / y)));".into(),
///     accumulate_weighted: "".into(), // takes no weights
///     merge: "return State(max(a.largest, b.largest));".into(),
///     finish: "return state.largest;".into(),
///     parameters: vec![],
///     weights: None,
///     table: Table::Weights,
///     features: None,
///     domain: Domain::NonNegative,
///     prepare: None,
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
    /// The table that the caller gave: one weight per feature, unless `table` says otherwise.
    pub weights: Option<Vec<f32>>,
    /// What the table holds; all but weights are needed.
    pub table: Table,
    /// How many features rows must have, where only one number will do.
    pub features: Option<usize>,
    /// What the features of a row may be.
    pub domain: Domain,
    /// What becomes of every row first, if anything; then the texts see prepared rows.
    pub prepare: Option<Prepare>,
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
    pub fn with_weights(self, weights: Vec<f32>) -> Self {
        self.with_table(weights)
    }

    /// The same metric with its table: weights, variances or an inverse covariance matrix, as `table` says.
    pub fn with_table(mut self, table: Vec<f32>) -> Self {
        self.weights = Some(table);
        self
    }

    /// The same metric with another value of a parameter.
    ///
    /// # Errors
    /// [`Error::UnknownName`] where it has no such parameter.
    pub fn with_parameter(mut self, name: &str, value: f32) -> Result<Self> {
        if self.name == "minkowski" && name == "p" {
            return Ok(Self { weights: self.weights, ..Self::minkowski(value) });
        }
        match self.parameters.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => return Err(Error::unknown("parameter", name, self.parameters.iter().map(|(known, _)| &**known))),
        }
        Ok(self)
    }

    /// Every metric that has a name, those with parameters at SciPy's defaults; those that need a table (`seuclidean`,
    /// `mahalanobis`) are without it.
    pub fn all() -> Vec<Self> {
        entries::all().map(entries::Entry::metric).collect()
    }

    /// The metric of this name, SciPy's or scikit-learn's, in any case; parameters may stand behind it, as in
    /// `minkowski(p=3)`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest name; [`Error::InvalidArgument`] where a parameter is no number.
    pub fn named(name: &str) -> Result<Self> {
        let (wanted, parameters) = match name.trim().strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((wanted, parameters)) => (wanted, parameters),
            None => (name, ""),
        };
        let wanted = wanted.trim().to_lowercase();
        let is_wanted = |entry: &&entries::Entry| entry.name == wanted || entry.aliases.contains(&wanted.as_str());
        let Some(entry) = entries::all().find(is_wanted) else {
            let names = entries::all().flat_map(|entry| entry.aliases.iter().copied().chain([entry.name]));
            return Err(Error::unknown("metric", name, names));
        };
        let mut metric = entry.metric();
        for parameter in parameters.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let (parameter, value) = parameter.split_once('=').unwrap_or(("", parameter));
            let value = value.trim().parse().map_err(|_| {
                Error::argument("metric", format!("{wanted}: {value:?}"), "must be a number, as in minkowski(p=3)")
            })?;
            metric = metric.with_parameter(parameter.trim(), value)?;
        }
        Ok(metric)
    }

    /// The value in words of mathematics, for lists; empty for a metric of one's own.
    pub fn formula(&self) -> &'static str {
        entries::of(self).map_or("", |entry| entry.formula)
    }

    /// Other names by which [`Metric::named`] finds it.
    pub fn aliases(&self) -> &'static [&'static str] {
        entries::of(self).map_or(&[], |entry| entry.aliases)
    }

    /// Whether it takes one weight per feature.
    pub fn takes_weights(&self) -> bool {
        self.table == Table::Weights && !self.accumulate_weighted.is_empty()
    }

    /// This metric with some table where it needs one: what trials of rows of `d` features take. `None` where such rows
    /// cannot be compared.
    pub fn example(mut self, d: usize) -> Option<Self> {
        if self.weights.is_none() && !self.table.is_optional() {
            self.weights = Some(self.table.example(d)?);
        }
        self.check(d).is_ok().then_some(self)
    }

    /// What becomes of the rows of x and of y first, and the metric that then compares them; `None` where it takes rows
    /// as they are.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where its table is no matrix that a distance can have.
    pub(crate) fn prepared(&self) -> Result<Option<([RowMap; 2], Self)>> {
        let Some(Prepare { rows, definition }) = self.prepare else { return Ok(None) };
        let (sides, weights) = rows.of(self.weights.as_deref())?;
        Ok(Some((sides, Self { prepare: None, table: Table::Weights, weights, definition, ..self.clone() })))
    }

    /// Whether no value is below 0, and devices may count on it.
    pub(crate) fn is_never_negative(&self) -> bool {
        let plain = Self { weights: None, ..self.clone() };
        let known = [Self::SQEUCLIDEAN, Self::EUCLIDEAN, Self::CITYBLOCK];
        known.contains(&plain) && self.weights.iter().flatten().all(|weight| *weight >= 0.0)
    }

    /// Whether its WGSL is that of a named metric, whatever the values of its parameters and weights are: text that is
    /// known to index nothing and to have no loops.
    pub(crate) fn is_built_in(&self) -> bool {
        entries::of(self).is_some() || statistics::all().iter().any(|known| known.has_text_of(self))
    }

    /// Whether both have the same WGSL and names of parameters.
    fn has_text_of(&self, other: &Self) -> bool {
        self.state == other.state
            && self.accumulate == other.accumulate
            && self.accumulate_weighted == other.accumulate_weighted
            && self.merge == other.merge
            && self.finish == other.finish
            && self.parameters.iter().map(|(name, _)| name).eq(other.parameters.iter().map(|(name, _)| name))
    }

    /// Whether rows of `d` features can be compared.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a parameter is not finite or out of its range; where the table is not there or
    /// does not fit `d`; where `d` is not the number of features that it needs; where a text of a metric of one's own
    /// cannot work.
    pub fn check(&self, d: usize) -> Result<()> {
        check::check(self, d)
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
        self.table == Table::Weights && self.weights.as_ref().is_some_and(|weights| weights.contains(&0.0))
    }

    /// The row with 0 in every feature of weight 0, whatever stood there; so in a feature whose row and column of an
    /// inverse covariance are 0.
    pub(crate) fn kept<'a>(&self, row: &'a [f64]) -> Cow<'a, [f64]> {
        match &self.weights {
            Some(weights) if self.leaves_features_out() => {
                let kept = |(value, weight): (&f64, &f32)| if *weight == 0.0 { 0.0 } else { *value };
                row.iter().zip(weights).map(kept).collect()
            }
            Some(table) if self.table == Table::InverseCovariance && row.iter().any(|value| !value.is_finite()) => {
                let is_zero = |at: usize| table.get(at).is_none_or(|entry| *entry == 0.0);
                let d = row.len();
                let is_out = |f: usize| (0..d).all(|g| is_zero(f * d + g) && is_zero(g * d + f));
                row.iter().enumerate().map(|(f, value)| if is_out(f) { 0.0 } else { *value }).collect()
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
            && self.prepare.map(|prepare| prepare.rows) == other.prepare.map(|prepare| prepare.rows)
    }
}
