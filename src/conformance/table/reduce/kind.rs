//! Which reductions there are, and which pairs meet.

use std::sync::Arc;

use crate::ops::ReduceOptions;
use crate::work::BlockRanges;

/// Which reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sum,
    SumOfOnes,
    Compensated,
    Mean,
    LogSumExp,
    WeightedLogSumExp,
    SoftmaxSum,
    Smallest,
    Largest,
    Count,
    SumWithin,
    SumOfValuesWithin,
}

impl Kind {
    pub(super) const ALL: [Self; 12] = [
        Self::Sum,
        Self::SumOfOnes,
        Self::Compensated,
        Self::Mean,
        Self::LogSumExp,
        Self::WeightedLogSumExp,
        Self::SoftmaxSum,
        Self::Smallest,
        Self::Largest,
        Self::Count,
        Self::SumWithin,
        Self::SumOfValuesWithin,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::SumOfOnes => "sum of ones",
            Self::Compensated => "compensated sum",
            Self::Mean => "mean",
            Self::LogSumExp => "logsumexp",
            Self::WeightedLogSumExp => "weighted logsumexp",
            Self::SoftmaxSum => "softmax",
            Self::Smallest => "smallest",
            Self::Largest => "largest",
            Self::Count => "count",
            Self::SumWithin => "sum within",
            Self::SumOfValuesWithin => "values within",
        }
    }

    /// Whether the values beside y have the trial's number of columns.
    pub(super) fn is_weighted(self) -> bool {
        matches!(self, Self::Sum | Self::Compensated | Self::Mean | Self::SoftmaxSum | Self::SumWithin)
    }

    pub(super) fn is_search(self) -> bool {
        matches!(self, Self::Smallest | Self::Largest)
    }
}

/// Which pairs meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    All,
    NotSelf,
    Blocks,
    BlocksNotSelf,
}

impl Meeting {
    pub(super) const ALL: [Self; 4] = [Self::All, Self::NotSelf, Self::Blocks, Self::BlocksNotSelf];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::NotSelf => "not-self",
            Self::Blocks => "blocks",
            Self::BlocksNotSelf => "blocks-not-self",
        }
    }

    pub(super) fn excludes_self(self) -> bool {
        matches!(self, Self::NotSelf | Self::BlocksNotSelf)
    }

    pub(super) fn options(self, n: usize, m: usize, compensated: bool) -> ReduceOptions {
        let blocks = BlockRanges {
            rows: vec![0..n / 3, n / 2..n],
            columns: vec![vec![0..m / 7, m / 3..m / 2], vec![m / 5..m - m / 9]],
        };
        ReduceOptions {
            exclude_self: self.excludes_self(),
            compensated,
            blocks: matches!(self, Self::Blocks | Self::BlocksNotSelf).then(|| Arc::new(blocks)),
        }
    }
}
