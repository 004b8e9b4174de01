//! Entries of a box of lines, each made from its source line by a few lines of WGSL: what overlapping frames and the steps
//! around a transform are made of.

use std::sync::Arc;

use super::fft::{Batch, Part, Side, first, parts, reach, window, window_bytes};
use super::parameters::Words;
use super::{BufferId, Limits, Pass, Program, Window};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::Layout;

const LINE_ENTRIES: ShaderFile =
    ShaderFile { name: "line_entries", text: include_str!("../../shaders/line_entries.wgsl") };

/// Invocations of a workgroup of `line_entries.wgsl`.
const GROUP: u64 = 64;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Real,
    Complex,
}

impl Entry {
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Real => 4,
            Self::Complex => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Real => "f32",
            Self::Complex => "vec2f",
        }
    }
}

/// Numbers that every line looks up.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineTable {
    pub(super) buffer: BufferId,
    /// The first number.
    pub(super) offset: u64,
    /// How many there are.
    pub(super) length: u64,
    pub(super) entry: Entry,
}

/// A pass that makes the lines of `result` from those of `source`.
pub(super) struct LinePass<'a> {
    /// `fn entry(line: u32, k: u32) -> Result`.
    pub(super) code: &'a str,
    pub(super) source: (Side, Entry),
    pub(super) result: (Side, Entry),
    pub(super) table: Option<LineTable>,
    pub(super) numbers: [u32; 4],
    pub(super) scale: f32,
    pub(super) batch: Vec<Batch>,
    /// How many of the last axes of the batch lie inside the axis: their neighbours are nearer than the axis's own.
    pub(super) inner: usize,
    /// Rough operations for an entry.
    pub(super) cost: f64,
}

impl LinePass<'_> {
    /// Whether a part of the box keeps the limits.
    pub(super) fn fits(&self, part: &Part, limits: &Limits) -> bool {
        let (source, result) = self.reaches(part);
        let single = part.iter().all(|(_, size)| *size == 1);
        let entries = self.entries(part);
        window_bytes(source, self.source.1.bytes(), limits) <= limits.max_binding_bytes
            && window_bytes(result, self.result.1.bytes(), limits) <= limits.max_binding_bytes
            && entries < u64::from(u32::MAX) - GROUP
            && (single || entries as f64 * self.cost <= limits.max_pass_cost)
    }

    fn entries(&self, part: &Part) -> u64 {
        part.iter().fold(self.result.0.length as u64, |count, (_, size)| count.saturating_mul(*size as u64))
    }

    fn reaches(&self, part: &Part) -> ((i64, i64), (i64, i64)) {
        let along = |side: &Side, distance: fn(&Batch) -> i64| {
            let axes = self.batch.iter().map(distance).zip(part.iter().map(|(_, size)| *size));
            reach(first(side.offset, &self.batch, part, distance), axes.chain([(side.stride, side.length)]))
        };
        (along(&self.source.0, |axis| axis.source), along(&self.result.0, |axis| axis.result))
    }

    /// Appends the pass for a part that fits and is not empty.
    pub(super) fn append(&self, part: &Part, limits: &Limits, program: &mut Program) {
        let ((source, source_entry), (result, result_entry)) = (self.source, self.result);
        let (from, to) = self.reaches(part);
        // A source without entries is all boundary, but a binding needs something to see.
        let (source_window, source_start) = match source.length {
            0 => (Window { buffer: program.constant("zeros", || vec![0; 16]), offset: 0, bytes: 16 }, 0),
            _ => window(source.buffer, from, source_entry.bytes(), limits),
        };
        let (result_window, result_start) = window(result.buffer, to, result_entry.bytes(), limits);
        let mut windows = vec![source_window, result_window];
        let mut code = String::new();
        let mut table_at = 0;
        if let Some(table) = self.table {
            let low = table.offset as i64;
            let (seen, start) = window(table.buffer, (low, low + table.length as i64 - 1), table.entry.bytes(), limits);
            windows.push(seen);
            table_at = low - start;
            code = format!("@group(0) @binding(3) var<storage, read> table: array<{}>;\n", table.entry.name());
        }
        code += self.code;
        let lines = || self.batch.iter().zip(part).map(|(axis, (_, size))| (*size as u32, axis.source, axis.result));
        let dimensions: Vec<_> = lines().filter(|(size, ..)| *size > 1).collect();
        let inner: u32 = part.iter().rev().take(self.inner).map(|(_, size)| *size as u32).product();
        let entries = self.entries(part);
        let (grid, width) = limits.fold(entries.div_ceil(GROUP));
        let mut words = Words::new();
        words.u32(entries as u32).u32(width).u32(inner);
        let start = first(source.offset, &self.batch, part, |axis| axis.source) - source_start;
        words.u32(start as u32).u32(source.stride as u32).u32(source.length as u32);
        let start = first(result.offset, &self.batch, part, |axis| axis.result) - result_start;
        words.u32(start as u32).u32(result.stride as u32).u32(result.length as u32);
        words.u32(table_at as u32).f32(self.scale).u32(0);
        self.numbers.iter().for_each(|number| {
            words.u32(*number);
        });
        for (size, source, result) in &dimensions {
            words.u32(*size).u32(*source as u32).u32(*result as u32).u32(0);
        }
        if dimensions.is_empty() {
            words.u32(1).u32(0).u32(0).u32(0);
        }
        let tail = Tail::new()
            .constant("DIMENSIONS", dimensions.len().max(1) as u32)
            .alias("Source", source_entry.name())
            .alias("Result", result_entry.name())
            .code(&code);
        let shader = Arc::new(Shader { file: LINE_ENTRIES, tail, math: false, indices_proven: true });
        program.passes.push(Pass {
            shader,
            windows,
            parameters: words.bytes(),
            grid,
            cost: entries as f64 * self.cost,
        });
    }
}

