//! Gradients of kernel sums and of Gram matrices.

use super::formula::Arguments;
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula, Role};
use crate::kernel::{Hyperparameter, Kernel, PairSource, Slopes};
use crate::tensor::Tensor;

/// With respect to what a gradient is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GradientOf {
    /// The rows x: n × d.
    X,
    /// The rows y: m × d.
    Y,
    /// The values v of a kernel sum: as v.
    Values,
}

/// The gradient with respect to one parameter of a kernel.
#[derive(Debug, Clone)]
pub struct HyperparameterGradient {
    /// The kernel's name and the parameter's, `rbf.length_scale`; `factor` for the number before a kernel. Kernels
    /// come in the order in which they are written.
    pub name: String,
    /// A number (no axes), or one per feature where the parameter is a list.
    pub gradient: Tensor,
}

/// The gradient of `Σᵢ ⟨cotangent[i], Σⱼ k(x[i], y[j]) v[j]⟩` with respect to x, y or v, without storing k.
///
/// `f` is a kernel, a metric or any pair function; `v` is m × c or m, and 1 where it is `None`; the cotangent has the
/// shape of the sums (n × c or n) and is 1 where it is `None`: then row i of the gradient with respect to x is that of
/// row i's own sum. Where x and y are the same points, the gradient with respect to the points is the sum of both.
/// Where rows meet and the kernel has a kink the gradient is 0, never NaN.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes do not fit; [`Error::InvalidArgument`] for parameters out of range or values
/// that are not there; [`Error::Unsupported`] for a metric without a gradient, and for products over
/// more than 32 features (`bernoulli`, `sobolev`) and full matrices (`rbf(precision=…)`) of more than 32.
///
/// # Accuracy
/// As [`formula_sum`](crate::formula_sum), of the gradient's formula; a gradient with respect to y sums over i.
///
/// # Examples
/// ```
/// # use gristmill::{Context, GradientOf, Kernel, kernel_sum_gradient};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[1.0]])?;
/// let y = context.upload(&array![[0.0], [1.0]])?;
/// // exp(−½ r²): the slope at 1 is −e^(−½), and 0 where the points meet.
/// let slope = kernel_sum_gradient(&x, &y, &Kernel::rbf(0.5), None, None, GradientOf::X)?.read_blocking()?;
/// assert!((slope[[0, 0]] + (-0.5f32).exp()).abs() < 1e-6);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn kernel_sum_gradient(
    x: &Tensor,
    y: &Tensor,
    f: &impl PairSource,
    v: Option<&Tensor>,
    cotangent: Option<&Tensor>,
    of: GradientOf,
) -> Result<Tensor> {
    Sums::of("kernel_sum_gradient", x, y, Weights::Sum { v, cotangent })?.gradient(f, of)
}

/// The gradient of `Σᵢ ⟨cotangent[i], Σⱼ k(x[i], y[j]) v[j]⟩` with respect to every parameter on which the kernel depends
/// smoothly, defaults among them; arguments as in [`kernel_sum_gradient`]. Parameters that choose between formulas (the
/// order of Matérn's kernel, a whole degree, an exponent) have none.
///
/// # Errors
/// As [`kernel_sum_gradient`].
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, kernel_sum_hyperparameter_gradients};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let (x, y) = (context.upload(&array![[2.0]])?, context.upload(&array![[0.0]])?);
/// let gradients = kernel_sum_hyperparameter_gradients(&x, &y, &Kernel::rbf(0.25), None, None)?;
/// assert_eq!(gradients[0].name, "rbf.gamma");
/// let slope = gradients[0].gradient.read_blocking()?; // −r² exp(−γ r²)
/// assert!((slope.sum() + 4.0 * (-1.0f32).exp()).abs() < 1e-6);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn kernel_sum_hyperparameter_gradients(
    x: &Tensor,
    y: &Tensor,
    kernel: &Kernel,
    v: Option<&Tensor>,
    cotangent: Option<&Tensor>,
) -> Result<Vec<HyperparameterGradient>> {
    let op = "kernel_sum_hyperparameter_gradients";
    Sums::of(op, x, y, Weights::Sum { v, cotangent })?.hyperparameters(kernel)
}

/// The gradient of `Σᵢⱼ cotangent[i, j] k(x[i], y[j])` with respect to x or y: what a Gram matrix passes back. The matrix of
/// k itself is not stored.
///
/// # Errors
/// As [`kernel_sum_gradient`]; [`Error::InvalidArgument`] for [`GradientOf::Values`], which a Gram matrix does not have.
///
/// # Examples
/// ```
/// # use gristmill::{Context, GradientOf, Kernel, gram_gradient};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[1.0, 2.0]])?;
/// let y = context.upload(&array![[3.0, 5.0], [7.0, 11.0]])?;
/// let cotangent = context.upload(&array![[1.0, 10.0]])?;
/// let gradient = gram_gradient(&x, &y, &Kernel::linear(), &cotangent, GradientOf::X)?.read_blocking()?;
/// assert_eq!(gradient, array![[73.0_f32, 115.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn gram_gradient(
    x: &Tensor,
    y: &Tensor,
    f: &impl PairSource,
    cotangent: &Tensor,
    of: GradientOf,
) -> Result<Tensor> {
    Sums::of("gram_gradient", x, y, Weights::Matrix(cotangent))?.gradient(f, of)
}

/// The gradient of `Σᵢⱼ cotangent[i, j] k(x[i], y[j])` with respect to every parameter of the kernel, as
/// [`kernel_sum_hyperparameter_gradients`].
///
/// # Errors
/// As [`kernel_sum_gradient`].
pub fn gram_hyperparameter_gradients(
    x: &Tensor,
    y: &Tensor,
    kernel: &Kernel,
    cotangent: &Tensor,
) -> Result<Vec<HyperparameterGradient>> {
    Sums::of("gram_hyperparameter_gradients", x, y, Weights::Matrix(cotangent))?.hyperparameters(kernel)
}

