//! Between host and device: `ndarray` views on this side, bytes on the other.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

use super::{Element, HostElement, Tensor};
use crate::error::{Error, Result};
use crate::memory::with_room;
use crate::work::{Executor, Layout, Pending, Storage};

/// Copies an array to an executor.
pub(crate) fn upload<A: HostElement, D: Dimension>(
    executor: &Arc<dyn Executor>,
    array: &ArrayRef<A, D>,
) -> Result<Tensor<A::Device>> {
    if let Some(entries) = array.as_slice().and_then(A::as_device) {
        return upload_slice(executor, entries, array.shape());
    }
    let mut converted = with_room("upload", array.len())?;
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
        let entries = read(&**packed.executor(), packed.storage(), packed.first(), self.len()).await?;
        self.to_array(entries)
    }

    /// Waits for the entries and copies them to the host. Blocks the thread.
    ///
    /// # Errors
    /// The error of the work that should have written the tensor, or of the device.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read_blocking(&self) -> Result<ArrayD<E>> {
        let packed = self.contiguous()?;
        let (offset, bytes) = byte_range::<E>(packed.first(), self.len());
        let mut entries = Vec::new();
        let take = Box::new(|bytes: &[u8]| taken(bytes, &mut entries));
        packed.executor().read_blocking(packed.storage(), offset, bytes, take)?;
        self.to_array(entries)
    }

    /// The first entry of a packed view. A view of nothing may start past the end.
    fn first(&self) -> usize {
        if self.is_empty() { 0 } else { self.layout().offset }
    }

    fn to_array(&self, entries: Vec<E>) -> Result<ArrayD<E>> {
        ArrayD::from_shape_vec(IxDyn(self.shape()), entries).map_err(|error| Error::shape("read", error.to_string()))
    }
}

/// Asks for entries that lie next to each other, at once, and waits for them without blocking.
pub(crate) fn read<'a, E: Element>(
    executor: &'a dyn Executor,
    storage: &Storage,
    first: usize,
    len: usize,
) -> Pending<'a, Vec<E>> {
    let slot = Arc::new(Mutex::new(Vec::new()));
    let told = slot.clone();
    let (offset, bytes) = byte_range::<E>(first, len);
    let take = move |bytes: &[u8]| taken(bytes, &mut told.lock().unwrap_or_else(PoisonError::into_inner));
    let pending = executor.read(storage, offset, bytes, Box::new(take));
    Box::pin(async move {
        pending.await?;
        Ok(std::mem::take(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner)))
    })
}

fn byte_range<E>(first: usize, len: usize) -> (u64, u64) {
    let size = size_of::<E>() as u64;
    (first as u64 * size, len as u64 * size)
}

/// The one copy on the way to the host.
fn taken<E: Element>(bytes: &[u8], entries: &mut Vec<E>) -> Result<()> {
    *entries = with_room("read", bytes.len() / size_of::<E>())?;
    match bytemuck::try_cast_slice(bytes) {
        Ok(whole) => entries.extend_from_slice(whole),
        // Mapped memory starts where the driver likes.
        Err(_) => entries.extend(bytes.chunks_exact(size_of::<E>()).map(bytemuck::pod_read_unaligned::<E>)),
    }
    Ok(())
}
