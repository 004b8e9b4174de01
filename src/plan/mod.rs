//! Plans: pure arithmetic from shapes, limits and choices to a list of passes. No wgpu type in it.

mod guard;
mod limits;
mod program;

pub use limits::{DeviceKind, Limits};
pub use program::{BufferId, Constant, Pass, Program, Window};
