//! Convolution with kernels that are products of one kernel per axis.

use super::convolve::{ConvolveOptions, convolve};
use crate::error::{Error, Result};
use crate::tensor::{Number, Tensor};

/// The convolution with the product of one kernel per axis, `h[s, t, …] = kernels[0][s] · kernels[1][t] · …`, over as many
/// trailing axes as there are kernels; axes before them are a batch.
///
/// One axis after another is convolved, so that k × k taps cost 2 k. The options are those of [`convolve`]; `rank` follows
/// from the kernels. A boundary continues every pass, which is the same as continuing `x`, except that a constant other than
/// 0 is not scaled by the kernels of the passes before.
///
/// # Errors
/// As [`convolve`]; [`Error::InvalidArgument`] if there are not 1 to 3 kernels of one axis each.
///
/// # Accuracy
/// Method `Direct`: `|error| ≤ Σ_axes (64 + ⌈k/64⌉ + 2) u Σ|x||h|` per entry, to first order; otherwise as [`convolve`],
/// once per axis.
///
/// # Examples
/// ```
/// # use gristmill::{convolve_separable, Boundary, Context, ConvolveOptions, Mode};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0, 0.0, 0.0], [0.0, 16.0, 0.0], [0.0, 0.0, 0.0]])?;
/// let binomial = context.upload(&array![0.25, 0.5, 0.25])?;
/// let y = convolve_separable(&x, &[&binomial, &binomial], &ConvolveOptions::mode(Mode::Same))?.read_blocking()?;
/// assert_eq!(y, array![[1.0_f32, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn convolve_separable<X: Number, H: Number<Wide = X::Wide>>(
    x: &Tensor<X>,
    kernels: &[&Tensor<H>],
    options: &ConvolveOptions,
) -> Result<Tensor<X::Wide>> {
    let op = "convolve_separable";
    let rank = kernels.len();
    let wrong_number = || {
        let message = format!("must be 1, 2 or 3 and at most the {} axes of x", x.rank());
        Error::argument(op, format!("{rank} kernels"), message)
    };
    if rank > 3 || rank > x.rank() {
        return Err(wrong_number());
    }
    let mut result: Option<Tensor<X::Wide>> = None;
    for (axis, kernel) in kernels.iter().enumerate() {
        let [taps] = *kernel.shape() else {
            let message = format!("has shape {:?}; kernels of single axes are vectors", kernel.shape());
            return Err(Error::argument(op, format!("kernel {axis}"), message));
        };
        // A kernel of one tap along the other axes: neighbours in memory stay neighbours in every pass.
        let mut shape = vec![1; rank];
        shape[axis] = taps;
        let mut origin = [0; 3];
        origin[axis] = options.origin[axis];
        let (kernel, options) = (kernel.reshape(&shape)?, ConvolveOptions { rank: Some(rank), origin, ..*options });
        result = Some(match &result {
            None => convolve(x, &kernel, &options)?,
            Some(x) => convolve(x, &kernel, &options)?,
        });
    }
    result.ok_or_else(wrong_number)
}
