//! Wiener deconvolution.

use super::leading;
use super::rows::repeated;
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::ops::{FftOptions, entrywise, irfft, pad, rfft, roll};
use crate::tensor::{Tensor, upload_slice};
use crate::work::{Boundary, Layout};

/// What is beyond the edges of an image that is deconvolved by transforms, which see it as periodic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edges {
    /// The image again: right for images that are periodic or dark all around, and what scikit-image does.
    #[default]
    Periodic,
    /// A margin as long as the point-spread function, over which the last entries fade into the first: a jump there would
    /// ring through all of the image.
    Faded,
}

/// What `image` was before it was blurred by the point-spread function `psf`, by Wiener's filter with a smooth prior:
/// `X = conj(H) Y / (|H|² + balance |Λ|²)`, Y, H and Λ the transforms of image, psf and the discrete Laplacian.
///
/// As many trailing axes of `image` as `psf` has, 1 to 3, are restored; `out` has the shape of `image`. The middle of
/// the point-spread function, entry `(k − 1) / 2`, stays where it is, so that this undoes what
/// [`convolve`](crate::convolve()) does in mode `Same`. A larger `balance` is smoother; less of it shows more detail and more
/// noise.
///
/// # Errors
/// [`Error::ShapeMismatch`] if `psf` is empty or longer than the image, or the image is shorter than 3 along an axis;
/// [`Error::InvalidArgument`] if `balance` is not above 0; the device's errors.
///
/// # Accuracy
/// Relative L2 error of four transforms, times the largest `|H| ‖Y‖/(|H|² + balance |Λ|²)` over `‖X‖`: what the filter
/// amplifies, it amplifies in the rounding too.
///
/// # Sources
/// Orieux, Giovannelli and Rodet, "Bayesian estimation of regularization and point spread function parameters for
/// Wiener–Hunt deconvolution", J. Opt. Soc. Am. A 27, 2010; scikit-image, `skimage.restoration.wiener`, which has the middle
/// of an even point-spread function at `k / 2`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, ConvolveOptions, Mode, convolve};
/// # use gristmill::methods::signal::{Edges, wiener};
/// # use ndarray::{array, Array2};
/// let context = Context::open_blocking()?;
/// let image = Array2::from_shape_fn((12, 16), |(y, x)| if y > 3 && x > 5 && x < 12 { 1.0f32 } else { 0.0 });
/// let psf = context.upload(&array![[0.2, 0.6, 0.2]])?;
/// let blurred = convolve(&context.upload(&image)?, &psf, &ConvolveOptions::mode(Mode::Same))?;
/// let restored = wiener(&blurred, &psf, 1e-6, Edges::Periodic)?.read_blocking()?;
/// let error = restored - image.into_dyn();
/// assert!(error.iter().all(|e| e.abs() < 1e-2));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn wiener(image: &Tensor, psf: &Tensor, balance: f64, edges: Edges) -> Result<Tensor> {
    let op = "wiener";
    if !(balance > 0.0 && (balance as f32).is_finite()) {
        return Err(Error::argument(op, format!("balance = {balance}"), "must be above 0 and finite"));
    }
    let leading = leading(op, image, "point-spread function", psf)?;
    if edges == Edges::Faded {
        let margin = |(n, k): (&usize, &usize)| fast_length(n + k) - n;
        let margins: Vec<usize> = image.shape()[leading..].iter().zip(psf.shape()).map(margin).collect();
        let mut restored = wiener(&faded(op, image, leading, &margins)?, psf, balance, Edges::Periodic)?;
        for (axis, n) in image.shape().iter().enumerate().skip(leading) {
            restored = restored.slice(axis, 0..*n)?;
        }
        return Ok(restored);
    }
    let (batch, lengths) = image.shape().split_at(leading);
    if lengths.iter().any(|n| *n < 3) {
        return Err(Error::shape(
            op,
            format!("the image has shape {:?}; its Laplacian needs 3 entries", image.shape()),
        ));
    }
    let transform = |x: &Tensor, first: usize| {
        let axes = Some((first..x.rank()).collect());
        rfft(x, &FftOptions { axes, lengths: Some(lengths.to_vec()), ..FftOptions::default() })
    };
    let spectrum = transform(image, leading)?;
    let response = transform(psf, 0)?;
    let laplacian = transform(&laplacian(image, lengths.len())?, 0)?;

    let [y, h, l] = [0, 1, 2].map(|number| Expr::vi(number, 2));
    let power = h.sqnorm() + Expr::parameter(balance) * l.sqnorm();
    let restored = entrywise::complex_product(&entrywise::conjugate(&h), &y) / power;
    let factors = [&response, &laplacian].map(|one| repeated(one, batch));
    let restored = entrywise::zip_complex(op, [&spectrum, &factors[0], &factors[1]], restored)?;
    let axes = Some((leading..image.rank()).collect());
    let restored = irfft(&restored, &FftOptions { axes, lengths: Some(lengths.to_vec()), ..FftOptions::default() })?;
    // The point-spread function began at the origin: everything lies its middle too early.
    let middle: Vec<isize> = psf.shape().iter().map(|k| (k.saturating_sub(1) / 2) as isize).collect();
    roll(&restored, &middle)
}

