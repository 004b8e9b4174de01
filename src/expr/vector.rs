//! Vectors in expressions: the variables of formulas, and the operations that lead from one length to another.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Expr, Node, Tape};

/// What a variable of a formula belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A row of its own for each i: an entry of the result.
    I,
    /// A row of its own for each j, which is summed over.
    J,
    /// A number of its own for each pair (i, j).
    Pair,
    /// The same for all pairs.
    Parameter,
}

/// A variable of a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable {
    /// What it belongs to.
    pub role: Role,
    /// Its number among those of its role.
    pub number: usize,
    /// How many components it has.
    pub dimension: usize,
}

/// Vectors.
impl Expr {
    /// The `number`-th i-variable of a formula: a vector for each i.
    pub fn vi(number: usize, dimension: usize) -> Self {
        Self::new(Node::Vector(Variable { role: Role::I, number, dimension }))
    }

    /// The `number`-th j-variable of a formula: a vector for each j.
    pub fn vj(number: usize, dimension: usize) -> Self {
        Self::new(Node::Vector(Variable { role: Role::J, number, dimension }))
    }

    /// The `number`-th parameter of a formula: one vector for all pairs.
    pub fn pm(number: usize, dimension: usize) -> Self {
        Self::new(Node::Vector(Variable { role: Role::Parameter, number, dimension }))
    }

    /// The `number`-th variable of a formula that has a number for each pair (i, j).
    pub fn vij(number: usize) -> Self {
        Self::new(Node::Vector(Variable { role: Role::Pair, number, dimension: 1 }))
    }

    /// A vector of given numbers, which may change without a new pipeline, as [`Expr::parameter`].
    pub fn vector(values: &[f64]) -> Self {
        Self::new(Node::Table(values.into()))
    }

    /// The variable that this is, if it is one of a formula.
    pub(crate) fn as_variable(&self) -> Option<Variable> {
        if let Node::Vector(variable) = *self.0 { Some(variable) } else { None }
    }

    /// How many components the value has; 1 is a number.
    pub fn dimension(&self) -> usize {
        self.dimensions().get(&Arc::as_ptr(&self.0)).copied().unwrap_or(1)
    }

    /// The dimension of every node below and at this one.
    pub(super) fn dimensions(&self) -> HashMap<*const Node, usize> {
        let mut known: HashMap<*const Node, usize> = HashMap::new();
        for node in self.in_order() {
            let of = |operand: &Expr| known.get(&Arc::as_ptr(&operand.0)).copied().unwrap_or(1);
            let dimension = match &*node.0 {
                Node::Constant(_) | Node::Parameter(_) | Node::Variable(_) | Node::Sum(..) => 1,
                Node::Vector(variable) => variable.dimension,
                Node::Table(values) => values.len(),
                Node::Unary(_, a) | Node::Powi(a, _) => of(a),
                Node::Binary(_, a, b) => joined_dimension(of(a), of(b)),
                Node::Concat([(_, first), (_, second)]) => first.saturating_add(*second),
                Node::Extract(.., length) => *length,
            };
            known.insert(Arc::as_ptr(&node.0), dimension);
        }
        known
    }

    /// The sum of the components.
    pub fn sum(&self) -> Self {
        self.sum_of(self.dimension())
    }

    /// The sum of `length` components, all equal where this is a number.
    pub(super) fn sum_of(&self, length: usize) -> Self {
        if self.dimension() == 1 { self * length as f64 } else { Self::new(Node::Sum(self.clone(), length)) }
    }

    /// The product of the components, 1 of none: one operation for each, unlike the sum.
    pub fn product(&self) -> Self {
        let components = (0..self.dimension()).map(|at| self.component(at));
        components.reduce(|all, next| all * next).unwrap_or_else(|| Self::constant(1.0))
    }

    /// `⟨x, y⟩`, the sum of the products of the components.
    pub fn dot(&self, other: &Self) -> Self {
        (self * other).sum()
    }

    /// `‖x‖²`, the sum of the squares of the components.
    pub fn sqnorm(&self) -> Self {
        self.powi(2).sum()
    }

    /// `‖x − y‖²`
    pub fn sqdist(&self, other: &Self) -> Self {
        (self - other).sqnorm()
    }

    /// The components of this, then those of `other`.
    pub fn concat(&self, other: &Self) -> Self {
        Self::joined((self.clone(), self.dimension()), (other.clone(), other.dimension()))
    }

    /// The components of all parts, one part after the other.
    pub(super) fn joined(first: (Self, usize), second: (Self, usize)) -> Self {
        match (first.1, second.1) {
            (_, 0) if first.0.dimension() == first.1 => first.0,
            (0, _) if second.0.dimension() == second.1 => second.0,
            _ => Self::new(Node::Concat([first, second])),
        }
    }

    /// `length` components from number `start` on; a number stays as it is. What lies past the end is an error of the
    /// formula ([`Formula::new`](crate::Formula::new)).
    pub fn extract(&self, start: usize, length: usize) -> Self {
        match (self.dimension(), start) {
            (1, _) => self.clone(),
            (dimension, 0) if dimension == length => self.clone(),
            _ => Self::new(Node::Extract(self.clone(), start, length)),
        }
    }

