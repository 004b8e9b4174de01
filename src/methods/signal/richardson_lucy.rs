//! Richardson–Lucy deconvolution.

use super::leading;
use crate::error::Result;
use crate::expr::Expr;
use crate::ops::{ConvolveOptions, convolve, correlate, entrywise};
use crate::tensor::{Tensor, upload_slice};
use crate::work::{Layout, Mode};

/// Richardson–Lucy deconvolution, an iteration at a time: for whoever shows how far it is, or stops it.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::RichardsonLucy;
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let image = context.upload(&array![0.0, 0.25, 0.5, 0.25, 0.0])?;
/// let psf = context.upload(&array![0.25, 0.5, 0.25])?;
/// let mut sharper = RichardsonLucy::new(&image, &psf)?;
/// for iteration in 0..100 {
///     sharper.step()?;
///     // Show progress, look at `sharper.estimate()`, or break.
/// }
/// assert!(sharper.estimate().read_blocking()?[[2]] > 0.9);
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RichardsonLucy {
    image: Tensor,
    psf: Tensor,
    estimate: Tensor,
    floor: f32,
}

impl RichardsonLucy {
    /// Starts at 0.5 everywhere.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) if `psf` is empty, longer than the image, or has not 1 to 3
    /// axes; the device's errors.
    pub fn new(image: &Tensor, psf: &Tensor) -> Result<Self> {
        leading("richardson_lucy", image, "point-spread function", psf)?;
        let half = upload_slice(image.executor(), &[0.5f32], &[1])?;
        let estimate = half.with_layout(Layout { strides: vec![0; image.rank()], ..Layout::contiguous(image.shape()) });
        Ok(Self { image: image.clone(), psf: psf.clone(), estimate: estimate.contiguous()?, floor: 0.0 })
    }

    /// Where the blurred estimate is below `floor`, an iteration takes nothing from there instead of dividing by it.
    /// scikit-image's `filter_epsilon`; 0 without it, which keeps estimates of images from 0 on from falling below 0.
    #[must_use]
    pub fn with_floor(self, floor: f32) -> Self {
        Self { floor, ..self }
    }

    /// One more iteration. Nothing waits: the work is recorded.
    ///
    /// # Errors
    /// The device's.
    pub fn step(&mut self) -> Result<()> {
        let op = "richardson_lucy";
        let options = ConvolveOptions { rank: Some(self.psf.rank()), ..ConvolveOptions::mode(Mode::Same) };
        let blurred = convolve(&self.estimate, &self.psf, &options)?;
        let (a, b) = (Expr::vi(0, 1), Expr::vi(1, 1));
        let ratio = &a * b.step(Expr::parameter(f64::from(self.floor))) / (&b + TINY);
        let ratio = entrywise::zip(op, [&self.image, &blurred], ratio)?;
        let correction = correlate(&ratio, &self.psf, &options)?;
        self.estimate = entrywise::zip(op, [&self.estimate, &correction], a * b)?;
        Ok(())
    }

    /// The estimate after the iterations so far, in the shape of the image.
    pub fn estimate(&self) -> &Tensor {
        &self.estimate
    }
}

/// Keeps the division finite where the blurred estimate is 0.
const TINY: f64 = 1e-12;

/// What `image` was before it was blurred by the point-spread function `psf`, if its noise is that of counted photons:
/// `iterations` of `u ← u · ((image / (u ∗ psf + 1e-12)) ⋆ psf)` from u = 0.5, ∗ the convolution and ⋆ the correlation in
/// mode `Same` with zeros beyond the edges.
///
/// `psf` covers as many trailing axes of `image` as it has, 1 to 3, and should have the sum 1; `out` has the shape of
/// `image`. [`RichardsonLucy`] goes an iteration at a time.
///
/// # Errors
/// As [`RichardsonLucy::new`].
///
/// # Accuracy
/// That of [`convolve`](crate::convolve()), twice per iteration; what the iterations have amplified, they amplify in the
/// rounding too.
///
/// # Sources
/// Richardson, "Bayesian-based iterative method of image restoration", J. Opt. Soc. Am. 62, 1972; Lucy, "An iterative
/// technique for the rectification of observed distributions", Astron. J. 79, 1974; scikit-image,
/// `skimage.restoration.richardson_lucy` with `clip=False`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::richardson_lucy;
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let image = context.upload(&array![[0.0, 0.25, 0.5, 0.25, 0.0]])?;
/// let psf = context.upload(&array![[0.25, 0.5, 0.25]])?;
/// let restored = richardson_lucy(&image, &psf, 30)?.read_blocking()?;
/// assert!(restored[[0, 2]] > 0.8); // the light is back in the middle
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn richardson_lucy(image: &Tensor, psf: &Tensor, iterations: usize) -> Result<Tensor> {
    let mut method = RichardsonLucy::new(image, psf)?;
    for _ in 0..iterations {
        method.step()?;
    }
    Ok(method.estimate)
}
