//! A transform along one axis as passes at the end of a program.

use std::iter;

use super::FftChoices;
use super::geometry::{Batch, Part, collapse, parts, reach, window, window_bytes};
use super::line::LinePass;
use super::parameters::{Along, Dimension, LineParameters, Pairing};
use super::recipe::{COMPLEX_BYTES, FftRecipe, LineShape};
use super::steps::{Step, steps};
use crate::error::{Error, Result};
use crate::plan::stored::Stored;
use crate::plan::{BufferId, Limits, Pass, Program};

/// What an entry along the source's axis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// A real number.
    Real,
    /// A complex number.
    Complex,
    /// A complex number of the first half of a Hermitian spectrum (as a source only).
    Half,
}

/// One side of a transform: where the entries of a line lie, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side {
    /// The buffer.
    pub(crate) buffer: BufferId,
    /// The first entry of the first line.
    pub(crate) offset: i64,
    /// Distance between neighbours along the axis.
    pub(crate) stride: i64,
    /// Entries along the axis.
    pub(crate) length: usize,
}

/// Real factors of the source's entries, one for each index along the axis, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taper {
    /// The buffer, of real numbers.
    pub(crate) buffer: BufferId,
    /// The factor of index 0.
    pub(crate) offset: i64,
}

/// A spectrum by which the result is multiplied, entry by entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Product {
    /// The buffer, of complex numbers.
    pub(crate) buffer: BufferId,
    /// The first entry of the first line.
    pub(crate) offset: i64,
    /// Distance between neighbours along the axis.
    pub(crate) stride: i64,
}

/// Coefficient k of line i of the last batch axis is rotated by exp(−2πi (first + i) k/whole): such transforms are columns of
/// one of `whole` points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) whole: usize,
    pub(crate) first: usize,
}

/// A transform along one axis of a box of lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AxisTransform {
    /// Points of the transform; a shorter source is extended by zeros.
    pub(crate) length: usize,
    /// exp(+2πi jk/n) instead of exp(−2πi jk/n).
    pub(crate) inverse: bool,
    /// Factor of the result.
    pub(crate) scale: f32,
    /// What the source's entries are.
    pub(crate) number: SourceKind,
    /// They are stored in f16.
    pub(crate) halves: bool,
    /// Take the conjugate of the source.
    pub(crate) conjugate: bool,
    /// Where the lines come from.
    pub(crate) source: Side,
    /// The source is multiplied by this.
    pub(crate) taper: Option<Taper>,
    /// Only the real part is kept.
    pub(crate) real_result: bool,
    /// Where the lines go.
    pub(crate) result: Side,
    /// First coefficient that is kept.
    pub(crate) result_start: usize,
    /// The result is multiplied by this.
    pub(crate) product: Option<Product>,
    /// The lines are columns of a longer transform, of a smooth length and one batch axis.
    pub(crate) columns: Option<Columns>,
    /// The box of lines.
    pub(crate) batch: Vec<Batch>,
}

/// Entries that a workgroup takes where each is done by itself.
const SINGLES: usize = 64;

