//! Between host and device: `ndarray` views on this side, bytes on the other.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

use super::{Element, HostElement, Tensor};
use crate::error::{Error, Result};
use crate::work::{Executor, Layout, room};

/// Copies an array to an executor.
pub(crate) fn upload<A: HostElement, D: Dimension>(
    executor: &Arc<dyn Executor>,
    array: &ArrayRef<A, D>,
) -> Result<Tensor<A::Device>> {
    if let Some(entries) = array.as_slice().and_then(A::as_device) {
        return upload_slice(executor, entries, array.shape());
    }
    let mut converted = room("upload", array.len())?;
    for (index, &value) in array.iter().enumerate() {
        converted.push(value.to_device(index)?);
    }
    upload_slice(executor, &converted, array.shape())
}

/// Copies row-major entries to an executor.
pub(crate) fn upload_slice<E: Element>(
    executor: &Arc<dyn Executor>,
    entries: &[E],
    shape: &[usize],
) -> Result<Tensor<E>> {
    let layout = Layout::contiguous(shape);
    if layout.len() != entries.len() {
        let message = format!("{shape:?} has {} entries, the slice has {}", layout.len(), entries.len());
        return Err(Error::shape("upload", message));
    }
    let storage = executor.upload("upload", bytemuck::cast_slice(entries))?;
    Ok(Tensor::new(executor.clone(), storage, layout))
}

impl<E: Element> Tensor<E> {
    /// Waits for the entries without blocking the thread, and copies them to the host.
    ///
    /// On our own devices a thread of the library drives the driver meanwhile; on a host application's device the
    /// application polls; in the browser its event loop does.
    ///
    /// # Errors
    /// The error of the work that should have written the tensor, or of the device.
    pub async fn read(&self) -> Result<ArrayD<E>> {
        let packed = self.contiguous()?;
        let (offset, bytes) = packed.byte_range();
        let read = packed.executor().read(packed.storage(), offset, bytes).await?;
        packed.to_array((*read).as_ref())
    }

    /// Waits for the entries and copies them to the host. Blocks the thread.
    ///
    /// # Errors
    /// The error of the work that should have written the tensor, or of the device.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read_blocking(&self) -> Result<ArrayD<E>> {
        let packed = self.contiguous()?;
        let (offset, bytes) = packed.byte_range();
        let read = packed.executor().read_blocking(packed.storage(), offset, bytes)?;
        packed.to_array((*read).as_ref())
    }

    fn byte_range(&self) -> (u64, u64) {
        if self.is_empty() {
            // A view of nothing may start past the end.
            return (0, 0);
        }
        let size = size_of::<E>() as u64;
        (self.layout().offset as u64 * size, self.len() as u64 * size)
    }

    fn to_array(&self, bytes: &[u8]) -> Result<ArrayD<E>> {
        let mut entries = room("read", bytes.len() / size_of::<E>())?;
        match bytemuck::try_cast_slice(bytes) {
            Ok(whole) => entries.extend_from_slice(whole),
            // Mapped memory starts where the driver likes.
            Err(_) => entries.extend(bytes.chunks_exact(size_of::<E>()).map(bytemuck::pod_read_unaligned::<E>)),
        }
        ArrayD::from_shape_vec(IxDyn(self.shape()), entries).map_err(|error| Error::shape("read", error.to_string()))
    }
}
