//! Formulas: expressions over vectors that belong to i, to j, to both or to all, as they are summed over j.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::function::{powi_with_bound, with_rounding};
use super::tape::as_single;
use super::{Expr, Step, Tape, UNIT_ROUNDOFF, Variable};
use crate::error::{Error, Result};

/// Operations that a formula may have, and how many may be nested: what is more than that takes a driver minutes.
const MOST_STEPS: usize = 4096;
const DEEPEST: usize = 256;

/// An expression over [i-variables](Expr::vi), [j-variables](Expr::vj), numbers of [pairs](Expr::vij) and
/// [parameters](Expr::pm), made ready to be summed over j.
///
/// # Examples
/// A Gaussian kernel with weights, and its value for one pair:
/// ```
/// # use gristmill::{Expr, Formula};
/// let (x, y, weight) = (Expr::vi(0, 2), Expr::vj(0, 2), Expr::vj(1, 1));
/// let formula = Formula::new((-x.sqdist(&y)).exp() * weight)?;
/// assert_eq!(formula.dimension(), 1);
/// assert_eq!(formula.variables().len(), 3);
/// assert_eq!(formula.evaluate(&[&[1.0, 0.0], &[0.0, 0.0], &[2.0]]), [2.0 * (-1.0_f64).exp()]);
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Formula {
    expr: Expr,
    tape: Arc<Tape>,
    dimensions: Arc<[usize]>,
    variables: Vec<Variable>,
}

impl Formula {
    /// Checks an expression and lays it out.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where vectors of different lengths meet, components are asked for that are not there,
    /// a variable has two dimensions, a numbered variable ([`Expr::variable`]) occurs, or there are more than 4096
    /// operations or 256 of them nested.
    pub fn new(expr: impl Into<Expr>) -> Result<Self> {
        let expr = expr.into();
        let refuse = |argument: String, message: &str| Err(Error::argument("formula", argument, message));
        let tape = expr.tape();
        if tape.steps().len() > MOST_STEPS {
            return refuse(format!("{} operations", tape.steps().len()), "are more than 4096");
        }
        let dimensions = match tape.dimensions() {
            Ok(dimensions) => dimensions,
            Err(message) => return refuse(message, "cannot be computed"),
        };
        let mut depths: Vec<usize> = Vec::with_capacity(tape.steps().len());
        for step in tape.steps() {
            let deepest = step.operands().filter_map(|a| depths.get(a)).max().copied();
            depths.push(deepest.map_or(0, |depth| depth + 1));
            if deepest.is_some_and(|depth| depth >= DEEPEST) {
                return refuse("operations".to_owned(), "are nested more than 256 deep");
            }
            if let Step::Variable(number) = step {
                return refuse(format!("variable {number}"), "is of no pair; use vi, vj, vij and pm");
            }
        }
        let variables: BTreeSet<Variable> =
            tape.steps().iter().filter_map(|s| if let Step::Vector(v) = s { Some(*v) } else { None }).collect();
        let variables: Vec<Variable> = variables.into_iter().collect();
        for pair in variables.windows(2) {
            if let [a, b] = pair {
                if a.role == b.role && a.number == b.number {
                    let message = format!("has {} components in one place and {} in another", a.dimension, b.dimension);
                    return refuse(format!("variable {} of {:?}", a.number, a.role), &message);
                }
            }
        }
        let values = tape.parameters().iter().chain(tape.tables().iter().flat_map(|table| table.iter()));
        if let Some(value) = values.into_iter().find(|value| value.is_finite() && !(**value as f32).is_finite()) {
            return refuse(format!("parameter {value}"), "must fit single precision");
        }
        Ok(Self { expr, tape: Arc::new(tape), dimensions: dimensions.into(), variables })
    }

    /// The expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// How many components the value has.
    pub fn dimension(&self) -> usize {
        self.dimensions.last().copied().unwrap_or(1)
    }

