//! The reductions: the matrix of the pairs is never stored.

use gristmill::{Kernel, ReduceOptions, Result, Tensor};

/// `Σⱼ exp(−γ‖xᵢ − yⱼ‖²) v[j]` of x, y and v.
pub fn gaussian_matvec(inputs: &[Tensor], gamma: f32) -> Result<Tensor> {
    let kernel = Kernel::rbf(f64::from(gamma));
    gristmill::pair_sum(&inputs[0], &inputs[1], &kernel, Some(&inputs[2]), &ReduceOptions::default())
}

/// The rows of y that are nearest to each row of x.
pub fn argkmin(inputs: &[Tensor], k: usize) -> Result<Tensor<u32>> {
    let found =
        gristmill::smallest(&inputs[0], &inputs[1], &gristmill::Metric::SQEUCLIDEAN, k, &ReduceOptions::default())?;
    Ok(found.indices)
}
