//! Images and signals: filters, deconvolution, template matching, registration, resampling, autocorrelation; a page each
//! over convolutions and Fourier transforms. Axes in front of those that are worked on are a batch.

mod autocorrelation;
mod filter;
mod matching;
mod registration;
mod resample;
mod richardson_lucy;
mod rows;
#[cfg(all(test, feature = "cpu"))]
mod tests;
mod wiener;

pub use autocorrelation::autocorrelation;
pub use filter::{FilterOptions, correlate_filter, gaussian_filter, uniform_filter};
#[cfg(not(target_arch = "wasm32"))]
pub use matching::best_match_blocking;
pub use matching::{best_match, match_template};
#[cfg(not(target_arch = "wasm32"))]
pub use registration::phase_shift_blocking;
pub use registration::{phase_correlation, phase_shift};
pub use resample::upfirdn;
pub use richardson_lucy::{RichardsonLucy, richardson_lucy};
pub use wiener::{Edges, wiener};

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// How many axes of `x` lie in front of those that `small` (of 1 to 3 axes) covers; `small` fits into `x` along each.
fn leading(op: &'static str, x: &Tensor, name: &str, small: &Tensor) -> Result<usize> {
    let (rank, shape) = (small.rank(), x.shape());
    let fits = (1..=3).contains(&rank)
        && rank <= x.rank()
        && shape[x.rank() - rank..].iter().zip(small.shape()).all(|(n, k)| n >= k)
        && !small.is_empty()
        && !x.is_empty();
    if !fits {
        let message = format!(
            "the {name} has shape {:?}, what it is for {shape:?}; it must have 1 to 3 axes, not be empty, and be no longer along any",
            small.shape()
        );
        return Err(Error::shape(op, message));
    }
    Ok(x.rank() - rank)
}
