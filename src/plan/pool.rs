//! Sums, means and largest entries of sliding windows.

use std::ops::Range;
use std::sync::Arc;

use super::conv::geometry::{Axis, Strides, phases, strides};
use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, extent, length, pieces, window, window_bytes};
use super::stored::loads;
use super::{BufferId, Limits, Pass, Program};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, Layout, PoolWork, Pooling};

const POOL: ShaderFile = ShaderFile { name: "pool", text: include_str!("../../shaders/pool.wgsl") };

/// Rough operations per tap.
const OPERATIONS_PER_TAP: f64 = 30.0;

const SUM: &str = "struct State { sum: f32 }
fn none() -> State {
    return State(0.0);
}
fn take(state: ptr<function, State>, entry: f32, place: u32) {
    (*state).sum += entry;
}
fn merge(a: State, b: State) -> State {
    return State(a.sum + b.sum);
}
fn earlier(at: u32) -> State {
    return State(bitcast<f32>(result[at]));
}
";

const KEEP_SUM: &str = "fn finish(at: u32, state: State, counts: f32) {
    result[at] = bitcast<u32>(state.sum);
}
";

const DIVIDE: &str = "fn finish(at: u32, state: State, counts: f32) {
    var value = bitcast<u32>(state.sum);
    if parameters.last != 0u {
        value = select(bitcast<u32>(state.sum / max(counts, 1.0)), parameters.infinity_bits | 0x00400000u, counts == 0.0);
    }
    result[at] = value;
}
";

/// The first NaN, or the first of the largest.
const LARGEST: &str = "struct State { largest: f32, place: u32 }
fn none() -> State {
    return State(bitcast<f32>(parameters.infinity_bits | 0x80000000u), 0xffffffffu);
}
fn take(state: ptr<function, State>, entry: f32, place: u32) {
    let better = is_nan(entry) | (entry > (*state).largest) | ((*state).place == 0xffffffffu);
    let taken = better & !is_nan((*state).largest);
    (*state).largest = select((*state).largest, entry, taken);
    (*state).place = select((*state).place, place, taken);
}
fn merge(a: State, b: State) -> State {
    var state = a;
    if b.place != 0xffffffffu {
        take(&state, b.largest, b.place);
    }
    return state;
}
";

const KEEP_LARGEST: &str = "fn earlier(at: u32) -> State {
    return State(bitcast<f32>(result[at]), 0u);
}
fn finish(at: u32, state: State, counts: f32) {
    result[at] = bitcast<u32>(state.largest);
}
";

const KEEP_PLACE: &str = "fn earlier(at: u32) -> State {
    return State(bitcast<f32>(result[at]), result[at + 1u]);
}
fn finish(at: u32, state: State, counts: f32) {
    result[at] = bitcast<u32>(state.largest);
    result[at + 1u] = state.place;
}
";

/// Lowers a pooling.
pub(super) fn lower(work: &PoolWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    let [x] = inputs else {
        return Err(Error::argument(op, "inputs", format!("are {}; pooling takes one", inputs.len())));
    };
    let lengths = match x.layout.shape.get(2..) {
        Some(lengths) if lengths.len() == work.axes.len() && (1..=3).contains(&lengths.len()) => lengths,
        _ => return Err(Error::shape(op, format!("x of shape {:?} does not fit the work", x.layout.shape))),
    };
    let words = if work.pooling == (Pooling::Max { indices: true }) { 2 } else { 1 };
    let outputs = work.axes.iter().map(|axis| axis.outputs);
    let shape: Vec<usize> = x.layout.shape[..2].iter().copied().chain(outputs).collect();
    let result = Layout::contiguous(&shape);
    let mut program = Program::new(op, output_bytes(op, result.len() as u64, 4 * words, limits)?);
    if result.is_empty() {
        return Ok(program);
    }
    let Some(axes) = phases(&work.axes, lengths, false).into_iter().next() else { return Ok(program) };
    let pooling =
        Pool { work, x, axes, x_strides: strides(x.layout), result: strides(&result).map(|s| s * words), limits };
    pooling.record(&mut program, words)?;
    Ok(program)
}

struct Pool<'a> {
    work: &'a PoolWork,
    x: &'a Input<'a>,
    axes: [Axis; 3],
    x_strides: Strides,
    result: Strides,
    limits: &'a Limits,
}

