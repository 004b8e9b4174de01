//! Tensors and a host application's own wgpu objects, without copies.

use std::sync::{Arc, PoisonError};

use super::Engine;
use super::buffer::{DeviceBuffer, DeviceCell};
use super::recorder::Batch;
use crate::error::{Error, Result};
use crate::tensor::{Element, Tensor};
use crate::work::{Executor, Layout};

impl<E: Element> Tensor<E> {
    /// The device buffer that holds the tensor, and the byte at which its first entry lies; `None` on the CPU. Call
    /// [`encode_into`](Tensor::encode_into) or [`Context::flush`](crate::Context::flush) before using its content.
    pub fn buffer(&self) -> Option<(&wgpu::Buffer, u64)> {
        let cell: &DeviceCell = self.storage().downcast()?;
        Some((cell.0.buffer(), (self.layout().offset * size_of::<E>()) as u64))
    }

    /// Writes everything that is recorded on the tensor's Context into the application's own encoder instead of
    /// submitting it. The tensor's content is there once the application has submitted the encoder; until then no op may
    /// take what was recorded, and nothing of it may be read through the library.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on the CPU, and the errors of the device.
    pub fn encode_into(&self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        let executor = self.executor().as_any();
        let engine: &Engine = executor.downcast_ref().ok_or_else(|| Error::Unsupported {
            op: "encode_into",
            message: "the tensor lives on the CPU, which has no encoder".to_owned(),
        })?;
        engine.own("encode_into", self.storage())?;
        engine.encode_into(encoder)
    }
}

impl Engine {
    /// A tensor over a host application's buffer.
    pub(crate) fn adopt<E: Element>(
        self: &Arc<Self>,
        buffer: &wgpu::Buffer,
        shape: &[usize],
        offset_bytes: u64,
    ) -> Result<Tensor<E>> {
        let op = "from_buffer";
        let size = size_of::<E>() as u64;
        if !offset_bytes.is_multiple_of(size) {
            return Err(Error::argument(op, format!("offset {offset_bytes}"), format!("must be a multiple of {size}")));
        }
        let layout = Layout { offset: (offset_bytes / size) as usize, ..Layout::contiguous(shape) };
        // The device reads whole words.
        let needed = (layout.end() as u64).saturating_mul(size).checked_next_multiple_of(4).unwrap_or(u64::MAX);
        if needed > buffer.size() {
            let message =
                format!("a tensor of {shape:?} from byte {offset_bytes} needs {needed} bytes, the buffer has ");
            return Err(Error::shape(op, message + &buffer.size().to_string()));
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        if !buffer.usage().contains(usage) {
            return Err(Error::argument(op, "buffer", "must be created with the usages STORAGE and COPY_SRC"));
        }
        let adopted = DeviceBuffer::borrowed(buffer.clone(), self.identity());
        let executor: Arc<dyn Executor> = self.clone();
        Ok(Tensor::new(executor, DeviceCell::storage(Arc::new(adopted)), layout))
    }

    fn encode_into(&self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        // The host decides when this runs, so nothing that it touches may serve other work: the next batch gets a uniform
        // buffer of its own, the pool lets go of every buffer that the commands name, and tables whose upload is among
        // them are uploaded again.
        let uniform = super::new_uniform(&self.guard)?;
        self.constants.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut recorded = std::mem::replace(&mut *self.lock_batch(), Batch::new(uniform));
        recorded.retire_buffers();
        let outcome = self.guard.call("encode_into", 0, |_| {
            recorded.prepare(&self.queue);
            recorded.encode(encoder);
        });
        if let Err(error) = &outcome {
            recorded.poison(error);
        }
        recorded.staging.drain(..).for_each(|chunk| self.staging.forget(chunk));
        outcome
    }
}
