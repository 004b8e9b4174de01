//! Fourier transforms of short frames, and back; power spectra.

use super::extend::pad;
use super::fft::{FftOptions, axis_of_tapered, rfft};
use super::{entrywise, record};
use crate::error::{Error, Result};
use crate::tensor::{Complex32, Element, Number, Tensor, upload_slice};
use crate::work::{Boundary, FftKind, Layout, OverlapAddWork, Work};

/// How a signal is cut into frames.
#[derive(Debug, Clone, PartialEq)]
pub struct StftOptions {
    /// The window's samples; a frame has as many. A [`Window`](crate::Window) makes them.
    pub window: Vec<f64>,
    /// Samples from the start of one frame to that of the next.
    pub hop: usize,
    /// Points of the transform; a shorter frame is extended by zeros behind it. `None`: as many as the window has.
    pub points: Option<usize>,
    /// `None`: frame f begins at sample f·hop, and samples that fill no frame are left out. With a boundary, frame f is
    /// centred at sample f·hop: ⌊n/2⌋ samples are added on both sides, n those of the window. librosa and PyTorch centre
    /// with [`Boundary::Zero`] or [`Boundary::Mirror`].
    pub centre: Option<Boundary>,
}

impl StftOptions {
    /// Frames as long as the window, the first at the signal's first sample.
    pub fn new(window: Vec<f64>, hop: usize) -> Self {
        Self { window, hop, points: None, centre: None }
    }

    fn points(&self) -> usize {
        self.points.unwrap_or(self.window.len())
    }

    fn check(&self, op: &'static str) -> Result<()> {
        let n = self.window.len();
        if n == 0 || self.window.iter().any(|w| !(*w as f32).is_finite()) {
            let message = format!("of {n} samples must have one or more, all of them finite");
            return Err(Error::argument(op, "window", message));
        }
        if self.hop == 0 {
            return Err(Error::argument(op, "hop 0", "must be at least 1"));
        }
        if self.points() < n || u32::try_from(self.points()).is_err() {
            let message = format!("must be at least the window's {n} and fit 32 bits");
            return Err(Error::argument(op, format!("points {}", self.points()), message));
        }
        Ok(())
    }

    fn upload(&self, near: &Tensor<impl Element>) -> Result<Tensor> {
        let samples: Vec<f32> = self.window.iter().map(|w| *w as f32).collect();
        upload_slice(near.executor(), &samples, &[samples.len()])
    }
}

/// The short-time Fourier transform of real signals: the spectra of windowed frames,
/// `Z[…, k, f] = Σⱼ w[j] x[…, f·hop + j] exp(−2πi jk/points)`.
///
/// `x` is `… × samples`, the result `… × (⌊points/2⌋ + 1) × frames`: a view of frames × frequencies, as transposed. Frames
/// are read where the signal lies, and the window is multiplied in as they are: there is no copy of them. Nothing is
/// scaled; scale the window where a convention asks for it (SciPy's `spectrum` divides by its sum).
///
/// # Errors
/// [`Error::InvalidArgument`] if the window is empty or not finite, `hop` is 0 or `points` is less than the window;
/// [`Error::ShapeMismatch`] if the signal is shorter than a frame; the device's errors.
///
/// # Accuracy
/// Relative L2 error of a frame's spectrum as that of [`fft`](crate::fft), and 6e-8 more for the rounded window.
/// # Sources
/// Allen and Rabiner, "A unified approach to short-time Fourier analysis and synthesis", Proc. IEEE 65 (1977).
///
/// # Examples
/// ```
/// # use gristmill::{Context, StftOptions, Window, istft, stft};
/// # use ndarray::Array1;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&Array1::from_shape_fn(1000, |t| (0.3 * t as f32).sin()))?;
/// let options = StftOptions { centre: Some(Default::default()), ..StftOptions::new(Window::Hann.periodic(64)?, 16) };
/// let z = stft(&x, &options)?;
/// assert_eq!(z.shape(), [33, 63]);
/// let back = istft(&z, &options)?.read_blocking()?;
/// assert!(back.iter().enumerate().all(|(t, y)| (y - (0.3 * t as f32).sin()).abs() < 1e-5));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn stft<N: Number<Wide = f32>>(x: &Tensor<N>, options: &StftOptions) -> Result<Tensor<Complex32>> {
    Ok(spectra("stft", x, FftKind::RealToHalf, options)?.transpose())
}

