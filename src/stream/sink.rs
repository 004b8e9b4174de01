//! Where streamed results go.

use ndarray::{Array2, ArrayView2, s};

use crate::error::{Error, Result};

/// A matrix of f32 that is written tile by tile.
pub trait Sink {
    /// Called once, before the first tile.
    ///
    /// # Errors
    /// Where a result of this shape cannot be taken.
    fn begin(&mut self, rows: usize, columns: usize) -> Result<()>;

    /// Takes a tile whose first entry is (`row`, `column`) of the result.
    ///
    /// # Errors
    /// Whatever writing meets.
    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> Result<()>;

    /// Called once, after the last tile; only now is the result complete.
    ///
    /// # Errors
    /// Whatever finishing meets.
    fn finish(&mut self) -> Result<()>;
}

impl Sink for Array2<f32> {
    fn begin(&mut self, rows: usize, columns: usize) -> Result<()> {
        if self.dim() == (rows, columns) {
            return Ok(());
        }
        let message =
            format!("the result has shape {:?}, the array {:?}; they must match", (rows, columns), self.dim());
        Err(Error::shape("stream", message))
    }

    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> Result<()> {
        let (rows, columns) = tile.dim();
        self.slice_mut(s![row..row + rows, column..column + columns]).assign(&tile);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
