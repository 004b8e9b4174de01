//! Kernels as expressions over vectors, and how the numbers in them follow from the kernels' own parameters.

use super::entry::Argument;
use super::{Kernel, PairFunction, Tree};
use crate::error::{Error, Result};
use crate::expr::{Binary, Expr, Leaf, Step, Tape};
use crate::metric::MOST_WRITTEN_OUT;

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
    /// With respect to a parameter that is one number.
    Number(Effect),
    /// With respect to each number of a list.
    List(Vec<Effect>),
    /// A parameter with an entry per feature: of each entry of each table, with respect to the same entry.
    Features(Vec<Vec<f64>>),
}

/// What moves with one number.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    /// The derivative of each number of the expression, in the order of the tape's slots.
    numbers: Vec<f64>,
    /// Table, entry, and its derivative.
    entries: Vec<(usize, usize, f64)>,
}

impl Effect {
    /// Whether any of these numbers moves.
    fn moves(&self, slots: &[usize]) -> bool {
        slots.iter().any(|slot| self.numbers.get(*slot).is_some_and(|slope| *slope != 0.0))
    }
}

/// The numbers that make up the order of a Bessel function, with respect to which there is no derivative.
fn orders(tape: &Tape) -> Vec<usize> {
    let mut open: Vec<usize> = Vec::new();
    for step in tape.steps() {
        if let Step::Binary(Binary::LogBesselK, order, _) = step {
            open.push(*order);
        }
    }
    let (mut seen, mut slots) = (vec![false; tape.steps().len()], Vec::new());
    while let Some(at) = open.pop() {
        let Some(step) = tape.steps().get(at) else { continue };
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(step.operands());
            slots.extend(if let Step::Parameter(slot) = step { Some(*slot) } else { None });
        }
    }
    slots
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
                message: format!(
                    "\"{}\" has no gradient, or none over so many features: products over the features and forms of a \
                     full matrix have one for up to {MOST_WRITTEN_OUT}; choose columns",
                    term.name
                ),
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
    /// choose between formulas (a whole degree, an exponent) and the order of Matérn's kernel are not among them.
    ///
    /// # Errors
    /// As [`Kernel::check`]; [`Error::Unsupported`] where a term has no expression over vectors.
    pub(crate) fn hyperparameters(&self, d: usize) -> Result<Vec<Hyperparameter>> {
        let (x, y) = (Expr::vi(0, d), Expr::vj(0, d));
        let tape_of = |kernel: &Self| Ok::<Tape, Error>(kernel.pair_function(d)?.expression(&x, &y)?.tape());
        let tape = tape_of(self)?;
        let orders = orders(&tape);
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
                // Its entries are no free numbers: the matrix stays symmetric and definite.
                Argument::Matrix(_) => None,
                Argument::Number(value) => {
                    let effect = effect(&tape, value, &|value| with(Argument::Number(value)));
                    effect.filter(|effect| !effect.moves(&orders)).map(Slopes::Number)
                }
                Argument::List(values) => {
                    let times = |factor: f64| with(Argument::List(values.iter().map(|v| v * factor).collect()));
                    let changed = |at: usize, value: f64| {
                        let mut values = values.clone();
                        if let Some(entry) = values.get_mut(at) {
                            *entry = value;
                        }
                        with(Argument::List(values))
                    };
                    let ends = [0, values.len().saturating_sub(1)]
                        .map(|at| (at, changed(at, values.get(at).map_or(1.0, |value| 2.0 * value))));
                    feature_slopes(&tape, &values, [times(2.0), times(4.0)], ends).map(Slopes::Features).or_else(|| {
                        let each = values.iter().enumerate();
                        each.map(|(at, value)| effect(&tape, *value, &|value| changed(at, value)))
                            .collect::<Option<Vec<_>>>()
                            .map(Slopes::List)
                    })
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
        let of_effect = |effect: &Effect| {
            let numbers = effect.numbers.iter().zip(&of_numbers).filter(|(slope, _)| **slope != 0.0);
            let sum = numbers.fold(zero(), |sum, (slope, gradient)| sum + Expr::parameter(*slope) * gradient);
            effect.entries.iter().fold(sum, |sum, (table, at, slope)| match of_tables.get(*table) {
                Some(gradient) => sum + Expr::parameter(*slope) * gradient.component(*at),
                None => sum,
            })
        };
        let slope = |hyperparameter: &Hyperparameter| match &hyperparameter.slopes {
            Slopes::Number(effect) => of_effect(effect),
            Slopes::List(effects) => {
                let all = effects.iter().map(of_effect).reduce(|all, next| all.concat(&next));
                all.unwrap_or_else(zero)
            }
            Slopes::Features(slopes) => {
                let parts = slopes.iter().zip(&of_tables);
                parts.fold(zero(), |sum, (slopes, gradient)| sum + Expr::vector(slopes) * gradient)
            }
        };
        Ok(hyperparameters.into_iter().map(|of| (of.clone(), slope(&of))).collect())
    }
}

