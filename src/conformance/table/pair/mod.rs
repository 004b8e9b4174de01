//! Metrics and kernels over pairs of rows: every one in [`Metric::all`] and every leaf of the kernel grammar.

mod batch;
mod values;

use half::f16;
use ndarray::{Array2, ArrayView2};

use super::{Body, sampled, settings};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::layout::Placement;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::{Domain, Metric};
use crate::ops::{gram, gram_diag, paired_distances, pairwise};
use crate::tensor::{HostElement, Real, Tensor};
use batch::Batch;
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

/// Rows, columns and features. Tiles are powers of two up to 128, so one less, the size itself and one more stand for
/// every tile.
const SIZES: [(usize, usize, usize); 12] = [
    (0, 5, 3),
    (5, 0, 3),
    (4, 3, 0),
    (1, 1, 1),
    (7, 9, 3),
    (15, 17, 64),
    (16, 16, 65),
    (31, 33, 63),
    (64, 64, 7),
    (65, 63, 1),
    (17, 131, 13),
    (129, 127, 16),
];
/// Sizes with so many features that a few rows are enough.
const DEEP: [(usize, usize, usize); 2] = [(9, 7, 784), (3, 5, 4096)];

/// Every way to compose kernels, each by itself.
pub(in crate::conformance) const RULES: [(&str, &str); 5] = [
    ("sum", "rbf(0.9) + linear"),
    ("product", "rbf(0.9) * linear"),
    ("power", "(linear + 2)**3"),
    ("scale", "2.5 * rbf(0.9)"),
    ("columns", "rbf(0.9)[0]"),
];

/// What varies the text of a kernel, and kernels that are composed in several ways.
const FORMULAS: [&str; 14] = [
    "matern(nu=0.5)",
    "matern(nu=2.5)",
    "matern(nu=0.8)",
    "matern(nu=inf)",
    "polyharmonic(degree=4)",
    "wendland(length_scale=3, q=3)",
    "arc_cosine(order=0)",
    "arc_cosine(order=2)",
    "ntk_relu(depth=3)",
    "bernoulli(order=2, gamma=0.1)",
    "walsh(order=3, gamma=0.1)",
    "spectral_mixture([0.5, 0.25], means=[0.1, 0.7], scales=[0.5, 0.2])",
    "2.5*rbf(0.9) + 0.3*rq(1.2, alpha=0.5)*dot_product(0.8)",
    "0.5*(rbf(0.9) + linear)[0]**2 + laplacian(0.1)*cosine(columns=0)",
];

/// A positive definite matrix.
fn precision(d: usize) -> Option<Vec<Vec<f64>>> {
    let table = Metric::MAHALANOBIS.example(d)?.weights.filter(|table| !table.is_empty())?;
    Some(table.chunks(d.max(1)).map(|row| row.iter().map(|entry| f64::from(*entry)).collect()).collect())
}

/// Kernels with numbers of their own for each feature.
const PER_FEATURE: [(&str, fn(usize) -> Option<Kernel>); 3] = [
    ("rbf(length_scale per feature)", |d| {
        Some(Kernel::rbf_length((0..d).map(|f| 1.0 + f as f64 % 3.0).collect::<Vec<_>>()))
    }),
    ("rbf(precision)", |d| Some(Kernel::rbf_precision(precision(d)?))),
    ("2*rbf(precision) + linear", |d| Some(2.0 * Kernel::rbf_precision(precision(d)?) + Kernel::linear())),
];

/// Every named kernel with its defaults, the rules, the formulas, and kernels with numbers for each feature.
pub(super) fn kernels() -> Vec<(String, Function)> {
    let named = Kernel::all().iter().filter_map(|entry| Some((entry.name.to_owned(), Kernel::new(entry, []).ok()?)));
    let formulas = FORMULAS.iter().filter_map(|text| Some(((*text).to_owned(), text.parse().ok()?)));
    let rules = RULES.iter().filter_map(|(rule, text)| Some((format!("{rule}: {text}"), text.parse().ok()?)));
    let fixed = named.chain(rules).chain(formulas).map(|(name, kernel)| (name, Function::Kernel(kernel)));
    fixed.chain(PER_FEATURE.map(|(name, kernel)| (name.to_owned(), Function::PerFeature(kernel)))).collect()
}

/// One function of each kind that the skeletons treat differently meets every size in the sample; the others, which differ from
/// one of these in their text only, meet a third of the sizes each, and together all of them many times.
const THOROUGH: [&str; 8] = [
    "sqeuclidean",
    "chebyshev",
    "minkowski",
    "cosine",
    "mahalanobis",
    "rbf",
    "rbf(precision)",
    "2.5*rbf(0.9) + 0.3*rq(1.2, alpha=0.5)*dot_product(0.8)",
];

