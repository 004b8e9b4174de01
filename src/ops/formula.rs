//! Formulas summed over j, and their gradients.

use super::record;
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula, Role, Variable};
use crate::tensor::Tensor;
use crate::work::{FormulaWork, Layout, Operand, Work};

const OP: &str = "formula_sum";

/// `out[i] = Σⱼ formula(i, j)`, a vector of the formula's dimension for each i; nothing of n × m is stored.
///
/// The variables go by the numbers that the formula has for them: `i_variables[k]` of shape n × dimension (or n, where
/// the dimension is 1) is [`Expr::vi`]`(k, …)`, `j_variables[k]` of shape m × dimension is [`Expr::vj`]`(k, …)`, and
/// `parameters[k]` of shape dimension is [`Expr::pm`]`(k, …)`. The result is n × dimension. Without i-variables n is 1.
///
/// # Errors
/// [`Error::ShapeMismatch`] where a tensor is not of its variable's shape, or they do not agree on n or m;
/// [`Error::InvalidArgument`] where a variable has no tensor, or there is no j-variable; [`Error::Unsupported`] where
/// there are more variables than the device can bind (7 at WebGPU's default limits).
///
/// # Accuracy
/// With b the bound of one value ([`Formula::evaluate_with_bound`]): Σⱼ b + (64 + ⌈m/64⌉ + 4) u Σⱼ (|value| + b), u = 2⁻²⁴;
/// on the CPU everything is f64 but the result.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Expr, Formula, formula_sum};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let points = context.upload(&array![[0.0, 0.0], [3.0, 4.0]])?;
/// let weights = context.upload(&array![1.0, 10.0])?;
/// let (x, y, weight) = (Expr::vi(0, 2), Expr::vj(0, 2), Expr::vj(1, 1));
/// let formula = Formula::new(x.sqdist(&y).sqrt() * weight)?;
/// let sums = formula_sum(&formula, &[&points], &[&points, &weights], &[])?.read_blocking()?;
/// assert_eq!(sums, array![[50.0_f32], [5.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn formula_sum(
    formula: &Formula,
    i_variables: &[&Tensor],
    j_variables: &[&Tensor],
    parameters: &[&Tensor],
) -> Result<Tensor> {
    Arguments { i: i_variables, j: j_variables, parameters, pairs: &[] }.sum(OP, formula)
}

/// The gradient of `Σᵢ ⟨cotangent[i], Σⱼ formula(i, j)⟩` with respect to one variable of the formula, in that variable's
/// shape: n × dimension for an i-variable, m × dimension for a j-variable, dimension for a parameter.
///
/// `of` is the variable as it stands in the formula, `Expr::vi(0, 3)` say; the cotangent has the shape of
/// [`formula_sum`]'s result and is 1 where it is `None`. Where a function has a kink the gradient is that of one side, and
/// 0 where points meet whose distance is a root.
///
/// # Errors
/// As [`formula_sum`], and [`Error::InvalidArgument`] where `of` is no variable.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Expr, Formula, formula_sum_gradient};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let points = context.upload(&array![[0.0], [3.0]])?;
/// let (x, y) = (Expr::vi(0, 1), Expr::vj(0, 1));
/// let energy = Formula::new(x.sqdist(&y))?;
/// let slope = formula_sum_gradient(&energy, &x, &[&points], &[&points], &[], None)?.read_blocking()?;
/// assert_eq!(slope, array![[-6.0_f32], [6.0]].into_dyn()); // 2 Σ (x − y)
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn formula_sum_gradient(
    formula: &Formula,
    of: &Expr,
    i_variables: &[&Tensor],
    j_variables: &[&Tensor],
    parameters: &[&Tensor],
    cotangent: Option<&Tensor>,
) -> Result<Tensor> {
    let Some(variable) = of.as_variable().filter(|variable| variable.role != Role::Pair) else {
        return Err(Error::argument("formula_sum_gradient", "of", "must be a variable: vi, vj or pm"));
    };
    let mut i = i_variables.to_vec();
    i.extend(cotangent);
    let cotangent = cotangent.map(|_| Expr::vi(i_variables.len(), formula.dimension()));
    let gradient = formula.gradient(of, cotangent.as_ref())?;
    let arguments = Arguments { i: &i, j: j_variables, parameters, pairs: &[] };
    arguments.gradient("formula_sum_gradient", &gradient, variable.role)
}