    /// The component `index`, a number.
    pub fn component(&self, index: usize) -> Self {
        self.extract(index, 1)
    }

    /// The same expression with leaves replaced by what `by` gives for them; branches that stay are shared.
    pub(crate) fn replaced(&self, by: &dyn Fn(Leaf) -> Option<Expr>) -> Expr {
        self.rebuilt(&|node| match &*node.0 {
            Node::Variable(index) => by(Leaf::Number(*index)),
            Node::Vector(variable) => by(Leaf::Vector(*variable)),
            _ => None,
        })
    }

    /// The same expression with nodes, their operands rebuilt already, replaced by what `by` gives for them.
    pub(super) fn rebuilt(&self, by: &dyn Fn(&Expr) -> Option<Expr>) -> Expr {
        let mut done: HashMap<*const Node, Expr> = HashMap::new();
        for node in self.in_order() {
            let of = |operand: &Expr| done.get(&Arc::as_ptr(&operand.0)).cloned().unwrap_or_else(|| operand.clone());
            let new = match &*node.0 {
                Node::Variable(_) | Node::Vector(_) | Node::Constant(_) | Node::Parameter(_) | Node::Table(_) => {
                    node.clone()
                }
                Node::Unary(function, a) => Expr::unary(*function, of(a)),
                Node::Binary(function, a, b) => Expr::binary(*function, of(a), of(b)),
                Node::Powi(a, n) => of(a).powi(*n),
                Node::Sum(a, length) => of(a).sum_of(*length),
                Node::Concat([(a, first), (b, second)]) => Expr::joined((of(a), *first), (of(b), *second)),
                Node::Extract(a, start, length) => of(a).extract(*start, *length),
            };
            done.insert(Arc::as_ptr(&node.0), by(&new).unwrap_or(new));
        }
        done.remove(&Arc::as_ptr(&self.0)).unwrap_or_else(|| self.clone())
    }

    /// i-variables become j-variables and the other way round.
    pub(crate) fn transposed(&self) -> Expr {
        self.replaced(&|leaf| match leaf {
            Leaf::Vector(Variable { role: Role::I, number, dimension }) => Some(Expr::vj(number, dimension)),
            Leaf::Vector(Variable { role: Role::J, number, dimension }) => Some(Expr::vi(number, dimension)),
            _ => None,
        })
    }

    /// The parameters in the order of the tape's slots, then the vectors of numbers, each as an object that derivatives
    /// can be taken of.
    pub(crate) fn parameter_nodes(&self) -> (Vec<Expr>, Vec<Expr>) {
        let order = self.in_order();
        let are = |wanted: fn(&Node) -> bool| order.iter().filter(|e| wanted(&e.0)).map(|e| (*e).clone()).collect();
        (are(|node| matches!(node, Node::Parameter(_))), are(|node| matches!(node, Node::Table(_))))
    }
}

/// What [`Expr::replaced`] may replace.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leaf {
    /// The variable with this number.
    Number(usize),
    /// A variable of a formula.
    Vector(Variable),
}

/// A number meets every component.
fn joined_dimension(a: usize, b: usize) -> usize {
    if a == 1 { b } else { a }
}

impl Tape {
    /// The dimension of every step, or the first step that cannot be: two vectors of different lengths, components that
    /// are not there.
    pub(crate) fn dimensions(&self) -> Result<Vec<usize>, String> {
        use super::Step;
        let mut known: Vec<usize> = Vec::with_capacity(self.steps().len());
        for step in self.steps() {
            let of = |operand: usize| known.get(operand).copied().unwrap_or(1);
            let fits = |(operand, length): (usize, usize)| [1, length].contains(&of(operand));
            known.push(match *step {
                Step::Constant(_) | Step::Parameter(_) | Step::Variable(_) => 1,
                Step::Vector(variable) => variable.dimension,
                Step::Table(number) => self.tables().get(number).map_or(0, |values| values.len()),
                Step::Unary(_, a) | Step::Powi(a, _) => of(a),
                Step::Binary(function, a, b) if of(a) != of(b) && of(a) != 1 && of(b) != 1 => {
                    let (a, b) = (of(a), of(b));
                    return Err(format!("{function:?} joins vectors of {a} and of {b} components; they must match"));
                }
                Step::Binary(_, a, b) => joined_dimension(of(a), of(b)),
                Step::Sum(a, length) if !fits((a, length)) => {
                    return Err(format!("a sum of {length} components of a vector of {}", of(a)));
                }
                Step::Sum(..) => 1,
                Step::Concat([a, b]) if !fits(a) || !fits(b) => {
                    return Err("a concatenation of vectors of other lengths than said".to_owned());
                }
                Step::Concat([(_, a), (_, b)]) => a.saturating_add(b),
                Step::Extract(a, start, length) if start.saturating_add(length) > of(a) => {
                    let end = start.saturating_add(length);
                    return Err(format!("components {start}..{end} of a vector of {}", of(a)));
                }
                Step::Extract(.., length) => length,
            });
        }
        Ok(known)
    }
}
