//! The general matrix product.

use super::{check_axes, record};
use crate::error::{Error, Result};
use crate::tensor::{Real, Tensor};
use crate::work::{GemmWork, Work};

/// The general matrix product `alpha · A · B + beta · C`.
///
/// `a` has shape `… × m × k`, `b` has shape `… × k × n`, the result `… × m × n`; axes before the last two are batch axes
/// and broadcast as NumPy's do. `c` broadcasts to the result's shape (a row is a bias). Transposes are views:
/// `gemm(1.0, &a.transpose(), &b, 0.0, None)`. The result has at most 8 axes.
/// A and B may be stored as [`f16`](crate::f16), in half the memory; arithmetic and the result are f32 ([`Real`]).
///
/// With `beta` = 0, `c` is not read, even where it holds NaN; without `c`, `beta` must be 0.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the shapes do not fit; [`Error::InvalidArgument`] if `alpha` or `beta` is not finite or
/// `c` is missing; [`Error::Unsupported`] if the result would have more than 8 axes; the device's errors.
///
/// # Accuracy
/// `|Ĉ − C| ≤ (64 + ⌈k/64⌉ + 2) u |alpha| |A||B| + 2u |beta·C|`, u = 2⁻²⁴: sums run in blocks of 64 terms.
/// On the CPU, products of more than 65,536 entries sum slices of 512 terms: `(512 + ⌈k/512⌉ + 2) u |alpha| |A||B|` is
/// what holds there for certain, the bound above what the trials measure.
/// # Sources
/// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.5; BLAS for the meaning of alpha and beta.
///
/// # Examples
/// ```
/// # use gristmill::{gemm, Context};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let a = context.upload(&array![[1.0, 2.0], [3.0, 4.0]])?;
/// let product = gemm(1.0, &a, &a.transpose(), 0.0, None)?.read_blocking()?;
/// assert_eq!(product, array![[5.0_f32, 11.0], [11.0, 25.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn gemm<E: Real>(alpha: f32, a: &Tensor<E>, b: &Tensor<E>, beta: f32, c: Option<&Tensor>) -> Result<Tensor> {
    let op = "gemm";
    for (name, value) in [("alpha", alpha), ("beta", beta)] {
        if !value.is_finite() {
            return Err(Error::argument(op, format!("{name} = {value}"), "must be finite"));
        }
    }
    let ([a_batch @ .., m, k], [b_batch @ .., rows, n]) = (a.shape(), b.shape()) else {
        let message = format!("A has shape {:?}, B has {:?}; both must have at least two axes", a.shape(), b.shape());
        return Err(Error::shape(op, message));
    };
    if k != rows {
        return Err(Error::shape(op, format!("A has {k} columns, B has {rows} rows; they must match")));
    }
    let mut shape = broadcast(a_batch, b_batch).ok_or_else(|| {
        Error::shape(op, format!("the batch axes {a_batch:?} of A and {b_batch:?} of B do not broadcast"))
    })?;
    shape.extend([*m, *n]);
    check_axes(op, shape.len())?;
    let mut inputs = vec![a.operand(), b.operand()];
    match c {
        Some(c) => {
            if broadcast(c.shape(), &shape).as_ref() != Some(&shape) {
                let message =
                    format!("C has shape {:?}, which does not broadcast to the result's {shape:?}", c.shape());
                return Err(Error::shape(op, message));
            }
            if beta != 0.0 {
                inputs.push(c.operand());
            }
        }
        None if beta != 0.0 => {
            return Err(Error::argument(op, format!("beta = {beta}"), "needs a C; give one or set beta to 0"));
        }
        None => {}
    }
    record(a, &Work::Gemm(GemmWork { alpha, beta }), &inputs, &shape)
}

/// The shape that two shapes broadcast to, by NumPy's rule.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let axis = |shape: &[usize], at: usize| (at + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|at| match (axis(a, at), axis(b, at)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::broadcast;

    #[test]
    fn shapes_broadcast_as_numpy_has_it() {
        assert_eq!(broadcast(&[2, 1], &[3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[], &[4, 5]), Some(vec![4, 5]));
        assert_eq!(broadcast(&[2], &[3]), None);
        assert_eq!(broadcast(&[0], &[1]), Some(vec![0]));
    }
}
