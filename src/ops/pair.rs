//! Distances and kernel matrices.

use std::sync::Arc;

use super::{check_axes, record};
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::{Domain, Metric, Preparation, RowMap};
use crate::tensor::{Element, Real, Tensor};
use crate::work::{Operand, PairWork, Part, PrepareWork, SymmetricWork, Work};

/// Distances between every row of `x` and every row of `y`.
///
/// `out[i, j] = metric(x[i], y[j])`, with `x` of shape `… × n × d`, `y` of shape `… × m × d` and `out` of shape
/// `… × n × m`, in the metric's own units. Axes in front are batch: matrices at equal places meet, and no others. Rows
/// may be stored as [`f16`](crate::f16), in half the memory; arithmetic and the result are f32 all the same ([`Real`]).
/// Nothing waits: the result is a tensor whose work is recorded.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the column counts or the batch axes differ, or an input is no matrix;
/// [`Error::InvalidArgument`] if the metric's parameters are out of range; [`Error::Unsupported`] if the result would
/// have more than 8 axes; [`Error::BufferTooLarge`] or [`Error::OutOfMemory`] if `out` does not fit the
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
///
/// // Two sets of points at once, each among themselves.
/// let sets = context.upload(&array![[[0.0], [1.0]], [[2.0], [5.0]]])?;
/// let distances = pairwise(&sets, &sets, &Metric::EUCLIDEAN)?.read_blocking()?;
/// assert_eq!(distances, array![[[0.0_f32, 1.0], [1.0, 0.0]], [[0.0, 3.0], [3.0, 0.0]]].into_dyn());
///
/// // Rows in half the memory.
/// let halves = context.upload(&array![[0.0, 0.0], [3.0, 4.0]].mapv(gristmill::f16::from_f64))?;
/// let distances = pairwise(&halves, &halves, &Metric::EUCLIDEAN)?.read_blocking()?;
/// assert_eq!(distances, array![[0.0_f32, 5.0], [5.0, 0.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pairwise<E: Real>(x: &Tensor<E>, y: &Tensor<E>, metric: &Metric) -> Result<Tensor> {
    let shape = PairShape::of("pairwise", x, y)?;
    metric.check(shape.d)?;
    let distances = shape.run("pairwise", x, y, PairFunction::from(metric))?;
    // What an expanded square leaves of a row's distance from itself is rounding.
    match metric.prepare.map(|prepare| prepare.rows) {
        Some(Preparation::Expand) if is_same(x, y) => symmetric("pairwise", &distances, Part::ZeroDiagonal),
        _ => Ok(distances),
    }
}

/// Distances between the rows of `x`, each pair once: SciPy's `pdist`.
///
/// `x` is one matrix, of shape `n × d`; the result is a vector of `n (n − 1) / 2` distances, those of row 0 and rows 1, 2, … first, then
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
pub fn condensed_distances<E: Real>(x: &Tensor<E>, metric: &Metric) -> Result<Tensor> {
    let op = "condensed_distances";
    let shape = PairShape::of(op, x, x)?;
    shape.one_matrix(op)?;
    metric.check(shape.d)?;
    symmetric(op, &shape.run(op, x, x, PairFunction::from(metric))?, Part::Condensed)
}

/// Distances between every row of `x` and every row of `y`, whose features are the bits of words.
///
/// `out[i, j] = metric(x[i], y[j])`, with `x` of shape `… × n × k`, `y` of shape `… × m × k` and `out` of shape
/// `… × n × m`, for
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
    shape.run(op, &first, &second, PairFunction::from(metric))
}

/// Distances between row i of `x` and row i of `y`.
///
/// `out[i] = metric(x[i], y[i])`, with `x` and `y` of shape `… × n × d` and `out` of shape `… × n`.
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
pub fn paired_distances<E: Real>(x: &Tensor<E>, y: &Tensor<E>, metric: &Metric) -> Result<Tensor> {
    let op = "paired_distances";
    let shape = PairShape::of(op, x, y)?;
    if shape.n != shape.m {
        return Err(Error::shape(op, format!("x has {} rows, y has {}; they must match", shape.n, shape.m)));
    }
    metric.check(shape.d)?;
    paired(op, x, y, PairFunction::from(metric))
}

/// The Gram (kernel) matrix of the rows of `x` and `y`.
///
/// `out[i, j] = k(x[i], y[j])`, with `x` of shape `… × n × d`, `y` of shape `… × m × d` and `out` of shape `… × n × m`;
/// axes in front are batch, and rows may be stored as [`f16`](crate::f16), as in [`pairwise`].
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
pub fn gram<E: Real>(x: &Tensor<E>, y: &Tensor<E>, kernel: &Kernel) -> Result<Tensor> {
    let shape = PairShape::of("gram", x, y)?;
    shape.run("gram", x, y, kernel.pair_function(shape.d)?)
}

