//! Short-time transforms and power spectra of outside cases, and ONNX's DFT and STFT.

use ndarray::{ArrayD, Axis, Dimension, IxDyn};
use num_complex::Complex32;

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops::{self, FftOptions, Norm, StftOptions, Window};
use crate::work::Boundary;

/// `n_fft`, `hop`, `window` ("hann periodic"), `center`.
pub(super) fn stft(case: &Case, context: &Context) -> Result<Outputs> {
    let points = case.needed("n_fft")? as usize;
    let text = case.text("window").unwrap_or("hann periodic");
    let (name, form) = text.split_once(' ').unwrap_or((text, "periodic"));
    let window: Window = name.parse()?;
    let window = if form == "symmetric" { window.symmetric(points)? } else { window.periodic(points)? };
    let centre = case.flag("center").then_some(Boundary::Zero);
    let options = StftOptions { centre, ..StftOptions::new(window, case.needed("hop")? as usize) };
    let z = ops::stft(&context.upload(&case.real("x")?)?, &options)?.read_blocking()?;
    Ok(vec![("Z", HostArray::Complex32(z))])
}

pub(super) fn power_spectrum(case: &Case, context: &Context) -> Result<Outputs> {
    let p = ops::power_spectrum(&context.upload(&case.real("x")?)?, &FftOptions::default())?.read_blocking()?;
    Ok(vec![("p", HostArray::F32(p))])
}

/// ONNX's signals hold real and imaginary part, or the real part alone, along their last axis.
fn signal(case: &Case, name: &str) -> Result<ArrayD<Complex32>> {
    let x = case.real(name)?;
    let last = Axis(x.ndim().saturating_sub(1));
    let part = |lane: ndarray::ArrayView1<'_, f32>, at: usize| lane.get(at).copied().unwrap_or(0.0);
    Ok(x.map_axis(last, |lane| Complex32::new(part(lane, 0), part(lane, 1))))
}

fn is_real(case: &Case, name: &str) -> Result<bool> {
    Ok(case.real(name)?.shape().last() == Some(&1))
}

/// The parts along a last axis again.
fn parts(z: &ArrayD<Complex32>) -> ArrayD<f32> {
    let shape: Vec<usize> = z.shape().iter().copied().chain([2]).collect();
    ArrayD::from_shape_fn(IxDyn(&shape), |at| {
        let value = z[&at.slice()[..z.ndim()]];
        if at[z.ndim()] == 0 { value.re } else { value.im }
    })
}

/// A number that is an input of no axes.
fn scalar(case: &Case, name: &str) -> Result<Option<i64>> {
    let array = case.optional(name)?;
    Ok(array.and_then(HostArray::into_f32).and_then(|array| array.first().map(|value| *value as i64)))
}

/// Opset 17 to 20: `axis` is an attribute before 20 and an input from then on.
pub(super) fn dft(case: &Case, context: &Context) -> Result<Outputs> {
    let x = signal(case, "in0_x")?;
    let rank = x.ndim() as i64 + 1;
    let opset = case.attributes.get("_opset").and_then(|opsets| opsets.get("ai.onnx")).and_then(|set| set.as_i64());
    let default = if opset.is_some_and(|opset| opset < 20) { 1 } else { -2 };
    let axis = match scalar(case, "in2_axis")? {
        Some(axis) => axis,
        None => case.number("axis").map_or(default, |axis| axis as i64),
    };
    let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).unwrap_or(usize::MAX);
    let length = scalar(case, "in1_dft_length")?.and_then(|length| usize::try_from(length).ok());
    let flag = |name: &str| case.number(name) == Some(1.0);
    let options = FftOptions { axes: Some(vec![axis]), lengths: length.map(|n| vec![n]), norm: Norm::Backward };
    let y = match (flag("inverse"), flag("onesided")) {
        (false, true) => parts(&ops::rfft(&context.upload(&x.mapv(|value| value.re))?, &options)?.read_blocking()?),
        // The other half of a real signal's spectrum is the conjugate of this one.
        (false, false) if is_real(case, "in0_x")? => {
            let half = ops::rfft(&context.upload(&x.mapv(|value| value.re))?, &options)?.read_blocking()?;
            let mut shape = x.shape().to_vec();
            let n = length.unwrap_or(shape[axis]);
            shape[axis] = n;
            parts(&ArrayD::from_shape_fn(IxDyn(&shape), |mut at| {
                let k = at[axis];
                at[axis] = k.min(n - k);
                if 2 * k > n { half[at].conj() } else { half[at] }
            }))
        }
        (false, false) => parts(&ops::fft(&context.upload(&x)?, &options)?.read_blocking()?),
        (true, false) => parts(&ops::ifft(&context.upload(&x)?, &options)?.read_blocking()?),
        (true, true) => ops::irfft(&context.upload(&x)?, &options)?.read_blocking()?.insert_axis(Axis(x.ndim())),
    };
    Ok(vec![("out0_y", HostArray::F32(y))])
}

/// The result is batch × frames × frequencies × parts; `onesided` is 1 by default.
pub(super) fn onnx_stft(case: &Case, context: &Context) -> Result<Outputs> {
    let x = signal(case, "in0_signal")?;
    let hop = scalar(case, "in1_frame_step")?.and_then(|hop| usize::try_from(hop).ok()).unwrap_or(0);
    let window = case.optional("in2_window")?.and_then(HostArray::into_f32);
    let length = scalar(case, "in3_frame_length")?.and_then(|length| usize::try_from(length).ok());
    let window: Vec<f64> = match (window, length) {
        (Some(window), _) => window.iter().map(|w| f64::from(*w)).collect(),
        (None, Some(length)) => Window::Boxcar.periodic(length)?,
        (None, None) => return Err(case.error("neither window nor frame_length is given".to_owned())),
    };
    let options = StftOptions { points: length, ..StftOptions::new(window, hop) };
    let onesided = case.number("onesided").is_none_or(|flag| flag == 1.0) && is_real(case, "in0_signal")?;
    let z = match onesided {
        true => ops::stft(&context.upload(&x.mapv(|value| value.re))?, &options)?,
        false => ops::stft_complex(&context.upload(&x)?, &options)?,
    };
    Ok(vec![("out0_output", HostArray::F32(parts(&z.transpose().read_blocking()?)))])
}