/// One metric for each way to make other rows first.
const PREPARED: [&str; 3] = ["correlation", "jensenshannon", "sqeuclidean_expanded"];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let metrics = Metric::all().into_iter().map(|metric| (metric.name.to_string(), Function::Metric(metric)));
    let functions: Vec<(String, Function)> = metrics.chain(kernels()).collect();
    let sizes: Vec<_> = SIZES.into_iter().chain(DEEP).collect();
    let placements: Vec<_> = Placement::ALL.into_iter().flat_map(|x| Placement::ALL.map(|y| (x, y))).collect();
    let mut trials = Vec::new();
    for row in settings(extent, &[functions.len(), sizes.len(), placements.len(), Values::ALL.len()]) {
        let [f, s, p, v] = row[..] else { continue };
        let chosen = (functions.get(f), sizes.get(s), placements.get(p), Values::ALL.get(v));
        let (Some((name, function)), Some(&(n, m, d)), Some(&placements), Some(&values)) = chosen else { continue };
        if extent == Extent::Sample && !THOROUGH.contains(&name.as_str()) && (f + s) % 3 != 0 {
            continue;
        }
        let Some((function, d)) = function.fitted(d) else { continue };
        trials.push(PairTrial { placements, ..PairTrial::plain(function, (n, m, d), values) }.named(name));
    }
    for (name, function) in &functions {
        let Function::Metric(_) = function else { continue };
        for ((n, d), values) in
            [((0, 3), Values::Bell), ((1, 1), Values::Whole), ((131, 17), Values::Same), ((65, 64), Values::Bell)]
        {
            let placements = (Placement::Columns, Placement::Rows);
            let Some((function, d)) = function.fitted(d) else { continue };
            let trial = PairTrial::plain(function, (n, n, d), values);
            trials.push(PairTrial { paired: true, placements, ..trial }.named(name));
        }
    }
    for (name, function) in &functions {
        if matches!(function, Function::Metric(_)) {
            continue;
        }
        let all = [((131, 17), Values::Bell), ((1, 1), Values::Whole), ((65, 64), Values::NotFinite)];
        for ((n, d), values) in all.into_iter().take(if extent == Extent::Sample { 1 } else { 3 }) {
            let placements = (Placement::Columns, Placement::Columns);
            let Some((function, d)) = function.fitted(d) else { continue };
            let trial = PairTrial::plain(function, (n, n, d), values);
            trials.push(PairTrial { paired: true, placements, ..trial }.named(name));
        }
    }
    for (name, function) in &functions {
        let Function::Metric(_) = function else { continue };
        if extent == Extent::Sample && !THOROUGH.contains(&name.as_str()) {
            continue;
        }
        // More features than one invocation may loop over on a driver that stops after 65,535 iterations.
        let Some((function, d @ 300_000)) = function.fitted(300_000) else { continue };
        trials.push(PairTrial::plain(function, (2, 2, d), Values::Bell).named(name));
    }
    // More row panels than one dimension of a grid holds; then an output larger than one binding.
    let mut large = vec![(4_200_000, 1, 1)];
    if extent == Extent::Full {
        large.extend([(17_000_000, 1, 1), (6000, 6000, 3), (1, 17_000_000, 1)]);
    }
    for (n, m, d) in large {
        let function = Function::Metric(Metric::EUCLIDEAN);
        trials.push(PairTrial::plain(function, (n, m, d), Values::Bell).named("euclidean"));
    }
    trials.extend(halves(extent, &functions));
    trials.extend(batches(extent, &functions));
    trials
}

