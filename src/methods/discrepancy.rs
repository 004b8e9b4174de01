//! The kernel two-sample statistic: how far apart two sets of points are as distributions.

use ndarray::ArrayD;

use crate::error::{Error, Result};
use crate::kernel::PairSource;
use crate::ops::pair::paired;
use crate::ops::{ReduceOptions, pair_mean};
use crate::tensor::Tensor;

/// What [`mmd2`] finds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Discrepancy {
    /// With every pair, a point with itself too: never below 0 but for rounding.
    pub biased: f64,
    /// Without the pairs of a point and itself: its expectation is the true value, which it may fall below 0 for. NaN
    /// where a side has fewer than two points.
    pub unbiased: f64,
}

/// The squared maximum mean discrepancy of two samples under a kernel.
///
/// `biased = mean k(x, x′) + mean k(y, y′) − 2 mean k(x, y)` over all pairs, with `x` of shape `n × d` and `y` of shape
/// `m × d`. Every row's sum is taken in two floats and the rows' sums in f64, so that what three large means have in
/// common cancels to f32's precision of a single kernel value. The matrices are never stored.
///
/// # Errors
/// [`Error::InvalidArgument`] if a side is empty; those of [`pair_mean`](crate::pair_mean).
///
/// # Accuracy
/// Within `4 (δ + 4u max |k|)`, δ the largest bound of a kernel value and u = 2⁻²⁴.
///
/// # Sources
/// Gretton, Borgwardt, Rasch, Schölkopf and Smola, "A kernel two-sample test", JMLR 13, 2012.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel};
/// # use gristmill::methods::mmd2_blocking;
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0]])?;
/// let y = context.upload(&array![[5.0], [6.0]])?;
/// assert!(mmd2_blocking(&x, &x, &Kernel::rbf(1.0))?.biased.abs() < 1e-6);
/// assert!(mmd2_blocking(&x, &y, &Kernel::rbf(1.0))?.biased > 1.0);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub async fn mmd2(x: &Tensor, y: &Tensor, kernel: &impl PairSource) -> Result<Discrepancy> {
    let parts = Parts::record(x, y, kernel)?;
    let [a, b, c, d, e] = &parts.0;
    Ok(joined([&a.read().await?, &b.read().await?, &c.read().await?, &d.read().await?, &e.read().await?]))
}

/// [`mmd2`], blocking the thread.
///
/// # Errors
/// As [`mmd2`].
#[cfg(not(target_arch = "wasm32"))]
pub fn mmd2_blocking(x: &Tensor, y: &Tensor, kernel: &impl PairSource) -> Result<Discrepancy> {
    pollster::block_on(mmd2(x, y, kernel))
}

/// Means per row of k(x, x′), k(y, y′) and k(x, y), and k(x, x) and k(y, y) of every point.
struct Parts([Tensor; 5]);

impl Parts {
    fn record(x: &Tensor, y: &Tensor, kernel: &impl PairSource) -> Result<Self> {
        let op = "mmd2";
        for (name, t) in [("x", x), ("y", y)] {
            if t.rank() != 2 || t.shape().first() == Some(&0) {
                return Err(Error::argument(op, format!("{name} of shape {:?}", t.shape()), "must have rows"));
            }
        }
        let options = ReduceOptions { compensated: true, ..ReduceOptions::default() };
        let mean = |a: &Tensor, b: &Tensor| pair_mean(a, b, kernel, None, &options);
        let own = |t: &Tensor| -> Result<Tensor> {
            let function = kernel.pair_function(t.shape().get(1).copied().unwrap_or(0))?;
            paired(op, t, t, function)
        };
        Ok(Self([mean(x, x)?, mean(y, y)?, mean(x, y)?, own(x)?, own(y)?]))
    }
}

fn joined([xx, yy, xy, x, y]: [&ArrayD<f32>; 5]) -> Discrepancy {
    let mean = |a: &ArrayD<f32>| a.iter().map(|v| f64::from(*v)).sum::<f64>() / a.len() as f64;
    // n² pairs less n of a point and itself, over n (n − 1).
    let others = |all: f64, own: &ArrayD<f32>| (all * own.len() as f64 - mean(own)) / (own.len() as f64 - 1.0);
    let (all_x, all_y, across) = (mean(xx), mean(yy), 2.0 * mean(xy));
    let unbiased = if x.len() < 2 || y.len() < 2 { f64::NAN } else { others(all_x, x) + others(all_y, y) - across };
    Discrepancy { biased: all_x + all_y - across, unbiased }
}

#[cfg(all(test, feature = "cpu"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::kernel::Kernel;
    use crate::metric::UNIT_ROUNDOFF;
    use ndarray::Array2;

    /// Of kernels that make other rows first too, whose diagonal is taken by itself.
    #[test]
    fn the_statistic_is_that_of_the_matrices() {
        let context = Context::cpu();
        let points =
            |n: usize, shift: f32| Array2::from_shape_fn((n, 2), |(i, f)| shift + ((i * 7 + f * 3) % 11) as f32 / 11.0);
        let (x, y) = (points(9, 0.0), points(7, 0.25));
        let wide = |rows: &Array2<f32>, i: usize| rows.row(i).mapv(f64::from).to_vec();
        for text in ["rbf(0.5)", "rbf(precision=[[2, 0.5], [0.5, 1]])", "rbf(precision=[[2, 0.5], [0.5, 1]])*linear"] {
            let kernel: Kernel = text.parse().unwrap();
            let function = kernel.pair_function(2).unwrap();
            let (mut delta, mut largest) = (0.0_f64, 0.0_f64);
            let mut of = |a: &Array2<f32>, b: &Array2<f32>| {
                let k = Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| {
                    let (value, bound) = function.evaluate_with_bound(&wide(a, i), &wide(b, j));
                    (delta, largest) = (delta.max(bound), largest.max(value.abs()));
                    value
                });
                (k.sum() / k.len() as f64, (k.sum() - k.diag().sum()) / (k.len() - k.nrows()) as f64)
            };
            let (xx, yy, across) = (of(&x, &x), of(&y, &y), 2.0 * of(&x, &y).0);
            let bound = 4.0 * (delta + 4.0 * UNIT_ROUNDOFF * largest);
            let found = mmd2_blocking(&context.upload(&x).unwrap(), &context.upload(&y).unwrap(), &kernel).unwrap();
            assert!((found.biased - (xx.0 + yy.0 - across)).abs() <= bound, "{text}: {found:?} ± {bound}");
            assert!((found.unbiased - (xx.1 + yy.1 - across)).abs() <= bound, "{text}: {found:?} ± {bound}");
        }
    }
}
