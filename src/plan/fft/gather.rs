//! Lines that reach further than one binding sees: groups of them are copied next to one another, transformed there, and
//! copied to where they belong.

use super::FftChoices;
use super::append::{AxisTransform, Columns, Side, append_axis, first};
use super::geometry::{Batch, Part, parts, reach, window_bytes};
use crate::error::Result;
use crate::plan::{BufferId, Limits, Program, copy};
use crate::work::Layout;

/// How many lines are gathered at a time, where a line of the source or of the result reaches too far to be bound and
/// would fit if its entries were neighbours.
pub(super) fn lines_at_once(transform: &AxisTransform, limits: &Limits) -> Option<u64> {
    let most = limits.temporary_bytes();
    let bytes =
        |side: &Side, element: u64, stride: i64| window_bytes(reach(0, [(stride, side.length)]), element, limits);
    let sides = [(&transform.source, transform.source_bytes()), (&transform.result, transform.result_bytes())];
    let far = sides.iter().any(|(side, element)| bytes(side, *element, side.stride) > limits.max_binding_bytes);
    let longest = sides.iter().map(|(side, element)| bytes(side, *element, 1)).max().unwrap_or(0);
    (far && longest <= most).then(|| (most - limits.offset_alignment.min(most)) / longest.max(1)).map(|n| n.max(1))
}

/// Records a transform without a product, at most `lines` lines at a time; `ends`: scratch for what goes in and comes out.
pub(super) fn record(
    program: &mut Program,
    transform: &AxisTransform,
    lines: u64,
    ends: &mut Vec<BufferId>,
    limits: &Limits,
    choices: &FftChoices,
) -> Result<()> {
    let batch = &transform.batch;
    if batch.iter().any(|axis| axis.size == 0) || transform.result.length == 0 {
        return Ok(());
    }
    let count = |part: &Part| part.iter().map(|(_, size)| *size as u64).product::<u64>();
    let cut = parts(batch, |part| count(part) <= lines).unwrap_or_default();
    let most = cut.iter().map(count).max().unwrap_or(1);
    let sides = [(&transform.source, transform.source_bytes()), (&transform.result, transform.result_bytes())];
    let bytes = sides.map(|(side, bytes)| most * side.length as u64 * bytes).into_iter().max().unwrap_or(0).max(16);
    let ends = program.reserve(ends, 2, bytes);
    let (from, to) = (ends[0], ends[1]);
    for part in &cut {
        let view = |side: &Side, distance: fn(&Batch) -> i64| Layout {
            shape: part.iter().map(|(_, size)| *size).chain([side.length]).collect(),
            strides: batch.iter().map(|axis| distance(axis) as usize).chain([side.stride as usize]).collect(),
            offset: first(side.offset, batch, part, distance) as usize,
        };
        let source = view(&transform.source, |axis| axis.source);
        let result = view(&transform.result, |axis| axis.result);
        if transform.source.length > 0 {
            let bytes = transform.source_bytes() as usize;
            copy::record(&source, bytes, transform.source.buffer, from, limits, program)?;
        }
        let next = |buffer: BufferId, side: &Side| Side { buffer, offset: 0, stride: 1, length: side.length };
        let lines = Batch {
            size: count(part) as usize,
            source: transform.source.length as i64,
            result: transform.result.length as i64,
            product: 0,
        };
        let gathered = AxisTransform {
            source: next(from, &transform.source),
            result: next(to, &transform.result),
            batch: vec![lines],
            columns: transform.columns.map(|columns| Columns {
                first: columns.first + part.last().map_or(0, |(first, _)| *first),
                ..columns
            }),
            ..transform.clone()
        };
        append_axis(program, &gathered, limits, choices)?;
        let dense = Layout::contiguous(&result.shape);
        let bytes = transform.result_bytes() as usize;
        copy::record_between((to, &dense), (transform.result.buffer, &result), bytes, limits, program)?;
    }
    Ok(())
}
