//! Packing: an operand of the pair skeleton, with any strides, becomes panels that are read without gaps.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, collapsed, length, pieces, window, window_bytes};
use crate::plan::stored::{HALF_BYTES, loads};
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Input, Layout};

const PACK: ShaderFile = ShaderFile { name: "pack", text: include_str!("../../../shaders/pack.wgsl") };
const INVOCATIONS: u64 = 64;

/// One operand of the pair skeleton: batches of rows of features.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    /// Its memory.
    pub(crate) buffer: BufferId,
    /// Bytes of an entry: 4, or 2 of an f16.
    pub(crate) element_bytes: usize,
    /// Length and stride of each batch axis, outermost first, axes of length 1 left out; stride 0 where it broadcasts.
    pub(crate) axes: Vec<(u64, u64)>,
    /// Position of the first entry.
    pub(crate) offset: u64,
    /// Rows of one batch.
    pub(crate) rows: u64,
    /// Distance between rows.
    pub(crate) row_stride: u64,
    /// Distance between features.
    pub(crate) feature_stride: u64,
}

/// The batch axes of matrices, and their rows and columns.
pub(in crate::plan) fn matrices<'a>(op: &'static str, layout: &'a Layout) -> Result<(&'a [usize], [usize; 2])> {
    match layout.shape.as_slice() {
        [axes @ .., rows, columns] if axes.len() <= 8 => Ok((axes, [*rows, *columns])),
        shape => Err(Error::shape(op, format!("{shape:?} is not a matrix or up to 8 axes of matrices"))),
    }
}

impl Side {
    /// The rows of an input of matrices.
    pub(in crate::plan) fn of(index: usize, input: &Input<'_>) -> Self {
        let Layout { shape, strides, offset } = input.layout;
        let axes = shape.len().saturating_sub(2);
        Self {
            buffer: BufferId::Input(index),
            element_bytes: input.element_bytes,
            axes: collapsed(&shape[..axes], &strides[..axes]),
            offset: *offset as u64,
            rows: shape[axes] as u64,
            row_stride: strides[axes] as u64,
            feature_stride: strides[axes + 1] as u64,
        }
    }

    /// Whether all batches are the same memory.
    pub(in crate::plan) fn is_shared(&self) -> bool {
        self.axes.iter().all(|(_, stride)| *stride == 0)
    }

    /// Position of batch number `batch` relative to the first.
    fn batch_start(&self, batch: u64) -> u64 {
        let mut rest = batch;
        let mut at = 0;
        for (length, stride) in self.axes.iter().rev() {
            at += rest % length * stride;
            rest /= length;
        }
        at
    }

    /// First and last position at which batches start.
    fn batch_span(&self, batches: &Range<u64>) -> (u64, u64) {
        if let [(_, stride)] = self.axes[..] {
            return (batches.start * stride, (batches.end - 1) * stride);
        }
        let starts = batches.clone().map(|batch| self.batch_start(batch));
        starts.fold((u64::MAX, 0), |(low, high), at| (low.min(at), high.max(at)))
    }
}

/// What a temporary holds: these rows and features of these batches, in panels.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::plan) struct Packing {
    pub(in crate::plan) batches: Range<u64>,
    pub(in crate::plan) rows: Range<u64>,
    pub(in crate::plan) features: Range<u64>,
    pub(in crate::plan) panel: u64,
}

impl Packing {
    /// These rows and features of some batches, once for all where they share them.
    pub(in crate::plan) fn of(
        side: &Side,
        batches: &Range<u64>,
        rows: &Range<u64>,
        features: Range<u64>,
        panel: u32,
    ) -> Self {
        let batches = if side.is_shared() { 0..1 } else { batches.clone() };
        Self { batches, rows: rows.clone(), features, panel: u64::from(panel) }
    }

    /// Panels of one batch.
    pub(super) fn panels(&self) -> u64 {
        length(&self.rows).div_ceil(self.panel)
    }

    /// Bytes of all.
    pub(in crate::plan) fn bytes(&self) -> u64 {
        [length(&self.batches), self.panels(), self.panel, length(&self.features), 4]
            .iter()
            .fold(1, |all: u64, n| all.saturating_mul(*n))
    }

    /// Distance of batches in quads.
    pub(in crate::plan) fn batch_quads(&self) -> u64 {
        self.panels() * length(&self.features) * self.panel / 4
    }

