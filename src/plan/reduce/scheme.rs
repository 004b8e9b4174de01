//! Which passes carry the values of each row along the rows of y.

use std::ops::Range;

use super::Shape;
use super::finish::Finish;
use super::fold::Fold;
use super::rows::Walk;
use crate::error::{Error, Result};
use crate::plan::choices::Tile;
use crate::plan::pair::{Packing, PairCode, Side, reserve};
use crate::plan::pieces::{Region, length, pieces};
use crate::plan::{BufferId, Limits, Program, Window};
use crate::work::{ReduceWork, Reduction};

/// Rows of y whose sum is closed: the error bounds count on it.
pub(super) const BLOCK_ROWS: u64 = 64;

/// Rows of x, and the ranges of rows of y that they meet, in order.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) rows: Range<u64>,
    pub(super) columns: Vec<Range<u64>>,
}

/// An input with an entry per pair, in elements.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    pub(super) buffer: BufferId,
    pub(super) offset: u64,
    /// Strides per batch, row and column.
    pub(super) strides: [u64; 3],
}

/// One reduction with the columns of values that one pass takes.
pub(super) struct Scheme<'a> {
    pub(super) limits: &'a Limits,
    pub(super) work: &'a ReduceWork,
    /// Workgroups that keep the device busy; below that, y is cut into slices.
    pub(super) workgroups: u64,
    pub(super) shape: &'a Shape,
    /// x and y.
    pub(super) sides: [Side; 2],
    pub(super) values: Option<Side>,
    pub(super) bias: Option<Matrix>,
    pub(super) code: PairCode,
    pub(super) fold: Fold,
    /// The columns of values.
    pub(super) chunk: Range<u64>,
    pub(super) tile: Tile,
    /// How a panel meets the own rows.
    pub(super) walk: Walk,
    /// Rough number of operations for one pair.
    pub(super) pair_cost: f64,
    /// Whether the ends of a panel's pairs stand in loops.
    pub(super) rolled: bool,
}

/// The buffers that all passes share, and what the packed ones hold.
pub(super) struct Buffers {
    pub(super) rows: BufferId,
    pub(super) columns: BufferId,
    pub(super) values: BufferId,
    pub(super) partials: BufferId,
    pub(super) weights: Option<BufferId>,
    pub(super) packed: [Option<Packing>; 3],
    /// The key and the number of the last extreme of each row that is found.
    pub(super) floors: Option<Window>,
}

impl Buffers {
    pub(super) fn new(code: &PairCode, floors: Option<Window>, program: &mut Program) -> Self {
        Self {
            rows: program.temporary(16),
            columns: program.temporary(16),
            values: program.temporary(16),
            partials: program.temporary(16),
            weights: code.weights_constant(program),
            packed: [None, None, None],
            floors,
        }
    }
}

/// Some rows of some batches, and the slices that y is cut into for them.
pub(super) struct Part {
    pub(super) batches: Range<u64>,
    pub(super) rows: Range<u64>,
    pub(super) slices: u64,
    /// Whether the carries are there.
    pub(super) started: bool,
}

