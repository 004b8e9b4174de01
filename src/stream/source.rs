//! Where streamed rows come from.

use std::ops::Range;

use ndarray::{ArrayView2, s};

use crate::error::{Error, Result};

/// A matrix of f32 that is read a few rows at a time.
pub trait Source {
    /// Rows and columns.
    fn shape(&self) -> (usize, usize);

    /// Replaces `rows` with these rows of the matrix, row-major.
    ///
    /// # Errors
    /// Whatever reading meets; a range past the end.
    fn read_rows(&mut self, range: Range<usize>, rows: &mut Vec<f32>) -> Result<()>;
}

impl Source for ArrayView2<'_, f32> {
    fn shape(&self) -> (usize, usize) {
        self.dim()
    }

    fn read_rows(&mut self, range: Range<usize>, rows: &mut Vec<f32>) -> Result<()> {
        check_range(&range, self.nrows())?;
        rows.clear();
        rows.extend(self.slice(s![range, ..]).iter());
        Ok(())
    }
}

/// The rows must exist.
pub(crate) fn check_range(range: &Range<usize>, rows: usize) -> Result<()> {
    if range.start <= range.end && range.end <= rows {
        return Ok(());
    }
    let argument = format!("rows {}..{}", range.start, range.end);
    Err(Error::argument("stream", argument, format!("are not within the source's {rows}")))
}
