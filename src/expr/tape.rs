//! An expression laid out in computing order, every distinct operation once.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use super::function::{powi_with_bound, with_rounding};
use super::{Binary, Expr, Node, Unary, Variable};

/// One operation; operands are numbers of earlier steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A constant, as the bits of its f64.
    Constant(u64),
    /// The parameter in this slot.
    Parameter(usize),
    /// The variable with this number.
    Variable(usize),
    /// A function of one step.
    Unary(Unary, usize),
    /// A function of two steps.
    Binary(Binary, usize, usize),
    /// A step to an integer power.
    Powi(usize, i32),
    /// All components of a variable of a formula.
    Vector(Variable),
    /// The vector of numbers with this number.
    Table(usize),
    /// The sum of so many components of a step; a number counts as often.
    Sum(usize, usize),
    /// The components of two steps, each of so many components.
    Concat([(usize, usize); 2]),
    /// Components of a step from the second number on, as many as the third.
    Extract(usize, usize, usize),
}

impl Step {
    /// The steps that this one reads.
    pub fn operands(self) -> impl Iterator<Item = usize> {
        let operands = match self {
            Self::Unary(_, a) | Self::Powi(a, _) | Self::Sum(a, _) | Self::Extract(a, ..) => [Some(a), None],
            Self::Binary(_, a, b) | Self::Concat([(a, _), (b, _)]) => [Some(a), Some(b)],
            _ => [None, None],
        };
        operands.into_iter().flatten()
    }

    /// Whether it belongs to expressions over vectors only.
    pub fn is_of_vectors(self) -> bool {
        matches!(self, Self::Vector(_) | Self::Table(_) | Self::Sum(..) | Self::Concat(_) | Self::Extract(..))
    }
}

/// The operations of an [`Expr`] in computing order; the last is the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Tape {
    steps: Vec<Step>,
    parameters: Vec<f64>,
    tables: Vec<Arc<[f64]>>,
}

impl Tape {
    pub(super) fn of(expr: &Expr) -> Self {
        let mut tape = Self { steps: Vec::new(), parameters: Vec::new(), tables: Vec::new() };
        let mut number_of_step: HashMap<Step, usize> = HashMap::new();
        let mut number_of_node: HashMap<*const Node, usize> = HashMap::new();
        for node in expr.in_order() {
            let number = |operand: &Expr| number_of_node.get(&Arc::as_ptr(&operand.0)).copied().unwrap_or(0);
            let step = match &*node.0 {
                Node::Constant(value) => Step::Constant(value.to_bits()),
                Node::Parameter(value) => {
                    tape.parameters.push(*value);
                    Step::Parameter(tape.parameters.len() - 1)
                }
                Node::Variable(index) => Step::Variable(*index),
                Node::Unary(function, a) => Step::Unary(*function, number(a)),
                Node::Binary(function, a, b) => Step::Binary(*function, number(a), number(b)),
                Node::Powi(a, n) => Step::Powi(number(a), *n),
                Node::Vector(variable) => Step::Vector(*variable),
                Node::Table(values) => {
                    tape.tables.push(Arc::clone(values));
                    Step::Table(tape.tables.len() - 1)
                }
                Node::Sum(a, length) => Step::Sum(number(a), *length),
                Node::Concat([(a, first), (b, second)]) => Step::Concat([(number(a), *first), (number(b), *second)]),
                Node::Extract(a, start, length) => Step::Extract(number(a), *start, *length),
            };
            let at = *number_of_step.entry(step).or_insert_with(|| {
                tape.steps.push(step);
                tape.steps.len() - 1
            });
            number_of_node.insert(Arc::as_ptr(&node.0), at);
        }
        tape
    }

    /// The operations.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The parameters' values by slot, before they are rounded to f32.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// The vectors of numbers.
    pub fn tables(&self) -> &[Arc<[f64]>] {
        &self.tables
    }

    /// How many variables the expression needs: one more than the largest number in it.
    pub fn variables(&self) -> usize {
        let count = |step: &Step| if let Step::Variable(index) = step { index + 1 } else { 0 };
        self.steps.iter().map(count).max().unwrap_or(0)
    }

