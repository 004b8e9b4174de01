//! Attention of outside cases: `scale`, `causal`, `window`, `softcap`, a mask; `… × heads × n × d`.

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops::{self, AttentionMask, AttentionOptions};

pub(super) fn attention(case: &Case, context: &Context) -> Result<Outputs> {
    let upload = |name: &str| context.upload(&case.real(name)?);
    let mask = match case.optional("mask")? {
        None => None,
        Some(HostArray::I64(mask)) => {
            Some(AttentionMask::Boolean(context.upload(&mask.mapv(|keep| u32::from(keep != 0)))?))
        }
        Some(_) => Some(AttentionMask::Additive(upload("mask")?)),
    };
    let options = AttentionOptions {
        scale: case.number("scale").map(|scale| scale as f32),
        softcap: case.number("softcap").filter(|cap| *cap != 0.0).map(|cap| cap as f32),
        causal: case.flag("causal"),
        window: case.number("window").map(|window| window as u32),
        mask,
    };
    let out = ops::attention(&upload("Q")?, &upload("K")?, &upload("V")?, &options)?;
    Ok(vec![("Y", HostArray::F32(out.read_blocking()?))])
}

pub(super) fn linear_attention(case: &Case, context: &Context) -> Result<Outputs> {
    if let Some(map) = case.text("feature_map").filter(|map| !map.starts_with("identity")) {
        return Err(case.unsupported(format!("feature map {map}")));
    }
    let upload = |name: &str| context.upload(&case.real(name)?);
    let out = ops::linear_attention(&upload("Q")?, &upload("K")?, &upload("V")?)?;
    Ok(vec![("Y", HostArray::F32(out.read_blocking()?))])
}
