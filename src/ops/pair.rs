//! Distances and kernel matrices.

use std::sync::Arc;

use super::record;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::{Domain, Metric, Preparation, RowMap};
use crate::tensor::{Element, Tensor};
use crate::work::{PairWork, Part, PrepareWork, SymmetricWork, Work};

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
    let distances = direct("pairwise", x, y, metric)?;
    // What an expanded square leaves of a row's distance from itself is rounding.
    match metric.prepare.map(|prepare| prepare.rows) {
        Some(Preparation::Expand) if is_same(x, y) => symmetric("pairwise", &distances, Part::ZeroDiagonal),
        _ => Ok(distances),
    }
}

/// Distances between the rows of `x`, each pair once: SciPy's `pdist`.
///
/// `x` has shape `n × d`; the result is a vector of `n (n − 1) / 2` distances, those of row 0 and rows 1, 2, … first, then
/// those of row 1 and rows 2, 3, …. The whole matrix is there for a moment, so it must fit the device.
///
/// # Errors
/// As [`pairwise`].
///
/// # Accuracy
/// As [`pairwise`].
///
/// # Examples
/// ```
/// # use gristmill::{condensed_distances, Context, Metric};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]])?;
/// let distances = condensed_distances(&x, &Metric::EUCLIDEAN)?.read_blocking()?;
/// assert_eq!(distances, array![5.0_f32, 3.0, 4.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn condensed_distances(x: &Tensor, metric: &Metric) -> Result<Tensor> {
    let op = "condensed_distances";
    let shape = PairShape::of(op, x, x)?;
    metric.check(shape.d)?;
    symmetric(op, &direct(op, x, x, metric)?, Part::Condensed)
}

/// Distances between every row of `x` and every row of `y`, whose features are the bits of words.
///
/// `out[i][j] = metric(x[i], y[j])`, with `x` of shape `n × k`, `y` of shape `m × k` and `out` of shape `n × m`, for
/// [`Metric::BIT_HAMMING`] or [`Metric::BIT_JACCARD`]. On the device a row takes twice as many words.
///
/// # Errors
/// As [`pairwise`]; [`Error::InvalidArgument`] for a metric of other features.
///
/// # Accuracy
/// As [`pairwise`].
///
/// # Examples
/// ```
/// # use gristmill::{pairwise_bits, Context, Metric};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0b1011_u32], [0xffff_ffff]])?;
/// let distances = pairwise_bits(&x, &x, &Metric::BIT_HAMMING)?.read_blocking()?;
/// assert_eq!(distances, array![[0.0_f32, 29.0 / 32.0], [29.0 / 32.0, 0.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pairwise_bits(x: &Tensor<u32>, y: &Tensor<u32>, metric: &Metric) -> Result<Tensor> {
    let op = "pairwise_bits";
    if metric.domain != Domain::Halves {
        let message = "compares numbers; words of bits are compared by bit_hamming and bit_jaccard";
        return Err(Error::argument(op, format!("metric {}", metric.name), message));
    }
    let shape = PairShape::of(op, x, y)?;
    metric.check(RowMap::Halves.features(shape.d))?;
    let first = prepare(op, x, RowMap::Halves)?;
    let second = if is_same(x, y) { first.clone() } else { prepare(op, y, RowMap::Halves)? };
    direct(op, &first, &second, metric)
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
    in_step(op, x, y, PairFunction::from(metric))
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
    let (x, y, function) = prepared("gram", x, y, kernel.pair_function(shape.d)?)?;
    run("gram", &x, &y, function, false)
}

/// The rows as the function compares them, and the function for those rows: some metrics make others of all rows
/// first. Rows may have batch axes in front; the function must have been checked for them.
pub(super) fn prepared(
    op: &'static str,
    x: &Tensor,
    y: &Tensor,
    function: PairFunction,
) -> Result<(Tensor, Tensor, PairFunction)> {
    let d = x.shape().last().copied().unwrap_or(0);
    let Some(([of_x, of_y], function)) = function.prepared(op, d)? else {
        return Ok((x.clone(), y.clone(), function));
    };
    let same = of_x == of_y && is_same(x, y);
    let x = prepare(op, x, of_x)?;
    let y = if same { x.clone() } else { prepare(op, y, of_y)? };
    Ok((x, y, function))
}

/// Whether both are the same entries of the same memory.
fn is_same<E: Element>(x: &Tensor<E>, y: &Tensor<E>) -> bool {
    Arc::ptr_eq(&x.storage().0, &y.storage().0) && x.layout() == y.layout()
}

/// Distances between rows that were checked.
fn direct(op: &'static str, x: &Tensor, y: &Tensor, metric: &Metric) -> Result<Tensor> {
    let (x, y, function) = prepared(op, x, y, PairFunction::from(metric))?;
    run(op, &x, &y, function, false)
}

fn symmetric(op: &'static str, matrix: &Tensor, part: Part) -> Result<Tensor> {
    let n = matrix.shape().first().copied().unwrap_or(0);
    let shape = if part == Part::Condensed { vec![n * n.saturating_sub(1) / 2] } else { vec![n, n] };
    record(matrix, &Work::Symmetric(SymmetricWork { op, part }), &[matrix.operand()], &shape)
}

/// Every row made into another.
pub(crate) fn prepare<E: Element>(op: &'static str, x: &Tensor<E>, rows: RowMap) -> Result<Tensor> {
    let mut shape = x.shape().to_vec();
    if let Some(features) = shape.last_mut() {
        *features = rows.features(*features);
    }
    let x = x.contiguous()?;
    record(&x, &Work::Prepare(PrepareWork { op, rows }), &[x.operand()], &shape)
}

/// The diagonal of the Gram matrix of `x` with itself, without the rest: `out[i] = k(x[i], x[i])`.
///
/// With `x` of shape `n × d`, `out` has shape `n`; the cost is that of n pairs.
///
/// # Errors
/// As [`gram`].
///
/// # Accuracy
/// As [`gram`].
///
/// # Examples
/// ```
/// # use gristmill::{gram_diag, Context, Kernel};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[3.0, 4.0], [1.0, 0.0]])?;
/// assert_eq!(gram_diag(&x, &Kernel::linear())?.read_blocking()?, array![25.0_f32, 1.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn gram_diag(x: &Tensor, kernel: &Kernel) -> Result<Tensor> {
    let shape = PairShape::of("gram_diag", x, x)?;
    in_step("gram_diag", x, x, kernel.pair_function(shape.d)?)
}

/// Values of row i and row i of two matrices of one shape; the function must have been checked for them.
pub(crate) fn in_step(op: &'static str, x: &Tensor, y: &Tensor, function: PairFunction) -> Result<Tensor> {
    let (x, y, function) = prepared(op, x, y, function)?;
    run(op, &x, &y, function, true)
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
    fn of<E: Element>(op: &'static str, x: &Tensor<E>, y: &Tensor<E>) -> Result<Self> {
        let matrix = |name: &str, t: &Tensor<E>| match *t.shape() {
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
