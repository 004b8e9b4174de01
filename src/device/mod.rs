//! Adapters, limits, features, quirks and loss; `guard` is the one door to wgpu's fallible calls.

mod adapter;
mod guard;
mod instance;
mod open;

pub use adapter::{AdapterInfo, Selection};
pub(crate) use adapter::{describe, limits_of};
pub(crate) use guard::Guard;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use guard::in_turn;
pub(crate) use instance::enumerate;
pub(crate) use open::{OpenedDevice, open_adapter};

/// The version of wgpu whose types this library takes and gives.
pub const WGPU_VERSION: &str = "30";
