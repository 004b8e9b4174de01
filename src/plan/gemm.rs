//! Matrix products: the pair skeleton with products summed, and `alpha · sum + beta · C` at the end.

use super::choices::Choices;
use super::lower::output_bytes;
use super::pair::{Addend, PairCode, Side, Skeleton, matrices};
use super::pieces::collapsed;
use super::{BufferId, Limits, Program, copy};
use crate::error::{Error, Result};
use crate::work::{GemmWork, Input, Layout};

const OP: &str = "gemm";

const PRODUCT: &str = "struct State { sum: f32 }
fn pair_accumulate(state: ptr<function, State>, x: f32, y: f32, w: f32) {
    (*state).sum += x * y;
}
fn pair_merge(a: State, b: State) -> State {
    return State(a.sum + b.sum);
}
fn pair_finish(state: State) -> f32 {
    return parameters.values[0].x * state.sum;
}
fn pair_epilogue(value: f32, addend: f32) -> f32 {
    return value + parameters.values[0].y * addend;
}
";

/// Passes of `alpha · A · B + beta · C`.
pub(super) fn lower(work: &GemmWork, inputs: &[Input<'_>], limits: &Limits, choices: &Choices) -> Result<Program> {
    let [a, b, rest @ ..] = inputs else {
        return Err(Error::argument(OP, "inputs", "must be A, B and perhaps C"));
    };
    let ((a_batch, [m, k]), (b_batch, [b_k, n])) = (matrices(OP, a.layout)?, matrices(OP, b.layout)?);
    if k != b_k {
        return Err(Error::shape(OP, format!("A has {k} columns, B has {b_k} rows; they must match")));
    }
    let batch = broadcast(a_batch, b_batch)?;
    let batches: u64 = batch.iter().map(|n| *n as u64).product();
    let entries = batches.saturating_mul(m as u64).saturating_mul(n as u64);
    let mut program = Program::new(OP, output_bytes(OP, entries, 4, limits)?);
    if entries == 0 {
        return Ok(program);
    }
    let mut shape = batch.clone();
    shape.extend([m, n]);
    let addend = match rest.first() {
        Some(c) if work.beta != 0.0 => Some(addend(c.layout, &shape, limits, &mut program)?),
        _ => None,
    };
    let side = |index: usize, input: &Input<'_>, swapped: bool| {
        let layout = input.layout;
        let rank = layout.shape.len();
        let (row, feature) = if swapped { (rank - 1, rank - 2) } else { (rank - 2, rank - 1) };
        let spread = broadcast_strides(layout, rank - 2, &batch);
        Side {
            buffer: BufferId::Input(index),
            element_bytes: input.element_bytes,
            axes: collapsed(&batch, &spread),
            offset: layout.offset as u64,
            rows: layout.shape[row] as u64,
            row_stride: layout.strides[row] as u64,
            feature_stride: layout.strides[feature] as u64,
        }
    };
    let skeleton = Skeleton {
        limits,
        tile: choices.gemm,
        workgroups: choices.workgroups,
        batches,
        x: side(0, a, false),
        y: side(1, b, true),
        features: k as u64,
        code: PairCode {
            text: PRODUCT.to_owned(),
            trusted: true,
            math: false,
            values: vec![work.alpha, work.beta],
            weights: None,
            weight_tables: 0,
            cost: 2.0,
            state: vec![("sum".to_owned(), true)],
        },
        addend,
    };
    skeleton.record(&mut program)?;
    Ok(program)
}

/// NumPy's rule for batch axes.
fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    let pairs = (0..rank).map(|axis| (at(a, axis), at(b, axis)));
    let joined = pairs.map(|(p, q)| match (p, q) {
        (p, q) if p == q => Ok(p),
        (1, q) => Ok(q),
        (p, 1) => Ok(p),
        _ => Err(Error::shape(OP, format!("batch axes {a:?} and {b:?} do not broadcast"))),
    });
    joined.collect()
}

/// Strides of the first `axes` axes of a layout over the axes of `shape`, to which they are aligned at the end; 0 where
/// they broadcast.
fn broadcast_strides(layout: &Layout, axes: usize, shape: &[usize]) -> Vec<usize> {
    let missing = shape.len() - axes;
    let own = layout.shape.iter().zip(&layout.strides).take(axes);
    let own = own.map(|(length, stride)| if *length == 1 { 0 } else { *stride });
    std::iter::repeat_n(0, missing).chain(own).collect()
}

/// C as the epilogue reads it: one stride over all batches, and no window larger than a binding. A C that is not so is
/// first copied row-major.
fn addend(layout: &Layout, shape: &[usize], limits: &Limits, program: &mut Program) -> Result<Addend> {
    let rank = shape.len();
    let fits = layout.shape.len() <= rank
        && layout.shape.iter().rev().zip(shape.iter().rev()).all(|(own, n)| *own == 1 || own == n);
    if !fits {
        return Err(Error::shape(OP, format!("C of shape {:?} does not broadcast to {shape:?}", layout.shape)));
    }
    let strides = broadcast_strides(layout, layout.shape.len(), shape);
    let batch = collapsed(&shape[..rank - 2], &strides[..rank - 2]);
    let spread = Layout { shape: shape.to_vec(), strides: strides.clone(), offset: layout.offset };
    let window_bytes = (spread.end() as u64 - spread.offset as u64) * 4 + limits.offset_alignment;
    if batch.len() > 1 || window_bytes > limits.max_binding_bytes {
        let entries = spread.len() as u64;
        let target = program.temporary(entries * 4);
        copy::record(&spread, 4, BufferId::Input(2), target, limits, program)?;
        let [m, n] = [shape[rank - 2] as u64, shape[rank - 1] as u64];
        return Ok(Addend { buffer: target, offset: 0, strides: [m * n, n, 1] });
    }
    Ok(Addend {
        buffer: BufferId::Input(2),
        offset: layout.offset as u64,
        strides: [batch.first().map_or(0, |(_, stride)| *stride), strides[rank - 2] as u64, strides[rank - 1] as u64],
    })
}