/// Appends the transform's passes to `program`.
pub(crate) fn append_axis(
    program: &mut Program,
    transform: &AxisTransform,
    limits: &Limits,
    choices: &FftChoices,
) -> Result<()> {
    let op = program.op;
    let batch = collapse(&transform.batch);
    if batch.iter().any(|axis| axis.size == 0) || transform.result.length == 0 {
        return Ok(());
    }
    let unsupported = |message: String| Error::Unsupported { op, message };
    let numbers = if transform.is_packed() { transform.length / 2 } else { transform.length };
    let choices = &choices.for_lines(&batch, numbers);
    let (recipe, packed) = transform
        .recipe(limits, choices)
        .filter(|(recipe, _)| recipe.inner_length() <= u32::MAX as usize / 2)
        .ok_or_else(|| unsupported(format!("a transform of {} points is too long", transform.length)))?;
    let inner = recipe.inner_length();
    let lines = SINGLES.min(limits.max_invocations as usize);
    let single = LineShape { lines, ..LineShape::new(1, limits, choices) };
    let steps = steps(&recipe, transform, packed, &single);
    let (source_bytes, result_bytes) = (transform.source_bytes(), transform.result_bytes());
    let line_bytes = (recipe.line_length() * COMPLEX_BYTES) as u64;
    let fits_memory = |part: &Part| {
        let lines: u64 = part.iter().map(|(_, size)| *size as u64).product();
        let temporary = if steps.len() > 1 { lines.saturating_mul(line_bytes) } else { 0 };
        let product = transform.product.map_or(0, |_| window_bytes(transform.product_reach(&batch, part), 8, limits));
        window_bytes(transform.source_reach(&batch, part), source_bytes, limits) <= limits.max_binding_bytes
            && window_bytes(transform.result_reach(&batch, part), result_bytes, limits) <= limits.max_binding_bytes
            && product <= limits.max_binding_bytes
            && transform.taper.map_or(0, |taper| window_bytes(transform.taper_reach(taper), 4, limits))
                <= limits.max_binding_bytes
            && temporary <= limits.temporary_bytes()
            && lines.saturating_mul(inner as u64) <= u64::from(u32::MAX / 2)
    };
    let cost_of = |part: &Part| part.iter().map(|(_, size)| *size as f64).product::<f64>() * recipe.cost();
    let fits = |part: &Part| {
        let single = part.iter().all(|(_, size)| *size == 1);
        fits_memory(part) && (single || cost_of(part) <= limits.max_pass_cost * steps.len() as f64)
    };
    let parts = parts(&batch, fits).ok_or_else(|| {
        unsupported(format!(
            "a single line of {} points, done as one of {inner}, needs more than the {} bytes that {} binds at once; \
             lengths without prime factors above 13 need half as much as others, and the CPU takes longer ones",
            transform.length, limits.max_binding_bytes, limits.adapter
        ))
    })?;
    let most_lines = parts.iter().map(|p| p.iter().map(|(_, size)| *size as u64).product::<u64>()).max().unwrap_or(1);
    let scratch = scratch(program, transform, steps.len(), (most_lines, line_bytes), parts.len() == 1);
    for part in &parts {
        let cost = cost_of(part) / steps.len() as f64;
        for (number, step) in steps.iter().enumerate() {
            let from = number.checked_sub(1).and_then(|n| scratch.get(n % 2)).copied();
            let to = scratch.get(number % 2).copied();
            append_pass(program, transform, &recipe, step, (&batch, part), (from, to), cost, (limits, choices))?;
        }
    }
    Ok(())
}

/// The buffers that passes leave their numbers in by turns, the last one apart. A result that is all of the output is one of them
/// where it has room, so that less memory goes through the caches; `at_once`: no other part of the box writes there.
fn scratch(
    program: &mut Program,
    transform: &AxisTransform,
    passes: usize,
    (lines, line_bytes): (u64, u64),
    at_once: bool,
) -> Vec<BufferId> {
    let own = at_once && transform.result.buffer == BufferId::Output && transform.source.buffer != BufferId::Output;
    let all = lines * transform.result.length as u64 * transform.result_bytes() == program.output_bytes;
    if passes > 2 && own && all && lines * line_bytes <= program.output_bytes {
        let mut buffers = program.shared(1, lines * line_bytes);
        // The last pass but one leaves the output to the last.
        buffers.insert((passes - 1) % 2, BufferId::Output);
        return buffers;
    }
    program.shared((passes - 1).min(2), lines * line_bytes)
}

impl AxisTransform {
    /// Whether each complex number that is transformed can stand for two real ones.
    fn is_packed(&self) -> bool {
        let even = self.length.is_multiple_of(2);
        match self.number {
            SourceKind::Half => even && self.real_result,
            SourceKind::Real => {
                even && !self.real_result && self.result_start + self.result.length <= self.length / 2 + 1
            }
            SourceKind::Complex => false,
        }
    }

    /// Whether one shader serves all passes: the first and the last have nothing more to do than the others.
    pub(super) fn shares_a_shader(&self, recipe: &FftRecipe) -> bool {
        let whole = self.source.length >= self.length && self.result.length == self.length && self.result_start == 0;
        let plain = self.number == SourceKind::Complex && !self.real_result && !self.halves && !self.conjugate;
        let alone = self.taper.is_none() && self.product.is_none() && self.columns.is_none();
        whole && plain && alone && !self.inverse && recipe.is_equal_butterflies()
    }

    /// How the transform is done, and whether of half as many complex numbers, each of which stands for two real ones.
    fn recipe(&self, limits: &Limits, choices: &FftChoices) -> Option<(FftRecipe, bool)> {
        let half = self.length / 2;
        match self.is_packed().then(|| FftRecipe::new(half, limits, choices)).flatten() {
            Some(recipe) => Some((recipe, true)),
            None => Some((FftRecipe::new(self.length, limits, choices)?, false)),
        }
    }

