//! `gristmill deconvolve`: a known blur undone, by Wiener's filter or by Richardson–Lucy iterations.

use anyhow::Result;
use gristmill::Tensor;
use gristmill::methods::signal::{Edges, RichardsonLucy, wiener};
use serde_json::json;

use super::convolve::{full_bytes, plane, scale_to_one};
use super::pairs::progress;
use super::{Job, channels};
use crate::args::{Deconvolve, DeconvolveMethod, General};
use crate::format::{Kind, Output};
use crate::usage;

/// What --balance is without being given, and --iterations.
const BALANCE: f64 = 1e-3;
const ITERATIONS: usize = 30;

pub(super) fn run(general: &General, args: &Deconvolve) -> Result<()> {
    let by_wiener = args.method == DeconvolveMethod::Wiener;
    if let Some(balance) = args.balance.filter(|balance| !(*balance > 0.0 && balance.is_finite())) {
        return Err(usage(format!("deconvolve: --balance {balance} must be above 0 (try 1e-3)")));
    }
    if args.balance.is_some() && !by_wiener {
        return Err(usage("deconvolve: --balance goes with --method wiener".to_owned()));
    }
    if args.iterations.is_some() && by_wiener {
        return Err(usage("deconvolve: --iterations goes with --method richardson-lucy".to_owned()));
    }
    let mut job = Job::new("deconvolve", general);
    let output = Output::create(&args.output, &[Kind::Picture, Kind::Npy])?;
    let picture = channels::read(&mut job, "image", &args.image)?;
    let mut psf = plane(&mut job, "psf", &args.psf)?;
    scale_to_one(&mut psf, &args.psf)?;
    job.holds(full_bytes(picture.channels.shape(), psf.shape()))?;
    let context = job.open()?;
    let (image, psf) = (channels::upload(&context, &picture)?, context.upload(&psf)?);
    let (restored, more) = if by_wiener {
        let balance = args.balance.unwrap_or(BALANCE);
        (job.explain(wiener(&image, &psf, balance, Edges::Faded))?, json!({"method": "wiener", "balance": balance}))
    } else {
        let iterations = args.iterations.unwrap_or(ITERATIONS);
        let restored = job.explain(iterate(&job, &image, &psf, iterations))?;
        (restored, json!({"method": "richardson-lucy", "iterations": iterations}))
    };
    let restored = job.read(&restored)?;
    channels::write(&job, &context, output, &args.output, &picture, restored, more)
}

/// Richardson–Lucy, a step of the bar for each iteration: beyond the picture's edges the scene went on.
fn iterate(job: &Job<'_>, image: &Tensor, psf: &Tensor, iterations: usize) -> gristmill::Result<Tensor> {
    let mut method = RichardsonLucy::with_open_edges(image, psf)?;
    let bar = progress(job, "iterations");
    bar.set_length(iterations as u64);
    for _ in 0..iterations {
        method.step()?;
        // One number, which is there when the iteration is done.
        let estimate = method.estimate();
        (0..estimate.rank()).try_fold(estimate.clone(), |one, axis| one.slice(axis, 0..1))?.read_blocking()?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(method.estimate().clone())
}
