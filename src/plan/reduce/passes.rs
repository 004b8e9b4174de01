//! The passes in which some rows of x meet some rows of y.

use std::ops::Range;
use std::sync::Arc;

use super::rows::Walk;
use super::scheme::{BLOCK_ROWS, Buffers, Part, Scheme};
use super::text::Panel;
use crate::error::{Error, Result};
use crate::plan::pair::{Packing, Side, reserve};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use crate::plan::{Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{PairMask, ReduceWork, Reduction};

const REDUCE: ShaderFile = ShaderFile { name: "pair_reduce", text: include_str!("../../../shaders/pair_reduce.wgsl") };
/// Rows of y per pass below which a pass is rather cut along x.
const WORTHWHILE: u64 = 1024;

impl Scheme<'_> {
    /// The mask that the shader needs for these rows of y; `None` where all pairs of whole panels meet.
    fn mask(&self, packed: &Range<u64>, met: &Range<u64>) -> Option<&PairMask> {
        let mask = &self.work.mask;
        let ragged = [met.start, met.end].iter().any(|at| !(at - packed.start).is_multiple_of(self.tile.rows.into()));
        let plain = !mask.exclude_self && !mask.causal && mask.window.is_none() && mask.bias.is_none();
        (ragged || !plain).then_some(mask)
    }

    /// The passes in which rows of x meet the rows `met` of y, of which `packed` lie in one binding.
    pub(super) fn record_range(
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
                Packing::of(&self.sides[0], &part.batches, &part.rows, features.clone(), self.tile.columns),
            )),
            Some((&self.sides[1], Packing::of(&self.sides[1], &part.batches, packed, features, self.tile.rows))),
            self.values
                .as_ref()
                .map(|side| (side, Packing::of(side, &part.batches, packed, self.chunk.clone(), self.tile.rows))),
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
