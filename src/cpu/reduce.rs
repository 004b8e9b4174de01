//! Reductions of a pair function over the rows of y.

use super::memory::Memory;
use crate::error::{Error, Result};
use crate::work::{Operand, ReduceWork};

/// [`crate::work::Work::Reduce`].
pub(super) fn run(work: &ReduceWork, _: &[Operand]) -> Result<Memory> {
    Err(Error::Unsupported { op: work.op, message: "reductions are not there yet".to_owned() })
}
