//! Resampling by a rational factor.

use crate::error::{Error, Result};
use crate::ops::{gemm, pad, reversed};
use crate::tensor::Tensor;
use crate::work::{Boundary, Layout};

/// Upsample by `up`, filter with `h`, downsample by `down`, along the last axis: `out[t] = Σₛ x[s] h[t·down − s·up]`.
///
/// `x` has shape `… × n`, `h` is a vector of k taps, and `out` has `⌊((n − 1) up + k − 1) / down⌋ + 1` entries along the last
/// axis. Nothing is filled with zeros and thrown away: the outputs of one period, `up / gcd` of them, are a product of the
/// same few entries of `x` with a small matrix of taps, and all periods together are one matrix product over overlapping rows.
///
/// # Errors
/// [`Error::InvalidArgument`] if `up` or `down` is 0 or above 65,536; [`Error::ShapeMismatch`] if `h` is no vector or an
/// input is empty; those of [`gemm()`].
///
/// # Accuracy
/// That of [`gemm()`] with `⌈k / up⌉ + down + 1` terms at most, of which those outside the kernel are exactly 0.
///
/// # Sources
/// Vaidyanathan, *Multirate Systems and Filter Banks*, 1993, §4.3; SciPy, `scipy.signal.upfirdn`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::upfirdn;
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0])?;
/// let linear = context.upload(&array![0.5, 1.0, 0.5])?;
/// let y = upfirdn(&linear, &x, 2, 1)?.read_blocking()?;
/// assert_eq!(y, array![0.5_f32, 1.0, 1.5, 2.0, 2.5, 3.0, 1.5].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn upfirdn(h: &Tensor, x: &Tensor, up: usize, down: usize) -> Result<Tensor> {
    let op = "upfirdn";
    for (name, factor) in [("up", up), ("down", down)] {
        if !(1..=MOST).contains(&factor) {
            return Err(Error::argument(op, format!("{name} = {factor}"), format!("must be 1 to {MOST}")));
        }
    }
    let (&[taps], Some((&n, batch))) = (h.shape(), x.shape().split_last()) else {
        let message = format!("h has shape {:?}, x {:?}; h must be a vector, and x have an axis", h.shape(), x.shape());
        return Err(Error::shape(op, message));
    };
    if taps == 0 || x.is_empty() {
        return Err(Error::shape(op, format!("h has {taps} taps, x shape {:?}; neither may be empty", x.shape())));
    }
    let length = ((n - 1) * up + taps - 1) / down + 1;
    let divisor = greatest_common_divisor(up, down);
    // One period: so many outputs, and by how many entries of x the next one is further on.
    let (outputs, step) = (up / divisor, down / divisor);
    let periods = length.div_ceil(outputs);
    // The entries of x that a period sees, counted from j·step: `before` of them earlier, `after` later.
    let (before, after) = ((taps - 1) / up, (outputs - 1) * down / up);
    let seen = before + 1 + after;

    // rows[j, l] = x[j·step + l − before]
    let needed = (periods - 1) * step + seen;
    let padded = pad(x, &[(before, needed.saturating_sub(before + n))], Boundary::Zero)?;
    let lines = Layout::contiguous(padded.shape());
    let rows = padded.with_layout(Layout {
        shape: [batch, &[periods, seen]].concat(),
        strides: [&lines.strides[..batch.len()], &[step, 1]].concat(),
        offset: padded.layout().offset,
    });
    // phases[l, p] = h[p·down − (l − before)·up]; in memory the taps go up with p and with seen − 1 − l.
    let reach = (seen - 1) * up + (outputs - 1) * down + 1;
    let kernel = pad(h, &[(after * up, reach.saturating_sub(after * up + taps))], Boundary::Zero)?;
    let turned = Layout { shape: vec![seen, outputs], strides: vec![up, down], offset: kernel.layout().offset };
    let phases = reversed(op, &kernel.with_layout(turned), 0)?;

    let result = gemm(1.0, &rows, &phases, 0.0, None)?;
    result.reshape(&[batch, &[periods * outputs]].concat())?.slice(batch.len(), 0..length)
}

/// Factors up to here; a period has no more outputs than this.
const MOST: usize = 65_536;

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
