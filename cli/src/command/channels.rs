//! Pictures as channels × height × width, on their way to the device and back.

use anyhow::{Result, ensure};
use gristmill::{Context, Tensor};
use ndarray::{ArrayD, Axis, Ix2, Ix3};
use serde_json::Value;

use super::Job;
use super::convolve::warn_of_clipping;
use crate::format::{Kind, Output, Picture, Values, read_real, shape_text};

/// A picture, or an array as one grey channel.
pub(super) fn read(job: &mut Job<'_>, argument: &'static str, path: &str) -> Result<Picture> {
    if Kind::of(path)? == Kind::Picture {
        let picture = Picture::read(path)?;
        job.inputs.push((argument, path.to_owned(), picture.channels.shape().to_vec()));
        return Ok(picture);
    }
    let input = read_real(path)?;
    job.took(argument, &input, input.array.shape());
    let shape = shape_text(input.array.shape());
    ensure!(input.array.ndim() == 2, "{path}: has shape {shape}; a grey picture has two axes");
    ensure!(!input.array.is_empty(), "{path}: is empty ({shape})");
    Ok(Picture::grey(input.array.into_dimensionality::<Ix2>()?))
}

/// The channels, which are a batch for everything that works on the last two axes.
pub(super) fn upload(context: &Context, picture: &Picture) -> Result<Tensor> {
    Ok(context.upload(&picture.channels)?)
}

/// Writes channels as the kind of file that the output is, the array of a single one without its axis.
pub(super) fn write(
    job: &Job<'_>,
    context: &Context,
    output: Output,
    path: &str,
    like: &Picture,
    channels: ArrayD<f32>,
    more: Value,
) -> Result<()> {
    let shape = channels.shape().to_vec();
    if output.kind() == Kind::Picture {
        let result = like.with_channels(channels.into_dimensionality::<Ix3>()?);
        warn_of_clipping(job, &result);
        output.picture(&result)?;
    } else {
        let grey = shape.first() == Some(&1);
        output.array(&Values::Real(if grey { channels.index_axis_move(Axis(0), 0) } else { channels }))?;
    }
    job.done(&context.info().to_string(), path, &shape, more)
}
