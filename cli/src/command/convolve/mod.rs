//! `gristmill convolve`: arrays, pictures and sound.

mod sound;

use anyhow::{Result, bail, ensure};
use gristmill::{Context, ConvolveOptions, ConvolveRecipe, HostElement, Method, Mode, Number, convolve_recipe};
use ndarray::{Array2, Array3, ArrayD, Axis, Ix2, stack};
use num_complex::Complex32;
use serde_json::{Value, json};

use super::Job;
use crate::args::{Convolve, General, MethodName, ModeName};
use crate::format::{Kind, Output, Picture, Values, read_real, read_signal, shape_text};

pub(super) fn run(general: &General, args: &Convolve) -> Result<()> {
    let job = Job::new("convolve", general);
    match Kind::of(&args.x)? {
        Kind::Picture => pictures(job, args),
        Kind::Sound => sound::run(job, args),
        _ => arrays(job, args),
    }
}

fn options(args: &Convolve, default: ModeName) -> ConvolveOptions {
    ConvolveOptions {
        mode: match args.mode.unwrap_or(default) {
            ModeName::Full => Mode::Full,
            ModeName::Same => Mode::Same,
            ModeName::Valid => Mode::Valid,
            ModeName::Causal => Mode::Causal,
        },
        method: match args.method {
            MethodName::Auto => Method::Auto,
            MethodName::Direct => Method::Direct,
            MethodName::Fft => Method::Fft,
        },
        boundary: args.boundary.into(),
        ..ConvolveOptions::default()
    }
}

/// Says how it is done where that was asked for; what goes into the record.
fn explain(
    job: &Job<'_>,
    args: &Convolve,
    recipe: impl FnOnce() -> gristmill::Result<ConvolveRecipe>,
) -> Result<Value> {
    if !args.explain {
        return Ok(json!({}));
    }
    let ConvolveRecipe { algorithm, reason, candidates, .. } = job.explain(recipe())?;
    job.say(&format!("{algorithm}: {reason}"));
    job.say("estimates, in operations on a GPU and in nanoseconds on the CPU:");
    for (candidate, cost) in &candidates {
        job.say(&format!("  {candidate}: cost {cost:.2e}"));
    }
    let candidates: Vec<_> =
        candidates.iter().map(|(way, cost)| json!({ "algorithm": way.to_string(), "cost": cost })).collect();
    Ok(json!({ "algorithm": algorithm.to_string(), "reason": reason.to_string(), "candidates": candidates }))
}

fn arrays(mut job: Job<'_>, args: &Convolve) -> Result<()> {
    let output = Output::create(&args.output, &[Kind::Npy, Kind::Npz, Kind::Csv])?;
    let x = read_signal(&args.x)?;
    job.took("x", &x, x.array.shape());
    let h = match Kind::of(&args.h)? {
        Kind::Picture | Kind::Sound => bail!("{}: an array is convolved with an array", args.h),
        _ => read_signal(&args.h)?,
    };
    job.took("h", &h, h.array.shape());
    let rank = h.array.shape().len();
    ensure!(
        rank == x.array.shape().len(),
        "convolve: x and h must have as many axes as each other (x: {} {}, h: {} {})",
        args.x,
        shape_text(x.array.shape()),
        args.h,
        shape_text(h.array.shape())
    );
    job.holds(full_bytes(x.array.shape(), h.array.shape()))?;
    let context = job.open()?;
    let options = options(args, ModeName::Full);
    let real = matches!((&x.array, &h.array), (Values::Real(_), Values::Real(_)));
    let recipe = if real { convolve_recipe::<f32> } else { convolve_recipe::<Complex32> };
    let how = explain(&job, args, || recipe(&context, x.array.shape(), h.array.shape(), &options))?;
    let values = match (x.array, h.array) {
        (Values::Real(x), Values::Real(mut h)) => {
            normalize(args, &mut h)?;
            Values::Real(one(&job, &context, &x, &h, args, &options)?)
        }
        (x, h) => {
            ensure!(!args.normalize, "convolve: --normalize is for real numbers");
            Values::Complex(one(&job, &context, &x.into_complex(), &h.into_complex(), args, &options)?)
        }
    };
    let shape = values.shape().to_vec();
    output.array(&values)?;
    job.done(&context.info().to_string(), &args.output, &shape, how)
}

