//! `gristmill spectrogram`: which frequencies a sound has when.

use anyhow::{Result, bail, ensure};
use gristmill::{Boundary, StftOptions, Window};
use ndarray::{Array2, Axis, Ix2};
use serde_json::json;

use super::Job;
use crate::args::{General, Spectrogram};
use crate::format::{Kind, Output, Picture, Sound, Values, read_signal};
use crate::usage;

/// Columns of a picture where no step was asked for.
const COLUMNS: usize = 2000;

pub(super) fn run(general: &General, args: &Spectrogram) -> Result<()> {
    let mut job = Job::new("spectrogram", general);
    let output = Output::create(&args.output, &[Kind::Picture, Kind::Npy, Kind::Npz])?;
    if !(args.range > 0.0 && args.range.is_finite()) {
        return Err(usage(format!("spectrogram: --range {} must be above 0 (try 80)", args.range)));
    }
    let samples = samples(&mut job, &args.x)?;
    ensure!(!samples.is_empty(), "{}: holds no samples", args.x);
    let length = args.length.min(samples.len());
    if length < args.length {
        job.say(&format!("{}: has {length} samples; a frame has as many instead of {}", args.x, args.length));
    }
    let window: Window = job.explain(args.window.parse())?;
    let quarter = (length / 4).max(1);
    let pictured = output.kind() == Kind::Picture;
    let hop = args.hop.unwrap_or(if pictured { quarter.max(samples.len() / COLUMNS) } else { quarter });
    let centre = Some(Boundary::Zero);
    let options = StftOptions { centre, ..StftOptions::new(job.explain(window.periodic(length))?, hop) };
    let frames = samples.len() / hop.max(1) + 1;
    job.holds(frames.saturating_mul(length / 2 + 1).saturating_mul(8))?;
    let context = job.open()?;
    let power = gristmill::spectrogram(&context.upload_slice(&samples, &[samples.len()])?, &options);
    let power = job.read(&job.explain(power)?)?;
    let shape = power.shape().to_vec();
    if pictured {
        output.picture(&Picture::grey(decibels(&power.into_dimensionality::<Ix2>()?, args.range)))?;
    } else {
        output.array(&Values::Real(power))?;
    }
    job.done(&context.info().to_string(), &args.output, &shape, json!({ "hop": hop, "window": length }))
}

/// The mean of a sound's channels, or an array of one axis.
fn samples(job: &mut Job<'_>, path: &str) -> Result<Vec<f32>> {
    if Kind::of(path)? == Kind::Sound {
        let sound = Sound::read(path)?;
        return Ok(sound.channels.mean_axis(Axis(0)).unwrap_or_default().to_vec());
    }
    let input = read_signal(path)?;
    job.took("x", &input, input.array.shape());
    match input.array {
        Values::Real(x) if x.ndim() == 1 => Ok(x.iter().copied().collect()),
        _ => bail!("{path}: a spectrogram is of sound or of real numbers of one axis"),
    }
}

/// Grey levels from `range` decibels below the loudest (black) to the loudest (white), high frequencies on top.
fn decibels(power: &Array2<f32>, range: f32) -> Array2<f32> {
    let loudest = power.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let level = |power: f32| (10.0 * (power.max(f32::MIN_POSITIVE) / loudest).log10() / range + 1.0).clamp(0.0, 1.0);
    let mut picture = power.mapv(level);
    picture.invert_axis(Axis(0));
    picture
}
