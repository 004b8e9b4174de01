//! Neural convolution and pooling of outside cases, with ONNX's attributes: `kernel_shape`, `strides`, `pads`, `dilations`,
//! `group`, `auto_pad`, `output_padding`, `output_shape`, `ceil_mode`, `count_include_pad`, `storage_order`.

use ndarray::{ArrayD, IxDyn};

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops::{self, ConvOptions, PoolOptions};

pub(super) fn conv(case: &Case, context: &Context) -> Result<Outputs> {
    convolution(case, context, false)
}

pub(super) fn conv_transpose(case: &Case, context: &Context) -> Result<Outputs> {
    convolution(case, context, true)
}

pub(super) fn average(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, window, options) = pooled(case, false)?;
    let y = ops::pool_mean(&context.upload(&x)?, &window, &options)?.read_blocking()?;
    Ok(vec![(name(case, ["Y", "out0_y"]), HostArray::F32(y))])
}

pub(super) fn global_average(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, window, options) = pooled(case, true)?;
    let y = ops::pool_mean(&context.upload(&x)?, &window, &options)?.read_blocking()?;
    Ok(vec![(name(case, ["Y", "out0_y"]), HostArray::F32(y))])
}

pub(super) fn global_max(case: &Case, context: &Context) -> Result<Outputs> {
    let (x, window, options) = pooled(case, true)?;
    let y = ops::pool_max(&context.upload(&x)?, &window, &options)?.read_blocking()?;
    Ok(vec![(name(case, ["Y", "out0_y"]), HostArray::F32(y))])
}

pub(super) fn max(case: &Case, context: &Context) -> Result<Outputs> {
    let whole = matches!(case.input(name(case, ["X", "in0_x"]))?, HostArray::I64(_));
    let (x, window, options) = pooled(case, false)?;
    let shape = x.shape().to_vec();
    let y = name(case, ["Y", "out0_y"]);
    let x = context.upload(&x)?;
    if !case.wants("out1_z") {
        let values = ops::pool_max(&x, &window, &options)?.read_blocking()?;
        return Ok(vec![(y, if whole { HostArray::I64(values.mapv(|v| v as i64)) } else { HostArray::F32(values) })]);
    }
    let found = ops::pool_max_indices(&x, &window, &options)?;
    // ONNX counts places over all channels, and with storage_order 1 the first spatial axis fastest.
    let spatial = shape.get(2..).unwrap_or(&[]);
    let plane: usize = spatial.iter().product();
    let places = found.indices.read_blocking()?;
    let (channels, column_major) = (shape.get(1).copied().unwrap_or(1), case.number("storage_order") == Some(1.0));
    let numbered = places.indexed_iter().map(|(at, &place)| {
        let (mut rest, mut own, mut step) = (place as usize, 0, plane);
        for length in spatial.iter().rev() {
            step /= length;
            own += rest % length * step;
            rest /= length;
        }
        let own = if column_major { own } else { place as usize };
        ((at[0] * channels + at[1]) * plane + own) as i64
    });
    let numbered = ArrayD::from_shape_vec(IxDyn(places.shape()), numbered.collect());
    let numbered = numbered.map_err(|error| case.error(error.to_string()))?;
    Ok(vec![(y, HostArray::F32(found.values.read_blocking()?)), ("out1_z", HostArray::I64(numbered))])
}

