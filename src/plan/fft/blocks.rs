//! Lines filtered by a spectrum in one pass: transformed, multiplied and transformed back before anything is stored, whole
//! or block by block (overlap-save: T. Stockham, 1966).

use super::append::{Product, Side};
use super::geometry::{Batch, Part, parts, reach, window, window_bytes};
use super::line::{Between, LinePass, Source, Target};
use super::parameters::{Along, Dimension, LineParameters, Pairing};
use super::recipe::LineShape;
use super::{FftChoices, first};
use crate::plan::stored::Stored;
use crate::plan::{Limits, Pass, Program, Window};

/// Lines that are convolved with a kernel whose spectrum is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blocks {
    /// Points of a block's transform, smooth.
    pub(crate) length: usize,
    /// Two neighbours of a real line are taken as one complex number; then a block is the whole line, and even.
    pub(crate) halved: bool,
    /// Results that a block gives, and where the first one lies in it.
    pub(crate) step: usize,
    pub(crate) head: usize,
    /// Index of the source's entry that the first block begins with; those outside the source are 0.
    pub(crate) source_start: i64,
    /// What the signal's numbers are.
    pub(crate) stored: Stored,
    /// The signal and what is kept of the result.
    pub(crate) source: Side,
    pub(crate) result: Side,
    /// The kernel's spectrum: all `length` coefficients, or the first half of them where lines are halved.
    pub(crate) spectrum: Product,
    /// The box of lines.
    pub(crate) batch: Vec<Batch>,
}

impl Blocks {
    /// Blocks of a line.
    pub(crate) fn count(&self) -> usize {
        self.result.length.div_ceil(self.step)
    }

    /// Complex numbers of a block.
    fn points(&self) -> usize {
        if self.halved { self.length / 2 } else { self.length }
    }

    fn result_bytes(&self) -> u64 {
        Stored { halves: false, ..self.stored }.bytes()
    }

    /// Rough number of arithmetic operations of a block.
    fn cost(&self) -> f64 {
        block_operations(self.points(), self.halved)
    }
}

/// Rough number of arithmetic operations of a block of `points` complex numbers, there and back.
pub(crate) fn block_operations(points: usize, halved: bool) -> f64 {
    let n = points as f64;
    10.0 * n * n.log2().max(1.0) + if halved { 30.0 } else { 10.0 } * n
}

/// Appends the passes, one for each of the [`Blocks::parts`].
pub(crate) fn append_blocks(
    program: &mut Program,
    blocks: &Blocks,
    parts: &[Part],
    limits: &Limits,
    choices: &FftChoices,
) {
    let axes = blocks.axes();
    let choices = &choices.for_lines(&axes, blocks.points());
    for part in parts {
        append_part(program, blocks, &axes, part, blocks.seen(&axes, part), (limits, choices));
    }
}

impl Blocks {
    /// The box of lines, and as one more axis the blocks, whose places follow each other along a line.
    fn axes(&self) -> Vec<Batch> {
        let step = self.step as i64;
        let (source, result) = (step * self.source.stride, step * self.result.stride);
        let along = Batch { size: self.count(), source, result, product: 0 };
        self.batch.iter().copied().chain([along]).collect()
    }

    /// What each pass does; `None` where a block reaches further than a binding sees.
    pub(crate) fn parts(&self, limits: &Limits) -> Option<Vec<Part>> {
        let axes = self.axes();
        parts(&axes, |part| {
            let [source, result, product] = self.seen(&axes, part);
            let windows = [(source, self.stored.bytes()), (result, self.result_bytes()), (product, 8)];
            let lines = part.iter().map(|(_, size)| *size as f64).product::<f64>();
            windows.iter().all(|(reach, bytes)| window_bytes(*reach, *bytes, limits) <= limits.max_binding_bytes)
                && (lines <= 2.0 || lines * self.cost() <= limits.max_pass_cost)
        })
    }

    /// What source, result and spectrum are seen of, in elements.
    fn seen(&self, axes: &[Batch], part: &Part) -> [(i64, i64); 3] {
        let outer = axes.len() - 1;
        let (block, count) = part[outer];
        let lines = |distance: fn(&Batch) -> i64| {
            axes[..outer].iter().zip(part).map(move |(axis, (_, size))| (distance(axis), *size))
        };
        let start = |side: &Side, distance: fn(&Batch) -> i64| first(side.offset, &axes[..outer], part, distance);
        let range = |side: &Side, low: i64, high: i64, distance: fn(&Batch) -> i64| {
            let (low, high) = (low.clamp(0, side.length as i64 - 1), high.clamp(0, side.length as i64 - 1));
            let far = [(side.stride, (high - low).max(0) as usize + 1)];
            reach(start(side, distance) + low * side.stride, lines(distance).chain(far))
        };
        let (block, count, step) = (block as i64, count as i64, self.step as i64);
        let low = self.source_start + block * step;
        let source = range(&self.source, low, low + (count - 1) * step + self.length as i64, |axis| axis.source);
        let result = range(&self.result, block * step, (block + count) * step - 1, |axis| axis.result);
        let from = first(self.spectrum.offset, &axes[..outer], part, |axis| axis.product);
        let coefficients = if self.halved { self.length / 2 + 1 } else { self.length };
        let product = reach(from, lines(|axis| axis.product).chain([(self.spectrum.stride, coefficients)]));
        [source, result, product]
    }
}

