//! Kernels k(x, y): expressions over metrics. One entry holds everything about one kernel.

mod definition;
mod display;
mod entries;
mod entry;
mod gradient;
mod pair;
mod parse;
mod prepared;
mod statistics;
#[cfg(test)]
mod tests;

pub use entry::{Argument, Arguments, KernelEntry, Parameter, Rule};
pub(crate) use gradient::{Hyperparameter, Slopes};
pub use pair::{PairCode, PairFunction, PairSource};
pub use statistics::Statistics;

use std::ops::{Add, Mul};

use crate::error::{Error, Result};
use crate::expr::Expr;

/// Uniform words that one kernel may use: a quarter of WebGPU's smallest uniform block.
const MOST_VALUES: usize = 1024;

/// A kernel function k(x, y): one of the named ones, or a sum, product, multiple or power of kernels.
///
/// Kernels come from functions or from a text in scikit-learn's words. Case and underscores do not matter, arguments
/// go by position or name, and what [`Kernel`] prints reads back as the same kernel. A kernel sees all features, or only
/// chosen ones: `rbf(0.5, columns=[0, 2])`, and `(linear + rbf)[0, 2]` for a formula.
///
#[doc = include_str!("table.md")]
///
/// # Examples
/// ```
/// # use gristmill::Kernel;
/// let kernel: Kernel = "2.5*RBF(0.9) + 0.3*RQ(1.2, alpha=0.5)*DotProduct(sigma_0=0.8)".parse()?;
/// assert_eq!(kernel.to_string().parse::<Kernel>()?, kernel);
/// let product = "0.3*RQ(1.2, 0.5)".parse::<Kernel>()? * "dot_product(0.8)".parse::<Kernel>()?;
/// assert_eq!(2.5 * Kernel::rbf_length(0.9) + product, kernel);
/// assert!("rbf(length_scale=-1)".parse::<Kernel>().is_err());
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel(Tree);

/// How a kernel is put together. Sums and products are flat, and a product's number stands before it, so that
/// printing and reading give the same tree.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Leaf(&'static KernelEntry, Vec<Option<Argument>>),
    Sum(Vec<Tree>),
    Product(Vec<Tree>),
    Scale(f64, Box<Tree>),
    Power(Box<Tree>, f64),
    /// On these of the features that it would see.
    Columns(Box<Tree>, Vec<usize>),
}

impl Kernel {
    /// The kernel of an entry, with arguments by name; the others keep their defaults.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a parameter that the entry does not have.
    pub fn new<'a>(
        entry: &'static KernelEntry,
        arguments: impl IntoIterator<Item = (&'a str, Argument)>,
    ) -> Result<Self> {
        let mut given = vec![None; entry.parameters.len()];
        for (name, value) in arguments {
            let at = entry.position(name)?;
            given[at] = Some(value);
        }
        Ok(Self(Tree::Leaf(entry, given)))
    }

    /// `⟨x, y⟩`
    pub fn linear() -> Self {
        Self(Tree::Leaf(&entries::LINEAR, vec![]))
    }

    /// `(γ⟨x, y⟩ + coef0)^degree`; gamma is 1/d where it is `None`.
    pub fn polynomial(degree: impl Into<f64>, gamma: impl Into<Option<f64>>, coef0: impl Into<f64>) -> Self {
        let gamma = gamma.into().map(Argument::Number);
        Self(Tree::Leaf(&entries::POLYNOMIAL, vec![number(degree), gamma, number(coef0)]))
    }

    /// `exp(−γ‖x − y‖²)`; gamma is 1/d where it is `None`.
    pub fn rbf(gamma: impl Into<Option<f64>>) -> Self {
        Self(Tree::Leaf(&entries::RBF, vec![None, gamma.into().map(Argument::Number), None]))
    }

    /// `exp(−½ Σ ((x_f − y_f)/l_f)²)`, with one length scale or one per feature.
    pub fn rbf_length(length_scale: impl Into<Argument>) -> Self {
        Self(Tree::Leaf(&entries::RBF, vec![Some(length_scale.into()), None, None]))
    }

    /// `exp(−½ (x − y)ᵀ P (x − y))` for a symmetric positive definite matrix P, the rows of a precision matrix: the inverse of
    /// the squared length scales, along the features and across them.
    ///
    /// # Examples
    /// ```
    /// # use gristmill::Kernel;
    /// let kernel = Kernel::rbf_precision(vec![vec![2.0, 0.5], vec![0.5, 1.0]]);
    /// assert_eq!(kernel, "rbf(precision=[[2, 0.5], [0.5, 1]])".parse()?);
    /// assert_eq!(kernel.definition(&[1.0, 0.0], &[0.0, 2.0])?, (-2.0_f64).exp());
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn rbf_precision(precision: Vec<Vec<f64>>) -> Self {
        Self(Tree::Leaf(&entries::RBF, vec![None, None, Some(Argument::Matrix(precision))]))
    }

