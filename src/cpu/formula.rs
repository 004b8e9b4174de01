//! Formulas summed over j, in f64: a block of j at a time through the formula's operations, rows over the threads.

use rayon::prelude::*;

use super::memory::Memory;
use super::view::View;
use crate::error::{Error, Result};
use crate::expr::{Formula, Role, Step};
use crate::work::{FormulaWork, Operand};

/// j in a block; fewer where a block of all operations would leave the cache.
const BLOCK: usize = 64;

/// Numbers of f64 that the operations of a block may take.
const CACHED: usize = 1 << 16;

/// [`crate::work::Work::Formula`].
pub(super) fn run(work: &FormulaWork, inputs: &[Operand]) -> Result<Memory> {
    let op = work.op;
    let views = inputs.iter().map(|input| View::<f32>::of(op, input)).collect::<Result<Vec<_>>>()?;
    work.check(&views.iter().map(|view| view.shape).collect::<Vec<_>>())?;
    let components = work.formula.dimension();
    let len = work.n.checked_mul(components).ok_or(Error::OutOfMemory { op, requested: u64::MAX })?;
    let mut out = Memory::for_entries::<f32>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    let total: usize = work.formula.dimensions().iter().sum();
    let block = (CACHED / total.max(1)).clamp(1, BLOCK);
    let job = Job { work, views, block };
    if work.m == 1 {
        // Nothing to sum over: i runs through the blocks instead.
        out.entries_mut::<f32>()
            .par_chunks_mut(components * block)
            .enumerate()
            .for_each_init(|| job.values(), |values, (number, out)| job.entries(number * block, out, values));
        return Ok(out);
    }
    // Few rows share out their j instead, in pieces that do not depend on the number of threads.
    let pieces = if work.n < 16 { work.m.div_ceil(1 << 14).clamp(1, 64) } else { 1 };
    let length = work.m.div_ceil(pieces);
    out.entries_mut::<f32>().par_chunks_mut(components).enumerate().for_each(|(i, out)| {
        let sums: Vec<Vec<f64>> = (0..pieces)
            .into_par_iter()
            .map(|piece| job.row(i, piece * length..((piece + 1) * length).min(work.m)))
            .collect();
        for (c, out) in out.iter_mut().enumerate() {
            *out = sums.iter().filter_map(|sum| sum.get(c)).sum::<f64>() as f32;
        }
    });
    Ok(out)
}

struct Job<'a> {
    work: &'a FormulaWork,
    views: Vec<View<'a, f32>>,
    block: usize,
}

/// The pairs of a block: one i and so many j from one on, or so many i and one j.
#[derive(Clone, Copy)]
struct Pairs {
    i: usize,
    j: usize,
    count: usize,
    by_rows: bool,
}

/// What the operations of a block have given: for every component one number, or one for each pair.
struct Values {
    /// Where each operation's numbers start.
    starts: Vec<usize>,
    numbers: Vec<f64>,
}

impl Values {
    /// The last operation's numbers, component by component.
    fn results(&self, block: usize) -> impl Iterator<Item = &[f64]> {
        self.numbers[self.starts.last().copied().unwrap_or(0)..].chunks_exact(block)
    }
}

impl Job<'_> {
    /// The sums over some j for one i.
    fn row(&self, i: usize, columns: std::ops::Range<usize>) -> Vec<f64> {
        let formula = &self.work.formula;
        let mut sums = vec![0.0; formula.dimension()];
        let mut values = self.values();
        for j in columns.clone().step_by(self.block) {
            let count = self.block.min(columns.end - j);
            self.block(formula, Pairs { i, j, count, by_rows: false }, &mut values);
            for (sum, component) in sums.iter_mut().zip(values.results(self.block)) {
                *sum += component[..count].iter().sum::<f64>();
            }
        }
        sums
    }

    /// The values for i from `first` on and the only j, as they lie in the result.
    fn entries(&self, first: usize, out: &mut [f32], values: &mut Values) {
        let formula = &self.work.formula;
        let (components, count) = (formula.dimension(), out.len() / formula.dimension());
        self.block(formula, Pairs { i: first, j: 0, count, by_rows: true }, values);
        for (c, component) in values.results(self.block).enumerate() {
            for (out, value) in out[c..].iter_mut().step_by(components).zip(component) {
                *out = *value as f32;
            }
        }
    }

    /// Room for the operations of a block.
    fn values(&self) -> Values {
        let mut end = 0;
        let mut start = |dimension: &usize| {
            end += dimension * self.block;
            end - dimension * self.block
        };
        let starts = self.work.formula.dimensions().iter().map(&mut start).collect();
        Values { starts, numbers: vec![0.0; end] }
    }

    /// All operations for some pairs.
    fn block(&self, formula: &Formula, pairs: Pairs, values: &mut Values) {
        let (block, Pairs { i, j, count, by_rows }) = (self.block, pairs);
        let tape = formula.tape();
        for (at, (step, &dimension)) in tape.steps().iter().zip(formula.dimensions()).enumerate() {
            let (before, out) = values.numbers.split_at_mut(values.starts[at]);
            let of = |operand: usize, k: usize| {
                let k = if formula.dimensions()[operand] == 1 { 0 } else { k };
                let start = values.starts[operand] + k * block;
                &before[start..start + count]
            };
            for (k, out) in out.chunks_exact_mut(block).take(dimension).enumerate() {
                let out = &mut out[..count];
                match *step {
                    Step::Constant(bits) => out.fill(f64::from_bits(bits)),
                    Step::Parameter(slot) => out.fill(tape.parameters()[slot]),
                    Step::Variable(_) => out.fill(f64::NAN),
                    Step::Table(number) => out.fill(tape.tables()[number][k]),
                    Step::Vector(variable) => {
                        let number = formula.variables().iter().position(|v| *v == variable).unwrap_or(0);
                        let View { entries, strides, .. } = &self.views[number];
                        // Where the first pair's number lies, and how far apart those of neighbours along i and j.
                        let (first, along_i, along_j) = match variable.role {
                            Role::I => (i * strides[0] + k * strides[1], strides[0], 0),
                            Role::J => (j * strides[0] + k * strides[1], 0, strides[0]),
                            Role::Pair => (i * strides[0] + j * strides[1], strides[0], strides[1]),
                            Role::Parameter => (k * strides[0], 0, 0),
                        };
                        read(entries, first, if by_rows { along_i } else { along_j }, out);
                    }
                    Step::Unary(function, a) => {
                        out.iter_mut().zip(of(a, k)).for_each(|(out, a)| *out = function.value(*a));
                    }
                    Step::Binary(function, a, b) => {
                        let operands = of(a, k).iter().zip(of(b, k));
                        out.iter_mut().zip(operands).for_each(|(out, (a, b))| *out = function.value(*a, *b));
                    }
                    Step::Powi(a, n) => out.iter_mut().zip(of(a, k)).for_each(|(out, a)| *out = a.powi(n)),
                    Step::Sum(a, length) => {
                        out.fill(0.0);
                        for term in 0..length {
                            out.iter_mut().zip(of(a, term)).for_each(|(out, a)| *out += a);
                        }
                    }
                    Step::Concat([(a, first), (b, _)]) => {
                        out.copy_from_slice(if k < first { of(a, k) } else { of(b, k - first) });
                    }
                    Step::Extract(a, first, _) => out.copy_from_slice(of(a, first + k)),
                }
            }
        }
    }
}

fn read(entries: &[f32], start: usize, stride: usize, out: &mut [f64]) {
    for (at, out) in out.iter_mut().enumerate() {
        *out = f64::from(entries[start + at * stride]);
    }
}
