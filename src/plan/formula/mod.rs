//! Formulas summed over j: one fused shader, rows in the lanes, j in slices where rows are few.

#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, extent, length, pieces, window, window_bytes};
use super::{BufferId, DeviceKind, Limits, Pass, Program, Window, copy};
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula, Role, Variable};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{FormulaWork, Input, Layout};
use text::Code;

const FINISH: ShaderFile =
    ShaderFile { name: "formula_finish", text: include_str!("../../../shaders/formula_finish.wgsl") };
const INVOCATIONS: u64 = 64;

/// j that a slice has at least: less is not worth a partial result.
const SHORTEST_SLICE: u64 = 256;

/// Bytes of partial results, at most.
const PARTIAL_BYTES: u64 = 64 << 20;

/// A variable's memory, with strides along i, j and the components.
struct Side {
    buffer: BufferId,
    offset: u64,
    dimension: u64,
    row: u64,
    column: u64,
    component: u64,
}

/// Passes of `out[i, c] = Σⱼ formula(i, j)[c]`.
pub(super) fn lower(work: &FormulaWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    work.check(&inputs.iter().map(|input| input.layout.shape.as_slice()).collect::<Vec<_>>())?;
    let (n, m, components) = (work.n as u64, work.m as u64, work.formula.dimension() as u64);
    let mut program = Program::new(op, output_bytes(op, n.saturating_mul(components), 4, limits)?);
    if n == 0 || components == 0 {
        return Ok(program);
    }
    if m == 0 {
        // A sum over nothing reads nothing.
        let zero = Formula::new(Expr::vector(&vec![0.0; components as usize]) * 0.0)?;
        Plan { op, code: Code::of(&zero, limits)?, sides: Vec::new(), n, m, components, limits }
            .record(&mut program)?;
        return Ok(program);
    }
    let sides = work.formula.variables().iter().zip(inputs).enumerate();
    let sides = sides
        .map(|(at, (variable, input))| side(at, *variable, input.layout, limits, &mut program))
        .collect::<Result<_>>()?;
    Plan { op, code: Code::of(&work.formula, limits)?, sides, n, m, components, limits }.record(&mut program)?;
    Ok(program)
}

/// A variable as the passes see it; one whose components lie far apart is copied first.
fn side(at: usize, variable: Variable, layout: &Layout, limits: &Limits, program: &mut Program) -> Result<Side> {
    let reach = (layout.end().saturating_sub(layout.offset) as u64).saturating_mul(4);
    let scattered = layout.strides.windows(2).any(|pair| matches!(pair, [outer, inner] if outer < inner));
    let dense = Layout::contiguous(&layout.shape);
    let (buffer, layout) = if scattered && reach + limits.offset_alignment > limits.max_binding_bytes {
        let target = program.temporary(layout.len() as u64 * 4);
        copy::record(layout, 4, BufferId::Input(at), target, limits, program)?;
        (target, &dense)
    } else {
        (BufferId::Input(at), layout)
    };
    let stride = |axis: usize| layout.strides.get(axis).map_or(0, |stride| *stride as u64);
    let (row, column, component) = match variable.role {
        Role::I => (stride(0), 0, stride(1)),
        Role::J => (0, stride(0), stride(1)),
        Role::Pair => (stride(0), stride(1), 0),
        Role::Parameter => (0, 0, stride(0)),
    };
    Ok(Side { buffer, offset: layout.offset as u64, dimension: variable.dimension as u64, row, column, component })
}

impl Side {
    fn strides(&self) -> [u64; 3] {
        [self.row, self.column, self.component]
    }

    fn region(&self, rows: &std::ops::Range<u64>, columns: &std::ops::Range<u64>) -> Region<3> {
        [rows.clone(), columns.clone(), 0..self.dimension]
    }
}

struct Plan<'a> {
    op: &'static str,
    code: Code,
    sides: Vec<Side>,
    n: u64,
    m: u64,
    components: u64,
    limits: &'a Limits,
}

