//! Tensors continued past their edges, and rolled around.

use super::{MOST_AXES, record};
use crate::error::{Error, Result};
use crate::tensor::{Number, Tensor};
use crate::work::{Boundary, ExtendWork, Work};

/// `x` with more entries before and after it, along its last axes.
///
/// The result is f32 (or complex f32), whatever `x` is stored as. `widths` has how many before and after, for each of as many trailing axes; what they are is said by [`Boundary`], and
/// they may be more than `x` has.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are more widths than axes, or nothing to continue; [`Error::Unsupported`] if `x` has
/// more than 8 axes; the device's errors.
///
/// # Accuracy
/// Exact.
/// # Sources
/// NumPy, `numpy.pad`, whose `symmetric` is `Reflect` here and whose `reflect` is `Mirror`, as `scipy.ndimage` has them.
///
/// # Examples
/// ```
/// # use gristmill::{pad, Boundary, Context};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0])?;
/// let padded = pad(&x, &[(2, 1)], Boundary::Reflect)?.read_blocking()?;
/// assert_eq!(padded, array![2.0_f32, 1.0, 1.0, 2.0, 3.0, 3.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn pad<N: Number>(x: &Tensor<N>, widths: &[(usize, usize)], boundary: Boundary) -> Result<Tensor<N::Wide>> {
    let op = "pad";
    let leading = trailing(op, x, widths.len())?;
    let mut axes: Vec<(i64, usize)> = x.shape().iter().map(|&n| (0, n)).collect();
    for ((first, length), &(before, after)) in axes[leading..].iter_mut().zip(widths) {
        let whole = before.checked_add(*length).and_then(|length| length.checked_add(after));
        let offset = i64::try_from(before).ok();
        let (Some(whole), Some(start)) = (whole, offset) else {
            return Err(Error::argument(op, format!("widths {before} and {after}"), "are more than can be counted"));
        };
        (*first, *length) = (-start, whole);
    }
    extended(op, x, axes, boundary)
}

/// `x` moved around by `shifts` entries along its last axes, `out[i] = x[(i − shift) mod n]`.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are more shifts than axes; [`Error::Unsupported`] if `x` has more than 8 axes; the
/// device's errors.
///
/// # Accuracy
/// Exact.
/// # Sources
/// NumPy, `numpy.roll`.
///
/// # Examples
/// ```
/// # use gristmill::{roll, Context};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0])?;
/// assert_eq!(roll(&x, &[1])?.read_blocking()?, array![3.0_f32, 1.0, 2.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn roll<N: Number>(x: &Tensor<N>, shifts: &[isize]) -> Result<Tensor<N::Wide>> {
    let op = "roll";
    let leading = trailing(op, x, shifts.len())?;
    let mut axes: Vec<(i64, usize)> = x.shape().iter().map(|&n| (0, n)).collect();
    for ((first, length), shift) in axes[leading..].iter_mut().zip(shifts) {
        *first = -(*shift as i64).rem_euclid((*length as i64).max(1));
    }
    extended(op, x, axes, Boundary::Wrap)
}

/// The coefficient of frequency 0 moved from the start of these axes to their middle, entry ⌊n/2⌋; `None`: of all axes.
/// `numpy.fft.fftshift`.
///
/// # Errors
/// [`Error::InvalidArgument`] if an axis does not exist; as [`roll`] otherwise.
///
/// # Accuracy
/// Exact.
///
/// # Examples
/// ```
/// # use gristmill::{Context, fft_frequencies, fftshift, ifftshift};
/// # use ndarray::{Array1, array};
/// let context = Context::open_blocking()?;
/// let frequencies = context.upload(&Array1::from(fft_frequencies(5, 0.2)))?;
/// let shifted = fftshift(&frequencies, None)?;
/// assert_eq!(shifted.read_blocking()?, array![-2.0_f32, -1.0, 0.0, 1.0, 2.0].into_dyn());
/// assert_eq!(ifftshift(&shifted, None)?.read_blocking()?, frequencies.read_blocking()?);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn fftshift<N: Number>(x: &Tensor<N>, axes: Option<&[usize]>) -> Result<Tensor<N::Wide>> {
    shifted("fftshift", x, axes, |n| n / 2)
}

/// The inverse of [`fftshift`], another function where a length is odd.
///
/// # Errors
/// As [`fftshift`].
///
/// # Accuracy
/// Exact.
pub fn ifftshift<N: Number>(x: &Tensor<N>, axes: Option<&[usize]>) -> Result<Tensor<N::Wide>> {
    shifted("ifftshift", x, axes, |n| n.div_ceil(2))
}

fn shifted<N: Number>(
    op: &'static str,
    x: &Tensor<N>,
    axes: Option<&[usize]>,
    by: impl Fn(usize) -> usize,
) -> Result<Tensor<N::Wide>> {
    let mut shifts = vec![0; x.rank()];
    let all: Vec<usize> = (0..x.rank()).collect();
    for &axis in axes.unwrap_or(&all) {
        let missing = || format!("does not exist; the input has {} axes", x.rank());
        let shift = shifts.get_mut(axis).ok_or_else(|| Error::argument(op, format!("axis {axis}"), missing()))?;
        *shift = by(x.shape()[axis]) as isize;
    }
    roll(x, &shifts)
}

/// `x` backwards along an axis that is not empty: what a reflection shows past its end.
pub(crate) fn reversed<N: Number>(op: &'static str, x: &Tensor<N>, axis: usize) -> Result<Tensor<N::Wide>> {
    let backwards = |(at, &n): (usize, &usize)| if at == axis { (n as i64, n) } else { (0, n) };
    extended(op, x, x.shape().iter().enumerate().map(backwards).collect(), Boundary::Reflect)
}

/// Number of axes before the last `count`.
fn trailing<N: Number>(op: &'static str, x: &Tensor<N>, count: usize) -> Result<usize> {
    x.rank().checked_sub(count).ok_or_else(|| {
        Error::argument(op, format!("{count} axes"), format!("are more than the {} of the tensor", x.rank()))
    })
}

/// `x` from `first` on and of a length, per axis.
pub(super) fn extended<N: Number>(
    op: &'static str,
    x: &Tensor<N>,
    axes: Vec<(i64, usize)>,
    boundary: Boundary,
) -> Result<Tensor<N::Wide>> {
    if x.rank() > MOST_AXES {
        let message = format!("x has {} axes; at most {MOST_AXES} are supported", x.rank());
        return Err(Error::Unsupported { op, message });
    }
    let shape: Vec<usize> = axes.iter().map(|(_, length)| *length).collect();
    if x.is_empty() && !shape.contains(&0) {
        return Err(Error::argument(op, format!("x of shape {:?}", x.shape()), "has no entry to continue"));
    }
    record(x, &Work::Extend(ExtendWork { op, axes, complex: N::COMPLEX, boundary }), &[x.operand()], &shape)
}