/// The lines of a view along one axis, and those of a row-major result with the same other axes.
pub(super) struct Lines {
    pub(super) batch: Vec<Batch>,
    pub(super) source: Side,
    pub(super) result: Side,
    /// How many of the last axes of the batch lie inside the axis.
    pub(super) inner: usize,
    /// Entries of the result.
    pub(super) entries: u64,
}

impl Lines {
    /// Along `axis` of input 0; the result has `length` entries there.
    pub(super) fn new(op: &'static str, layout: &Layout, axis: usize, length: usize) -> Result<Self> {
        let Some(&present) = layout.shape.get(axis) else {
            let message = format!("does not exist; the input has {} axes", layout.shape.len());
            return Err(Error::argument(op, format!("axis {axis}"), message));
        };
        let mut shape = layout.shape.clone();
        shape[axis] = length;
        let dense = Layout::contiguous(&shape);
        let others = (0..shape.len()).filter(|&other| other != axis);
        let batch = others.map(|other| Batch {
            size: shape[other],
            source: layout.strides[other] as i64,
            result: dense.strides[other] as i64,
            product: 0,
        });
        let side = |buffer, layout: &Layout, length| Side {
            buffer,
            offset: layout.offset as i64,
            stride: layout.strides[axis] as i64,
            length,
        };
        Ok(Self {
            batch: batch.collect(),
            source: side(BufferId::Input(0), layout, present),
            result: side(BufferId::Output, &dense, length),
            inner: shape.len() - 1 - axis,
            entries: dense.len() as u64,
        })
    }

    /// The parts of the box that `fits` takes, which a result without entries has none of.
    pub(super) fn parts(&self, op: &'static str, limits: &Limits, fits: impl Fn(&Part) -> bool) -> Result<Vec<Part>> {
        if self.entries == 0 {
            return Ok(Vec::new());
        }
        parts(&self.batch, fits).ok_or_else(|| Error::Unsupported {
            op,
            message: format!(
                "a single line of {} entries needs more than the {} bytes that {} binds at once",
                self.source.length.max(self.result.length),
                limits.max_binding_bytes,
                limits.adapter
            ),
        })
    }
}
