//! Views: the same entries through another layout. Nothing is copied.

use std::ops::Range;

use super::{Element, Tensor};
use crate::error::{Error, Result};
use crate::work::{Layout, Work};

impl<E: Element> Tensor<E> {
    /// Entries `range` of axis `axis`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no such axis or the range passes its end.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Self> {
        let op = "slice";
        let length = *self.shape().get(axis).ok_or_else(|| {
            Error::argument(op, format!("axis {axis}"), format!("does not exist; the tensor has {} axes", self.rank()))
        })?;
        if range.start > range.end || range.end > length {
            let argument = format!("{}..{}", range.start, range.end);
            return Err(Error::argument(op, argument, format!("is not a range within 0..{length} of axis {axis}")));
        }
        let mut layout = self.layout().clone();
        layout.shape[axis] = range.len();
        if !range.is_empty() {
            layout.offset += range.start * layout.strides[axis];
        }
        Ok(self.with_layout(layout))
    }

    /// Rows `range` of a matrix (axis −2), or entries of a vector.
    ///
    /// # Errors
    /// As [`slice`](Tensor::slice).
    pub fn rows(&self, range: Range<usize>) -> Result<Self> {
        self.slice(self.rank().saturating_sub(2), range)
    }

    /// Columns `range` of a matrix (axis −1).
    ///
    /// # Errors
    /// As [`slice`](Tensor::slice).
    pub fn columns(&self, range: Range<usize>) -> Result<Self> {
        self.slice(self.rank().saturating_sub(1), range)
    }

    /// Every `step`-th entry along an axis.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no such axis or the step is 0.
    pub fn step_by(&self, axis: usize, step: usize) -> Result<Self> {
        if axis >= self.rank() || step == 0 {
            let argument = format!("step {step} along axis {axis}");
            return Err(Error::argument("step_by", argument, "must be at least 1, along an axis that exists"));
        }
        let mut layout = self.layout().clone();
        layout.shape[axis] = layout.shape[axis].div_ceil(step);
        layout.strides[axis] = layout.strides[axis].saturating_mul(step);
        Ok(self.with_layout(layout))
    }

    /// The last two axes swapped; a tensor of fewer axes is itself.
    pub fn transpose(&self) -> Self {
        let mut layout = self.layout().clone();
        let rank = layout.shape.len();
        if rank >= 2 {
            layout.shape.swap(rank - 2, rank - 1);
            layout.strides.swap(rank - 2, rank - 1);
        }
        self.with_layout(layout)
    }

    /// The same entries in row-major order under another shape. Copies only where the layout has gaps.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the shapes hold different numbers of entries.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        let wanted = Layout::contiguous(shape);
        if wanted.len() != self.len() {
            let message = format!("{:?} has {} entries, {shape:?} has {}", self.shape(), self.len(), wanted.len());
            return Err(Error::shape("reshape", message));
        }
        let packed = self.contiguous()?;
        Ok(packed.with_layout(Layout { offset: packed.layout().offset, ..wanted }))
    }

    /// The entries in row-major order without gaps; itself where they are already.
    ///
    /// # Errors
    /// Those of the device.
    pub fn contiguous(&self) -> Result<Self> {
        if self.layout().is_contiguous() {
            return Ok(self.clone());
        }
        self.copied()
    }

    /// The entries in row-major order in memory of their own.
    pub(super) fn copied(&self) -> Result<Self> {
        let storage = self.executor().run(&Work::Copy, &[self.operand()])?;
        Ok(Self::new(self.executor().clone(), storage, Layout::contiguous(self.shape())))
    }
}
