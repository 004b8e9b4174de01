//! What `seuclidean` and `mahalanobis` need where nobody gives it: variances and the inverse covariance matrix of the
//! rows themselves, as SciPy computes them.

use crate::error::{Error, Result};
use crate::metric::{Metric, UNIT_ROUNDOFF};
use crate::stream::Source;

/// Numbers that are read at a time: 1 MiB.
const PIECE: usize = 1 << 18;

/// The variance of every column over the rows of all `sources`, one below the other: the table of
/// [`Metric::seuclidean`].
///
/// `out[f] = Σ (x_f − mean_f)² / (n − 1)`, in f64 and rounded once.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the sources' columns differ; [`Error::InvalidArgument`] where there are fewer than two
/// rows, a number is not finite, or a column is the same in every row; those of the sources.
///
/// # Accuracy
/// Relative error 2⁻²⁴ and what f64 adds to it, whatever the means are.
///
/// # Sources
/// SciPy, `scipy.spatial.distance.cdist` (`np.var(np.vstack([XA, XB]), axis=0, ddof=1)`); Chan, Golub and LeVeque,
/// "Algorithms for computing the sample variance", 1983.
///
/// # Examples
/// ```
/// # use gristmill::methods::variances;
/// # use ndarray::array;
/// let (x, y) = (array![[0.0_f32, 1.0], [2.0, 5.0]], array![[4.0_f32, 3.0]]);
/// assert_eq!(variances(&mut [&mut x.view(), &mut y.view()])?, [4.0, 4.0]);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn variances(sources: &mut [&mut dyn Source]) -> Result<Vec<f32>> {
    let op = "variances";
    let rows = Rows::of(op, sources, 2)?;
    let mut sums = vec![0.0; rows.d];
    rows.centred(sources, |row| sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * x))?;
    let variance = |sum: f64| sum / (rows.n as f64 - 1.0);
    match sums.iter().position(|sum| *sum == 0.0) {
        Some(f) => Err(Error::argument(op, format!("column {f}"), "is the same in every row: its variance is 0")),
        None => Ok(sums.into_iter().map(|sum| variance(sum) as f32).collect()),
    }
}

/// The inverse of the covariance matrix of the columns over the rows of all `sources`, one below the other, row by row:
/// the table of [`Metric::mahalanobis`].
///
/// `out = C⁻¹`, `C = Σ (x − mean)(x − mean)ᵀ / (n − 1)`, in f64 by a Cholesky factor and rounded once.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the sources' columns differ; [`Error::InvalidArgument`] where there are not more rows than
/// columns, a number is not finite, or the covariance is singular: a column follows from those before it up to the
/// rounding of the numbers to f32, or so nearly that f32 cannot hold the inverse.
///
/// # Accuracy
/// Relative to the largest entries 2⁻²⁴, and 2⁻⁵³ times the condition of the correlation matrix.
///
/// # Sources
/// SciPy, `scipy.spatial.distance.cdist` (`np.linalg.inv(np.cov(np.vstack([XA, XB]).T))`); Higham, *Accuracy and
/// Stability of Numerical Algorithms*, 2nd ed., §14.3.
///
/// # Examples
/// ```
/// # use gristmill::methods::inverse_covariance;
/// # use ndarray::array;
/// let x = array![[0.0_f32, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]];
/// assert_eq!(inverse_covariance(&mut [&mut x.view()])?, [0.75, 0.0, 0.0, 0.1875]);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn inverse_covariance(sources: &mut [&mut dyn Source]) -> Result<Vec<f32>> {
    let op = "inverse covariance";
    let d = sources.first().map_or(0, |source| source.shape().1);
    let rows = Rows::of(op, sources, d.saturating_add(1))?;
    let count = d.checked_mul(d).ok_or(Error::OutOfMemory { op, requested: u64::MAX })?;
    let mut covariance = vec![0.0; count];
    rows.centred(sources, |row| {
        for (line, a) in covariance.chunks_mut(d.max(1)).zip(row) {
            line.iter_mut().zip(row).for_each(|(sum, b)| *sum += a * b);
        }
    })?;
    covariance.iter_mut().for_each(|sum| *sum /= rows.n as f64 - 1.0);
    let inverse: Vec<f32> = inverse(op, &covariance, &rows.largest)?.into_iter().map(|entry| entry as f32).collect();
    let lost = |_| {
        let message = "is so near to singular that single precision cannot hold its inverse; leave a column out";
        Error::argument(op, "covariance", message)
    };
    Metric::mahalanobis(inverse.clone()).prepared().map_err(lost)?;
    Ok(inverse)
}

