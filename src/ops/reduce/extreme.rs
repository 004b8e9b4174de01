//! The nearest and the furthest: k smallest and k largest values with their indices.

use super::ReduceOptions;
use super::arguments::Arguments;
use crate::error::{Error, Result};
use crate::kernel::PairSource;
use crate::tensor::{Real, Tensor};
use crate::work::{Layout, Reduction};

/// Values that one search keeps per row, at most.
const MOST: usize = 1024;

/// What [`smallest`] and [`largest`] find, in order.
#[derive(Debug, Clone)]
pub struct Extremes {
    /// The values, `… × n × k`; NaN where a row meets fewer than k.
    pub values: Tensor,
    /// The rows of y that they belong to, `… × n × k`; `u32::MAX` where a row meets fewer than k.
    pub indices: Tensor<u32>,
}

/// The k smallest values of each row and where they are: nearest neighbours, if f is a distance.
///
/// `values[i, 0] ≤ … ≤ values[i, k−1]` are the smallest `f(x[i], y[j])` and `indices[i, ·]` their j, with `x` of shape
/// `… × n × d`, `y` of shape `… × m × d` and both results of shape `… × n × k`. Ties take the lower j; NaN is behind
/// every number. The matrix of the values is never stored.
///
/// # Errors
/// As [`pair_sum`](crate::pair_sum); [`Error::InvalidArgument`] if k is not 1 to 1024, or more than the rows of `y`
/// that a row can meet.
///
/// # Accuracy
/// Every value within the bound of f ([`PairFunction::evaluate_with_bound`](crate::PairFunction)) of its own pair. Pairs
/// whose true values are nearer to each other than their bounds may change places.
///
/// # Sources
/// scikit-learn, `sklearn.neighbors.NearestNeighbors`; PyKeOps, `LazyTensor.argKmin`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Metric, ReduceOptions, smallest};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [4.0]])?;
/// let y = context.upload(&array![[3.0], [1.0], [-1.0]])?;
/// let nearest = smallest(&x, &y, &Metric::EUCLIDEAN, 2, &ReduceOptions::default())?;
/// assert_eq!(nearest.indices.read_blocking()?, array![[1_u32, 2], [0, 1]].into_dyn());
/// assert_eq!(nearest.values.read_blocking()?, array![[1.0_f32, 1.0], [1.0, 3.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn smallest<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    k: usize,
    options: &ReduceOptions,
) -> Result<Extremes> {
    extreme("smallest", x, y, f, (k, false), options)
}

/// The k largest values of each row and where they are: best matches, if f is a similarity.
///
/// `values[i, 0] ≥ … ≥ values[i, k−1]` are the largest `f(x[i], y[j])`; all else as [`smallest`].
///
/// # Errors
/// As [`smallest`].
///
/// # Accuracy
/// As [`smallest`].
///
/// # Sources
/// As [`smallest`].
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, ReduceOptions, largest};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[1.0, 0.0]])?;
/// let y = context.upload(&array![[1.0, 1.0], [2.0, 9.0], [0.5, 0.0]])?;
/// let best = largest(&x, &y, &Kernel::linear(), 2, &ReduceOptions::default())?;
/// assert_eq!(best.indices.read_blocking()?, array![[1_u32, 0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn largest<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    k: usize,
    options: &ReduceOptions,
) -> Result<Extremes> {
    extreme("largest", x, y, f, (k, true), options)
}

fn extreme<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    (k, largest): (usize, bool),
    options: &ReduceOptions,
) -> Result<Extremes> {
    let arguments = Arguments::of(op, x, y, None)?;
    if k == 0 || k > MOST {
        return Err(Error::argument(op, format!("k = {k}"), format!("must be 1 to {MOST}")));
    }
    let partners = arguments.partners(options);
    if k > partners {
        let message = format!("is more than the {partners} rows of y that a row of x can meet");
        return Err(Error::argument(op, format!("k = {k}"), message));
    }
    let storage = arguments.run(f, Reduction::Extreme { k: k as u32, largest }, options)?;
    let shape: Vec<usize> = arguments.shape.batch.iter().copied().chain([arguments.shape.n, k]).collect();
    let values = Layout::contiguous(&shape);
    let indices = Layout { offset: values.len(), ..values.clone() };
    let executor = x.executor();
    Ok(Extremes {
        values: Tensor::new(executor.clone(), storage.clone(), values),
        indices: Tensor::new(executor.clone(), storage, indices),
    })
}