    /// The value in f64; missing variables and vectors are NaN. `scratch` is memory to be used again.
    pub fn evaluate(&self, values: &[f64], scratch: &mut Vec<f64>) -> f64 {
        scratch.clear();
        for step in &self.steps {
            let at = |number: usize| scratch.get(number).copied().unwrap_or(f64::NAN);
            let value = match *step {
                Step::Constant(bits) => f64::from_bits(bits),
                Step::Parameter(slot) => self.parameters.get(slot).copied().unwrap_or(f64::NAN),
                Step::Variable(index) => values.get(index).copied().unwrap_or(f64::NAN),
                Step::Unary(function, a) => function.value(at(a)),
                Step::Binary(function, a, b) => function.value(at(a), at(b)),
                Step::Powi(a, n) => at(a).powi(n),
                _ => f64::NAN,
            };
            scratch.push(value);
        }
        scratch.last().copied().unwrap_or(f64::NAN)
    }

    /// See [`Expr::evaluate_with_bound`].
    pub fn evaluate_with_bound(&self, values: &[(f64, f64)]) -> (f64, f64) {
        const MISSING: (f64, f64) = (f64::NAN, 0.0);
        let mut done: Vec<(f64, f64)> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let at = |number: usize| done.get(number).copied().unwrap_or(MISSING);
            let value = match *step {
                Step::Constant(bits) => as_single(f64::from_bits(bits)),
                Step::Parameter(slot) => self.parameters.get(slot).map_or(MISSING, |&value| as_single(value)),
                Step::Variable(index) => values.get(index).copied().unwrap_or(MISSING),
                Step::Unary(function, a) => function.value_with_bound(at(a)),
                Step::Binary(function, a, b) => function.value_with_bound(at(a), at(b)),
                Step::Powi(a, n) => powi_with_bound(at(a), n),
                _ => MISSING,
            };
            done.push(value);
        }
        done.last().copied().unwrap_or(MISSING)
    }

    /// See [`Expr::wgsl`]. What is used more than once, or nested deeply, gets a name.
    pub fn wgsl(&self, variable: &dyn Fn(usize) -> String, first_slot: usize) -> String {
        const DEEPEST: usize = 8;
        let mut uses = vec![0usize; self.steps.len()];
        for step in &self.steps {
            for operand in step.operands() {
                if let Some(count) = uses.get_mut(operand) {
                    *count += 1;
                }
            }
        }
        let mut body = String::new();
        let mut texts: Vec<(String, usize)> = Vec::with_capacity(self.steps.len());
        for (number, step) in self.steps.iter().enumerate() {
            let at = |number: usize| texts.get(number).map_or(("0.0f", 0), |(text, depth)| (text.as_str(), *depth));
            let (text, depth) = match *step {
                Step::Constant(bits) => (literal(f64::from_bits(bits)), 0),
                Step::Parameter(slot) => (format!("param({}u)", first_slot + slot), 0),
                Step::Variable(index) => (variable(index), 0),
                Step::Unary(function, a) => (function.wgsl(at(a).0), at(a).1 + 1),
                Step::Binary(function, a, b) => (function.wgsl(at(a).0, at(b).0), at(a).1.max(at(b).1) + 1),
                Step::Powi(a, n) => (format!("powi_({}, {n}i)", at(a).0), at(a).1 + 1),
                _ => ("0.0f".to_owned(), 0),
            };
            let is_leaf = matches!(step, Step::Constant(_) | Step::Parameter(_) | Step::Variable(_));
            if !is_leaf && (uses.get(number).is_some_and(|&count| count > 1) || depth > DEEPEST) {
                let _ = writeln!(body, "    let e{number} = {text};");
                texts.push((format!("e{number}"), 0));
            } else {
                texts.push((text, depth));
            }
        }
        let value = texts.last().map_or("0.0f", |(text, _)| text);
        let _ = write!(body, "    return {value};");
        body
    }
}

/// What a device holds for a number that is written in f64: its distance from the f32 is the error.
pub(super) fn as_single(value: f64) -> (f64, f64) {
    let single = f64::from(value as f32);
    (value, with_rounding(value, if single.is_finite() { (value - single).abs() } else { 0.0 }, (0.0, 0.0)))
}

/// A constant as WGSL text; [`Expr::constant`] lets only what a normal f32 can hold become one.
pub(super) fn literal(value: f64) -> String {
    let single = value as f32;
    if single.is_sign_negative() { format!("({single:?}f)") } else { format!("{single:?}f") }
}