/// All rows in f64, without keeping them.
struct Rows {
    n: usize,
    d: usize,
    means: Vec<f64>,
    /// The largest |x| of each column.
    largest: Vec<f64>,
}

impl Rows {
    /// Their means, after what can be wrong with them.
    fn of(op: &'static str, sources: &mut [&mut dyn Source], least: usize) -> Result<Self> {
        let d = sources.first().map_or(0, |source| source.shape().1);
        if let Some(other) = sources.iter().map(|source| source.shape().1).find(|columns| *columns != d) {
            return Err(Error::shape(op, format!("x has {d} columns, y has {other}; they must match")));
        }
        let n = sources.iter().fold(0_usize, |n, source| n.saturating_add(source.shape().0));
        if n < least {
            let message = format!("are too few for {d} columns; at least {least} are needed");
            return Err(Error::argument(op, format!("{n} rows"), message));
        }
        let mut rows = Self { n, d, means: vec![0.0; d], largest: vec![0.0; d] };
        let (mut sums, mut largest) = (vec![0.0; d], vec![0.0; d]);
        let mut is_finite = true;
        each(sources, |row| {
            for ((sum, most), x) in sums.iter_mut().zip(&mut largest).zip(row) {
                is_finite &= x.is_finite();
                *sum += f64::from(*x);
                *most = f64::max(*most, f64::from(x.abs()));
            }
        })?;
        if !is_finite {
            return Err(Error::argument(op, "rows", "hold a NaN or an infinity"));
        }
        rows.means = sums.into_iter().map(|sum| sum / n as f64).collect();
        rows.largest = largest;
        // What the first means missed.
        let mut missed = vec![0.0; d];
        rows.centred(sources, |row| missed.iter_mut().zip(row).for_each(|(sum, x)| *sum += x))?;
        rows.means.iter_mut().zip(missed).for_each(|(mean, missed)| *mean += missed / n as f64);
        Ok(rows)
    }

    /// Shows every row less the means.
    fn centred(&self, sources: &mut [&mut dyn Source], mut take: impl FnMut(&[f64])) -> Result<()> {
        let mut wide = vec![0.0; self.d];
        each(sources, |row| {
            for ((wide, x), mean) in wide.iter_mut().zip(row).zip(&self.means) {
                *wide = f64::from(*x) - mean;
            }
            take(&wide);
        })
    }
}

/// Shows every row of every source.
fn each(sources: &mut [&mut dyn Source], mut take: impl FnMut(&[f32])) -> Result<()> {
    let mut rows = Vec::new();
    for source in sources {
        let (n, d) = source.shape();
        let height = (PIECE / d.max(1)).max(1);
        for start in (0..n).step_by(height).filter(|_| d > 0) {
            source.read_rows(start..n.min(start + height), &mut rows)?;
            rows.chunks_exact(d).for_each(&mut take);
        }
    }
    Ok(())
}