/// [`stft`] of complex signals: all `points` coefficients of every frame.
///
/// # Errors
/// As [`stft`].
///
/// # Accuracy
/// As [`stft`].
pub fn stft_complex<N: Number<Wide = Complex32>>(x: &Tensor<N>, options: &StftOptions) -> Result<Tensor<Complex32>> {
    Ok(spectra("stft", x, FftKind::Complex, options)?.transpose())
}

/// `|Z|²` of [`stft`], in its shape.
///
/// # Errors
/// As [`stft`].
///
/// # Accuracy
/// Relative L1 error of a frame at most three times the L2 error of [`stft`].
pub fn spectrogram<N: Number<Wide = f32>>(x: &Tensor<N>, options: &StftOptions) -> Result<Tensor> {
    let op = "spectrogram";
    Ok(entrywise::squared_magnitude(op, &spectra(op, x, FftKind::RealToHalf, options)?)?.transpose())
}

/// `|Y|²` of a real transform [`rfft`], unscaled.
///
/// # Errors
/// As [`rfft`].
///
/// # Accuracy
/// Relative L1 error at most three times the L2 error of [`rfft`].
///
/// # Examples
/// ```
/// # use gristmill::{Context, FftOptions, power_spectrum};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 0.0, -1.0, 0.0])?;
/// assert_eq!(power_spectrum(&x, &FftOptions::default())?.read_blocking()?, array![0.0_f32, 4.0, 0.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn power_spectrum<N: Number<Wide = f32>>(x: &Tensor<N>, options: &FftOptions) -> Result<Tensor> {
    entrywise::squared_magnitude("power_spectrum", &rfft(x, options)?)
}

/// The spectra of all frames, `… × frames × frequencies`.
fn spectra<N: Number>(
    op: &'static str,
    x: &Tensor<N>,
    kind: FftKind,
    options: &StftOptions,
) -> Result<Tensor<Complex32>> {
    options.check(op)?;
    if x.rank() == 0 {
        return Err(Error::shape(op, "the input is a scalar; it needs samples"));
    }
    // Only the padded signal is a copy, not the frames.
    let half = options.window.len() / 2;
    match options.centre {
        Some(boundary) => framed(op, &pad(x, &[(half, half)], boundary)?, kind, options),
        None => framed(op, x, kind, options),
    }
}

/// The same, of a signal that frames do not reach beyond.
fn framed<N: Number>(
    op: &'static str,
    x: &Tensor<N>,
    kind: FftKind,
    options: &StftOptions,
) -> Result<Tensor<Complex32>> {
    let (n, last) = (options.window.len(), x.rank() - 1);
    let samples = x.shape()[last];
    if samples < n {
        let message = format!("the signal has {samples} samples, a frame {n}; give more, or centre the frames");
        return Err(Error::shape(op, message));
    }
    let mut layout = x.layout().clone();
    let stride = layout.strides[last];
    layout.shape[last] = (samples - n) / options.hop + 1;
    layout.strides[last] = options.hop.saturating_mul(stride);
    layout.shape.push(n);
    layout.strides.push(stride);
    let window = options.upload(x)?;
    axis_of_tapered(op, &x.with_layout(layout), Some(&window), kind, last + 1, options.points(), false, 1.0)
}

