//! Large windows: the sum over the channels of convolutions by Fourier transforms.

use rayon::prelude::*;

use super::Phase;
use crate::cpu::convolve::{Window, transform};
use crate::cpu::fft::Plans;
use crate::cpu::view::zeroed_vec;
use crate::error::Result;

/// The window of the full convolution of a channel and a reversed filter that the outputs are; `None` where it is none.
pub(super) fn window(phase: &Phase) -> Option<Window> {
    let mut window = Window { signal: phase.lengths, kernel: [1; 3], start: [0; 3], out: phase.counts() };
    for (at, axis) in phase.axes.iter().enumerate() {
        if axis.step != 1 || axis.spread != 1 || axis.output_step != 1 || axis.taps == 0 {
            return None;
        }
        window.kernel[at] = axis.taps as usize;
        window.start[at] = usize::try_from(axis.start + axis.taps as i64 - 1).ok()?;
        let full = phase.lengths[at] + window.kernel[at] - 1;
        if window.start[at] + window.out[at] > full {
            return None;
        }
    }
    Some(window)
}

/// Nanoseconds on one core, roughly.
pub(super) fn cost(phase: &Phase, window: &Window) -> f64 {
    (phase.groups * phase.outputs * phase.inputs) as f64 * transform::cost(window)
}

pub(super) fn run(
    plans: &Plans,
    op: &'static str,
    phase: &Phase,
    window: &Window,
    x: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let channels = phase.groups * phase.outputs;
    let (plane, of_x) = (phase.plane(), phase.groups * phase.inputs * phase.plane());
    let count: usize = phase.counts().iter().product();
    out.par_chunks_exact_mut(count).enumerate().try_for_each(|(channel, out)| {
        let (batch, output) = (channel / channels, channel % channels);
        let (group, output) = (output / phase.outputs, output % phase.outputs);
        let mut one = zeroed_vec::<f32>(op, count)?;
        let mut reversed = zeroed_vec::<f32>(op, phase.taps())?;
        for input in 0..phase.inputs {
            let x = &x[batch * of_x + (group * phase.inputs + input) * plane..][..plane];
            let filter = &phase.group(group)[(output * phase.inputs + input) * phase.taps()..][..phase.taps()];
            reversed.iter_mut().zip(filter.iter().rev()).for_each(|(to, from)| *to = *from);
            transform::real(plans, op, window, x, &reversed, &mut one)?;
            match input {
                0 => out.copy_from_slice(&one),
                _ => out.iter_mut().zip(&one).for_each(|(sum, one)| *sum += one),
            }
        }
        Ok(())
    })
}
