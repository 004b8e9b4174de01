//! The pair skeleton: which passes compute a value for every row of x and every row of y.

use std::ops::Range;
use std::sync::Arc;

use super::code::PairCode;
use super::finish::{Finish, Strided, strided_words};
use super::pack::{Packing, Side};
use super::reserve;
use super::text;
use crate::error::{Error, Result};
use crate::plan::choices::{Sharing, Tile};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};

const LANES: ShaderFile = ShaderFile { name: "pair_lanes", text: include_str!("../../../shaders/pair_lanes.wgsl") };
const WORKGROUP: ShaderFile =
    ShaderFile { name: "pair_workgroup", text: include_str!("../../../shaders/pair_workgroup.wgsl") };
/// Features whose sum is taken before it joins the others: the error bounds count on it.
const BLOCK_FEATURES: u64 = 64;
/// Terms of all sums together up to which a shape counts as small.
const SMALL: u64 = 1 << 17;

/// Strides of a matrix per batch, row and column.
pub(crate) type Strides = [u64; 3];

/// A matrix that the epilogue reads at the position of each value; it sees `parameters.addend_…`.
#[derive(Debug, Clone)]
pub(crate) struct Addend {
    /// Its memory.
    pub(crate) buffer: BufferId,
    /// Position of the first entry.
    pub(crate) offset: u64,
    /// Strides; 0 where it broadcasts.
    pub(crate) strides: Strides,
}

/// All that the skeleton needs to know.
#[derive(Debug)]
pub(crate) struct Skeleton<'a> {
    /// The device.
    pub(crate) limits: &'a Limits,
    /// The tile that the context chose.
    pub(crate) tile: Tile,
    /// Workgroups that keep the device busy; below that, features are spread over workgroups too.
    pub(crate) workgroups: u64,
    /// Number of batches.
    pub(crate) batches: u64,
    /// Left operand.
    pub(crate) x: Side,
    /// Right operand.
    pub(crate) y: Side,
    /// Features of a row.
    pub(crate) features: u64,
    /// The function of two rows.
    pub(crate) code: PairCode,
    /// What the epilogue reads.
    pub(crate) addend: Option<Addend>,
}

/// How the skeleton is laid over one op: the tile that fits its shape, and the slices of features.
struct Scheme<'a> {
    skeleton: Skeleton<'a>,
    out: Strides,
    slice_features: u64,
    slices: u64,
    /// Slices that are packed together.
    group_slices: u64,
    x_panels: BufferId,
    y_panels: BufferId,
    partials: Option<BufferId>,
    shader: Arc<Shader>,
    weights: Option<BufferId>,
}

impl Skeleton<'_> {
    /// Records the passes that fill `program`'s row-major result.
    pub(crate) fn record(mut self, program: &mut Program) -> Result<()> {
        let mut out = [self.x.rows * self.y.rows, self.y.rows, 1];
        // Small work takes any tile less time than a driver takes for one more shader: one short shader for all of it.
        let sizes = [self.batches, self.x.rows, self.y.rows, self.features];
        let small = sizes.iter().fold(1, |terms: u64, n| terms.saturating_mul(*n)) <= SMALL;
        let swapped = !small && self.y.rows < u64::from(self.tile.columns) && self.y.rows < self.x.rows;
        if swapped {
            std::mem::swap(&mut self.x, &mut self.y);
            out.swap(1, 2);
            if let Some(addend) = &mut self.addend {
                addend.strides.swap(1, 2);
            }
        }
        let rows = if small && self.tile.sharing != Sharing::Workgroup { 8 } else { self.x.rows };
        self.tile = self.tile.fitted(rows, self.limits).lighter(self.code.cost);
        Scheme::of(self, swapped, out, program).record(program)
    }
}