/// The tensors of a formula's variables.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) i: &'a [&'a Tensor],
    pub(super) j: &'a [&'a Tensor],
    pub(super) parameters: &'a [&'a Tensor],
    pub(super) pairs: &'a [&'a Tensor],
}

impl Arguments<'_> {
    /// The sum over j.
    pub(super) fn sum(&self, op: &'static str, formula: &Formula) -> Result<Tensor> {
        let Some(first) = self.j.first() else {
            return Err(Error::argument(op, "j_variables", "must be at least one: what is summed over"));
        };
        let length = |tensors: &[&Tensor], none: usize, name: &str| {
            let mut lengths = tensors.iter().map(|tensor| tensor.shape().first().copied().unwrap_or(1));
            let first = lengths.next().unwrap_or(none);
            match lengths.find(|length| *length != first) {
                Some(other) => Err(Error::shape(op, format!("the {name}-variables have {first} and {other} rows"))),
                None => Ok(first),
            }
        };
        let (n, m) = (length(self.i, 1, "i")?, length(self.j, 0, "j")?);
        let work = FormulaWork { op, formula: formula.clone(), n, m };
        let operand = |variable: &Variable| {
            let (tensors, name) = match variable.role {
                Role::I => (self.i, "i_variables"),
                Role::J => (self.j, "j_variables"),
                Role::Parameter => (self.parameters, "parameters"),
                Role::Pair => (self.pairs, "pairs"),
            };
            match tensors.get(variable.number) {
                Some(tensor) => Ok(as_variable(tensor, *variable)),
                None => {
                    let message = format!("are {}; the formula has number {}", tensors.len(), variable.number);
                    Err(Error::argument(op, name, message))
                }
            }
        };
        let inputs = formula.variables().iter().map(operand).collect::<Result<Vec<Operand>>>()?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.layout.shape.as_slice()).collect();
        work.check(&shapes)?;
        let shape = [n, formula.dimension()];
        record(first, &Work::Formula(work), &inputs, &shape)
    }

    /// The sum over all pairs but those of the role's own rows, of a gradient with respect to a variable of that role.
    pub(super) fn gradient(&self, op: &'static str, gradient: &Formula, role: Role) -> Result<Tensor> {
        match role {
            Role::I | Role::Pair => self.sum(op, gradient),
            Role::J => {
                let pairs: Vec<Tensor> = self.pairs.iter().map(|pair| pair.transpose()).collect();
                let pairs: Vec<&Tensor> = pairs.iter().collect();
                let swapped = Arguments { i: self.j, j: self.i, parameters: self.parameters, pairs: &pairs };
                swapped.sum(op, &gradient.transposed()?)
            }
            Role::Parameter => {
                let rows = self.sum(op, gradient)?;
                let each = Formula::new(Expr::vj(0, gradient.dimension()))?;
                let total = Arguments { i: &[], j: &[&rows], parameters: &[], pairs: &[] }.sum(op, &each)?;
                total.reshape(&[gradient.dimension()])
            }
        }
    }
}

/// A vector of n for a variable of dimension 1 is n × 1, and a number for a parameter of dimension 1 is a vector of 1.
fn as_variable(tensor: &Tensor, variable: Variable) -> Operand {
    let mut operand = tensor.operand();
    let rank = if variable.role == Role::Parameter { 1 } else { 2 };
    if variable.dimension == 1 && operand.layout.shape.len() + 1 == rank {
        operand.layout = Layout {
            shape: [operand.layout.shape, vec![1]].concat(),
            strides: [operand.layout.strides, vec![1]].concat(),
            offset: operand.layout.offset,
        };
    }
    operand
}
