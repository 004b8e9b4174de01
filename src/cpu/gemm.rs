//! `alpha · A · B + beta · C` through the `gemm` crate.
//!
//! # Accuracy
//! `gemm` adds up to 512 products and more one after another. The product is therefore asked for in slices along k, each
//! of which is added to what is there: `|Ĉ − C| ≤ (s + ⌈k/s⌉ + 2) u |A||B|`, s being the slice. s is [`BLOCK`] = 64 up to
//! [`SMALL`] results, where that costs nothing; above it is [`LARGE_BLOCK`] = 512, because slices of 64 took a quarter
//! to three quarters more time than one call at 1024 × 1024 × 1024. Rounding errors add up like √s rather than s, so that the
//! bound for s = 64 holds in practice there too, but it is not proven. Matrix times vector, where the crate would add
//! all k products one after another, has a loop of its own with s = 64.

use bytemuck::Zeroable;
use gemm::Parallelism;
use rayon::prelude::*;

use super::memory::Memory;
use super::numbers::Numbers;
use super::view::View;
use crate::error::{Error, Result};
use crate::work::{GemmWork, Operand};

/// Products that are added one after another.
const BLOCK: usize = 64;

/// Products of a larger matrix that are added one after another.
const LARGE_BLOCK: usize = 512;

/// Results up to which slices of [`BLOCK`] cost nothing: the result stays in the second-level cache.
const SMALL: usize = 1 << 16;

/// Multiplications from which on a product is worth several threads.
const PARALLEL_FROM: usize = 1 << 16;

const OP: &str = "gemm";

/// A matrix inside its batch: the entries from its first on, and its strides.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    entries: &'a [f32],
    row: usize,
    column: usize,
}

impl Matrix<'_> {
    fn at(&self, i: usize, j: usize) -> f32 {
        self.entries.get(i * self.row + j * self.column).copied().unwrap_or(f32::zeroed())
    }
}

/// The shape of one product.
#[derive(Clone, Copy)]
struct Sizes {
    m: usize,
    k: usize,
    n: usize,
}

/// [`crate::work::Work::Gemm`].
pub(super) fn run(work: &GemmWork, inputs: &[Operand]) -> Result<Memory> {
    let (a, b, c) = match inputs {
        [a, b] if work.beta == 0.0 => (a, b, None),
        [a, b, ..] if work.beta == 0.0 => (a, b, None),
        [a, b, c] => (a, b, Some(View::<f32>::of(OP, c)?)),
        _ => return Err(Error::argument(OP, "inputs", "must be A, B and, where beta is not 0, C")),
    };
    let (a, b) = (Numbers::of(OP, a)?, Numbers::of(OP, b)?);
    let (a, b) = (a.view(), b.view());
    let ([a_batch @ .., m, k], [b_batch @ .., k_of_b, n]) = (a.shape, b.shape) else {
        return Err(Error::shape(OP, "A and B must have at least two axes"));
    };
    if k != k_of_b {
        return Err(Error::shape(OP, format!("A has {k} columns, B has {k_of_b} rows; they must match")));
    }
    let sizes = Sizes { m: *m, k: *k, n: *n };
    let batch = broadcast(a_batch, b_batch)?;
    let out_shape: Vec<usize> = batch.iter().copied().chain([sizes.m, sizes.n]).collect();
    let len = out_shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    let Some(len) = len else { return Err(Error::OutOfMemory { op: OP, requested: u64::MAX }) };
    let mut out = Memory::for_entries::<f32>(OP, len)?;
    if len == 0 {
        return Ok(out);
    }
    let entries = out.entries_mut::<f32>();
    if let Some(c) = c {
        broadcast_copy(&c, &out_shape, entries)?;
    }

    let products = len / (sizes.m * sizes.n);
    let each = sizes.m * sizes.n;
    let multiply = |index: usize, out: &mut [f32], threads: Parallelism| {
        product(work, sizes, matrix(&a, &batch, index), matrix(&b, &batch, index), out, c.is_some(), threads);
    };
    let multiplications = sizes.m.saturating_mul(sizes.n).saturating_mul(sizes.k);
    if products > 1 && multiplications < PARALLEL_FROM << 4 {
        let at_once = (PARALLEL_FROM / multiplications.max(1)).max(1);
        entries.par_chunks_mut(at_once * each).enumerate().for_each(|(group, out)| {
            for (i, out) in out.chunks_exact_mut(each).enumerate() {
                multiply(group * at_once + i, out, Parallelism::None);
            }
        });
    } else {
        let threads = if multiplications < PARALLEL_FROM { Parallelism::None } else { Parallelism::Rayon(0) };
        for (index, out) in entries.chunks_exact_mut(each).enumerate() {
            multiply(index, out, threads);
        }
    }
    Ok(out)
}

/// NumPy's rule for the axes in front.
fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let axis = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let lengths = (0..rank).map(|i| match (axis(a, i), axis(b, i)) {
        (n, m) if n == m || m == 1 => Some(n),
        (1, m) => Some(m),
        _ => None,
    });
    let message = || Error::shape(OP, format!("the batch axes {a:?} of A and {b:?} of B do not broadcast"));
    lengths.collect::<Option<_>>().ok_or_else(message)
}

/// The strides that a view of `shape` has when it is spread over `target`.
fn broadcast_strides(shape: &[usize], strides: &[usize], target: &[usize]) -> Option<Vec<usize>> {
    let missing = target.len().checked_sub(shape.len())?;
    let spread = |(i, &n): (usize, &usize)| match i.checked_sub(missing) {
        None => Some(0),
        Some(i) if shape[i] == n => Some(strides[i]),
        Some(i) if shape[i] == 1 => Some(0),
        Some(_) => None,
    };
    target.iter().enumerate().map(spread).collect()
}