impl Pool<'_> {
    /// Records pieces of the batch, the channels, the planes and the rows.
    fn record(&self, program: &mut Program, words: u64) -> Result<()> {
        let limits = self.limits;
        let taps: u64 = if self.x.layout.is_empty() { 0 } else { self.axes.iter().map(|axis| axis.taps).product() };
        let per_pass = (u64::from(limits.max_iterations.saturating_sub(64)) * 64 / 65).max(1).min(taps);
        let per_window = (per_pass + 2) as f64 * OPERATIONS_PER_TAP;
        let excess = |piece: &Region<4>| {
            let read = window_bytes(self.x.element_bytes as u64, extent(&self.seen(piece), self.x_strides), limits);
            let write = window_bytes(4, extent(&self.stored(piece), self.result) + words - 1, limits);
            let windows = piece.iter().map(length).product::<u64>() * self.axes[2].outputs;
            let large = read.max(write) > limits.max_binding_bytes;
            let dear = windows as f64 * per_window > limits.max_pass_cost || windows > 1 << 30;
            let longer = || (0..4).find(|axis| length(&piece[*axis]) > 1);
            if large || dear { longer().or(large.then_some(0)) } else { None }
        };
        let shape = &self.x.layout.shape;
        let whole = [0..shape[0] as u64, 0..shape[1] as u64, 0..self.axes[0].outputs, 0..self.axes[1].outputs];
        let cut = pieces(whole, [1; 4], excess).ok_or_else(|| Error::Unsupported {
            op: program.op,
            message: format!(
                "one row needs more than the {} bytes that {} binds at once; pool it in pieces",
                limits.max_binding_bytes, limits.adapter
            ),
        })?;
        let shader = self.shader(words);
        let source = match taps {
            0 => program.constant("nothing", || vec![0; 16]),
            _ => BufferId::Input(0),
        };
        for piece in &cut {
            let mut first = 0;
            loop {
                let now = per_pass.min(taps - first);
                program.passes.push(self.pass(source, piece, &shader, first..first + now, taps, words));
                first += now;
                if first >= taps {
                    break;
                }
            }
        }
        Ok(())
    }

    fn seen(&self, piece: &Region<4>) -> Region<5> {
        let [planes, rows, last] = self.axes;
        let spatial = [planes.seen(&piece[2]), rows.seen(&piece[3]), last.seen(&(0..last.outputs))];
        let [plane, row, column] = spatial;
        [piece[0].clone(), piece[1].clone(), plane, row, column]
    }

    fn stored(&self, piece: &Region<4>) -> Region<5> {
        let [batch, channels, planes, rows] = piece.clone();
        [batch, channels, planes, rows, 0..self.axes[2].outputs]
    }

    fn pass(
        &self,
        source: BufferId,
        piece: &Region<4>,
        shader: &Arc<Shader>,
        taps: Range<u64>,
        all: u64,
        entry_words: u64,
    ) -> Pass {
        let (limits, element_bytes) = (self.limits, self.x.element_bytes as u64);
        let (seen, stored) = (self.seen(piece), self.stored(piece));
        let start = |region: &Region<5>, strides: Strides| {
            region.iter().zip(strides).map(|(range, stride)| range.start * stride).sum::<u64>()
        };
        let (read, x_before) = match source {
            BufferId::Input(_) => {
                let first = self.x.layout.offset as u64 + start(&seen, self.x_strides);
                window(source, element_bytes, first, extent(&seen, self.x_strides), limits)
            }
            nothing => (super::Window { buffer: nothing, offset: 0, bytes: 16 }, 0),
        };
        let reach = extent(&stored, self.result) + entry_words - 1;
        let (write, before) = window(BufferId::Output, 4, start(&stored, self.result), reach, limits);
        let windows = piece.iter().map(length).product::<u64>() * self.axes[2].outputs;
        let (grid, width) = limits.fold(windows.div_ceil(64));
        let mut words = Words::new();
        words.u32(f32::INFINITY.to_bits()).u32(width).length(windows).length(length(&piece[1]));
        words.u32(x_before).length(self.x_strides[0]).length(self.x_strides[1]);
        words.u32(before).length(self.result[0]).length(self.result[1]);
        words.length(length(&taps)).u32(u32::from(taps.end >= all));
        let [_, rows, last] = self.axes.map(|axis| axis.taps);
        words.length(taps.start / last / rows).length(taps.start / last % rows).length(taps.start % last).u32(0);
        seen[2..].iter().for_each(|range| _ = words.length(range.start));
        words.u32(0);
        self.axes.iter().for_each(|axis| _ = words.length(axis.input));
        words.u32(0);
        // Pads count where a mean wants them to.
        let first_axis = 3 - self.work.axes.len();
        let pads = |at: usize| match (self.work.pooling, at.checked_sub(first_axis)) {
            (Pooling::Mean { padding: true }, Some(at)) => (self.work.axes[at].before, self.work.axes[at].after),
            _ => (0, 0),
        };
        (0..3).for_each(|at| _ = words.length(seen[2 + at].start + pads(at).0 as u64));
        words.u32(0);
        (0..3).for_each(|at| _ = words.length(self.axes[at].input + (pads(at).0 + pads(at).1) as u64));
        words.u32(0);
        let outputs = [piece[2].clone(), piece[3].clone(), 0..self.axes[2].outputs];
        for (at, (axis, outputs)) in self.axes.iter().zip(outputs).enumerate() {
            axis.words(&outputs, [self.x_strides[2 + at], self.result[2 + at]], &mut words);
        }
        let cost = windows as f64 * (length(&taps) + 2) as f64 * OPERATIONS_PER_TAP;
        Pass { shader: Arc::clone(shader), windows: vec![read, write], parameters: words.bytes(), grid, cost }
    }

    fn shader(&self, words: u64) -> Arc<Shader> {
        let text: &[&str] = match self.work.pooling {
            Pooling::Sum => &[SUM, KEEP_SUM],
            Pooling::Mean { .. } => &[SUM, DIVIDE],
            Pooling::Max { indices: false } => &[LARGEST, KEEP_LARGEST],
            Pooling::Max { indices: true } => &[LARGEST, KEEP_PLACE],
        };
        let tail = loads(Tail::new().constant("WORDS", words as u32), &["x"], self.x.element_bytes);
        let tail = text.iter().fold(tail, |tail, part| tail.code(part));
        Arc::new(Shader { file: POOL, tail, math: self.x.element_bytes != 4, indices_proven: true })
    }
}
