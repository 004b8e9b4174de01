//! Gristmill grinds kernels on any GPU.
#![allow(dead_code, unused_imports)] // until the engine uses every part

mod error;
mod expr;
mod kernel;
mod metric;
mod plan;
mod shader;
mod work;

pub use error::{Error, Result};
