//! Device memory: buffers that go back to a pool, and the failure that poisons them.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::device::Guard;
use crate::error::{Error, Result};
use crate::work::{Storage, StorageCell};

/// Idle memory that a pool keeps; what is beyond goes back to the driver.
const MOST_IDLE_BYTES: u64 = 512 << 20;

/// A tensor's memory on the device.
pub(crate) struct DeviceBuffer {
    buffer: wgpu::Buffer,
    bytes: u64,
    /// The engine that it belongs to, by address.
    owner: usize,
    /// The first error of the work that should have written it.
    failure: OnceLock<Error>,
    /// `None` for a buffer that a host application owns.
    pool: Option<Weak<Pool>>,
    /// Somebody else decides when the last work on it runs, so it must not be used again.
    retired: AtomicBool,
}

impl DeviceBuffer {
    /// Wraps a host application's buffer.
    pub(crate) fn borrowed(buffer: wgpu::Buffer, owner: usize) -> Self {
        let bytes = buffer.size();
        Self { buffer, bytes, owner, failure: OnceLock::new(), pool: None, retired: AtomicBool::new(false) }
    }

    pub(crate) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Bytes that the tensor uses; the buffer may be larger.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn owner(&self) -> usize {
        self.owner
    }

    /// Marks the content as never written, with the reason; the first reason stays.
    pub(crate) fn poison(&self, error: &Error) {
        let _ = self.failure.set(error.clone());
    }

    /// Keeps the buffer out of the pool for good.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// The error of the work that should have written this.
    pub(crate) fn check(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        // Later work runs after earlier work on the one queue, so a buffer may be written again at once. Host writes
        // never target pooled buffers: uploads are recorded copies from staging memory.
        let Some(pool) = self.pool.as_ref().and_then(Weak::upgrade) else { return };
        if self.retired.load(Ordering::Relaxed) {
            pool.release(self.buffer.clone());
        } else {
            pool.put(self.buffer.clone());
        }
    }
}

/// Shared handle: the tensor's and the recorder's.
pub(crate) struct DeviceCell(pub(crate) Arc<DeviceBuffer>);

impl StorageCell for DeviceCell {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl DeviceCell {
    pub(crate) fn storage(buffer: Arc<DeviceBuffer>) -> Storage {
        Storage(Arc::new(Self(buffer)))
    }
}

/// How a pool has been used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Buffers that the driver created.
    pub created: u64,
    /// Requests that an idle buffer served.
    pub reused: u64,
    /// Bytes that lie idle now.
    pub idle_bytes: u64,
    /// Bytes of all buffers that the pool made and has not released.
    pub total_bytes: u64,
}

/// Storage buffers by size class.
pub(crate) struct Pool {
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    buffers: BTreeMap<u64, Vec<wgpu::Buffer>>,
    /// Buffers past the limit, kept until the next call that may talk to the driver.
    surplus: Vec<wgpu::Buffer>,
    statistics: PoolStatistics,
}

impl Pool {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { idle: Mutex::new(Idle::default()) })
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer of at least `bytes` bytes, idle or new.
    pub(crate) fn take(
        self: &Arc<Self>,
        op: &'static str,
        bytes: u64,
        largest: u64,
        guard: &Guard,
        owner: usize,
    ) -> Result<DeviceBuffer> {
        let class = size_class(bytes, largest);
        let (found, surplus) = {
            let mut idle = self.lock();
            let found = idle.buffers.get_mut(&class).and_then(Vec::pop);
            if found.is_some() {
                idle.statistics.reused += 1;
                idle.statistics.idle_bytes -= class;
            }
            (found, std::mem::take(&mut idle.surplus))
        };
        let buffer = match found {
            Some(buffer) => buffer,
            None => {
                let created = guard.call(op, class, |device| {
                    drop(surplus);
                    device.create_buffer(&wgpu::BufferDescriptor {
                        label: Some("gristmill"),
                        size: class,
                        usage: wgpu::BufferUsages::STORAGE
                            | wgpu::BufferUsages::COPY_SRC
                            | wgpu::BufferUsages::COPY_DST,
                        mapped_at_creation: false,
                    })
                })?;
                let mut idle = self.lock();
                idle.statistics.created += 1;
                idle.statistics.total_bytes += class;
                created
            }
        };
        let pool = Some(Arc::downgrade(self));
        Ok(DeviceBuffer { buffer, bytes, owner, failure: OnceLock::new(), pool, retired: AtomicBool::new(false) })
    }

    fn put(&self, buffer: wgpu::Buffer) {
        let class = buffer.size();
        let mut idle = self.lock();
        if idle.statistics.idle_bytes + class > MOST_IDLE_BYTES {
            idle.statistics.total_bytes -= class;
            idle.surplus.push(buffer);
        } else {
            idle.statistics.idle_bytes += class;
            idle.buffers.entry(class).or_default().push(buffer);
        }
    }

    fn release(&self, buffer: wgpu::Buffer) {
        let mut idle = self.lock();
        idle.statistics.total_bytes -= buffer.size();
        idle.surplus.push(buffer);
    }

    /// Gives all idle memory back to the driver.
    pub(crate) fn trim(&self, guard: &Guard) -> Result<()> {
        let released = {
            let mut idle = self.lock();
            idle.statistics.total_bytes -= idle.statistics.idle_bytes;
            idle.statistics.idle_bytes = 0;
            let buffers = std::mem::take(&mut idle.buffers);
            (buffers, std::mem::take(&mut idle.surplus))
        };
        guard.call("trim", 0, |_| drop(released))
    }

    pub(crate) fn statistics(&self) -> PoolStatistics {
        self.lock().statistics
    }
}

/// Sizes are rounded up to a quarter of a power of two, so that reuse is likely and at most a fifth is wasted.
fn size_class(bytes: u64, largest: u64) -> u64 {
    let bytes = bytes.max(256);
    let step = (bytes.next_power_of_two() / 8).max(256);
    bytes.div_ceil(step).saturating_mul(step).min(largest.max(bytes)).div_ceil(4) * 4
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn size_classes_hold_the_request_and_waste_little() {
        for bytes in [0, 1, 255, 256, 257, 1000, 4096, 5000, 1 << 20, (1 << 20) + 1, 77_777_777] {
            let class = size_class(bytes, 1 << 31);
            assert!(class >= bytes && class.is_multiple_of(4));
            assert!(bytes < 4096 || class as f64 <= bytes as f64 * 1.25 + 256.0, "{bytes} → {class}");
        }
        assert_eq!(size_class(256 << 20, 256 << 20), 256 << 20);
    }
}
