//! The host's memory for tensors: aligned, fallible to allocate, and used again.
//!
//! A page that the system has just handed out costs about as much as computing what goes into it, so blocks of some
//! size wait in a small pool when their tensor is gone.

use std::alloc::{Layout as Block, alloc_zeroed, dealloc};
use std::any::Any;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use bytemuck::Pod;

use crate::error::{Error, Result};
use crate::memory::prefer_large_pages;
use crate::work::StorageCell;

/// Bytes to which every allocation is aligned: enough for every element type, and no more than the allocator gives
/// anyway, because only then does the system hand out zero pages that nobody has to clear.
const ALIGNMENT: usize = 16;

/// Blocks of at least this many bytes are kept for the next tensor.
const KEPT_FROM: usize = 1 << 18;

/// Bytes that wait at most, in all; a block larger than this goes back to the system at once.
const KEPT: usize = 1 << 27;

/// Blocks whose tensors are gone, the latest last.
static POOL: Mutex<Vec<Memory>> = Mutex::new(Vec::new());

/// A block of bytes that starts aligned for every element type.
pub(super) struct Memory {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a `Memory` owns its bytes alone, like a `Vec<u8>` does, and plain bytes may move between and be read from
// threads.
unsafe impl Send for Memory {}
// SAFETY: as above; writing needs `&mut Memory`.
unsafe impl Sync for Memory {}

impl Memory {
    /// `bytes` bytes with anything in them.
    pub(super) fn anything(op: &'static str, bytes: usize) -> Result<Self> {
        if bytes >= KEPT_FROM {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = pool.iter().rposition(|kept| kept.bytes == bytes) {
                return Ok(pool.remove(at));
            }
        }
        Self::new(op, bytes)
    }

    /// `bytes` zero bytes, fresh from the system.
    fn new(op: &'static str, bytes: usize) -> Result<Self> {
        if bytes == 0 {
            return Ok(Self { start: NonNull::<u128>::dangling().cast(), bytes });
        }
        let refused = Error::OutOfMemory { op, requested: bytes as u64 };
        let Ok(block) = Block::from_size_align(bytes, ALIGNMENT) else { return Err(refused) };
        // SAFETY: `block` has a size above 0.
        let start = NonNull::new(unsafe { alloc_zeroed(block) }).ok_or(refused)?;
        prefer_large_pages(start, bytes);
        Ok(Self { start, bytes })
    }

    /// Room for `len` entries of `T`, all of which the caller will write.
    pub(super) fn for_entries<T: Pod>(op: &'static str, len: usize) -> Result<Self> {
        match len.checked_mul(size_of::<T>()) {
            Some(bytes) => Self::anything(op, bytes),
            None => Err(Error::OutOfMemory { op, requested: u64::MAX }),
        }
    }

    /// A copy of `bytes`.
    pub(super) fn copied(op: &'static str, bytes: &[u8]) -> Result<Self> {
        let mut memory = Self::anything(op, bytes.len())?;
        memory.entries_mut::<u8>().copy_from_slice(bytes);
        Ok(memory)
    }

    /// As many whole entries of `T` as there are bytes for.
    pub(super) fn entries<T: Pod>(&self) -> &[T] {
        const { assert!(align_of::<T>() <= ALIGNMENT && size_of::<T>() > 0) };
        // SAFETY: the block holds that many `T`, is aligned for them (checked above) and initialised (zero at
        // birth); every bit pattern is a valid `T: Pod`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.bytes / size_of::<T>()) }
    }

    /// As many whole entries of `T` as there are bytes for.
    pub(super) fn entries_mut<T: Pod>(&mut self) -> &mut [T] {
        const { assert!(align_of::<T>() <= ALIGNMENT && size_of::<T>() > 0) };
        // SAFETY: as in `entries`, and `&mut self` makes this the only view.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.bytes / size_of::<T>()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if (KEPT_FROM..=KEPT).contains(&self.bytes) {
            let kept = Self { start: self.start, bytes: self.bytes };
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            pool.push(kept);
            let mut room = KEPT;
            let first = pool.iter().rposition(|kept| {
                let fits = kept.bytes <= room;
                room = room.saturating_sub(kept.bytes);
                !fits
            });
            for mut oldest in pool.drain(..first.map_or(0, |first| first + 1)) {
                oldest.release();
            }
        } else {
            self.release();
        }
    }
}

impl Memory {
    /// Gives the bytes back to the system.
    fn release(&mut self) {
        if self.bytes > 0 {
            // SAFETY: allocated in `new` with this very size and alignment.
            unsafe { dealloc(self.start.as_ptr(), Block::from_size_align_unchecked(self.bytes, ALIGNMENT)) }
            self.bytes = 0;
        }
    }
}

impl StorageCell for Memory {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An output slice into which several threads write at once, each its own entries.
#[derive(Clone, Copy)]
pub(super) struct Scatter<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: the pointer is only written through the unsafe methods, whose callers promise disjoint entries.
unsafe impl<T: Send> Send for Scatter<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Scatter<T> {}

impl<T: Pod> Scatter<T> {
    /// Over `entries`, which must outlive every use; the callers keep the borrow alive around their parallel loop.
    pub(super) fn over(entries: &mut [T]) -> Self {
        Self { start: entries.as_mut_ptr(), len: entries.len() }
    }

    /// The entries `start .. start + len`; empty where they do not exist.
    ///
    /// # Safety
    /// No other thread may use these entries while the result lives.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        if start.checked_add(len).is_none_or(|end| end > self.len) {
            return &mut [];
        }
        // SAFETY: in range by the check; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn absurd_sizes_are_errors() {
        assert!(matches!(Memory::anything("copy", usize::MAX), Err(Error::OutOfMemory { .. })));
        assert!(matches!(Memory::for_entries::<u64>("copy", usize::MAX / 2), Err(Error::OutOfMemory { .. })));
    }

    #[test]
    fn bytes_survive() {
        let memory = Memory::copied("copy", &[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(memory.entries::<u8>(), [1, 2, 3, 4, 5]);
        assert_eq!(memory.entries::<u32>().len(), 1);
        let large = vec![7; KEPT_FROM];
        for _ in 0..3 {
            assert_eq!(Memory::copied("copy", &large).unwrap().entries::<u8>(), large);
        }
        assert!(Memory::anything("copy", 0).unwrap().entries::<f32>().is_empty());
    }
}
