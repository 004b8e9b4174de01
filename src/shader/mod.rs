//! Shaders: a `.wgsl` file that stands on its own, and a generated tail with what varies.
//!
//! The WGSL text is the single truth for bindings, workgroup size and workgroup memory: naga reads them here, and
//! nothing in Rust repeats them.

mod compose;

pub use compose::{Scalar, Shader, ShaderFile, Tail};
