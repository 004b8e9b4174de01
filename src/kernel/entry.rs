//! What one entry of the table of kernels says, and how it gets at its arguments and statistics.

use std::fmt;

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::metric::factor;

use super::statistics::Statistics;

/// One named kernel: everything about it in one place.
///
/// # Examples
/// A kernel of one's own, the inverse multiquadric `1/√(c² + ‖x − y‖²)`:
/// ```
/// # use gristmill::{Kernel, KernelEntry, Metric, Parameter, Rule};
/// static SHIFTED: KernelEntry = KernelEntry {
///     name: "shifted_multiquadric",
///     aliases: &["shifted"],
///     formula: "1/√(c² + ‖x − y‖²)",
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
/// let kernel = Kernel::new(&SHIFTED, [("c", 4.0.into())])? + Kernel::linear();
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
    /// The value in words of mathematics, for lists.
    pub formula: &'static str,
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

/// `nu=1.5`, or the name alone.
impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.default.map_or(Ok(()), |value| write!(f, "={value}"))?;
        match self.rule {
            Rule::PositivePerFeature | Rule::NotNegativePerFeature => f.write_str(", or one per feature"),
            Rule::List => f.write_str(", or a list"),
            Rule::PositiveDefinite => f.write_str(", a matrix"),
            _ => Ok(()),
        }
    }
}

/// Which values a parameter may have. All of them are finite, except where the rule says otherwise.
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
    /// 0 or above; one for all features, or a list with one for each.
    NotNegativePerFeature,
    /// Above 0, or infinite.
    PositiveOrInfinite,
    /// Numbers, one or a list.
    List,
    /// A whole number from the first to the second.
    Whole(u32, u32),
    /// A symmetric positive definite matrix with a row for each feature.
    PositiveDefinite,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// One number.
    Number(f64),
    /// One number per feature.
    List(Vec<f64>),
    /// Rows of a matrix.
    Matrix(Vec<Vec<f64>>),
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

impl From<Vec<Vec<f64>>> for Argument {
    fn from(rows: Vec<Vec<f64>>) -> Self {
        Self::Matrix(rows)
    }
}

/// Other names of parameters, where an entry has no parameter of that name itself.
const SYNONYMS: [(&str, &str); 7] = [
    ("s", "length_scale"),
    ("l", "length_scale"),
    ("sigma", "length_scale"),
    ("lengthscale", "length_scale"),
    ("period", "periodicity"),
    ("p", "periodicity"),
    ("h", "bandwidth"),
];

/// Names as they are compared: small letters, no underscores.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

impl KernelEntry {
    /// Which parameter has this name.
    pub(super) fn position(&self, name: &str) -> Result<usize> {
        let position = |name: &str| self.parameters.iter().position(|parameter| plain(parameter.name) == plain(name));
        let synonym = SYNONYMS.iter().find(|(other, _)| *other == plain(name));
        let found = position(name).or_else(|| position(synonym?.1));
        found.ok_or_else(|| Error::unknown("kernel parameter", name, self.parameters.iter().map(|p| p.name)))
    }

    /// Whether every argument that is given is in its range.
    pub(super) fn check(&self, given: &[Option<Argument>]) -> Result<()> {
        for (parameter, argument) in self.parameters.iter().zip(given) {
            let Some(argument) = argument else { continue };
            let refuse = |value: &str, rule: &str| {
                Err(Error::argument("kernel", format!("{}: {}{value}", self.name, parameter.name), rule))
            };
            let values = match argument {
                Argument::Matrix(rows) if parameter.rule == Rule::PositiveDefinite => match what_is_wrong(rows) {
                    Some(message) => return refuse("", message),
                    None => continue,
                },
                _ if parameter.rule == Rule::PositiveDefinite => return refuse("", "must be a matrix, [[…], […]]"),
                Argument::Matrix(_) => return refuse("", "must be no matrix"),
                Argument::Number(value) => std::slice::from_ref(value),
                Argument::List(values) if parameter.rule.takes_lists() => values,
                Argument::List(_) => return refuse("", "must be one number, not a list"),
            };
            if let Some(value) = values.iter().find(|value| !parameter.rule.allows(**value)) {
                return refuse(&format!(" = {value}"), &parameter.rule.to_string());
            }
        }
        Ok(())
    }
}

