//! What must hold for any input: symmetry, positive semi-definite Gram matrices, Parseval's identity, δ ∗ x = x, equal
//! results for every tile, and arguments that are refused without a panic. On every adapter found.
//!
//! `GRISTMILL_PROPERTY_CASES` sets the number of cases per property on an adapter that is not the CPU (default 12; the
//! CPU runs 64, and 10,000 of argument checking).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;
mod arguments;

use gristmill::conformance::{Generator, bounds};
use gristmill::stream::{self, StreamOptions};
use gristmill::{
    Choices, Complex32, Context, ContextOptions, ConvolveOptions, Domain, FftOptions, Kernel, Method, Metric, Mode,
    PairFunction, ReduceOptions, Tensor, Tile, convolve, fft, gemm, gram, ifft, largest, pair_sum, pairwise, reference,
    smallest,
};
use libtest_mimic::Trial;
use ndarray::{Array1, Array2, Ix2, s};
use num_complex::Complex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use adapters::Adapter;

type Check = Result<(), TestCaseError>;
type Property = fn(&Context, usize) -> Result<(), String>;

const PROPERTIES: [(&str, Property); 10] = [
    ("distances are symmetric and 0 on the diagonal", symmetry),
    ("gram matrices are positive semi-definite", positive_semidefinite),
    ("transforms keep the energy and invert", parseval),
    ("convolution with a unit impulse is the identity", impulse),
    ("products of some rows are rows of the product", row_blocks),
    ("views hold what they show", views),
    ("what is streamed is the matrix, whatever is made of the rows first", streamed),
    ("windows of a signal join to its convolution", windows),
    ("a kernel's sums are its matrix times the values", sums_and_products),
    ("the nearest are the least of the matrix, in any order of the rows", nearest),
];

fn main() {
    adapters::run(|adapter| {
        let cpu = adapter.name == "cpu";
        let cases = if cpu { 64 } else { adapters::number("GRISTMILL_PROPERTY_CASES", 12) };
        let trial = |(name, property): (&str, Property)| {
            adapters::trial(adapter, name, move |context| property(context, cases))
        };
        let mut trials: Vec<Trial> = PROPERTIES.into_iter().map(trial).collect();
        if cpu {
            trials.push(adapters::trial(adapter, "10,000 random arguments do not panic", |context| {
                arguments::check(context, adapters::number("GRISTMILL_ARGUMENT_CASES", 10_000))
            }));
        } else {
            let adapter = adapter.clone();
            let name = format!("{}::every tile gives the same within its bounds", adapter.name);
            trials.push(Trial::test(name, move || every_tile(&adapter).map_err(Into::into)));
        }
        trials
    })
}

/// Runs a property; the inputs follow from a seed, so that a failure can be run again.
fn for_all<S: Strategy>(cases: usize, strategy: S, check: impl Fn(S::Value) -> Check) -> Result<(), String> {
    let config = Config { cases: cases as u32, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, proptest::test_runner::TestRng::deterministic_rng(Default::default()));
    runner.run(&strategy, check).map_err(|error| error.to_string())
}

fn fail(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn matrix(n: usize, d: usize, seed: u64) -> Array2<f32> {
    let mut generator = Generator::new(seed);
    let scale = 1.0 / (d.max(1) as f32).sqrt();
    Array2::from_shape_simple_fn((n, d), || generator.bell() * scale)
}

fn read(tensor: &Tensor) -> Result<Array2<f32>, TestCaseError> {
    tensor.read_blocking().map_err(fail)?.into_dimensionality::<Ix2>().map_err(fail)
}

fn wide(row: ndarray::ArrayView1<'_, f32>) -> Vec<f64> {
    row.iter().map(|&value| f64::from(value)).collect()
}

fn complex<'a>(numbers: impl Iterator<Item = &'a f32>) -> Vec<Complex<f64>> {
    numbers.map(|&re| Complex::new(f64::from(re), 0.0)).collect()
}

