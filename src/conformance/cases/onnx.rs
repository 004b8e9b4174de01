//! ONNX's operator Attention, opsets 23 to 25. What it says of which key a query sees becomes one additive mask: its
//! causal diagonal starts at the top left, after the cache.

use ndarray::{ArrayD, Axis, IxDyn, concatenate};

use super::case::{Case, Outputs};
use super::npy::HostArray;
use super::reduce::shaped;
use crate::context::Context;
use crate::error::Result;
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{self, AttentionMask, AttentionOptions, ReduceOptions};

pub(super) fn attention(case: &Case, context: &Context) -> Result<Outputs> {
    let flat = case.real("in0_Q")?.ndim() == 3;
    let q = heads(case, case.real("in0_Q")?, "q_num_heads")?;
    let k = heads(case, case.real("in1_K")?, "kv_num_heads")?;
    let v = heads(case, case.real("in2_V")?, "kv_num_heads")?;
    let cached = |name: &str, now: ArrayD<f32>| match case.optional(name)?.and_then(HostArray::into_f32) {
        None => Ok((0, now)),
        Some(past) => {
            let joined = concatenate(Axis(2), &[past.view(), now.view()]);
            Ok((past.shape().get(2).copied().unwrap_or(0), joined.map_err(|error| case.error(error.to_string()))?))
        }
    };
    let ((past, k), (_, v)) = (cached("in4_past_key", k)?, cached("in5_past_value", v)?);
    let (&[batch, count, n, d], &[_, groups, m, _]) = (q.shape(), k.shape()) else {
        return Err(case.error(format!("Q {:?} and K {:?} must have four axes", q.shape(), k.shape())));
    };
    let bias = bias(case, [batch, count, n, m], past)?;
    let scale = case.number("scale").map_or((1.0 / (d.max(1) as f64).sqrt()) as f32, |scale| scale as f32);
    let softcap = case.number("softcap").filter(|cap| *cap != 0.0).map(|cap| cap as f32);
    let mask = Some(AttentionMask::Additive(context.upload(&bias)?));
    let options = AttentionOptions { scale: Some(scale), softcap, mask, ..AttentionOptions::default() };
    let (q_there, k_there) = (context.upload(&q)?, context.upload(&k)?);
    let out = ops::attention(&q_there, &k_there, &context.upload(&v)?, &options)?.read_blocking()?;
    let out = if flat {
        let columns = count * v.shape().get(3).copied().unwrap_or(0);
        let rows = out.permuted_axes(IxDyn(&[0, 2, 1, 3])).as_standard_layout().into_owned();
        shaped(case, rows, &[batch, n, columns])?
    } else {
        out
    };
    let mut outputs = vec![("out0_Y", HostArray::F32(out))];
    if case.wants("out3_qk_matmul_output") {
        let identity = ArrayD::from_shape_fn(IxDyn(&[batch, groups, m, m]), |at| f32::from(u8::from(at[2] == at[3])));
        let mode = case.number("qk_matmul_output_mode").unwrap_or(0.0) as u32;
        let scores = if mode == 3 {
            // The weights themselves are what attention makes of one value per key.
            ops::attention(&q_there, &k_there, &context.upload(&identity)?, &options)?.read_blocking()?
        } else {
            let cap = softcap.filter(|_| mode > 0);
            let mut scores = scores(case, context, (&q, &k), scale, cap)?;
            if mode == 2 {
                scores += &bias;
            }
            scores
        };
        outputs.push(("out3_qk_matmul_output", HostArray::F32(scores)));
    }
    outputs.extend([("out1_present_key", HostArray::F32(k)), ("out2_present_value", HostArray::F32(v))]);
    Ok(outputs)
}

/// `batch × n × (heads · d)` as `batch × heads × n × d`; four axes stay.
fn heads(case: &Case, array: ArrayD<f32>, attribute: &str) -> Result<ArrayD<f32>> {
    let &[batch, n, columns] = array.shape() else { return Ok(array) };
    let count = case.number(attribute).unwrap_or(1.0).max(1.0) as usize;
    let split = shaped(case, array, &[batch, n, count, columns / count])?;
    Ok(split.permuted_axes(IxDyn(&[0, 2, 1, 3])).as_standard_layout().into_owned())
}

/// What is added to the score of every query and key.
fn bias(case: &Case, [batch, heads, n, m]: [usize; 4], past: usize) -> Result<ArrayD<f32>> {
    let filled = case.optional("in6_nonpad_kv_seqlen")?.and_then(HostArray::into_f32);
    let mask = match case.optional("in3_attn_mask")? {
        Some(HostArray::I64(keep)) => Some(keep.mapv(|keep| if keep != 0 { 0.0 } else { f32::NEG_INFINITY })),
        Some(other) => other.into_f32(),
        None => None,
    };
    let mask = mask.as_ref().map(|mask| {
        let spread = mask.broadcast(IxDyn(&[batch, heads, n, m]));
        spread.ok_or_else(|| case.unsupported(format!("a mask of shape {:?}", mask.shape())))
    });
    let mask = mask.transpose()?;
    let causal = case.number("is_causal") == Some(1.0);
    let window = |name: &str| case.number(name).filter(|size| *size >= 0.0).map(|size| size as i64);
    let (left, right) = (window("left_window_size"), window("right_window_size"));
    Ok(ArrayD::from_shape_fn(IxDyn(&[batch, heads, n, m]), |at| {
        let (i, j) = (at[2] as i64, at[3] as i64);
        let keys = filled.as_ref().and_then(|filled| filled.get(IxDyn(&[at[0]]))).map(|keys| *keys as i64);
        let own = i + keys.map_or(past as i64, |keys| keys - n as i64);
        let seen = keys.is_none_or(|keys| j < keys)
            && (!causal || j <= own)
            && left.is_none_or(|left| j >= own - left)
            && right.is_none_or(|right| j <= own + right);
        if seen { mask.as_ref().map_or(0.0, |mask| mask[&at]) } else { f32::NEG_INFINITY }
    }))
}

/// The scores before any mask: sums against one value per key.
fn scores(
    case: &Case,
    context: &Context,
    (q, k): (&ArrayD<f32>, &ArrayD<f32>),
    scale: f32,
    cap: Option<f32>,
) -> Result<ArrayD<f32>> {
    let (&[batch, heads, n, _], &[_, groups, m, _]) = (q.shape(), k.shape()) else {
        return Err(case.error("Q and K must have four axes".to_owned()));
    };
    let scaled = Expr::parameter(scale) * Expr::variable(0);
    let finish = cap.map_or(scaled.clone(), |cap| Expr::parameter(cap) * (scaled / Expr::parameter(cap)).tanh());
    let function = PairFunction { terms: vec![Metric::INNER_PRODUCT], finish };
    let identity = context.upload(&ndarray::Array2::<f32>::eye(m))?;
    let mut all = ArrayD::zeros(IxDyn(&[batch, heads, n, m]));
    for b in 0..batch {
        for head in 0..heads {
            let of = |array: &ArrayD<f32>, head: usize| {
                context.upload(&array.index_axis(Axis(0), b).index_axis(Axis(0), head).to_owned())
            };
            let (q, k) = (of(q, head)?, of(k, head * groups / heads)?);
            let block =
                ops::pair_sum(&q, &k, &function, Some(&identity), &ReduceOptions::default())?.read_blocking()?;
            all.index_axis_mut(Axis(0), b).index_axis_mut(Axis(0), head).assign(&block);
        }
    }
    Ok(all)
}
