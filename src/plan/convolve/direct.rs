//! The sum of products as it is written.

use std::sync::Arc;

use super::{Axis, Geometry};
use crate::error::{Error, Result};
use crate::plan::fft::{Part, first, parts, reach, window, window_bytes};
use crate::plan::stored::Stored;
use crate::plan::{BufferId, Limits, Pass, Program};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::ConvolveAlgorithm;

const CONVOLVE_DIRECT: ShaderFile =
    ShaderFile { name: "convolve_direct", text: include_str!("../../../shaders/convolve_direct.wgsl") };

/// Invocations of a workgroup of `convolve_direct.wgsl`.
const INVOCATIONS: u64 = 64;

/// Terms that are summed before the sum is added to the others.
const BLOCK: u64 = 64;

/// Rough operations per tap: two loads, three comparisons, the carry of the coordinates and the product itself.
const OPERATIONS_PER_TAP: f64 = 16.0;

/// The sum as it is written, with the rough number of operations: infinitely many where no binding holds an item.
pub(super) fn candidate(geometry: &Geometry, limits: &Limits) -> (ConvolveAlgorithm, f64) {
    let taps = geometry.taps();
    let reach = |side: fn(&Axis) -> (i64, usize)| reach(0, geometry.axes.iter().map(side));
    let seen = [
        (reach(|axis| (axis.signal_stride, axis.signal)), geometry.stored[0].bytes()),
        (reach(|axis| (axis.kernel_stride, axis.kernel)), geometry.stored[1].bytes()),
        (reach(|axis| (axis.result_stride, axis.result)), geometry.element_bytes()),
    ];
    if seen.iter().any(|(reach, bytes)| window_bytes(*reach, *bytes, limits) > limits.max_binding_bytes) {
        return (ConvolveAlgorithm::Direct { taps }, f64::INFINITY);
    }
    let cost = geometry.items() as f64 * geometry.entries() as f64 * taps as f64 * OPERATIONS_PER_TAP;
    (ConvolveAlgorithm::Direct { taps }, cost)
}

