//! Shaders: a `.wgsl` file that stands on its own, and a generated tail with what varies.
//!
//! The WGSL text is the single truth for bindings, workgroup size and workgroup memory: naga reads them here, and
//! nothing in Rust repeats them. The check of an [`Interface`] against a device's limits lies in `plan::guard`, because
//! limits are the plan's.

mod compose;
mod message;
mod module;
mod reflect;
#[cfg(all(feature = "translate", not(target_arch = "wasm32")))]
mod translate;

#[cfg(test)]
pub(crate) use compose::MATH;
pub use compose::{Shader, ShaderFile, Tail};
#[cfg(all(feature = "translate", not(target_arch = "wasm32")))]
pub use module::Module;
pub use module::compile;
pub use reflect::{BindingKind, Interface};
#[cfg(all(feature = "translate", not(target_arch = "wasm32")))]
pub use translate::Translation;
