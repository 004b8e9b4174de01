//! Host memory for many entries.

use crate::error::{Error, Result};

/// An empty vector with room for `len` entries.
///
/// Its pages are large where the system has such: the first touch of 2048 small ones costs several times as much as the
/// copy that fills them.
pub fn room<T>(op: &'static str, len: usize) -> Result<Vec<T>> {
    let mut entries: Vec<T> = Vec::new();
    let requested = (len as u64).saturating_mul(size_of::<T>() as u64);
    entries.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { op, requested })?;
    prefer_large_pages(entries.as_mut_ptr().cast(), len * size_of::<T>());
    Ok(entries)
}

/// Asks the system for large pages under `bytes` bytes from `start` on. Their content stays.
#[cfg(target_os = "linux")]
pub fn prefer_large_pages(start: *mut u8, bytes: usize) {
    /// Where large pages start on the usual machines; on others the request covers less than it could.
    const LARGE: usize = 2 << 20;
    let first = start.addr().next_multiple_of(LARGE);
    let end = (start.addr() + bytes) / LARGE * LARGE;
    if first < end {
        // SAFETY: the advice changes neither the content nor the ownership of any page; a range that the system does not
        // know is an error, which costs nothing but the speed.
        unsafe { libc::madvise(start.with_addr(first).cast(), end - first, libc::MADV_HUGEPAGE) };
    }
}

/// Elsewhere the system decides by itself.
#[cfg(not(target_os = "linux"))]
pub fn prefer_large_pages(_start: *mut u8, _bytes: usize) {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn room_is_there_or_refused() {
        for len in [0, 1, 1000, 3_000_001] {
            let mut entries = room::<u16>("read", len).unwrap();
            assert!(entries.is_empty() && entries.capacity() >= len);
            entries.extend((0..len).map(|i| i as u16));
            assert!(entries.iter().enumerate().all(|(i, &entry)| entry == i as u16));
        }
        let error = room::<f32>("read", usize::MAX).unwrap_err();
        assert!(matches!(error, Error::OutOfMemory { op: "read", requested: u64::MAX }));
    }
}
