//! Which passes carry the values of each row along the rows of y.

use std::ops::Range;
use std::sync::Arc;

use super::Shape;
use super::finish::Finish;
use super::fold::Fold;
use super::rows::Walk;
use super::text::Panel;
use crate::error::{Error, Result};
use crate::plan::choices::Tile;
use crate::plan::pair::{Packing, PairCode, Side, reserve};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{PairMask, ReduceWork, Reduction};

const REDUCE: ShaderFile = ShaderFile { name: "pair_reduce", text: include_str!("../../../shaders/pair_reduce.wgsl") };
/// Rows of y whose sum is closed: the error bounds count on it.
pub(super) const BLOCK_ROWS: u64 = 64;
/// Rows of y per pass below which a pass is rather cut along x.
const WORTHWHILE: u64 = 1024;

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
    rows: BufferId,
    columns: BufferId,
    values: BufferId,
    partials: BufferId,
    weights: Option<BufferId>,
    packed: [Option<Packing>; 3],
    /// The key and the number of the last extreme of each row that is found.
    floors: Option<Window>,
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
struct Part {
    batches: Range<u64>,
    rows: Range<u64>,
    slices: u64,
    /// Whether the carries are there.
    started: bool,
}

impl Scheme<'_> {
    /// Records the passes.
    pub(super) fn record(&self, spans: &[Span], buffers: &mut Buffers, program: &mut Program) -> Result<()> {
        for span in spans {
            let slices = self.slices(span);
            let excess = |region: &Region<2>| {
                let columns = (length(&region[0]) > 1).then_some(BLOCK_ROWS.min(self.shape.m));
                let bytes = [
                    packing(&self.sides[0], &region[0], &region[1], 0..self.shape.d, self.tile.columns).bytes(),
                    self.partial_bytes(&region[0], &region[1], slices),
                    columns.map_or(0, |columns| self.column_bytes(&region[0], columns)),
                ];
                let most = bytes.into_iter().max().unwrap_or(0);
                (most > temporary_bytes(self.limits)).then(|| usize::from(length(&region[0]) == 1))
            };
            let whole = [0..self.shape.batches, span.rows.clone()];
            let parts = pieces(whole, [1, u64::from(self.tile.columns)], excess);
            for [batches, rows] in parts.ok_or_else(|| self.too_large(program.op, temporary_bytes(self.limits) + 1))? {
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
        let most = temporary_bytes(self.limits);
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
    fn partial_strides(&self, part: &Part) -> [u64; 3] {
        let word = length(&part.rows).next_multiple_of(self.tile.columns.into());
        let slice = word * self.words();
        [slice * part.slices, slice, word]
    }

    fn partial_bytes(&self, batches: &Range<u64>, rows: &Range<u64>, slices: u64) -> u64 {
        let rows = length(rows).next_multiple_of(self.tile.columns.into());
        [length(batches), slices, self.words(), rows, 4].iter().fold(1, |all: u64, n| all.saturating_mul(*n))
    }

    fn column_bytes(&self, batches: &Range<u64>, columns: u64) -> u64 {
        let of =
            |side: &Side, features: Range<u64>| packing(side, batches, &(0..columns), features, self.tile.rows).bytes();
        let values = self.values.as_ref().map_or(0, |side| of(side, self.chunk.clone()));
        of(&self.sides[1], 0..self.shape.d).max(values)
    }

    fn too_large(&self, op: &'static str, requested: u64) -> Error {
        let limits = self.limits;
        Error::BufferTooLarge { op, requested, limit: limits.max_binding_bytes, adapter: limits.adapter.clone() }
    }

    /// The mask that the shader needs for these rows of y; `None` where all pairs of whole panels meet.
    fn mask(&self, packed: &Range<u64>, met: &Range<u64>) -> Option<&PairMask> {
        let mask = &self.work.mask;
        let ragged = [met.start, met.end].iter().any(|at| !(at - packed.start).is_multiple_of(self.tile.rows.into()));
        let plain = !mask.exclude_self && !mask.causal && mask.window.is_none() && mask.bias.is_none();
        (ragged || !plain).then_some(mask)
    }

    fn record_range(
        &self,
        part: &mut Part,
        packed: &Range<u64>,
        met: &Range<u64>,
        buffers: &mut Buffers,
        program: &mut Program,
    ) -> Result<()> {
        let features = 0..self.shape.d;
        let packings = [
            Some((
                &self.sides[0],
                packing(&self.sides[0], &part.batches, &part.rows, features.clone(), self.tile.columns),
            )),
            Some((&self.sides[1], packing(&self.sides[1], &part.batches, packed, features, self.tile.rows))),
            self.values
                .as_ref()
                .map(|side| (side, packing(side, &part.batches, packed, self.chunk.clone(), self.tile.rows))),
        ];
        let targets = [buffers.rows, buffers.columns, buffers.values];
        for (at, (entry, target)) in packings.iter().zip(targets).enumerate() {
            let Some((side, packing)) = entry else { continue };
            if buffers.packed[at].as_ref() != Some(packing) && packing.bytes() > 0 {
                reserve(program, target, packing.bytes());
                packing.record(side, target, self.limits, program)?;
                buffers.packed[at] = Some(packing.clone());
            }
        }
        let mask = self.mask(packed, met);
        let shader = Arc::new(self.shader(mask));
        let panel = u64::from(self.tile.rows);
        let panels = (met.start - packed.start) / panel..(met.end - packed.start).div_ceil(panel);
        let slice_panels = length(&panels).div_ceil(part.slices).next_multiple_of(BLOCK_ROWS / panel);
        let tiles = length(&part.rows).div_ceil(self.tile.columns.into());
        let whole = [0..length(&part.batches), 0..tiles, 0..slice_panels.min(length(&panels))];
        let grain = [1, 1, BLOCK_ROWS / panel];
        let budget = u64::from(self.limits.max_iterations) - u64::from(self.limits.max_iterations) / 8;
        let excess = |piece: &Region<3>| {
            if let Some(bias) = &self.bias {
                let region = self.bias_region(part, packed, &panels, met, piece);
                if window_bytes(4, extent(&region, bias.strides), self.limits) > self.limits.max_binding_bytes {
                    return longest(&region, bias.strides);
                }
            }
            if length(&piece[2]) * self.iterations() > budget {
                return Some(2);
            }
            let columns = length(&piece[2]) * panel;
            let pairs = length(&piece[0]) * length(&piece[1]) * u64::from(self.tile.columns) * columns * part.slices;
            if pairs as f64 * self.pair_cost <= self.limits.max_pass_cost {
                return None;
            }
            match () {
                () if columns > WORTHWHILE => Some(2),
                () if length(&piece[1]) > 1 => Some(1),
                () if length(&piece[0]) > 1 => Some(0),
                () => (columns > BLOCK_ROWS).then_some(2),
            }
        };
        let cut = pieces(whole, grain, excess).ok_or_else(|| Error::Unsupported {
            op: self.work.op,
            message: format!(
                "rows of {} features are longer than one invocation on {} may walk",
                self.shape.d, self.limits.adapter
            ),
        })?;
        for piece in cut {
            // The first piece along y starts the carries of its rows.
            let resume = part.started || piece[2].start > 0;
            let mut words = Words::new();
            let groups = length(&piece[1]) * part.slices * length(&piece[0]);
            let (grid, width) = self.limits.fold(groups);
            let [partial_batch, partial_slice, partial_word] = self.partial_strides(part);
            let quads = |entry: &Option<(&Side, Packing)>| match entry {
                Some((side, packing)) if !side.is_shared() => packing.batch_quads(),
                _ => 0,
            };
            words.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(groups);
            words.length(piece[1].start).length(length(&piece[1])).length(part.slices).length(self.shape.d);
            words.length(slice_panels).length(piece[2].start).length(piece[2].end);
            words.length(panels.start).length(panels.end).u32(0);
            packings.iter().for_each(|entry| {
                words.length(quads(entry));
            });
            words.length(piece[0].start).u32(u32::from(resume));
            words.length(partial_batch).length(partial_slice).length(partial_word).u32(0);
            words.length(part.rows.start).length(packed.start).length(met.start).length(met.end);
            words.length(part.rows.end - 1).u32((self.shape.m as u32).wrapping_sub(self.shape.n as u32));
            words.u32(self.work.mask.window.unwrap_or(0).min(1 << 30)).f32(radius(self.work));
            let partials = self.partial_bytes(&part.batches, &part.rows, part.slices);
            let bytes =
                |entry: &Option<(&Side, Packing)>| entry.as_ref().map_or(0, |(_, packing)| packing.bytes()).max(16);
            let mut windows = vec![
                Window { buffer: buffers.rows, offset: 0, bytes: bytes(&packings[0]) },
                Window { buffer: buffers.columns, offset: 0, bytes: bytes(&packings[1]) },
                Window { buffer: buffers.partials, offset: 0, bytes: partials },
            ];
            if self.values.is_some() {
                windows.push(Window { buffer: buffers.values, offset: 0, bytes: bytes(&packings[2]) });
            }
            windows.extend(
                buffers.weights.map(|table| self.code.weights_window(table, &(0..self.shape.d), self.limits).0),
            );
            match &self.bias {
                Some(bias) => {
                    let region = self.bias_region(part, packed, &panels, met, &piece);
                    let within = |axis: usize| region[axis].start * bias.strides[axis];
                    let first = bias.offset + within(0) + within(1) + within(2);
                    let (view, before) = window(bias.buffer, 4, first, extent(&region, bias.strides), self.limits);
                    words.u32(before.wrapping_sub(within(1) as u32).wrapping_sub(within(2) as u32));
                    bias.strides.iter().for_each(|stride| {
                        words.length(*stride);
                    });
                    windows.push(view);
                }
                None => {
                    words.u32(0).u32(0).u32(0).u32(0);
                }
            }
            words.length((part.batches.start + piece[0].start) * self.shape.n).length(self.shape.n);
            windows.extend(buffers.floors.filter(|_| self.fold.has_floor()));
            words.align();
            self.code.value_words(&mut words);
            let pairs = groups * u64::from(self.tile.columns) * length(&piece[2]) * panel;
            program.passes.push(Pass {
                shader: Arc::clone(&shader),
                windows,
                parameters: words.bytes(),
                grid,
                cost: pairs as f64 * self.pair_cost,
            });
        }
        part.started = true;
        Ok(())
    }

    /// The entries of the bias that a piece of batches, tiles and panels reads.
    fn bias_region(
        &self,
        part: &Part,
        packed: &Range<u64>,
        panels: &Range<u64>,
        met: &Range<u64>,
        piece: &Region<3>,
    ) -> Region<3> {
        let (tile, panel) = (u64::from(self.tile.columns), u64::from(self.tile.rows));
        let row = |tiles: u64| (part.rows.start + tiles * tile).min(part.rows.end);
        let column = |at: u64| (packed.start + (panels.start + at) * panel).clamp(met.start, met.end);
        [
            part.batches.start + piece[0].start..part.batches.start + piece[0].end,
            row(piece[1].start)..row(piece[1].end),
            column(piece[2].start)..column(piece[2].end),
        ]
    }

    /// Iterations of all loops that one panel takes.
    fn iterations(&self) -> u64 {
        let (d, depth) = (self.shape.d, u64::from(self.tile.depth));
        let (own, rows) = (u64::from(self.tile.block_columns), u64::from(self.tile.rows));
        let walk = match self.walk {
            Walk::Resident(_) => 0,
            Walk::Streamed => d / depth + d / 32 + depth + 2,
            Walk::PairByPair => own * rows * (d + d / 64 + 1),
        };
        let ends = match self.rolled {
            true => own * (1 + rows * (1 + self.fold.iterations(1))),
            false => own * self.fold.iterations(self.tile.rows),
        };
        2 + walk + ends
    }

    fn shader(&self, mask: Option<&PairMask>) -> Shader {
        let mut tail = Tail::new()
            .constant("LANES", self.tile.invocations())
            .constant("TILE", self.tile.columns)
            .constant("PANEL", self.tile.rows)
            .constant("VALUE_COLUMNS", length(&self.chunk) as u32);
        tail = self.code.tail(tail);
        let mut binding = 4;
        let mut declared = String::new();
        if self.values.is_some() {
            declared.push_str(&format!("@group(0) @binding({binding}) var<storage, read> values: array<vec4<f32>>;\n"));
            binding += 1;
        }
        let weighted = self.code.weights.is_some();
        tail = tail.code(&self.code.feature_weight(binding));
        binding += u32::from(weighted);
        if self.bias.is_some() {
            declared.push_str(&format!("@group(0) @binding({binding}) var<storage, read> bias: array<u32>;\n"));
            binding += 1;
        }
        if self.fold.has_floor() {
            declared.push_str(&format!(
                "@group(0) @binding({binding}) var<storage, read> floors: array<vec2<u32>>;\n\
                 fn floor_of(batch: u32, row: u32) -> vec2<u32> {{\n    \
                 return floors[parameters.floor_offset + batch * parameters.floor_rows\n        \
                 + min(row, parameters.last_row)];\n}}\n"
            ));
        }
        let panel = Panel { tile: self.tile, walk: self.walk, weighted, mask, fold: self.fold, rolled: self.rolled };
        let tail = tail
            .code(&declared)
            .code(&self.fold.text())
            .code(&self.fold.close())
            .code(self.fold.within())
            .code(&panel.text());
        Shader { file: REDUCE, tail, math: true, indices_proven: self.code.trusted }
    }
}

fn radius(work: &ReduceWork) -> f32 {
    match work.reduction {
        Reduction::Count { radius } | Reduction::SumWithin { radius, .. } => radius,
        _ => 0.0,
    }
}

fn packing(side: &Side, batches: &Range<u64>, rows: &Range<u64>, features: Range<u64>, panel: u32) -> Packing {
    let batches = if side.is_shared() { 0..1 } else { batches.clone() };
    Packing { batches, rows: rows.clone(), features, panel: u64::from(panel) }
}

/// Bytes of the largest temporary that one binding sees.
fn temporary_bytes(limits: &Limits) -> u64 {
    limits.max_binding_bytes.min(limits.max_buffer_bytes)
}
