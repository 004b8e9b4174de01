//! Reductions of a pair function over the rows of y.

use super::{Choices, Limits, Program};
use crate::error::{Error, Result};
use crate::work::{Input, ReduceWork};

/// Passes of `out[i] = reduce over j of f(x[i], y[j])`.
pub(super) fn lower(work: &ReduceWork, _: &[Input<'_>], _: &Limits, _: &Choices) -> Result<Program> {
    Err(Error::Unsupported { op: work.op, message: "reductions are not there yet".to_owned() })
}
