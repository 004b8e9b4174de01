//! `gristmill fft`.

use anyhow::Result;
use gristmill::{FftOptions, Norm};
use serde_json::json;

use super::Job;
use crate::args::{Fft, General, NormName};
use crate::format::{Kind, Output, Values, read_signal};
use crate::usage;

pub(super) fn run(general: &General, args: &Fft) -> Result<()> {
    let mut job = Job::new("fft", general);
    let output = Output::create(&args.output, &[Kind::Npy, Kind::Npz])?;
    let x = read_signal(&args.x)?;
    let shape = x.array.shape().to_vec();
    job.took("x", &x, &shape);
    let options = FftOptions {
        axes: Some(args.axes.iter().map(|&axis| from_the_end(axis, shape.len())).collect::<Result<_>>()?),
        lengths: args.n.clone(),
        norm: match args.norm {
            NormName::Backward => Norm::Backward,
            NormName::Ortho => Norm::Ortho,
            NormName::Forward => Norm::Forward,
        },
    };
    if args.n.as_ref().is_some_and(|n| n.len() != args.axes.len()) {
        return Err(usage(format!("--n needs one length per axis: {} for --axes {:?}", args.axes.len(), args.axes)));
    }
    let longest = |axis: usize| {
        let asked = options.axes.iter().flatten().zip(args.n.iter().flatten()).find(|(at, _)| **at == axis);
        asked.map_or(shape[axis], |(_, n)| shape[axis].max(*n))
    };
    job.holds((0..shape.len()).fold(8, |bytes: usize, axis| bytes.saturating_mul(longest(axis))))?;
    let context = job.open()?;
    let mut recipes = Vec::new();
    if args.explain {
        let axes = options.axes.iter().flatten().copied();
        let asked = args.n.iter().flatten().copied().map(Some).chain(std::iter::repeat(None));
        let mut shape = shape.clone();
        // In the order in which they are transformed; each is as long afterwards as it was asked to be.
        for (axis, asked) in axes.zip(asked).collect::<Vec<_>>().into_iter().rev() {
            shape[axis] = asked.unwrap_or(shape[axis]);
            let lines = shape.iter().product::<usize>() / shape[axis].max(1);
            let recipe = context.fft_recipe(shape[axis], lines)?;
            job.say(&format!("axis {axis}: {recipe}"));
            recipes.push(recipe);
        }
    }
    let values = match (args.real, args.inverse, x.array) {
        (true, false, Values::Real(x)) => {
            let x = context.upload(&x)?;
            Values::Complex(job.read(&job.explain(gristmill::rfft(&x, &options))?)?)
        }
        (true, false, Values::Complex(_)) => {
            return Err(usage(format!("fft --real: {} holds complex numbers; leave --real out", args.x)));
        }
        (true, true, x) => {
            let x = context.upload(&x.into_complex())?;
            Values::Real(job.read(&job.explain(gristmill::irfft(&x, &options))?)?)
        }
        (false, inverse, x) => {
            let x = context.upload(&x.into_complex())?;
            let y = if inverse { gristmill::ifft(&x, &options) } else { gristmill::fft(&x, &options) };
            Values::Complex(job.read(&job.explain(y)?)?)
        }
    };
    let shape = values.shape().to_vec();
    output.array(&values)?;
    job.done(&context.info().to_string(), &args.output, &shape, json!({ "recipes": recipes }))
}

/// NumPy's axes: −1 is the last.
fn from_the_end(axis: i64, rank: usize) -> Result<usize> {
    let count = rank as i64;
    let counted = if axis < 0 { axis + count } else { axis };
    if !(0..count).contains(&counted) {
        return Err(usage(format!("fft: there is no axis {axis}; x has {rank} (0 to {})", count - 1)));
    }
    Ok(counted as usize)
}