impl Plan<'_> {
    fn record(&self, program: &mut Program) -> Result<()> {
        let limits = self.limits;
        let bytes = |elements: u64| window_bytes(4, elements, limits);
        let too_large = |requested: u64| Error::BufferTooLarge {
            op: self.op,
            requested,
            limit: limits.max_binding_bytes,
            adapter: limits.adapter.clone(),
        };
        let largest = |rows: &std::ops::Range<u64>, columns: &std::ops::Range<u64>| {
            let seen = |side: &Side| bytes(extent(&side.region(rows, columns), side.strides()));
            self.sides.iter().filter(|side| side.dimension > 0).map(seen).max().unwrap_or(0)
        };
        // Rows are cut until one column fits, then columns.
        let fits = |rows: &Region<1>| {
            let needed = largest(&rows[0], &(0..self.m.min(1))).max(bytes(length(&rows[0]) * self.components));
            let cost = length(&rows[0]) as f64 * self.code.cost * self.m.clamp(1, 64) as f64;
            let dear = cost > limits.max_pass_cost && length(&rows[0]) > 1;
            (dear || needed > limits.max_binding_bytes).then_some(0)
        };
        let cut = pieces([0..self.n], [INVOCATIONS], fits).ok_or_else(|| too_large(largest(&(0..1), &(0..1))))?;
        let partials = program.temporary(16);
        for [rows] in cut {
            let over = |columns: &Region<1>| (largest(&rows, &columns[0]) > limits.max_binding_bytes).then_some(0);
            let columns = match self.m {
                0 => vec![[0..0]],
                m => pieces([0..m], [64], over).ok_or_else(|| too_large(largest(&rows, &(0..1))))?,
            };
            self.record_rows(rows, &columns, partials, program);
        }
        Ok(())
    }

    /// All of j for some rows.
    fn record_rows(
        &self,
        rows: std::ops::Range<u64>,
        columns: &[Region<1>],
        partials: BufferId,
        program: &mut Program,
    ) {
        let limits = self.limits;
        let count = length(&rows) * self.components;
        let wanted = if limits.kind == DeviceKind::Software { 256 } else { 32_768 };
        let chunks = self.components.div_ceil(self.code.chunk);
        let longest = columns.iter().map(|columns| length(&columns[0])).max().unwrap_or(0);
        let room = (PARTIAL_BYTES.min(limits.max_binding_bytes) / (4 * count).max(1)).min(4096);
        let slices = u64::div_ceil(wanted, length(&rows) * chunks).min(longest / SHORTEST_SLICE).min(room).max(1);
        let (result, before) = window(BufferId::Output, 4, rows.start * self.components, count, limits);
        let scratch = Window { buffer: partials, offset: 0, bytes: slices * count * 4 };
        let target = if slices == 1 { (result, before) } else { (scratch, 0) };
        let mut adds = false;
        for [columns] in columns {
            let slice = length(columns).div_ceil(slices).next_multiple_of(64);
            let affordable = limits.max_pass_cost / (self.code.cost * (length(&rows) * slices * chunks) as f64);
            let most = self.code.most_columns.min((affordable as u64).max(64));
            let most = if most > 64 { most - most % 64 } else { most };
            let mut skipped = 0;
            loop {
                self.record_pass(&rows, columns, target, [slices, slice, skipped, most, u64::from(adds)], program);
                adds = true;
                skipped += most;
                if skipped >= slice.min(length(columns)) {
                    break;
                }
            }
        }
        if slices > 1 {
            super::pair::reserve(program, partials, scratch.bytes);
            let (grid, width) = limits.fold(count.div_ceil(INVOCATIONS));
            let mut words = Words::new();
            words.u32(width).length(count).length(slices).u32(before);
            let shader = Shader { file: FINISH, tail: Tail::new(), math: false, indices_proven: true };
            program.passes.push(Pass {
                shader: Arc::new(shader),
                windows: vec![scratch, result],
                parameters: words.bytes(),
                grid,
                cost: (count * slices) as f64,
            });
        }
    }

    fn record_pass(
        &self,
        rows: &std::ops::Range<u64>,
        columns: &std::ops::Range<u64>,
        target: (Window, u32),
        [slices, slice, skipped, most, adds]: [u64; 5],
        program: &mut Program,
    ) {
        let limits = self.limits;
        let chunks = self.components.div_ceil(self.code.chunk);
        let count = length(rows) * self.components;
        let (grid, width) = limits.fold((length(rows) * chunks * slices).div_ceil(INVOCATIONS));
        let mut words = Words::new();
        words.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(length(rows));
        words.length(slices).length(slice).length(skipped).length(most);
        words.length(length(columns)).length(chunks).length(self.components).length(adds);
        words.u32(target.1).length(count).align();
        let mut windows = vec![target.0];
        for side in self.sides.iter().filter(|side| side.dimension > 0) {
            let region = side.region(rows, columns);
            let start = side.offset + rows.start * side.row + columns.start * side.column;
            let (view, before) = window(side.buffer, 4, start, extent(&region, side.strides()), limits);
            windows.push(view);
            words.u32(before).length(side.row).length(side.column).length(side.component);
        }
        if self.sides.iter().all(|side| side.dimension == 0) {
            words.u32(0).u32(0).u32(0).u32(0);
        }
        self.code.value_words(&mut words);
        windows.extend(self.code.tables(program));
        let covered = most.min(slice.saturating_sub(skipped)) as f64;
        program.passes.push(Pass {
            shader: Arc::clone(&self.code.shader),
            windows,
            parameters: words.bytes(),
            grid,
            cost: covered * (length(rows) * slices * chunks) as f64 * self.code.cost,
        });
    }
}
