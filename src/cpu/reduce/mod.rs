//! Reductions over the rows of y: the strips of values that the pair skeleton computes go into carries, one per row of
//! x, while they are still in the first-level cache. Nothing as large as the matrix is ever stored.
//!
//! A task owns some rows and walks the columns strip by strip. Sums start afresh with every slice of columns and the
//! slices' sums are joined in order, whether one task walks all slices or each has its own: a row's bits depend neither
//! on the number of threads nor on the other rows.

mod count;
mod extreme;
mod input;
mod mask;
mod soft;
mod sum;
mod tree;
mod weights;

use std::ops::Range;

use rayon::prelude::*;

use super::memory::{Memory, Scatter};
use super::pair::{Job, ROWS, Scratch};
use super::view::zeroed_vec;
use crate::error::{Error, Result};
use crate::work::{Operand, ReduceWork, Reduction};
use input::{Batch, Inputs};
use mask::{Mask, Segment};

/// Rows of x that a task owns, so that a strip's panels are read from memory once for all of them.
const TASK_ROWS: usize = 32;

/// Columns of a slice, about.
const SLICE: usize = 1 << 15;

/// What becomes of the values of one row.
trait Fold: Sync {
    /// What is known of a row so far.
    type Carry: Send;

    /// Whether carries start afresh with every slice of columns. What does not depend on order need not.
    const IN_SLICES: bool;

    /// Nothing yet.
    fn start(&self) -> Self::Carry;

    /// Takes in the values of some rows (one, or [`ROWS`]) for the columns from `start` on. The values may be
    /// overwritten.
    fn take(&self, carries: &mut [Self::Carry], start: usize, values: &mut [&mut [f32]]);

    /// Takes in what another task knows about the columns that follow.
    fn join(&self, carry: &mut Self::Carry, next: Self::Carry);

    /// Writes the result of a row; `row` counts through the batch.
    fn finish(&self, carry: Self::Carry, row: usize, out: &Scatter<u32>);
}

/// [`crate::work::Work::Reduce`].
pub(super) fn run(work: &ReduceWork, inputs: &[Operand]) -> Result<Memory> {
    let op = work.op;
    let inputs = Inputs::of(work, inputs)?;
    work.function.check(inputs.d)?;
    let per_row = match work.reduction {
        Reduction::Extreme { k, .. } => (k as usize).checked_mul(2),
        Reduction::LogSumExp { .. } | Reduction::Count { .. } => Some(1),
        Reduction::Sum { .. } | Reduction::SumWithin { .. } | Reduction::SoftmaxSum => Some(inputs.columns),
    };
    let rows = inputs.batches().checked_mul(inputs.n);
    let len = per_row.zip(rows).and_then(|(a, b)| a.checked_mul(b));
    let mut out = Memory::for_entries::<u32>(op, len.ok_or(Error::OutOfMemory { op, requested: u64::MAX })?)?;
    if out.entries::<u32>().is_empty() {
        return Ok(out);
    }
    let scatter = Scatter::over(out.entries_mut::<u32>());
    let batches = inputs.batches();
    let one = |number: usize| inputs.batch(op, number).and_then(|batch| batch_of(work, &inputs, &batch, scatter));
    if batches == 1 {
        one(0)?
    } else {
        (0..batches).into_par_iter().map(one).collect::<Result<()>>()?
    }
    Ok(out)
}

fn batch_of(work: &ReduceWork, inputs: &Inputs<'_>, batch: &Batch<'_>, out: Scatter<u32>) -> Result<()> {
    let op = work.op;
    let (rows, first_row) = (inputs.batches() * inputs.n, batch.number * inputs.n);
    let search = match work.reduction {
        Reduction::Extreme { k, largest: false } => tree::Search::of(work, [&batch.x, &batch.y], inputs.d, k as usize),
        _ => None,
    };
    let left = search.map_or_else(|| vec![0..inputs.n], |search| search.run(first_row, rows, &out));
    if left.is_empty() {
        return Ok(());
    }
    let mask = Mask::of(work, inputs, batch);
    let job = Job::new(op, &work.function, &batch.x, &batch.y, (inputs.n, inputs.m, inputs.d))?;
    let whole = Whole { op, job: &job, mask: &mask, left, m: inputs.m, first_row, out };
    let weights = |compensated| weights::Weights::of(op, job.arch, &batch.values, inputs.columns, compensated);
    match work.reduction {
        Reduction::Sum { values, scale, compensated } => {
            let weights = if values { Some(weights(compensated)?) } else { None };
            whole.run(&sum::Sum { arch: job.arch, weights, within: None, scale, compensated })
        }
        Reduction::SumWithin { radius, values } => {
            let weights = if values { Some(weights(false)?) } else { None };
            whole.run(&sum::Sum { arch: job.arch, weights, within: Some(radius), scale: 1.0, compensated: false })
        }
        Reduction::Count { radius } => whole.run(&count::Count { arch: job.arch, radius }),
        Reduction::LogSumExp { values } => {
            let weights = if values { Some(weights(false)?) } else { None };
            let zeros = if values { Some(&*batch.values) } else { None };
            whole.run(&soft::Soft { arch: job.arch, weights, zeros, log: true })
        }
        Reduction::SoftmaxSum => {
            whole.run(&soft::Soft { arch: job.arch, weights: Some(weights(false)?), zeros: None, log: false })
        }
        Reduction::Extreme { k, largest: false } => {
            whole.run(&extreme::Extreme::<false> { arch: job.arch, k: k as usize, rows })
        }
        Reduction::Extreme { k, largest: true } => {
            whole.run(&extreme::Extreme::<true> { arch: job.arch, k: k as usize, rows })
        }
    }
}