/// Why a matrix is not symmetric and positive definite, if it is not, in single precision as the devices see it.
fn what_is_wrong(rows: &[Vec<f64>]) -> Option<&'static str> {
    let d = rows.len();
    if d == 0 || rows.iter().any(|row| row.len() != d) {
        return Some("must be square: as many rows as each of them has numbers");
    }
    let single: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
    if single.iter().any(|value| !value.is_finite()) {
        return Some("must be finite");
    }
    if (0..d).any(|i| (0..i).any(|j| rows[i][j] != rows[j][i])) {
        return Some("must be symmetric");
    }
    let definite = factor(&single).is_ok_and(|factor| (0..d).all(|i| factor[i * d + i] > 0.0));
    (!definite).then_some("must be positive definite in single precision, as the inverse of a covariance matrix is")
}

impl Rule {
    fn takes_lists(self) -> bool {
        matches!(self, Self::PositivePerFeature | Self::NotNegativePerFeature | Self::List)
    }

    fn allows(self, value: f64) -> bool {
        match self {
            Self::Finite | Self::List => value.is_finite(),
            Self::NotNegative | Self::NotNegativePerFeature => value.is_finite() && value >= 0.0,
            Self::Positive | Self::PositivePerFeature => value.is_finite() && value > 0.0,
            Self::PositiveOrInfinite => value > 0.0,
            // No number is a matrix.
            Self::PositiveDefinite => false,
            Self::Whole(from, to) => value.fract() == 0.0 && (f64::from(from)..=f64::from(to)).contains(&value),
        }
    }
}

/// What an argument must be.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite | Self::List => f.write_str("must be finite"),
            Self::NotNegative | Self::NotNegativePerFeature => f.write_str("must be finite and not negative"),
            Self::Positive | Self::PositivePerFeature => f.write_str("must be finite and above 0"),
            Self::PositiveOrInfinite => f.write_str("must be above 0"),
            Self::Whole(from, to) => write!(f, "must be a whole number from {from} to {to}"),
            Self::PositiveDefinite => f.write_str("must be a symmetric positive definite matrix"),
        }
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
            Some(Argument::List(_) | Argument::Matrix(_)) => f64::NAN,
            None => self.entry.parameters.iter().find(|p| p.name == name).and_then(|p| p.default).unwrap_or(f64::NAN),
        }
    }

    /// The numbers of a list, one where a number was given, or the default.
    pub fn list(&self, name: &str) -> &'a [f64] {
        let default = || self.entry.parameters.iter().find(|p| p.name == name).map(|p| p.default.as_slice());
        match self.given(name) {
            Some(Argument::List(values)) => values,
            Some(Argument::Number(value)) => std::slice::from_ref(value),
            Some(Argument::Matrix(_)) => &[],
            None => default().unwrap_or_default(),
        }
    }

    /// The rows of a matrix; none where no matrix was given.
    pub fn matrix(&self, name: &str) -> &'a [Vec<f64>] {
        if let Some(Argument::Matrix(rows)) = self.given(name) { rows } else { &[] }
    }

    /// The number of feature `f`: its own of a list, the only one, or the default.
    pub fn of_feature(&self, name: &str, f: usize) -> f64 {
        match self.given(name) {
            Some(Argument::List(values)) => values.get(f).copied().unwrap_or(f64::NAN),
            _ => self.number(name),
        }
    }

    /// Nothing, where at most one of these is given.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] that names the first two of more.
    pub fn at_most_one(&self, names: &[&str]) -> Result<()> {
        let mut given = names.iter().filter(|name| self.given(name).is_some());
        match (given.next(), given.next()) {
            (Some(first), Some(second)) => Err(self.refuse(first, format!("or {second} can be given, not both"))),
            _ => Ok(()),
        }
    }

    /// An error about one argument.
    pub fn refuse(&self, name: &str, message: impl Into<String>) -> Error {
        Error::argument("kernel", format!("{}: {name}", self.entry.name), message.into())
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
