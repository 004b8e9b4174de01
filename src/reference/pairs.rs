//! Distances and Gram matrices, entry by entry.

use ndarray::{Array2, ArrayView2};

use crate::error::Result;
use crate::kernel::Kernel;
use crate::metric::Metric;

/// `out[i, j] = metric(x[i], y[j])`
///
/// # Errors
/// As [`Metric::check`].
pub fn pairwise(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, metric: &Metric) -> Result<Array2<f64>> {
    metric.check(x.ncols())?;
    let mut out = Array2::zeros((x.nrows(), y.nrows()));
    for ((i, j), value) in out.indexed_iter_mut() {
        *value = metric.evaluate(&x.row(i).to_vec(), &y.row(j).to_vec());
    }
    Ok(out)
}

/// `out[i, j] = kernel(x[i], y[j])`
///
/// # Errors
/// As [`Kernel::check`].
pub fn gram(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, kernel: &Kernel) -> Result<Array2<f64>> {
    let mut out = Array2::zeros((x.nrows(), y.nrows()));
    for ((i, j), value) in out.indexed_iter_mut() {
        *value = kernel.definition(&x.row(i).to_vec(), &y.row(j).to_vec())?;
    }
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn distances_of_a_right_triangle() {
        let corners = array![[0.0, 0.0], [3.0, 4.0]];
        for (metric, side) in [
            (Metric::SQEUCLIDEAN, 25.0),
            (Metric::EUCLIDEAN, 5.0),
            (Metric::CITYBLOCK, 7.0),
            (Metric::CHEBYSHEV, 4.0),
            (Metric::minkowski(1.0), 7.0),
            (Metric::minkowski(2.0), 5.0),
            (Metric::minkowski(f32::INFINITY), 4.0),
            (Metric::minkowski(3.0), 91.0_f64.cbrt()),
            (Metric::SQEUCLIDEAN.with_weights(vec![2.0, 0.5]), 26.0),
            (Metric::CHEBYSHEV.with_weights(vec![0.5, 0.0]), 3.0),
        ] {
            let distances = pairwise(corners.view(), corners.view(), &metric).unwrap();
            assert_eq!((distances[[0, 0]], distances[[1, 1]]), (0.0, 0.0), "{}", metric.name);
            assert!((distances[[0, 1]] - side).abs() < 1e-14 * side && distances[[0, 1]] == distances[[1, 0]]);
        }
        let angles =
            pairwise(array![[1.0, 0.0], [0.0, 0.0]].view(), array![[0.0, 2.0], [-3.0, 0.0]].view(), &Metric::COSINE);
        let angles = angles.unwrap();
        assert_eq!((angles[[0, 0]], angles[[0, 1]]), (1.0, 2.0));
        assert!(angles[[1, 0]].is_nan());
    }

    #[test]
    fn kernels_of_a_unit_step() {
        let (x, y) = (array![[0.0]], array![[1.0]]);
        let root = |x: f64| x.sqrt();
        for (text, value) in [
            ("rbf(gamma=2)", (-2.0_f64).exp()),
            ("rbf(2)", (-0.125_f64).exp()),
            ("laplacian(3)", (-3.0_f64).exp()),
            ("matern(nu=0.5)", (-1.0_f64).exp()),
            ("matern(nu=1.5)", (1.0 + root(3.0)) * (-root(3.0)).exp()),
            ("matern(nu=2.5)", (1.0 + root(5.0) + 5.0 / 3.0) * (-root(5.0)).exp()),
            ("rq(alpha=2)", 0.64),
            ("2*constant(3) + linear + dot_product(2)", 10.0),
        ] {
            let got = gram(x.view(), y.view(), &text.parse().unwrap()).unwrap()[[0, 0]];
            assert!((got - value).abs() <= 1e-15 * value.abs() * 4.0, "{text}: {got} {value}");
        }
    }
}
