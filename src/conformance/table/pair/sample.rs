//! Which functions, shapes and rows the trials of the pair skeleton are made of.

use super::super::settings;
use super::batch::{Batch, Lie};
use super::{Function, PairTrial, Values};
use crate::conformance::layout::Placement;
use crate::conformance::trial::{Extent, Trial};
use crate::kernel::Kernel;
use crate::metric::{Domain, Metric};

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
pub(in super::super) fn kernels() -> Vec<(String, Function)> {
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

pub(in super::super) fn trials(extent: Extent) -> Vec<Trial> {
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
        let batch = Batch { axes: &[2, 3], lie: Lie::Apart };
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
