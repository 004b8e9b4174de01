//! Nearest neighbours, and what they vote for.

use ndarray::{Array2, ArrayView2};

use crate::error::{Error, Result};
use crate::kernel::PairSource;
use crate::ops::{Extremes, ReduceOptions, smallest};
use crate::tensor::Tensor;

/// What a neighbour's vote counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Vote {
    /// One each.
    #[default]
    Uniform,
    /// One over its distance; where some are at distance 0, only those count.
    Distance,
}

/// The k rows of `train` that are nearest to each row of `query`, nearest first; ties take the lower row.
///
/// `train` has shape `m × d`, `query` has shape `n × d`; distances and indices have shape `n × k`. The distances between
/// all rows are never stored.
///
/// # Errors
/// Those of [`smallest`](crate::smallest).
///
/// # Accuracy
/// As [`smallest`](crate::smallest).
///
/// # Sources
/// scikit-learn, `sklearn.neighbors.NearestNeighbors`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Metric};
/// # use gristmill::methods::nearest_neighbors;
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let train = context.upload(&array![[0.0], [10.0], [11.0]])?;
/// let query = context.upload(&array![[9.0]])?;
/// let nearest = nearest_neighbors(&train, &query, &Metric::EUCLIDEAN, 2)?;
/// assert_eq!(nearest.indices.read_blocking()?, array![[1_u32, 2]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn nearest_neighbors(train: &Tensor, query: &Tensor, metric: &impl PairSource, k: usize) -> Result<Extremes> {
    smallest(query, train, metric, k, &ReduceOptions::default())
}

/// The share of each class among a query's neighbours.
///
/// `out[i, c] = Σ of the weights of the neighbours of query i whose label is c / Σ of all its neighbours' weights`, with
/// `distances` and `indices` of shape `n × k` as [`nearest_neighbors`] finds them, `labels` of the m known rows (0 to
/// `classes` − 1) and `out` of shape `n × classes`.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the shapes differ; [`Error::InvalidArgument`] for an index without a label or a label that
/// is no class.
///
/// # Accuracy
/// That of the distances; all else is f64.
///
/// # Sources
/// scikit-learn, `sklearn.neighbors.KNeighborsClassifier.predict_proba`.
///
/// # Examples
/// ```
/// # use gristmill::methods::{Vote, class_probabilities};
/// # use ndarray::array;
/// let (distances, indices) = (array![[1.0_f32, 3.0]], array![[1_u32, 0]]);
/// let share = class_probabilities(distances.view(), indices.view(), &[0, 1], 2, Vote::Distance)?;
/// assert_eq!(share, array![[0.25, 0.75]]);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn class_probabilities(
    distances: ArrayView2<'_, f32>,
    indices: ArrayView2<'_, u32>,
    labels: &[usize],
    classes: usize,
    vote: Vote,
) -> Result<Array2<f64>> {
    let op = "class_probabilities";
    if distances.dim() != indices.dim() {
        let message =
            format!("distances have shape {:?}, indices {:?}; they must match", distances.dim(), indices.dim());
        return Err(Error::shape(op, message));
    }
    let mut shares = Array2::zeros((distances.nrows(), classes));
    for ((mut share, distances), indices) in shares.rows_mut().into_iter().zip(distances.rows()).zip(indices.rows()) {
        let met = distances.iter().any(|distance| *distance == 0.0);
        for (&distance, &index) in distances.iter().zip(indices) {
            let label = labels.get(index as usize).ok_or_else(|| {
                Error::argument(op, format!("index {index}"), format!("has no label; there are {}", labels.len()))
            })?;
            let place = share.get_mut(*label).ok_or_else(|| {
                Error::argument(op, format!("label {label}"), format!("is no class; there are {classes}"))
            })?;
            *place += match vote {
                Vote::Uniform => 1.0,
                Vote::Distance if met => f64::from(u8::from(distance == 0.0)),
                Vote::Distance => 1.0 / f64::from(distance),
            };
        }
        let total = share.sum();
        share.mapv_inplace(|weight| weight / total);
    }
    Ok(shares)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn points_at_distance_0_outvote_all_others() {
        let (distances, indices) = (array![[0.0_f32, 0.0, 1e-6], [1.0, 1.0, 1.0]], array![[0_u32, 1, 2], [0, 1, 2]]);
        let labels = [0, 1, 1];
        let share = class_probabilities(distances.view(), indices.view(), &labels, 2, Vote::Distance).unwrap();
        assert_eq!(share.row(0), array![0.5, 0.5]);
        let share = class_probabilities(distances.view(), indices.view(), &labels, 2, Vote::Uniform).unwrap();
        assert!((share[[1, 1]] - 2.0 / 3.0).abs() < 1e-15);
        assert!(class_probabilities(distances.view(), indices.view(), &[0], 2, Vote::Uniform).is_err());
        assert!(class_probabilities(distances.view(), indices.view(), &labels, 1, Vote::Uniform).is_err());
    }
}