/// Rows of halves: odd counts, so that rows begin and end within words.
fn halves(extent: Extent, functions: &[(String, Function)]) -> Vec<Trial> {
    const SIZES: [(usize, usize, usize); 7] =
        [(5, 0, 3), (1, 1, 1), (7, 9, 3), (31, 33, 65), (17, 131, 13), (9, 7, 784), (129, 127, 16)];
    const PLACEMENTS: [(Placement, Placement); 4] = [
        (Placement::Contiguous, Placement::Contiguous),
        (Placement::Rows, Placement::Columns),
        (Placement::Columns, Placement::Transposed),
        (Placement::Transposed, Placement::Rows),
    ];
    // Words of bits have no use for halves.
    let real = |function: &Function| function.domain() != Domain::Halves;
    let chosen = |name: &str| extent == Extent::Full || THOROUGH.contains(&name) || PREPARED.contains(&name);
    let functions: Vec<_> = functions.iter().filter(|(name, function)| real(function) && chosen(name)).collect();
    let values: Vec<Values> = Values::ALL.into_iter().chain([Values::Halves]).collect();
    let mut trials = Vec::new();
    for row in settings(extent, &[functions.len(), SIZES.len(), PLACEMENTS.len(), values.len()]) {
        let [f, s, p, v] = row[..] else { continue };
        let chosen = (functions.get(f), SIZES.get(s), PLACEMENTS.get(p), values.get(v));
        let (Some((name, function)), Some(&(n, m, d)), Some(&placements), Some(&values)) = chosen else { continue };
        let Some((function, d)) = function.fitted(d) else { continue };
        let trial = PairTrial { half: true, placements, ..PairTrial::plain(function, (n, m, d), values) };
        if n == m || s % 2 == 0 {
            trials.push(PairTrial { paired: true, m: n, ..trial.clone() }.named(name));
        }
        trials.push(trial.named(name));
    }
    let product = Function::Metric(Metric::INNER_PRODUCT);
    for (paired, m) in [(false, 1), (true, 1 << 16)] {
        let trial = PairTrial::plain(product.clone(), (1 << 16, m, 1), Values::EveryHalf);
        trials.push(PairTrial { half: true, paired, ..trial }.named("inner_product"));
    }
    // Longer than one invocation may loop on a driver that stops after 65,535 iterations, and odd.
    for (name, metric) in [("sqeuclidean", Metric::SQEUCLIDEAN), ("minkowski", Metric::minkowski(3.0))] {
        let trial = PairTrial::plain(Function::Metric(metric), (2, 3, 100_001), Values::Bell);
        trials.push(PairTrial { half: true, ..trial }.named(name));
    }
    trials
}

/// Batches of every kind, of f32 and of halves.
fn batches(extent: Extent, functions: &[(String, Function)]) -> Vec<Trial> {
    const SIZES: [(usize, usize, usize); 6] = [(7, 9, 3), (1, 1, 1), (4, 3, 0), (33, 17, 5), (19, 19, 7), (65, 70, 65)];
    const PLACEMENTS: [(Placement, Placement); 2] =
        [(Placement::Contiguous, Placement::Transposed), (Placement::Columns, Placement::Rows)];
    const VALUES: [Values; 3] = [Values::Bell, Values::Same, Values::NotFinite];
    let chosen = |name: &str| extent == Extent::Full || THOROUGH.contains(&name) || PREPARED.contains(&name);
    let functions: Vec<_> = functions.iter().filter(|(name, _)| chosen(name)).collect();
    let levels = [functions.len(), Batch::ALL.len(), SIZES.len(), PLACEMENTS.len(), VALUES.len(), 2];
    let mut trials = Vec::new();
    for row in settings(extent, &levels) {
        let [f, b, s, p, v, half] = row[..] else { continue };
        let chosen = (functions.get(f), Batch::ALL.get(b), SIZES.get(s), PLACEMENTS.get(p), VALUES.get(v));
        let (Some((name, function)), Some(&batch), Some(&(n, m, d)), Some(&placements), Some(&values)) = chosen else {
            continue;
        };
        let half = half == 1 && function.domain() != Domain::Halves;
        let Some((function, d)) = function.fitted(d) else { continue };
        let trial = PairTrial { half, batch, placements, ..PairTrial::plain(function, (n, m, d), values) };
        trials.push(trial.named(name));
    }
    for (name, function) in functions {
        let Some((function, d)) = function.fitted(5) else { continue };
        let trial = PairTrial::plain(function, (13, 13, d), Values::Bell);
        let batch = Batch { axes: &[2, 3], lie: batch::Lie::Apart };
        trials.push(PairTrial { paired: true, half: d % 2 == 1, batch, ..trial }.named(name));
    }
    let mut seen = std::collections::HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_and_every_kernel_has_trials() {
        assert_eq!(kernels().len(), Kernel::all().len() + RULES.len() + FORMULAS.len() + PER_FEATURE.len());
        for extent in [Extent::Sample, Extent::Full] {
            let mut counts = std::collections::HashMap::new();
            trials(extent).into_iter().for_each(|trial| *counts.entry(trial.op).or_insert(0) += 1);
            let count = |op: &str, name: &str| counts.get(&format!("{op}::{name}")).copied().unwrap_or(0);
            let least = |name: &str| match extent {
                Extent::Sample if !THOROUGH.contains(&name) => SIZES.len() / 3,
                _ => SIZES.len(),
            };
            for metric in Metric::all() {
                assert!(count("pairwise", &metric.name) >= least(&metric.name), "{}", metric.name);
                assert!(count("paired", &metric.name) > 0, "{}", metric.name);
            }
            for (name, _) in kernels() {
                assert!(count("gram", &name) >= least(&name), "{name}");
                assert!(count("gram_diag", &name) > 0, "{name}");
            }
            for name in THOROUGH {
                assert!(count("pairwise", name) + count("gram", name) >= SIZES.len(), "{name}");
            }
        }
    }
}