/// What moves with a number: the expression's numbers as powers of it or by central differences of fourth order, entries of
/// tables, which are in single precision, as powers of it. `None` where nothing moves or the expression is another one nearby.
fn effect(tape: &Tape, value: f64, with: &dyn Fn(f64) -> Option<Tape>) -> Option<Effect> {
    let step = if value == 0.0 { STEP } else { STEP * value.abs() };
    let at = |steps: f64| with(value + steps * step);
    let (a, b, c, d) = (at(-2.0)?, at(-1.0)?, at(1.0)?, at(2.0)?);
    let pairs = a.parameters().iter().zip(b.parameters()).zip(c.parameters().iter().zip(d.parameters()));
    let numbers = pairs.map(|((a, b), (c, d))| (8.0 * (c - b) - (d - a)) / (12.0 * step));
    // What is a power of the number is known exactly, also where it is in single precision, as metrics' parameters are.
    let doubled = if value == 0.0 { None } else { with(2.0 * value).zip(with(4.0 * value)) };
    let exact = |at: usize| {
        let (near, far) = doubled.as_ref()?;
        let of = |tape: &Tape| tape.parameters().get(at).copied();
        entry_slope(value, of(tape)?, of(near)?, of(far)?)
    };
    let numbers: Vec<f64> = numbers.enumerate().map(|(at, slope)| exact(at).unwrap_or(slope)).collect();
    let mut entries = Vec::new();
    if a.tables() != d.tables() {
        let (near, far) =
            if value == 0.0 { (with(1.0)?, with(2.0)?) } else { (with(2.0 * value)?, with(4.0 * value)?) };
        for (number, table) in tape.tables().iter().enumerate() {
            let (near, far) = (near.tables().get(number)?, far.tables().get(number)?);
            for (at, &w) in table.iter().enumerate() {
                let (near, far) = (*near.get(at)?, *far.get(at)?);
                if w != near || w != far {
                    entries.push((number, at, entry_slope(value, w, near, far)?));
                }
            }
        }
    }
    (numbers.iter().any(|slope| *slope != 0.0) || !entries.is_empty()).then_some(Effect { numbers, entries })
}

/// The derivative of a power of a number, times another: w at the number, and at its double and fourfold, which shows
/// the power exactly; of a multiple of a number that is 0, at 0, 1 and 2.
fn entry_slope(value: f64, w: f64, near: f64, far: f64) -> Option<f64> {
    if value == 0.0 {
        return (w == 0.0 && far == 2.0 * near).then_some(near);
    }
    if w == 0.0 {
        return (near == 0.0 && far == 0.0).then_some(0.0);
    }
    let power = (near / w).log2();
    (power.fract() == 0.0 && far == near * power.exp2()).then_some(power * w / value)
}

/// Where entry f of every table moves with entry f of the list and nothing else moves: the derivatives of all, from all
/// doubled at once. The first and the last entry, doubled alone, stand for the others.
fn feature_slopes(
    tape: &Tape,
    values: &[f64],
    [near, far]: [Option<Tape>; 2],
    ends: [(usize, Option<Tape>); 2],
) -> Option<Vec<Vec<f64>>> {
    let (near, far) = (near?, far?);
    if tape.parameters() != near.parameters() || values.contains(&0.0) {
        return None;
    }
    for (end, alone) in ends {
        for (table, alone) in tape.tables().iter().zip(alone?.tables()) {
            if table.iter().zip(alone.iter()).enumerate().any(|(at, (before, after))| at != end && before != after) {
                return None;
            }
        }
    }
    let mut slopes = Vec::new();
    for ((table, near), far) in tape.tables().iter().zip(near.tables()).zip(far.tables()) {
        let entries = table.iter().zip(near.iter().zip(far.iter())).zip(values);
        let slope: Option<Vec<f64>> =
            entries.map(|((w, (near, far)), value)| entry_slope(*value, *w, *near, *far)).collect();
        slopes.push(slope.filter(|slope| slope.len() == values.len() && table.len() == values.len())?);
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
