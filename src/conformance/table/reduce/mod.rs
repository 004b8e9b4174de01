//! Reductions of metrics and kernels over the rows of y: every reduction, and every function through one of them.

mod judge;
mod kind;

use half::f16;
use ndarray::{Array2, Array3, Axis};

use super::pair::{Function, Values, fit, kernels};
use super::{Body, settings};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::layout::Placement;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::Metric;
use crate::ops::{
    ReduceOptions, count_within, largest, log_sum_exp, pair_mean, pair_sum, smallest, softmax_sum, sum_within,
};
use crate::tensor::{Element, HostElement, Real, Tensor};
use judge::{Found, Judge};
use kind::{Kind, Meeting};

/// One trial of a reduction.
#[derive(Debug, Clone)]
pub(crate) struct ReduceTrial {
    function: Function,
    kind: Kind,
    /// Rows are stored as f16.
    half: bool,
    /// Members of the batch.
    batch: usize,
    n: usize,
    m: usize,
    d: usize,
    /// Columns of the values, or how many are searched for.
    columns: usize,
    placements: (Placement, Placement),
    values: Values,
    meeting: Meeting,
}

/// What a trial draws from its name; a matrix per member of the batch.
struct Drawn {
    x: Vec<Array2<f32>>,
    y: Vec<Array2<f32>>,
    v: Vec<Array2<f32>>,
    radius: f32,
}

impl ReduceTrial {
    fn named(self, name: &str) -> Trial {
        let op = format!("reduce::{} of {name}", self.kind.name());
        let batch = if self.batch > 1 { format!("{}·", self.batch) } else { String::new() };
        let setting = format!(
            "{}{batch}{}x{}x{} c{} {}×{} {} {}",
            if self.half { "f16 " } else { "" },
            self.n,
            self.m,
            self.d,
            self.columns,
            self.placements.0.name(),
            self.placements.1.name(),
            self.values.name(),
            self.meeting.name()
        );
        Trial::new(op, setting, Body::Reduce(self))
    }

    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let pair = self.function.pair_function(self.d)?;
        let options = self.meeting.options(self.n, self.m, self.kind == Kind::Compensated);
        let drawn = self.draw(&pair, &mut Generator::named(name));
        let k = self.columns.min(self.partners());
        let found = match self.recorded(context, &pair, &drawn, &options, k) {
            // To search among nothing is refused.
            Err(Error::InvalidArgument { .. }) if self.kind.is_search() && k == 0 => return Ok(Comparison::default()),
            other => other?,
        };
        let columns = match self.kind {
            kind if kind.is_search() => k,
            kind if kind.is_weighted() => self.columns,
            _ => 1,
        };
        let want = self.batch * self.n * columns;
        if found.len() != want {
            return Ok(Comparison::broken(format!("there are {} entries, not {want}", found.len())));
        }
        let found = found.read().await?;
        let mut comparison = Comparison::default();
        let judge = Judge { trial: self, pair: &pair, drawn: &drawn, options: &options, columns };
        for row in self.judged_rows() {
            judge.row(row, &found, &mut comparison);
        }
        Ok(comparison)
    }

    /// Rows of y that a row of x may meet, as the op counts them.
    fn partners(&self) -> usize {
        let own = self.meeting.excludes_self() && self.n <= self.m;
        self.m.saturating_sub(usize::from(own))
    }

    /// Rows of the batch that are compared: all of a few, else the ends and some between.
    fn judged_rows(&self) -> Vec<usize> {
        const PAIRS: usize = 20_000;
        let rows = self.batch * self.n;
        let wanted = (PAIRS / self.m.max(1)).clamp(2, 24);
        if rows <= wanted {
            return (0..rows).collect();
        }
        (0..wanted).map(|at| at * (rows - 1) / (wanted - 1)).collect()
    }

    fn draw(&self, pair: &PairFunction, generator: &mut Generator) -> Drawn {
        let columns = if self.kind.is_weighted() { self.columns } else { 1 };
        let (mut xs, mut ys, mut vs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.batch {
            let (x, y) = self.values.rows(self.n, self.m, self.d, generator);
            let domain = self.function.domain();
            let stored = |value: f32| {
                let value = fit(domain, value);
                if self.half { f16::from_f32(value).to_f32() } else { value }
            };
            let (x, y) = (x.mapv(stored), y.mapv(stored));
            xs.push(x);
            ys.push(y);
            vs.push(Array2::from_shape_simple_fn((self.m, columns), || match self.kind {
                // Weights of a logarithm are not negative, and some are 0.
                Kind::WeightedLogSumExp => (generator.bell().abs() - 0.3).max(0.0),
                _ => generator.bell(),
            }));
        }
        // A radius between the values, so that few pairs are doubtful.
        let middle = || {
            let wide = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let (x, y) = (xs.first()?, ys.first()?);
            let at = x.nrows().checked_sub(1)?;
            let row = (0..y.nrows()).map(|j| pair.evaluate(&wide(x.row(at)), &wide(y.row(j))));
            let mut row: Vec<f64> = row.filter(|value| value.is_finite()).take(400).collect();
            row.sort_by(f64::total_cmp);
            let (low, high) = (row.get(row.len() / 3)?, row.get(row.len() / 3 + 1)?);
            Some(((low + high) / 2.0) as f32)
        };
        let radius = middle().filter(|radius| radius.is_finite()).unwrap_or(0.5);
        Drawn { x: xs, y: ys, v: vs, radius }
    }

    fn recorded(
        &self,
        context: &Context,
        pair: &PairFunction,
        drawn: &Drawn,
        options: &ReduceOptions,
        k: usize,
    ) -> Result<Found> {
        if self.half {
            let halves = |rows: &[Array2<f32>]| rows.iter().map(|x| x.mapv(f16::from_f32)).collect::<Vec<_>>();
            let (x, y) = (halves(&drawn.x), halves(&drawn.y));
            let x = placed(context, &x, self.placements.0, f16::NAN)?;
            let y = placed(context, &y, self.placements.1, f16::NAN)?;
            return self.reduced(context, (&x, &y), pair, drawn, options, k);
        }
        let x = placed(context, &drawn.x, self.placements.0, f32::NAN)?;
        let y = placed(context, &drawn.y, self.placements.1, f32::NAN)?;
        self.reduced(context, (&x, &y), pair, drawn, options, k)
    }

    fn reduced<E: Real>(
        &self,
        context: &Context,
        (x, y): (&Tensor<E>, &Tensor<E>),
        pair: &PairFunction,
        drawn: &Drawn,
        options: &ReduceOptions,
        k: usize,
    ) -> Result<Found> {
        let v = || -> Result<Tensor> {
            let v = placed(context, &drawn.v, self.placements.1, f32::NAN)?;
            // A vector of values where there is one column, in every other trial.
            if self.columns == 1 && self.n.is_multiple_of(2) { v.reshape(&v.shape()[..v.rank() - 1]) } else { Ok(v) }
        };
        let radius = drawn.radius;
        Ok(match self.kind {
            Kind::Sum | Kind::Compensated => Found::Rows(pair_sum(x, y, pair, Some(&v()?), options)?),
            Kind::SumOfOnes => Found::Rows(pair_sum(x, y, pair, None, options)?),
            Kind::Mean => Found::Rows(pair_mean(x, y, pair, Some(&v()?), options)?),
            Kind::LogSumExp => Found::Rows(log_sum_exp(x, y, pair, None, options)?),
            Kind::WeightedLogSumExp => Found::Rows(log_sum_exp(x, y, pair, Some(&v()?), options)?),
            Kind::SoftmaxSum => Found::Rows(softmax_sum(x, y, pair, &v()?, options)?),
            Kind::Smallest => Found::Extremes(smallest(x, y, pair, k, options)?),
            Kind::Largest => Found::Extremes(largest(x, y, pair, k, options)?),
            Kind::Count => Found::Counts(count_within(x, y, pair, radius, options)?),
            Kind::SumWithin => Found::Rows(sum_within(x, y, pair, radius, Some(&v()?), options)?),
            Kind::SumOfValuesWithin => Found::Rows(sum_within(x, y, pair, radius, None, options)?),
        })
    }
}