impl<'a> Scheme<'a> {
    fn of(skeleton: Skeleton<'a>, swapped: bool, out: Strides, program: &mut Program) -> Self {
        let (tile, limits, features) = (skeleton.tile, skeleton.limits, skeleton.features);
        let blocks = |n: u64| (n / BLOCK_FEATURES).max(1) * BLOCK_FEATURES;
        let panel_bytes = 4 * u64::from(tile.rows.max(tile.columns));
        let pair_room = limits.max_pass_cost / (f64::from(tile.rows) * f64::from(tile.columns));
        let fit_memory = limits.temporary_bytes() / panel_bytes;
        // The last pass walks all slices in one loop, so that even dear slices may not be too many.
        let least = features.div_ceil(u64::from(limits.max_iterations).max(1)).next_multiple_of(BLOCK_FEATURES);
        let fit_cost = (((pair_room - skeleton.code.finish_cost()) / skeleton.code.cost) as u64).max(least);
        let longest_slice = blocks(most_features(&tile, limits).min(fit_memory).min(fit_cost));
        let tiles = skeleton.batches
            * skeleton.x.rows.div_ceil(u64::from(tile.rows))
            * skeleton.y.rows.div_ceil(u64::from(tile.columns));
        let spread = (skeleton.workgroups / tiles.max(1)).min(features / (4 * BLOCK_FEATURES)).max(1);
        let slice_features =
            features.div_ceil(spread).next_multiple_of(BLOCK_FEATURES).clamp(BLOCK_FEATURES, longest_slice);
        let slices = features.div_ceil(slice_features);
        let group_slices = (fit_memory.min(fit_cost) / slice_features).clamp(1, slices.max(1));
        let weights = skeleton.code.weights_constant(program);
        let shader = Arc::new(main_shader(&skeleton, swapped, slices > 1));
        let (x_panels, y_panels) = (program.temporary(0), program.temporary(0));
        let partials = (slices != 1).then(|| program.temporary(16));
        Self { skeleton, out, slice_features, slices, group_slices, x_panels, y_panels, partials, shader, weights }
    }

    fn record(&self, program: &mut Program) -> Result<()> {
        let Skeleton { x, y, tile, limits, batches, .. } = &self.skeleton;
        let most = limits.temporary_bytes();
        let features = self.skeleton.features.min(self.group_slices * self.slice_features);
        let grain = [1, u64::from(tile.rows), u64::from(tile.columns)];
        let excess = |region: &Region<3>| {
            let x_bytes = self.x_packing(region, 0..features).bytes();
            let y_bytes = self.y_packing(region, 0..features).bytes();
            let partial_bytes = if self.slices > 1 { self.partial_bytes(region) } else { 0 };
            if x_bytes.max(y_bytes).max(partial_bytes) <= most {
                return None;
            }
            Some(match () {
                () if length(&region[0]) > 1 => 0,
                () if length(&region[1]) > grain[1] && (x_bytes >= y_bytes || y_bytes <= most) => 1,
                () if length(&region[2]) > grain[2] => 2,
                () => usize::from(length(&region[1]) <= length(&region[2])) + 1,
            })
        };
        let whole = [0..*batches, 0..x.rows, 0..y.rows];
        let parts = pieces(whole, grain, excess).ok_or_else(|| self.too_large(program.op, most + 1))?;
        let mut packed: [Option<Packing>; 2] = [None, None];
        for part in &parts {
            let mut first = 0;
            while first < self.slices {
                let group = first..(first + self.group_slices).min(self.slices);
                let features =
                    group.start * self.slice_features..(group.end * self.slice_features).min(self.skeleton.features);
                let packings = [self.x_packing(part, features.clone()), self.y_packing(part, features.clone())];
                for (at, (packing, side)) in packings.iter().zip([x, y]).enumerate() {
                    if packed[at].as_ref() != Some(packing) {
                        let target = [self.x_panels, self.y_panels][at];
                        reserve(program, target, packing.bytes());
                        packing.record(side, target, limits, program)?;
                        packed[at] = Some(packing.clone());
                    }
                }
                for piece in self.pass_pieces(part, length(&features), program.op)? {
                    program.passes.push(self.main_pass(part, &piece, &group, &packings));
                }
                first = group.end;
            }
            if let Some(partials) = self.partials {
                reserve(program, partials, self.partial_bytes(part));
                for piece in self.pass_pieces(part, self.slices, program.op)? {
                    program.passes.push(self.finish_pass(part, &piece, partials));
                }
            }
        }
        // A temporary of no bytes would be an error; without features nothing is packed.
        program.temporaries.iter_mut().for_each(|bytes| *bytes = (*bytes).max(16));
        Ok(())
    }

    fn x_packing(&self, region: &Region<3>, features: Range<u64>) -> Packing {
        Packing::of(&self.skeleton.x, &region[0], &region[1], features, self.skeleton.tile.rows)
    }

    fn y_packing(&self, region: &Region<3>, features: Range<u64>) -> Packing {
        Packing::of(&self.skeleton.y, &region[0], &region[2], features, self.skeleton.tile.columns)
    }

