//! Where the lines of a transform lie, and how many of them one pass may take.

use crate::plan::{BufferId, Limits, Window};

/// One axis of the box of lines, with its distances in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    /// How many lines lie along it.
    pub(crate) size: usize,
    /// Distance in the source.
    pub(crate) source: i64,
    /// Distance in the result.
    pub(crate) result: i64,
    /// Distance in the product's other factor.
    pub(crate) product: i64,
}

/// Drops axes of one line and joins neighbours that are evenly spaced.
pub(super) fn collapse(batch: &[Batch]) -> Vec<Batch> {
    let mut joined: Vec<Batch> = Vec::new();
    for &axis in batch.iter().filter(|axis| axis.size != 1) {
        let n = axis.size as i64;
        match joined.last_mut() {
            Some(outer)
                if outer.source == axis.source * n
                    && outer.result == axis.result * n
                    && outer.product == axis.product * n =>
            {
                *outer = Batch { size: outer.size.saturating_mul(axis.size), ..axis };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

/// A part of the box: first coordinate and size along each axis.
pub(crate) type Part = Vec<(usize, usize)>;

/// Cuts the box until every part fits; `None` where a single line does not.
pub(crate) fn parts(batch: &[Batch], fits: impl Fn(&Part) -> bool) -> Option<Vec<Part>> {
    let mut waiting = vec![batch.iter().map(|axis| (0, axis.size)).collect::<Part>()];
    let mut done = Vec::new();
    while let Some(part) = waiting.pop() {
        if fits(&part) {
            done.push(part);
            continue;
        }
        // The axis along which the part reaches furthest.
        let (axis, _) = part.iter().enumerate().filter(|(_, (_, size))| *size > 1).max_by_key(|(i, (_, size))| {
            let distance = batch[*i].source.unsigned_abs().max(batch[*i].result.unsigned_abs());
            distance.saturating_mul(*size as u64)
        })?;
        let (first, size) = part[axis];
        let lower = size.div_ceil(2);
        let mut upper_part = part.clone();
        upper_part[axis] = (first + lower, size - lower);
        let mut lower_part = part;
        lower_part[axis] = (first, lower);
        waiting.push(upper_part);
        waiting.push(lower_part);
    }
    Some(done)
}

/// The lowest and the highest element that offset and (distance, size) pairs reach.
pub(crate) fn reach(offset: i64, axes: impl IntoIterator<Item = (i64, usize)>) -> (i64, i64) {
    axes.into_iter().fold((offset, offset), |(low, high), (distance, size)| {
        let far = distance.saturating_mul(size.saturating_sub(1) as i64);
        (low.saturating_add(far.min(0)), high.saturating_add(far.max(0)))
    })
}

/// A window that sees the elements `low..=high`, and the number of the element at its start.
pub(crate) fn window(buffer: BufferId, (low, high): (i64, i64), element_bytes: u64, limits: &Limits) -> (Window, i64) {
    let low_bytes = low.max(0) as u64 * element_bytes;
    let start = low_bytes - low_bytes % limits.offset_alignment.max(1);
    // Bindings are whole words, and so are buffers: one with an odd number of halves has one more.
    let end = ((high.max(0) as u64 + 1) * element_bytes).next_multiple_of(4);
    (Window { buffer, offset: start, bytes: end - start }, (start / element_bytes) as i64)
}

/// Bytes that [`window`] would see at most.
pub(crate) fn window_bytes((low, high): (i64, i64), element_bytes: u64, limits: &Limits) -> u64 {
    (high.saturating_sub(low).max(0) as u64 + 1).saturating_mul(element_bytes).saturating_add(limits.offset_alignment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used)]
    fn parts_cover_the_box_once() {
        let batch = [
            Batch { size: 5, source: 60, result: 60, product: 0 },
            Batch { size: 12, source: 1, result: 1, product: 0 },
        ];
        let cut = parts(&batch, |part| part.iter().map(|(_, size)| size).product::<usize>() <= 7).unwrap();
        let mut seen = vec![0; 60];
        for part in &cut {
            for a in part[0].0..part[0].0 + part[0].1 {
                for b in part[1].0..part[1].0 + part[1].1 {
                    seen[a * 12 + b] += 1;
                }
            }
        }
        assert!(seen.iter().all(|&times| times == 1));
        assert!(parts(&batch, |_| false).is_none());
    }

    #[test]
    fn evenly_spaced_axes_join() {
        let batch = [
            Batch { size: 3, source: 40, result: 40, product: 0 },
            Batch { size: 1, source: 7, result: 9, product: 1 },
            Batch { size: 4, source: 10, result: 10, product: 0 },
        ];
        assert_eq!(collapse(&batch), [Batch { size: 12, source: 10, result: 10, product: 0 }]);
    }
}
