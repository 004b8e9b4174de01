//! What rows have in common: their means, taken away, and the same numbers for all of them.

use crate::error::Result;
use crate::ops::gemm;
use crate::tensor::{Element, Tensor, upload_slice};
use crate::work::Layout;

/// `x` of shape rows × n, n ≥ 1, less the mean of each row, and the means (rows × 1).
pub(super) fn centred(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let n = x.shape().last().copied().unwrap_or(1);
    let one = upload_slice(x.executor(), &[1.0f32], &[1])?;
    let ones = |shape: [usize; 2]| one.with_layout(Layout { shape: shape.to_vec(), strides: vec![0, 0], offset: 0 });
    let means = gemm(1.0 / n as f32, x, &ones([n, 1]), 0.0, None)?;
    Ok((gemm(-1.0, &means, &ones([1, n]), 1.0, Some(x))?, means))
}

/// `x` again for every place of axes in front of its own.
pub(super) fn repeated<E: Element>(x: &Tensor<E>, batch: &[usize]) -> Tensor<E> {
    let Layout { shape, strides, offset } = x.layout();
    x.with_layout(Layout {
        shape: [batch, shape].concat(),
        strides: [vec![0; batch.len()], strides.clone()].concat(),
        offset: *offset,
    })
}
