//! Formulas summed over j, and the gradients of every kernel that has an expression over vectors.

use ndarray::{Array1, Array2, ArrayD, Axis};

use super::Body;
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::expr::{Expr, Formula, Role, UNIT_ROUNDOFF};
use crate::kernel::Kernel;
use crate::ops::{GradientOf, formula_sum, kernel_sum_gradient, kernel_sum_hyperparameter_gradients};

/// What is summed.
#[derive(Debug, Clone)]
enum What {
    /// A formula over x, y, the weights and a vector of parameters.
    Formula(&'static str),
    /// The gradient of a weighted kernel sum.
    Gradient(Kernel, GradientOf),
    /// The gradients with respect to the kernel's own parameters.
    Hyperparameters(Kernel),
}

/// One sum over n × m pairs of rows of d features.
#[derive(Debug, Clone)]
pub(crate) struct FormulaTrial {
    what: What,
    n: usize,
    m: usize,
    d: usize,
}

/// Columns of the weights.
const COLUMNS: usize = 2;

fn formula_named(name: &str, d: usize) -> Expr {
    let (x, y, weight, p) = (Expr::vi(0, d), Expr::vj(0, d), Expr::vj(1, COLUMNS), Expr::pm(0, d));
    match name {
        "gaussian" => (-x.sqdist(&y)).exp() * weight,
        "vector" => (&x - &y) * (-(&p * (&x - &y)).sqnorm()).exp(),
        _ => {
            let numbers =
                (x.dot(&y).abs() + 1.0).log() * x.sqnorm().sin() + (y.sqnorm() + 1.0).rsqrt() * y.dot(&p).cos();
            let vectors = x.concat(&weight).extract(d.min(2), COLUMNS).clamp(-0.5, 0.5);
            vectors / (weight.abs() + 1.0).sqrt() * (numbers.powi(2) + 0.5).pow(0.3)
        }
    }
}

/// The inputs; a quarter of the rows of y are rows of x, where distances have their kinks. Nothing is negative, as some
/// kernels have it.
struct Inputs {
    x: Array2<f32>,
    y: Array2<f32>,
    weights: Array2<f32>,
    parameters: Array1<f32>,
}

impl FormulaTrial {
    fn inputs(&self, name: &str) -> Inputs {
        let mut generator = Generator::named(name);
        let scale = 1.0 / (self.d.max(1) as f32).sqrt();
        let x = Array2::from_shape_simple_fn((self.n, self.d), || generator.bell().abs() * scale);
        let mut y = Array2::from_shape_simple_fn((self.m, self.d), || generator.bell().abs() * scale);
        for (at, mut row) in y.rows_mut().into_iter().enumerate().filter(|(at, _)| at % 4 == 1) {
            if self.n > 0 {
                row.assign(&x.row(at % self.n));
            }
        }
        let weights = Array2::from_shape_simple_fn((self.m, COLUMNS), || generator.signed());
        Inputs { x, y, weights, parameters: Array1::from_shape_simple_fn(self.d, || generator.unit() + 0.5) }
    }

    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let Inputs { x, y, weights, parameters } = self.inputs(name);
        let (device_x, device_y) = (context.upload(&x)?, context.upload(&y)?);
        let (device_weights, device_parameters) = (context.upload(&weights)?, context.upload(&parameters)?);
        let mut comparison = Comparison::default();
        match &self.what {
            What::Formula(name) => {
                let formula = Formula::new(formula_named(name, self.d))?;
                let js = [&device_y, &device_weights];
                let result = formula_sum(&formula, &[&device_x], &js, &[&device_parameters])?.read().await?;
                let rows = [x, y];
                compare(&mut comparison, &formula, Role::I, result, &rows, &weights, Some(&parameters));
            }
            What::Gradient(kernel, of) => {
                let values = Some(&device_weights);
                let gradient = kernel_sum_gradient(&device_x, &device_y, kernel, values, None, *of)?.read().await?;
                let (expr, variable) = self.weighted(kernel, *of)?;
                let formula = Formula::new(expr.gradient(&variable))?;
                let role = if *of == GradientOf::X { Role::I } else { Role::J };
                compare(&mut comparison, &formula, role, gradient, &[x, y], &weights, None);
            }
            What::Hyperparameters(kernel) => {
                let values = Some(&device_weights);
                for (at, found) in
                    kernel_sum_hyperparameter_gradients(&device_x, &device_y, kernel, values, None)?.iter().enumerate()
                {
                    let formulas = self.weighted_slopes(kernel)?;
                    let Some(formula) = formulas.get(at) else { continue };
                    let got = found.gradient.read().await?;
                    let got = got.into_shape_with_order(vec![1, formula.dimension()]);
                    let Ok(got) = got else { return Ok(Comparison::broken(format!("the shape of {}", found.name))) };
                    compare(&mut comparison, formula, Role::Parameter, got, &[x.clone(), y.clone()], &weights, None);
                }
            }
        }
        Ok(comparison)
    }

    /// The weighted kernel, and the variable that its gradient is taken of.
    fn weighted(&self, kernel: &Kernel, of: GradientOf) -> Result<(Expr, Expr)> {
        let (x, y, v) = (Expr::vi(0, self.d), Expr::vj(0, self.d), Expr::vj(1, COLUMNS));
        let value = kernel.pair_function(self.d)?.expression(&x, &y)? * v.sum();
        Ok((value, [x, y, v][of as usize].clone()))
    }

