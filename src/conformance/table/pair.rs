//! Metrics and kernels over pairs of rows: every one in [`Metric::all`] and every leaf of the kernel grammar.

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

/// Which function of two rows.
#[derive(Debug, Clone)]
pub(crate) enum Function {
    /// A distance.
    Metric(Metric),
    /// A kernel.
    Kernel(Kernel),
    /// A kernel with numbers of its own for each feature.
    PerFeature(fn(usize) -> Option<Kernel>),
}

impl Function {
    pub(super) fn pair_function(&self, d: usize) -> Result<PairFunction> {
        match self {
            Self::Metric(metric) => Ok(PairFunction::from(metric)),
            Self::Kernel(kernel) => kernel.pair_function(d),
            Self::PerFeature(kernel) => match kernel(d) {
                Some(kernel) => kernel.pair_function(d),
                None => Err(Error::argument("kernel", format!("{d} features"), "have no such kernel")),
            },
        }
    }

    /// The value for two rows, and how far a device's may be from it.
    pub(super) fn expected(&self, function: &PairFunction, a: &[f64], b: &[f64]) -> (f64, f64) {
        let (value, bound) = function.evaluate_with_bound(a, b);
        // The correlation of constant rows is no number, be they equal or not.
        if self.zero_on_self() && a == b && value.is_finite() {
            return (0.0, 0.0);
        }
        // A kernel is held against its textbook form, which does not go through the expression that the shader is made of.
        match self {
            Self::Kernel(kernel) if value.is_finite() => (kernel.definition(a, b).unwrap_or(f64::NAN), bound),
            _ => (value, bound),
        }
    }

    /// What the features of a row may be.
    pub(super) fn domain(&self) -> Domain {
        match self {
            Self::Metric(metric) => metric.domain,
            Self::Kernel(_) | Self::PerFeature(_) => Domain::Real,
        }
    }

    /// The function for rows of about `d` features, with some table where it needs one, and how many they must be.
    pub(super) fn fitted(&self, d: usize) -> Option<(Self, usize)> {
        match self {
            Self::Metric(metric) => {
                let d = metric.features.unwrap_or(d);
                Some((Self::Metric(metric.clone().example(d)?), d))
            }
            // A row without features has no first column.
            Self::Kernel(kernel) => kernel.check(d).is_ok().then(|| (self.clone(), d)),
            // Made for so many features; to check a large matrix for every trial of the table takes minutes.
            Self::PerFeature(kernel) => Some((Self::Kernel(kernel(d)?), d)),
        }
    }

    fn zero_on_self(&self) -> bool {
        matches!(self, Self::Metric(metric) if metric.zero_on_self)
    }
}

/// A number of a domain for any number. NaN and infinities stay where the domain has room for them.
pub(super) fn fit(domain: Domain, value: f32) -> f32 {
    match domain {
        Domain::Real | Domain::Angles => value,
        Domain::NonNegative => value.abs(),
        Domain::Boolean if value.is_finite() => f32::from(u8::from(value > 0.0)),
        Domain::Boolean => value,
        Domain::Halves if value.is_finite() => (value.abs() * 5000.0).floor() % 65_536.0,
        Domain::Halves => 0.0,
    }
}

/// What the rows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// Bell-shaped around 0, scaled so that distances stay near 1 whatever the number of features.
    Bell,
    /// Points 1e-3 apart, 1e4 from the origin: an expanded |x|² − 2xy + |y|² loses all of it.
    NearDuplicates,
    /// y repeats the rows of x: d(x, x) must be exactly 0 where the metric says so.
    Same,
    /// Small whole numbers with many ties and some rows of zeros.
    Whole,
    /// NaN and infinities in some rows, which must not touch the others.
    NotFinite,
}

impl Values {
    pub(super) const ALL: [Self; 5] = [Self::Bell, Self::NearDuplicates, Self::Same, Self::Whole, Self::NotFinite];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::NearDuplicates => "near-duplicates",
            Self::Same => "same",
            Self::Whole => "whole",
            Self::NotFinite => "not-finite",
        }
    }

    pub(super) fn rows(self, n: usize, m: usize, d: usize, generator: &mut Generator) -> (Array2<f32>, Array2<f32>) {
        let scale = 1.0 / (d.max(1) as f32).sqrt();
        let far = 1e4 * scale;
        let mut x = Array2::zeros((n, d));
        let mut y = Array2::zeros((m, d));
        for matrix in [&mut x, &mut y] {
            matrix.mapv_inplace(|_: f32| match self {
                Self::Bell | Self::Same | Self::NotFinite => generator.bell() * scale,
                Self::NearDuplicates => far + 1e-3 * generator.bell() * scale.max(0.1),
                Self::Whole => generator.below(4) as f32 - 1.0,
            });
        }
        match self {
            Self::Same => {
                for (j, mut row) in y.rows_mut().into_iter().enumerate() {
                    if n > 0 {
                        row.assign(&x.row(j % n));
                    }
                }
            }
            Self::Whole => x.rows_mut().into_iter().step_by(5).for_each(|mut row| row.fill(0.0)),
            Self::NotFinite => {
                let poison = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
                for (matrix, every) in [(&mut x, 4), (&mut y, 7)] {
                    for mut row in matrix.rows_mut().into_iter().step_by(every) {
                        let (at, value) = (generator.below(d), generator.below(poison.len()));
                        if let (Some(entry), Some(value)) = (row.get_mut(at), poison.get(value)) {
                            *entry = *value;
                        }
                    }
                }
            }
            Self::Bell | Self::NearDuplicates => {}
        }
        (x, y)
    }
}