fn symmetry(context: &Context, cases: usize) -> Result<(), String> {
    let takes_any_rows = |metric: &Metric| metric.domain == Domain::Real && metric.clone().example(1).is_some();
    let metrics: Vec<Metric> = Metric::all().into_iter().filter(takes_any_rows).collect();
    let strategy = (0..metrics.len(), 1..40_usize, 1..40_usize, 1..70_usize, any::<u64>());
    for_all(cases, strategy, |(which, n, m, d, seed)| {
        let metric = &metrics[which].clone().example(d).expect("rows of any length");
        let (x, y) = (matrix(n, d, seed), matrix(m, d, !seed));
        let (device_x, device_y) = (context.upload(&x).map_err(fail)?, context.upload(&y).map_err(fail)?);
        if metric.symmetric {
            let there = read(&pairwise(&device_x, &device_y, metric).map_err(fail)?)?;
            let back = read(&pairwise(&device_y, &device_x, metric).map_err(fail)?)?;
            let function = PairFunction::from(metric);
            for ((i, j), a) in there.indexed_iter() {
                let (_, bound) = function.evaluate_with_bound(&wide(x.row(i)), &wide(y.row(j)));
                let error = f64::from((a - back[[j, i]]).abs());
                prop_assert!(error <= 2.0 * bound, "{}[{i}, {j}]: {a} and {}", metric.name, back[[j, i]]);
            }
        }
        if metric.zero_on_self {
            let own = read(&pairwise(&device_x, &device_x, metric).map_err(fail)?)?;
            prop_assert!(own.diag().iter().all(|value| *value == 0.0), "{}: {:?}", metric.name, own.diag());
        }
        Ok(())
    })
}

/// λ_min(K̂) ≥ −‖E‖_F where |E| is bounded entry by entry: an eigenvalue moves no further than the error's norm (Weyl).
fn positive_semidefinite(context: &Context, cases: usize) -> Result<(), String> {
    let kernels = [
        Kernel::linear(),
        Kernel::polynomial(3, 0.5, 1.0),
        Kernel::rbf(0.7),
        Kernel::laplacian(0.4),
        Kernel::matern(0.5, 1.1),
        Kernel::matern(1.5, 0.6),
        Kernel::matern(2.5, 2.0),
    ];
    for_all(cases, (0..kernels.len(), 1..28_usize, 1..20_usize, any::<u64>()), |(which, n, d, seed)| {
        let x = matrix(n, d, seed);
        let device = context.upload(&x).map_err(fail)?;
        let k = read(&gram(&device, &device, &kernels[which]).map_err(fail)?)?;
        let function = kernels[which].pair_function(d).map_err(fail)?;
        let mut error = 0.0;
        for i in 0..n {
            for j in 0..n {
                error += function.evaluate_with_bound(&wide(x.row(i)), &wide(x.row(j))).1.powi(2);
            }
        }
        let symmetric = faer::Mat::from_fn(n, n, |i, j| 0.5 * (f64::from(k[[i, j]]) + f64::from(k[[j, i]])));
        let values = symmetric.self_adjoint_eigenvalues(faer::Side::Lower).map_err(|e| fail(format!("{e:?}")))?;
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert!(least >= -error.sqrt() - 1e-12, "least eigenvalue {least:e}, bound {:e}", error.sqrt());
        Ok(())
    })
}

fn parseval(context: &Context, cases: usize) -> Result<(), String> {
    for_all(cases, (1..4_usize, 1..600_usize, any::<u64>()), |(batch, n, seed)| {
        let mut generator = Generator::new(seed);
        let x = Array2::from_shape_simple_fn((batch, n), || Complex32::new(generator.bell(), generator.bell()));
        let device = context.upload(&x).map_err(fail)?;
        let spectrum = fft(&device, &FftOptions::default()).map_err(fail)?;
        let back = ifft(&spectrum, &FftOptions::default()).map_err(fail)?;
        let (spectrum, back) = (spectrum.read_blocking().map_err(fail)?, back.read_blocking().map_err(fail)?);
        let energy = |values: ndarray::ArrayView1<'_, Complex32>| {
            values.iter().map(|value| f64::from(value.re).powi(2) + f64::from(value.im).powi(2)).sum::<f64>()
        };
        let tolerance = bounds::fft(&[n]);
        for line in 0..batch {
            let own = energy(x.row(line));
            let flat = spectrum.view().into_dimensionality::<Ix2>().map_err(fail)?;
            let other = energy(flat.row(line)) / n as f64;
            // ‖X̂‖ is within ε of ‖X‖, so its square within 2ε + ε².
            prop_assert!((other - own).abs() <= (2.0 * tolerance + tolerance * tolerance) * own, "{own} and {other}");
            let flat = back.view().into_dimensionality::<Ix2>().map_err(fail)?;
            let difference = Array1::from_shape_fn(n, |j| flat[[line, j]] - x[[line, j]]);
            prop_assert!(energy(difference.view()).sqrt() <= 2.1 * tolerance * own.sqrt(), "n = {n}");
        }
        Ok(())
    })
}