/// The rows of x and y as the function compares them, and the function for those rows; they must have been checked for
/// it.
pub(super) fn prepared<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    y: &Tensor<E>,
    function: PairFunction,
) -> Result<([Operand; 2], PairFunction)> {
    let (rows, function) = prepared_rows(op, x, y, function)?;
    let operands = match rows {
        Some([x, y]) => [x.operand(), y.operand()],
        None => [x.operand(), y.operand()],
    };
    Ok((operands, function))
}

/// Some metrics make others of all rows first: those rows, if there are any, and the function for them. Rows may have
/// batch axes in front.
pub(super) fn prepared_rows<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    y: &Tensor<E>,
    function: PairFunction,
) -> Result<(Option<[Tensor; 2]>, PairFunction)> {
    let d = x.shape().last().copied().unwrap_or(0);
    let Some(([of_x, of_y], function)) = function.prepared(op, d)? else { return Ok((None, function)) };
    let same = of_x == of_y && is_same(x, y);
    let x = prepare(op, x, of_x)?;
    let y = if same { x.clone() } else { prepare(op, y, of_y)? };
    Ok((Some([x, y]), function))
}

/// Whether both are the same entries of the same memory.
fn is_same<E: Element>(x: &Tensor<E>, y: &Tensor<E>) -> bool {
    Arc::ptr_eq(&x.storage().0, &y.storage().0) && x.layout() == y.layout()
}

fn symmetric(op: &'static str, matrix: &Tensor, part: Part) -> Result<Tensor> {
    let n = matrix.shape().last().copied().unwrap_or(0);
    let shape = if part == Part::Condensed { vec![n * n.saturating_sub(1) / 2] } else { matrix.shape().to_vec() };
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
/// With `x` of shape `… × n × d`, `out` has shape `… × n`; the cost is that of n pairs.
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
pub fn gram_diag<E: Real>(x: &Tensor<E>, kernel: &Kernel) -> Result<Tensor> {
    let shape = PairShape::of("gram_diag", x, x)?;
    paired("gram_diag", x, x, kernel.pair_function(shape.d)?)
}

/// Values of rows with equal numbers, of x and y of equal shape: to them a batch is so many more rows.
pub(crate) fn paired<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    y: &Tensor<E>,
    function: PairFunction,
) -> Result<Tensor> {
    let (shape, d) = x.shape().split_at(x.rank() - 1);
    let flat = [shape.iter().product(), d[0]];
    let (inputs, function) = prepared(op, &x.reshape(&flat)?, &y.reshape(&flat)?, function)?;
    record(x, &Work::Pair(PairWork { op, function, paired: true }), &inputs, shape)
}

/// Rows and columns of matrices that meet.
pub(super) struct PairShape {
    /// Axes in front.
    pub(super) batch: Vec<usize>,
    pub(super) n: usize,
    pub(super) m: usize,
    pub(super) d: usize,
}

impl PairShape {
    pub(super) fn of<E: Element>(op: &'static str, x: &Tensor<E>, y: &Tensor<E>) -> Result<Self> {
        let split = |name: &str, t: &Tensor<E>| match t.shape() {
            [batch @ .., rows, columns] => Ok((batch.to_vec(), *rows, *columns)),
            other => Err(Error::shape(op, format!("{name} has shape {other:?}; it must be rows × features"))),
        };
        let ((batch, n, d), (batch_of_y, m, e)) = (split("x", x)?, split("y", y)?);
        if d != e {
            return Err(Error::shape(op, format!("x has {d} columns, y has {e}; they must match")));
        }
        if batch != batch_of_y {
            let message = format!("x has the batch axes {batch:?}, y has {batch_of_y:?}; they must match");
            return Err(Error::shape(op, message));
        }
        check_axes(op, batch.len() + 2)?;
        Ok(Self { batch, n, m, d })
    }

    /// Values of every row of x and every row of y, which have this shape.
    fn run<E: Real>(&self, op: &'static str, x: &Tensor<E>, y: &Tensor<E>, function: PairFunction) -> Result<Tensor> {
        let (inputs, function) = prepared(op, x, y, function)?;
        let shape: Vec<usize> = self.batch.iter().copied().chain([self.n, self.m]).collect();
        record(x, &Work::Pair(PairWork { op, function, paired: false }), &inputs, &shape)
    }

    fn one_matrix(&self, op: &'static str) -> Result<()> {
        match self.batch.is_empty() {
            true => Ok(()),
            false => Err(Error::shape(op, format!("x has the batch axes {:?}; it must be one matrix", self.batch))),
        }
    }
}
