//! Distances and kernels between all rows: sums in registers, columns in the lanes.
//!
//! y is packed into panels of two registers' width, feature by feature. A task owns some rows of x and as many panels
//! as the second-level cache holds; a tile of four rows and one panel keeps its eight sums in registers while it walks
//! the features, in blocks of 64. Then the metrics end in values and the expression maps them, segment by segment
//! while they are still in cache. Nothing that a row's values depend on changes with the other rows.

mod accumulate;
mod finish;
mod panel;
pub(super) mod single;

use pulp::Arch;
use rayon::prelude::*;

use super::memory::{Memory, Scatter};
use super::numbers::Numbers;
use super::view::zeroed_vec;
use crate::error::{Error, Result};
use crate::expr::Tape;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::work::{Operand, PairWork};
use accumulate::{Accumulation, Ending};
use panel::Strip;
pub(super) use panel::{ROWS, squared_distance};

/// Entries of packed y that a task walks at a time: half of a common second-level cache.
const CACHED: usize = 1 << 17;

/// Columns that a task walks at a time, at most, so that the rows of the result stay in the first-level cache.
const COLUMNS: usize = 2048;

/// Rows of x that a task owns.
const TASK_ROWS: usize = 32;

/// One term of the pair function, ready to run.
struct Term<'a> {
    metric: &'a Metric,
    accumulation: Accumulation,
    ending: Ending,
    /// `Σ w x²` of every row of x and of y, where the ending asks for them.
    norms: [Vec<f64>; 2],
}

/// Rows as f64, for the metrics that have only their definition.
#[derive(Default)]
struct Wide {
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Room for the values of a strip's other terms, and for the expression over them.
#[derive(Default)]
pub(super) struct Scratch {
    values: Vec<Vec<f32>>,
    steps: Vec<[f32; single::BLOCK]>,
}

/// The whole job.
pub(super) struct Job<'a> {
    pub(super) arch: Arch,
    terms: Vec<Term<'a>>,
    tape: Tape,
    x: &'a [f32],
    packed: Vec<f32>,
    wide: Wide,
    m: usize,
    d: usize,
    width: usize,
}

/// [`crate::work::Work::Pair`].
pub(super) fn run(work: &PairWork, x: &Operand, y: &Operand) -> Result<Memory> {
    let op = work.op;
    let (x, y) = (Numbers::of(op, x)?, Numbers::of(op, y)?);
    let (x, y) = (x.view(), y.view());
    let (&[ref axes @ .., n, d], &[ref y_axes @ .., m, d_of_y]) = (x.shape, y.shape) else {
        return Err(Error::shape(op, format!("x {:?} and y {:?} must be rows × features", x.shape, y.shape)));
    };
    if d != d_of_y || axes != y_axes {
        let message = format!("x {:?} and y {:?} must have the same columns and batch axes", x.shape, y.shape);
        return Err(Error::shape(op, message));
    }
    work.function.check(d)?;
    if work.function.terms.iter().any(|term| term.prepare.is_some()) {
        return Err(Error::argument(op, "rows", "must be prepared first"));
    }
    if work.paired && (n != m || !axes.is_empty()) {
        let shapes = format!("x {:?} and y {:?}", x.shape, y.shape);
        return Err(Error::shape(op, format!("{shapes} must be matrices of as many rows")));
    }
    let of_matrix = if work.paired { Some(n) } else { n.checked_mul(m) };
    let len = axes.iter().try_fold(of_matrix.unwrap_or(usize::MAX), |len, n| len.checked_mul(*n));
    let (Some(of_matrix), Some(len)) = (of_matrix, len) else {
        return Err(Error::OutOfMemory { op, requested: u64::MAX });
    };
    let mut out = Memory::for_entries::<f32>(op, len)?;
    if len == 0 {
        return Ok(out);
    }
    if work.paired {
        pairs(work, &x.flat(op)?, &y.flat(op)?, d, out.entries_mut());
        return Ok(out);
    }
    let one = |number: usize, out: &mut [f32]| {
        let (x, y) = (x.matrix(number).flat(op)?, y.matrix(number).flat(op)?);
        Job::new(op, &work.function, &x, &y, (n, m, d))?.run(op, out)
    };
    if len == of_matrix {
        one(0, out.entries_mut())?;
    } else {
        let matrices = out.entries_mut().par_chunks_exact_mut(of_matrix).enumerate();
        matrices.try_for_each(|(number, out)| one(number, out))?;
    }
    Ok(out)
}

