//! Frames laid over one another: every sample gathers from the frames that hold it.

use super::lines::{Entry, LinePass, LineTable, Lines};
use super::lower::output_bytes;
use super::{BufferId, Limits, Program};
use crate::error::{Error, Result};
use crate::work::{Input, Layout, OverlapAddWork};

/// `numbers` are the frames, the hop, a frame's length and the first sample.
const CODE: &str = "fn entry(line: u32, k: u32) -> f32 {
    let frames = parameters.numbers.x;
    let hop = parameters.numbers.y;
    let n = parameters.numbers.z;
    let t = parameters.numbers.w + k;
    let last = min(t / hop, frames - 1u);
    var sum = 0.0;
    var weight = 0.0;
    for (var f = select((t - n) / hop + 1u, 0u, t < n); f <= last; f++) {
        let within = t - f * hop;
        let w = table[parameters.table_offset + within];
        sum += w * at(line, f * n + within);
        weight += w * w;
    }
    return sum / weight;
}
";

/// Lowers the sum of overlapping frames.
pub(super) fn lower(work: &OverlapAddWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    let [x, w] = inputs else { return Err(Error::argument(op, "inputs", "must be frames and window")) };
    work.check(x.layout, w.layout)?;
    let (frames, n) = (x.layout.shape[x.layout.shape.len() - 2], x.layout.shape[x.layout.shape.len() - 1]);
    if n.div_ceil(work.hop) > limits.max_iterations as usize {
        let message = format!("must be at least {}", n.div_ceil(limits.max_iterations as usize));
        return Err(Error::argument(op, format!("hop {}", work.hop), message));
    }
    // The frames of a signal lie behind one another: one line.
    let mut shape = x.layout.shape[..x.layout.shape.len() - 2].to_vec();
    shape.push(frames * n);
    let layout = Layout { offset: x.layout.offset, ..Layout::contiguous(&shape) };
    let lines = Lines::new(op, &layout, shape.len() - 1, work.length)?;
    let mut program = Program::new(op, output_bytes(op, lines.entries, 4, limits)?);
    let bound = (limits.max_binding_bytes - limits.offset_alignment.min(limits.max_binding_bytes)) as usize / 4;
    // As many samples at a time as the frames that hold them, and they themselves, can be bound.
    let room = (bound / n.max(1)).saturating_sub(n.div_ceil(work.hop) + 1);
    let most = room.saturating_mul(work.hop).min(bound);
    if most == 0 {
        let message = format!("the frames of one hop need more than the {} bytes that one binding sees", 4 * bound);
        return Err(Error::Unsupported { op, message });
    }
    let mut done = 0;
    while done < work.length {
        let length = most.min(work.length - done);
        let start = work.start + done;
        let first = if start < n { 0 } else { (start - n) / work.hop + 1 };
        let last = ((start + length - 1) / work.hop).min(frames - 1);
        let mut source = (lines.source, Entry::Real);
        source.0.offset += (first * n) as i64;
        source.0.length = (last + 1 - first) * n;
        let mut result = (lines.result, Entry::Real);
        result.0.offset += done as i64;
        result.0.length = length;
        let numbers = [last + 1 - first, work.hop, n, start - first * work.hop].map(|number| number as u32);
        let pass = LinePass {
            code: CODE,
            source,
            result,
            table: Some(LineTable {
                buffer: BufferId::Input(1),
                offset: w.layout.offset as u64,
                length: n as u64,
                entry: Entry::Real,
            }),
            numbers,
            scale: 1.0,
            batch: lines.batch.clone(),
            inner: 0,
            cost: 6.0 * n.div_ceil(work.hop) as f64,
        };
        for part in lines.parts(op, limits, |part| pass.fits(part, limits))? {
            pass.append(&part, limits, &mut program);
        }
        done += length;
    }
    Ok(program)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::fft::tests::{assert_sound, tight};

    #[test]
    fn long_signals_are_taken_in_pieces() {
        for (signals, frames, n, hop) in [(1, 900, 64, 16), (5, 3, 100, 100), (300, 20, 8, 3), (2, 1, 17, 5)] {
            let x = Layout::contiguous(&[signals, frames, n]);
            let w = Layout { offset: 5, ..Layout::contiguous(&[n]) };
            let length = (frames - 1) * hop + n - 2;
            let work = OverlapAddWork { op: "istft", hop, start: 1, length };
            let inputs = [&x, &w].map(|layout| Input { layout, element_bytes: 4 });
            let program = lower(&work, &inputs, &tight()).unwrap();
            assert_sound(&program, &[4 * x.len() as u64, 4 * w.end() as u64], &tight());
        }
    }
}