/// C, spread over the result.
fn broadcast_copy(c: &View<'_, f32>, shape: &[usize], out: &mut [f32]) -> Result<()> {
    let message = || Error::shape(OP, format!("C has shape {:?}, which does not broadcast to {shape:?}", c.shape));
    let strides = broadcast_strides(c.shape, c.strides, shape).ok_or_else(message)?;
    super::copy::copy(&View { entries: c.entries, shape, strides: &strides }, out);
    Ok(())
}

/// The `index`-th matrix of a batch, counted row-major over `batch`.
fn matrix<'a>(view: &View<'a, f32>, batch: &[usize], index: usize) -> Matrix<'a> {
    let own = view.shape.len() - 2;
    let mut rest = index;
    let mut start = 0;
    for (axis, &n) in batch.iter().enumerate().rev() {
        let position = rest % n;
        rest /= n;
        if let Some(axis) = (axis + own).checked_sub(batch.len()) {
            if view.shape[axis] > 1 {
                start += position * view.strides[axis];
            }
        }
    }
    let entries = view.entries.get(start..).unwrap_or(&[]);
    Matrix { entries, row: view.strides[own], column: view.strides[own + 1] }
}

/// One product into `out` (m × n, row-major), which holds C where `add` is set.
fn product(
    work: &GemmWork,
    sizes: Sizes,
    a: Matrix<'_>,
    b: Matrix<'_>,
    out: &mut [f32],
    add: bool,
    threads: Parallelism,
) {
    let Sizes { m, k, n } = sizes;
    if n == 1 || m == 1 {
        // A row vector times B is Bᵀ times a column vector.
        let (matrix, vector) = if n == 1 {
            (a, Matrix { row: b.column, column: b.row, ..b })
        } else {
            (Matrix { row: b.column, column: b.row, ..b }, a)
        };
        return matrix_vector(work, k, matrix, vector, out, add, !matches!(threads, Parallelism::None));
    }
    if k == 0 {
        out.iter_mut().for_each(|c| *c = if add { work.beta * *c } else { 0.0 });
    }
    let block = if out.len() <= SMALL { BLOCK } else { LARGE_BLOCK };
    for start in (0..k).step_by(block) {
        let depth = block.min(k - start);
        let (read, factor) = if start > 0 { (true, 1.0) } else { (add, work.beta) };
        // SAFETY: `out` has m·n entries. `View` proved that every entry that the strides of A and B reach is inside
        // their slices, whose first entry is the matrix's; `start + depth ≤ k`.
        unsafe {
            gemm::gemm(
                m,
                n,
                depth,
                out.as_mut_ptr(),
                1,
                n as isize,
                read,
                a.entries.as_ptr().add(start * a.column),
                a.column as isize,
                a.row as isize,
                b.entries.as_ptr().add(start * b.row),
                b.column as isize,
                b.row as isize,
                factor,
                work.alpha,
                false,
                false,
                false,
                threads,
            );
        }
    }
}

/// `out[i] = alpha · Σ_f matrix[i, f] · vector[f] + beta · out[i]`; the vector is the first row of `vector`.
fn matrix_vector(
    work: &GemmWork,
    k: usize,
    matrix: Matrix<'_>,
    vector: Matrix<'_>,
    out: &mut [f32],
    add: bool,
    parallel: bool,
) {
    let vector: Vec<f32> = (0..k).map(|f| vector.at(0, f)).collect();
    let rows = |first: usize, out: &mut [f32]| {
        let mut sums = [[0.0f32; ROWS]; 2];
        for (group, out) in out.chunks_mut(ROWS).enumerate() {
            let first = first + group * ROWS;
            let [total, block] = &mut sums;
            total.fill(0.0);
            for (index, factors) in vector.chunks(BLOCK).enumerate() {
                block.fill(0.0);
                if matrix.column == 1 {
                    for (i, sum) in block.iter_mut().enumerate().take(out.len()) {
                        let start = (first + i) * matrix.row + index * BLOCK;
                        *sum = dot(&matrix.entries[start..start + factors.len()], factors);
                    }
                } else {
                    for (f, factor) in factors.iter().enumerate() {
                        let start = first * matrix.row + (index * BLOCK + f) * matrix.column;
                        let column = matrix.entries[start..].iter().step_by(matrix.row.max(1));
                        if matrix.row == 1 {
                            let column = &matrix.entries[start..start + out.len()];
                            block.iter_mut().zip(column).for_each(|(sum, entry)| *sum += entry * factor);
                        } else if matrix.row == 0 {
                            block.iter_mut().for_each(|sum| *sum += matrix.entries[start] * factor);
                        } else {
                            block[..out.len()].iter_mut().zip(column).for_each(|(sum, entry)| *sum += entry * factor);
                        }
                    }
                }
                total.iter_mut().zip(&*block).for_each(|(total, block)| *total += block);
            }
            for (out, total) in out.iter_mut().zip(total) {
                *out = work.alpha * *total + if add { work.beta * *out } else { 0.0 };
            }
        }
    };
    if parallel {
        let at_once = (PARALLEL_FROM / k.max(1)).next_multiple_of(ROWS).max(ROWS);
        out.par_chunks_mut(at_once).enumerate().for_each(|(group, out)| rows(group * at_once, out));
    } else {
        rows(0, out);
    }
}

/// Rows of a matrix that meet a vector together.
const ROWS: usize = 512;

/// The scalar product of at most [`BLOCK`] factors, in eight interleaved sums.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}
