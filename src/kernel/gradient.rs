//! Kernels as expressions over vectors, and how the numbers in them follow from the kernels' own parameters.

use super::entry::Argument;
use super::{Kernel, PairFunction, Tree};
use crate::error::{Error, Result};
use crate::expr::{Expr, Leaf, Tape};

/// Relative step of the differences that lead from a kernel's parameter to the numbers of its expression: an error of
/// its fourth power, and of the rounding of f64 over it, are far below that of f32.
const STEP: f64 = 1e-4;

/// How the value depends on one parameter of a kernel.
#[derive(Debug, Clone)]
pub(crate) struct Hyperparameter {
    /// The kernel's name and the parameter's, `rbf.length_scale`, or `factor`.
    pub(crate) name: String,
    /// What the derivative is made of.
    pub(crate) slopes: Slopes,
}

/// The derivatives of an expression's numbers with respect to one parameter.
#[derive(Debug, Clone)]
pub(crate) enum Slopes {
    /// Of each number in the order of the tape's slots.
    OfNumbers(Vec<f64>),
    /// A parameter with an entry per feature: of each entry of each table, with respect to the same entry.
    OfTables(Vec<Vec<f64>>),
}

impl PairFunction {
    /// The value as an expression over two vectors.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a term has no such expression.
    pub(crate) fn expression(&self, x: &Expr, y: &Expr) -> Result<Expr> {
        let mut terms = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let expression = term.expression(x, y).ok_or_else(|| Error::Unsupported {
                op: "gradient",
                message: format!("\"{}\" has no gradient here", term.name),
            })?;
            terms.push(expression);
        }
        Ok(self.finish.replaced(&|leaf| match leaf {
            Leaf::Number(index) => terms.get(index).cloned(),
            Leaf::Vector(_) => None,
        }))
    }
}

impl Kernel {
    /// Every parameter on which the value depends smoothly, in the order in which the kernel prints them. Those that
    /// choose between formulas (the order of Matérn's kernel, a whole degree, an exponent) are not among them.
    ///
    /// # Errors
    /// As [`Kernel::check`]; [`Error::Unsupported`] where a term has no expression over vectors.
    pub(crate) fn hyperparameters(&self, d: usize) -> Result<Vec<Hyperparameter>> {
        let (x, y) = (Expr::vi(0, d), Expr::vj(0, d));
        let tape_of = |kernel: &Self| Ok::<Tape, Error>(kernel.pair_function(d)?.expression(&x, &y)?.tape());
        let tape = tape_of(self)?;
        let mut places = Vec::new();
        self.clone().0.visit(d, &mut |name, argument| {
            places.push((name.to_owned(), argument.clone()));
        });
        let mut found = Vec::new();
        for (place, (name, argument)) in places.into_iter().enumerate() {
            let with = |new: Argument| {
                let mut kernel = self.clone();
                let mut at = 0;
                kernel.0.visit(d, &mut |_, argument| {
                    if at == place {
                        *argument = new.clone();
                    }
                    at += 1;
                });
                tape_of(&kernel).ok().filter(|other| other.steps() == tape.steps())
            };
            let slopes = match argument {
                Argument::Number(value) => {
                    let step = if value == 0.0 { STEP } else { STEP * value.abs() };
                    let at = |steps: f64| with(Argument::Number(value + steps * step));
                    number_slopes([at(-2.0), at(-1.0), at(1.0), at(2.0)], step).map(Slopes::OfNumbers)
                }
                Argument::List(values) => {
                    let times = |factor: f64| with(Argument::List(values.iter().map(|v| v * factor).collect()));
                    table_slopes(&tape, &values, times(2.0), times(4.0)).map(Slopes::OfTables)
                }
            };
            found.extend(slopes.map(|slopes| Hyperparameter { name, slopes }));
        }
        Ok(found)
    }

