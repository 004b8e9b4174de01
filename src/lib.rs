//! Gristmill grinds kernels on any GPU.
#![allow(dead_code, unused_imports)] // until the engine uses every part

#[cfg(feature = "cpu")]
mod cpu;
mod device;
mod engine;
mod error;
mod expr;
mod kernel;
mod metric;
mod plan;
mod shader;
mod tensor;
mod work;

pub use device::WGPU_VERSION;
pub use error::{Error, Result};
pub use expr::Expr;
pub use kernel::{Argument, Arguments, Kernel, KernelEntry, PairCode, PairFunction, Parameter, Rule, Statistics};
pub use metric::{Metric, UNIT_ROUNDOFF};