/// The signal whose [`stft`] is nearest to `z` (… × (⌊points/2⌋ + 1) × frames): frames transformed back, windowed again,
/// laid over one another, and divided by the sum of the windows' squares; without the samples that centring added,
/// `x[t] = Σ_f w[t − f·hop] frame_f[t − f·hop] / Σ_f w[t − f·hop]²`.
///
/// # Errors
/// As [`stft`]; [`Error::ShapeMismatch`] if `z` has other frequencies than the options say; [`Error::InvalidArgument`] if a
/// sample has no weight (a Hann window is 0 at its start: centre the frames).
///
/// # Accuracy
/// Relative L2 error of the signal that the frames' own errors, those of [`irfft`](crate::irfft), leave, and
/// `(⌈n/hop⌉ + 3)·6e-8` of `Σ|w frame| / Σ w²` per sample.
/// # Sources
/// Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32 (1984), eq. 6.
pub fn istft(z: &Tensor<Complex32>, options: &StftOptions) -> Result<Tensor> {
    let op = "istft";
    options.check(op)?;
    let (n, hop) = (options.window.len(), options.hop);
    let &[.., bins, frames] = z.shape() else {
        return Err(Error::shape(op, format!("{:?} must end in frequencies × frames", z.shape())));
    };
    let points = options.points();
    if bins != points / 2 + 1 {
        let message = format!("{bins} frequencies are given; transforms of {points} points have {}", points / 2 + 1);
        return Err(Error::shape(op, message));
    }
    let held = if frames == 0 { 0 } else { (frames - 1).saturating_mul(hop).saturating_add(n) };
    let start = if options.centre.is_some() { n / 2 } else { 0 };
    let length = held.saturating_sub(2 * start);
    if let Some(t) = without_weight(&options.window, hop, frames, start..start + length) {
        let message = format!(
            "gives sample {t} no weight, so it cannot be found; centre the frames, take a shorter hop, or another window"
        );
        return Err(Error::argument(op, format!("hop {hop} with this window"), message));
    }
    let scale = (1.0 / points as f64) as f32;
    let last = z.rank() - 1;
    let x: Tensor = axis_of_tapered(op, &z.transpose(), None, FftKind::HalfToReal, last, points, true, scale)?;
    let x = x.slice(last, 0..n)?.contiguous()?;
    let mut shape = x.shape()[..last - 1].to_vec();
    shape.push(length);
    if Layout::contiguous(&shape).is_empty() {
        return upload_slice(x.executor(), &[], &shape);
    }
    let window = options.upload(&x)?;
    let work = OverlapAddWork { op, hop, start, length };
    work.check(x.layout(), window.layout())?;
    record(&x, &Work::OverlapAdd(work), &[x.operand(), window.operand()], &shape)
}

/// The first of the samples `kept` whose windows' squares sum to next to nothing: what NOLA, "nonzero overlap add",
/// excludes.
fn without_weight(window: &[f64], hop: usize, frames: usize, kept: std::ops::Range<usize>) -> Option<usize> {
    let n = window.len();
    let weight = |t: usize| -> f64 {
        let first = if t < n { 0 } else { (t - n) / hop + 1 };
        (first..(t / hop + 1).min(frames)).map(|f| window[t - f * hop].powi(2)).sum()
    };
    let peak = window.iter().fold(0.0, |peak: f64, w| peak.max(w * w));
    // Between the ends the weights have the period of the hop.
    let (front, back) = (n.saturating_add(hop), frames.saturating_sub(1).saturating_mul(hop));
    let ends = (kept.start..kept.end.min(front)).chain(kept.start.max(front).max(back)..kept.end);
    ends.into_iter().find(|&t| weight(t) <= 1e-10 * peak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_without_weight_are_found() {
        let hann = crate::Window::Hann.periodic(8).unwrap();
        assert_eq!(without_weight(&hann, 2, 10, 0..26), Some(0));
        assert_eq!(without_weight(&hann, 2, 10, 1..26), None);
        assert_eq!(without_weight(&hann, 8, 10, 1..26), Some(8));
        assert_eq!(without_weight(&[1.0; 8], 8, 1000, 0..8000), None);
        assert_eq!(without_weight(&[1.0, 1.0, 0.0], 3, 1000, 0..1000), Some(2));
        assert_eq!(without_weight(&[0.0; 3], 3, 1000, 5..1000), Some(5));
    }
}
