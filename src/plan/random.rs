//! Random numbers from counters.

use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::{BufferId, Limits, Pass, Program, Window};
use crate::error::Result;
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Distribution, RandomWork};

const RANDOM: ShaderFile = ShaderFile { name: "random", text: include_str!("../../shaders/random.wgsl") };

/// Counters that a workgroup of `random.wgsl` takes, and the numbers that one makes.
const GROUP: u64 = 64;
const BLOCK: u64 = 4;
const ENTRY_BYTES: u64 = 4;

const UNIFORM: &str = "fn numbers(words: vec4u) -> vec4f {
    return vec4f(words >> vec4u(8u)) * 5.9604644775390625e-8;
}
";

/// Box and Muller: the radius from a number above 0, the angle from another.
const NORMAL: &str = "fn numbers(words: vec4u) -> vec4f {
    return vec4f(pair(words.x, words.y), pair(words.z, words.w));
}
fn pair(a: u32, b: u32) -> vec2f {
    let radius = sqrt_(-2.0 * log_(f32((a >> 8u) + 1u) * 5.9604644775390625e-8));
    let angle = f32(b >> 8u) * 3.7450703086e-7;
    return radius * vec2f(cos_(angle), sin_(angle));
}
";

/// Lowers a draw.
pub(super) fn lower(work: &RandomWork, limits: &Limits) -> Result<Program> {
    let entries = work.length as u64;
    let mut program = Program::new(work.op, output_bytes(work.op, entries, ENTRY_BYTES, limits)?);
    let (number, code) = match work.distribution {
        Distribution::Bits => ("u32", "fn numbers(words: vec4u) -> vec4u { return words; }\n"),
        Distribution::Uniform => ("f32", UNIFORM),
        Distribution::Normal => ("f32", NORMAL),
    };
    let tail = Tail::new().alias("Number", number).code(code);
    let shader = Arc::new(Shader { file: RANDOM, tail, math: true, indices_proven: true });
    // Windows start at multiples of the alignment and of a counter's numbers.
    let grain = (limits.offset_alignment / ENTRY_BYTES).max(BLOCK);
    let most = (limits.max_binding_bytes / ENTRY_BYTES).min((limits.max_pass_cost / 40.0) as u64).max(grain);
    let most = (most - most % grain).min(1 << 30);
    let mut start = 0;
    while start < entries {
        let count = most.min(entries - start);
        let (grid, width) = limits.fold(count.div_ceil(BLOCK).div_ceil(GROUP));
        let mut words = Words::new();
        words.u32(count as u32).u32(width);
        for word in [start / BLOCK, work.stream, work.seed] {
            words.u32(word as u32).u32((word >> 32) as u32);
        }
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![Window { buffer: BufferId::Output, offset: start * ENTRY_BYTES, bytes: count * ENTRY_BYTES }],
            parameters: words.bytes(),
            grid,
            cost: count as f64 * 40.0,
        });
        start += count;
    }
    Ok(program)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::fft::tests::{assert_sound, tight};

    #[test]
    fn long_draws_are_split_where_counters_begin() {
        for distribution in [Distribution::Bits, Distribution::Uniform, Distribution::Normal] {
            for length in [0, 1, 5, 100_003] {
                let work = RandomWork { op: "random", distribution, seed: 1, stream: 2, length };
                let program = lower(&work, &tight()).unwrap();
                assert_sound(&program, &[], &tight());
                assert_eq!(program.passes.len(), if length == 0 { 0 } else { length.div_ceil(7488) });
            }
        }
    }
}
