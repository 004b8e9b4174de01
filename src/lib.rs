//! Gristmill grinds kernels on any GPU.

mod error;
mod expr;
mod kernel;
mod metric;
mod plan;
mod shader;
mod work;

pub use error::{Error, Result};
