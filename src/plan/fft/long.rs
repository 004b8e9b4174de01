//! Transforms of lines that no binding holds: as columns and rows of a matrix, gathered a few at a time (the four steps of
//! D. Bailey, *FFTs in external or hierarchical memory*, 1990).

use super::FftChoices;
use super::append::{AxisTransform, Columns, Side, SourceKind, first};
use super::factors::{divisors, is_smooth};
use super::gather;
use super::geometry::{Batch, Part, window_bytes};
use super::recipe::COMPLEX_BYTES;
use crate::error::Result;
use crate::plan::{Limits, Program};

/// Rows and columns of the matrix, where a line is too long for a binding and can be split so that theirs are not.
pub(super) fn split(transform: &AxisTransform, limits: &Limits) -> Option<[usize; 2]> {
    let n = transform.length;
    let held =
        |length: usize| window_bytes((0, length as i64 - 1), COMPLEX_BYTES as u64, limits) <= limits.max_binding_bytes;
    let whole = transform.source.length == n && transform.result.length == n && transform.result_start == 0;
    let plain = transform.number == SourceKind::Complex && !transform.real_result && transform.taper.is_none();
    if held(n) || !whole || !plain || !is_smooth(n) || u32::try_from(n).is_err() {
        return None;
    }
    let rows = divisors(n, n.isqrt()).pop()?;
    held(n / rows).then_some([rows, n / rows])
}

/// Records the transforms of all lines, one after another.
pub(super) fn record(
    program: &mut Program,
    transform: &AxisTransform,
    [rows, columns]: [usize; 2],
    limits: &Limits,
    choices: &FftChoices,
) -> Result<()> {
    let whole = transform.length;
    let between = program.temporary((whole * COMPLEX_BYTES) as u64);
    let longest = (rows.max(columns) * COMPLEX_BYTES) as u64;
    let at_once = ((limits.temporary_bytes() - limits.offset_alignment) / longest).max(1);
    let mut ends = Vec::new();
    let lines: usize = transform.batch.iter().map(|axis| axis.size).product();
    for line in 0..lines {
        let part = place(&transform.batch, line);
        let (source, result) = (transform.source, transform.result);
        let from = first(source.offset, &transform.batch, &part, |axis| axis.source);
        let to = first(result.offset, &transform.batch, &part, |axis| axis.result);
        let far = source.stride * columns as i64;
        let down = AxisTransform {
            length: rows,
            scale: 1.0,
            source: Side { offset: from, stride: far, length: rows, ..source },
            result: Side { buffer: between, offset: 0, stride: columns as i64, length: rows },
            columns: Some(Columns { whole, first: 0 }),
            batch: vec![Batch { size: columns, source: source.stride, result: 1, product: 0 }],
            ..transform.clone()
        };
        let far = result.stride * rows as i64;
        let along = AxisTransform {
            length: columns,
            halves: false,
            source: Side { buffer: between, offset: 0, stride: 1, length: columns },
            result: Side { offset: to, stride: far, length: columns, ..result },
            batch: vec![Batch { size: rows, source: columns as i64, result: result.stride, product: 0 }],
            ..transform.clone()
        };
        gather::record(program, &down, at_once, &mut ends, limits, choices)?;
        gather::record(program, &along, at_once, &mut ends, limits, choices)?;
    }
    Ok(())
}

/// Line number `line` of the box.
fn place(batch: &[Batch], line: usize) -> Part {
    let mut rest = line;
    let mut part: Part = batch
        .iter()
        .rev()
        .map(|axis| {
            let at = rest % axis.size;
            rest /= axis.size;
            (at, 1)
        })
        .collect();
    part.reverse();
    part
}