/// One trial of the pair skeleton.
#[derive(Debug, Clone)]
pub(crate) struct PairTrial {
    function: Function,
    /// Only pairs (i, i); then n = m.
    paired: bool,
    n: usize,
    m: usize,
    d: usize,
    placements: (Placement, Placement),
    values: Values,
}

impl PairTrial {
    fn named(self, op: &str, name: &str) -> Trial {
        let op = format!("{op}::{name}");
        let setting = format!(
            "{}x{}x{} {}×{} {}",
            self.n,
            self.m,
            self.d,
            self.placements.0.name(),
            self.placements.1.name(),
            self.values.name()
        );
        Trial::new(op, setting, Body::Pair(self))
    }

    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let domain = self.function.domain();
        let (x, mut y) = self.values.rows(self.n, self.m, self.d, &mut Generator::named(name));
        if self.paired && matches!(self.function, Function::Kernel(_)) {
            y.assign(&x);
        }
        let (x, y) = (x.mapv(|value| fit(domain, value)), y.mapv(|value| fit(domain, value)));
        let device_x = self.placements.0.upload(context, x.view(), f32::NAN)?;
        let device_y = self.placements.1.upload(context, y.view(), f32::NAN)?;
        let result = match &self.function {
            Function::Metric(metric) if self.paired => paired_distances(&device_x, &device_y, metric)?,
            Function::Metric(metric) => pairwise(&device_x, &device_y, metric)?,
            Function::Kernel(kernel) if self.paired => gram_diag(&device_x, kernel)?,
            Function::Kernel(kernel) => gram(&device_x, &device_y, kernel)?,
            Function::PerFeature(_) => return Err(Error::argument("gram", "kernel", "must be fitted to the features")),
        };
        let result = result.read().await?;
        let shape = if self.paired { vec![self.n] } else { vec![self.n, self.m] };
        if result.shape() != shape {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {shape:?}", result.shape())));
        }
        let mut comparison = Comparison::default();
        let function = self.function.pair_function(self.d)?;
        let result: Vec<f32> = result.into_iter().collect();
        for at in sampled(result.len()) {
            let (i, j) = if self.paired { (at, at) } else { (at / self.m, at % self.m) };
            let Some(&got) = result.get(at) else { continue };
            let (want, bound) = self.expected(&function, x.view(), y.view(), i, j);
            comparison.entry(|| format!("[{i}, {j}]"), got, want, bound);
        }
        Ok(comparison)
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
        let op = if matches!(function, Function::Metric(_)) { "pairwise" } else { "gram" };
        let Some((function, d)) = function.fitted(d) else { continue };
        let trial = PairTrial { function, paired: false, n, m, d, placements, values };
        trials.push(trial.named(op, name));
    }
    let contiguous = (Placement::Contiguous, Placement::Contiguous);
    for (name, function) in &functions {
        let Function::Metric(_) = function else { continue };
        for ((n, d), values) in
            [((0, 3), Values::Bell), ((1, 1), Values::Whole), ((131, 17), Values::Same), ((65, 64), Values::Bell)]
        {
            let placements = (Placement::Columns, Placement::Rows);
            let Some((function, d)) = function.fitted(d) else { continue };
            let trial = PairTrial { function, paired: true, n, m: n, d, placements, values };
            trials.push(trial.named("paired", name));
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
            let trial = PairTrial { function, paired: true, n, m: n, d, placements, values };
            trials.push(trial.named("gram_diag", name));
        }
    }
    for (name, function) in &functions {
        let Function::Metric(_) = function else { continue };
        if extent == Extent::Sample && !THOROUGH.contains(&name.as_str()) {
            continue;
        }
        // More features than one invocation may loop over on a driver that stops after 65,535 iterations.
        let Some((function, d @ 300_000)) = function.fitted(300_000) else { continue };
        let long = PairTrial { function, paired: false, n: 2, m: 2, d, placements: contiguous, values: Values::Bell };
        trials.push(long.named("pairwise", name));
    }
    // More row panels than one dimension of a grid holds; then an output larger than one binding.
    let mut large = vec![(4_200_000, 1, 1)];
    if extent == Extent::Full {
        large.extend([(17_000_000, 1, 1), (6000, 6000, 3), (1, 17_000_000, 1)]);
    }
    for (n, m, d) in large {
        let function = Function::Metric(Metric::EUCLIDEAN);
        let trial = PairTrial { function, paired: false, n, m, d, placements: contiguous, values: Values::Bell };
        trials.push(trial.named("pairwise", "euclidean"));
    }
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
