//! Discrete cosine and sine transforms.

use super::fft::{Axes, FftOptions, Norm};
use super::record;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::work::{TransformType, TrigonometricWork, Work};

/// Options of [`dct`], [`dst`] and their inverses; the words are those of `scipy.fft`. The default is the transform of type
/// II of the last axis as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DctOptions {
    /// Which of the four.
    pub kind: TransformType,
    /// Axes that are transformed; `None`: the last.
    pub axes: Option<Vec<usize>>,
    /// Length along each of these axes: the input is cropped or zero-padded to it. `None`: as it is.
    pub lengths: Option<Vec<usize>>,
    /// Where the factor goes.
    pub norm: Norm,
    /// Whether entries that stand alone in the formulas are weighted by √2 or √½, which together with [`Norm::Ortho`]
    /// makes the matrix orthogonal; `None`: just there.
    pub orthogonalize: Option<bool>,
}

/// The discrete cosine transform along the chosen axes, N entries along each:
///
/// | type | y\[k\], without a norm | orthogonalized |
/// |---|---|---|
/// | I | x₀ + (−1)ᵏ x_{N−1} + 2 Σ_{0<n<N−1} xₙ cos(π kn/(N−1)) | x₀, x_{N−1} times √2; y₀, y_{N−1} times √½ |
/// | II | 2 Σ xₙ cos(π k(2n+1)/2N) | y₀ times √½ |
/// | III | x₀ + 2 Σ_{n>0} xₙ cos(π (2k+1)n/2N) | x₀ times √2 |
/// | IV | 2 Σ xₙ cos(π (2k+1)(2n+1)/4N) | |
///
/// The norm's factor is 1/2N, for type I 1/(2(N−1)), or its root.
///
/// # Errors
/// As [`fft`](crate::fft); [`Error::InvalidArgument`](crate::Error::InvalidArgument) if a length is 1 for type I.
///
/// # Accuracy
/// Relative L2 error as that of [`fft`](crate::fft) over as many points (type I: 2N − 2), and 4e-7 more for the factors
/// before and after it.
/// # Sources
/// Rao and Yip, *Discrete Cosine Transform*, 1990; Makhoul, "A fast cosine transform in one and two dimensions", IEEE Trans.
/// ASSP 28 (1980). Norms and `orthogonalize` are those of `scipy.fft`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, DctOptions, dct, idct};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0, 4.0])?;
/// let y = dct(&x, &DctOptions::default())?;
/// assert!((y.read_blocking()?[0] - 20.0).abs() < 1e-5);
/// let back = idct(&y, &DctOptions::default())?.read_blocking()?;
/// assert!(back.iter().zip([1.0f32, 2.0, 3.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn dct(x: &Tensor, options: &DctOptions) -> Result<Tensor> {
    transform("dct", x, options, false, false)
}

/// The inverse of [`dct`] with the same options: the transform of type III for II and II for III, with the factor on the
/// other side.
///
/// # Errors
/// As [`dct`].
///
/// # Accuracy
/// As [`dct`].
pub fn idct(y: &Tensor, options: &DctOptions) -> Result<Tensor> {
    transform("idct", y, options, false, true)
}

/// The discrete sine transform along the chosen axes, N entries along each:
///
/// | type | y\[k\], without a norm | orthogonalized |
/// |---|---|---|
/// | I | 2 Σ xₙ sin(π (k+1)(n+1)/(N+1)) | |
/// | II | 2 Σ xₙ sin(π (k+1)(2n+1)/2N) | y_{N−1} times √½ |
/// | III | (−1)ᵏ x_{N−1} + 2 Σ_{n<N−1} xₙ sin(π (2k+1)(n+1)/2N) | x_{N−1} times √2 |
/// | IV | 2 Σ xₙ sin(π (2k+1)(2n+1)/4N) | |
///
/// The norm's factor is 1/2N, for type I 1/(2(N+1)), or its root.
///
/// # Errors
/// As [`fft`](crate::fft).
///
/// # Accuracy
/// As [`dct`] (type I: 2N + 2 points).
pub fn dst(x: &Tensor, options: &DctOptions) -> Result<Tensor> {
    transform("dst", x, options, true, false)
}

/// The inverse of [`dst`] with the same options, as [`idct`] is that of [`dct`].
///
/// # Errors
/// As [`dst`].
///
/// # Accuracy
/// As [`dst`].
pub fn idst(y: &Tensor, options: &DctOptions) -> Result<Tensor> {
    transform("idst", y, options, true, true)
}

fn transform(op: &'static str, x: &Tensor, options: &DctOptions, sine: bool, inverse: bool) -> Result<Tensor> {
    let chosen = FftOptions { axes: options.axes.clone(), lengths: options.lengths.clone(), norm: options.norm };
    let kind = match (options.kind, inverse) {
        (TransformType::II, true) => TransformType::III,
        (TransformType::III, true) => TransformType::II,
        (kind, _) => kind,
    };
    let orthogonal = options.orthogonalize.unwrap_or(options.norm == Norm::Ortho);
    let mut y = x.clone();
    for &(axis, length) in &Axes::of(op, x.shape(), &chosen, |n| n)?.list {
        let work = TrigonometricWork { op, sine, kind, axis, length, orthogonal, scale: 1.0 };
        work.check()?;
        let scale = options.norm.scale(work.period() as f64, inverse);
        let mut shape = y.shape().to_vec();
        shape[axis] = length;
        y = record(&y, &Work::Trigonometric(TrigonometricWork { scale, ..work }), &[y.operand()], &shape)?;
    }
    Ok(y)
}
