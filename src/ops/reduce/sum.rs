//! Weighted sums, means, and what lies within a radius.

use super::ReduceOptions;
use super::arguments::Arguments;
use crate::error::{Error, Result};
use crate::kernel::{PairFunction, PairSource};
use crate::metric::Metric;
use crate::tensor::{Real, Tensor, upload_slice};
use crate::work::{Layout, PairWork, Reduction, Work};

/// Sums of a metric's or kernel's values, weighted by `v`: the product of a kernel matrix that is never stored.
///
/// `out[i, c] = Σⱼ f(x[i], y[j]) v[j, c]`, with `x` of shape `… × n × d`, `y` of shape `… × m × d`, `v` of shape
/// `… × m × c` and `out` of shape `… × n × c`; `x` and `y` may be stored as [`f16`](crate::f16) ([`Real`]). Where `v` is a vector (`… × m`) or `None` (all ones), `out` has shape
/// `… × n`. Memory is O(n + m). Nothing waits: the result is a tensor whose work is recorded.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the column counts, the batch axes or the length of `v` do not fit;
/// [`Error::InvalidArgument`] if a parameter is out of range, `v` has more than 1024 columns, or the blocks overlap or
/// leave the matrix; [`Error::Unsupported`] if `x` has more than 8 axes; the device's errors.
///
/// # Accuracy
/// u = 2⁻²⁴, δⱼ the bound of f(xᵢ, yⱼ) ([`PairFunction::evaluate_with_bound`]): within
/// `Σⱼ δⱼ |vⱼ| + (64 + ⌈m/64⌉ + 2) u Σⱼ |f vⱼ|`; compensated within `Σⱼ (δⱼ + 2u |f|) |vⱼ| + 2u |out|`, to first order.
///
/// # Sources
/// Charlier, Feydy, Glaunès, Collin and Durif, "Kernel operations on the GPU, with autodiff, without memory overflows",
/// JMLR 22, 2021; Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §4.2 and §4.3.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, ReduceOptions, pair_sum};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0]])?;
/// let v = context.upload(&array![1.0, 2.0])?;
/// let product = pair_sum(&x, &x, &Kernel::rbf(0.5), Some(&v), &ReduceOptions::default())?.read_blocking()?;
/// assert!((product[[0]] - (1.0 + 2.0 * (-0.5f32).exp())).abs() < 1e-6);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pair_sum<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    v: Option<&Tensor>,
    options: &ReduceOptions,
) -> Result<Tensor> {
    sum("pair_sum", x, y, f, v, options)
}

fn sum<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    v: Option<&Tensor>,
    options: &ReduceOptions,
) -> Result<Tensor> {
    let arguments = Arguments::of(op, x, y, v)?;
    let reduction = Reduction::Sum { values: v.is_some(), scale: 1.0, compensated: options.compensated };
    arguments.rows(f, reduction, options)
}

/// Means of a metric's or kernel's values, weighted by `v`: [`pair_sum`] divided by the number of rows of `y` that the
/// row meets.
///
/// `out[i, c] = (1/mᵢ) Σⱼ f(x[i], y[j]) v[j, c]`, shapes as in [`pair_sum`], with mᵢ = m, one less where
/// `exclude_self` leaves row i out, or the number that the blocks let it meet. A row that meets nothing has the mean NaN.
///
/// # Errors
/// As [`pair_sum`].
///
/// # Accuracy
/// The bound of [`pair_sum`] divided by mᵢ, and 2u of the value.
///
/// # Sources
/// As [`pair_sum`].
///
/// # Examples
/// ```
/// # use gristmill::{Context, Metric, ReduceOptions, pair_mean};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0], [5.0]])?;
/// let options = ReduceOptions { exclude_self: true, ..ReduceOptions::default() };
/// let mean = pair_mean(&x, &x, &Metric::EUCLIDEAN, None, &options)?.read_blocking()?;
/// assert_eq!(mean, array![3.0_f32, 2.5, 4.5].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pair_mean<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    v: Option<&Tensor>,
    options: &ReduceOptions,
) -> Result<Tensor> {
    let op = "pair_mean";
    let arguments = Arguments::of(op, x, y, v)?;
    let partners = partners(arguments.shape.n, arguments.shape.m, options);
    let alike = partners.windows(2).all(|pair| pair[0] == pair[1]);
    if alike && partners.first().is_none_or(|count| *count > 0) {
        let scale = 1.0 / partners.first().map_or(1.0, |count| *count as f64) as f32;
        let reduction = Reduction::Sum { values: v.is_some(), scale, compensated: options.compensated };
        return arguments.rows(f, reduction, options);
    }
    let sums = sum(op, x, y, f, v, options)?;
    divided(op, &arguments, &sums, &partners)
}

