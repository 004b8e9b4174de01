//! Distances and kernel matrices.

use super::record;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::Metric;
use crate::tensor::Tensor;
use crate::work::{PairWork, Work};

/// Distances between every row of `x` and every row of `y`.
///
/// `out[i][j] = metric(x[i], y[j])`, with `x` of shape `n × d`, `y` of shape `m × d` and `out` of shape `n × m`, in the
/// metric's own units. Nothing waits: the result is a tensor whose work is recorded.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the column counts differ or an input is no matrix; [`Error::InvalidArgument`] if the
/// metric's parameters are out of range; [`Error::BufferTooLarge`] or [`Error::OutOfMemory`] if `out` does not fit the
/// device (stream it instead: [`stream::pairwise`](crate::stream::pairwise)).
///
/// # Accuracy
/// Every entry within [`Metric::error_bound`](crate::Metric) of its f64 definition; where the metric declares
/// `zero_on_self`, equal rows are at distance exactly 0.
///
/// # Examples
/// ```
/// # use gristmill::{pairwise, Context, Metric};
/// # use ndarray::array;
/// let context = Context::open_blocking()?; // best hardware GPU, else the CPU
/// let x = context.upload(&array![[0.0, 0.0], [3.0, 4.0]])?;
/// let distances = pairwise(&x, &x, &Metric::EUCLIDEAN)?.read_blocking()?;
/// assert_eq!(distances, array![[0.0_f32, 5.0], [5.0, 0.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pairwise(x: &Tensor, y: &Tensor, metric: &Metric) -> Result<Tensor> {
    let shape = PairShape::of("pairwise", x, y)?;
    metric.check(shape.d)?;
    run("pairwise", x, y, PairFunction::from(metric.clone()), false)
}

/// Distances between row i of `x` and row i of `y`.
///
/// `out[i] = metric(x[i], y[i])`, with `x` and `y` of shape `n × d` and `out` of shape `n`.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the shapes differ or an input is no matrix; [`Error::InvalidArgument`] if the metric's
/// parameters are out of range; the device's errors.
///
/// # Accuracy
/// As [`pairwise`].
///
/// # Examples
/// ```
/// # use gristmill::{paired_distances, Context, Metric};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0, 0.0], [1.0, 1.0]])?;
/// let y = context.upload(&array![[3.0, 4.0], [1.0, 1.0]])?;
/// assert_eq!(paired_distances(&x, &y, &Metric::EUCLIDEAN)?.read_blocking()?, array![5.0_f32, 0.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn paired_distances(x: &Tensor, y: &Tensor, metric: &Metric) -> Result<Tensor> {
    let op = "paired_distances";
    let shape = PairShape::of(op, x, y)?;
    if shape.n != shape.m {
        return Err(Error::shape(op, format!("x has {} rows, y has {}; they must match", shape.n, shape.m)));
    }
    metric.check(shape.d)?;
    run(op, x, y, PairFunction::from(metric.clone()), true)
}

/// The Gram (kernel) matrix of the rows of `x` and `y`.
///
/// `out[i][j] = k(x[i], y[j])`, with `x` of shape `n × d`, `y` of shape `m × d` and `out` of shape `n × m`.
///
/// # Errors
/// As [`pairwise`]; [`Error::InvalidArgument`] if a parameter of the kernel is out of range.
///
/// # Accuracy
/// Every entry within the running error bound of its expression: the bounds of its distances carried through the
/// kernel's own function ([`PairFunction::evaluate_with_bound`]).
///
/// # Examples
/// ```
/// # use gristmill::{gram, Context, Kernel};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0]])?;
/// let k = gram(&x, &x, &Kernel::rbf(0.5))?.read_blocking()?;
/// assert_eq!(k[[0, 0]], 1.0);
/// assert!((k[[0, 1]] - (-0.5f32).exp()).abs() < 1e-6);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn gram(x: &Tensor, y: &Tensor, kernel: &Kernel) -> Result<Tensor> {
    let shape = PairShape::of("gram", x, y)?;
    run("gram", x, y, kernel.pair_function(shape.d)?, false)
}

fn run(op: &'static str, x: &Tensor, y: &Tensor, function: PairFunction, paired: bool) -> Result<Tensor> {
    let (n, m) = (x.shape()[0], y.shape()[0]);
    let shape: &[usize] = if paired { &[n] } else { &[n, m] };
    record(x, &Work::Pair(PairWork { op, function, paired }), &[x.operand(), y.operand()], shape)
}

/// Rows and columns of two matrices that meet.
struct PairShape {
    n: usize,
    m: usize,
    d: usize,
}

impl PairShape {
    fn of(op: &'static str, x: &Tensor, y: &Tensor) -> Result<Self> {
        let matrix = |name: &str, t: &Tensor| match *t.shape() {
            [rows, columns] => Ok((rows, columns)),
            _ => Err(Error::shape(
                op,
                format!("{name} has shape {:?}; it must be a matrix of rows × features", t.shape()),
            )),
        };
        let ((n, d), (m, e)) = (matrix("x", x)?, matrix("y", y)?);
        if d != e {
            return Err(Error::shape(op, format!("x has {d} columns, y has {e}; they must match")));
        }
        Ok(Self { n, m, d })
    }
}
