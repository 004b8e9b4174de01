//! Matrix products as three loops.

use ndarray::{Array2, ArrayView2};

use super::Sums;
use crate::error::{Error, Result};

/// `alpha · A · B + beta · C`, and beside it `|alpha| |A||B| + |beta| |C|`; with beta = 0 the C is not looked at.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes do not fit; C has exactly the result's shape.
pub fn gemm(
    alpha: f64,
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    beta: f64,
    c: Option<ArrayView2<'_, f64>>,
) -> Result<Sums<Array2<f64>, Array2<f64>>> {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    if b.nrows() != k || c.is_some_and(|c| c.dim() != (m, n)) {
        return Err(Error::shape("gemm", format!("A is {:?}, B is {:?}", a.dim(), b.dim())));
    }
    let (mut value, mut magnitude) = (Array2::zeros((m, n)), Array2::zeros((m, n)));
    for i in 0..m {
        for j in 0..n {
            let (mut sum, mut size) = (0.0, 0.0);
            for f in 0..k {
                sum += a[[i, f]] * b[[f, j]];
                size += (a[[i, f]] * b[[f, j]]).abs();
            }
            let added = c.filter(|_| beta != 0.0).map_or(0.0, |c| beta * c[[i, j]]);
            value[[i, j]] = alpha * sum + added;
            magnitude[[i, j]] = alpha.abs() * size + added.abs();
        }
    }
    Ok(Sums { value, magnitude })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_product_by_hand() {
        let (a, b, c) =
            (array![[1.0, -2.0], [3.0, 4.0]], array![[5.0, 6.0], [7.0, 8.0]], array![[1.0, 1.0], [1.0, f64::NAN]]);
        let product = gemm(2.0, a.view(), b.view(), 0.0, Some(c.view())).unwrap();
        assert_eq!(product.value, array![[-18.0, -20.0], [86.0, 100.0]]);
        assert_eq!(product.magnitude, array![[38.0, 44.0], [86.0, 100.0]]);
        assert!(gemm(1.0, a.view(), b.view(), 1.0, Some(c.view())).unwrap().value[[1, 1]].is_nan());
        assert!(gemm(1.0, a.view(), array![[1.0]].view(), 0.0, None).is_err());
    }
}