/// Row i of x with row i of y, in f64: there is too little to do to be clever.
fn pairs(work: &PairWork, x: &[f32], y: &[f32], d: usize, out: &mut [f32]) {
    let rows_at_once = (1 << 14) / d.max(1) + 1;
    out.par_chunks_mut(rows_at_once).enumerate().for_each(|(task, out)| {
        let (mut x_row, mut y_row) = (vec![0.0; d], vec![0.0; d]);
        for (i, out) in out.iter_mut().enumerate() {
            let start = (task * rows_at_once + i) * d;
            widen(&x[start..start + d], &mut x_row);
            widen(&y[start..start + d], &mut y_row);
            *out = work.function.evaluate(&x_row, &y_row) as f32;
        }
    });
}

fn widen(from: &[f32], to: &mut [f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f64::from(*from));
}

impl<'a> Job<'a> {
    /// Over contiguous rows x (n × d) and y (m × d).
    pub(super) fn new(
        op: &'static str,
        function: &'a PairFunction,
        x: &'a [f32],
        y: &[f32],
        (n, m, d): (usize, usize, usize),
    ) -> Result<Self> {
        let arch = Arch::new();
        let width = panel::panel_width(arch);
        let terms: Vec<Term<'_>> = function
            .terms
            .iter()
            .map(|metric| {
                let (accumulation, ending) = Accumulation::of(metric, d);
                let needed = matches!(ending, Ending::Cosine | Ending::Similarity);
                let weights = metric.weights.as_deref();
                let norms =
                    if needed { [norms(x, n, d, weights), norms(y, m, d, weights)] } else { Default::default() };
                Term { metric, accumulation, ending, norms }
            })
            .collect();
        let any = |wide: bool| terms.iter().any(|term| matches!(term.accumulation, Accumulation::Definition) == wide);
        let mut packed = Vec::new();
        if any(false) {
            let len = m.div_ceil(width).checked_mul(width * d);
            packed = zeroed_vec(op, len.ok_or(Error::OutOfMemory { op, requested: u64::MAX })?)?;
            panel::pack(y, d, width, &mut packed);
        }
        let mut wide = Wide::default();
        if any(true) {
            wide = Wide { x: zeroed_vec(op, x.len())?, y: zeroed_vec(op, y.len())? };
            widen(x, &mut wide.x);
            widen(y, &mut wide.y);
        }
        Ok(Self { arch, terms, tape: function.finish.tape(), x, packed, wide, m, d, width })
    }

    /// Columns that a task walks at a time: whole panels that stay in cache.
    pub(super) fn columns(&self) -> usize {
        (CACHED / self.d.max(1)).clamp(1, COLUMNS).next_multiple_of(self.width)
    }

    /// Fills `out`, which is not empty.
    fn run(&self, op: &'static str, out: &mut [f32]) -> Result<()> {
        let n = out.len() / self.m;
        let columns = self.columns();
        let column_tasks = self.m.div_ceil(columns);
        let scatter = Scatter::over(out);
        let tasks = n.div_ceil(TASK_ROWS) * column_tasks;
        let work = |task: usize| -> Result<()> {
            let first = task / column_tasks * TASK_ROWS;
            let start = task % column_tasks * columns;
            let columns = columns.min(self.m - start);
            let mut scratch = Scratch::default();
            for first in (first..n.min(first + TASK_ROWS)).step_by(ROWS) {
                let rows = ROWS.min(n - first);
                let out: [&mut [f32]; ROWS] = std::array::from_fn(|r| {
                    let row = if r < rows { (first + r) * self.m + start } else { usize::MAX };
                    // SAFETY: every task has rows and columns of the result to itself.
                    unsafe { scatter.slice(row, columns) }
                });
                self.values(op, first, rows, start, out, &mut scratch)?;
            }
            Ok(())
        };
        if tasks == 1 { work(0) } else { (0..tasks).into_par_iter().map(work).collect() }
    }

