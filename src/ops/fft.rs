//! Fourier transforms.

use super::record;
use crate::error::{Error, Result};
use crate::tensor::{Complex32, Element, Number, Tensor};
use crate::work::{FftKind, FftWork, Operand, Work};

/// Where a transform's factor 1/N goes; NumPy's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Norm {
    /// On the inverse.
    #[default]
    Backward,
    /// 1/√N on both.
    Ortho,
    /// On the forward transform.
    Forward,
}

/// Options of the transforms. The default transforms the last axis as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FftOptions {
    /// Axes that are transformed; `None`: the last. A real transform halves the last one named.
    pub axes: Option<Vec<usize>>,
    /// Length along each of these axes: the input is cropped or zero-padded to it. `None`: as it is.
    pub lengths: Option<Vec<usize>>,
    /// Where the factor goes.
    pub norm: Norm,
}

impl FftOptions {
    /// Transforms these axes.
    pub fn axes(axes: &[usize]) -> Self {
        Self { axes: Some(axes.to_vec()), ..Self::default() }
    }
}

/// The discrete Fourier transform `y[k] = Σⱼ x[j] exp(−2πi jk/n)` along the chosen axes.
///
/// Any length from 1 on; input in f16 is widened as it is read.
///
/// # Errors
/// [`Error::InvalidArgument`] if an axis does not exist or is named twice, or a length is 0; the device's errors.
///
/// # Accuracy
/// Relative L2 error at most `1.5e-7·√log₂N` (`3e-7·√log₂N` where a length has a prime factor above 13), N the number of
/// points transformed together.
/// # Sources
/// Cooley and Tukey, *An algorithm for the machine calculation of complex Fourier series*, 1965; Bluestein, *A linear
/// filtering approach to the computation of discrete Fourier transform*, 1970; Higham, *Accuracy and Stability of
/// Numerical Algorithms*, 2nd ed., ch. 24. Norms and axes are NumPy's, `numpy.fft`.
///
/// # Examples
/// ```
/// # use gristmill::{fft, Complex32, Context, FftOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 0.0, 0.0].mapv(|re| Complex32::new(re, 0.0)))?;
/// let y = fft(&x, &FftOptions::default())?.read_blocking()?;
/// assert!(y.iter().all(|c| (c - Complex32::new(1.0, 0.0)).norm() < 1e-6));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn fft<N: Number<Wide = Complex32>>(x: &Tensor<N>, options: &FftOptions) -> Result<Tensor<Complex32>> {
    complex("fft", x, options, false)
}

/// The inverse transform `x[j] = (1/n) Σₖ y[k] exp(+2πi jk/n)` along the chosen axes.
///
/// # Errors
/// As [`fft`].
///
/// # Accuracy
/// As [`fft`].
pub fn ifft<N: Number<Wide = Complex32>>(y: &Tensor<N>, options: &FftOptions) -> Result<Tensor<Complex32>> {
    complex("ifft", y, options, true)
}

/// The transform of real input: the first ⌊n/2⌋ + 1 coefficients along the last chosen axis, all along the others.
///
/// # Errors
/// As [`fft`].
///
/// # Accuracy
/// As [`fft`].
///
/// # Examples
/// ```
/// # use gristmill::{irfft, rfft, Context, FftOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0, 4.0])?;
/// let spectrum = rfft(&x, &FftOptions::default())?;
/// assert_eq!(spectrum.shape(), [3]);
/// let back = irfft(&spectrum, &FftOptions { lengths: Some(vec![4]), ..Default::default() })?.read_blocking()?;
/// assert!(back.iter().zip([1.0f32, 2.0, 3.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn rfft<N: Number<Wide = f32>>(x: &Tensor<N>, options: &FftOptions) -> Result<Tensor<Complex32>> {
    let op = "rfft";
    let axes = Axes::of(op, x.shape(), options, |n| n)?;
    let (&(last, length), others) = axes.list.split_last().ok_or_else(|| no_axis(op))?;
    let mut y: Tensor<Complex32> =
        axis(op, x, FftKind::RealToHalf, last, length, false, axes.scale(options.norm, false))?;
    for &(at, length) in others.iter().rev() {
        y = axis(op, &y, FftKind::Complex, at, length, false, 1.0)?;
    }
    Ok(y)
}

/// The inverse of [`rfft`]: from half a Hermitian spectrum back to real numbers. The length along the last chosen axis is
/// `lengths`' last entry, by default `2(m − 1)` for m coefficients.
///
/// # Errors
/// As [`fft`].
///
/// # Accuracy
/// As [`fft`].
pub fn irfft<N: Number<Wide = Complex32>>(y: &Tensor<N>, options: &FftOptions) -> Result<Tensor> {
    let op = "irfft";
    let axes = Axes::of(op, y.shape(), options, |m| 2 * m.saturating_sub(1))?;
    let (&(last, length), others) = axes.list.split_last().ok_or_else(|| no_axis(op))?;
    let scale = axes.scale(options.norm, true);
    let Some((&(at, own), others)) = others.split_first() else {
        return axis(op, y, FftKind::HalfToReal, last, length, true, scale);
    };
    let mut x: Tensor<Complex32> = axis(op, y, FftKind::Complex, at, own, true, 1.0)?;
    for &(at, length) in others {
        x = axis(op, &x, FftKind::Complex, at, length, true, 1.0)?;
    }
    axis(op, &x, FftKind::HalfToReal, last, length, true, scale)
}