/// The inverse of a covariance matrix, by the Cholesky factor L of the correlation matrix: C⁻¹ = D⁻¹ L⁻ᵀ L⁻¹ D⁻¹ with the
/// standard deviations D. A pivot is the share of a column's variance that the columns before it leave; where it is no
/// more than what rounding the column's numbers to f32 makes of it, the column follows from them.
fn inverse(op: &'static str, covariance: &[f64], largest: &[f64]) -> Result<Vec<f64>> {
    let d = largest.len();
    let deviations: Vec<f64> = (0..d).map(|f| covariance[f * d + f].sqrt()).collect();
    // L below the diagonal and on it, then its inverse in the same place.
    let mut lower = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i * d + k] * lower[j * d + k]).sum();
            let rest = covariance[i * d + j] / (deviations[i] * deviations[j]) - sum;
            let rounding = d as f64 * (UNIT_ROUNDOFF * largest[i] / deviations[i]).powi(2);
            if i == j && (deviations[i] == 0.0 || rest.is_nan() || rest <= rounding) {
                let why =
                    if deviations[i] == 0.0 { "is the same in every row" } else { "follows from those before it" };
                return Err(Error::argument(op, format!("column {i}"), format!("{why}: the covariance is singular")));
            }
            lower[i * d + j] = if i == j { rest.sqrt() } else { rest / lower[j * d + j] };
        }
    }
    for j in 0..d {
        lower[j * d + j] = 1.0 / lower[j * d + j];
        for i in j + 1..d {
            let sum: f64 = (j..i).map(|k| lower[i * d + k] * lower[k * d + j]).sum();
            lower[i * d + j] = -sum / lower[i * d + i];
        }
    }
    let entry = |i: usize, j: usize| (i.max(j)..d).map(|k| lower[k * d + i] * lower[k * d + j]).sum::<f64>();
    let places = (0..d).flat_map(|i| (0..d).map(move |j| (i, j)));
    Ok(places.map(|(i, j)| entry(i, j) / (deviations[i] * deviations[j])).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::metric::UNIT_ROUNDOFF;
    use ndarray::{Array2, array};

    /// Columns that depend on each other a little, far from 0.
    fn rows(n: usize, d: usize) -> Array2<f32> {
        let number = |i: usize, f: usize| ((i * 7919 + f * 104_729) % 1013) as f32 / 1013.0;
        Array2::from_shape_fn((n, d), |(i, f)| 100.0 + number(i, f) + 0.5 * number(i, f.saturating_sub(1)))
    }

    #[test]
    fn the_inverse_times_the_covariance_is_the_identity() {
        let (x, y) = (rows(300, 6), rows(41, 6));
        let inverse = inverse_covariance(&mut [&mut x.view(), &mut y.view()]).unwrap();
        let all = ndarray::concatenate![ndarray::Axis(0), x, y].mapv(f64::from);
        let centred = &all - &all.mean_axis(ndarray::Axis(0)).unwrap();
        let covariance = centred.t().dot(&centred) / (all.nrows() as f64 - 1.0);
        let inverse = Array2::from_shape_vec((6, 6), inverse).unwrap().mapv(f64::from);
        // The entries are rounded to f32 once; what f64 rounds before is far less.
        let bound = inverse.mapv(f64::abs).dot(&covariance.mapv(f64::abs)) * (1.01 * UNIT_ROUNDOFF);
        for ((i, j), entry) in inverse.dot(&covariance).indexed_iter() {
            assert!((entry - f64::from(u8::from(i == j))).abs() <= bound[[i, j]], "[{i}, {j}] = {entry}");
        }
        let diagonal = covariance.diag().mapv(|v| v as f32);
        assert_eq!(variances(&mut [&mut all.mapv(|v| v as f32).view()]).unwrap(), diagonal.to_vec());
    }

    #[test]
    fn what_has_no_inverse_is_refused() {
        let message = |x: Array2<f32>| inverse_covariance(&mut [&mut x.view()]).unwrap_err().to_string();
        assert!(
            message(rows(6, 6)).contains("6 rows are too few for 6 columns; at least 7"),
            "{}",
            message(rows(6, 6))
        );
        let mut x = rows(50, 3);
        let sum = &x.column(0) + &x.column(1);
        x.column_mut(2).assign(&sum);
        assert!(message(x.clone()).contains("column 2 follows from those before it"));
        x.column_mut(1).fill(3.0);
        assert!(message(x.clone()).contains("column 1 is the same in every row"));
        assert!(variances(&mut [&mut x.view()]).unwrap_err().to_string().contains("column 1 is the same"));
        x[[4, 0]] = f32::NAN;
        assert!(message(x.clone()).contains("NaN"));
        assert!(variances(&mut [&mut array![[1.0_f32]].view()]).unwrap_err().to_string().contains("too few"));
        assert!(variances(&mut [&mut x.view(), &mut rows(3, 2).view()]).is_err());
    }
}
