//! The end of sums that were cut into slices: partial states are merged and become values.

use std::sync::Arc;

use super::code::PairCode;
use super::skeleton::Strides;
use crate::plan::parameters::Words;
use crate::plan::{Limits, Pass, Window};
use crate::shader::{Shader, ShaderFile, Tail};

const FINISH: ShaderFile = ShaderFile { name: "pair_finish", text: include_str!("../../../shaders/pair_finish.wgsl") };

/// A window, the place of the first entry in it, and strides per batch, row and column.
pub(super) type Strided = (Window, u32, Strides);

/// One pass over some of the entries.
pub(super) struct Finish {
    /// The words of the states: the window, the first word, words between slices, and strides.
    pub(super) partials: (Window, u64, u64, Strides),
    /// Number of slices; none gives the value of no features.
    pub(super) slices: u64,
    /// Batches, rows and columns of the pass.
    pub(super) counts: [u64; 3],
    /// Where the values go.
    pub(super) out: Strided,
    /// What the epilogue reads.
    pub(super) addend: Option<Strided>,
}

impl Finish {
    /// The pass.
    pub(super) fn pass(&self, code: &PairCode, limits: &Limits) -> Pass {
        let count: u64 = self.counts.iter().product();
        let (grid, width) = limits.fold(count.div_ceil(64));
        let (partials, first, slice, [batch, row, column]) = self.partials;
        let mut words = Words::new();
        words.u32(f32::NAN.to_bits()).u32(f32::INFINITY.to_bits()).u32(width).length(count);
        words.length(self.counts[1]).length(self.counts[2]).length(self.slices);
        words.length(first).length(slice).length(batch).length(row).length(column);
        strided_words(Some(self.out), &mut words);
        strided_words(self.addend, &mut words);
        words.align();
        code.value_words(&mut words);
        let mut windows = vec![partials, self.out.0];
        windows.extend(self.addend.map(|(view, ..)| view));
        let tail = code.tail(Tail::new()).code(&code.state_from()).code(&code.entry_value(self.addend.is_some(), 3));
        let shader = Shader { file: FINISH, tail, math: code.math, indices_proven: code.trusted };
        let cost = count as f64 * code.pair_cost(self.slices);
        Pass { shader: Arc::new(shader), windows, parameters: words.bytes(), grid, cost }
    }
}

/// The place and strides of a matrix in its window; zeros where there is none.
pub(super) fn strided_words(strided: Option<Strided>, words: &mut Words) {
    let (before, strides) = strided.map_or((0, [0; 3]), |(_, before, strides)| (before, strides));
    words.u32(before);
    for stride in strides {
        words.length(stride);
    }
}
