//! Plans: pure arithmetic from shapes, limits and choices to a list of passes. No wgpu type in it.

mod choices;
mod guard;
mod limits;
mod stream;
mod lower;
mod program;

pub use choices::{Choices, Sharing, Tile};
pub use limits::{DeviceKind, Limits};
pub use lower::lower;
pub use stream::StreamTiles;
pub use program::{BufferId, Constant, Pass, Program, Window};
