//! Strided copies.

use bytemuck::Pod;
use rayon::prelude::*;

use super::memory::Memory;
use super::view::View;
use crate::error::{Error, Result};
use crate::work::Operand;

/// Entries along each side of the squares in which a transposing copy goes, so that both sides stay in cache lines.
const SQUARE: usize = 16;

/// Entries from which on a copy is worth several threads.
const PARALLEL_FROM: usize = 1 << 17;

/// [`crate::work::Work::Copy`].
pub(super) fn run(op: &'static str, operand: &Operand) -> Result<Memory> {
    match operand.element_bytes {
        2 => copied::<u16>(op, operand),
        4 => copied::<u32>(op, operand),
        8 => copied::<[u32; 2]>(op, operand),
        0 => Err(Error::argument(op, "input", "has entries of 0 bytes")),
        bytes => {
            let view = View::<u8>::of_parts(op, operand, bytes)?;
            let shape: Vec<usize> = view.shape.iter().copied().chain([bytes]).collect();
            let strides: Vec<usize> = view.strides.iter().map(|s| s * bytes).chain([1]).collect();
            let view = View { entries: view.entries, shape: &shape, strides: &strides };
            let mut out = Memory::anything(op, view.len())?;
            copy(&view, out.entries_mut());
            Ok(out)
        }
    }
}

fn copied<T: Pod + Send + Sync>(op: &'static str, operand: &Operand) -> Result<Memory> {
    let view = View::<T>::of(op, operand)?;
    let mut out = Memory::for_entries::<T>(op, view.len())?;
    let out_entries = out.entries_mut::<T>();
    let first = view.shape.first().copied().unwrap_or(1);
    if view.len() < PARALLEL_FROM || first < 2 {
        copy(&view, out_entries);
        return Ok(out);
    }
    let row = view.len() / first;
    let rows = (PARALLEL_FROM / 4).div_ceil(row).next_multiple_of(SQUARE);
    out_entries.par_chunks_mut(rows * row).enumerate().for_each(|(block, out)| {
        let mut shape = view.shape.to_vec();
        shape[0] = out.len() / row;
        let entries = &view.entries[block * rows * view.strides[0]..];
        copy(&View { entries, shape: &shape, strides: view.strides }, out);
    });
    Ok(out)
}

/// Copies a view row-major into `out`, which has its length.
pub(super) fn copy<T: Pod>(view: &View<'_, T>, out: &mut [T]) {
    if let Some(entries) = view.contiguous() {
        out.copy_from_slice(entries);
        return;
    }
    match (view.shape, view.strides) {
        ([], _) | (_, []) => {}
        (_, &[0]) => out.fill(view.entries[0]),
        (_, &[stride]) => {
            for (to, from) in out.iter_mut().zip(view.entries.iter().step_by(stride)) {
                *to = *from;
            }
        }
        (&[n, m], &[row, column]) if column > 1 => {
            for i in (0..n).step_by(SQUARE) {
                for j in (0..m).step_by(SQUARE) {
                    for i in i..n.min(i + SQUARE) {
                        for j in j..m.min(j + SQUARE) {
                            out[i * m + j] = view.entries[i * row + j * column];
                        }
                    }
                }
            }
        }
        ([n, shape @ ..], [stride, strides @ ..]) => {
            let len = out.len() / n;
            for (i, out) in out.chunks_exact_mut(len).enumerate() {
                copy(&View { entries: &view.entries[i * stride..], shape, strides }, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_read_in_order() {
        let entries: Vec<u32> = (0..1000).collect();
        let cases: [(&[usize], &[usize]); 7] = [
            (&[3, 4], &[4, 1]),
            (&[37, 21], &[1, 40]),
            (&[5], &[7]),
            (&[5], &[0]),
            (&[2, 3, 4], &[1, 100, 5]),
            (&[4, 0, 3], &[1, 1, 1]),
            (&[], &[]),
        ];
        for (shape, strides) in cases {
            let view = View { entries: &entries, shape, strides };
            let mut out = vec![0; view.len()];
            copy(&view, &mut out);
            for (flat, &got) in out.iter().enumerate() {
                let mut rest = flat;
                let mut at = 0;
                for (n, stride) in shape.iter().zip(strides).rev() {
                    at += rest % n * stride;
                    rest /= n;
                }
                assert_eq!(got, at as u32, "{shape:?} {strides:?}");
            }
        }
    }
}