    pub(super) fn source_bytes(&self) -> u64 {
        Stored { complex: self.number != SourceKind::Real, halves: self.halves }.bytes()
    }

    pub(super) fn result_bytes(&self) -> u64 {
        if self.real_result { 4 } else { 8 }
    }

    fn source_reach(&self, batch: &[Batch], part: &Part) -> (i64, i64) {
        let side = &self.source;
        let along = batch.iter().zip(part).map(|(axis, (_, size))| (axis.source, *size));
        reach(first(side.offset, batch, part, |b| b.source), along.chain([(side.stride, side.length)]))
    }

    fn result_reach(&self, batch: &[Batch], part: &Part) -> (i64, i64) {
        let side = &self.result;
        let along = batch.iter().zip(part).map(|(axis, (_, size))| (axis.result, *size));
        reach(first(side.offset, batch, part, |b| b.result), along.chain([(side.stride, side.length)]))
    }

    fn taper_reach(&self, taper: Taper) -> (i64, i64) {
        reach(taper.offset, [(1, self.source.length)])
    }

    fn product_reach(&self, batch: &[Batch], part: &Part) -> (i64, i64) {
        let Some(product) = self.product else { return (0, 0) };
        let along = batch.iter().zip(part).map(|(axis, (_, size))| (axis.product, *size));
        reach(first(product.offset, batch, part, |b| b.product), along.chain([(product.stride, self.result.length)]))
    }
}

/// The element at which a part of the box begins.
pub(crate) fn first(offset: i64, batch: &[Batch], part: &Part, distance: impl Fn(&Batch) -> i64) -> i64 {
    batch.iter().zip(part).fold(offset, |at, (axis, (first, _))| at + distance(axis) * *first as i64)
}

