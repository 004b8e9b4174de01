//! Textbook definitions in f64, written as plain slow loops: what everything else is held against.
//!
//! Nothing here knows a GPU, a plan or a fast algorithm. Metrics and kernels have their definitions in their own entries
//! ([`Metric::definition`](crate::Metric), [`KernelEntry::definition`](crate::KernelEntry)); here they meet matrices.

mod conv;
mod convolve;
mod dft;
mod gemm;
mod hadamard;
mod pairs;
mod reduce;
mod signal;
mod stft;
mod trigonometric;

pub use conv::{Slide, conv, conv_transpose, window};
pub use convolve::{Part, circular_convolve, convolve, correlate};
pub use dft::{dft, dft_along};
pub use gemm::gemm;
pub use hadamard::walsh_hadamard;
pub use pairs::{gram, pairwise};
pub use reduce::{Pairs, count_within, extremes, log_sum_exp, softmax_sum, sum, sum_within};
pub use signal::{Bounded, centred, from_spectrum, richardson_lucy, spectrum, upfirdn, weighted_neighbours, wiener};
pub use stft::{overlap_add, stft};
pub use trigonometric::trigonometric;

/// Values, and beside each the sum of the magnitudes of its terms, which error bounds of sums are relative to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums<V, M> {
    /// The values.
    pub value: V,
    /// Sums of magnitudes, one per value.
    pub magnitude: M,
}