/// How many rows of y each row of x meets.
fn partners(n: usize, m: usize, options: &ReduceOptions) -> Vec<usize> {
    let own = |i: usize, ranges: &[std::ops::Range<usize>]| {
        usize::from(options.exclude_self && ranges.iter().any(|range| range.contains(&i)))
    };
    let Some(blocks) = &options.blocks else {
        return (0..n).map(|i| m - own(i, &[0..m])).collect();
    };
    let mut counts = vec![0; n];
    for (rows, columns) in blocks.rows.iter().zip(&blocks.columns) {
        let all: usize = columns.iter().map(ExactSizeIterator::len).sum();
        for i in rows.clone() {
            if let Some(count) = counts.get_mut(i) {
                *count = all - own(i, columns);
            }
        }
    }
    counts
}

/// Every row of sums divided by its number of partners: inner products of rows of one entry.
fn divided(
    op: &'static str,
    arguments: &Arguments<'_, impl Real>,
    sums: &Tensor,
    partners: &[usize],
) -> Result<Tensor> {
    let columns = arguments.columns.unwrap_or(1);
    let batches: usize = arguments.shape.batch.iter().product();
    let factor = |count: usize| if count == 0 { f32::NAN } else { (1.0 / count as f64) as f32 };
    let row = partners.iter().flat_map(|count| std::iter::repeat_n(factor(*count), columns));
    let factors: Vec<f32> = std::iter::repeat_n(row, batches).flatten().collect();
    let executor = sums.executor();
    let factors = upload_slice(executor, &factors, &[factors.len(), 1])?;
    let work = Work::Pair(PairWork { op, function: PairFunction::from(Metric::INNER_PRODUCT), paired: true });
    let sums = sums.reshape(&[sums.len(), 1])?;
    let storage = executor.run(&work, &[sums.operand(), factors.operand()])?;
    Ok(Tensor::new(executor.clone(), storage, Layout::contiguous(&arguments.row_shape())))
}

/// How many rows of `y` lie within a radius.
///
/// `out[i] = #{ j : f(x[i], y[j]) ≤ radius }`, with `x` of shape `… × n × d`, `y` of shape `… × m × d` and `out` of
/// shape `… × n`. A value of NaN counts nowhere.
///
/// # Errors
/// As [`pair_sum`]; [`Error::InvalidArgument`] if the radius is NaN.
///
/// # Accuracy
/// Exact for the values that the device has; a pair whose value is nearer to the radius than its bound may fall on
/// either side.
///
/// # Sources
/// scikit-learn, `sklearn.neighbors.radius_neighbors_graph`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Metric, ReduceOptions, count_within};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0], [5.0]])?;
/// let near = count_within(&x, &x, &Metric::EUCLIDEAN, 1.0, &ReduceOptions::default())?;
/// assert_eq!(near.read_blocking()?, array![2_u32, 2, 1].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn count_within<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    radius: f32,
    options: &ReduceOptions,
) -> Result<Tensor<u32>> {
    let op = "count_within";
    let arguments = Arguments::of(op, x, y, None)?;
    let radius = a_number(op, radius)?;
    arguments.rows(f, Reduction::Count { radius }, options)
}

/// Sums over the rows of `y` that lie within a radius: of their `v`, or, where it is `None`, of the values themselves.
///
/// `out[i, c] = Σⱼ [f(x[i], y[j]) ≤ radius] v[j, c]`, shapes as in [`pair_sum`]; without `v`
/// `out[i] = Σⱼ [f ≤ radius] f(x[i], y[j])`.
///
/// # Errors
/// As [`count_within`].
///
/// # Accuracy
/// As [`pair_sum`] with the indicator (or the values within the radius) in place of f; as in [`count_within`], a pair
/// at the radius may fall on either side.
///
/// # Sources
/// As [`count_within`].
///
/// # Examples
/// ```
/// # use gristmill::{Context, Metric, ReduceOptions, sum_within};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0], [5.0]])?;
/// let v = context.upload(&array![1.0, 10.0, 100.0])?;
/// let near = sum_within(&x, &x, &Metric::EUCLIDEAN, 1.0, Some(&v), &ReduceOptions::default())?;
/// assert_eq!(near.read_blocking()?, array![11.0_f32, 11.0, 100.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn sum_within<E: Real>(
    x: &Tensor<E>,
    y: &Tensor<E>,
    f: &impl PairSource,
    radius: f32,
    v: Option<&Tensor>,
    options: &ReduceOptions,
) -> Result<Tensor> {
    let op = "sum_within";
    let arguments = Arguments::of(op, x, y, v)?;
    let radius = a_number(op, radius)?;
    arguments.rows(f, Reduction::SumWithin { radius, values: v.is_some() }, options)
}

fn a_number(op: &'static str, radius: f32) -> Result<f32> {
    if radius.is_nan() { Err(Error::argument(op, "radius NaN", "must be a number")) } else { Ok(radius) }
}