/// One batch's rows, all that a task needs of them.
struct Whole<'a> {
    op: &'static str,
    job: &'a Job<'a>,
    mask: &'a Mask<'a>,
    /// The rows that are to be computed.
    left: Vec<Range<usize>>,
    m: usize,
    /// The number of the first row, counted through the batch.
    first_row: usize,
    out: Scatter<u32>,
}

/// Room that a task uses again and again.
struct Room {
    strip: Vec<f32>,
    scratch: Scratch,
    segments: [Vec<Segment>; ROWS],
}

impl Whole<'_> {
    fn run<F: Fold>(&self, fold: &F) -> Result<()> {
        self.left.par_iter().try_for_each(|rows| self.rows(fold, rows))
    }

    fn rows<F: Fold>(&self, fold: &F, rows: &Range<usize>) -> Result<()> {
        let columns = self.job.columns();
        let slice = columns * (SLICE / columns).max(1);
        let slices = self.m.div_ceil(slice);
        let threads = rayon::current_num_threads();
        let wanted = rows.len().div_ceil(4 * threads).next_multiple_of(ROWS).clamp(ROWS, TASK_ROWS);
        let row_tasks = rows.len().div_ceil(wanted);
        let part = |task: usize| rows.start + task * wanted..rows.end.min(rows.start + (task + 1) * wanted);
        if row_tasks >= 2 * threads || slices <= 1 || threads == 1 {
            let task = |task: usize| -> Result<()> {
                let rows = part(task);
                let carries = self.walk(fold, rows.clone(), 0..slices, slice)?;
                rows.zip(carries).for_each(|(i, carry)| fold.finish(carry, self.first_row + i, &self.out));
                Ok(())
            };
            return if row_tasks == 1 { task(0) } else { (0..row_tasks).into_par_iter().map(task).collect() };
        }
        // Few rows: every slice is a task of its own.
        let task = |task: usize| {
            let at = task % slices;
            self.walk(fold, part(task / slices), at..at + 1, slice)
        };
        let mut parts: Vec<Vec<F::Carry>> = (0..row_tasks * slices).into_par_iter().map(task).collect::<Result<_>>()?;
        for row_task in 0..row_tasks {
            let mut rest = parts.drain(..slices);
            let Some(mut carries) = rest.next() else { continue };
            for next in rest {
                carries.iter_mut().zip(next).for_each(|(carry, next)| fold.join(carry, next));
            }
            part(row_task).zip(carries).for_each(|(i, carry)| fold.finish(carry, self.first_row + i, &self.out));
        }
        Ok(())
    }

    /// The carries of some rows over some slices.
    fn walk<F: Fold>(&self, fold: &F, rows: Range<usize>, slices: Range<usize>, slice: usize) -> Result<Vec<F::Carry>> {
        let columns = self.job.columns().min(self.m.max(1));
        let mut room = Room {
            strip: zeroed_vec(self.op, columns * ROWS)?,
            scratch: Scratch::default(),
            segments: Default::default(),
        };
        let mut all: Vec<F::Carry> = rows.clone().map(|_| fold.start()).collect();
        for number in slices.clone() {
            let afresh = F::IN_SLICES && number > slices.start;
            let mut own: Vec<F::Carry> = if afresh { rows.clone().map(|_| fold.start()).collect() } else { Vec::new() };
            let carries = if afresh { &mut own } else { &mut all };
            for start in (number * slice..self.m.min((number + 1) * slice)).step_by(columns) {
                for (group, carries) in carries.chunks_mut(ROWS).enumerate() {
                    self.strip(fold, rows.start + group * ROWS, carries, start, columns, &mut room)?;
                }
            }
            all.iter_mut().zip(own).for_each(|(carry, next)| fold.join(carry, next));
        }
        Ok(all)
    }

    /// One strip: up to [`ROWS`] rows against the columns from `start` on.
    fn strip<F: Fold>(
        &self,
        fold: &F,
        first: usize,
        carries: &mut [F::Carry],
        start: usize,
        columns: usize,
        room: &mut Room,
    ) -> Result<()> {
        let rows = carries.len();
        let columns = columns.min(self.m - start);
        let Room { strip, scratch, segments } = room;
        for (r, segments) in segments.iter_mut().enumerate().take(rows) {
            self.mask.segments(first + r, start..start + columns, segments);
        }
        let segments = &segments[..rows];
        if segments.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let mut parts = strip.chunks_exact_mut(columns);
        let out: [&mut [f32]; ROWS] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        self.job.values(self.op, first, rows, start, out, scratch)?;
        let mut parts = strip.chunks_exact_mut(columns);
        let mut values: [&mut [f32]; ROWS] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        for (r, values) in values.iter_mut().enumerate().take(rows) {
            self.mask.add_bias(first + r, start, values);
        }
        let whole = [Segment { start, end: start + columns }];
        if rows == ROWS && segments.iter().all(|segments| segments[..] == whole) {
            fold.take(carries, start, &mut values);
            return Ok(());
        }
        for ((carry, values), segments) in carries.iter_mut().zip(values).zip(segments) {
            for segment in segments {
                let values = &mut values[segment.start - start..segment.end - start];
                fold.take(std::slice::from_mut(carry), segment.start, &mut [values]);
            }
        }
        Ok(())
    }
}
