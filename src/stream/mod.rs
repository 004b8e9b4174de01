//! Work on data that the device, or the host, cannot hold: row panels in, tiles out, under one memory budget.
//!
//! Data comes from a [`Source`] and goes to a [`Sink`]. At least two tiles are under way at a time (one on OpenGL), so
//! that reading, computing and writing overlap. Results equal the in-core ones within the same bounds.

mod convolve;
#[cfg(feature = "npy")]
mod npy;
mod pair;
mod sink;
mod source;

pub use convolve::{convolve, convolve_recipe, correlate};
#[cfg(not(target_arch = "wasm32"))]
pub use convolve::{convolve_blocking, correlate_blocking};
#[cfg(feature = "npy")]
pub use npy::{NpySink, NpySource};
pub use pair::{gram, pairwise};
#[cfg(not(target_arch = "wasm32"))]
pub use pair::{gram_blocking, pairwise_blocking};
pub use sink::Sink;
pub use source::Source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::context::Context;

/// How far a streamed job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Entries of the result that are written.
    pub done: u64,
    /// Entries of the result in all.
    pub total: u64,
}

/// Stops a streamed job from another thread: the job ends with [`Error::Cancelled`](crate::Error::Cancelled) after its
/// current tile.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a streamed job calls after every tile.
pub type OnProgress<'a> = dyn FnMut(Progress) + Send + 'a;

/// Options of a streamed job.
pub struct StreamOptions<'a> {
    /// Bytes that the job may hold at a time, on the device and the host together.
    pub memory_budget: u64,
    /// Called after every tile.
    pub progress: Option<&'a mut OnProgress<'a>>,
    /// Stops the job.
    pub cancel: Option<Cancel>,
}

impl Default for StreamOptions<'_> {
    fn default() -> Self {
        Self { memory_budget: 256 << 20, progress: None, cancel: None }
    }
}

/// Tiles that are under way at a time, and bytes that a buffer may have.
fn tiles_and_bytes(context: &Context) -> (u64, u64) {
    let most_in_flight = if context.info().backend == "gl" || context.is_cpu() { 1 } else { 2 };
    (most_in_flight, context.limits().map_or(u64::MAX, |limits| limits.max_buffer_bytes))
}
