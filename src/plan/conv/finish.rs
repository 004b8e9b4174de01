//! What becomes of a sum: the bias and the activation.

use std::fmt::Write;
use std::sync::Arc;

use super::geometry::Geometry;
use crate::plan::parameters::Words;
use crate::plan::pieces::{length, pieces, window, window_bytes};
use crate::plan::{BufferId, Limits, Pass, Program, Window};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{ConvWork, Input};

const FINISH: ShaderFile = ShaderFile { name: "conv_finish", text: include_str!("../../../shaders/conv_finish.wgsl") };

/// Rough operations per entry.
const COST: f64 = 40.0;

/// The bias and the activation of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) work: &'a ConvWork,
    pub(super) bias: Option<&'a Input<'a>>,
}

impl Finish<'_> {
    /// `finish(sum, channel)`, which reads the bias at `binding`, and `VALUES`.
    pub(super) fn tail(&self, tail: Tail, binding: u32) -> Tail {
        let mut text = String::new();
        let mut sum = "sum".to_owned();
        if self.bias.is_some() {
            let _ = writeln!(text, "@group(0) @binding({binding}) var<storage, read> bias: array<f32>;");
            sum.push_str(" + bias[parameters.bias_offset + channel]");
        }
        if let Some(activation) = &self.work.activation {
            let body = activation.wgsl(&|_| "value".to_owned(), 0);
            let _ = writeln!(text, "fn activation(value: f32) -> f32 {{\n{body}\n}}");
            sum = format!("activation({sum})");
        }
        let _ = writeln!(text, "fn finish(sum: f32, channel: u32) -> f32 {{\n    return {sum};\n}}");
        tail.constant("VALUES", self.values().len() as u32 / 4).code(&text)
    }

    /// Whether the accurate functions are called.
    pub(super) fn math(&self) -> bool {
        self.work.activation.is_some()
    }

    /// Parameters of the activation, in quads.
    pub(super) fn values(&self) -> Vec<f32> {
        let mut values = self.work.activation.as_ref().map(|activation| activation.parameters()).unwrap_or_default();
        values.resize(values.len().next_multiple_of(4).max(4), 0.0);
        values
    }

    /// The window on the bias of so many channels, and where it begins in it.
    pub(super) fn bias(&self, channels: u64, limits: &Limits) -> Option<(Window, u32)> {
        let bias = self.bias?;
        Some(window(BufferId::Input(2), 4, bias.layout.offset as u64, channels, limits))
    }

    /// Passes over a result that holds the sums.
    pub(super) fn record(&self, program: &mut Program, geometry: &Geometry, limits: &Limits) {
        if self.bias.is_none() && self.work.activation.is_none() {
            return;
        }
        let (channels, plane) = (geometry.groups * geometry.outputs, geometry.result[1]);
        let tail = self.tail(Tail::new(), 2);
        let shader = Arc::new(Shader { file: FINISH, tail, math: self.math(), indices_proven: true });
        let excess = |piece: &[std::ops::Range<u64>; 1]| {
            let entries = length(&piece[0]);
            let large = window_bytes(4, entries, limits) > limits.max_binding_bytes;
            (large || (entries > 1 && entries as f64 * COST > limits.max_pass_cost)).then_some(0)
        };
        for [entries] in pieces([0..geometry.entries], [64], excess).unwrap_or_default() {
            let count = length(&entries);
            let (write, before) = window(BufferId::Output, 4, entries.start, count, limits);
            let bias = self.bias(channels, limits);
            let (grid, width) = limits.fold(count.div_ceil(64));
            let mut words = Words::new();
            words.u32(width).length(count).length(entries.start % plane).length(entries.start / plane % channels);
            words.length(channels).length(plane).u32(before).u32(bias.map_or(0, |(_, before)| before));
            self.values().into_iter().for_each(|value| _ = words.f32(value));
            let windows = [write].into_iter().chain(bias.map(|(view, _)| view)).collect();
            let (shader, parameters) = (Arc::clone(&shader), words.bytes());
            program.passes.push(Pass { shader, windows, parameters, grid, cost: count as f64 * COST });
        }
    }
}