fn impulse(context: &Context, cases: usize) -> Result<(), String> {
    let strategy = (1..30_usize, 1..30_usize, 1..8_usize, 1..8_usize, any::<bool>(), any::<u64>());
    for_all(cases, strategy, |(n, m, k, l, by_transform, seed)| {
        let x = matrix(n, m, seed);
        let mut h = Array2::<f32>::zeros((k, l));
        let at = (seed as usize % k, (seed >> 8) as usize % l);
        h[at] = 1.0;
        let method = if by_transform { Method::Fft } else { Method::Direct };
        let options = ConvolveOptions { mode: Mode::Full, method, ..ConvolveOptions::default() };
        let (device_x, device_h) = (context.upload(&x).map_err(fail)?, context.upload(&h).map_err(fail)?);
        let y = read(&convolve(&device_x, &device_h, &options).map_err(fail)?)?;
        prop_assert_eq!(y.dim(), (n + k - 1, m + l - 1));
        let part = y.slice(s![at.0..at.0 + n, at.1..at.1 + m]);
        let bound = if by_transform {
            bounds::convolve_by_transform(&complex(x.iter()), &complex(h.iter()), &[n + k - 1, m + l - 1])
        } else {
            0.0
        };
        for (got, want) in part.iter().zip(&x) {
            prop_assert!(f64::from((got - want).abs()) <= bound, "{got} and {want}, bound {bound:e}");
        }
        Ok(())
    })
}

/// A product of some rows is those rows of the product.
fn row_blocks(context: &Context, cases: usize) -> Result<(), String> {
    for_all(cases, (2..50_usize, 1..90_usize, 1..50_usize, any::<u64>()), |(m, k, n, seed)| {
        let (a, b) = (matrix(m, k, seed), matrix(k, n, !seed));
        let (device_a, device_b) = (context.upload(&a).map_err(fail)?, context.upload(&b).map_err(fail)?);
        let whole = read(&gemm(1.0, &device_a, &device_b, 0.0, None).map_err(fail)?)?;
        let split = seed as usize % m;
        let lower = device_a.rows(split..m).map_err(fail)?;
        let part = read(&gemm(1.0, &lower, &device_b, 0.0, None).map_err(fail)?)?;
        let sizes = a.mapv(|v| f64::from(v).abs()).dot(&b.mapv(|v| f64::from(v).abs()));
        for ((i, j), value) in part.indexed_iter() {
            let other = whole[[split + i, j]];
            let bound = 2.0 * bounds::gemm(k, 1.0, 0.0, sizes[[split + i, j]], 0.0);
            prop_assert!(f64::from((value - other).abs()) <= bound, "[{i}, {j}]: {value} and {other}");
        }
        Ok(())
    })
}

fn views(context: &Context, cases: usize) -> Result<(), String> {
    for_all(cases, (1..30_usize, 1..30_usize, any::<u64>()), |(n, d, seed)| {
        let x = matrix(n, d, seed);
        let device = context.upload(&x).map_err(fail)?;
        let rows = (seed as usize % n)..n;
        let columns = 0..=(seed >> 9) as usize % d;
        let view = device.rows(rows.clone()).map_err(fail)?.columns(0..columns.end() + 1).map_err(fail)?.transpose();
        let want = x.slice(s![rows, columns]).reversed_axes();
        prop_assert_eq!(read(&view)?, want);
        Ok(())
    })
}

/// Tiles in a row and panels of both sides, each made into other rows where the metric asks for that.
fn streamed(context: &Context, cases: usize) -> Result<(), String> {
    let prepared: Vec<Metric> = Metric::all().into_iter().filter(|metric| metric.prepare.is_some()).collect();
    let metrics = [vec![Metric::EUCLIDEAN, Metric::COSINE], prepared].concat();
    let strategy = (0..metrics.len(), 1..70_usize, 1..90_usize, 1..20_usize, 0..16_u64, any::<u64>());
    for_all(2 * cases, strategy, |(which, n, m, d, kibibytes, seed)| {
        let Some(metric) = metrics[which].clone().example(d) else { return Ok(()) };
        let [x, y] = [(n, seed), (m, !seed)].map(|(rows, seed)| matrix(rows, d, seed).mapv(f32::abs));
        let options = StreamOptions { memory_budget: 4096 + 1024 * kibibytes, ..StreamOptions::default() };
        let mut got = Array2::zeros((n, m));
        let (mut of_x, mut of_y) = (x.view(), y.view());
        stream::pairwise_blocking(context, &mut of_x, &mut of_y, &metric, &mut got, options).map_err(fail)?;
        for ((i, j), got) in got.indexed_iter() {
            let (want, bound) = metric.evaluate_with_bound(&wide(x.row(i)), &wide(y.row(j)));
            let apart = (f64::from(*got) - want).abs();
            prop_assert!(apart <= bound || (got.is_nan() && want.is_nan()), "{} [{i}, {j}]: {got} {want}", metric.name);
        }
        Ok(())
    })
}