    fn weighted_slopes(&self, kernel: &Kernel) -> Result<Vec<Formula>> {
        let (x, y, v) = (Expr::vi(0, self.d), Expr::vj(0, self.d), Expr::vj(1, COLUMNS));
        let value = kernel.pair_function(self.d)?.expression(&x, &y)?;
        kernel.slopes_of(&value, &v.sum(), self.d)?.into_iter().map(|(_, slope)| Formula::new(slope)).collect()
    }
}

/// Compares sums over the rows that `role` does not own: over j, over i, or over both.
fn compare(
    comparison: &mut Comparison,
    formula: &Formula,
    role: Role,
    result: ArrayD<f32>,
    rows: &[Array2<f32>; 2],
    weights: &Array2<f32>,
    parameters: Option<&Array1<f32>>,
) {
    let (n, m) = (rows[0].nrows(), rows[1].nrows());
    let (owners, others) = match role {
        Role::I => (n, m),
        Role::J => (m, n),
        _ => (1, n * m),
    };
    if result.shape() != [owners, formula.dimension()] {
        let wanted = [owners, formula.dimension()];
        *comparison = Comparison::broken(format!("the shape is {:?}, not {wanted:?}", result.shape()));
        return;
    }
    let wide = |matrix: &Array2<f32>| matrix.map(|&value| f64::from(value));
    let (x, y, weights) = (wide(&rows[0]), wide(&rows[1]), wide(weights));
    let parameters: Vec<f64> = parameters.iter().flat_map(|p| p.iter().map(|&value| f64::from(value))).collect();
    for (owner, got) in result.axis_iter(Axis(0)).enumerate() {
        let mut sums = vec![(0.0, 0.0, 0.0); formula.dimension()];
        for other in 0..others {
            let (i, j) = match role {
                Role::I => (owner, other),
                Role::J => (other, owner),
                _ => (other / m, other % m),
            };
            let row = |matrix: &Array2<f64>, at: usize| matrix.row(at).to_vec();
            let values: Vec<Vec<f64>> = formula
                .variables()
                .iter()
                .map(|variable| match (variable.role, variable.number) {
                    (Role::I, _) => row(&x, i),
                    (Role::J, 0) => row(&y, j),
                    (Role::J, _) => row(&weights, j),
                    _ => parameters.clone(),
                })
                .collect();
            let values: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
            for (sum, (value, bound)) in sums.iter_mut().zip(formula.evaluate_with_bound(&values)) {
                *sum = (sum.0 + value, sum.1 + value.abs() + bound, sum.2 + bound);
            }
        }
        // Sums of 64, then the blocks, the passes and, for both, the rows.
        let additions =
            (if role == Role::Parameter { 128 + n.div_ceil(64) + m.div_ceil(64) } else { 64 + others.div_ceil(64) })
                + 4;
        for (c, (got, (value, magnitude, bound))) in got.iter().zip(sums).enumerate() {
            let bound = bound + additions as f64 * UNIT_ROUNDOFF * magnitude;
            comparison.entry(|| format!("[{owner}, {c}]"), *got, value, bound);
        }
    }
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |op: String, what: What, (n, m, d): (usize, usize, usize)| {
        let setting = format!("{n}x{m}x{d}");
        trials.push(Trial::new(op, setting, Body::Formula(FormulaTrial { what, n, m, d })));
    };
    let shapes: &[_] = match extent {
        Extent::Sample => &[(1, 3000, 3), (65, 130, 40), (3, 0, 5), (0, 4, 5)],
        Extent::Full => {
            &[(1, 3000, 3), (65, 130, 40), (3, 0, 5), (0, 4, 5), (2, 70_000, 2), (3, 70, 4096), (300, 65, 1)]
        }
    };
    for name in ["gaussian", "vector", "vocabulary"] {
        for &shape in shapes {
            add(format!("formula::{name}"), What::Formula(name), shape);
        }
    }
    for entry in Kernel::all() {
        let Ok(kernel) = entry.name.parse::<Kernel>() else { continue };
        let has_expression =
            kernel.pair_function(3).is_ok_and(|f| f.expression(&Expr::vi(0, 3), &Expr::vj(0, 3)).is_ok());
        if !has_expression {
            continue;
        }
        let op = |of: &str| format!("gradient::{} of {of}", entry.name);
        add(op("x"), What::Gradient(kernel.clone(), GradientOf::X), (5, 130, 3));
        if extent == Extent::Full {
            add(op("y"), What::Gradient(kernel.clone(), GradientOf::Y), (70, 9, 20));
        }
        if kernel.hyperparameters(3).is_ok_and(|found| !found.is_empty()) {
            add(op("parameters"), What::Hyperparameters(kernel), (7, 40, 3));
        }
    }
    let whitened = "2*rbf(precision=[[2, 0.5, 0], [0.5, 1, -0.25], [0, -0.25, 1]]) + linear";
    if let Ok(kernel) = whitened.parse::<Kernel>() {
        add("gradient::rbf(precision) of x".to_owned(), What::Gradient(kernel.clone(), GradientOf::X), (5, 130, 3));
        add("gradient::rbf(precision) of parameters".to_owned(), What::Hyperparameters(kernel), (7, 40, 3));
    }
    let composed = "2.5*rbf([0.5, 1, 2]) + 0.3*rq(1.2, alpha=0.5)*dot_product(0.8)";
    if let Ok(kernel) = composed.parse::<Kernel>() {
        for (name, of) in [("x", GradientOf::X), ("y", GradientOf::Y), ("values", GradientOf::Values)] {
            add(format!("gradient::sum of {name}"), What::Gradient(kernel.clone(), of), (20, 65, 3));
        }
        add("gradient::sum of parameters".to_owned(), What::Hyperparameters(kernel), (20, 65, 3));
    }
    trials
}
