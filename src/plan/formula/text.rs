//! The shader of one formula.

use std::fmt::Write;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::expr::{Formula, Role};
use crate::plan::parameters::Words;
use crate::plan::{Limits, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};

const FORMULA: ShaderFile = ShaderFile { name: "formula", text: include_str!("../../../shaders/formula.wgsl") };

/// Components that one invocation owns at most: each takes two registers, one for the block and one for the total.
const MOST_COMPONENTS: usize = 16;

/// A formula's shader, and what the plan must know of it.
pub(super) struct Code {
    pub(super) shader: Arc<Shader>,
    /// Components that one invocation owns.
    pub(super) chunk: u64,
    /// j that one invocation may walk in one pass.
    pub(super) most_columns: u64,
    /// Rough number of operations for one row, one j and one chunk.
    pub(super) cost: f64,
    values: Vec<f32>,
    tables: Vec<f32>,
}

impl Code {
    /// # Errors
    /// [`Error::Unsupported`] where there are more variables than a device binds, or so many components that one j alone
    /// takes more iterations than a device allows.
    pub(super) fn of(formula: &Formula, limits: &Limits) -> Result<Self> {
        let unsupported = |message: String| Err(Error::Unsupported { op: "formula", message });
        let components = formula.dimension();
        let chunk = components.min(MOST_COMPONENTS);
        let tables: Vec<f32> = formula.tape().tables().iter().flat_map(|t| t.iter().map(|v| *v as f32)).collect();
        let inputs = formula.variables().iter().filter(|v| v.dimension > 0).count();
        let buffers = inputs + 1 + usize::from(!tables.is_empty());
        if buffers > limits.max_storage_buffers as usize {
            let most = limits.max_storage_buffers as usize - 1 - usize::from(!tables.is_empty());
            return unsupported(format!(
                "a formula of {inputs} variables; this device can bind {most}: join some in one"
            ));
        }
        let first = (components > chunk).then_some("first");
        // 65 of 64: the block's own iteration.
        let room = u64::from(limits.max_iterations).saturating_sub(64);
        let most = |unrolled: usize| {
            let fused = formula.fused(first, chunk, unrolled);
            let left = room.saturating_sub(fused.iterations_before);
            (left * 64 / ((fused.iterations_each + 1) * 64 + 1), fused)
        };
        let mut best = most(8);
        for unrolled in [16, 32] {
            if best.0 < 64 {
                best = most(unrolled);
            }
        }
        let (most_columns, fused) = best;
        if most_columns == 0 {
            return unsupported(format!(
                "a formula over vectors this long: one value takes more than {room} iterations"
            ));
        }
        let mut code = declarations(formula);
        let _ = writeln!(code, "fn sums(i: u32, first: u32, j_start: u32, j_end: u32) -> array<f32, CHUNK> {{");
        let (mut rows, mut columns) = (String::new(), String::new());
        for (number, variable) in formula.variables().iter().filter(|v| v.dimension > 0).enumerate() {
            let place = format!("parameters.inputs[{number}].offset");
            let row = format!("i * parameters.inputs[{number}].row");
            let column = format!("j * parameters.inputs[{number}].column");
            let name = formula.variables().iter().position(|v| v == variable).unwrap_or(number);
            let _ = match variable.role {
                Role::I => writeln!(rows, "    let at_{name} = {place} + {row};"),
                Role::Parameter => writeln!(rows, "    let at_{name} = {place};"),
                Role::J => writeln!(columns, "    let at_{name} = {place} + {column};"),
                Role::Pair => writeln!(columns, "    let at_{name} = {place} + {row} + {column};"),
            };
        }
        let all = |of: fn(usize) -> String, between: &str| (0..chunk).map(of).collect::<Vec<_>>().join(between);
        let taken: String =
            fused.components.iter().enumerate().map(|(c, text)| format!("    block_sum_{c} += {text};\n")).collect();
        let _ = writeln!(
            code,
            "{rows}{}    {}\n    var j = j_start;\n    while j < j_end {{\n    {}\n    let block_end = min(j + 64u, j_end);\n    \
             for (; j < block_end; j++) {{\n{columns}{}{taken}    }}\n    {}\n    }}\n    return array<f32, CHUNK>({});\n}}",
            fused.before,
            all(|c| format!("var total_{c} = 0.0f;"), " "),
            all(|c| format!("var block_sum_{c} = 0.0f;"), " "),
            fused.each,
            all(|c| format!("total_{c} += block_sum_{c};"), " "),
            all(|c| format!("total_{c}"), ", "),
        );
        let values: Vec<f32> = formula.tape().parameters().iter().map(|value| *value as f32).collect();
        let tail = Tail::new()
            .constant("CHUNK", chunk as u32)
            .constant("INPUTS", inputs.max(1) as u32)
            .constant("VALUES", values.len().div_ceil(4).max(1) as u32)
            .code(&code);
        let shader = Arc::new(Shader { file: FORMULA, tail, math: true, indices_proven: true });
        let cost: usize = formula.dimensions().iter().sum();
        Ok(Self { shader, chunk: chunk as u64, most_columns, cost: 2.0 * cost as f64, values, tables })
    }

    /// Adds the parameters.
    pub(super) fn value_words(&self, words: &mut Words) {
        for at in 0..self.values.len().div_ceil(4).max(1) * 4 {
            words.f32(self.values.get(at).copied().unwrap_or(0.0));
        }
    }

    /// The window on the tables, if there are any.
    pub(super) fn tables(&self, program: &mut Program) -> Option<Window> {
        if self.tables.is_empty() {
            return None;
        }
        let content = bytemuck::cast_slice(&self.tables);
        let bytes = content.to_vec();
        let length = bytes.len() as u64;
        let buffer = program.constant_of(&format!("formula {length}"), content, move || bytes);
        Some(Window { buffer, offset: 0, bytes: length })
    }
}

/// The bindings of the variables and of the tables, and the functions that read them.
fn declarations(formula: &Formula) -> String {
    let mut text = String::new();
    let mut binding = 2;
    let mut bound = 0;
    for (name, variable) in formula.variables().iter().enumerate() {
        if variable.dimension == 0 {
            continue;
        }
        let _ = writeln!(
            text,
            "@group(0) @binding({binding}) var<storage, read> input_{name}: array<f32>;\n\
             fn load_{name}(at: u32, component: u32) -> f32 {{\n    \
             return input_{name}[at + component * parameters.inputs[{bound}].component];\n}}"
        );
        binding += 1;
        bound += 1;
    }
    let mut start = 0;
    for (number, table) in formula.tape().tables().iter().enumerate() {
        if number == 0 {
            let _ = writeln!(text, "@group(0) @binding({binding}) var<storage, read> tables: array<f32>;");
        }
        let _ = writeln!(text, "fn table_{number}(k: u32) -> f32 {{\n    return tables[{start}u + k];\n}}");
        start += table.len();
    }
    text
}
