//! Matrix products of outside cases: `transA`, `transB`, `alpha`, `beta`, an optional C.

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops;

pub(super) fn gemm(case: &Case, context: &Context) -> Result<Outputs> {
    for (attribute, supported) in [("accumulate", "float32"), ("out_dtype", "float32")] {
        if let Some(other) = case.text(attribute).filter(|asked| *asked != supported) {
            return Err(case.unsupported(format!("{attribute} {other}")));
        }
    }
    let (a, b) = (context.upload(&case.real("A")?)?, context.upload(&case.real("B")?)?);
    let a = if case.flag("transA") { a.transpose() } else { a };
    let b = if case.flag("transB") { b.transpose() } else { b };
    let c = case.optional("C")?.and_then(HostArray::into_f32).map(|c| context.upload(&c)).transpose()?;
    let alpha = case.number("alpha").unwrap_or(1.0) as f32;
    let beta = case.number("beta").unwrap_or(0.0) as f32;
    let out = ops::gemm(alpha, &a, &b, beta, c.as_ref())?.read_blocking()?;
    Ok(vec![("out", HostArray::F32(out))])
}