/// Appends the passes.
pub(super) fn append(program: &mut Program, geometry: &Geometry, limits: &Limits) -> Result<()> {
    let op = program.op;
    let bytes = geometry.element_bytes();
    let [from, by] = geometry.stored.map(Stored::bytes);
    let batch = &geometry.batch;
    let signal_reach = |part: &Part| {
        let items = batch.iter().zip(part).map(|(axis, (_, size))| (axis.source, *size));
        let along = geometry.axes.iter().map(|axis| (axis.signal_stride, axis.signal));
        reach(first(geometry.signal_offset, batch, part, |b| b.source), items.chain(along))
    };
    let kernel_reach = |part: &Part| {
        let items = batch.iter().zip(part).map(|(axis, (_, size))| (axis.product, *size));
        let along = geometry.axes.iter().map(|axis| (axis.kernel_stride, axis.kernel));
        reach(first(geometry.kernel_offset, batch, part, |b| b.product), items.chain(along))
    };
    let result_reach = |part: &Part| {
        let items = batch.iter().zip(part).map(|(axis, (_, size))| (axis.result, *size));
        let along = geometry.axes.iter().map(|axis| (axis.result_stride, axis.result));
        reach(first(0, batch, part, |b| b.result), items.chain(along))
    };
    let fits = |part: &Part| {
        [(signal_reach(part), from), (kernel_reach(part), by), (result_reach(part), bytes)]
            .into_iter()
            .all(|(seen, bytes)| window_bytes(seen, bytes, limits) <= limits.max_binding_bytes)
            && part.iter().map(|(_, size)| *size as u64).product::<u64>() * (geometry.entries() as u64)
                < u64::from(u32::MAX / 2)
    };
    let parts = parts(batch, fits).ok_or_else(|| Error::Unsupported {
        op,
        message: format!(
            "one item needs more than the {} bytes that {} binds at once; convolve it in pieces",
            limits.max_binding_bytes, limits.adapter
        ),
    })?;
    let shader = shader(geometry, batch.len().max(1));
    // Every block costs one more iteration, every axis one.
    let most_taps = (u64::from(limits.max_iterations.saturating_sub(64)) * BLOCK / (BLOCK + 1)).max(1);
    let taps = geometry.taps() as u64;
    for part in &parts {
        let (signal, signal_start) = window(BufferId::Input(0), signal_reach(part), from, limits);
        let (kernel, kernel_start) = window(BufferId::Input(1), kernel_reach(part), by, limits);
        let (result, result_start) = window(BufferId::Output, result_reach(part), bytes, limits);
        let entries = part.iter().map(|(_, size)| *size as u64).product::<u64>() * geometry.entries() as u64;
        let mut tap = 0;
        while tap < taps {
            let now = most_taps.min(taps - tap);
            let per_entry = now as f64 * OPERATIONS_PER_TAP;
            let most_entries = ((limits.max_pass_cost / per_entry) as u64).max(INVOCATIONS * 16);
            let mut entry = 0;
            while entry < entries {
                let end = entries.min(entry + most_entries);
                let (grid, width) = limits.fold((end - entry).div_ceil(INVOCATIONS));
                let mut words: Vec<u32> = vec![
                    entry as u32,
                    end as u32,
                    width,
                    now as u32,
                    (first(geometry.signal_offset, batch, part, |b| b.source) - signal_start) as u32,
                    (first(geometry.kernel_offset, batch, part, |b| b.product) - kernel_start) as u32,
                    (first(0, batch, part, |b| b.result) - result_start) as u32,
                    u32::from(tap > 0),
                ];
                push_axes(&mut words, geometry, tap);
                for (axis, (_, size)) in batch.iter().zip(part) {
                    words.extend([*size as u32, axis.source as u32, axis.product as u32, axis.result as u32]);
                }
                if batch.is_empty() {
                    words.extend([1, 0, 0, 0]);
                }
                program.passes.push(Pass {
                    shader: Arc::clone(&shader),
                    windows: vec![signal, kernel, result],
                    parameters: words.iter().flat_map(|word| word.to_ne_bytes()).collect(),
                    grid,
                    cost: (end - entry) as f64 * per_entry,
                });
                entry = end;
            }
            tap += now;
        }
    }
    Ok(())
}

/// The three axes; missing ones in front have length 1.
fn push_axes(words: &mut Vec<u32>, geometry: &Geometry, mut tap: u64) {
    let mut first_taps = vec![0; geometry.axes.len()];
    for (at, axis) in first_taps.iter_mut().zip(&geometry.axes).rev() {
        *at = tap % axis.kernel as u64;
        tap /= axis.kernel as u64;
    }
    for _ in geometry.axes.len()..3 {
        words.extend([1, 0, 1, 0, 1, 0, 0, 0]);
    }
    for (axis, first_tap) in geometry.axes.iter().zip(first_taps) {
        words.extend([
            axis.result as u32,
            axis.start as u32,
            axis.signal as u32,
            axis.signal_stride as u32,
            axis.kernel as u32,
            axis.kernel_stride as u32,
            first_tap as u32,
            axis.result_stride as u32,
        ]);
    }
}

fn shader(geometry: &Geometry, dimensions: usize) -> Arc<Shader> {
    let product = match (geometry.complex(), geometry.conjugate) {
        (false, _) => "return s * k;",
        (true, false) => "return vec2f(s.x * k.x - s.y * k.y, s.x * k.y + s.y * k.x);",
        (true, true) => "return vec2f(s.x * k.x + s.y * k.y, s.y * k.x - s.x * k.y);",
    };
    let [signal, kernel] = geometry.stored;
    let tail = Tail::new()
        .constant("DIMENSIONS", dimensions as u32)
        .flag("WRAPS", geometry.circular)
        .alias("Number", signal.number())
        .alias("Signal", signal.element())
        .alias("Kernel", kernel.element())
        .code(&(signal.load("signal") + &kernel.load("kernel")))
        .code(&format!("fn product(s: Number, k: Number) -> Number {{ {product} }}"));
    Arc::new(Shader { file: CONVOLVE_DIRECT, tail, math: signal.halves | kernel.halves, indices_proven: true })
}
