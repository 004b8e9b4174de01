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
    if shape.is_empty() {
        return Err(usage(format!(
            "{}: is a single number, without an axis to transform; save it with shape (1,)",
            args.x
        )));
    }
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
    let mut recipes = Vec::new();
    if args.explain {
        for (axis, length, lines) in transforms(args, &options, &shape) {
            // Two real numbers go as one complex number.
            let packed = args.real && options.axes.iter().flatten().last() == Some(&axis) && length % 2 == 0;
            let recipe = context.fft_recipe(if packed { length / 2 } else { length }, lines)?;
            let recipe = format!("axis {axis}: {recipe}{}", if packed { ", two real numbers as one" } else { "" });
            job.say(&recipe);
            recipes.push(recipe);
        }
    }
    let shape = values.shape().to_vec();
    output.array(&values)?;
    job.done(&context.info().to_string(), &args.output, &shape, json!({ "recipes": recipes }))
}

/// Axis, length and lines of each transform, in the order in which they are done.
fn transforms(args: &Fft, options: &FftOptions, shape: &[usize]) -> Vec<(usize, usize, usize)> {
    let asked = args.n.iter().flatten().copied().map(Some).chain(std::iter::repeat(None));
    let mut axes: Vec<_> = options.axes.iter().flatten().copied().zip(asked).collect();
    let last = axes.last().map(|(axis, _)| *axis);
    // Real numbers are at the end of the way back, and at the beginning of the way there.
    if !(args.real && args.inverse) {
        axes.reverse();
    }
    let mut shape = shape.to_vec();
    let mut found = Vec::with_capacity(axes.len());
    for (axis, asked) in axes {
        let real = args.real && Some(axis) == last;
        let own = if real && args.inverse { 2 * shape[axis].saturating_sub(1) } else { shape[axis] };
        let length = asked.unwrap_or(own);
        let others = shape.iter().enumerate().filter(|(other, _)| *other != axis);
        let lines = others.fold(1, |lines: usize, (_, n)| lines.saturating_mul(*n));
        shape[axis] = if real && !args.inverse { length / 2 + 1 } else { length };
        found.push((axis, length, lines));
    }
    found
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