/// Signals in windows of a few kilobytes, against the sum of products in f64.
fn windows(context: &Context, cases: usize) -> Result<(), String> {
    let strategy = (1..900_usize, 1..60_usize, 1..4_usize, any::<bool>(), any::<bool>(), any::<u64>());
    for_all(cases, strategy, |(n, k, channels, direct, several, seed)| {
        let (x, h) = (matrix(n, channels, seed), matrix(k, if several { channels } else { 1 }, !seed));
        let method = if direct { Method::Direct } else { Method::Auto };
        let options = ConvolveOptions { method, ..ConvolveOptions::default() };
        let stream = StreamOptions { memory_budget: 24_576 * channels as u64, ..StreamOptions::default() };
        let mut got = Array2::zeros((n + k - 1, channels));
        let device_h = context.upload(&h).map_err(fail)?;
        stream::convolve_blocking(context, &mut x.view(), &device_h, &options, &mut got, stream).map_err(fail)?;
        // A window sees no more than the signal and the zeros on both sides; its channels may be transformed as one.
        let seen = complex(x.iter());
        let by_transform: Vec<f64> = h
            .columns()
            .into_iter()
            .map(|h| if direct { 0.0 } else { bounds::convolve_by_transform(&seen, &complex(h.iter()), &[n + 3 * k]) })
            .collect();
        for ((t, c), got) in got.indexed_iter() {
            let of_h = if several { c } else { 0 };
            let products =
                (0..k).filter(|&s| (s..n + s).contains(&t)).map(|s| f64::from(h[[s, of_h]]) * f64::from(x[[t - s, c]]));
            let (want, size) = products.fold((0.0, 0.0), |(sum, size), xh| (sum + xh, size + xh.abs()));
            let bound = bounds::convolve_direct(k, false, size).max(by_transform[of_h]);
            prop_assert!((f64::from(*got) - want).abs() <= bound, "[{t}, {c}]: {got} is not {want} ± {bound:e}");
        }
        Ok(())
    })
}

/// Σⱼ k(xᵢ, yⱼ) vⱼ is the Gram matrix, read back and multiplied in f64: both are within their bounds of the truth.
fn sums_and_products(context: &Context, cases: usize) -> Result<(), String> {
    let kernels = [Kernel::rbf(0.7), Kernel::linear(), Kernel::matern(1.5, 0.6), Kernel::laplacian(0.4)];
    let strategy = (0..kernels.len(), 1..60_usize, 1..200_usize, 1..20_usize, 1..20_usize, any::<bool>(), any::<u64>());
    for_all(cases, strategy, |(which, n, m, d, c, compensated, seed)| {
        let (x, y, v) = (matrix(n, d, seed), matrix(m, d, !seed), matrix(m, c, seed ^ 77));
        let upload = |rows: &Array2<f32>| context.upload(rows).map_err(fail);
        let (device_x, device_y) = (upload(&x)?, upload(&y)?);
        let options = ReduceOptions { compensated, ..ReduceOptions::default() };
        let sums = pair_sum(&device_x, &device_y, &kernels[which], Some(&upload(&v)?), &options).map_err(fail)?;
        let (sums, k) = (read(&sums)?, read(&gram(&device_x, &device_y, &kernels[which]).map_err(fail)?)?);
        let function = kernels[which].pair_function(d).map_err(fail)?;
        for i in [0, n / 2, n - 1] {
            let pairs: Vec<_> =
                (0..m).map(|j| Some(function.evaluate_with_bound(&wide(x.row(i)), &wide(y.row(j))))).collect();
            for column in 0..c {
                let weight = |j: usize| f64::from(v[[j, column]]);
                let (_, bound) = reference::sum(&pairs, &weight, 1.0, compensated);
                let stored: f64 = (0..m).map(|j| f64::from(k[[i, j]]) * weight(j)).sum();
                let of_stored: f64 = pairs.iter().flatten().enumerate().map(|(j, (_, e))| e * weight(j).abs()).sum();
                let got = f64::from(sums[[i, column]]);
                prop_assert!((got - stored).abs() <= bound + of_stored, "[{i}, {column}]: {got} and {stored}");
            }
        }
        Ok(())
    })
}

