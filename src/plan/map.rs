//! A function of two numbers over two arrays of the same length.

use std::sync::Arc;

use super::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};

const MAP: ShaderFile = ShaderFile { name: "map", text: include_str!("../../shaders/map.wgsl") };

/// Invocations of a workgroup of `map.wgsl`.
const GROUP: u64 = 64;
const ENTRY_BYTES: u64 = 4;

/// `out[i] = f(x[i], y[i])` for two inputs of `n` f32, where `body` is the WGSL body of `fn map(x: f32, y: f32) -> f32`.
/// `math` makes the functions of `math.wgsl` callable. Arrays larger than one binding are split over passes.
pub(crate) fn map_program(body: &str, math: bool, n: usize, limits: &Limits) -> Program {
    let n = n as u64;
    let mut program = Program::new("map", n * ENTRY_BYTES);
    let tail = Tail::new().code("fn map(x: f32, y: f32) -> f32 {").code_labelled("the function", body).code("}");
    let shader = Arc::new(Shader { file: MAP, tail, math, indices_proven: true });
    // Windows start at multiples of the alignment, so all but the last are as long as a multiple of it.
    let longest = (limits.max_binding_bytes / limits.offset_alignment * limits.offset_alignment / ENTRY_BYTES)
        .min(u64::from(limits.max_workgroups).pow(2).saturating_mul(GROUP));
    let longest = longest - longest % (limits.offset_alignment / ENTRY_BYTES).max(1);
    let mut start = 0;
    while start < n && longest > 0 {
        let entries = (n - start).min(longest);
        let window = |buffer| Window { buffer, offset: start * ENTRY_BYTES, bytes: entries * ENTRY_BYTES };
        let (grid, width) = limits.fold(entries.div_ceil(GROUP));
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![window(BufferId::Input(0)), window(BufferId::Input(1)), window(BufferId::Output)],
            parameters: bytemuck::cast_slice(&[entries as u32, width, 0, 0]).to_vec(),
            grid,
            cost: entries as f64 * 64.0,
        });
        start += entries;
    }
    program
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::shader::compile;

    #[test]
    fn long_arrays_are_split_where_windows_may_start() {
        let limits = Limits { max_binding_bytes: 1000, ..Limits::webgpu_defaults() };
        let program = map_program("return x + y;", false, 500, &limits);
        let windows: Vec<_> = program.passes.iter().map(|pass| pass.windows[2]).collect();
        assert_eq!(
            windows.iter().map(|w| (w.offset, w.bytes)).collect::<Vec<_>>(),
            [(0, 768), (768, 768), (1536, 464)]
        );
        assert!(map_program("return x;", false, 0, &limits).passes.is_empty());
    }

    #[test]
    fn every_accurate_function_compiles() {
        for call in ["sqrt_(x)", "exp_(x)", "log1p_(x)", "sin_(x)", "atan2_(x, y)", "pow_(x, y)", "powi_(x, i32(y))"] {
            let program = map_program(&format!("return {call};"), true, 100, &Limits::webgpu_defaults());
            compile(&program.passes[0].shader).unwrap();
        }
    }
}