fn pictures(mut job: Job<'_>, args: &Convolve) -> Result<()> {
    let output = Output::create(&args.output, &[Kind::Picture, Kind::Npy, Kind::Npz])?;
    let picture = Picture::read(&args.x)?;
    let mut h = plane(&mut job, "h", &args.h)?;
    normalize(args, &mut h)?;
    job.holds(full_bytes(picture.channels.shape(), h.shape()))?;
    let context = job.open()?;
    let options = options(args, ModeName::Same);
    let how =
        explain(&job, args, || convolve_recipe::<f32>(&context, &picture.channels.shape()[1..], h.shape(), &options))?;
    let channels: Vec<Array2<f32>> = picture
        .channels
        .outer_iter()
        .map(|channel| {
            let x = channel.to_owned().into_dyn();
            Ok(one(&job, &context, &x, &h, args, &options)?.into_dimensionality::<Ix2>()?)
        })
        .collect::<Result<_>>()?;
    let views: Vec<_> = channels.iter().map(|channel| channel.view()).collect();
    let result: Array3<f32> = stack(Axis(0), &views)?;
    let shape = result.shape().to_vec();
    if output.kind() == Kind::Picture {
        let result = picture.with_channels(result);
        warn_of_clipping(&job, &result);
        output.picture(&result)?;
    } else {
        let grey = shape.first() == Some(&1);
        let result = if grey { result.index_axis_move(Axis(0), 0).into_dyn() } else { result.into_dyn() };
        output.array(&Values::Real(result))?;
    }
    job.done(&context.info().to_string(), &args.output, &shape, how)
}

/// What the fullest result takes, complex numbers for its transform.
pub(super) fn full_bytes(x: &[usize], h: &[usize]) -> usize {
    let padded = x.iter().rev().zip(h.iter().rev().chain(std::iter::repeat(&1))).map(|(x, h)| x.saturating_add(*h));
    padded.fold(8, usize::saturating_mul)
}

/// A picture's grey levels or an array, with two axes.
pub(super) fn plane(job: &mut Job<'_>, argument: &'static str, path: &str) -> Result<ArrayD<f32>> {
    let array = if Kind::of(path)? == Kind::Picture {
        Picture::read(path)?.to_grey().into_dyn()
    } else {
        let input = read_real(path)?;
        job.took(argument, &input, input.array.shape());
        input.array
    };
    ensure!(array.ndim() == 2, "{path}: has shape {}; it needs two axes", shape_text(array.shape()));
    ensure!(!array.is_empty(), "{path}: is empty");
    Ok(array)
}

pub(super) fn warn_of_clipping(job: &Job<'_>, picture: &Picture) {
    let clipped = picture.clipped();
    if clipped > 0 {
        let all = picture.channels.len();
        job.say(&format!(
            "{:.1} % of the values lie outside black and white and are cut off; --normalize keeps the brightness, .npy keeps all of them",
            100.0 * clipped as f64 / all as f64
        ));
    }
}

fn one<N: Number<Wide = N> + HostElement<Device = N>>(
    job: &Job<'_>,
    context: &Context,
    x: &ArrayD<N>,
    h: &ArrayD<N>,
    args: &Convolve,
    options: &ConvolveOptions,
) -> Result<ArrayD<N>> {
    let (x, h) = (context.upload(x)?, context.upload(h)?);
    let result =
        if args.correlate { gristmill::correlate(&x, &h, options) } else { gristmill::convolve(&x, &h, options) };
    job.read(&job.explain(result)?)
}

/// Divides by the sum where that was asked for.
fn normalize(args: &Convolve, h: &mut ArrayD<f32>) -> Result<()> {
    if args.normalize {
        scale_to_one(h, &args.h)?;
    }
    Ok(())
}

/// Divides by the sum.
pub(super) fn scale_to_one(h: &mut ArrayD<f32>, path: &str) -> Result<()> {
    let sum: f64 = h.iter().map(|&v| f64::from(v)).sum();
    ensure!(sum.is_finite() && sum != 0.0, "{path}: its sum is {sum}; it cannot be scaled to 1");
    h.mapv_inplace(|v| (f64::from(v) / sum) as f32);
    Ok(())
}