    /// `exp(−γ Σ|x_f − y_f|)`; gamma is 1/d where it is `None`.
    pub fn laplacian(gamma: impl Into<Option<f64>>) -> Self {
        Self(Tree::Leaf(&entries::LAPLACIAN, vec![gamma.into().map(Argument::Number)]))
    }

    /// `tanh(γ⟨x, y⟩ + coef0)`; gamma is 1/d where it is `None`.
    pub fn sigmoid(gamma: impl Into<Option<f64>>, coef0: impl Into<f64>) -> Self {
        Self(Tree::Leaf(&entries::SIGMOID, vec![gamma.into().map(Argument::Number), number(coef0)]))
    }

    /// Matérn's kernel of order nu from 1e-4 to 1e4, or infinite, with one length scale or one per feature.
    pub fn matern(nu: impl Into<f64>, length_scale: impl Into<Argument>) -> Self {
        Self(Tree::Leaf(&entries::MATERN, vec![Some(length_scale.into()), number(nu)]))
    }

    /// The kernel to a power.
    pub fn power(self, exponent: impl Into<f64>) -> Self {
        Self(Tree::Power(Box::new(self.0), exponent.into()))
    }

    /// The kernel on these features only, in this order; the others may hold anything. Columns that are chosen inside the
    /// kernel already are counted among these.
    ///
    /// # Examples
    /// ```
    /// # use gristmill::Kernel;
    /// let kernel = Kernel::rbf_length(vec![0.5, 2.0]).on_columns(&[0, 2]) + Kernel::linear().on_columns(&[1]);
    /// assert_eq!(kernel, "rbf([0.5, 2], columns=[0, 2]) + linear[1]".parse()?);
    /// assert_eq!(kernel.definition(&[1.0, 2.0, 3.0], &[1.0, 5.0, 3.0])?, 11.0);
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn on_columns(self, columns: &[usize]) -> Self {
        Self(Tree::Columns(Box::new(self.0), columns.to_vec()))
    }

    /// The named kernels.
    pub fn all() -> &'static [&'static KernelEntry] {
        entries::ALL.as_slice()
    }

    /// Whether the kernel is defined for rows of `d` features.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a parameter that is out of range, does not fit f32 or is not one per feature, and
    /// for a column that is not there.
    pub fn check(&self, d: usize) -> Result<()> {
        self.pair_function(d).map(drop)
    }

    /// What the pair skeleton computes for rows of `d` features; leaves over the same statistic share it.
    ///
    /// # Errors
    /// See [`Kernel::check`].
    pub fn pair_function(&self, d: usize) -> Result<PairFunction> {
        self.0.check_values()?;
        let mut statistics = Statistics::new(d);
        let finish = self.0.lower(d, &mut statistics)?;
        let function = PairFunction { terms: statistics.into_terms(), finish };
        function.check(d)?;
        match function.values().len() {
            0..=MOST_VALUES => Ok(function),
            count => {
                Err(Error::argument("kernel", format!("{count} parameters"), format!("are more than {MOST_VALUES}")))
            }
        }
    }

    /// The value in f64 by the textbook, without going through [`Expr`].
    ///
    /// # Errors
    /// See [`Kernel::check`].
    pub fn definition(&self, x: &[f64], y: &[f64]) -> Result<f64> {
        self.check(x.len())?;
        Ok(self.0.definition(x, y))
    }
}

fn number(value: impl Into<f64>) -> Option<Argument> {
    Some(Argument::Number(value.into()))
}

impl Tree {
    /// Whether every number is in its range; what depends on d is checked when it is lowered.
    fn check_values(&self) -> Result<()> {
        match self {
            Self::Leaf(entry, given) => entry.check(given),
            Self::Sum(parts) | Self::Product(parts) => parts.iter().try_for_each(Self::check_values),
            Self::Scale(factor, _) if !(factor.is_finite() && *factor >= 0.0) => {
                Err(Error::argument("kernel", format!("factor {factor}"), "must be finite and not negative"))
            }
            Self::Power(_, exponent) if !exponent.is_finite() => {
                Err(Error::argument("kernel", format!("exponent {exponent}"), "must be finite"))
            }
            Self::Columns(of, columns) => {
                let twice = (1..columns.len()).find(|&at| columns[..at].contains(&columns[at]));
                match twice {
                    Some(at) => Err(Error::argument("kernel", format!("column {}", columns[at]), "is chosen twice")),
                    None if columns.is_empty() => Err(Error::argument("kernel", "columns", "must be at least one")),
                    None => of.check_values(),
                }
            }
            Self::Scale(_, of) | Self::Power(of, _) => of.check_values(),
        }
    }

