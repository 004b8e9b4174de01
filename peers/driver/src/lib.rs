//! What every side of the comparison shares: the tasks with their inputs, what must come out, and the loop that takes
//! orders from the driver.
#![warn(missing_docs)]

mod adapter;
mod check;
mod peer;
mod task;

pub use adapter::is_named;
pub use check::check;
pub use peer::{Peer, Timed, decline, serve};
pub use task::{NEIGHBOURS, Task, Work};
