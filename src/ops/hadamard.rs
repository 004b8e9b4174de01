//! The Walsh–Hadamard transform.

use super::fft::Norm;
use super::record;
use crate::error::{Error, Result};
use crate::tensor::Tensor;
use crate::work::{HadamardWork, Operand, Work};

/// In which order the rows of a Hadamard matrix come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum WalshOrder {
    /// That of Sylvester's construction and of `scipy.linalg.hadamard`.
    #[default]
    Natural,
    /// By the number of sign changes, as Walsh's functions are counted.
    Sequency,
}

/// The Walsh–Hadamard transform `y[k] = Σⱼ (−1)^(bits that j and k share) x[j]` along an axis whose length is a power of
/// two.
///
/// The matrix is symmetric, in both orders, and its square is n: with [`Norm::Forward`] the same function is the inverse of
/// itself with [`Norm::Backward`].
///
/// # Errors
/// [`Error::InvalidArgument`] if there is no such axis or its length is not a power of two; the device's errors.
///
/// # Accuracy
/// Relative L2 error at most `(log₂n + 1)·6e-8`.
/// # Sources
/// Fino and Algazi, "Unified matrix treatment of the fast Walsh–Hadamard transform", IEEE Trans. Computers C-25 (1976).
///
/// # Examples
/// ```
/// # use gristmill::{Context, Norm, WalshOrder, walsh_hadamard};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0, 5.0])?;
/// let y = walsh_hadamard(&x, 0, WalshOrder::Natural, Norm::Backward)?;
/// assert_eq!(y.read_blocking()?, array![11.0_f32, -3.0, -5.0, 1.0].into_dyn());
/// let back = walsh_hadamard(&y, 0, WalshOrder::Natural, Norm::Forward)?;
/// assert_eq!(back.read_blocking()?, x.read_blocking()?);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn walsh_hadamard(x: &Tensor, axis: usize, order: WalshOrder, norm: Norm) -> Result<Tensor> {
    let points = x.shape().get(axis).copied().unwrap_or(0) as f64;
    tapered("walsh_hadamard", x, None, axis, order, norm.scale(points, false))
}

/// The same of entries that are multiplied by real factors on their way in.
pub(crate) fn tapered(
    op: &'static str,
    x: &Tensor,
    factors: Option<&Tensor>,
    axis: usize,
    order: WalshOrder,
    scale: f32,
) -> Result<Tensor> {
    let Some(&length) = x.shape().get(axis) else {
        let message = format!("does not exist; the input has {} axes", x.rank());
        return Err(Error::argument(op, format!("axis {axis}"), message));
    };
    let work = HadamardWork { op, axis, sequency: order == WalshOrder::Sequency, scale };
    work.check(length, factors.map(Tensor::layout))?;
    let inputs: Vec<Operand> = [Some(x.operand()), factors.map(Tensor::operand)].into_iter().flatten().collect();
    record(x, &Work::Hadamard(work), &inputs, x.shape())
}
