//! The passes of a sliding window: filters packed into panels, then blocks of outputs.

use std::ops::Range;
use std::sync::Arc;

use super::block::{Block, Shape};
use super::finish::Finish;
use super::geometry::{Axis, Geometry};
use crate::error::{Error, Result};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, pieces, window, window_bytes};
use crate::plan::stored::loads;
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{ConvMethod, Input};

const CONV: ShaderFile = ShaderFile { name: "conv", text: include_str!("../../../shaders/conv.wgsl") };
const PACK: ShaderFile = ShaderFile { name: "conv_pack", text: include_str!("../../../shaders/conv_pack.wgsl") };

/// Appends the passes of all phases.
pub(super) fn append(
    program: &mut Program,
    finish: Finish<'_>,
    geometry: &Geometry,
    [x, w]: [&Input<'_>; 2],
    limits: &Limits,
) -> Result<()> {
    let panels = program.temporary(16);
    for axes in &geometry.phases {
        let Geometry { batch, groups, inputs, outputs, .. } = *geometry;
        let shape = Shape { batch, groups, inputs, outputs, axes };
        let (block, _) = Block::choose(&shape, finish.work.method, limits);
        let lines = if x.layout.is_empty() { 0 } else { block.lines(&shape) };
        let filter = inputs * axes.iter().map(|axis| axis.taps).product::<u64>();
        let sliding = Sliding { finish, geometry, shape, block, lines, filter, panels, limits };
        if lines > 0 {
            let bytes = sliding.panel_bytes(&(0..sliding.all_blocks()));
            if bytes > limits.max_buffer_bytes {
                return Err(sliding.too_large(program.op, bytes, limits.max_buffer_bytes));
            }
            crate::plan::pair::reserve(program, panels, bytes);
            sliding.pack(program, w)?;
        }
        sliding.record(program, x)?;
    }
    Ok(())
}

/// Rough operations.
pub(super) fn cost(geometry: &Geometry, limits: &Limits) -> f64 {
    let Geometry { batch, groups, inputs, outputs, .. } = *geometry;
    let of_phase = |axes| Block::choose(&Shape { batch, groups, inputs, outputs, axes }, ConvMethod::Auto, limits).1;
    geometry.phases.iter().map(of_phase).sum()
}

/// One phase, laid out.
struct Sliding<'a> {
    finish: Finish<'a>,
    geometry: &'a Geometry,
    shape: Shape<'a>,
    block: Block,
    /// Lines that an invocation walks; 0 where outputs see nothing.
    lines: u64,
    /// Entries of one packed filter.
    filter: u64,
    panels: BufferId,
    limits: &'a Limits,
}