#[allow(clippy::too_many_arguments)]
fn append_pass(
    program: &mut Program,
    transform: &AxisTransform,
    recipe: &FftRecipe,
    step: &Step<'_>,
    (batch, part): (&[Batch], &Part),
    (from, to): (Option<BufferId>, Option<BufferId>),
    cost: f64,
    (limits, choices): (&Limits, &FftChoices),
) -> Result<()> {
    let passes = recipe.passes();
    let (inner, between) = (recipe.inner_length(), recipe.line_length());
    let lengths: Vec<usize> = passes.iter().map(|p| p.length).collect();
    // To put half a spectrum together is a pass over lines of one entry, as many as there are coefficients.
    let (before, rest) = match step.position {
        Some(position) => (&lengths[..position], lengths[position + 1..].iter().product()),
        None => (&[][..], recipe.length + 1),
    };
    let done: usize = before.iter().product();
    let lines = part.iter().map(|(_, size)| *size as u64).product::<u64>() * (done * rest) as u64;
    let (source, source_bytes) = match from {
        Some(buffer) if !step.first => (Side { buffer, offset: 0, stride: 1, length: between }, COMPLEX_BYTES as u64),
        _ => (transform.source, transform.source_bytes()),
    };
    let (result, result_bytes) = match to {
        Some(buffer) if !step.last => (Side { buffer, offset: 0, stride: 1, length: between }, COMPLEX_BYTES as u64),
        _ => (transform.result, transform.result_bytes()),
    };
    let scratch_lines = part.iter().map(|(_, size)| *size).product::<usize>();
    let scratch_reach = (0, (scratch_lines * between) as i64 - 1);
    let source_reach = if step.first { transform.source_reach(batch, part) } else { scratch_reach };
    let result_reach = if step.last { transform.result_reach(batch, part) } else { scratch_reach };
    // An empty source is all zeros, but a binding needs something to see.
    let (source_window, source_start) = if source.length == 0 {
        (program_filler(program), 0)
    } else {
        window(source.buffer, source_reach, source_bytes, limits)
    };
    let (result_window, result_start) = window(result.buffer, result_reach, result_bytes, limits);

    let source_step = if step.position.is_some() { rest } else { 1 };
    let result_step = if step.in_place { rest } else { done };
    let mut dimensions = Vec::new();
    let mut scratch_distance = (scratch_lines * between) as i64;
    for (axis, (_, size)) in batch.iter().zip(part) {
        scratch_distance /= *size as i64;
        let source = if step.first { axis.source } else { scratch_distance };
        let result = if step.last { axis.result } else { scratch_distance };
        let (source, result) = ((source, 0), (result, 0));
        let rotation = u32::from(step.pass.columns.is_some());
        dimensions.push(Dimension { size: *size, source, result, rotation, product: axis.product });
    }
    if step.in_place {
        let apart = (0, (inner / done) as i64);
        dimensions.push(Dimension { size: done, source: apart, result: apart, ..Dimension::default() });
    } else {
        // The first digit of a coefficient is the last of its place: neighbours of the result are done together.
        let (mut outer, mut weight) = (inner / done, done);
        for &length in before.iter().rev() {
            weight /= length;
            let (source, result) = ((0, outer as i64), (0, weight as i64));
            dimensions.push(Dimension { size: length, source, result, ..Dimension::default() });
            outer *= length;
        }
    }
    // All passes take their roots of unity from the table of the first.
    let rotation = done as u32;
    dimensions.push(Dimension { size: rest, source: (0, 1), result: (0, 1), rotation, product: 0 });
    dimensions.retain(|dimension| dimension.size != 1);
    // As many in all passes where one shader serves them.
    let shared = transform.shares_a_shader(recipe);
    let least = if shared { part.iter().filter(|(_, size)| *size != 1).count() + passes.len() - 1 } else { 1 };
    let missing = least.saturating_sub(dimensions.len());
    dimensions.splice(0..0, iter::repeat_n(Dimension { size: 1, ..Dimension::default() }, missing));

    // Where lines are split or an axis is not the innermost, neighbours in memory belong to different lines.
    let apart = source_step as i64 * source.stride.abs() > 1 || result_step as i64 * result.stride.abs() > 1;
    let across = apart || choices.across_lines;
    let side_by_side = step.pass.shape.side_by_side(lines, limits, choices);
    let pass = LinePass {
        shape: if across { &side_by_side } else { step.pass.shape },
        dense_source: source_step == 1 && source.stride == 1 && !shared,
        dense_result: result_step == 1 && result.stride == 1 && !shared,
        dimensions: dimensions.len(),
        neighbours_are_lines: across,
        ..step.pass.clone()
    };
    let (shader, table) = pass.build(transform.length, program);
    let mut windows = vec![source_window, result_window];
    if let Some((buffer, bytes)) = table {
        if bytes > limits.max_binding_bytes {
            return Err(Error::Unsupported {
                op: program.op,
                message: format!(
                    "a transform of {} points needs a table of {bytes} bytes, but {} binds {} at once",
                    transform.length, limits.adapter, limits.max_binding_bytes
                ),
            });
        }
        windows.push(crate::plan::Window { buffer, offset: 0, bytes });
    }
    let mut product_at = (0, 0);
    if let Some(product) = transform.product.filter(|_| step.last) {
        let (seen, start) = window(product.buffer, transform.product_reach(batch, part), 8, limits);
        windows.push(seen);
        product_at = (first(product.offset, batch, part, |b| b.product) - start, product.stride);
    }
    let mut taper_at = 0;
    if let Some(taper) = transform.taper.filter(|_| step.first) {
        let (seen, start) = window(taper.buffer, transform.taper_reach(taper), 4, limits);
        windows.push(seen);
        taper_at = taper.offset - start;
    }
    let source_at = if step.first { first(source.offset, batch, part, |b| b.source) } else { 0 } - source_start;
    let result_at = if step.last { first(result.offset, batch, part, |b| b.result) } else { 0 } - result_start;
    let (grid, width) = limits.fold(pass.shape.groups(lines));
    let columns = transform.columns.filter(|_| step.last);
    let start = if step.last { transform.result_start } else { 0 };
    let given = if step.last { transform.length.saturating_sub(start) } else { between };
    let parameters = LineParameters {
        lines,
        width,
        source: Along { at: source_at, step: source_step, stride: source.stride, length: source.length },
        source_start: 0,
        result: Along { at: result_at, step: result_step, stride: result.stride, length: result.length.min(given) },
        result_start: start,
        product: product_at,
        axis_length: transform.length,
        scale: if step.last { transform.scale } else { 1.0 },
        points: recipe.length,
        taper_at,
        pairing: Pairing::default(),
        rotation: columns.map_or(0, |columns| columns.first + part.last().map_or(0, |(first, _)| *first)),
    };
    program.passes.push(Pass { shader, windows, parameters: parameters.bytes(&dimensions), grid, cost });
    Ok(())
}

fn program_filler(program: &mut Program) -> crate::plan::Window {
    let buffer = program.constant("zeros", || vec![0; 16]);
    crate::plan::Window { buffer, offset: 0, bytes: 16 }
}