    fn words(&self) -> u64 {
        self.skeleton.code.state.len() as u64
    }

    fn partial_bytes(&self, region: &Region<3>) -> u64 {
        region.iter().map(length).fold(4 * self.words() * self.slices, u64::saturating_mul)
    }

    /// Strides of the partial states of a part: slice, batch, row, column.
    fn partial_strides(&self, part: &Region<3>) -> [u64; 4] {
        let column = self.words();
        let row = column * length(&part[2]);
        let batch = row * length(&part[1]);
        [batch * length(&part[0]), batch, row, column]
    }

    fn too_large(&self, op: &'static str, requested: u64) -> Error {
        let limits = self.skeleton.limits;
        Error::BufferTooLarge { op, requested, limit: limits.max_binding_bytes, adapter: limits.adapter.clone() }
    }

    /// Cuts a part until windows on the result and cost of a pass over `features` keep the limits.
    fn pass_pieces(&self, part: &Region<3>, features: u64, op: &'static str) -> Result<Vec<Region<3>>> {
        let Skeleton { tile, limits, addend, code, .. } = &self.skeleton;
        let grain = [1, u64::from(tile.rows), u64::from(tile.columns)];
        let pair_cost = code.pair_cost(features);
        let excess = |region: &Region<3>| {
            let mut strides = vec![self.out];
            strides.extend(addend.iter().map(|addend| addend.strides));
            for strides in strides {
                if window_bytes(4, extent(region, strides), limits) > limits.max_binding_bytes {
                    return longest(region, strides);
                }
            }
            let tiles = [0, 1, 2].map(|axis| length(&region[axis]).div_ceil(grain[axis]));
            let entries = tiles.iter().zip(grain).map(|(tiles, grain)| *tiles as f64 * grain as f64).product::<f64>();
            let dear = entries * pair_cost > limits.max_pass_cost;
            let axis = (0..3).max_by_key(|axis| tiles[*axis]).unwrap_or(0);
            (dear && tiles[axis] > 1).then_some(axis)
        };
        pieces(part.clone(), grain, excess).ok_or_else(|| self.too_large(op, window_bytes(4, 1, limits)))
    }

    /// The window on the result that a piece writes, and its first element's place in it.
    fn out_window(&self, piece: &Region<3>) -> (Window, u32) {
        strided_window(BufferId::Output, 0, self.out, piece, self.skeleton.limits)
    }

    /// What the epilogue reads for a piece.
    fn addend_window(&self, piece: &Region<3>) -> Option<Strided> {
        let addend = self.skeleton.addend.as_ref()?;
        let (view, before) = strided_window(addend.buffer, addend.offset, addend.strides, piece, self.skeleton.limits);
        Some((view, before, addend.strides))
    }

    fn main_pass(&self, part: &Region<3>, piece: &Region<3>, group: &Range<u64>, packings: &[Packing; 2]) -> Pass {
        let Skeleton { x, y, tile, limits, code, .. } = &self.skeleton;
        let within = |axis: usize| piece[axis].start - part[axis].start..piece[axis].end - part[axis].start;
        let (batches, rows, columns) = (within(0), within(1), within(2));
        let tiles = |range: &Range<u64>, side: u64| range.end.div_ceil(side) - range.start / side;
        let row_tiles = tiles(&rows, u64::from(tile.rows));
        let column_tiles = tiles(&columns, u64::from(tile.columns));
        let groups = row_tiles * column_tiles * length(group) * length(&batches);
        let (grid, width) = limits.fold(groups);
        let features = &packings[0].features;
        let (target, before, strides) = match self.partials {
            Some(partials) => {
                let [slice, batch, row, column] = self.partial_strides(part);
                let first = group.start * slice + batches.start * batch + rows.start * row + columns.start * column;
                let whole = Window { buffer: partials, offset: 0, bytes: self.partial_bytes(part) };
                (whole, first as u32, [slice, batch, row, column])
            }
            None => {
                let (view, before) = self.out_window(piece);
                (view, before, [0, self.out[0], self.out[1], self.out[2]])
            }
        };
        let weights = self.weights.map(|table| code.weights_window(table, features, limits));

        let mut words = Words::new();
        words.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(groups);
        words.length(rows.start).length(rows.end).length(columns.start).length(columns.end);
        words.length(row_tiles).length(column_tiles).length(length(features)).length(self.slice_features);
        words.u32(0).length(length(group)).u32(weights.map_or(0, |(_, before)| before));
        words.length(if x.is_shared() { 0 } else { packings[0].batch_quads() });
        words.length(if y.is_shared() { 0 } else { packings[1].batch_quads() });
        words.length(batches.start).u32(before);
        strides.iter().for_each(|stride| {
            words.length(*stride);
        });
        let mut windows = vec![
            Window { buffer: self.x_panels, offset: 0, bytes: packings[0].bytes() },
            Window { buffer: self.y_panels, offset: 0, bytes: packings[1].bytes() },
            target,
        ];
        windows.extend(weights.map(|(view, _)| view));
        let addend = if self.partials.is_none() { self.addend_window(piece) } else { None };
        windows.extend(addend.map(|(view, ..)| view));
        strided_words(addend, &mut words);
        words.align();
        code.value_words(&mut words);
        let entries = row_tiles * column_tiles * length(&batches) * u64::from(tile.rows * tile.columns);
        Pass {
            shader: Arc::clone(&self.shader),
            windows,
            parameters: words.bytes(),
            grid,
            cost: entries as f64 * code.pair_cost(length(features)),
        }
    }

