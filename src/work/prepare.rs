//! Rows that are made into others before they are compared.

use crate::metric::RowMap;

/// `out[…, i] = rows(x[…, i])`; one input (… × n × d), without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct PrepareWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// What becomes of a row.
    pub rows: RowMap,
}

/// Part of matrices that are their own transposes; one input (… × n × n), without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SymmetricWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Which part.
    pub part: Part,
}

/// See [`SymmetricWork`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of each, with 0 on the diagonal.
    ZeroDiagonal,
    /// What is above the diagonal of one matrix, row by row: a vector of n (n − 1) / 2.
    Condensed,
}