/// One matrix, or several as a batch.
fn placed<E: Element + HostElement<Device = E>>(
    context: &Context,
    matrices: &[Array2<E>],
    placement: Placement,
    poison: E,
) -> Result<Tensor<E>> {
    if let [only] = matrices {
        return placement.upload(context, only.view(), poison);
    }
    let views: Vec<_> = matrices.iter().map(|matrix| matrix.view()).collect();
    let stacked: Array3<E> =
        ndarray::stack(Axis(0), &views).map_err(|error| Error::shape("reduce", error.to_string()))?;
    context.upload(&stacked)
}

/// The names of all reductions.
#[cfg(test)]
pub(in crate::conformance) fn reductions() -> [&'static str; Kind::ALL.len()] {
    Kind::ALL.map(Kind::name)
}

/// Rows of x and y, and features: nothing, one, odd, what splits tiles, slices of columns and workgroups.
const SIZES: [(usize, usize, usize); 9] =
    [(0, 5, 3), (5, 0, 3), (1, 1, 1), (4, 3, 0), (7, 9, 3), (65, 131, 63), (2, 4099, 3), (5, 1100, 64), (3, 40, 784)];

/// Columns of values, or numbers of neighbours.
const COLUMNS: [usize; 7] = [1, 3, 5, 8, 16, 17, 64];

