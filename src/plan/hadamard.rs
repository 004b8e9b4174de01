//! The fast Walsh–Hadamard transform: as few passes as workgroup memory allows, four stages at a time in registers.

use std::fmt::Write;
use std::sync::Arc;

use super::fft::{Batch, Part, Side, first, reach, window, window_bytes};
use super::lines::Lines;
use super::lower::output_bytes;
use super::parameters::Words;
use super::{BufferId, Limits, Pass, Program};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{HadamardWork, Input};

const WALSH_HADAMARD: ShaderFile =
    ShaderFile { name: "walsh_hadamard", text: include_str!("../../shaders/walsh_hadamard.wgsl") };

/// Stages that run in registers between two exchanges, at most.
const REGISTER_BITS: u32 = 4;

/// Invocations that a workgroup is filled up to with lines.
const INVOCATIONS: u32 = 64;

/// Invocations along x that every device takes.
const MOST_INVOCATIONS: u32 = 256;

/// Bits of a pass whose entries are no neighbours: short, so that lines side by side fit a workgroup.
const STRIDED_BITS: u32 = 8;

/// One pass: which bits of the index it takes, and how a workgroup shares them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stage {
    first: u32,
    bits: u32,
    threads: u32,
    lines: u32,
    neighbours_are_lines: bool,
}

/// The passes over an axis of 2^`bits` entries.
fn stages(bits: u32, stride: i64, limits: &Limits) -> Vec<Stage> {
    let by_memory = (limits.workgroup_bytes / 4).max(1).ilog2();
    let invocations = limits.max_invocations.clamp(1, MOST_INVOCATIONS);
    let by_threads = invocations.ilog2() + REGISTER_BITS;
    let longest = by_memory.min(by_threads);
    let mut stages = Vec::new();
    let mut done = 0;
    while done < bits || stages.is_empty() {
        let neighbours_are_lines = done > 0 || stride > 1;
        let most = if neighbours_are_lines { longest.min(STRIDED_BITS) } else { longest };
        // What is left is shared out evenly.
        let passes = (bits - done).div_ceil(most).max(1);
        let taken = if done == 0 && !neighbours_are_lines { most.min(bits) } else { (bits - done).div_ceil(passes) };
        let threads = 1 << (taken - taken.min(REGISTER_BITS));
        let by_memory = limits.workgroup_bytes / (4 << taken);
        let wanted = if neighbours_are_lines { invocations } else { INVOCATIONS.min(invocations) };
        let lines = (wanted / threads).min(by_memory).clamp(1, INVOCATIONS);
        stages.push(Stage { first: done, bits: taken, threads, lines, neighbours_are_lines });
        done += taken;
    }
    stages
}

impl Stage {
    /// Groups of bits that go through registers together, in their order: (first bit, how many).
    fn groups(&self) -> Vec<(u32, u32)> {
        let count = self.bits.div_ceil(REGISTER_BITS).max(1);
        let mut groups = Vec::new();
        let mut first = 0;
        for group in 0..count {
            let bits = (self.bits - first).div_ceil(count - group);
            groups.push((first, bits));
            first += bits;
        }
        // The largest group decides on the threads; the highest bits come first.
        groups.rotate_right(1);
        groups
    }

    fn shader(&self, factors: bool, sequency: bool, dimensions: usize) -> Shader {
        let length = 1u32 << self.bits;
        let groups = self.groups();
        let mut code = String::new();
        let factor = if factors { " * factors[parameters.factors_offset + index]" } else { "" };
        if factors {
            code += "@group(0) @binding(3) var<storage, read> factors: array<f32>;\n";
        }
        let _ = writeln!(code, "fn fetch(at: u32, index: u32) -> f32 {{ return source[at]{factor}; }}");
        code += "fn transform(line: Line, lane: u32, thread: u32) {\n";
        let mut fresh = 0;
        for (number, &(first, bits)) in groups.iter().enumerate() {
            let (span, radix) = (1u32 << first, 1u32 << bits);
            let (is_first, is_last) = (number == 0, number + 1 == groups.len());
            let rounds = (length >> bits).div_ceil(self.threads);
            let mut names: Vec<Vec<String>> = Vec::new();
            for round in 0..rounds {
                let _ = writeln!(code, "    let b{number}_{round} = {};", butterfly(span, radix, round * self.threads));
                let mut values = Vec::new();
                for j in 0..radix {
                    let place = format!("b{number}_{round} + {}u", j * span);
                    let from = if is_first { format!("load(line, {place})") } else { format!("take(lane, {place})") };
                    let _ = writeln!(code, "    let v{fresh} = {from};");
                    values.push(format!("v{fresh}"));
                    fresh += 1;
                }
                for level in 0..bits {
                    for j in (0..radix).filter(|j| j >> level & 1 == 0) {
                        let (low, high) = (j as usize, (j | 1 << level) as usize);
                        let _ = writeln!(code, "    let v{fresh} = {} + {};", values[low], values[high]);
                        let _ = writeln!(code, "    let v{} = {} - {};", fresh + 1, values[low], values[high]);
                        (values[low], values[high]) = (format!("v{fresh}"), format!("v{}", fresh + 1));
                        fresh += 2;
                    }
                }
                names.push(values);
            }
            if !is_first && !is_last {
                code += "    workgroupBarrier();\n";
            }
            if is_last {
                code += "    if line.present {\n";
            }
            for (round, values) in names.iter().enumerate() {
                for (j, value) in values.iter().enumerate() {
                    let place = format!("b{number}_{round} + {}u", j as u32 * span);
                    let to = if is_last { "    store(line" } else { "put(lane" };
                    let _ = writeln!(code, "    {to}, {place}, {value});");
                }
            }
            code += if is_last { "    }\n" } else { "    workgroupBarrier();\n" };
        }
        code += "}\n";
        let exchange = if groups.len() > 1 { length * self.lines } else { 1 };
        let tail = Tail::new()
            .constant("LENGTH", length)
            .constant("LINES", self.lines)
            .constant("THREADS", self.threads)
            .constant("INVOCATIONS", self.threads * self.lines)
            .constant("EXCHANGE", exchange)
            .constant("DIMENSIONS", dimensions as u32)
            .flag("NEIGHBOURS_ARE_LINES", self.neighbours_are_lines)
            .flag("SEQUENCY", sequency)
            .code(&code);
        Shader { file: WALSH_HADAMARD, tail, math: false, indices_proven: true }
    }
}