/// The first of these names that the case has.
fn name(case: &Case, names: [&'static str; 2]) -> &'static str {
    if case.wants(names[1]) || case.optional(names[1]).is_ok_and(|input| input.is_some()) { names[1] } else { names[0] }
}

/// An attribute with a number per axis; absent is empty.
fn list(case: &Case, attribute: &str) -> Result<Vec<usize>> {
    Ok(case.indices(attribute, 0)?.unwrap_or_default())
}

/// `pads` as begins and then ends, or what `auto_pad` makes of lengths, window and strides.
fn pads(case: &Case, lengths: &[usize], window: &[usize]) -> Result<Vec<(usize, usize)>> {
    let (given, strides, dilations) = (list(case, "pads")?, list(case, "strides")?, list(case, "dilations")?);
    let axes = lengths.len();
    let upper = match case.text("auto_pad") {
        None | Some("NOTSET") => {
            let at = |axis: usize| given.get(axis).copied().unwrap_or(0);
            return Ok((0..axes).map(|axis| (at(axis), at(axis + axes))).collect());
        }
        Some("VALID") => return Ok(Vec::new()),
        Some("SAME_UPPER") => true,
        Some("SAME_LOWER") => false,
        Some(other) => return Err(case.unsupported(format!("auto_pad {other}"))),
    };
    let same = lengths.iter().zip(window).enumerate().map(|(axis, (length, taps))| {
        let of = |list: &[usize]| list.get(axis).copied().unwrap_or(1);
        let (stride, reach) = (of(&strides), (taps - 1) * of(&dilations) + 1);
        let whole = (length.div_ceil(stride) - 1) * stride + reach;
        split(whole.saturating_sub(*length), upper)
    });
    Ok(same.collect())
}

/// Pads before and after; of an odd number the larger half stands at the end, or in front.
fn split(total: usize, upper: bool) -> (usize, usize) {
    let (less, more) = (total / 2, total - total / 2);
    if upper { (less, more) } else { (more, less) }
}

fn convolution(case: &Case, context: &Context, transposed: bool) -> Result<Outputs> {
    let either = |names: [&'static str; 3]| {
        let present = |name: &&str| case.optional(name).is_ok_and(|input| input.is_some());
        names.into_iter().find(|name| present(name)).unwrap_or(names[0])
    };
    let (x, w) = (case.real(either(["X", "in0_x", "in0_X"]))?, case.real(either(["W", "in1_W", "in1_w"]))?);
    let bias = case.optional(either(["B", "in2_B", "in2_b"]))?.and_then(HostArray::into_f32);
    let (lengths, window) = (x.shape().get(2..).unwrap_or(&[]), w.shape().get(2..).unwrap_or(&[]));
    let mut options = ConvOptions {
        strides: list(case, "strides")?,
        dilations: list(case, "dilations")?,
        groups: case.number("group").unwrap_or(1.0) as usize,
        ..ConvOptions::default()
    };
    if transposed {
        options.output_padding = list(case, "output_padding")?;
        reached(case, lengths, window, &mut options)?;
    } else {
        options.pads = pads(case, lengths, window)?;
    }
    let (x, w) = (context.upload(&x)?, context.upload(&w)?);
    let bias = bias.map(|bias| context.upload(&bias)).transpose()?;
    let run = if transposed { ops::conv_transpose } else { ops::conv };
    let y = run(&x, &w, bias.as_ref(), &options)?.read_blocking()?;
    let y_name = ["out0_y", "out0_Y"].into_iter().find(|name| case.wants(name)).unwrap_or("Y");
    Ok(vec![(y_name, HostArray::F32(y))])
}

/// Pads of a transposed convolution: as given, or such that the result has `output_shape` or, with `auto_pad`, the length times
/// the stride.
fn reached(case: &Case, lengths: &[usize], window: &[usize], options: &mut ConvOptions) -> Result<()> {
    let automatic = matches!(case.text("auto_pad"), Some("SAME_UPPER" | "SAME_LOWER"));
    let shape = list(case, "output_shape")?;
    if shape.is_empty() && !automatic {
        options.pads = pads(case, lengths, window)?;
        return Ok(());
    }
    let upper = case.text("auto_pad") == Some("SAME_UPPER");
    let of = |list: &[usize], axis: usize, otherwise: usize| list.get(axis).copied().unwrap_or(otherwise);
    let mut further = Vec::new();
    for (axis, (length, taps)) in lengths.iter().zip(window).enumerate() {
        let stride = of(&options.strides, axis, 1);
        let reach = (taps - 1) * of(&options.dilations, axis, 1) + 1;
        let extra = of(&options.output_padding, axis, 0);
        let whole = (length - 1) * stride + reach + extra;
        let wanted = of(&shape, axis, length * stride);
        options.pads.push(split(whole.saturating_sub(wanted), upper));
        further.push(extra + wanted.saturating_sub(whole));
    }
    options.output_padding = further;
    Ok(())
}

/// What is pooled, with its window: the attribute's, or everything.
fn pooled(case: &Case, global: bool) -> Result<(ArrayD<f32>, Vec<usize>, PoolOptions)> {
    let x = case.real(name(case, ["X", "in0_x"]))?;
    let lengths = x.shape().get(2..).unwrap_or(&[]);
    if global {
        let window = lengths.to_vec();
        return Ok((x, window, PoolOptions::default()));
    }
    let window = list(case, "kernel_shape")?;
    let is = |attribute: &str| case.number(attribute) == Some(1.0);
    let options = PoolOptions {
        strides: list(case, "strides")?,
        pads: pads(case, lengths, &window)?,
        dilations: list(case, "dilations")?,
        ceil_mode: is("ceil_mode"),
        count_include_pad: is("count_include_pad"),
    };
    Ok((x, window, options))
}