    fn lower(&self, d: usize, statistics: &mut Statistics) -> Result<Expr> {
        let mut join = |parts: &[Self], join: fn(Expr, Expr) -> Expr, none: f64| {
            let mut parts = parts.iter();
            let Some(first) = parts.next() else { return Ok(Expr::constant(none)) };
            let first = first.lower(d, statistics)?;
            parts.try_fold(first, |joined, part| Ok(join(joined, part.lower(d, statistics)?)))
        };
        match self {
            Self::Sum(parts) => join(parts, |a, b| a + b, 0.0),
            Self::Product(parts) => join(parts, |a, b| a * b, 1.0),
            Self::Leaf(entry, given) => (entry.expression)(&Arguments::new(entry, given, d), statistics),
            Self::Scale(factor, of) => Ok(Expr::parameter(*factor) * of.lower(d, statistics)?),
            Self::Power(of, exponent) => Ok(of.lower(d, statistics)?.pow(*exponent)),
            Self::Columns(of, columns) => match columns.iter().find(|column| **column >= d) {
                Some(column) => {
                    let message = format!("is not there: {d} are, counted from 0");
                    Err(Error::argument("kernel", format!("column {column}"), message))
                }
                None => statistics.on_columns(columns, |statistics| of.lower(columns.len(), statistics)),
            },
        }
    }

    fn definition(&self, x: &[f64], y: &[f64]) -> f64 {
        match self {
            Self::Leaf(entry, given) => (entry.definition)(&Arguments::new(entry, given, x.len()), x, y),
            Self::Sum(parts) => parts.iter().map(|part| part.definition(x, y)).sum(),
            Self::Product(parts) => parts.iter().map(|part| part.definition(x, y)).product(),
            Self::Scale(factor, of) => factor * of.definition(x, y),
            Self::Power(of, exponent) => of.definition(x, y).powf(*exponent),
            Self::Columns(of, columns) => {
                let seen = |row: &[f64]| columns.iter().filter_map(|&at| row.get(at).copied()).collect::<Vec<_>>();
                of.definition(&seen(x), &seen(y))
            }
        }
    }

    /// The number before a product, and its factors.
    fn into_product(self) -> (f64, Vec<Tree>) {
        match self {
            Self::Scale(factor, of) => {
                let (inner, factors) = of.into_product();
                (factor * inner, factors)
            }
            Self::Product(factors) => (1.0, factors),
            other => (1.0, vec![other]),
        }
    }

    /// The tree of a number times some factors.
    fn product(factor: f64, scaled: bool, mut factors: Vec<Tree>) -> Self {
        let product = match factors.pop() {
            None => Self::Leaf(&entries::CONSTANT, vec![Some(Argument::Number(1.0))]),
            Some(only) if factors.is_empty() => only,
            Some(last) => {
                factors.push(last);
                Self::Product(factors)
            }
        };
        if scaled { Self::Scale(factor, Box::new(product)) } else { product }
    }
}

impl Add for Kernel {
    type Output = Kernel;
    fn add(self, other: Kernel) -> Kernel {
        let parts = |tree: Tree| if let Tree::Sum(parts) = tree { parts } else { vec![tree] };
        let mut sum = parts(self.0);
        sum.extend(parts(other.0));
        Kernel(Tree::Sum(sum))
    }
}

impl Mul for Kernel {
    type Output = Kernel;
    fn mul(self, other: Kernel) -> Kernel {
        let scaled = matches!(self.0, Tree::Scale(..)) || matches!(other.0, Tree::Scale(..));
        let ((a, mut factors), (b, others)) = (self.0.into_product(), other.0.into_product());
        factors.extend(others);
        Kernel(Tree::product(a * b, scaled, factors))
    }
}

impl Mul<Kernel> for f64 {
    type Output = Kernel;
    fn mul(self, kernel: Kernel) -> Kernel {
        let (factor, factors) = kernel.0.into_product();
        Kernel(Tree::product(self * factor, true, factors))
    }
}