/// The smallest is the matrix' least; turned rows of y give the same values, and the indices turned.
fn nearest(context: &Context, cases: usize) -> Result<(), String> {
    let strategy = (1..40_usize, 1..300_usize, 1..10_usize, 1..40_usize, any::<bool>(), any::<u64>());
    for_all(cases, strategy, |(n, m, d, k, most, seed)| {
        let k = k.min(m);
        let (x, y) = (matrix(n, d, seed), matrix(m, d, !seed));
        let turn = seed as usize % m;
        let turned = Array2::from_shape_fn((m, d), |(j, f)| y[[(j + turn) % m, f]]);
        let upload = |rows: &Array2<f32>| context.upload(rows).map_err(fail);
        let options = ReduceOptions::default();
        let search = |y: &Array2<f32>| -> Result<(Array2<f32>, Array2<u32>), TestCaseError> {
            let (x, y) = (upload(&x)?, upload(y)?);
            let op = if most { largest } else { smallest };
            let found = op(&x, &y, &Metric::SQEUCLIDEAN, k, &options).map_err(fail)?;
            let indices = found.indices.read_blocking().map_err(fail)?;
            Ok((read(&found.values)?, indices.into_dimensionality::<Ix2>().map_err(fail)?))
        };
        let ((values, indices), (others, turned_indices)) = (search(&y)?, search(&turned)?);
        let function = PairFunction::from(Metric::SQEUCLIDEAN);
        for i in 0..n {
            let pair = |j: usize| function.evaluate_with_bound(&wide(x.row(i)), &wide(y.row(j)));
            let own: Vec<_> = (0..m).map(|j| Some(pair(j))).collect();
            let allowed = reference::extremes(&own, k, most);
            for (at, (low, high)) in allowed.into_iter().enumerate() {
                let (value, other) = (f64::from(values[[i, at]]), f64::from(others[[i, at]]));
                prop_assert!(low <= value && value <= high, "[{i}, {at}]: {value} is not {low} to {high}");
                prop_assert!(low <= other && other <= high, "turned [{i}, {at}]: {other} is not {low} to {high}");
                let (want, bound) = pair(indices[[i, at]] as usize);
                prop_assert!((value - want).abs() <= bound, "[{i}, {at}]: {value} is not that of its index");
                let (want, bound) = pair((turned_indices[[i, at]] as usize + turn) % m);
                prop_assert!((other - want).abs() <= bound, "turned [{i}, {at}]: {other} is not that of its index");
            }
        }
        Ok(())
    })
}

/// Every tile that the device can run, against the f64 definition.
fn every_tile(adapter: &Adapter) -> Result<(), String> {
    let text = |error: gristmill::Error| error.to_string();
    let limits = adapters::context(adapter).map_err(text)?.limits().ok_or("the CPU has no tiles")?.clone();
    let (x, y) = (matrix(67, 33, 1), matrix(41, 33, 2));
    let b = matrix(33, 41, 3);
    let function = PairFunction::from(Metric::EUCLIDEAN);
    let tiles = Tile::candidates(&limits);
    assert!(tiles.len() > 1, "{} has nothing to choose from", adapter.name);
    for tile in tiles {
        let choices = Choices { pair: tile, gemm: tile, ..Choices::for_limits(&limits) };
        assert!(choices.fit(&limits), "{} cannot run {tile:?}", adapter.name);
        let options = ContextOptions { choices: Some(choices), ..adapters::options(adapter) };
        let context = adapters::opened(options).map_err(text)?;
        let device_x = context.upload(&x).map_err(text)?;
        let distances = pairwise(&device_x, &context.upload(&y).map_err(text)?, &Metric::EUCLIDEAN).map_err(text)?;
        let distances = read(&distances).map_err(|error| error.to_string())?;
        for ((i, j), got) in distances.indexed_iter() {
            let (want, bound) = function.evaluate_with_bound(&wide(x.row(i)), &wide(y.row(j)));
            if (f64::from(*got) - want).abs() > bound {
                return Err(format!("{tile:?}: distance [{i}, {j}] is {got}, not {want} ± {bound:e}"));
            }
        }
        let product = gemm(1.0, &device_x, &context.upload(&b).map_err(text)?, 0.0, None).map_err(text)?;
        let product = read(&product).map_err(|error| error.to_string())?;
        for ((i, j), got) in product.indexed_iter() {
            let (row, column) = (wide(x.row(i)), wide(b.column(j)));
            let want: f64 = row.iter().zip(&column).map(|(a, b)| a * b).sum();
            let size: f64 = row.iter().zip(&column).map(|(a, b)| (a * b).abs()).sum();
            if (f64::from(*got) - want).abs() > bounds::gemm(33, 1.0, 0.0, size, 0.0) {
                return Err(format!("{tile:?}: product [{i}, {j}] is {got}, not {want}"));
            }
        }
    }
    Ok(())
}