fn complex<N: Number<Wide = Complex32>>(
    op: &'static str,
    x: &Tensor<N>,
    options: &FftOptions,
    inverse: bool,
) -> Result<Tensor<Complex32>> {
    let axes = Axes::of(op, x.shape(), options, |n| n)?;
    let (&(last, length), others) = axes.list.split_last().ok_or_else(|| no_axis(op))?;
    let scale = axes.scale(options.norm, inverse);
    let mut y: Tensor<Complex32> = axis(op, x, FftKind::Complex, last, length, inverse, scale)?;
    for &(at, length) in others.iter().rev() {
        y = axis(op, &y, FftKind::Complex, at, length, inverse, 1.0)?;
    }
    Ok(y)
}

/// The frequencies of a transform's `n` coefficients, in cycles per unit of the sample `spacing`: `0, 1, … , −2, −1` over
/// `n · spacing`. `numpy.fft.fftfreq`.
///
/// # Examples
/// ```
/// # use gristmill::fft_frequencies;
/// assert_eq!(fft_frequencies(5, 0.2), [0.0, 1.0, 2.0, -2.0, -1.0]);
/// ```
pub fn fft_frequencies(n: usize, spacing: f64) -> Vec<f64> {
    let whole = |k: usize| if 2 * k < n { k as f64 } else { k as f64 - n as f64 };
    (0..n).map(|k| whole(k) / (n as f64 * spacing)).collect()
}

/// The frequencies of a real transform's ⌊n/2⌋ + 1 coefficients. `numpy.fft.rfftfreq`.
pub fn rfft_frequencies(n: usize, spacing: f64) -> Vec<f64> {
    (0..n / 2 + 1).map(|k| k as f64 / (n as f64 * spacing)).collect()
}

/// One transform along one axis.
fn axis<E: Element, F: Element>(
    op: &'static str,
    x: &Tensor<E>,
    kind: FftKind,
    axis: usize,
    length: usize,
    inverse: bool,
    scale: f32,
) -> Result<Tensor<F>> {
    axis_of_tapered(op, x, None, kind, axis, length, inverse, scale)
}

/// The same of entries that are multiplied by real factors on their way in.
#[allow(clippy::too_many_arguments)]
pub(super) fn axis_of_tapered<E: Element, F: Element>(
    op: &'static str,
    x: &Tensor<E>,
    taper: Option<&Tensor>,
    kind: FftKind,
    axis: usize,
    length: usize,
    inverse: bool,
    scale: f32,
) -> Result<Tensor<F>> {
    let mut shape = x.shape().to_vec();
    shape[axis] = if kind == FftKind::RealToHalf { length / 2 + 1 } else { length };
    let inputs: Vec<Operand> = [Some(x.operand()), taper.map(Tensor::operand)].into_iter().flatten().collect();
    record(x, &Work::Fft(FftWork { op, kind, axis, length, inverse, scale }), &inputs, &shape)
}

fn no_axis(op: &'static str) -> Error {
    Error::argument(op, "axes", "must name at least one axis")
}

/// The chosen axes with their lengths.
pub(super) struct Axes {
    pub(super) list: Vec<(usize, usize)>,
}

impl Axes {
    /// `natural` gives the length of the last axis where the caller gave none.
    pub(super) fn of(
        op: &'static str,
        shape: &[usize],
        options: &FftOptions,
        natural: impl Fn(usize) -> usize,
    ) -> Result<Self> {
        let last =
            shape.len().checked_sub(1).ok_or_else(|| Error::shape(op, "the input is a scalar; it needs an axis"))?;
        let axes = options.axes.clone().unwrap_or_else(|| vec![last]);
        if axes.is_empty() {
            return Err(no_axis(op));
        }
        if let Some(lengths) = &options.lengths {
            if lengths.len() != axes.len() {
                let message = format!("{} lengths are given for {} axes; they must match", lengths.len(), axes.len());
                return Err(Error::argument(op, "lengths:", message));
            }
        }
        let mut list = Vec::with_capacity(axes.len());
        for (count, &at) in axes.iter().enumerate() {
            let Some(&present) = shape.get(at) else {
                let message = format!("does not exist; the input has {} axes", shape.len());
                return Err(Error::argument(op, format!("axis {at}"), message));
            };
            if list.iter().any(|&(seen, _)| seen == at) {
                return Err(Error::argument(op, format!("axis {at}"), "is named twice"));
            }
            let is_last = count + 1 == axes.len();
            let own = if is_last { natural(present) } else { present };
            let length = options.lengths.as_ref().map_or(own, |lengths| lengths[count]);
            if length == 0 {
                let message = match (present, &options.lengths) {
                    (1.., None) => "would have length 0, which is what one coefficient makes; give its length",
                    _ => "has length 0; a transform needs at least one point",
                };
                return Err(Error::argument(op, format!("axis {at}"), message));
            }
            if u32::try_from(length).is_err() {
                return Err(Error::argument(
                    op,
                    format!("length {length}"),
                    "must be at most 4294967295, what 32-bit indices reach",
                ));
            }
            list.push((at, length));
        }
        Ok(Self { list })
    }

    /// The norm's factor for all axes together.
    fn scale(&self, norm: Norm, inverse: bool) -> f32 {
        let points: f64 = self.list.iter().map(|&(_, n)| n as f64).product();
        norm.scale(points, inverse)
    }
}

impl Norm {
    /// The factor of a transform of so many points.
    pub(super) fn scale(self, points: f64, inverse: bool) -> f32 {
        match (self, inverse) {
            (Self::Backward, true) | (Self::Forward, false) => (1.0 / points) as f32,
            (Self::Ortho, _) => (1.0 / points.sqrt()) as f32,
            _ => 1.0,
        }
    }
}
