//! Metrics and kernels over pairs of rows: every one in [`Metric::all`] and every leaf of the kernel grammar.

mod batch;
mod sample;
mod values;

use half::f16;
use ndarray::{Array2, ArrayView2};

use super::{Body, sampled};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::layout::Placement;
use crate::conformance::trial::Trial;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kernel::PairFunction;
use crate::ops::{gram, gram_diag, paired_distances, pairwise};
use crate::tensor::{HostElement, Real, Tensor};
use batch::Batch;
#[cfg(test)]
pub(in crate::conformance) use sample::RULES;
pub(super) use sample::{kernels, trials};
pub(super) use values::{Function, Values, fit};

/// One trial of the pair skeleton.
#[derive(Debug, Clone)]
pub(crate) struct PairTrial {
    function: Function,
    /// Only pairs (i, i); then n = m.
    paired: bool,
    /// Rows are stored as f16.
    half: bool,
    batch: Batch,
    n: usize,
    m: usize,
    d: usize,
    placements: (Placement, Placement),
    values: Values,
}

/// The rows of one member of the batch.
struct Rows {
    x: Array2<f32>,
    y: Array2<f32>,
}

impl PairTrial {
    /// One pair of f32 matrices without gaps.
    fn plain(function: Function, (n, m, d): (usize, usize, usize), values: Values) -> Self {
        let placements = (Placement::Contiguous, Placement::Contiguous);
        Self { function, paired: false, half: false, batch: Batch::ONE, n, m, d, placements, values }
    }

    fn named(self, name: &str) -> Trial {
        let op = match (&self.function, self.paired) {
            (Function::Metric(_), false) => "pairwise",
            (Function::Metric(_), true) => "paired",
            (Function::Kernel(_) | Function::PerFeature(_), false) => "gram",
            (Function::Kernel(_) | Function::PerFeature(_), true) => "gram_diag",
        };
        let setting = format!(
            "{}{}{}x{}x{} {}×{} {}",
            if self.half { "f16 " } else { "" },
            self.batch.name(),
            self.n,
            self.m,
            self.d,
            self.placements.0.name(),
            self.placements.1.name(),
            self.values.name()
        );
        Trial::new(format!("{op}::{name}"), setting, Body::Pair(self))
    }

    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let members: Vec<Rows> = (0..self.batch.members()).map(|_| self.rows(&mut generator)).collect();
        let result = if self.half {
            self.recorded(context, &members, f16::NAN, f16::from_f32)?
        } else {
            self.recorded(context, &members, f32::NAN, |value| value)?
        };
        let result = result.read().await?;
        let columns = if self.paired { 1 } else { self.m };
        let rows = if self.paired { vec![self.n] } else { vec![self.n, self.m] };
        let shape = [self.batch.axes, rows.as_slice()].concat();
        if result.shape() != shape {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {shape:?}", result.shape())));
        }
        let mut comparison = Comparison::default();
        let function = self.function.pair_function(self.d)?;
        let result: Vec<f32> = result.into_iter().collect();
        for at in sampled(result.len()) {
            let (number, i) = (at / (self.n * columns), at / columns % self.n);
            let j = if self.paired { i } else { at % columns };
            let (own, Some(&got)) = (members.get(number), result.get(at)) else { continue };
            let (Some(x), Some(y)) = (if self.batch.shares_x() { members.first() } else { own }, own) else { continue };
            let (want, bound) = self.expected(&function, x.x.view(), y.y.view(), i, j);
            comparison.entry(|| format!("matrix {number}, [{i}, {j}]"), got, want, bound);
        }
        Ok(comparison)
    }

    /// The rows of a member of the batch, as the device will have them.
    fn rows(&self, generator: &mut Generator) -> Rows {
        let domain = self.function.domain();
        let stored = |value: f32| {
            let value = fit(domain, value);
            if self.half { f16::from_f32(value).to_f32() } else { value }
        };
        let (x, mut y) = self.values.rows(self.n, self.m, self.d, generator);
        if self.is_with_itself() {
            y.assign(&x);
        }
        Rows { x: x.mapv(stored), y: y.mapv(stored) }
    }

    /// Whether x is given as y too.
    fn is_with_itself(&self) -> bool {
        let batched = self.values == Values::Same && self.batch.members() > 1 && !self.batch.shares_x();
        (self.paired && matches!(self.function, Function::Kernel(_))) || (batched && self.n == self.m)
    }

    fn recorded<E: Real + HostElement<Device = E>>(
        &self,
        context: &Context,
        members: &[Rows],
        poison: E,
        stored: impl Fn(f32) -> E,
    ) -> Result<Tensor> {
        let shown = if self.batch.shares_x() { &members[..members.len().min(1)] } else { members };
        let x: Vec<Array2<E>> = shown.iter().map(|rows| rows.x.mapv(&stored)).collect();
        let y: Vec<Array2<E>> = members.iter().map(|rows| rows.y.mapv(&stored)).collect();
        let x = self.batch.upload(context, &x, (self.n, self.d), self.placements.0, poison, self.batch.shares_x())?;
        let y = match self.is_with_itself() {
            true => x.clone(),
            false => self.batch.upload(context, &y, (self.m, self.d), self.placements.1, poison, false)?,
        };
        match &self.function {
            Function::Metric(metric) if self.paired => paired_distances(&x, &y, metric),
            Function::Metric(metric) => pairwise(&x, &y, metric),
            Function::Kernel(kernel) if self.paired => gram_diag(&x, kernel),
            Function::Kernel(kernel) => gram(&x, &y, kernel),
            Function::PerFeature(_) => Err(Error::argument("gram", "kernel", "must be fitted to the features")),
        }
    }

    fn expected(
        &self,
        function: &PairFunction,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
        i: usize,
        j: usize,
    ) -> (f64, f64) {
        let wide = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
        let (a, b) = (wide(x.row(i)), wide(y.row(j)));
        self.function.expected(function, &a, &b)
    }
}
