//! Functions of single entries, as pairs of rows of one feature: the inner product of `[x]` and `[1]` is x.

use super::record;
use crate::error::Result;
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::tensor::{Complex32, Tensor, upload_slice};
use crate::work::{Layout, Operand, PairWork, Work};

/// `f(x)` of every entry, in the shape of `x`.
pub(crate) fn map(op: &'static str, x: &Tensor, f: impl FnOnce(Expr) -> Expr) -> Result<Tensor> {
    let one = upload_slice(x.executor(), &[1.0f32], &[1])?;
    let ones = one.with_layout(Layout { shape: x.shape().to_vec(), strides: vec![0; x.rank()], offset: 0 });
    pairs(op, x, &ones, f(Expr::variable(0)))
}

/// `a · b` of entries at equal places; the shapes are equal.
pub(crate) fn product(op: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    pairs(op, a, b, Expr::variable(0))
}

/// `|z|²` of every entry, in the shape of `z`: a row of two features with itself.
pub(crate) fn squared_magnitude(op: &'static str, z: &Tensor<Complex32>) -> Result<Tensor> {
    let z = z.contiguous()?;
    let parts = Layout { offset: 2 * z.layout().offset, ..Layout::contiguous(&[z.len(), 2]) };
    let rows = Operand { storage: z.storage().clone(), layout: parts, element_bytes: size_of::<f32>() };
    let function = PairFunction { terms: vec![Metric::INNER_PRODUCT], finish: Expr::variable(0) };
    let work = Work::Pair(PairWork { op, function, paired: true });
    record(&z, &work, &[rows.clone(), rows], z.shape())
}

fn pairs(op: &'static str, a: &Tensor, b: &Tensor, finish: Expr) -> Result<Tensor> {
    let rows = |t: &Tensor| -> Result<Tensor> {
        let all_equal = t.strides().iter().all(|stride| *stride == 0);
        let column = Layout { shape: vec![t.len(), 1], strides: vec![0, 0], offset: t.layout().offset };
        if all_equal { Ok(t.with_layout(column)) } else { t.reshape(&[t.len(), 1]) }
    };
    let function = PairFunction { terms: vec![Metric::INNER_PRODUCT], finish };
    let work = Work::Pair(PairWork { op, function, paired: true });
    record(a, &work, &[rows(a)?.operand(), rows(b)?.operand()], a.shape())
}
