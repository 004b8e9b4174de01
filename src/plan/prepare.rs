//! Rows that are made into others before they are compared.

use std::ops::Range;
use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, length, pieces, window, window_bytes};
use super::stored::loads;
use super::{BufferId, Limits, Pass, Program, Window};
use crate::error::{Error, Result};
use crate::metric::RowMap;
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, PrepareWork};

const ROWS: ShaderFile = ShaderFile { name: "prepare_rows", text: include_str!("../../shaders/prepare_rows.wgsl") };
const EXPAND: ShaderFile =
    ShaderFile { name: "prepare_expand", text: include_str!("../../shaders/prepare_expand.wgsl") };
const WHITEN: ShaderFile =
    ShaderFile { name: "prepare_whiten", text: include_str!("../../shaders/prepare_whiten.wgsl") };
const HALVES: ShaderFile =
    ShaderFile { name: "prepare_halves", text: include_str!("../../shaders/prepare_halves.wgsl") };

/// Passes of `out[i] = rows(x[i])`.
pub(super) fn lower(work: &PrepareWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    let [x] = inputs else {
        return Err(Error::argument(op, "inputs", "must be one"));
    };
    let [.., d] = x.layout.shape[..] else {
        return Err(Error::shape(op, "there are no rows to prepare"));
    };
    if !x.layout.is_contiguous() {
        return Err(Error::argument(op, "rows", "must lie without gaps to be prepared"));
    }
    let shape = Shape {
        offset: x.layout.offset as u64,
        element_bytes: x.element_bytes,
        rows: (x.layout.len() / d.max(1)) as u64,
        from: d as u64,
        to: work.rows.features(d) as u64,
    };
    let mut program = Program::new(op, output_bytes(op, shape.rows.saturating_mul(shape.to), 4, limits)?);
    if shape.rows == 0 || d == 0 {
        return Ok(program);
    }
    match &work.rows {
        RowMap::Standardise => {
            sums(&shape, Sums { file: ROWS, flag: ("CENTRED", true), rounds: 5 }, limits, &mut program)?
        }
        RowMap::Normalise => {
            sums(&shape, Sums { file: ROWS, flag: ("CENTRED", false), rounds: 2 }, limits, &mut program)?
        }
        RowMap::ExpandLeft => {
            sums(&shape, Sums { file: EXPAND, flag: ("LEFT", true), rounds: 1 }, limits, &mut program)?
        }
        RowMap::ExpandRight => {
            sums(&shape, Sums { file: EXPAND, flag: ("LEFT", false), rounds: 1 }, limits, &mut program)?
        }
        RowMap::Halves => halves(&shape, limits, &mut program)?,
        RowMap::Whiten(factor) => whiten(&shape, factor, limits, &mut program)?,
    }
    Ok(program)
}

/// Rows and how many features they have before and after.
struct Shape {
    offset: u64,
    /// Bytes of a feature before.
    element_bytes: usize,
    rows: u64,
    from: u64,
    to: u64,
}

impl Shape {
    /// The window on some rows before they are prepared, and the place of the first feature in it.
    fn source(&self, rows: &Range<u64>, limits: &Limits) -> (Window, u32) {
        let first = self.offset + rows.start * self.from;
        window(BufferId::Input(0), self.element_bytes as u64, first, length(rows) * self.from, limits)
    }

    /// Cuts the rows until each piece fits a binding and costs no more than a pass may; `cost` is that of a row.
    fn pieces(&self, cost: f64, op: &'static str, limits: &Limits) -> Result<Vec<Region<1>>> {
        let bytes = |rows: u64| window_bytes(4, rows.saturating_mul(self.from.max(self.to)), limits);
        let excess = |piece: &Region<1>| {
            let rows = length(&piece[0]);
            let dear = rows > 1 && rows as f64 * cost > limits.max_pass_cost;
            (dear || bytes(rows) > limits.max_binding_bytes).then_some(0)
        };
        pieces([0..self.rows], [1], excess).ok_or_else(|| Error::BufferTooLarge {
            op,
            requested: bytes(1),
            limit: limits.max_binding_bytes,
            adapter: limits.adapter.clone(),
        })
    }
}