/// The first entry of an invocation's butterfly in a round.
fn butterfly(span: u32, radix: u32, ahead: u32) -> String {
    format!("(thread + {ahead}u) / {span}u * {}u + (thread + {ahead}u) % {span}u", span * radix)
}

/// Lowers a transform along one axis.
pub(super) fn lower(work: &HadamardWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    let Some((input, others)) = inputs.split_first() else {
        return Err(Error::argument(op, "inputs", "are missing; a transform takes one"));
    };
    let length = input.layout.shape.get(work.axis).copied().unwrap_or(0);
    work.check(length, others.first().map(|factors| factors.layout))?;
    let lines = Lines::new(op, input.layout, work.axis, length)?;
    let mut program = Program::new(op, output_bytes(op, lines.entries, 4, limits)?);
    if lines.entries == 0 {
        return Ok(program);
    }
    let bits = length.ilog2();
    let dense = |buffer| Side { buffer, offset: 0, stride: 1, length };
    let bytes = |side: &Side, batch: &[Batch], part: &Part, distance: fn(&Batch) -> i64| {
        let axes = batch.iter().map(distance).zip(part.iter().map(|(_, size)| *size));
        window_bytes(reach(0, axes.chain([(side.stride, side.length)])), 4, limits)
    };
    let count = |part: &Part| part.iter().map(|(_, size)| *size as u64).product::<u64>();
    let fits = |part: &Part| {
        let single = part.iter().all(|(_, size)| *size == 1);
        bytes(&lines.source, &lines.batch, part, |axis| axis.source) <= limits.max_binding_bytes
            && bytes(&lines.result, &lines.batch, part, |axis| axis.result) <= limits.max_binding_bytes
            && count(part).saturating_mul(length as u64 * 4) <= limits.max_binding_bytes
            && (single || (count(part) * length as u64) as f64 * f64::from(bits) <= limits.max_pass_cost)
    };
    let parts = lines.parts(op, limits, fits)?;
    let stages = stages(bits, lines.source.stride.max(lines.result.stride), limits);
    let most = parts.iter().map(count).max().unwrap_or(0);
    let scratch: Vec<BufferId> =
        (1..stages.len().min(3)).map(|_| program.temporary(most * length as u64 * 4)).collect();
    for part in &parts {
        let mut behind = count(part) as i64;
        let batch: Vec<(Batch, i64)> = lines
            .batch
            .iter()
            .zip(part)
            .map(|(axis, &(_, size))| {
                behind /= size as i64;
                (Batch { size, ..*axis }, behind * length as i64)
            })
            .collect();
        for (number, stage) in stages.iter().enumerate() {
            let (is_first, is_last) = (number == 0, number + 1 == stages.len());
            let start = |side: Side, distance: fn(&Batch) -> i64| Side {
                offset: first(side.offset, &lines.batch, part, distance),
                ..side
            };
            let source = match number {
                0 => start(lines.source, |axis| axis.source),
                _ => dense(scratch[(number - 1) % 2]),
            };
            let result = match is_last {
                true => start(lines.result, |axis| axis.result),
                false => dense(scratch[number % 2]),
            };
            // Coordinates: the batch, then the bits above those of the pass, then the bits below.
            let mut dimensions: Vec<(u64, i64, i64, u64)> = batch
                .iter()
                .map(|(axis, dense)| {
                    let source = if is_first { axis.source } else { *dense };
                    (axis.size as u64, source, if is_last { axis.result } else { *dense }, 0)
                })
                .collect();
            for (size, index) in [
                (length as u64 >> (stage.first + stage.bits), 1u64 << (stage.first + stage.bits)),
                (1 << stage.first, 1),
            ] {
                // In the order of sign changes the place follows from the whole index.
                let placed = if is_last && work.sequency { 0 } else { result.stride * index as i64 };
                dimensions.push((size, source.stride * index as i64, placed, index));
            }
            let axes = |side: &Side, distance: fn(&(u64, i64, i64, u64)) -> i64| {
                let others = dimensions[..batch.len()].iter().map(|axis| (distance(axis), axis.0 as usize));
                reach(side.offset, others.chain([(side.stride, length)]))
            };
            let (source_window, source_start) = window(source.buffer, axes(&source, |axis| axis.1), 4, limits);
            let (result_window, result_start) = window(result.buffer, axes(&result, |axis| axis.2), 4, limits);
            let mut windows = vec![source_window, result_window];
            let mut factors_at = 0;
            let factors = others.first().filter(|_| is_first);
            if let Some(factors) = factors {
                let low = factors.layout.offset as i64;
                let (seen, start) = window(BufferId::Input(1), (low, low + length as i64 - 1), 4, limits);
                windows.push(seen);
                factors_at = low - start;
            }
            dimensions.retain(|(size, ..)| *size > 1);
            if dimensions.is_empty() {
                dimensions.push((1, 0, 0, 0));
            }
            let in_lines = count(part) * (length as u64 >> stage.bits);
            let (grid, width) = limits.fold(in_lines.div_ceil(u64::from(stage.lines)));
            let step = 1i64 << stage.first;
            let mut words = Words::new();
            words.u32(in_lines as u32).u32(width);
            words.u32((source.offset - source_start) as u32).u32((source.stride * step) as u32);
            words.u32((result.offset - result_start) as u32).u32((result.stride * step) as u32);
            words.u32(step as u32).u32(factors_at as u32);
            words.f32(if is_last { work.scale } else { 1.0 }).u32(32 - bits.max(1)).u32(result.stride as u32).u32(0);
            for (size, source, result, index) in &dimensions {
                words.u32(*size as u32).u32(*source as u32).u32(*result as u32).u32(*index as u32);
            }
            let shader = stage.shader(factors.is_some(), is_last && work.sequency, dimensions.len());
            let cost = (count(part) * length as u64) as f64 * f64::from(stage.bits.max(1));
            program.passes.push(Pass { shader: Arc::new(shader), windows, parameters: words.bytes(), grid, cost });
        }
    }
    Ok(program)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::fft::tests::{assert_sound, tight};
    use crate::work::Layout;

    #[test]
    fn passes_take_every_bit_once() {
        let limits = Limits::webgpu_defaults();
        for stride in [1, 5] {
            for bits in 0..25 {
                let stages = stages(bits, stride, &limits);
                assert_eq!(stages.iter().map(|stage| stage.bits).sum::<u32>(), bits);
                for stage in stages {
                    assert!(stage.threads * stage.lines <= limits.max_invocations, "{stage:?}");
                    let groups = stage.groups();
                    assert!(groups.iter().all(|(_, bits)| *bits <= REGISTER_BITS));
                    assert_eq!(groups.iter().map(|(_, bits)| bits).sum::<u32>(), stage.bits);
                    // Rounds are whole: no invocation idles.
                    assert!(groups.iter().all(|(_, bits)| (1u32 << (stage.bits - bits)).is_multiple_of(stage.threads)));
                }
            }
        }
        assert_eq!(stages(12, 1, &limits).len(), 1);
        assert_eq!(stages(20, 1, &limits).len(), 2);
    }

    #[test]
    fn passes_stay_inside_their_buffers() {
        let limits = Limits { workgroup_bytes: 512, ..tight() };
        for (length, sequency) in [(1, true), (2, false), (16, true), (128, false), (4096, true)] {
            let shape = [9, length, 3];
            let transposed = Layout { shape: shape.to_vec(), strides: vec![1, 27, 9], offset: 0 };
            for layout in [Layout::contiguous(&shape), transposed] {
                let work = HadamardWork { op: "walsh_hadamard", axis: 1, sequency, scale: 0.5 };
                let factors = Layout { offset: 7, ..Layout::contiguous(&[length]) };
                let inputs = [&layout, &factors].map(|layout| Input { layout, element_bytes: 4 });
                if layout.end() * 4 > 60_000 {
                    continue;
                }
                let program = lower(&work, &inputs, &limits).unwrap();
                assert_sound(&program, &[4 * layout.end() as u64, 4 * factors.end() as u64], &limits);
            }
        }
    }
}
