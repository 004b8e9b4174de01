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
    /// The estimate, past the image's edges too where these are open.
    whole: Tensor,
    /// The part of it that lies within the image.
    estimate: Tensor,
    /// How much of a point of the estimate reaches the image, where its edges are open.
    reaching: Option<Tensor>,
    floor: f32,
}

impl RichardsonLucy {
    /// Starts at 0.5 everywhere, in a scene that is black past the image's edges, as scikit-image has it.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) if `psf` is empty, longer than the image, or has not 1 to 3
    /// axes; the device's errors.
    pub fn new(image: &Tensor, psf: &Tensor) -> Result<Self> {
        leading("richardson_lucy", image, "point-spread function", psf)?;
        let estimate = constant(image, 0.5, image.shape())?;
        let (image, psf, whole) = (image.clone(), psf.clone(), estimate.clone());
        Ok(Self { image, psf, whole, estimate, reaching: None, floor: 0.0 })
    }

    /// The same in a scene that goes on past the image's edges, as photographs do: it is estimated as far as the blur
    /// brings it into the image, and no ringing starts at the edges. With H the blur from the larger scene to the image,
    /// `u ← u · Hᵀ(image / (H u + 1e-12)) / max(Hᵀ 1, 1e-2)`.
    ///
    /// # Errors
    /// As [`RichardsonLucy::new`].
    ///
    /// # Sources
    /// Bertero and Boccacci, "A simple method for the reduction of boundary effects in the Richardson–Lucy approach to image
    /// deconvolution", Astronomy & Astrophysics 437, 2005.
    pub fn with_open_edges(image: &Tensor, psf: &Tensor) -> Result<Self> {
        let lead = leading("richardson_lucy", image, "point-spread function", psf)?;
        let mut shape = image.shape().to_vec();
        shape[lead..].iter_mut().zip(psf.shape()).for_each(|(n, k)| *n += k - 1);
        let whole = constant(image, 0.5, &shape)?;
        let reaching = correlate(&constant(image, 1.0, image.shape())?, psf, &mode(psf, Mode::Full))?;
        let mut method = Self { reaching: Some(reaching), whole, ..Self::new(image, psf)? };
        method.estimate = method.within()?;
        Ok(method)
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
        let (there, back) = match self.reaching {
            Some(_) => (Mode::Valid, Mode::Full),
            None => (Mode::Same, Mode::Same),
        };
        let blurred = convolve(&self.whole, &self.psf, &mode(&self.psf, there))?;
        let (a, b) = (Expr::vi(0, 1), Expr::vi(1, 1));
        let ratio = &a * b.step(Expr::parameter(f64::from(self.floor))) / (&b + TINY);
        let ratio = entrywise::zip(op, [&self.image, &blurred], ratio)?;
        let correction = correlate(&ratio, &self.psf, &mode(&self.psf, back))?;
        self.whole = match &self.reaching {
            Some(reaching) => {
                let least = Expr::vi(2, 1).max(Expr::parameter(LEAST));
                entrywise::zip(op, [&self.whole, &correction, reaching], a * b / least)?
            }
            None => entrywise::zip(op, [&self.whole, &correction], a * b)?,
        };
        self.estimate = self.within()?;
        Ok(())
    }

    /// The part of the estimate that lies where the image does: mode `Same` keeps the same.
    fn within(&self) -> Result<Tensor> {
        let lead = self.image.rank() - self.psf.rank();
        let mut inner = self.whole.clone();
        if self.reaching.is_some() {
            for (axis, k) in self.psf.shape().iter().enumerate() {
                let start = k - 1 - (k - 1) / 2;
                inner = inner.slice(lead + axis, start..start + self.image.shape()[lead + axis])?;
            }
        }
        Ok(inner)
    }

    /// The estimate after the iterations so far, in the shape of the image.
    pub fn estimate(&self) -> &Tensor {
        &self.estimate
    }
}

fn mode(psf: &Tensor, mode: Mode) -> ConvolveOptions {
    ConvolveOptions { rank: Some(psf.rank()), ..ConvolveOptions::mode(mode) }
}

/// A tensor of one value.
fn constant(near: &Tensor, value: f32, shape: &[usize]) -> Result<Tensor> {
    let one = upload_slice(near.executor(), &[value], &[1])?;
    one.with_layout(Layout { strides: vec![0; shape.len()], ..Layout::contiguous(shape) }).contiguous()
}

/// Points of which less than this reaches the image stay what they are for it, rather than growing without bound.
const LEAST: f64 = 1e-2;

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
