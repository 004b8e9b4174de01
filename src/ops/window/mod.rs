//! Windows that slide over the spatial axes of a batch of channels: neural convolution and pooling.

mod conv;
mod pool;

pub use conv::{ConvOptions, conv, conv_transpose};
pub use pool::{Pool, PoolOptions, pool_max, pool_max_indices, pool_mean, pool_sum};

use crate::error::{Error, Result};
use crate::work::WindowAxis;

/// Outputs, taps and pads along one axis, at most: positions are counted in 32 bits.
const MOST: usize = 1 << 30;

/// N, C and the lengths of 1 to 3 spatial axes.
fn spatial<'a>(op: &'static str, shape: &'a [usize]) -> Result<(usize, usize, &'a [usize])> {
    match shape {
        [n, c, spatial @ ..] if (1..=3).contains(&spatial.len()) => Ok((*n, *c, spatial)),
        _ => Err(Error::shape(op, format!("x has shape {shape:?}; it must be N × C × 1 to 3 spatial axes"))),
    }
}

/// One number per spatial axis: as given, or the same for all where nothing is given.
fn each<T: Copy>(op: &'static str, name: &str, given: &[T], axes: usize, otherwise: T) -> Result<Vec<T>> {
    match given.len() {
        0 => Ok(vec![otherwise; axes]),
        n if n == axes => Ok(given.to_vec()),
        n => Err(Error::argument(op, name, format!("are {n}; x has {axes} spatial axes"))),
    }
}

/// What all windows have, apart from their number of outputs.
fn windows(
    op: &'static str,
    taps: &[usize],
    [strides, dilations]: [&[usize]; 2],
    pads: &[(usize, usize)],
) -> Result<Vec<WindowAxis>> {
    let mut axes = Vec::with_capacity(taps.len());
    for (axis, &taps) in taps.iter().enumerate() {
        let (stride, dilation, (before, after)) = (strides[axis], dilations[axis], pads[axis]);
        for (name, value) in [("window", taps), ("stride", stride), ("dilation", dilation)] {
            if value == 0 {
                let message = "must be at least 1 along every axis";
                return Err(Error::argument(op, format!("{name} 0 along spatial axis {axis}"), message));
            }
        }
        let window = WindowAxis { taps, stride, dilation, before, after, outputs: 0 };
        if [window.reach(), stride, before, after].iter().any(|&length| length > MOST) {
            let message = format!("are too large: at most {MOST} entries are counted along an axis");
            return Err(Error::argument(op, format!("window, stride or pads of spatial axis {axis}"), message));
        }
        axes.push(window);
    }
    Ok(axes)
}

/// The number of windows that fit `length` entries and their pads; with `ceil` also one that starts inside but ends
/// outside, as long as it does not start in the pads behind.
fn fitting(op: &'static str, axis: usize, length: usize, window: &WindowAxis, ceil: bool) -> Result<usize> {
    let padded = length.saturating_add(window.before).saturating_add(window.after);
    let Some(room) = padded.checked_sub(window.reach()) else {
        let message = format!(
            "spatial axis {axis} has {length} entries and {padded} with its pads; the window reaches over {}",
            window.reach()
        );
        return Err(Error::shape(op, message));
    };
    if padded > MOST {
        let message = format!("has {padded} entries with its pads; at most {MOST} are counted along an axis");
        return Err(Error::argument(op, format!("spatial axis {axis}"), message));
    }
    let steps = if ceil { room.div_ceil(window.stride) } else { room / window.stride };
    let started_inside = steps * window.stride < length + window.before;
    Ok(if ceil && steps > 0 && !started_inside { steps } else { steps + 1 })
}
