//! Which columns a row meets, as segments without gaps.

use std::ops::Range;

use super::super::view::View;
use super::input::{Batch, BiasView, Inputs};
use crate::work::{PairMask, ReduceWork};

/// Neighbouring columns that a row meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The mask of one member of the batch.
pub(super) struct Mask<'a> {
    mask: &'a PairMask,
    bias: Option<BiasView<'a>>,
    n: usize,
    m: usize,
}

impl<'a> Mask<'a> {
    pub(super) fn of(work: &'a ReduceWork, inputs: &Inputs<'_>, batch: &Batch<'a>) -> Self {
        Self { mask: &work.mask, bias: batch.bias, n: inputs.n, m: inputs.m }
    }

    /// The segments of row `i` within `columns`, into `out`.
    pub(super) fn segments(&self, i: usize, columns: Range<usize>, out: &mut Vec<Segment>) {
        out.clear();
        let columns = self.reach(i, columns);
        if columns.is_empty() {
            return;
        }
        let Some(blocks) = &self.mask.blocks else { return self.without_self(i, columns, out) };
        let block = blocks.rows.partition_point(|rows| rows.end <= i);
        let ranges = match (blocks.rows.get(block), blocks.columns.get(block)) {
            (Some(rows), Some(ranges)) if rows.contains(&i) => ranges,
            _ => return,
        };
        for range in &ranges[ranges.partition_point(|range| range.end <= columns.start)..] {
            if range.start >= columns.end {
                break;
            }
            self.without_self(i, range.start.max(columns.start)..range.end.min(columns.end), out);
        }
    }

    /// What the triangle and the window leave of `columns`.
    fn reach(&self, i: usize, columns: Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (columns.start, columns.end);
        // The last row that i reaches, plus one, may be at or below 0.
        let reached = (i + self.m + 1).checked_sub(self.n);
        if self.mask.causal {
            end = end.min(reached.unwrap_or(0));
        }
        if let Some(window) = self.mask.window {
            start = start.max(reached.unwrap_or(0).saturating_sub(window as usize));
        }
        start..end.max(start)
    }

    fn without_self(&self, i: usize, columns: Range<usize>, out: &mut Vec<Segment>) {
        if self.mask.exclude_self && columns.contains(&i) {
            self.without_bias(i, columns.start..i, out);
            self.without_bias(i, i + 1..columns.end, out);
        } else {
            self.without_bias(i, columns, out);
        }
    }

    fn without_bias(&self, i: usize, columns: Range<usize>, out: &mut Vec<Segment>) {
        match self.bias {
            None => push(columns, out),
            Some(BiasView::Additive(bias)) => runs(bias, i, columns, |value| value != f32::NEG_INFINITY, out),
            Some(BiasView::Boolean(bias)) => runs(bias, i, columns, |value| value != 0, out),
        }
    }

    /// Adds the bias, where it is one, to the values of row `i` from column `start` on.
    pub(super) fn add_bias(&self, i: usize, start: usize, values: &mut [f32]) {
        if let Some(BiasView::Additive(bias)) = self.bias {
            for (j, value) in values.iter_mut().enumerate() {
                *value += entry(bias, i, start + j).unwrap_or(0.0);
            }
        }
    }
}

fn entry<T: Copy>(view: View<'_, T>, i: usize, j: usize) -> Option<T> {
    let at = i * view.strides.first()? + j * view.strides.get(1)?;
    view.entries.get(at).copied()
}

/// The runs of columns whose entry lets the pair meet.
fn runs<T: Copy>(bias: View<'_, T>, i: usize, columns: Range<usize>, meets: fn(T) -> bool, out: &mut Vec<Segment>) {
    let mut begun = None;
    for j in columns.clone() {
        let meets = entry(bias, i, j).is_some_and(meets);
        match (begun, meets) {
            (None, true) => begun = Some(j),
            (Some(start), false) => {
                push(start..j, out);
                begun = None;
            }
            _ => {}
        }
    }
    if let Some(start) = begun {
        push(start..columns.end, out);
    }
}

fn push(columns: Range<usize>, out: &mut Vec<Segment>) {
    if !columns.is_empty() {
        out.push(Segment { start: columns.start, end: columns.end });
    }
}
