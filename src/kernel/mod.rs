//! Kernels k(x, y): expressions over metrics. One entry holds everything about one kernel.

mod pair;

pub use pair::{PairCode, PairFunction};
