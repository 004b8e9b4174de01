//! Random Fourier features: a map whose inner products are, on average, a kernel's values.

use std::f64::consts::PI;

use ndarray::{Array1, Array2};

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::ops::{entrywise, gemm};
use crate::tensor::Tensor;

/// Random Fourier features `z(x) = √(2/D) cos(x W + b)`.
///
/// `out[i, c] = √(2/D) cos(Σ_f x[i, f] w[f, c] + b[c])`, with `x` of shape `n × d`, `w` of shape `d × D`, `b` of shape
/// `D` and `out` of shape `n × D`. With frequencies drawn from the kernel's spectrum ([`random_frequencies`]) and phases
/// from 0 … 2π, `⟨z(x), z(y)⟩` estimates k(x, y) with a deviation of 1/√D; see
/// [`linear_attention`](crate::linear_attention) for a use.
///
/// # Errors
/// Those of [`gemm()`]; [`Error::ShapeMismatch`] if `b` is not a vector of D.
///
/// # Accuracy
/// Within `√(2/D) (e + 4u)`, e the bound of the product and its sum with b ([`gemm()`]), u = 2⁻²⁴.
///
/// # Sources
/// Rahimi and Recht, "Random features for large-scale kernel machines", 2007; scikit-learn,
/// `sklearn.kernel_approximation.RBFSampler`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, gemm, gram};
/// # use gristmill::methods::{random_features, random_frequencies};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0, 0.5], [1.0, 0.0]])?;
/// let (w, b) = random_frequencies(2, 4000, 0.5, 7);
/// let z = random_features(&x, &context.upload(&w)?, &context.upload(&b)?)?;
/// let estimate = gemm(1.0, &z, &z.transpose(), 0.0, None)?.read_blocking()?;
/// let exact = gram(&x, &x, &Kernel::rbf(0.5))?.read_blocking()?;
/// assert!((estimate - exact).iter().all(|error| error.abs() < 0.08)); // five deviations
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn random_features(x: &Tensor, w: &Tensor, b: &Tensor) -> Result<Tensor> {
    let op = "random_features";
    let count = w.shape().last().copied().unwrap_or(0);
    if b.shape() != [count] {
        return Err(Error::shape(op, format!("b has shape {:?}, w has {count} columns; they must match", b.shape())));
    }
    let angles = gemm(1.0, x, w, 1.0, Some(b))?;
    let scale = (2.0 / count.max(1) as f64).sqrt();
    entrywise::map(op, &angles, |angle| Expr::parameter(scale) * angle.cos())
}

/// Frequencies (`d × count`) and phases (`count`) for the features of `exp(−gamma ‖x − y‖²)`: normal numbers of deviation
/// √(2 gamma), and uniform ones of 0 … 2π. The same seed gives the same numbers everywhere.
///
/// # Examples
/// ```
/// let (w, b) = gristmill::methods::random_frequencies(3, 10, 0.5, 1);
/// assert_eq!((w.dim(), b.len()), ((3, 10), 10));
/// ```
pub fn random_frequencies(d: usize, count: usize, gamma: f64, seed: u64) -> (Array2<f32>, Array1<f32>) {
    let mut state = seed;
    // SplitMix64 (Steele, Lea and Flood, 2014), to 53 bits between 0 and 1, never 0.
    let mut uniform = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    // Box and Muller's method.
    let deviation = (2.0 * gamma).sqrt();
    let w = Array2::from_shape_simple_fn((d, count), || {
        let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), 2.0 * PI * uniform());
        (deviation * radius * angle.cos()) as f32
    });
    (w, Array1::from_shape_simple_fn(count, || (2.0 * PI * uniform()) as f32))
}
