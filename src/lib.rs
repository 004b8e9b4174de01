//! Gristmill grinds kernels on any GPU: pairwise distances and kernel (Gram) matrices, tiled GEMM and FFT-based
//! convolution, as WGSL compute shaders through [wgpu] on Vulkan, Metal, DX12, GL and in the browser, and on the host's
//! cores where there is no GPU.
//!
//! # Examples
//! ```
//! use gristmill::{Context, Metric, pairwise};
//! use ndarray::array;
//!
//! let context = Context::open_blocking()?; // best hardware GPU, else the CPU
//! let x = context.upload(&array![[0.0, 0.0], [3.0, 4.0]])?;
//! let distances = pairwise(&x, &x, &Metric::EUCLIDEAN)?.read_blocking()?;
//! assert_eq!(distances[[0, 1]], 5.0);
//! # Ok::<(), gristmill::Error>(())
//! ```
//!
//! Every result has a published error bound against f64, which `gristmill conformance` measures on your device.

#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
#[cfg(feature = "cpu")]
mod cpu;
mod device;
mod engine;
mod error;
mod expr;
mod kernel;
mod memory;
pub mod methods;
mod metric;
mod ops;
mod plan;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
mod shader;
pub mod stream;
mod tensor;
mod work;

pub use context::{Context, ContextOptions, Operation, Point};
pub use device::{AdapterInfo, WGPU_VERSION};
pub use engine::PoolStatistics;
pub use error::{Error, Result};
pub use expr::{Expr, Formula, Role, Variable};
pub use half::f16;
pub use kernel::{
    Argument, Arguments, Kernel, KernelEntry, PairCode, PairFunction, PairSource, Parameter, Rule, Statistics,
};
pub use metric::{Domain, Metric, Preparation, Prepare, RowMap, Table, UNIT_ROUNDOFF};
pub use ops::{
    AttentionMask, AttentionOptions, ConvolveOptions, DctOptions, Extremes, FftOptions, LazyKernel, Norm,
    ReduceOptions, StftOptions, WalshOrder, Window, attention, condensed_distances, convolve, convolve_recipe,
    convolve_separable, correlate, count_within, dct, dst, fft, fft_frequencies, fftshift, gemm, gram, gram_diag, idct,
    idst, ifft, ifftshift, irfft, istft, kernel_attention, largest, linear_attention, log_sum_exp, pad, pair_mean,
    pair_sum, paired_distances, pairwise, pairwise_bits, power_spectrum, random_bits, random_normal, random_uniform,
    rfft, rfft_frequencies, roll, smallest, softmax_sum, spectrogram, stft, stft_complex, sum_within, walsh_hadamard,
};
pub use ops::{ConvOptions, Pool, PoolOptions, conv, conv_transpose, pool_max, pool_max_indices, pool_mean, pool_sum};
pub use ops::{
    GradientOf, HyperparameterGradient, formula_sum, formula_sum_gradient, gram_gradient,
    gram_hyperparameter_gradients, kernel_sum_gradient, kernel_sum_hyperparameter_gradients,
};
pub use plan::{Choices, DeviceKind, FftChoices, Limits, Sharing, Tile};
pub use tensor::{Complex16, Complex32, Element, HostElement, Number, Real, Tensor};
/// The wgpu whose types [`Context::from_wgpu`], [`Tensor::buffer`] and [`Tensor::encode_into`] speak. A new major version
/// of wgpu is a new major version of this library.
pub use wgpu;
pub use work::{
    Bias, BlockRanges, Boundary, ConvMethod, ConvolveAlgorithm, ConvolveReason, ConvolveRecipe, Method, Mode, PairMask,
    Reduction, TransformType,
};

/// Every shader in every language, for the checks of `tests/translation.rs`; no part of the library's promise.
#[cfg(all(feature = "translate", not(target_arch = "wasm32")))]
#[doc(hidden)]
pub mod translate {
    pub use crate::plan::{Needed, every_shader};
    pub use crate::shader::{Interface, Module, Shader, ShaderFile, Tail, Translation, compile};
}
