//! What one entry of the table of kernels says, and how it gets at its arguments and statistics.

use std::fmt;

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::metric::Metric;

/// One named kernel: everything about it in one place.
///
/// # Examples
/// A kernel of one's own, the inverse multiquadric `1/√(c² + ‖x − y‖²)`:
/// ```
/// # use gristmill::{Kernel, KernelEntry, Metric, Parameter, Rule};
/// static INVERSE_MULTIQUADRIC: KernelEntry = KernelEntry {
///     name: "inverse_multiquadric",
///     aliases: &["imq"],
///     parameters: &[Parameter { name: "c", default: Some(1.0), rule: Rule::Positive }],
///     expression: |arguments, statistics| {
///         let c = arguments.parameter("c", |c| c * c);
///         Ok((statistics.of(Metric::SQEUCLIDEAN) + c).rsqrt())
///     },
///     definition: |arguments, x, y| {
///         let squared: f64 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
///         1.0 / (arguments.number("c").powi(2) + squared).sqrt()
///     },
/// };
/// let kernel = Kernel::new(&INVERSE_MULTIQUADRIC, [("c", 4.0.into())])? + Kernel::linear();
/// assert_eq!(kernel.definition(&[0.0], &[3.0])?, 0.2);
/// assert_eq!(kernel.pair_function(1)?.evaluate(&[0.0], &[3.0]), 0.2);
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct KernelEntry {
    /// scikit-learn's name, in small letters with underscores.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// The parameters, in the order of arguments without a name.
    pub parameters: &'static [Parameter],
    /// The value as an expression over statistics of the two rows.
    pub expression: fn(&Arguments<'_>, &mut Statistics) -> Result<Expr>,
    /// The value in f64, by the textbook and not through the expression.
    pub definition: fn(&Arguments<'_>, x: &[f64], y: &[f64]) -> f64,
}

/// A parameter of a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// scikit-learn's name.
    pub name: &'static str,
    /// What it is where it is not given; `None` where that depends on the other parameters or on d.
    pub default: Option<f64>,
    /// Which values are allowed.
    pub rule: Rule,
}

/// Which values a parameter may have. All of them are finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Any number.
    Finite,
    /// 0 or above.
    NotNegative,
    /// Above 0.
    Positive,
    /// Above 0; one for all features, or a list with one for each.
    PositivePerFeature,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// One number.
    Number(f64),
    /// One number per feature.
    List(Vec<f64>),
}

impl From<f64> for Argument {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<Vec<f64>> for Argument {
    fn from(values: Vec<f64>) -> Self {
        Self::List(values)
    }
}

impl From<&[f64]> for Argument {
    fn from(values: &[f64]) -> Self {
        Self::List(values.to_vec())
    }
}

/// Names as they are compared: small letters, no underscores.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

impl KernelEntry {
    /// Which parameter has this name.
    pub(super) fn position(&self, name: &str) -> Result<usize> {
        let wanted = plain(name);
        let found = self.parameters.iter().position(|parameter| plain(parameter.name) == wanted);
        found.ok_or_else(|| Error::unknown("kernel parameter", name, self.parameters.iter().map(|p| p.name)))
    }

    /// Whether every argument that is given is in its range.
    pub(super) fn check(&self, given: &[Option<Argument>]) -> Result<()> {
        for (parameter, argument) in self.parameters.iter().zip(given) {
            let values = match argument {
                None => continue,
                Some(Argument::Number(value)) => std::slice::from_ref(value),
                Some(Argument::List(values)) if parameter.rule == Rule::PositivePerFeature => values,
                Some(Argument::List(_)) => {
                    let argument = format!("{}: {}", self.name, parameter.name);
                    return Err(Error::argument("kernel", argument, "must be one number, not a list"));
                }
            };
            let (allowed, rule): (fn(f64) -> bool, _) = match parameter.rule {
                Rule::Finite => (|_| true, "must be finite"),
                Rule::NotNegative => (|v| v >= 0.0, "must be finite and not negative"),
                Rule::Positive | Rule::PositivePerFeature => (|v| v > 0.0, "must be finite and above 0"),
            };
            if let Some(value) = values.iter().find(|v| !v.is_finite() || !allowed(**v)) {
                return Err(Error::argument("kernel", format!("{}: {} = {value}", self.name, parameter.name), rule));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for KernelEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Entries are the same if they have the same name and parameters.
impl PartialEq for KernelEntry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.parameters == other.parameters
    }
}

/// The arguments of one kernel, with defaults filled in.
#[derive(Debug)]
pub struct Arguments<'a> {
    entry: &'a KernelEntry,
    given: &'a [Option<Argument>],
    /// Features per row.
    pub d: usize,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(entry: &'a KernelEntry, given: &'a [Option<Argument>], d: usize) -> Self {
        Self { entry, given, d }
    }

    /// The argument as it was given.
    pub fn given(&self, name: &str) -> Option<&'a Argument> {
        let at = self.entry.parameters.iter().position(|parameter| parameter.name == name)?;
        self.given.get(at)?.as_ref()
    }

    /// The number given or its default; NaN where there is neither.
    pub fn number(&self, name: &str) -> f64 {
        match self.given(name) {
            Some(Argument::Number(value)) => *value,
            Some(Argument::List(_)) => f64::NAN,
            None => self.entry.parameters.iter().find(|p| p.name == name).and_then(|p| p.default).unwrap_or(f64::NAN),
        }
    }

    /// The number given, or 1/d, scikit-learn's default for gamma.
    pub fn number_or_inverse_d(&self, name: &str) -> f64 {
        if self.given(name).is_some() { self.number(name) } else { 1.0 / self.d.max(1) as f64 }
    }

    /// A parameter of the expression, made of the number by `of` in f64.
    pub fn parameter(&self, name: &str, of: impl Fn(f64) -> f64) -> Expr {
        Expr::parameter(of(self.number(name)))
    }
}

/// The statistics of two rows that a kernel is made of; the same one is computed once.
#[derive(Debug, Default)]
pub struct Statistics {
    terms: Vec<Metric>,
}

impl Statistics {
    /// The value of a metric, as a variable.
    pub fn of(&mut self, metric: Metric) -> Expr {
        let at = self.terms.iter().position(|term| *term == metric).unwrap_or_else(|| {
            self.terms.push(metric);
            self.terms.len() - 1
        });
        Expr::variable(at)
    }

    /// `Σ ((x_f − y_f)/l_f)²` for one length scale or one per feature, times `factor`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where there is not one length scale per feature, or one is too small for f32.
    pub fn scaled_squares(&mut self, arguments: &Arguments<'_>, name: &str, factor: f64) -> Result<Expr> {
        let Some(Argument::List(scales)) = arguments.given(name) else {
            return Ok(self.of(Metric::SQEUCLIDEAN) * arguments.parameter(name, |l| factor / (l * l)));
        };
        let label = || format!("{}: {name}", arguments.entry.name);
        if scales.len() != arguments.d {
            let message = format!("must be one per feature: there are {} features and {}", arguments.d, scales.len());
            return Err(Error::argument("kernel", label(), message));
        }
        let weights: Vec<f32> = scales.iter().map(|l| (1.0 / (l * l)) as f32).collect();
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(Error::argument("kernel", label(), "must have squares that fit single precision"));
        }
        Ok(self.of(Metric::SQEUCLIDEAN.with_weights(weights)) * factor)
    }

    pub(super) fn into_terms(self) -> Vec<Metric> {
        self.terms
    }
}
