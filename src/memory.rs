//! Room for many entries in the host's memory, on large pages where the system has such: the first touch of 2048 small ones
//! costs several times as much as the copy that fills them.

use std::ops::Range;
use std::ptr::NonNull;

use crate::error::{Error, Result};

/// Bytes of a large page on the usual machines.
const LARGE_PAGE: usize = 2 << 20;

/// An empty vector with room for `len` entries.
pub(crate) fn with_room<T>(op: &'static str, len: usize) -> Result<Vec<T>> {
    let mut entries: Vec<T> = Vec::new();
    let requested = (len as u64).saturating_mul(size_of::<T>() as u64);
    entries.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { op, requested })?;
    if let Some(start) = NonNull::new(entries.as_mut_ptr()) {
        prefer_large_pages(start.cast(), len * size_of::<T>());
    }
    Ok(entries)
}

/// Asks the system for large pages under the `bytes` bytes of a block of memory. Their content stays.
pub(crate) fn prefer_large_pages(start: NonNull<u8>, bytes: usize) {
    let Some(pages) = large_pages(start.addr().get(), bytes) else { return };
    #[cfg(target_os = "linux")]
    // SAFETY: the pages lie within the block, so no other memory is meant; the advice changes neither the content nor the
    // ownership of any of them. A system that does not know it says so, and nothing is lost but the speed.
    unsafe {
        libc::madvise(start.as_ptr().with_addr(pages.start).cast(), pages.len(), libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = pages;
}

/// The large pages that lie whole within the `bytes` bytes from `start` on.
fn large_pages(start: usize, bytes: usize) -> Option<Range<usize>> {
    let first = start.checked_next_multiple_of(LARGE_PAGE)?;
    let end = start.checked_add(bytes)? / LARGE_PAGE * LARGE_PAGE;
    (first < end).then_some(first..end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn room_is_there_or_refused() {
        for len in [0, 1, 1000, 3_000_001] {
            let mut entries = with_room::<u16>("read", len).unwrap();
            assert!(entries.is_empty() && entries.capacity() >= len);
            entries.extend((0..len).map(|i| i as u16));
            assert!(entries.iter().enumerate().all(|(i, &entry)| entry == i as u16));
        }
        let error = with_room::<f32>("read", usize::MAX).unwrap_err();
        assert!(matches!(error, Error::OutOfMemory { op: "read", requested: u64::MAX }));
    }

    #[test]
    fn large_pages_lie_whole_within_their_block() {
        assert_eq!(large_pages(0, 2 * LARGE_PAGE), Some(0..2 * LARGE_PAGE));
        assert_eq!(large_pages(1, 2 * LARGE_PAGE), Some(LARGE_PAGE..2 * LARGE_PAGE));
        assert_eq!(large_pages(1, 2 * LARGE_PAGE - 2), None);
        assert_eq!(large_pages(LARGE_PAGE, LARGE_PAGE - 1), None);
        assert_eq!(large_pages(usize::MAX - 1, 1), None);
        assert_eq!(large_pages(LARGE_PAGE, usize::MAX), None);
    }
}
