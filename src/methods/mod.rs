//! What people do with the ops, a page each: density estimation, two-sample discrepancy, random features, nearest
//! neighbours, covariance, kernels on lattices, images and signals. Nothing here knows a device.

mod density;
mod discrepancy;
mod features;
mod gaussian;
mod lattice;
mod neighbors;
mod scatter;
pub mod signal;

pub use density::{DensityKernel, density_1d, log_density};
#[cfg(not(target_arch = "wasm32"))]
pub use discrepancy::mmd2_blocking;
pub use discrepancy::{Discrepancy, mmd2};
pub use features::{random_features, random_frequencies};
pub use gaussian::{Bandwidth, gaussian_density};
pub use lattice::{LatticeGram, digital_net, lattice, random_shift};
pub use neighbors::{Vote, class_probabilities, nearest_neighbors};
pub use scatter::{inverse_covariance, variances};
