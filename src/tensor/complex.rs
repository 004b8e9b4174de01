//! Complex numbers seen as pairs of real ones, and the other way round. Nothing is copied.

use super::{Complex32, Tensor};
use crate::error::{Error, Result};
use crate::work::Layout;

impl Tensor<Complex32> {
    /// The same memory as real numbers, with one more axis at the end: real and imaginary part.
    ///
    /// # Examples
    /// ```
    /// # use gristmill::{Complex32, Context};
    /// # use ndarray::array;
    /// let context = Context::open_blocking()?;
    /// let z = context.upload(&array![Complex32::new(1.0, 2.0), Complex32::new(3.0, 4.0)])?;
    /// let parts = z.view_as_real();
    /// assert_eq!(parts.read_blocking()?, array![[1.0_f32, 2.0], [3.0, 4.0]].into_dyn());
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn view_as_real(&self) -> Tensor {
        let Layout { shape, strides, offset } = self.layout();
        let layout = Layout {
            shape: shape.iter().copied().chain([2]).collect(),
            strides: strides.iter().map(|stride| stride.saturating_mul(2)).chain([1]).collect(),
            offset: offset.saturating_mul(2),
        };
        Tensor::new(self.executor().clone(), self.storage().clone(), layout)
    }
}

impl Tensor {
    /// Real numbers whose last axis is real and imaginary part, as complex ones; copied only where the pairs do not lie
    /// together.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the last axis has not length 2; the device's errors.
    ///
    /// # Examples
    /// ```
    /// # use gristmill::{Complex32, Context};
    /// # use ndarray::array;
    /// let context = Context::open_blocking()?;
    /// let parts = context.upload(&array![[1.0, 2.0], [3.0, 4.0]])?;
    /// let z = parts.view_as_complex()?.read_blocking()?;
    /// assert_eq!(z[[1]], Complex32::new(3.0, 4.0));
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn view_as_complex(&self) -> Result<Tensor<Complex32>> {
        let [shape @ .., 2] = self.shape() else {
            let message =
                format!("the tensor has shape {:?}; its last axis must be real and imaginary part", self.shape());
            return Err(Error::shape("view_as_complex", message));
        };
        let pairs = |layout: &Layout| match layout.strides.split_last() {
            Some((1, strides)) => layout.offset.is_multiple_of(2) && strides.iter().all(|s| s.is_multiple_of(2)),
            _ => false,
        };
        let packed = if pairs(self.layout()) { self.clone() } else { self.contiguous()? };
        // What lies without gaps and starts between two pairs was not packed by that.
        let packed = if pairs(packed.layout()) { packed } else { packed.copied()? };
        let layout = packed.layout();
        let strides = layout.strides.iter().take(shape.len()).map(|stride| stride / 2).collect();
        let layout = Layout { shape: shape.to_vec(), strides, offset: layout.offset / 2 };
        Ok(Tensor::new(packed.executor().clone(), packed.storage().clone(), layout))
    }
}