    /// Records the passes that fill `target`.
    pub(in crate::plan) fn record(
        &self,
        side: &Side,
        target: BufferId,
        limits: &Limits,
        program: &mut Program,
    ) -> Result<()> {
        let shader = Arc::new(Shader {
            file: PACK,
            tail: loads(Tail::new().constant("PANEL", self.panel as u32), &["x"], side.element_bytes),
            math: side.element_bytes == HALF_BYTES,
            indices_proven: true,
        });
        let bytes = side.element_bytes as u64;
        // Axes: batches, rows (with those that pad the last panel), features.
        let whole: Region<3> = [self.batches.clone(), 0..self.panels() * self.panel, self.features.clone()];
        let excess = |piece: &Region<3>| {
            if window_bytes(bytes, self.source(side, piece).1, limits) > limits.max_binding_bytes {
                let (low, high) = side.batch_span(&piece[0]);
                let rows = (length(&piece[1]) - 1).saturating_mul(side.row_stride);
                let features = (length(&piece[2]) - 1).saturating_mul(side.feature_stride);
                let reach = [high - low, rows, features];
                return (0..3).max_by_key(|axis| reach[*axis]);
            }
            let most = (limits.max_pass_cost as u64).max(self.panel);
            let entries = piece.iter().map(length).product::<u64>();
            (entries > most).then(|| (0..3).max_by_key(|axis| length(&piece[*axis])).unwrap_or(0))
        };
        let cut = pieces(whole, [1, self.panel, 1], excess).ok_or_else(|| Error::BufferTooLarge {
            op: program.op,
            requested: window_bytes(bytes, 1, limits),
            limit: limits.max_binding_bytes,
            adapter: limits.adapter.clone(),
        })?;
        for piece in cut {
            program.passes.push(self.pass(side, &piece, target, limits, &shader));
        }
        Ok(())
    }

    /// First element of a piece in the operand's buffer, and how far the piece reaches.
    fn source(&self, side: &Side, piece: &Region<3>) -> (u64, u64) {
        let (low, high) = side.batch_span(&piece[0]);
        let last_row = (self.rows.start + piece[1].end).min(self.rows.end) - 1;
        // A piece of padding alone reads nothing, but a binding must see something.
        let first_row = (self.rows.start + piece[1].start).min(last_row);
        let first = side.offset + low + first_row * side.row_stride + piece[2].start * side.feature_stride;
        let last = side.offset + high + last_row * side.row_stride + (piece[2].end - 1) * side.feature_stride;
        (first, last - first + 1)
    }

    fn pass(&self, side: &Side, piece: &Region<3>, target: BufferId, limits: &Limits, shader: &Arc<Shader>) -> Pass {
        let (first, elements) = self.source(side, piece);
        let (source, before) = window(side.buffer, side.element_bytes as u64, first, elements, limits);
        let panels = piece[1].end.div_ceil(self.panel) - piece[1].start / self.panel;
        let quads = panels * self.panel / 4 * length(&piece[0]) * length(&piece[2]);
        let (grid, width) = limits.fold(quads.div_ceil(INVOCATIONS));
        // The shader counts rows and features from the packed ones; its sum comes back into the window.
        let origin = side.offset + self.rows.start * side.row_stride + self.features.start * side.feature_stride;
        let offset = (origin as u32).wrapping_add(before).wrapping_sub(first as u32);
        let mut words = Words::new();
        words.u32(width).length(length(&self.rows)).length(self.panels()).length(length(&self.features));
        words.length(piece[0].start - self.batches.start).length(length(&piece[0]));
        words.length(piece[1].start).length(piece[1].end);
        words.length(piece[2].start - self.features.start).length(length(&piece[2]));
        words.u32(offset).length(side.row_stride).length(side.feature_stride);
        words.length(self.batches.start).length(side.axes.len() as u64).u32(0);
        for axis in 0..8 {
            let (length, stride) = side.axes.get(axis).copied().unwrap_or((1, 0));
            words.length(length).length(stride).u32(0).u32(0);
        }
        let packed = Window { buffer: target, offset: 0, bytes: self.bytes() };
        Pass {
            shader: Arc::clone(shader),
            windows: vec![source, packed],
            parameters: words.bytes(),
            grid,
            cost: 4.0 * quads as f64,
        }
    }
}