    /// The variables that occur: those of i, of j, of pairs, then the parameters, each in the order of their numbers.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Whose sum over j is the gradient of `Σᵢ Σⱼ ⟨cotangentᵢ, formula⟩` with respect to the i-variable `of`, where the
    /// cotangent is a further i-variable of this formula's dimension. `None`: the cotangent is 1.
    ///
    /// # Errors
    /// As [`Formula::new`], of the gradient.
    pub fn gradient(&self, of: &Expr, cotangent: Option<&Expr>) -> Result<Formula> {
        let value = match cotangent {
            Some(cotangent) => self.expr.dot(cotangent),
            None => self.expr.clone(),
        };
        Formula::new(value.gradient(of))
    }

    /// The same formula with i and j exchanged.
    ///
    /// # Errors
    /// As [`Formula::new`].
    pub fn transposed(&self) -> Result<Formula> {
        Formula::new(self.expr.transposed())
    }

    /// The value in f64 for one pair; `values` are those of [`Formula::variables`], in their order.
    pub fn evaluate(&self, values: &[&[f64]]) -> Vec<f64> {
        self.evaluate_with_bound(values).into_iter().map(|(value, _)| value).collect()
    }

    /// The value in f64 for one pair, and how far a device's f32 value may be from it, as
    /// [`Expr::evaluate_with_bound`].
    pub fn evaluate_with_bound(&self, values: &[&[f64]]) -> Vec<(f64, f64)> {
        const MISSING: (f64, f64) = (f64::NAN, 0.0);
        let mut done: Vec<Vec<(f64, f64)>> = Vec::with_capacity(self.tape.steps().len());
        for (step, &dimension) in self.tape.steps().iter().zip(self.dimensions.iter()) {
            // A number meets every component.
            let at = |operand: usize, k: usize| {
                let value = done.get(operand);
                value.and_then(|v| if v.len() == 1 { v.first() } else { v.get(k) }).copied().unwrap_or(MISSING)
            };
            let each = |of: &dyn Fn(usize) -> (f64, f64)| (0..dimension).map(of).collect::<Vec<_>>();
            let value = match *step {
                Step::Constant(bits) => vec![as_single(f64::from_bits(bits))],
                Step::Parameter(slot) => {
                    vec![self.tape.parameters().get(slot).map_or(MISSING, |&value| as_single(value))]
                }
                Step::Variable(_) => vec![MISSING],
                Step::Vector(variable) => {
                    let row = self.variables.iter().position(|v| *v == variable).and_then(|v| values.get(v));
                    each(&|k| row.and_then(|row| row.get(k)).map_or(MISSING, |&value| (value, 0.0)))
                }
                Step::Table(number) => {
                    let table = self.tape.tables().get(number);
                    each(&|k| table.and_then(|table| table.get(k)).map_or(MISSING, |&value| as_single(value)))
                }
                Step::Unary(function, a) => each(&|k| function.value_with_bound(at(a, k))),
                Step::Binary(function, a, b) => each(&|k| function.value_with_bound(at(a, k), at(b, k))),
                Step::Powi(a, n) => each(&|k| powi_with_bound(at(a, k), n)),
                Step::Sum(a, length) => vec![sum_with_bound((0..length).map(|k| at(a, k)))],
                Step::Concat([(a, first), (b, _)]) => each(&|k| if k < first { at(a, k) } else { at(b, k - first) }),
                Step::Extract(a, start, _) => each(&|k| at(a, start + k)),
            };
            done.push(value);
        }
        done.pop().unwrap_or_default()
    }

    pub(crate) fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The dimension of every step.
    pub(crate) fn dimensions(&self) -> &[usize] {
        &self.dimensions
    }
}

/// A blocked sum: 64 terms one after another, then the blocks.
fn sum_with_bound(terms: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let (mut sum, mut magnitude, mut error, mut count) = (0.0, 0.0, 0.0, 0_usize);
    for (value, bound) in terms {
        sum += value;
        magnitude += value.abs() + bound;
        error += bound;
        count += 1;
    }
    let additions = (count.min(64) + count.div_ceil(64)) as f64;
    let relative = additions * UNIT_ROUNDOFF / (1.0 - additions * UNIT_ROUNDOFF).max(0.5);
    (sum, with_rounding(sum, error + relative * magnitude, (0.0, 0.0)))
}

/// Sums of formulas are the same where their expressions are.
impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}