impl Sliding<'_> {
    /// Blocks of channels of one group, and of all.
    fn group_blocks(&self) -> u64 {
        self.geometry.outputs.div_ceil(self.block.channels)
    }

    fn all_blocks(&self) -> u64 {
        self.group_blocks() * self.geometry.groups
    }

    fn panel_bytes(&self, blocks: &Range<u64>) -> u64 {
        length(blocks) * self.filter * self.block.channels * 4
    }

    fn groups(&self, blocks: &Range<u64>) -> Range<u64> {
        blocks.start / self.group_blocks()..(blocks.end - 1) / self.group_blocks() + 1
    }

    /// Channels of the result that blocks of channels hold.
    fn channels(&self, blocks: &Range<u64>) -> Range<u64> {
        let of = |block: u64| (block / self.group_blocks(), block % self.group_blocks() * self.block.channels);
        let outputs = self.geometry.outputs;
        let ((group, first), (last_group, last)) = (of(blocks.start), of(blocks.end - 1));
        group * outputs + first..last_group * outputs + (last + self.block.channels).min(outputs)
    }

    fn too_large(&self, op: &'static str, requested: u64, limit: u64) -> Error {
        Error::BufferTooLarge { op, requested, limit, adapter: self.limits.adapter.clone() }
    }

    /// What a pass reads of w: first entry and reach. Its filters lie between the first and the last of its groups.
    fn filters(&self, blocks: &Range<u64>) -> (u64, u64) {
        let Geometry { w, w_offset, inputs, outputs, .. } = *self.geometry;
        let groups = self.groups(blocks);
        let first_tap =
            |axis: &Axis| axis.first_tap.min(axis.first_tap + (axis.taps as i64 - 1) * axis.tap_step) as u64;
        let taps = self.shape.axes.iter().zip(&w[3..]).map(|(axis, stride)| first_tap(axis) * stride).sum::<u64>();
        let spread =
            |axis: usize| 0..((self.shape.axes[axis].taps - 1) * self.shape.axes[axis].tap_step.unsigned_abs() + 1);
        let seen = [0..length(&groups), 0..outputs, 0..inputs, spread(0), spread(1), spread(2)];
        (w_offset + groups.start * w[0] + taps, extent(&seen, w))
    }

    /// Packs all filters.
    fn pack(&self, program: &mut Program, w: &Input<'_>) -> Result<()> {
        let Geometry { w: strides, w_offset, .. } = *self.geometry;
        let (limits, channels) = (self.limits, self.block.channels);
        let element_bytes = w.element_bytes as u64;
        let tail = loads(Tail::new().constant("CHANNELS", channels as u32), &["w"], w.element_bytes);
        let math = w.element_bytes != 4;
        let shader = Arc::new(Shader { file: PACK, tail, math, indices_proven: true });
        let excess = |piece: &Region<1>| {
            let (_, reach) = self.filters(&piece[0]);
            let bytes =
                window_bytes(element_bytes, reach, limits).max(self.panel_bytes(&piece[0]) + limits.offset_alignment);
            (bytes > limits.max_binding_bytes).then_some(0)
        };
        let whole = [0..self.all_blocks()];
        let limit = limits.max_binding_bytes;
        let cut = pieces(whole, [1], excess).ok_or_else(|| self.too_large(program.op, limit + 1, limit))?;
        for [blocks] in cut {
            let groups = self.groups(&blocks);
            let (first, reach) = self.filters(&blocks);
            let (read, before) = window(BufferId::Input(1), element_bytes, first, reach, limits);
            let (write, packed_before) = self.panel_window(&blocks);
            // Tap 0 may be the last that the window sees.
            let taps = self.shape.axes.iter().zip(&strides[3..]);
            let start = taps.map(|(axis, stride)| axis.first_tap as u64 * stride).sum::<u64>();
            let offset = w_offset + groups.start * strides[0] + start - first + u64::from(before);
            let entries = self.panel_bytes(&blocks) / 4;
            let (grid, width) = limits.fold(entries.div_ceil(64));
            let mut words = Words::new();
            words.u32(width).length(entries).length(blocks.start - groups.start * self.group_blocks());
            words.length(self.group_blocks()).length(self.geometry.outputs).u32(packed_before).length(offset);
            words.length(strides[0]).length(strides[1]).length(strides[2]).length(self.geometry.inputs).align();
            self.shape.axes.iter().for_each(|axis| _ = words.length(axis.taps));
            words.align();
            let steps = self.shape.axes.iter().zip(&strides[3..]);
            steps.for_each(|(axis, stride)| _ = words.u32((axis.tap_step * *stride as i64) as u32));
            let (shader, parameters) = (Arc::clone(&shader), words.bytes());
            program.passes.push(Pass {
                shader,
                windows: vec![read, write],
                parameters,
                grid,
                cost: entries as f64 * 20.0,
            });
        }
        Ok(())
    }

    /// The panels of some blocks of channels.
    fn panel_window(&self, blocks: &Range<u64>) -> (Window, u32) {
        let first = blocks.start * self.filter * self.block.channels;
        window(self.panels, 4, first, self.panel_bytes(blocks) / 4, self.limits)
    }

    /// Records the blocks of outputs, piece by piece: a piece is a range of the batch, of blocks of channels, planes and rows.
    fn record(&self, program: &mut Program, x: &Input<'_>) -> Result<()> {
        let [planes, rows, last] = *self.shape.axes;
        let (limits, block) = (self.limits, self.block);
        if [planes, rows, last].iter().any(|axis| axis.outputs == 0) {
            return Ok(());
        }
        let lines = last.taps.max(1).div_ceil(block.segment(&last)) * self.lines;
        let per_pass = block.segments_per_pass(&self.shape, limits).min(lines.max(1));
        let per_segment = block.line_cost(&last, limits) * block.segment(&last) as f64 / last.taps.max(1) as f64;
        let bytes = |reach: u64| window_bytes(4, reach, limits);
        let excess = |piece: &Region<4>| {
            let sizes = [
                window_bytes(x.element_bytes as u64, extent(&self.seen(piece), self.geometry.x), limits),
                bytes(extent(&self.stored(piece), self.geometry.result)),
                self.panel_bytes(&piece[1]) + limits.offset_alignment,
            ];
            let grid = self.invocations(piece);
            let dear = grid as f64 * per_pass as f64 * per_segment > limits.max_pass_cost || grid > 1 << 30;
            let large = sizes.iter().any(|size| *size > limits.max_binding_bytes);
            if !large && !dear {
                return None;
            }
            // Whole images of the batch first, then channels, then planes and rows; only channels make panels shorter.
            let panels = sizes[2] > limits.max_binding_bytes;
            let shorter = |axis: &usize| length(&piece[*axis]) > 1 && (*axis == 1 || !panels);
            (0..4).find(shorter).or(large.then_some(0))
        };
        let whole = [0..self.geometry.batch, 0..self.all_blocks(), 0..planes.outputs, 0..rows.outputs];
        let cut = pieces(whole, [1, 1, 1, block.rows], excess).ok_or_else(|| Error::Unsupported {
            op: program.op,
            message: format!(
                "one row needs more than the {} bytes that {} binds at once; convolve it in pieces",
                limits.max_binding_bytes, limits.adapter
            ),
        })?;
        let shader = self.shader(x.element_bytes);
        // What stands for x where outputs see nothing.
        let source = match x.layout.is_empty() {
            true => program.constant("nothing", || vec![0; 16]),
            false => BufferId::Input(0),
        };
        for piece in &cut {
            let mut first = 0;
            loop {
                let segments = per_pass.min(lines - first);
                program.passes.push(self.pass((source, x), piece, &shader, first..first + segments, lines));
                first += segments;
                if first >= lines {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The entries of x that a piece sees.
    fn seen(&self, piece: &Region<4>) -> Region<5> {
        let groups = self.groups(&piece[1]);
        let inputs = self.geometry.inputs;
        let [planes, rows, last] = self.shape.axes;
        let channels = groups.start * inputs..groups.end * inputs;
        [piece[0].clone(), channels, planes.seen(&piece[2]), rows.seen(&piece[3]), last.seen(&(0..last.outputs))]
    }

    /// The entries of the result that a piece writes.
    fn stored(&self, piece: &Region<4>) -> Region<5> {
        let [planes, rows, last] = self.shape.axes;
        let along = |axis: &Axis, outputs: Range<u64>| {
            let place = |output: u64| axis.first_output + output * axis.output_step;
            place(outputs.start)..place(outputs.end - 1) + 1
        };
        let spatial = [along(planes, piece[2].clone()), along(rows, piece[3].clone()), along(last, 0..last.outputs)];
        let [plane, row, column] = spatial;
        [piece[0].clone(), self.channels(&piece[1]), plane, row, column]
    }

    /// Blocks of outputs along rows and columns, and of all for one block of channels.
    fn blocks(&self, piece: &Region<4>) -> [u64; 3] {
        let rows = length(&piece[3]).div_ceil(self.block.rows);
        let columns = self.shape.axes[2].outputs.div_ceil(self.block.columns);
        [rows, columns, rows * columns * length(&piece[2]) * length(&piece[0])]
    }

    fn invocations(&self, piece: &Region<4>) -> u64 {
        self.blocks(piece)[2].next_multiple_of(self.block.lanes) * length(&piece[1])
    }

    fn pass(
        &self,
        (x_buffer, x): (BufferId, &Input<'_>),
        piece: &Region<4>,
        shader: &Arc<Shader>,
        segments: Range<u64>,
        all: u64,
    ) -> Pass {
        let Geometry { x: x_strides, x_offset, result: result_strides, inputs, outputs, .. } = *self.geometry;
        let (limits, block) = (self.limits, self.block);
        let [planes, rows, last] = self.shape.axes;
        let (seen, stored) = (self.seen(piece), self.stored(piece));
        let first = |region: &Region<5>, strides: [u64; 5]| {
            region.iter().zip(strides).map(|(range, stride)| range.start * stride).sum::<u64>()
        };
        let element_bytes = x.element_bytes as u64;
        let (read, x_before) = match x_buffer {
            BufferId::Input(_) => {
                let start = x_offset + first(&seen, x_strides);
                window(x_buffer, element_bytes, start, extent(&seen, x_strides), limits)
            }
            nothing => (Window { buffer: nothing, offset: 0, bytes: 16 }, 0),
        };
        let (panels, w_before) = match self.lines {
            0 => (Window { buffer: self.panels, offset: 0, bytes: 16 }, 0),
            _ => self.panel_window(&piece[1]),
        };
        let result_start = first(&stored, result_strides);
        let (write, before) = window(BufferId::Output, 4, result_start, extent(&stored, result_strides), limits);
        let mut windows = vec![read, panels, write];
        let bias = self.finish.bias(self.geometry.groups * outputs, limits);
        windows.extend(bias.map(|(view, _)| view));

        let [row_blocks, column_blocks, blocks] = self.blocks(piece);
        let tiles = blocks.div_ceil(block.lanes);
        let groups = tiles * length(&piece[1]);
        let (grid, width) = limits.fold(groups);
        let first_group = self.groups(&piece[1]).start;
        let mut words = Words::new();
        words.u32(width).length(groups).length(tiles).length(blocks).length(row_blocks).length(column_blocks);
        words.length(piece[1].start - first_group * self.group_blocks()).length(self.group_blocks());
        words.length(outputs).length(first_group);
        words.u32(x_before).length(x_strides[0]).length(x_strides[1] * inputs).length(x_strides[1]);
        words.u32(w_before).length(self.filter * block.channels);
        words.u32(before).length(result_strides[0]).length(result_strides[1]).length(stored[1].start);
        let per_line = last.taps.max(1).div_ceil(block.segment(last));
        let lines = (rows.taps + block.rows - 1).max(1);
        let line = segments.start / per_line;
        words.length(line / lines / planes.taps.max(1)).length(line / lines % planes.taps.max(1));
        words.length(line % lines).length(segments.start % per_line).length(length(&segments));
        words
            .u32(u32::from(segments.start > 0))
            .u32(u32::from(segments.end >= all))
            .u32(bias.map_or(0, |(_, before)| before));
        planes.words(&piece[2], [x_strides[2], result_strides[2]], &mut words);
        rows.words(&piece[3], [x_strides[3], result_strides[3]], &mut words);
        last.words(&(0..last.outputs), [x_strides[4], result_strides[4]], &mut words);
        self.finish.values().into_iter().for_each(|value| _ = words.f32(value));
        let per_segment = block.line_cost(last, limits) * block.segment(last) as f64 / last.taps.max(1) as f64;
        let cost = (groups * block.lanes * length(&segments)) as f64 * per_segment;
        Pass { shader: Arc::clone(shader), windows, parameters: words.bytes(), grid, cost }
    }

    fn shader(&self, element_bytes: usize) -> Arc<Shader> {
        let (block, last) = (&self.block, &self.shape.axes[2]);
        let tail = Tail::new()
            .constant("CHANNELS", block.channels as u32)
            .constant("ROWS", block.rows as u32)
            .constant("COLUMNS", block.columns as u32)
            .constant("LANES", block.lanes as u32)
            .constant("TAPS", last.taps.max(1) as u32)
            .constant("SEGMENT", block.segment(last) as u32)
            .constant("PER_BLOCK", block.per_block(last) as u32);
        let tail = self.finish.tail(loads(tail, &["x"], element_bytes).code(&block.text(last)), 4);
        let math = element_bytes != 4 || self.finish.math();
        Arc::new(Shader { file: CONV, tail, math, indices_proven: true })
    }
}
