//! Functions of entries at equal places, so that a method can end in an expression without a kind of work of its own.

use super::record;
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula};
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::tensor::{Complex32, Tensor, upload_slice};
use crate::work::{FormulaWork, Layout, Operand, PairWork, Work};

/// `f(x)` of every entry, in the shape of `x`: of pairs of rows of one feature, the inner product of `[x]` and `[1]` is x.
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

/// `f` of the entries of tensors of one shape at equal places: the tensors are the [i-variables](Expr::vi) 0, 1, … of
/// dimension 1. A formula without anything to sum over.
pub(crate) fn zip<const N: usize>(op: &'static str, tensors: [&Tensor; N], f: Expr) -> Result<Tensor> {
    let rows = tensors.iter().map(|t| t.reshape(&[t.len(), 1])).collect::<Result<Vec<_>>>()?;
    formula(op, &rows, f, tensors.first().map_or(&[][..], |t| t.shape()))
}

/// [`zip`] of complex numbers: the variables have two components, real and imaginary part, and so has `f`.
pub(crate) fn zip_complex<const N: usize>(
    op: &'static str,
    tensors: [&Tensor<Complex32>; N],
    f: Expr,
) -> Result<Tensor<Complex32>> {
    let parts = |t: &&Tensor<Complex32>| -> Result<Tensor> { Ok(t.reshape(&[t.len()])?.view_as_real()) };
    let rows = tensors.iter().map(parts).collect::<Result<Vec<_>>>()?;
    let mut shape = tensors.first().map_or(Vec::new(), |t| t.shape().to_vec());
    shape.push(2);
    formula(op, &rows, f, &shape)?.view_as_complex()
}

/// `f` of rows at equal places.
fn formula(op: &'static str, rows: &[Tensor], f: Expr, shape: &[usize]) -> Result<Tensor> {
    let formula = Formula::new(f)?;
    let Some(first) = rows.first() else { return Err(Error::argument(op, "tensors", "are none")) };
    let operands: Vec<_> = rows.iter().map(Tensor::operand).collect();
    let work = FormulaWork { op, formula, n: first.shape()[0], m: 1 };
    record(first, &Work::Formula(work), &operands, shape)
}

/// The product of two complex numbers of a formula.
pub(crate) fn complex_product(a: &Expr, b: &Expr) -> Expr {
    let part = |z: &Expr, at: usize| z.component(at);
    let re = part(a, 0) * part(b, 0) - part(a, 1) * part(b, 1);
    let im = part(a, 0) * part(b, 1) + part(a, 1) * part(b, 0);
    re.concat(&im)
}

/// The conjugate of a complex number of a formula.
pub(crate) fn conjugate(z: &Expr) -> Expr {
    z.component(0).concat(&-z.component(1))
}
