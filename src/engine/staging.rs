//! The staging ring: mapped memory through which uploads go. It is reused, because `write_buffer` allocates and
//! copies anew every time and is several times slower.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::Guard;
use crate::error::{Error, Result};

/// Size of one piece of the ring.
pub(crate) const CHUNK_BYTES: u64 = 4 << 20;
/// Pieces after which an upload waits for the device to give one back.
const MOST_CHUNKS: usize = 16;

/// A mapped piece and how much of it is filled.
pub(crate) struct Chunk {
    pub(crate) buffer: wgpu::Buffer,
    pub(crate) used: u64,
}

/// Pieces that are mapped and idle, and how many there are in all.
pub(crate) struct StagingRing {
    shared: Arc<Mutex<Ring>>,
}

#[derive(Default)]
struct Ring {
    ready: VecDeque<wgpu::Buffer>,
    existing: usize,
}

impl StagingRing {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    fn pop(&self) -> Option<Chunk> {
        let mut ring = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        ring.ready.pop_front().map(|buffer| Chunk { buffer, used: 0 })
    }

    /// Whether another piece must be waited for before one more is made.
    pub(crate) fn is_exhausted(&self) -> bool {
        let ring = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        ring.ready.is_empty() && ring.existing >= MOST_CHUNKS
    }

    /// A mapped piece: an idle one, else a new one.
    pub(crate) fn take(&self, op: &'static str, guard: &Guard) -> Result<Chunk> {
        if let Some(chunk) = self.pop() {
            return Ok(chunk);
        }
        let buffer = guard.call(op, CHUNK_BYTES, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("gristmill staging"),
                size: CHUNK_BYTES,
                usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: true,
            })
        })?;
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).existing += 1;
        Ok(Chunk { buffer, used: 0 })
    }

    /// Maps a submitted piece again; it is idle once the device has read it. Called inside the guard.
    pub(crate) fn recycle(&self, chunk: Chunk) {
        let shared = self.shared.clone();
        let buffer = chunk.buffer.clone();
        chunk.buffer.map_async(wgpu::MapMode::Write, .., move |outcome| {
            let mut ring = shared.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(()) => ring.ready.push_back(buffer),
                Err(_) => ring.existing = ring.existing.saturating_sub(1),
            }
        });
    }

    /// Gives up a piece whose work somebody else will submit.
    pub(crate) fn forget(&self, _chunk: Chunk) {
        let mut ring = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        ring.existing = ring.existing.saturating_sub(1);
    }
}

impl Chunk {
    /// Copies as much of `bytes` as fits; returns where it lies and how many bytes went.
    pub(crate) fn fill(&mut self, op: &'static str, bytes: &[u8]) -> Result<(u64, usize)> {
        let offset = self.used;
        let count = bytes.len().min((CHUNK_BYTES - offset) as usize);
        // Copies on the device move whole 4-byte words, mapped ranges start at multiples of 8.
        let padded = (count as u64).div_ceil(8) * 8;
        let lost = |error: wgpu::MapRangeError| Error::DeviceLost { op, message: error.to_string() };
        let mut view = self.buffer.get_mapped_range_mut(offset..offset + padded).map_err(lost)?;
        view.slice(..count).copy_from_slice(&bytes[..count]);
        self.used += padded;
        Ok((offset, count))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.used >= CHUNK_BYTES
    }
}
