//! The one point-wise expression: it prints WGSL, evaluates in f64 with or without an error bound, and differentiates.
//!
//! An [`Expr`] is an immutable tree whose branches are shared. Everything that walks it does so over its [`Tape`]:
//! the distinct operations in the order in which they can be computed.
//!
//! An expression is a number, or a vector of known length: operations go component by component, numbers meet every
//! component, and sums, concatenations and extracts lead from one length to another.

mod arithmetic;
mod bessel;
mod decay;
mod derivative;
mod formula;
mod function;
mod fused;
mod gradient;
mod tape;
#[cfg(test)]
mod tests;
mod vector;

pub(crate) use bessel::ln_gamma;
pub use formula::Formula;
pub use function::{Binary, Unary};
pub(crate) use function::{DIVIDE_ROUNDING, POW_ROUNDING, SQRT_ROUNDING};
pub use tape::{Step, Tape};
pub(crate) use vector::Leaf;
pub use vector::{Role, Variable};

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

/// Unit roundoff of f32, 2⁻²⁴.
pub const UNIT_ROUNDOFF: f64 = 5.960464477539063e-8;

/// Smallest normal f32, 2⁻¹²⁶; a device may flush anything smaller to 0.
pub(crate) const SMALLEST_NORMAL: f64 = 1.1754943508222875e-38;

/// A point-wise expression over numbered variables: constants, parameters, arithmetic and our accurate functions.
///
/// Constants are part of the shader's text. Parameters live in a uniform, so that changing one needs no new pipeline;
/// every call of [`Expr::parameter`] makes a parameter of its own, and clones of the result are the same parameter.
///
/// # Examples
/// ```
/// # use gristmill::Expr;
/// let squared = Expr::variable(0);
/// let gamma = Expr::parameter(0.5);
/// let rbf = (-&gamma * &squared).exp();
/// assert_eq!(rbf.evaluate(&[2.0]), (-1.0_f64).exp());
/// let slope = rbf.derivative(&squared);
/// assert_eq!(slope.evaluate(&[2.0]), -0.5 * (-1.0_f64).exp());
/// ```
#[derive(Debug, Clone)]
pub struct Expr(Arc<Node>);

/// What stands at one place of an expression.
#[derive(Debug)]
enum Node {
    Constant(f64),
    Parameter(f64),
    Variable(usize),
    Unary(Unary, Expr),
    Binary(Binary, Expr, Expr),
    Powi(Expr, i32),
    /// All components of a variable of a formula.
    Vector(Variable),
    /// A vector of numbers that may change without a new pipeline, as [`Node::Parameter`].
    Table(Arc<[f64]>),
    /// The sum of so many components; a number counts as often.
    Sum(Expr, usize),
    /// The components of both, each of so many components.
    Concat([(Expr, usize); 2]),
    /// Components from the first number on, as many as the second.
    Extract(Expr, usize, usize),
}

impl Expr {
    fn new(node: Node) -> Self {
        Self(Arc::new(node))
    }

    /// A number in the shader's text. One that no normal f32 can hold becomes a parameter, because WGSL has no
    /// literals for NaN and infinity.
    pub fn constant(value: impl Into<f64>) -> Self {
        let value = value.into();
        let single = value as f32;
        Self::new(if single.is_normal() || value == 0.0 { Node::Constant(value) } else { Node::Parameter(value) })
    }

    /// A number in the uniform, with its present value.
    pub fn parameter(value: impl Into<f64>) -> Self {
        Self::new(Node::Parameter(value.into()))
    }

    /// The `index`-th value that the expression is given.
    pub fn variable(index: usize) -> Self {
        Self::new(Node::Variable(index))
    }

    /// The operations in computing order.
    pub fn tape(&self) -> Tape {
        Tape::of(self)
    }

    /// The value in f64; missing variables are NaN.
    pub fn evaluate(&self, values: &[f64]) -> f64 {
        self.tape().evaluate(values, &mut Vec::new())
    }

    /// The value in f64, and how far a device's f32 value may be from it, where each variable comes with the absolute
    /// error that it has already.
    ///
    /// A running error analysis: every operation passes on the largest change that its operands' errors can make, and
    /// adds its own rounding. The bound is infinite where an f32 may overflow or an operand may be 0 that is divided
    /// by. An operand of `sqrt` or `pow` that its error lets reach past 0 is taken to stay at 0 or above.
    ///
    /// # Sources
    /// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.3; WGSL, "Floating Point Accuracy".
    pub fn evaluate_with_bound(&self, values: &[(f64, f64)]) -> (f64, f64) {
        self.tape().evaluate_with_bound(values)
    }

    /// The parameters' values, in the order of their slots.
    pub fn parameters(&self) -> Vec<f32> {
        self.tape().parameters().iter().map(|&value| value as f32).collect()
    }

    /// The body of a WGSL function that returns the value: variable i is printed as `variable(i)` gives it, the
    /// parameter in slot s as `param(first_slot + s)`.
    pub fn wgsl(&self, variable: &dyn Fn(usize) -> String, first_slot: usize) -> String {
        self.tape().wgsl(variable, first_slot)
    }

    /// The constant that this is, if it is one.
    fn as_constant(&self) -> Option<f64> {
        match *self.0 {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// Every distinct node below and at this one, each after its operands.
    fn in_order(&self) -> Vec<&Expr> {
        let mut seen = HashSet::new();
        let mut order = Vec::new();
        let mut open = vec![(self, false)];
        while let Some((expr, operands_done)) = open.pop() {
            if operands_done {
                order.push(expr);
            } else if seen.insert(Arc::as_ptr(&expr.0)) {
                open.push((expr, true));
                match &*expr.0 {
                    Node::Unary(_, a) | Node::Powi(a, _) | Node::Sum(a, _) | Node::Extract(a, ..) => {
                        open.push((a, false));
                    }
                    Node::Binary(_, a, b) | Node::Concat([(a, _), (b, _)]) => {
                        open.extend([(b, false), (a, false)]);
                    }
                    _ => {}
                }
            }
        }
        order
    }
}

/// Equal structure and equal parameters.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.tape() == other.tape()
    }
}

/// What a node that is being taken apart holds in place of its operands.
static NOTHING: LazyLock<Arc<Node>> = LazyLock::new(|| Arc::new(Node::Variable(0)));

/// Frees long chains without recursion, which could overflow the stack.
impl Drop for Expr {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) > 1
            || matches!(
                *self.0,
                Node::Constant(_) | Node::Parameter(_) | Node::Variable(_) | Node::Vector(_) | Node::Table(_)
            )
        {
            return;
        }
        let mut open = vec![std::mem::replace(&mut self.0, NOTHING.clone())];
        while let Some(node) = open.pop() {
            match Arc::into_inner(node) {
                Some(Node::Unary(_, mut a) | Node::Powi(mut a, _) | Node::Sum(mut a, _) | Node::Extract(mut a, ..)) => {
                    open.push(std::mem::replace(&mut a.0, NOTHING.clone()))
                }
                Some(Node::Binary(_, mut a, mut b) | Node::Concat([(mut a, _), (mut b, _)])) => {
                    open.push(std::mem::replace(&mut a.0, NOTHING.clone()));
                    open.push(std::mem::replace(&mut b.0, NOTHING.clone()));
                }
                _ => {}
            }
        }
    }
}