    fn finish_pass(&self, part: &Region<3>, piece: &Region<3>, partials: BufferId) -> Pass {
        let [slice, batch, row, column] = self.partial_strides(part);
        let strides = [batch, row, column];
        let first = (0..3).map(|axis| (piece[axis].start - part[axis].start) * strides[axis]).sum();
        let states = Window { buffer: partials, offset: 0, bytes: self.partial_bytes(part).max(16) };
        let (target, before) = self.out_window(piece);
        let finish = Finish {
            partials: (states, first, slice, strides),
            slices: self.slices,
            counts: [0, 1, 2].map(|axis: usize| length(&piece[axis])),
            out: (target, before, self.out),
            addend: self.addend_window(piece),
        };
        finish.pass(&self.skeleton.code, self.skeleton.limits)
    }
}

fn main_shader(skeleton: &Skeleton<'_>, swapped: bool, partial: bool) -> Shader {
    let Skeleton { tile, code, addend, .. } = skeleton;
    let mut tail = Tail::new().constant("ROWS", tile.rows).constant("COLUMNS", tile.columns);
    let file = match tile.sharing {
        Sharing::Workgroup => {
            tail = tail.constant("BLOCK_ROWS", tile.block_rows).constant("BLOCK_COLUMNS", tile.block_columns);
            tail = tail.constant("DEPTH", tile.depth);
            WORKGROUP
        }
        Sharing::Broadcast | Sharing::Direct => {
            tail = tail.constant("LANES", tile.invocations()).constant("UNROLL", tile.depth);
            LANES
        }
    };
    tail = code.tail(tail).alias("Word", if partial { "u32" } else { "f32" });
    tail = tail.code(&text::register_block(tile, swapped)).code(&code.feature_weight(4));
    tail = match partial {
        true => tail.code(&code.emit_state()),
        false => {
            let binding = if code.weights.is_some() { 5 } else { 4 };
            tail.code(text::EMIT_VALUE).code(&code.entry_value(addend.is_some(), binding))
        }
    };
    Shader { file, tail, math: code.math, indices_proven: code.trusted }
}

/// Features that an invocation may walk before all its loops together pass the limit.
fn most_features(tile: &Tile, limits: &Limits) -> u64 {
    let budget = u64::from(limits.max_iterations.saturating_sub(tile.block_rows + 2 * BLOCK_FEATURES as u32));
    let per_block = match tile.sharing {
        Sharing::Broadcast | Sharing::Direct => BLOCK_FEATURES + 1,
        Sharing::Workgroup => {
            let steps = BLOCK_FEATURES / u64::from(tile.depth);
            let loads = |side: u32| u64::from((tile.depth * side / 4).div_ceil(tile.invocations()));
            BLOCK_FEATURES + 1 + steps * (1 + loads(tile.rows) + loads(tile.columns))
        }
    };
    budget / per_block * BLOCK_FEATURES
}

fn strided_window(
    buffer: BufferId,
    offset: u64,
    strides: Strides,
    piece: &Region<3>,
    limits: &Limits,
) -> (Window, u32) {
    let first = piece.iter().zip(strides).map(|(range, stride)| range.start * stride).sum::<u64>();
    window(buffer, 4, offset + first, extent(piece, strides), limits)
}
