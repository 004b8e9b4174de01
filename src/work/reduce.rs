//! Reductions of a pair function over j: the matrix of its values is never stored.

use std::ops::Range;
use std::sync::Arc;

use crate::kernel::PairFunction;

/// `out[i] = reduce over j of f(x[i], y[j])`, over the pairs that the mask lets meet.
///
/// Inputs, in this order: x (… × n × d), y (… × m × d); the values v (… × m × c) where the reduction has them; the bias
/// (… × n × m) where the mask has one. Axes in front are batch; all inputs have the same ones, and one that is shared
/// has stride 0 there.
#[derive(Debug, Clone)]
pub struct ReduceWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Metric or kernel; its value is f.
    pub function: PairFunction,
    /// What becomes of the values of one row.
    pub reduction: Reduction,
    /// Which pairs meet.
    pub mask: PairMask,
}

/// What becomes of the values f of one row, over all j that the mask lets it meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reduction {
    /// `out[i, c] = scale · Σⱼ f v[j, c]`; without values c = 1 and v = 1.
    Sum {
        /// Whether there are values.
        values: bool,
        /// Factor of the sum.
        scale: f32,
        /// Sums in two floats, so that their error does not grow with m.
        compensated: bool,
    },
    /// `out[i] = log Σⱼ v[j] exp f` with v ≥ 0 (m × 1), the maximum taken out; −∞ over nothing.
    LogSumExp {
        /// Whether there are values.
        values: bool,
    },
    /// `out[i, c] = Σⱼ exp(f) v[j, c] / Σⱼ exp(f)`, the maximum taken out; 0 over nothing.
    SoftmaxSum,
    /// The k smallest or largest values of each row in order, and their j: first … × n × k values, then as many indices
    /// (u32), in one storage. Ties take the lower j. NaN is behind every number. Where fewer than k rows of y meet the
    /// row, the rest is NaN with the index `u32::MAX`.
    Extreme {
        /// How many, 1 to 1024.
        k: u32,
        /// The largest instead of the smallest.
        largest: bool,
    },
    /// `out[i]` = how many f are at most `radius` (u32).
    Count {
        /// The largest f that counts.
        radius: f32,
    },
    /// `out[i, c] = Σⱼ [f ≤ radius] v[j, c]`; without values c = 1 and v = f: the sum of the values themselves.
    SumWithin {
        /// The largest f that counts.
        radius: f32,
        /// Whether there are values.
        values: bool,
    },
}

/// Which pairs (i, j) meet; the default lets all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairMask {
    /// Row i does not meet row i.
    pub exclude_self: bool,
    /// Only `j ≤ i + m − n`: the last row of x meets all of y.
    pub causal: bool,
    /// Only `j > i + m − n − window`; with `causal`, the `window` rows of y up to `i + m − n`.
    pub window: Option<u32>,
    /// A further input with an entry per pair.
    pub bias: Option<Bias>,
    /// Only these blocks of rows meet these blocks of columns.
    pub blocks: Option<Arc<BlockRanges>>,
}

/// What an entry of the bias does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// f32: added to f; −∞ keeps the pair apart.
    Additive,
    /// u32: 0 keeps the pair apart.
    Boolean,
}

/// A block-sparse pattern: the rows of each block meet the columns of its ranges, and no others. Rows in no block meet
/// nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockRanges {
    /// Ranges of rows of x, in order and without overlap.
    pub rows: Vec<Range<usize>>,
    /// For each of them ranges of rows of y, in order and without overlap.
    pub columns: Vec<Vec<Range<usize>>>,
}

impl Reduction {
    /// Whether values are among the inputs.
    pub fn has_values(&self) -> bool {
        match *self {
            Self::Sum { values, .. } | Self::LogSumExp { values } | Self::SumWithin { values, .. } => values,
            Self::SoftmaxSum => true,
            Self::Extreme { .. } | Self::Count { .. } => false,
        }
    }
}
