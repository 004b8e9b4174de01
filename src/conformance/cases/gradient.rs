//! Gradients of kernel sums of outside cases.

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::ops::{GradientOf, kernel_sum_gradient};

/// `g[i] = ∇ᵢ Σⱼ k(xᵢ, yⱼ) bⱼ` for a Gaussian of length scale s.
pub(super) fn kernel_sum(case: &Case, context: &Context) -> Result<Outputs> {
    let kernel = match case.text("kernel") {
        Some("gaussian") => Kernel::rbf_length(f64::from(case.needed("s")?)),
        other => return Err(case.unsupported(format!("the gradient of the kernel {other:?}"))),
    };
    let (x, y) = (context.upload(&case.real("X")?)?, context.upload(&case.real("Y")?)?);
    let b = context.upload(&case.real("b")?)?;
    let gradient = kernel_sum_gradient(&x, &y, &kernel, Some(&b), None, GradientOf::X)?.read_blocking()?;
    Ok(vec![("g", HostArray::F32(gradient))])
}
