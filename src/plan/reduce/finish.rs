//! The end of a reduction: the carries of all slices are joined and become results.

use std::ops::Range;
use std::sync::Arc;

use super::fold::Fold;
use crate::error::{Error, Result};
use crate::plan::parameters::Words;
use crate::plan::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::Reduction;

const FINISH: ShaderFile =
    ShaderFile { name: "pair_reduce_finish", text: include_str!("../../../shaders/pair_reduce_finish.wgsl") };

/// The passes that write the results of some rows of some batches.
pub(super) struct Finish<'a> {
    pub(super) limits: &'a Limits,
    pub(super) fold: &'a Fold,
    /// Factor of a sum.
    pub(super) scale: f32,
    /// The carries.
    pub(super) partials: Window,
    /// Their strides: batch, slice, word.
    pub(super) partial_strides: [u64; 3],
    /// How many there are of each row; 0: nothing was met.
    pub(super) slices: u64,
    pub(super) batches: Range<u64>,
    pub(super) rows: Range<u64>,
    /// Rows and batches of the whole result.
    pub(super) out_rows: u64,
    pub(super) out_batches: u64,
    /// Entries of a row of the result, and the first of those that are written.
    pub(super) width: u64,
    pub(super) first_entry: u64,
    /// Where the last of these ranks goes, for the next ones.
    pub(super) floors: Option<Window>,
}

impl Finish<'_> {
    /// Records the passes.
    pub(super) fn record(&self, program: &mut Program) -> Result<()> {
        let mut tail = Tail::new().code(&self.fold.text()).code(&self.fold.join()).code(&self.fold.emit());
        if self.fold.makes_floor() {
            tail = tail.code("@group(0) @binding(3) var<storage, read_write> floors: array<vec2<u32>>;");
        }
        let shader = Arc::new(Shader { file: FINISH, tail, math: true, indices_proven: true });
        let limits = self.limits;
        let strides = [self.out_rows * self.width, self.width];
        let (parts, entries) = match self.fold.reduction {
            Reduction::Extreme { .. } => (2, u64::from(self.fold.ranks)),
            _ => (1, u64::from(self.fold.columns.max(1))),
        };
        let reach = |region: &Region<2>| extent(region, strides) + entries - 1;
        let excess = |region: &Region<2>| {
            (window_bytes(4, reach(region), limits) > limits.max_binding_bytes)
                .then(|| longest(region, strides))
                .flatten()
        };
        let cut = pieces([self.batches.clone(), self.rows.clone()], [1, 64], excess).ok_or_else(|| {
            Error::BufferTooLarge {
                op: program.op,
                requested: window_bytes(4, entries, limits),
                limit: limits.max_binding_bytes,
                adapter: limits.adapter.clone(),
            }
        })?;
        let [batch, slice, word] = self.partial_strides;
        for region in cut {
            for part in 0..parts {
                let start = part * self.out_batches * strides[0] + self.first_entry;
                let first = start + region[0].start * strides[0] + region[1].start * strides[1];
                let (out, before) = window(BufferId::Output, 4, first, reach(&region), limits);
                let count = length(&region[0]) * length(&region[1]);
                let (grid, width) = limits.fold(count.div_ceil(64));
                let mut words = Words::new();
                words.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(count);
                words.length(length(&region[1])).length(self.slices);
                let at = (region[0].start - self.batches.start) * batch + region[1].start - self.rows.start;
                words.length(at).length(batch).length(slice).length(word);
                words.u32(before).length(strides[0]).length(strides[1]).u32(0).length(part).f32(self.scale);
                words.length(region[0].start * self.out_rows + region[1].start).length(self.out_rows);
                let mut windows = vec![self.partials, out];
                windows.extend(self.floors.filter(|_| self.fold.makes_floor()));
                program.passes.push(Pass {
                    shader: Arc::clone(&shader),
                    windows,
                    parameters: words.bytes(),
                    grid,
                    cost: (count * self.slices.max(1)) as f64 * (self.fold.words().len() as f64 + 1.0) * 4.0,
                });
            }
        }
        Ok(())
    }
}
