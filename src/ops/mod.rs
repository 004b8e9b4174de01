//! The ops: they check their arguments, make a piece of work, and record it. Nothing here waits or computes.

mod attention;
mod convolve;
mod dct;
pub(crate) mod entrywise;
mod extend;
mod fft;
mod formula;
mod gemm;
mod gradient;
pub(crate) mod hadamard;
mod lazy;
pub(crate) mod pair;
mod random;
mod reduce;
mod separable;
mod stft;
mod taper;
mod window;

pub use attention::{AttentionMask, AttentionOptions, attention, kernel_attention, linear_attention};
pub(crate) use convolve::kept;
pub use convolve::{ConvolveOptions, convolve, convolve_recipe, correlate};
pub use dct::{DctOptions, dct, dst, idct, idst};
pub(crate) use extend::reversed;
pub use extend::{fftshift, ifftshift, pad, roll};
pub use fft::{FftOptions, Norm, fft, fft_frequencies, ifft, irfft, rfft, rfft_frequencies};
pub use formula::{formula_sum, formula_sum_gradient};
pub use gemm::gemm;
pub use gradient::{
    GradientOf, HyperparameterGradient, gram_gradient, gram_hyperparameter_gradients, kernel_sum_gradient,
    kernel_sum_hyperparameter_gradients,
};
pub use hadamard::{WalshOrder, walsh_hadamard};
pub use lazy::LazyKernel;
pub use pair::{condensed_distances, gram, gram_diag, paired_distances, pairwise, pairwise_bits};
pub use random::{random_bits, random_normal, random_uniform};
pub use reduce::{
    Extremes, ReduceOptions, count_within, largest, log_sum_exp, pair_mean, pair_sum, smallest, softmax_sum, sum_within,
};
pub use separable::convolve_separable;
pub use stft::{StftOptions, istft, power_spectrum, spectrogram, stft, stft_complex};
pub use taper::Window;
pub use window::{
    ConvOptions, Pool, PoolOptions, conv, conv_transpose, pool_max, pool_max_indices, pool_mean, pool_sum,
};

use crate::error::{Error, Result};
use crate::tensor::{Element, Tensor};
use crate::work::{Layout, Operand, Work};

/// Axes that a device's copies can walk; the host keeps to the same, so that what works on one works on the other.
const MOST_AXES: usize = 8;

/// # Errors
/// [`Error::Unsupported`] beyond [`MOST_AXES`].
fn check_axes(op: &'static str, axes: usize) -> Result<()> {
    if axes <= MOST_AXES {
        return Ok(());
    }
    Err(Error::Unsupported { op, message: format!("there are {axes} axes; at most {MOST_AXES} are supported") })
}

/// Records work on the executor of `first` and gives its result the shape that the op promises.
fn record<E: Element, F: Element>(
    first: &Tensor<E>,
    work: &Work,
    inputs: &[Operand],
    shape: &[usize],
) -> Result<Tensor<F>> {
    let storage = first.executor().run(work, inputs)?;
    Ok(Tensor::new(first.executor().clone(), storage, Layout::contiguous(shape)))
}