    /// The function's values for `rows` rows from `first` and the columns from `start`, where a panel begins. Each of
    /// the first `rows` slices of `out` is as long as the columns that are wanted.
    pub(super) fn values(
        &self,
        op: &'static str,
        first: usize,
        rows: usize,
        start: usize,
        mut out: [&mut [f32]; ROWS],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let columns = out[0].len();
        scratch.values.resize(self.terms.len().saturating_sub(1), Vec::new());
        for values in &mut scratch.values {
            if values.len() < columns * ROWS {
                *values = zeroed_vec(op, columns * ROWS)?;
            }
        }
        let Scratch { values, steps } = scratch;
        for (number, term) in self.terms.iter().enumerate() {
            match number.checked_sub(1).and_then(|other| values.get_mut(other)) {
                None => self.term(term, first, rows, start, reborrowed(&mut out)),
                Some(values) => {
                    let mut parts = values.chunks_exact_mut(columns);
                    let parts = std::array::from_fn(|_| parts.next().unwrap_or_default());
                    self.term(term, first, rows, start, parts);
                }
            }
        }
        if finish::is_first_value(&self.tape) && !self.terms.is_empty() {
            return Ok(());
        }
        if let Some(factor) = single::exponent_factor(&self.tape) {
            out.into_iter().take(rows).for_each(|out| single::exp_of_multiple(self.arch, out, factor));
            return Ok(());
        }
        for (r, out) in out.into_iter().enumerate().take(rows) {
            let others = values.iter_mut().map(|values| &mut values[r * columns..(r + 1) * columns]);
            let mut all: Vec<&mut [f32]> = [out].into_iter().chain(others).collect();
            single::evaluate(self.arch, &self.tape, &mut all, steps);
        }
        Ok(())
    }

    /// A term's values for some rows from `first` and the columns from `start` on.
    fn term(&self, term: &Term<'_>, first: usize, rows: usize, start: usize, mut out: [&mut [f32]; ROWS]) {
        let reborrow = reborrowed(&mut out);
        match term.accumulation {
            Accumulation::Squares(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Magnitudes(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Products(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Largest(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Cubes(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Powers(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Quotients(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Shares(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Changes(accumulate) => self.strip(accumulate, term, first, rows, start, reborrow),
            Accumulation::Definition => return self.defined(term, first, rows, start, reborrow),
        }
        for (r, out) in out.iter_mut().enumerate().take(rows) {
            let [own, others] = &term.norms;
            let norm = own.get(first + r).copied().unwrap_or(0.0);
            finish::end(self.arch, term.ending, out, norm, others.get(start..).unwrap_or(&[]));
        }
    }

    fn strip<A: accumulate::Accumulate>(
        &self,
        accumulate: A,
        term: &Term<'_>,
        first: usize,
        rows: usize,
        start: usize,
        out: [&mut [f32]; ROWS],
    ) {
        let x = &self.x[first * self.d..(first + rows) * self.d];
        let panels = &self.packed[start * self.d..];
        let weights = term.metric.weights.as_deref();
        self.arch.dispatch(Strip { accumulate, x, panels, weights, d: self.d, out, rows });
    }

    /// By the f64 definition.
    fn defined(&self, term: &Term<'_>, first: usize, rows: usize, start: usize, out: [&mut [f32]; ROWS]) {
        let weights: Vec<f64> = term.metric.weights.iter().flatten().map(|&w| f64::from(w)).collect();
        let parameters: Vec<f64> = term.metric.parameters.iter().map(|(_, value)| f64::from(*value)).collect();
        for (r, out) in out.into_iter().enumerate().take(rows) {
            let x = term.metric.kept(&self.wide.x[(first + r) * self.d..][..self.d]);
            for (j, out) in out.iter_mut().enumerate() {
                let y = term.metric.kept(&self.wide.y[(start + j) * self.d..][..self.d]);
                *out = (term.metric.definition)(&x, &y, &weights, &parameters) as f32;
            }
        }
    }
}

fn reborrowed<'a>(rows: &'a mut [&mut [f32]; ROWS]) -> [&'a mut [f32]; ROWS] {
    rows.each_mut().map(|row| &mut **row)
}

/// `Σ w x²` of every row.
fn norms(x: &[f32], rows: usize, d: usize, weights: Option<&[f32]>) -> Vec<f64> {
    let weight = |f: usize| weights.and_then(|weights| weights.get(f)).map_or(1.0, |w| f64::from(*w));
    let square = |(f, x): (usize, &f32)| match weight(f) {
        0.0 => 0.0,
        w => w * f64::from(*x) * f64::from(*x),
    };
    if d == 0 {
        return vec![0.0; rows];
    }
    x.par_chunks_exact(d).map(|row| row.iter().enumerate().map(square).sum()).collect()
}