    /// The derivative of `weight · value`, where `value` is this kernel's expression over vectors, with respect to each
    /// of its parameters: a number, or one per feature.
    ///
    /// # Errors
    /// As [`Kernel::hyperparameters`].
    pub(crate) fn slopes_of(&self, value: &Expr, weight: &Expr, d: usize) -> Result<Vec<(Hyperparameter, Expr)>> {
        let hyperparameters = self.hyperparameters(d)?;
        let (numbers, tables) = value.parameter_nodes();
        let all: Vec<Expr> = numbers.iter().chain(&tables).cloned().collect();
        let mut of_numbers = (value * weight).gradients(&all);
        let of_tables = of_numbers.split_off(numbers.len());
        let zero = || Expr::constant(0.0);
        let slope = |hyperparameter: &Hyperparameter| match &hyperparameter.slopes {
            Slopes::OfNumbers(slopes) => {
                let moved = slopes.iter().zip(&of_numbers).filter(|(slope, _)| **slope != 0.0);
                moved.fold(zero(), |sum, (slope, gradient)| sum + Expr::parameter(*slope) * gradient)
            }
            Slopes::OfTables(slopes) => {
                let parts = slopes.iter().zip(&of_tables);
                parts.fold(zero(), |sum, (slopes, gradient)| sum + Expr::vector(slopes) * gradient)
            }
        };
        Ok(hyperparameters.into_iter().map(|of| (of.clone(), slope(&of))).collect())
    }
}

/// Central differences of fourth order of every number; `None` where the expression is another one nearby.
fn number_slopes(tapes: [Option<Tape>; 4], step: f64) -> Option<Vec<f64>> {
    let [Some(a), Some(b), Some(c), Some(d)] = tapes else { return None };
    // What stands in tables does not come from single numbers.
    if a.tables() != d.tables() {
        return None;
    }
    let numbers = a.parameters().iter().zip(b.parameters()).zip(c.parameters().iter().zip(d.parameters()));
    let slopes: Vec<f64> = numbers.map(|((a, b), (c, d))| (8.0 * (c - b) - (d - a)) / (12.0 * step)).collect();
    slopes.iter().any(|slope| *slope != 0.0).then_some(slopes)
}

/// Tables hold powers of the parameter's entries, times a number: doubling an entry shows which power, exactly.
fn table_slopes(tape: &Tape, values: &[f64], twice: Option<Tape>, fourfold: Option<Tape>) -> Option<Vec<Vec<f64>>> {
    let (twice, fourfold) = (twice?, fourfold?);
    let mut slopes = Vec::new();
    for ((table, twice), fourfold) in tape.tables().iter().zip(twice.tables()).zip(fourfold.tables()) {
        if table.len() != values.len() {
            return None;
        }
        let mut slope = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let (w, w2, w4) = (table[at], twice[at], fourfold[at]);
            let power = if w == 0.0 { 0.0 } else { (w2 / w).log2() };
            if w4 != w2 * power.exp2() || power.fract() != 0.0 {
                return None;
            }
            slope.push(power * w / value);
        }
        slopes.push(slope);
    }
    slopes.iter().flatten().any(|slope| *slope != 0.0).then_some(slopes)
}

impl Tree {
    /// Shows every parameter with its value, defaults among them, and takes what it is changed to.
    fn visit(&mut self, d: usize, show: &mut dyn FnMut(&str, &mut Argument)) {
        match self {
            Self::Leaf(entry, given) => {
                for (parameter, slot) in entry.parameters.iter().zip(given.iter_mut()) {
                    let inverse_d = (parameter.name == "gamma").then(|| 1.0 / d.max(1) as f64);
                    let default = parameter.default.or(inverse_d).map(Argument::Number);
                    let Some(mut argument) = slot.clone().or(default) else { continue };
                    let before = argument.clone();
                    show(&format!("{}.{}", entry.name, parameter.name), &mut argument);
                    if argument != before {
                        *slot = Some(argument);
                    }
                }
            }
            Self::Sum(parts) | Self::Product(parts) => parts.iter_mut().for_each(|part| part.visit(d, show)),
            Self::Scale(factor, of) => {
                let mut argument = Argument::Number(*factor);
                show("factor", &mut argument);
                if let Argument::Number(value) = argument {
                    *factor = value;
                }
                of.visit(d, show);
            }
            Self::Power(of, _) => of.visit(d, show),
            Self::Columns(of, columns) => of.visit(columns.len(), show),
        }
    }
}
