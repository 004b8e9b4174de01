//! Cutting work into pieces that keep a device's limits.

use std::ops::Range;

use super::{BufferId, Limits, Window};

/// A box of indices, one range per axis.
pub(super) type Region<const N: usize> = [Range<u64>; N];

/// Cuts `region` until `excess` names no axis along which a piece is too large. Pieces come in order; cuts keep to
/// multiples of `grain` while an axis is longer than that.
///
/// `None` where a piece of length 1 is still too large.
pub(super) fn pieces<const N: usize>(
    region: Region<N>,
    grain: [u64; N],
    excess: impl Fn(&Region<N>) -> Option<usize>,
) -> Option<Vec<Region<N>>> {
    let mut done = Vec::new();
    let mut open = vec![region];
    while let Some(piece) = open.pop() {
        let Some(axis) = excess(&piece) else {
            done.push(piece);
            continue;
        };
        let range = piece.get(axis)?.clone();
        let length = range.end - range.start;
        if length < 2 {
            return None;
        }
        let grain = (*grain.get(axis)?).max(1);
        let step = if length > grain { (length / 2).div_ceil(grain) * grain } else { length / 2 };
        let (mut first, mut second) = (piece.clone(), piece);
        *first.get_mut(axis)? = range.start..range.start + step;
        *second.get_mut(axis)? = range.start + step..range.end;
        open.push(second);
        open.push(first);
    }
    Some(done)
}

/// Number of indices in a range.
pub(super) fn length(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// One past the furthest entry of a box, counted from its first: `1 + Σ (length − 1) · stride`.
pub(super) fn extent<const N: usize>(region: &Region<N>, strides: [u64; N]) -> u64 {
    1 + region.iter().zip(strides).map(|(range, stride)| (length(range) - 1).saturating_mul(stride)).sum::<u64>()
}

/// The axis along which a box reaches furthest.
pub(super) fn longest<const N: usize>(region: &Region<N>, strides: [u64; N]) -> Option<usize> {
    let reach = |axis: &usize| {
        let range = &region[*axis];
        (length(range) - 1).saturating_mul(strides[*axis])
    };
    (0..N).max_by_key(reach)
}

/// Bytes of the words that buffers and bindings are made of.
const WORD_BYTES: u64 = 4;

/// Where windows may start.
fn alignment(limits: &Limits) -> u64 {
    limits.offset_alignment.max(WORD_BYTES)
}

/// A window on `elements` elements from number `first` on, and how many elements lie before them in it.
pub(super) fn window(
    buffer: BufferId,
    element_bytes: u64,
    first: u64,
    elements: u64,
    limits: &Limits,
) -> (Window, u32) {
    let start = first * element_bytes;
    let offset = start - start % alignment(limits);
    let before = (start - offset) / element_bytes;
    // Bindings are whole words, and so are buffers: one with an odd number of halves has one more.
    let bytes = ((before + elements) * element_bytes).next_multiple_of(WORD_BYTES);
    (Window { buffer, offset, bytes }, before as u32)
}

/// Bytes of such a window in the worst case.
pub(super) fn window_bytes(element_bytes: u64, elements: u64, limits: &Limits) -> u64 {
    elements.saturating_mul(element_bytes).saturating_add(alignment(limits))
}

/// Length and stride of each axis that is longer than 1, neighbours joined where they follow each other in memory.
pub(super) fn collapsed(shape: &[usize], strides: &[usize]) -> Vec<(u64, u64)> {
    let mut axes: Vec<(u64, u64)> = Vec::new();
    for (&n, &stride) in shape.iter().zip(strides) {
        let (n, stride) = (n as u64, stride as u64);
        match axes.last_mut() {
            _ if n == 1 => {}
            Some(last) if last.1 == stride * n => *last = (last.0 * n, stride),
            _ => axes.push((n, stride)),
        }
    }
    axes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_region_once_and_in_order() {
        let too_long = |r: &Region<2>| (0..2).find(|axis| length(&r[*axis]) > 3);
        let cut = pieces([0..10, 5..9], [4, 1], too_long).unwrap();
        let mut seen: Vec<(u64, u64)> =
            cut.iter().flat_map(|r| r[0].clone().flat_map(|i| r[1].clone().map(move |j| (i, j)))).collect();
        assert!(cut.windows(2).all(|pair| (pair[0][0].start, pair[0][1].start) < (pair[1][0].start, pair[1][1].start)));
        seen.sort_unstable();
        let all: Vec<(u64, u64)> = (0..10).flat_map(|i| (5..9).map(move |j| (i, j))).collect();
        assert_eq!(seen, all);
        assert!(pieces([0..1], [1], |_: &Region<1>| Some(0)).is_none());
    }

    #[test]
    fn windows_start_aligned() {
        let limits = Limits::webgpu_defaults();
        let (window, before) = window(BufferId::Output, 4, 65, 10, &limits);
        assert_eq!((window.offset, window.bytes, before), (256, 44, 1));
    }

    #[test]
    fn windows_on_halves_are_whole_words_within_their_bytes() {
        let limits = Limits::webgpu_defaults();
        for first in [0, 1, 127, 128, 129, 255, 1001] {
            for elements in 1..9 {
                let (window, before) = window(BufferId::Output, 2, first, elements, &limits);
                assert!(window.offset % 256 == 0 && window.bytes % 4 == 0);
                assert_eq!(window.offset / 2 + u64::from(before), first);
                assert!(window.bytes <= window_bytes(2, elements, &limits));
                assert!(window.offset + window.bytes <= ((first + elements) * 2).next_multiple_of(4));
            }
        }
    }
}
