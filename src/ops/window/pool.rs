//! Sums, means and largest entries of sliding windows.

use super::{each, fitting, spatial, windows};
use crate::error::Result;
use crate::ops::record;
use crate::tensor::{Real, Tensor};
use crate::work::{Layout, PoolWork, Pooling, WindowAxis, Work};

/// Options of [`pool_sum`], [`pool_mean`] and [`pool_max`]; vectors have one entry per spatial axis, or none for the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolOptions {
    /// Entries from one window to the next; 1.
    pub strides: Vec<usize>,
    /// Entries that stand for nothing before and after each axis; none.
    pub pads: Vec<(usize, usize)>,
    /// Entries from one tap to the next; 1.
    pub dilations: Vec<usize>,
    /// Also windows that start inside but end behind the pads.
    pub ceil_mode: bool,
    /// Whether a mean counts the pads.
    pub count_include_pad: bool,
}

/// What [`pool_max_indices`] finds.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The largest entries, `N × C × windows`.
    pub values: Tensor,
    /// Where they are: places in the channel, its spatial axes counted row-major; `u32::MAX` where a window sees nothing.
    pub indices: Tensor<u32>,
}

/// Sums of sliding windows.
///
/// `out[n, c, p] = Σ_t x[n, c, p · stride − pad + t · dilation]`, with `x` of shape `N × C × spatial`, `window` the taps along
/// each of the 1 to 3 spatial axes, and `out` of shape `N × C × ⌊(length + pads − (taps − 1) · dilation − 1)/stride⌋ + 1`,
/// rounded up instead with `ceil_mode` where the last window starts inside. A window of the spatial axes' lengths pools all.
///
/// # Errors
/// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) if x has other axes than N × C × 1 to 3, or a window is longer than the
/// padded axis; [`Error::InvalidArgument`](crate::Error::InvalidArgument) if a window, stride or dilation is 0 or there are not as many
/// as spatial axes; the device's errors.
///
/// # Accuracy
/// `|error| ≤ (64 + ⌈t/64⌉ + 2) u Σ|x|`, t the number of taps, u = 2⁻²⁴.
///
/// # Sources
/// ONNX, operator AveragePool, for the windows; Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §4.2.
///
/// # Examples
/// ```
/// # use gristmill::{pool_sum, Context, PoolOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[[1.0, 2.0, 3.0, 4.0]]])?;
/// let sums = pool_sum(&x, &[2], &PoolOptions::default())?.read_blocking()?;
/// assert_eq!(sums, array![[[3.0_f32, 5.0, 7.0]]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pool_sum<E: Real>(x: &Tensor<E>, window: &[usize], options: &PoolOptions) -> Result<Tensor> {
    pool("pool_sum", x, window, options, Pooling::Sum)
}

/// Means of sliding windows: [`pool_sum`] divided by the number of entries that the window sees, or with
/// `count_include_pad` by those within the pads too. A window that sees nothing has the mean NaN.
///
/// # Errors
/// As [`pool_sum`].
///
/// # Accuracy
/// The bound of [`pool_sum`] divided by the number, and 5u of the value.
///
/// # Sources
/// As [`pool_sum`].
///
/// # Examples
/// ```
/// # use gristmill::{pool_mean, Context, PoolOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[[1.0, 2.0, 3.0, 4.0]]])?;
/// let halves = PoolOptions { strides: vec![2], ..PoolOptions::default() };
/// assert_eq!(pool_mean(&x, &[2], &halves)?.read_blocking()?, array![[[1.5_f32, 3.5]]].into_dyn());
/// let whole = pool_mean(&x, &[4], &PoolOptions::default())?.read_blocking()?;
/// assert_eq!(whole, array![[[2.5_f32]]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pool_mean<E: Real>(x: &Tensor<E>, window: &[usize], options: &PoolOptions) -> Result<Tensor> {
    pool("pool_mean", x, window, options, Pooling::Mean { padding: options.count_include_pad })
}

/// Largest entries of sliding windows; shapes as in [`pool_sum`].
///
/// A window that holds a NaN gives NaN, one that sees nothing −∞. Pads never win.
///
/// # Errors
/// As [`pool_sum`].
///
/// # Accuracy
/// Exact.
///
/// # Sources
/// ONNX, operator MaxPool.
///
/// # Examples
/// ```
/// # use gristmill::{pool_max, Context, PoolOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[[-1.0, -2.0, 3.0, 2.0]]])?;
/// let padded = PoolOptions { pads: vec![(1, 0)], ..PoolOptions::default() };
/// let largest = pool_max(&x, &[2], &padded)?.read_blocking()?;
/// assert_eq!(largest, array![[[-1.0_f32, -1.0, 3.0, 3.0]]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pool_max<E: Real>(x: &Tensor<E>, window: &[usize], options: &PoolOptions) -> Result<Tensor> {
    pool("pool_max", x, window, options, Pooling::Max { indices: false })
}

/// Largest entries of sliding windows and where they are: [`pool_max`] with its places. Ties take the first place.
///
/// # Errors
/// As [`pool_sum`].
///
/// # Accuracy
/// Exact.
///
/// # Sources
/// As [`pool_max`].
///
/// # Examples
/// ```
/// # use gristmill::{pool_max_indices, Context, PoolOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[[[1.0, 9.0], [7.0, 2.0]]]])?;
/// let found = pool_max_indices(&x, &[2, 1], &PoolOptions::default())?;
/// assert_eq!(found.values.read_blocking()?, array![[[[7.0_f32, 9.0]]]].into_dyn());
/// assert_eq!(found.indices.read_blocking()?, array![[[[2_u32, 1]]]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pool_max_indices<E: Real>(x: &Tensor<E>, window: &[usize], options: &PoolOptions) -> Result<Pool> {
    let op = "pool_max_indices";
    let (axes, shape) = geometry(op, x, window, options)?;
    let work = Work::Pool(PoolWork { op, axes, pooling: Pooling::Max { indices: true } });
    let storage = x.executor().run(&work, &[x.operand()])?;
    let mut layout = Layout::contiguous(&shape);
    layout.strides.iter_mut().for_each(|stride| *stride *= 2);
    let places = Layout { offset: 1, ..layout.clone() };
    let executor = x.executor();
    let values = Tensor::new(executor.clone(), storage.clone(), layout);
    let indices = Tensor::new(executor.clone(), storage, places);
    Ok(Pool { values, indices })
}

fn pool<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    window: &[usize],
    options: &PoolOptions,
    pooling: Pooling,
) -> Result<Tensor> {
    let (axes, shape) = geometry(op, x, window, options)?;
    record(x, &Work::Pool(PoolWork { op, axes, pooling }), &[x.operand()], &shape)
}

/// The windows, and the shape of the result.
fn geometry<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    window: &[usize],
    options: &PoolOptions,
) -> Result<(Vec<WindowAxis>, Vec<usize>)> {
    let (n, channels, lengths) = spatial(op, x.shape())?;
    let taps = each(op, "window", window, lengths.len(), 1)?;
    let strides = each(op, "strides", &options.strides, lengths.len(), 1)?;
    let dilations = each(op, "dilations", &options.dilations, lengths.len(), 1)?;
    let pads = each(op, "pads", &options.pads, lengths.len(), (0, 0))?;
    let mut axes = windows(op, &taps, [&strides, &dilations], &pads)?;
    for (axis, window) in axes.iter_mut().enumerate() {
        window.outputs = fitting(op, axis, lengths[axis], window, options.ceil_mode)?;
    }
    let shape = [n, channels].into_iter().chain(axes.iter().map(|axis| axis.outputs)).collect();
    Ok((axes, shape))
}
