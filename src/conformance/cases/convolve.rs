//! Convolutions of outside cases: `mode`, `method`, `axes` (the trailing ones), `boundary`.

use ndarray::{ArrayD, IxDyn};

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops::{self, ConvolveOptions};
use crate::work::{Method, Mode};

pub(super) fn convolve(case: &Case, context: &Context) -> Result<Outputs> {
    run(case, context, false, options(case)?)
}

pub(super) fn correlate(case: &Case, context: &Context) -> Result<Outputs> {
    run(case, context, true, options(case)?)
}

pub(super) fn circular(case: &Case, context: &Context) -> Result<Outputs> {
    run(case, context, false, ConvolveOptions { circular: true, ..options(case)? })
}

/// A `hint` (overlap-add) asks for no other numbers, so it is left to the plan.
fn options(case: &Case) -> Result<ConvolveOptions> {
    let mode = match case.text("mode") {
        None | Some("full") => Mode::Full,
        Some("same") => Mode::Same,
        Some("valid") => Mode::Valid,
        Some(other) => return Err(case.unsupported(format!("mode {other}"))),
    };
    let method = match case.text("method") {
        None | Some("auto") => Method::Auto,
        Some("direct") => Method::Direct,
        Some("fft") => Method::Fft,
        Some(other) => return Err(case.unsupported(format!("method {other}"))),
    };
    Ok(ConvolveOptions { mode, method, rank: None, circular: false })
}

fn run(case: &Case, context: &Context, correlate: bool, mut options: ConvolveOptions) -> Result<Outputs> {
    let (x, h) = (case.input("x")?, case.input("h")?);
    if let Some(axes) = case.indices("axes", x.shape().len())? {
        let trailing = x
            .shape()
            .len()
            .checked_sub(axes.len())
            .is_some_and(|first| axes.iter().copied().eq(first..x.shape().len()));
        if !trailing {
            return Err(case.unsupported(format!("axes {axes:?} of {} axes", x.shape().len())));
        }
        options.rank = Some(axes.len());
    }
    if x.is_complex() || h.is_complex() {
        let (x, h) = (case.complex("x")?, case.complex("h")?);
        let (x, mode) = bounded(case, x, h.shape(), options.mode)?;
        options.mode = mode;
        let (x, h) = (context.upload(&x)?, context.upload(&h)?);
        let y = if correlate { ops::correlate(&x, &h, &options) } else { ops::convolve(&x, &h, &options) };
        return Ok(vec![("y", HostArray::Complex32(y?.read_blocking()?))]);
    }
    let (x, h) = (case.real("x")?, case.real("h")?);
    let (x, mode) = bounded(case, x, h.shape(), options.mode)?;
    options.mode = mode;
    let (x, h) = (context.upload(&x)?, context.upload(&h)?);
    let y = if correlate { ops::correlate(&x, &h, &options) } else { ops::convolve(&x, &h, &options) };
    Ok(vec![("y", HostArray::F32(y?.read_blocking()?))])
}

/// The signal continued past its edges as `boundary` says, with the mode that then gives the asked one: SciPy's
/// `wrap` repeats the signal, `symm` mirrors it with its edge. Zeros (`fill`) are what convolution does by itself.
fn bounded<T: Copy>(case: &Case, x: ArrayD<T>, kernel: &[usize], mode: Mode) -> Result<(ArrayD<T>, Mode)> {
    let mirrored = match case.text("boundary") {
        None | Some("fill") => return Ok((x, mode)),
        Some("wrap") => false,
        Some("symm") => true,
        Some(other) => return Err(case.unsupported(format!("boundary {other}"))),
    };
    if case.number("fillvalue").is_some_and(|value| value != 0.0) {
        return Err(case.unsupported("fillvalue other than 0"));
    }
    if mode == Mode::Valid || x.is_empty() || x.ndim() != kernel.len() {
        return Ok((x, mode));
    }
    // A valid convolution of the continued signal keeps x + before + after − (k − 1) entries.
    let pads: Vec<(usize, usize)> = kernel
        .iter()
        .map(|&k| if mode == Mode::Full { (k - 1, k - 1) } else { (k - 1 - (k - 1) / 2, (k - 1) / 2) })
        .collect();
    let shape: Vec<usize> = x.shape().iter().zip(&pads).map(|(n, (before, after))| n + before + after).collect();
    let continued = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        let source: Vec<usize> = (0..x.ndim())
            .map(|axis| {
                let n = x.shape()[axis] as isize;
                let at = place[axis] as isize - pads[axis].0 as isize;
                let folded = if mirrored {
                    at.rem_euclid(2 * n).min(2 * n - 1 - at.rem_euclid(2 * n))
                } else {
                    at.rem_euclid(n)
                };
                folded as usize
            })
            .collect();
        x[IxDyn(&source)]
    });
    Ok((continued, Mode::Valid))
}
