//! The driver's pipeline cache on disk: compiled shaders survive the process.
//!
//! The file carries its own header (magic, length, checksum), is written to a temporary name and renamed, and is
//! ignored and rewritten when anything about it is wrong.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::device::{OpenedDevice, WGPU_VERSION};

const MAGIC: &[u8; 8] = b"GRISTPC1";

/// wgpu's pipeline cache and the file that keeps it; both absent where the adapter has none.
pub(crate) struct DiskCache {
    cache: Option<wgpu::PipelineCache>,
    path: Option<PathBuf>,
    changed: AtomicBool,
}

impl DiskCache {
    /// Opens the cache of an adapter below `directory`.
    pub(crate) fn open(directory: Option<&PathBuf>, opened: &OpenedDevice) -> Self {
        let absent = Self { cache: None, path: None, changed: AtomicBool::new(false) };
        let Some(directory) = directory else { return absent };
        if !opened.features.contains(wgpu::Features::PIPELINE_CACHE) {
            return absent;
        }
        let path = directory.join(file_name(&opened.info));
        let data = std::fs::read(&path).ok().and_then(|bytes| checked(&bytes).map(<[u8]>::to_vec));
        let create = |data: Option<&[u8]>| {
            opened.guard.call("open", 0, |device| {
                // SAFETY: the bytes come from `get_data` of the same adapter, driver and wgpu (they name the file) and
                // their checksum holds; wgpu checks its own header on top and falls back to an empty cache.
                unsafe {
                    device.create_pipeline_cache(&wgpu::PipelineCacheDescriptor {
                        label: Some("gristmill"),
                        data,
                        fallback: true,
                    })
                }
            })
        };
        match create(data.as_deref()).or_else(|_| create(None)) {
            Ok(cache) => Self { cache: Some(cache), path: Some(path), changed: AtomicBool::new(false) },
            Err(_) => absent,
        }
    }

    /// No cache.
    pub(crate) fn absent() -> Self {
        Self { cache: None, path: None, changed: AtomicBool::new(false) }
    }

    pub(crate) fn cache(&self) -> Option<&wgpu::PipelineCache> {
        self.cache.as_ref()
    }

    pub(crate) fn mark_changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Writes the file if something was added. A cache that cannot be written costs time, not results: it is only
    /// traced.
    pub(crate) fn save(&self) {
        let (Some(cache), Some(path)) = (&self.cache, &self.path) else { return };
        if !self.changed.swap(false, Ordering::Relaxed) {
            return;
        }
        let Some(data) = cache.get_data() else { return };
        if let Err(error) = write(path, &data) {
            tracing::debug!(path = %path.display(), %error, "the pipeline cache was not saved");
        }
    }
}

fn write(path: &std::path::Path, data: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut bytes = Vec::with_capacity(data.len() + 24);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(data.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(data).to_le_bytes());
    bytes.extend_from_slice(data);
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)
}

/// The payload of an undamaged file.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (sum, data) = rest.split_first_chunk::<8>()?;
    let whole = u64::from_le_bytes(*length) == data.len() as u64 && u64::from_le_bytes(*sum) == checksum(data);
    whole.then_some(data)
}

/// FNV-1a, 64 bits: against damage, not against malice.
fn checksum(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn file_name(info: &wgpu::AdapterInfo) -> String {
    let driver: String = format!("{}-{}", info.driver, info.driver_info)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(80)
        .collect();
    format!(
        "pipelines-{:04x}-{:04x}-{}-{driver}-wgpu{}-gristmill{}.bin",
        info.vendor,
        info.device,
        info.backend,
        WGPU_VERSION,
        env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&5u64.to_le_bytes());
        file.extend_from_slice(&checksum(b"hello").to_le_bytes());
        file.extend_from_slice(b"hello");
        assert_eq!(checked(&file), Some(&b"hello"[..]));
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert_eq!(checked(&damaged), None, "byte {at}");
        }
        assert_eq!(checked(&file[..file.len() - 1]), None);
        assert_eq!(checked(&[]), None);
    }
}