/// A shader that sums over each row, and how often.
struct Sums {
    file: ShaderFile,
    flag: (&'static str, bool),
    rounds: u64,
}

fn sums(shape: &Shape, sums: Sums, limits: &Limits, program: &mut Program) -> Result<()> {
    let Sums { file, flag: (name, set), rounds } = sums;
    // A round has an iteration per feature of a lane and one per block of 64, and the sums take six to eight steps.
    let iterations = |lanes: u64| rounds * (shape.from.div_ceil(lanes) + shape.from.div_ceil(64 * lanes) + 9);
    let fits = |lanes: &u64| iterations(*lanes) <= u64::from(limits.max_iterations);
    let lanes = [64, 256].into_iter().filter(|lanes| *lanes <= u64::from(limits.max_invocations)).find(fits);
    let lanes = lanes.ok_or_else(|| Error::Unsupported {
        op: program.op,
        message: format!("rows of {} features are too long to be prepared on {}", shape.from, limits.adapter),
    })?;
    let tail = loads(Tail::new().constant("LANES", lanes as u32).flag(name, set), &["x"], shape.element_bytes);
    let shader = Arc::new(Shader { file, tail, math: true, indices_proven: true });
    let cost = 3.0 * rounds as f64 * shape.from as f64;
    for [rows] in shape.pieces(cost, program.op, limits)? {
        let count = length(&rows);
        let (read, x_before) = shape.source(&rows, limits);
        let (write, before) = window(BufferId::Output, 4, rows.start * shape.to, count * shape.to, limits);
        let (grid, width) = limits.fold(count);
        let mut words = Words::new();
        if file == ROWS {
            words.u32(f32::NAN.to_bits());
        }
        words.u32(width).length(count).length(shape.from).u32(x_before).u32(before).u32(0).u32(0).u32(0);
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![read, write],
            parameters: words.bytes(),
            grid,
            cost: cost * count as f64,
        });
    }
    Ok(())
}

fn whiten(shape: &Shape, factor: &Arc<[f64]>, limits: &Limits, program: &mut Program) -> Result<()> {
    let (d, k) = (shape.from, shape.to / 2);
    let bytes = d.saturating_mul(k).saturating_mul(8);
    if bytes > limits.max_binding_bytes || d > u64::from(limits.max_iterations) {
        let limit = limits.max_binding_bytes;
        return Err(Error::BufferTooLarge { op: program.op, requested: bytes, limit, adapter: limits.adapter.clone() });
    }
    let parts = |value: &f64| [*value as f32, (value - f64::from(*value as f32)) as f32];
    let table = Arc::clone(factor);
    let table = program.constant_of(&format!("factor {d} {k}"), bytemuck::cast_slice(factor), move || {
        bytemuck::cast_slice(&table.iter().flat_map(parts).collect::<Vec<f32>>()).to_vec()
    });
    let tail = loads(Tail::new(), &["x"], shape.element_bytes);
    let shader = Arc::new(Shader { file: WHITEN, tail, math: true, indices_proven: true });
    let cost = 20.0 * d as f64 * k as f64;
    for [rows] in shape.pieces(cost, program.op, limits)? {
        let count = length(&rows);
        let (read, x_before) = shape.source(&rows, limits);
        let (write, before) = window(BufferId::Output, 4, rows.start * shape.to, count * shape.to, limits);
        let (grid, width) = limits.fold((count * k).div_ceil(64));
        let mut words = Words::new();
        words.u32(width).length(count * k).length(d).u32(x_before).u32(before).length(k).u32(0).u32(0);
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![read, Window { buffer: table, offset: 0, bytes }, write],
            parameters: words.bytes(),
            grid,
            cost: cost * count as f64,
        });
    }
    Ok(())
}

fn halves(shape: &Shape, limits: &Limits, program: &mut Program) -> Result<()> {
    let words = Shape {
        offset: shape.offset,
        element_bytes: shape.element_bytes,
        rows: shape.rows * shape.from,
        from: 1,
        to: 2,
    };
    let shader = Arc::new(Shader { file: HALVES, tail: Tail::new(), math: false, indices_proven: true });
    for [range] in words.pieces(2.0, program.op, limits)? {
        let count = length(&range);
        let (read, x_before) = words.source(&range, limits);
        let (write, before) = window(BufferId::Output, 4, range.start * 2, count * 2, limits);
        let (grid, width) = limits.fold(count.div_ceil(64));
        let mut parameters = Words::new();
        parameters.u32(width).length(count).u32(x_before).u32(before);
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![read, write],
            parameters: parameters.bytes(),
            grid,
            cost: 2.0 * count as f64,
        });
    }
    Ok(())
}
