//! `gristmill filter`: Gaussian, uniform and any other weights, over arrays, pictures and sound.

use anyhow::{Result, bail, ensure};
use gristmill::methods::signal::{FilterOptions, correlate_filter, gaussian_filter, uniform_filter};
use gristmill::stream::Source as _;
use gristmill::{Context, Tensor};
use ndarray::Ix2;
use serde_json::json;

use super::convolve::plane;
use super::{Job, channels};
use crate::args::{Filter, FilterName, General};
use crate::format::{Kind, Output, Picture, Sound, Values, WavSource, channels_of_wav, read_signal, shape_text};
use crate::usage;

pub(super) fn run(general: &General, args: &Filter) -> Result<()> {
    let needed = match args.filter {
        FilterName::Gaussian => ("gaussian needs --sigma, e.g. --sigma 2", args.sigma.is_some()),
        FilterName::Uniform => ("uniform needs --size, e.g. --size 5", args.size.is_some()),
        FilterName::Correlate => ("correlate needs a KERNEL after X", args.kernel.is_some()),
    };
    if !needed.1 {
        return Err(usage(format!("filter: {}", needed.0)));
    }
    for (given, name, filter) in [
        (args.sigma.is_some(), "--sigma", FilterName::Gaussian),
        (args.size.is_some(), "--size", FilterName::Uniform),
        (args.kernel.is_some(), "KERNEL", FilterName::Correlate),
    ] {
        if given && args.filter != filter {
            return Err(usage(format!("filter: {name} goes with {filter:?}").to_lowercase()));
        }
    }
    let mut job = Job::new("filter", general);
    match Kind::of(&args.x)? {
        Kind::Picture => {
            let output = Output::create(&args.output, &[Kind::Picture, Kind::Npy])?;
            let picture: Picture = channels::read(&mut job, "x", &args.x)?;
            job.holds(4 * picture.channels.len())?;
            let context = job.open()?;
            let x = channels::upload(&context, &picture)?;
            let result = filtered(&mut job, &context, args, &x, 2)?;
            let result = job.read(&result)?;
            channels::write(&job, &context, output, &args.output, &picture, result, json!({}))
        }
        Kind::Sound => {
            let output = Output::create(&args.output, &[Kind::Sound, Kind::Npy])?;
            if output.kind() == Kind::Sound {
                let (samples, channels) = WavSource::open(&args.x)?.shape();
                channels_of_wav(&args.output, samples, channels)?;
            }
            let sound = Sound::read(&args.x)?;
            job.holds(4 * sound.channels.len())?;
            let context = job.open()?;
            let result = filtered(&mut job, &context, args, &context.upload(&sound.channels)?, 1)?;
            let result = job.read(&result)?;
            let shape = result.shape().to_vec();
            if output.kind() == Kind::Sound {
                output.sound(&Sound { channels: result.into_dimensionality::<Ix2>()?, rate: sound.rate })?;
            } else {
                output.array(&Values::Real(result))?;
            }
            job.done(&context.info().to_string(), &args.output, &shape, json!({}))
        }
        _ => {
            let output = Output::create(&args.output, &[Kind::Npy, Kind::Npz, Kind::Csv])?;
            let input = read_signal(&args.x)?;
            job.took("x", &input, input.array.shape());
            let Values::Real(x) = input.array else {
                bail!("{}: holds complex numbers; filters take real ones", args.x)
            };
            let shape = shape_text(x.shape());
            ensure!((1..=3).contains(&x.ndim()), "{}: has shape {shape}; filters take 1 to 3 axes", args.x);
            ensure!(!x.is_empty(), "{}: is empty ({shape})", args.x);
            job.holds(4 * x.len())?;
            let context = job.open()?;
            let result = filtered(&mut job, &context, args, &context.upload(&x)?, x.ndim())?;
            let result = job.read(&result)?;
            let shape = result.shape().to_vec();
            output.array(&Values::Real(result))?;
            job.done(&context.info().to_string(), &args.output, &shape, json!({}))
        }
    }
}

/// The filter over the last `rank` axes.
fn filtered(job: &mut Job<'_>, context: &Context, args: &Filter, x: &Tensor, rank: usize) -> Result<Tensor> {
    let mut origin = [0; 3];
    origin[..rank].copy_from_slice(&per_axis("--origin", &args.origin, rank)?);
    let options = FilterOptions { boundary: args.boundary.into(), origin, truncate: args.truncate };
    let result = match (args.filter, &args.sigma, &args.size, &args.kernel) {
        (FilterName::Gaussian, Some(sigma), ..) => gaussian_filter(x, &per_axis("--sigma", sigma, rank)?, &options),
        (FilterName::Uniform, _, Some(size), _) => uniform_filter(x, &per_axis("--size", size, rank)?, &options),
        (_, _, _, Some(path)) => {
            let kernel = if rank == 2 {
                plane(job, "kernel", path)?
            } else {
                let input = read_signal(path)?;
                job.took("kernel", &input, input.array.shape());
                let Values::Real(kernel) = input.array else { bail!("{path}: weights are real numbers") };
                kernel
            };
            ensure!(
                kernel.ndim() == rank && !kernel.is_empty(),
                "{path}: has shape {}; weights for {} need {rank} axes and entries",
                shape_text(kernel.shape()),
                args.x
            );
            correlate_filter(x, &context.upload(&kernel)?, &options)
        }
        _ => return Err(usage("filter: nothing to filter with".to_owned())),
    };
    job.explain(result)
}

/// One value for all axes, or one each.
fn per_axis<T: Copy>(name: &str, values: &[T], rank: usize) -> Result<Vec<T>> {
    match values {
        [one] => Ok(vec![*one; rank]),
        several if several.len() == rank => Ok(several.to_vec()),
        _ => Err(usage(format!("filter: {name} has {} values; X has {rank} axes to filter", values.len()))),
    }
}