fn trial(function: &Function, kind: Kind, (n, m, d): (usize, usize, usize), columns: usize) -> ReduceTrial {
    ReduceTrial {
        function: function.clone(),
        kind,
        half: false,
        batch: 1,
        n,
        m,
        d,
        columns,
        placements: (Placement::Contiguous, Placement::Contiguous),
        values: Values::Bell,
        meeting: Meeting::All,
    }
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let metrics = Metric::all().into_iter().map(|metric| (metric.name.to_string(), Function::Metric(metric)));
    let functions: Vec<(String, Function)> = metrics.chain(kernels()).collect();
    let mut trials = Vec::new();
    // Every reduction in every setting, over three functions.
    let some = [
        ("sqeuclidean", Function::Metric(Metric::SQEUCLIDEAN)),
        ("rbf(0.7)", Function::Kernel(Kernel::rbf_length(0.7))),
        ("cityblock", Function::Metric(Metric::CITYBLOCK)),
    ];
    let levels = [Kind::ALL.len(), SIZES.len(), COLUMNS.len(), Values::ALL.len(), Meeting::ALL.len(), 4, some.len()];
    for row in settings(extent, &levels) {
        let [r, s, c, v, t, p, f] = row[..] else { continue };
        let chosen = (Kind::ALL.get(r), SIZES.get(s), COLUMNS.get(c), Values::ALL.get(v), Meeting::ALL.get(t));
        let (Some(&kind), Some(&size), Some(&columns), Some(&values), Some(&meeting)) = chosen else { continue };
        let (Some((name, function)), Some(&placement)) = (some.get(f), Placement::ALL.get(p)) else { continue };
        let placements = (placement, Placement::ALL[(p + r) % Placement::ALL.len()]);
        trials.push(ReduceTrial { placements, values, meeting, ..trial(function, kind, size, columns) }.named(name));
    }
    // Every function through a reduction.
    for (number, (name, function)) in functions.iter().enumerate() {
        let kind = Kind::ALL[number % Kind::ALL.len()];
        let Some((function, d)) = function.fitted(2 + number % 4) else { continue };
        let own = trial(&function, kind, (19, 45 + number % 7, d), 1 + number % 4);
        trials.push(ReduceTrial { meeting: Meeting::NotSelf, ..own }.named(name));
    }
    // Batches, many neighbours, many rows, and a sum of a million terms.
    for kind in Kind::ALL {
        let [_, (name, function), _] = &some;
        trials.push(
            ReduceTrial { batch: 3, meeting: Meeting::NotSelf, ..trial(function, kind, (6, 70, 4), 3) }.named(name),
        );
    }
    // Rows of halves, which begin and end within words.
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let (name, function) = &some[number % some.len()];
        let placements = (Placement::ALL[number % 4], Placement::ALL[(number + 1) % 4]);
        for (batch, size) in [(1, (7, 131, 63)), (3, (5, 71, 3))] {
            let own = trial(function, kind, size, 3);
            trials.push(ReduceTrial { half: true, batch, placements, ..own }.named(name));
        }
    }
    // Few features, and rows enough for a tree on the CPU.
    for (half, batch, meeting) in [(false, 1, Meeting::NotSelf), (false, 3, Meeting::All), (true, 3, Meeting::NotSelf)]
    {
        let own = trial(&Function::Metric(Metric::EUCLIDEAN), Kind::Smallest, (60, 700, 3), 5);
        trials.push(ReduceTrial { half, batch, meeting, ..own }.named("euclidean"));
    }
    for (kind, size, columns) in [
        (Kind::Smallest, (3, 3000, 3), 1024),
        (Kind::Largest, (2, 1024, 5), 1024),
        (Kind::Smallest, (70_000, 9, 1), 2),
        (Kind::Sum, (70_000, 9, 1), 1),
        (Kind::Sum, (1, 1_000_000, 1), 1),
        (Kind::Compensated, (1, 1_000_000, 1), 1),
        (Kind::LogSumExp, (1, 200_003, 2), 1),
        (Kind::SoftmaxSum, (2, 70_001, 2), 17),
        (Kind::Count, (1, 200_003, 2), 1),
        (Kind::Smallest, (1, 200_003, 2), 10),
        (Kind::Smallest, (2, 70_001, 2), 300),
    ] {
        let [(name, function), ..] = &some;
        trials.push(trial(function, kind, size, columns).named(name));
    }
    trials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_and_every_reduction_has_trials() {
        let trials = trials(Extent::Sample);
        for metric in Metric::all() {
            assert!(trials.iter().any(|trial| trial.op.ends_with(&format!(" of {}", metric.name))), "{}", metric.name);
        }
        for (name, _) in kernels() {
            assert!(trials.iter().any(|trial| trial.op.ends_with(&format!(" of {name}"))), "{name}");
        }
        for kind in Kind::ALL {
            let of = format!("reduce::{} of ", kind.name());
            assert!(trials.iter().filter(|trial| trial.op.starts_with(&of)).count() >= SIZES.len(), "{of}");
        }
    }
}
