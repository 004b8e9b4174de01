//! Reductions of a metric or kernel over the rows of y: the matrix of its values is never stored.

mod arguments;
mod extreme;
mod soft;
mod sum;

pub use extreme::{Extremes, largest, smallest};
pub use soft::{log_sum_exp, softmax_sum};
pub use sum::{count_within, pair_mean, pair_sum, sum_within};

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::work::{BlockRanges, PairMask};

/// How [`pair_sum`] and its relatives reduce; the default lets all pairs meet and sums in blocks.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Metric, ReduceOptions, smallest};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0], [5.0]])?;
/// let options = ReduceOptions { exclude_self: true, ..ReduceOptions::default() };
/// let nearest = smallest(&x, &x, &Metric::EUCLIDEAN, 1, &options)?;
/// assert_eq!(nearest.indices.read_blocking()?, array![[1_u32], [0], [1]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReduceOptions {
    /// Row i of x does not meet row i of y.
    pub exclude_self: bool,
    /// Sums in two floats, whose error does not grow with the number of terms ([`pair_sum`] and [`pair_mean`] only;
    /// the others take no notice).
    pub compensated: bool,
    /// Only these blocks of rows of x meet these blocks of rows of y; the same in every batch.
    pub blocks: Option<Arc<BlockRanges>>,
}

impl ReduceOptions {
    /// Columns of values that one reduction takes.
    pub const MOST_COLUMNS: usize = 1024;

    /// # Errors
    /// [`Error::InvalidArgument`] where values have more columns than one reduction takes.
    pub(super) fn check_columns(op: &'static str, columns: usize) -> Result<()> {
        if columns <= Self::MOST_COLUMNS {
            return Ok(());
        }
        let message = format!("are more than {}; take some columns at a time", Self::MOST_COLUMNS);
        Err(Error::argument(op, format!("{columns} columns of v"), message))
    }

    fn mask(&self) -> PairMask {
        PairMask { exclude_self: self.exclude_self, blocks: self.blocks.clone(), ..PairMask::default() }
    }
}