/// The discrete Laplacian, 3 entries along each axis: −1 next to the middle, twice the number of axes in it.
fn laplacian(like: &Tensor, rank: usize) -> Result<Tensor> {
    let count = 3usize.pow(rank as u32);
    let mut entries = vec![0f32; count];
    entries[count / 2] = 2.0 * rank as f32;
    for step in (0..rank as u32).map(|axis| 3usize.pow(axis)) {
        entries[count / 2 - step] = -1.0;
        entries[count / 2 + step] = -1.0;
    }
    upload_slice(like.executor(), &entries, &vec![3; rank])
}

/// `x` with margins after its last axes, that lead from the last entry to the first: `last + t (first − last)`, t growing
/// evenly.
fn faded(op: &'static str, x: &Tensor, leading: usize, margins: &[usize]) -> Result<Tensor> {
    let mut x = x.clone();
    for (axis, &margin) in margins.iter().enumerate() {
        let along = |widths: (usize, usize)| {
            let mut all = vec![(0, 0); margins.len()];
            all[axis] = widths;
            all
        };
        let mut back = vec![0; margins.len()];
        back[axis] = -(margin as isize);
        let last = pad(&x, &along((0, margin)), Boundary::Nearest)?;
        let first = roll(&pad(&x, &along((margin, 0)), Boundary::Nearest)?, &back)?;
        let n = x.shape()[leading + axis];
        let ramp = |at: usize| (at + 1).saturating_sub(n) as f32 / (margin + 1) as f32;
        let ramp = upload_slice(x.executor(), &(0..n + margin).map(ramp).collect::<Vec<_>>(), &[n + margin])?;
        let mut strides = vec![0; last.rank()];
        strides[leading + axis] = 1;
        let ramp = ramp.with_layout(Layout { strides, ..Layout::contiguous(last.shape()) });
        let [last_at, first_at, t] = [0, 1, 2].map(|number| Expr::vi(number, 1));
        x = entrywise::zip(op, [&last, &first, &ramp], &last_at + t * (first_at - &last_at))?;
    }
    Ok(x)
}

/// The next length whose only prime factors are 2, 3 and 5.
fn fast_length(least: usize) -> usize {
    let rest =
        |n: usize| [2, 3, 5].iter().fold(n, |n, p| (0..usize::BITS).fold(n, |n, _| if n % p == 0 { n / p } else { n }));
    (least.max(1)..).find(|n| rest(*n) == 1).unwrap_or(least)
}

#[cfg(all(test, feature = "cpu"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::context::Context;
    use ndarray::Array2;

    #[test]
    fn lengths_are_fast() {
        assert_eq!([1, 7, 11, 573, 577].map(fast_length), [1, 8, 12, 576, 600]);
    }

    #[test]
    fn fading_keeps_the_image_and_joins_its_edges() {
        let image = Array2::from_shape_fn((3, 4), |(y, x)| (y * 4 + x) as f32);
        let x = Context::cpu().upload(&image).unwrap();
        let faded = faded("wiener", &x, 0, &[2, 4]).unwrap().read_blocking().unwrap();
        assert_eq!(faded.shape(), [5, 8]);
        assert!(image.indexed_iter().all(|((y, x), value)| faded[[y, x]] == *value));
        assert!((faded[[0, 7]] - 0.2 * 3.0).abs() < 1e-6);
        assert!((faded[[4, 0]] - 8.0 / 3.0).abs() < 1e-6);
    }
}