impl Scheme<'_> {
    /// Records the passes.
    pub(super) fn record(&self, spans: &[Span], buffers: &mut Buffers, program: &mut Program) -> Result<()> {
        for span in spans {
            let slices = self.slices(span);
            let excess = |region: &Region<2>| {
                let columns = (length(&region[0]) > 1).then_some(BLOCK_ROWS.min(self.shape.m));
                let bytes = [
                    Packing::of(&self.sides[0], &region[0], &region[1], 0..self.shape.d, self.tile.columns).bytes(),
                    self.partial_bytes(&region[0], &region[1], slices),
                    columns.map_or(0, |columns| self.column_bytes(&region[0], columns)),
                ];
                let most = bytes.into_iter().max().unwrap_or(0);
                (most > self.limits.temporary_bytes()).then(|| usize::from(length(&region[0]) == 1))
            };
            let whole = [0..self.shape.batches, span.rows.clone()];
            let parts = pieces(whole, [1, u64::from(self.tile.columns)], excess);
            for [batches, rows] in parts.ok_or_else(|| self.too_large(program.op, self.limits.temporary_bytes() + 1))? {
                let mut part = Part { batches, rows, slices, started: false };
                self.record_part(&mut part, &span.columns, buffers, program)?;
            }
        }
        Ok(())
    }

    fn record_part(
        &self,
        part: &mut Part,
        ranges: &[Range<u64>],
        buffers: &mut Buffers,
        program: &mut Program,
    ) -> Result<()> {
        reserve(program, buffers.partials, self.partial_bytes(&part.batches, &part.rows, part.slices));
        // As many rows of y as one binding holds.
        let most = self.limits.temporary_bytes();
        let mut step = self.shape.m.next_multiple_of(BLOCK_ROWS).max(BLOCK_ROWS);
        while step > BLOCK_ROWS && self.column_bytes(&part.batches, step) > most {
            step = (step / 2).next_multiple_of(BLOCK_ROWS);
        }
        let mut first = 0;
        while first < self.shape.m {
            let packed = first..(first + step).min(self.shape.m);
            for range in ranges {
                let met = range.start.max(packed.start)..range.end.min(packed.end);
                if met.start < met.end {
                    self.record_range(part, &packed, &met, buffers, program)?;
                }
            }
            first = packed.end;
        }
        let finish = Finish {
            limits: self.limits,
            fold: &self.fold,
            scale: match self.work.reduction {
                Reduction::Sum { scale, .. } => scale,
                _ => 1.0,
            },
            partials: Window {
                buffer: buffers.partials,
                offset: 0,
                bytes: self.partial_bytes(&part.batches, &part.rows, part.slices).max(16),
            },
            partial_strides: self.partial_strides(part),
            slices: if part.started { part.slices } else { 0 },
            batches: part.batches.clone(),
            rows: part.rows.clone(),
            out_rows: self.shape.n,
            out_batches: self.shape.batches,
            width: self.shape.width(),
            first_entry: self.chunk.start + u64::from(self.fold.first_rank),
            floors: buffers.floors,
        };
        finish.record(program)
    }

    /// Slices of y that keep the device busy where there are few rows of x.
    fn slices(&self, span: &Span) -> u64 {
        let tiles = self.shape.batches * length(&span.rows).div_ceil(u64::from(self.tile.columns));
        let columns = span.columns.iter().map(length).max().unwrap_or(0);
        let worthwhile = columns / (4 * BLOCK_ROWS);
        // The entries of a bias lie together in one window only where the rows of y do.
        let most = if self.bias.is_some() { 1 } else { worthwhile.max(1) };
        self.workgroups.div_ceil(tiles.max(1)).clamp(1, most)
    }

    fn words(&self) -> u64 {
        self.fold.words().len() as u64
    }

    /// Strides of the carries: batch, slice, word.
    pub(super) fn partial_strides(&self, part: &Part) -> [u64; 3] {
        let word = length(&part.rows).next_multiple_of(self.tile.columns.into());
        let slice = word * self.words();
        [slice * part.slices, slice, word]
    }

    pub(super) fn partial_bytes(&self, batches: &Range<u64>, rows: &Range<u64>, slices: u64) -> u64 {
        let rows = length(rows).next_multiple_of(self.tile.columns.into());
        [length(batches), slices, self.words(), rows, 4].iter().fold(1, |all: u64, n| all.saturating_mul(*n))
    }

    fn column_bytes(&self, batches: &Range<u64>, columns: u64) -> u64 {
        let of = |side: &Side, features: Range<u64>| {
            Packing::of(side, batches, &(0..columns), features, self.tile.rows).bytes()
        };
        let values = self.values.as_ref().map_or(0, |side| of(side, self.chunk.clone()));
        of(&self.sides[1], 0..self.shape.d).max(values)
    }

    fn too_large(&self, op: &'static str, requested: u64) -> Error {
        let limits = self.limits;
        Error::BufferTooLarge { op, requested, limit: limits.max_binding_bytes, adapter: limits.adapter.clone() }
    }
}
