//! Convolutions of outside cases: `mode`, `method`, `axes` (the trailing ones), `boundary`.

use super::case::{Case, Outputs};
use super::npy::HostArray;
use crate::context::Context;
use crate::error::Result;
use crate::ops::{self, ConvolveOptions};
use crate::work::{Boundary, Method, Mode};

pub(super) fn convolve(case: &Case, context: &Context) -> Result<Outputs> {
    run(case, context, false, options(case)?)
}

pub(super) fn correlate(case: &Case, context: &Context) -> Result<Outputs> {
    run(case, context, true, options(case)?)
}

pub(super) fn circular(case: &Case, context: &Context) -> Result<Outputs> {
    run(case, context, false, ConvolveOptions { circular: true, ..options(case)? })
}

/// `scipy.ndimage.correlate`: its `mode` is the boundary.
pub(super) fn correlate_image(case: &Case, context: &Context) -> Result<Outputs> {
    run(
        case,
        context,
        true,
        ConvolveOptions { boundary: boundary(case, "mode", "cval")?, ..ConvolveOptions::mode(Mode::Same) },
    )
}

/// A boundary by SciPy's name for it, in `scipy.ndimage` or in `scipy.signal`.
pub(super) fn boundary(case: &Case, name: &str, outside: &str) -> Result<Boundary> {
    Ok(match case.text(name) {
        None | Some("fill" | "constant") => match case.number(outside) {
            None | Some(0.0) => Boundary::Zero,
            Some(value) => Boundary::Constant(value as f32),
        },
        Some("symm" | "reflect") => Boundary::Reflect,
        Some("mirror") => Boundary::Mirror,
        Some("nearest") => Boundary::Nearest,
        Some("wrap") => Boundary::Wrap,
        Some(other) => return Err(case.unsupported(format!("boundary {other}"))),
    })
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
    let boundary = boundary(case, "boundary", "fillvalue")?;
    Ok(ConvolveOptions { mode, method, boundary, ..ConvolveOptions::default() })
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
        let (x, h) = (context.upload(&x)?, context.upload(&h)?);
        let y = if correlate { ops::correlate(&x, &h, &options) } else { ops::convolve(&x, &h, &options) };
        return Ok(vec![("y", HostArray::Complex32(y?.read_blocking()?))]);
    }
    let (x, h) = (case.real("x")?, case.real("h")?);
    let (x, h) = (context.upload(&x)?, context.upload(&h)?);
    let y = if correlate { ops::correlate(&x, &h, &options) } else { ops::convolve(&x, &h, &options) };
    Ok(vec![("y", HostArray::F32(y?.read_blocking()?))])
}
