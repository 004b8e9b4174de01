//! Plans: pure arithmetic from shapes, limits and choices to a list of passes. No wgpu type in it.

mod choices;
mod conv;
mod convolve;
mod copy;
mod extend;
mod fft;
mod formula;
mod gemm;
mod guard;
mod hadamard;
#[cfg(all(feature = "translate", not(target_arch = "wasm32")))]
mod inventory;
mod limits;
mod lines;
mod lower;
#[cfg(feature = "conformance")]
mod map;
mod overlap_add;
mod pair;
mod parameters;
mod pieces;
mod pool;
mod prepare;
mod program;
mod random;
mod reduce;
mod stored;
mod stream;
mod symmetric;
mod trigonometric;

pub use choices::{Choices, Sharing, Tile};
#[cfg(feature = "cpu")]
pub(crate) use conv::geometry::{Axis as PhaseAxis, phases};
pub(crate) use convolve::recipe as convolve_recipe;
pub use fft::FftChoices;
pub(crate) use fft::{FftRecipe, spectrum};
#[cfg(all(feature = "translate", not(target_arch = "wasm32")))]
pub use inventory::{Needed, every_shader};
pub use limits::{DeviceKind, Limits};
pub use lower::lower;
#[cfg(feature = "conformance")]
pub(crate) use map::map_program;
pub use program::{BufferId, Constant, Pass, Program, Window};
pub use stream::StreamTiles;