fn append_part(
    program: &mut Program,
    blocks: &Blocks,
    axes: &[Batch],
    part: &Part,
    seen: [(i64, i64); 3],
    (limits, choices): (&Limits, &FftChoices),
) {
    let outer = axes.len() - 1;
    let ((block, count), step) = (part[outer], blocks.step as i64);
    let batch = &axes[..outer];
    let mut dimensions: Vec<Dimension> = batch
        .iter()
        .zip(part)
        .filter(|(_, (_, size))| *size > 1)
        .map(|(axis, (_, size))| Dimension {
            size: *size,
            source: (axis.source, 0),
            result: (axis.result, 0),
            rotation: 0,
            product: axis.product,
        })
        .collect();
    // Two real blocks share a complex line; where each line is one block, two lines that have their kernel in common do.
    let shared = dimensions.last().is_some_and(|axis| axis.product == 0);
    if count > 1 || (!shared && !blocks.halved) || dimensions.is_empty() {
        dimensions.push(Dimension { size: count, source: (0, step), result: (0, step), rotation: 0, product: 0 });
    }
    let mut pairing = Pairing::default();
    if let Some(last) = dimensions.last_mut().filter(|_| !blocks.stored.complex && !blocks.halved) {
        pairing = Pairing { count: last.size, source: last.source, result: last.result };
        let double = |(place, index): (i64, i64)| (2 * place, 2 * index);
        let (source, result) = (double(last.source), double(last.result));
        *last = Dimension { size: last.size.div_ceil(2), source, result, ..*last };
    }
    let lines: u64 = dimensions.iter().map(|dimension| dimension.size as u64).product();
    let across = blocks.source.stride.abs() > 1 || choices.across_lines;
    let mut shape = LineShape::there_and_back(blocks.points(), limits, choices);
    if across {
        shape = shape.side_by_side(lines, limits, choices);
    }
    let single = blocks.count() == 1;
    let whole_source = single && blocks.source_start == 0 && blocks.source.length >= blocks.length;
    let whole_result = single && blocks.head == 0 && blocks.result.length >= blocks.length;
    let (source, target) = match blocks.stored.complex {
        true => (Source::Complex, Target::Complex),
        false if blocks.halved => (Source::RealPair, Target::RealPair),
        false => (Source::RealLines, Target::RealLines),
    };
    let pass = LinePass {
        source,
        halves: blocks.stored.halves,
        target,
        short: !whole_source,
        cut: !whole_result,
        between: Some(if blocks.halved { Between::HalfProduct } else { Between::Product }),
        swap_first: true,
        headless: blocks.head > 0 && !single,
        neighbours_are_lines: across,
        dense_source: blocks.source.stride == 1,
        dense_result: blocks.result.stride == 1,
        dimensions: dimensions.len(),
        ..LinePass::plain(&shape)
    };
    let (shader, table) = pass.build(blocks.length, program);
    let [(source, source_at), (result, result_at), (spectrum, spectrum_at)] = {
        let (from, to) = (blocks.stored.bytes(), blocks.result_bytes());
        let buffers = [(blocks.source.buffer, from), (blocks.result.buffer, to), (blocks.spectrum.buffer, 8)];
        let window = |i: usize| window(buffers[i].0, seen[i], buffers[i].1, limits);
        [window(0), window(1), window(2)]
    };
    let mut windows = vec![source, result];
    windows.extend(table.map(|(buffer, bytes)| Window { buffer, offset: 0, bytes }));
    windows.push(spectrum);
    let (grid, width) = limits.fold(shape.groups(lines));
    let first_result = block * blocks.step;
    let parameters = LineParameters {
        lines,
        width,
        source: Along {
            at: first(blocks.source.offset, batch, part, |axis| axis.source) - source_at,
            step: 1,
            stride: blocks.source.stride,
            length: blocks.source.length,
        },
        source_start: blocks.source_start + block as i64 * step,
        result: Along {
            at: first(blocks.result.offset, batch, part, |axis| axis.result)
                + first_result as i64 * blocks.result.stride
                - result_at,
            step: 1,
            stride: blocks.result.stride,
            length: blocks.result.length - first_result,
        },
        result_start: blocks.head,
        product: (
            first(blocks.spectrum.offset, batch, part, |axis| axis.product) - spectrum_at,
            blocks.spectrum.stride,
        ),
        axis_length: blocks.length,
        // Half a product is four times as large.
        scale: (1.0 / if blocks.halved { 4 * blocks.points() } else { blocks.points() } as f64) as f32,
        points: blocks.points(),
        taper_at: 0,
        pairing,
        rotation: 0,
    };
    let parameters = parameters.bytes(&dimensions);
    program.passes.push(Pass { shader, windows, parameters, grid, cost: lines as f64 * blocks.cost() });
}

/// The longest block that one workgroup transforms, at least that of a line.
pub(crate) fn longest_block(limits: &Limits, choices: &FftChoices) -> usize {
    super::recipe::longest_line(limits, choices)
}