/// What a pair's value is multiplied by.
#[derive(Clone, Copy)]
enum Weights<'a> {
    Sum { v: Option<&'a Tensor>, cotangent: Option<&'a Tensor> },
    Matrix(&'a Tensor),
}

/// A weighted sum of a pair function over all pairs.
struct Sums<'a> {
    op: &'static str,
    i: Vec<&'a Tensor>,
    j: Vec<&'a Tensor>,
    pairs: Vec<&'a Tensor>,
    d: usize,
    weight: Expr,
    values: Option<(Expr, &'a [usize])>,
}

impl<'a> Sums<'a> {
    fn of(op: &'static str, x: &'a Tensor, y: &'a Tensor, weights: Weights<'a>) -> Result<Self> {
        let (&[n, d], &[m, d_of_y]) = (x.shape(), y.shape()) else {
            let message = format!("x has shape {:?}, y has {:?}; both must be rows × features", x.shape(), y.shape());
            return Err(Error::shape(op, message));
        };
        if d != d_of_y {
            return Err(Error::shape(op, format!("x has {d} columns, y has {d_of_y}; they must match")));
        }
        let columns = |name: &str, tensor: &Tensor, rows: usize| match *tensor.shape() {
            [found] if found == rows => Ok(1),
            [found, columns] if found == rows => Ok(columns),
            _ => Err(Error::shape(op, format!("{name} has shape {:?}; it must have {rows} rows", tensor.shape()))),
        };
        let mut sums =
            Self { op, i: vec![x], j: vec![y], pairs: Vec::new(), d, weight: Expr::constant(1.0), values: None };
        match weights {
            Weights::Matrix(cotangent) => {
                if *cotangent.shape() != [n, m] {
                    let message = format!("the cotangent has shape {:?}; it must be {n} × {m}", cotangent.shape());
                    return Err(Error::shape(op, message));
                }
                sums.pairs.push(cotangent);
                sums.weight = Expr::vij(0);
            }
            Weights::Sum { v, cotangent } => {
                let v_columns = v.map(|v| columns("v", v, m)).transpose()?;
                let cotangent_columns = cotangent.map(|c| columns("the cotangent", c, n)).transpose()?;
                if let (Some(v), Some(c)) = (v_columns.or(cotangent_columns.map(|_| 1)), cotangent_columns) {
                    if v != c {
                        return Err(Error::shape(
                            op,
                            format!("v has {v} columns, the cotangent has {c}; they must match"),
                        ));
                    }
                }
                sums.j.extend(v);
                sums.i.extend(cotangent);
                let u = cotangent_columns.map(|columns| Expr::vi(1, columns));
                let values = v_columns.map(|columns| Expr::vj(1, columns));
                sums.weight = match (&values, &u) {
                    (Some(v), Some(u)) => v.dot(u),
                    (Some(one), None) | (None, Some(one)) => one.sum(),
                    (None, None) => Expr::constant(1.0),
                };
                sums.values = values.zip(v.map(Tensor::shape));
            }
        }
        Ok(sums)
    }

    fn arguments(&self) -> Arguments<'_> {
        Arguments { i: &self.i, j: &self.j, parameters: &[], pairs: &self.pairs }
    }

    fn rows(&self) -> (Expr, Expr) {
        (Expr::vi(0, self.d), Expr::vj(0, self.d))
    }

    fn gradient(&self, f: &impl PairSource, of: GradientOf) -> Result<Tensor> {
        let (x, y) = self.rows();
        let value = f.pair_function(self.d)?.expression(&x, &y)? * &self.weight;
        let (of, role, shape) = match (of, &self.values) {
            (GradientOf::X, _) => (&x, Role::I, self.i[0].shape()),
            (GradientOf::Y, _) => (&y, Role::J, self.j[0].shape()),
            (GradientOf::Values, Some((v, shape))) => (v, Role::J, *shape),
            (GradientOf::Values, None) => {
                return Err(Error::argument(self.op, "of", "is the values, but there are none"));
            }
        };
        let gradient = Formula::new(value.gradient(of))?;
        self.arguments().gradient(self.op, &gradient, role)?.reshape(shape)
    }

    fn hyperparameters(&self, kernel: &Kernel) -> Result<Vec<HyperparameterGradient>> {
        let (x, y) = self.rows();
        let value = kernel.pair_function(self.d)?.expression(&x, &y)?;
        let slopes = kernel.slopes_of(&value, &self.weight, self.d)?;
        let sum = |expr: Expr| self.arguments().gradient(self.op, &Formula::new(expr)?, Role::Parameter);
        // All parameters that are numbers in one formula; each list in one of its own.
        let is_number = |of: &Hyperparameter| matches!(of.slopes, Slopes::Number(_));
        let joined = slopes.iter().filter(|(of, _)| is_number(of)).map(|(_, slope)| slope.clone());
        let numbers = joined.reduce(|joined, slope| joined.concat(&slope)).map(&sum).transpose()?;
        let mut at = 0;
        let mut gradients = Vec::with_capacity(slopes.len());
        for (of, slope) in slopes {
            let gradient = match &numbers {
                Some(numbers) if is_number(&of) => {
                    at += 1;
                    numbers.slice(0, at - 1..at)?.reshape(&[])?
                }
                _ => sum(slope)?,
            };
            gradients.push(HyperparameterGradient { name: of.name, gradient });
        }
        Ok(gradients)
    }
}
