//! Random programs of ops: chains that are recorded as a whole before anything is read, on every adapter.
//!
//! Every link of a chain is compared with the CPU's result for the same inputs (those that the adapter itself computed),
//! within the two bounds together. Then the chain runs again while the tensors between are dropped as soon as the next
//! op is recorded, so that their buffers are used again: the last result must be the same, bit for bit.
//!
//! `GRISTMILL_RANDOM_PROGRAMS` sets the number per adapter (default 100).

#![allow(clippy::neg_cmp_op_on_partial_ord, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use gristmill::conformance::{Generator, bounds};
use gristmill::{
    Complex32, Context, ConvolveOptions, Domain, FftOptions, Kernel, Method, Metric, Mode, PairFunction, ReduceOptions,
    Tensor, convolve, fft, gemm, gram, ifft, irfft, log_sum_exp, pair_sum, pairwise, reference, rfft, smallest,
    softmax_sum,
};
use ndarray::{Array2, ArrayD, Axis, Ix2};
use num_complex::Complex;

type Failure = String;

fn main() {
    const BUNDLE: usize = 25;
    let count = adapters::number("GRISTMILL_RANDOM_PROGRAMS", 100);
    adapters::run(|adapter| {
        let bundle = |first: usize| {
            let last = (first + BUNDLE).min(count);
            adapters::trial(adapter, &format!("programs {first} to {}", last - 1), move |context| {
                (first..last).try_for_each(|number| {
                    program(context, number as u64).map_err(|error| format!("program {number}: {error}"))
                })
            })
        };
        (0..count).step_by(BUNDLE).map(bundle).collect()
    })
}

/// What a chain holds between two links.
#[derive(Clone)]
enum Held {
    Real(Tensor),
    Complex(Tensor<Complex32>),
}

/// One link, with its other inputs on the host.
#[derive(Clone)]
enum Link {
    Pairwise(Metric, Array2<f32>),
    /// Against itself.
    SelfGram(Kernel),
    Gram(Kernel, Array2<f32>),
    /// Over the rows of a matrix, with the values beside them.
    Reduce(Reduction, Kernel, Array2<f32>, Array2<f32>),
    /// The distances to this many nearest rows.
    Nearest(Metric, Array2<f32>, usize),
    Gemm {
        alpha: f32,
        beta: f32,
        b: Array2<f32>,
        c: Option<Array2<f32>>,
    },
    /// Xᵀ X.
    Cross,
    Convolve(Array2<f32>, Mode, Method),
    Rfft,
    Irfft(usize),
    Fft {
        inverse: bool,
        axis: usize,
    },
    Transpose,
    Rows(usize, usize),
    Columns(usize, usize),
}

/// What becomes of the kernel's values of a row.
#[derive(Debug, Clone, Copy)]
enum Reduction {
    Sum { compensated: bool },
    Softmax,
    LogSumExp,
}

fn program(context: &Context, number: u64) -> Result<(), Failure> {
    let mut generator = Generator::new(0x6772_6973_746d_696c ^ number);
    let (n, d) = (1 + generator.below(40), 1 + generator.below(40));
    let start = matrix(n, d, &mut generator);
    let mut shape = (n, d, false);
    let length = 2 + generator.below(5);
    let mut links = Vec::new();
    for _ in 0..length {
        let (link, next) = draw(shape, &mut generator);
        links.push(link);
        shape = next;
    }
    let host = Context::cpu();
    let text = |error: gristmill::Error| error.to_string();

    // All links recorded, every tensor kept, then read.
    let mut kept = vec![Held::Real(context.upload(&start).map_err(text)?)];
    for link in &links {
        let next = apply(context, kept.last().expect("the chain has a start"), link).map_err(text)?;
        kept.push(next);
    }
    for (at, link) in links.iter().enumerate() {
        let (before, after) = (values(&kept[at])?, values(&kept[at + 1])?);
        compare(&host, &before, &after, link).map_err(|error| format!("link {at}, {}: {error}", name(link)))?;
    }

    // The same again, nothing kept.
    let mut held = Held::Real(context.upload(&start).map_err(text)?);
    for link in &links {
        held = apply(context, &held, link).map_err(text)?;
    }
    let (again, first) = (values(&held)?, values(kept.last().expect("the chain has an end"))?);
    if bits(&again) != bits(&first) {
        return Err(format!("the second run differs; links {:?}", links.iter().map(name).collect::<Vec<_>>()));
    }
    Ok(())
}

fn matrix(n: usize, d: usize, generator: &mut Generator) -> Array2<f32> {
    let scale = 1.0 / (d as f32).sqrt();
    Array2::from_shape_simple_fn((n, d), || generator.bell() * scale)
}

/// A link that fits a matrix of this shape (rows, columns, complex), and the shape after it.
fn draw((n, d, complex): (usize, usize, bool), generator: &mut Generator) -> (Link, (usize, usize, bool)) {
    let m = 1 + generator.below(40);
    if complex {
        return match generator.below(3) {
            0 => (Link::Fft { inverse: generator.below(2) == 0, axis: generator.below(2) }, (n, d, true)),
            1 => (Link::Transpose, (d, n, true)),
            _ => {
                let length = 1 + generator.below(2 * d);
                (Link::Irfft(length), (n, length, false))
            }
        };
    }
    let kernels = [
        Kernel::linear(),
        Kernel::rbf(0.5),
        Kernel::laplacian(0.3),
        Kernel::matern(1.5, 1.0),
        Kernel::sigmoid(0.2, 0.1),
    ];
    let kernel = kernels[generator.below(kernels.len())].clone();
    match generator.below(15) {
        12 | 13 => {
            let reductions = [
                Reduction::Sum { compensated: false },
                Reduction::Sum { compensated: true },
                Reduction::Softmax,
                Reduction::LogSumExp,
            ];
            let reduction = *generator.pick(&reductions).expect("four reductions");
            let c = if matches!(reduction, Reduction::LogSumExp) { 1 } else { 1 + generator.below(20) };
            (Link::Reduce(reduction, kernel, matrix(m, d, generator), matrix(m, c, generator)), (n, c, false))
        }
        14 => {
            let metrics = [Metric::EUCLIDEAN, Metric::CITYBLOCK, Metric::SQEUCLIDEAN];
            let metric = metrics[generator.below(metrics.len())].clone();
            let k = 1 + generator.below(m);
            (Link::Nearest(metric, matrix(m, d, generator), k), (n, k, false))
        }
        0 | 1 => {
            // Any rows may meet here, of any number of features.
            let any = |metric: &Metric| metric.domain == Domain::Real && metric.clone().example(1).is_some();
            let metrics: Vec<Metric> = Metric::all().into_iter().filter(any).collect();
            let metric = metrics[generator.below(metrics.len())].clone().example(d).expect("rows of any length");
            (Link::Pairwise(metric, matrix(m, d, generator)), (n, m, false))
        }
        2 => (Link::SelfGram(kernel), (n, n, false)),
        3 => (Link::Gram(kernel, matrix(m, d, generator)), (n, m, false)),
        4 | 5 => {
            let c = (generator.below(2) == 0).then(|| matrix(n, m, generator));
            let beta = if c.is_some() { 0.5 } else { 0.0 };
            let alpha = *generator.pick(&[1.0, -0.7]).expect("two factors");
            (Link::Gemm { alpha, beta, b: matrix(d, m, generator), c }, (n, m, false))
        }
        6 => (Link::Cross, (d, d, false)),
        7 => {
            let (k, l) = (1 + generator.below(5), 1 + generator.below(5));
            let method = *generator.pick(&[Method::Auto, Method::Direct, Method::Fft]).expect("three methods");
            let full = generator.below(2) == 0;
            let shape = if full { (n + k - 1, d + l - 1, false) } else { (n, d, false) };
            (Link::Convolve(matrix(k, l, generator), if full { Mode::Full } else { Mode::Same }, method), shape)
        }
        8 => (Link::Rfft, (n, d / 2 + 1, true)),
        9 => (Link::Transpose, (d, n, false)),
        10 => {
            let start = generator.below(n);
            let end = start + 1 + generator.below(n - start);
            (Link::Rows(start, end), (end - start, d, false))
        }
        _ => {
            let start = generator.below(d);
            let end = start + 1 + generator.below(d - start);
            (Link::Columns(start, end), (n, end - start, false))
        }
    }
}

fn apply(context: &Context, held: &Held, link: &Link) -> gristmill::Result<Held> {
    Ok(match (held, link) {
        (Held::Real(x), Link::Pairwise(metric, y)) => Held::Real(pairwise(x, &context.upload(y)?, metric)?),
        (Held::Real(x), Link::SelfGram(kernel)) => Held::Real(gram(x, x, kernel)?),
        (Held::Real(x), Link::Gram(kernel, y)) => Held::Real(gram(x, &context.upload(y)?, kernel)?),
        (Held::Real(x), Link::Reduce(reduction, kernel, y, v)) => {
            let (y, v) = (context.upload(y)?, context.upload(v)?);
            let options = ReduceOptions {
                compensated: matches!(reduction, Reduction::Sum { compensated: true }),
                ..ReduceOptions::default()
            };
            Held::Real(match reduction {
                Reduction::Sum { .. } => pair_sum(x, &y, kernel, Some(&v), &options)?,
                Reduction::Softmax => softmax_sum(x, &y, kernel, &v, &options)?,
                Reduction::LogSumExp => log_sum_exp(x, &y, kernel, None, &options)?.reshape(&[x.shape()[0], 1])?,
            })
        }
        (Held::Real(x), Link::Nearest(metric, y, k)) => {
            Held::Real(smallest(x, &context.upload(y)?, metric, *k, &ReduceOptions::default())?.values)
        }
        (Held::Real(x), Link::Gemm { alpha, beta, b, c }) => {
            let c = c.as_ref().map(|c| context.upload(c)).transpose()?;
            Held::Real(gemm(*alpha, x, &context.upload(b)?, *beta, c.as_ref())?)
        }
        (Held::Real(x), Link::Cross) => Held::Real(gemm(1.0, &x.transpose(), x, 0.0, None)?),
        (Held::Real(x), Link::Convolve(h, mode, method)) => {
            let options = ConvolveOptions { mode: *mode, method: *method, ..ConvolveOptions::default() };
            Held::Real(convolve(x, &context.upload(h)?, &options)?)
        }
        (Held::Real(x), Link::Rfft) => Held::Complex(rfft(x, &FftOptions::default())?),
        (Held::Complex(x), Link::Irfft(length)) => {
            Held::Real(irfft(x, &FftOptions { lengths: Some(vec![*length]), ..FftOptions::default() })?)
        }
        (Held::Complex(x), Link::Fft { inverse, axis }) => {
            let options = FftOptions { axes: Some(vec![*axis]), ..FftOptions::default() };
            Held::Complex(if *inverse { ifft(x, &options)? } else { fft(x, &options)? })
        }
        (Held::Real(x), Link::Transpose) => Held::Real(x.transpose()),
        (Held::Complex(x), Link::Transpose) => Held::Complex(x.transpose()),
        (Held::Real(x), Link::Rows(start, end)) => Held::Real(x.rows(*start..*end)?),
        (Held::Real(x), Link::Columns(start, end)) => Held::Real(x.columns(*start..*end)?),
        (_, link) => panic!("{} does not fit", name(link)),
    })
}

fn name(link: &Link) -> &'static str {
    match link {
        Link::Pairwise(..) => "pairwise",
        Link::SelfGram(_) => "gram with itself",
        Link::Gram(..) => "gram",
        Link::Reduce(Reduction::Sum { .. }, ..) => "pair_sum",
        Link::Reduce(Reduction::Softmax, ..) => "softmax_sum",
        Link::Reduce(Reduction::LogSumExp, ..) => "log_sum_exp",
        Link::Nearest(..) => "smallest",
        Link::Gemm { .. } => "gemm",
        Link::Cross => "XᵀX",
        Link::Convolve(..) => "convolve",
        Link::Rfft => "rfft",
        Link::Irfft(_) => "irfft",
        Link::Fft { .. } => "fft",
        Link::Transpose => "transpose",
        Link::Rows(..) => "rows",
        Link::Columns(..) => "columns",
    }
}

/// A tensor's values on the host; real ones as complex.
enum Values {
    Real(Array2<f32>),
    Complex(Array2<Complex32>),
}

fn values(held: &Held) -> Result<Values, Failure> {
    fn flat<T>(array: ArrayD<T>) -> Result<Array2<T>, Failure> {
        array.into_dimensionality::<Ix2>().map_err(|error| error.to_string())
    }
    Ok(match held {
        Held::Real(x) => Values::Real(flat(x.read_blocking().map_err(|error| error.to_string())?)?),
        Held::Complex(x) => Values::Complex(flat(x.read_blocking().map_err(|error| error.to_string())?)?),
    })
}

fn bits(values: &Values) -> Vec<u32> {
    // Any NaN is as good as any other.
    let pattern = |value: f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
    match values {
        Values::Real(x) => x.iter().map(|value| pattern(*value)).collect(),
        Values::Complex(x) => x.iter().flat_map(|value| [pattern(value.re), pattern(value.im)]).collect(),
    }
}

/// The adapter's result of one link against the CPU's for the same input.
fn compare(host: &Context, before: &Values, after: &Values, link: &Link) -> Result<(), Failure> {
    let text = |error: gristmill::Error| error.to_string();
    let input = match before {
        Values::Real(x) => Held::Real(host.upload(x).map_err(text)?),
        Values::Complex(x) => Held::Complex(host.upload(x).map_err(text)?),
    };
    let want = values(&apply(host, &input, link).map_err(text)?)?;
    match (before, &want, after) {
        (Values::Real(x), Values::Real(want), Values::Real(got)) => {
            if want.dim() != got.dim() {
                return Err(format!("shapes {:?} and {:?}", got.dim(), want.dim()));
            }
            real(x, want, got, link)
        }
        (_, Values::Complex(want), Values::Complex(got)) if matches!(link, Link::Transpose) => {
            if want == got {
                Ok(())
            } else {
                Err("a view changed its entries".to_owned())
            }
        }
        (_, want, got) => transform(before, want, got, link),
    }
}

/// Entry by entry, within twice the bound: both sides may be off by it.
fn real(x: &Array2<f32>, want: &Array2<f32>, got: &Array2<f32>, link: &Link) -> Result<(), Failure> {
    let text = |error: gristmill::Error| error.to_string();
    let x64 = x.mapv(f64::from);
    if x64.iter().any(|value| !value.is_finite()) && !matches!(link, Link::Pairwise(..)) {
        // What follows from a NaN is the table's matter.
        return Ok(());
    }
    let wide = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let pair = |function: PairFunction, y: &Array2<f32>| {
        let bounds = Array2::from_shape_fn(want.dim(), |(i, j)| {
            function.evaluate_with_bound(&wide(x.row(i)), &wide(y.row(j))).1
        });
        entries(want, got, &bounds)
    };
    match link {
        Link::Pairwise(metric, y) => pair(PairFunction::from(metric), y),
        Link::SelfGram(kernel) => pair(kernel.pair_function(x.ncols()).map_err(text)?, x),
        Link::Gram(kernel, y) => pair(kernel.pair_function(x.ncols()).map_err(text)?, y),
        Link::Reduce(reduction, kernel, y, v) => {
            let function = kernel.pair_function(x.ncols()).map_err(text)?;
            let bounds = Array2::from_shape_fn(want.dim(), |(i, c)| {
                let pairs: Vec<_> = y
                    .rows()
                    .into_iter()
                    .map(|y| Some(function.evaluate_with_bound(&wide(x.row(i)), &wide(y))))
                    .collect();
                let v = |j: usize| f64::from(v[[j, c]]);
                match reduction {
                    Reduction::Sum { compensated } => reference::sum(&pairs, &v, 1.0, *compensated).1,
                    Reduction::Softmax => reference::softmax_sum(&pairs, &v).1,
                    Reduction::LogSumExp => reference::log_sum_exp(&pairs, &|_| 1.0).1,
                }
            });
            entries(want, got, &bounds)
        }
        Link::Nearest(metric, y, _) => {
            // The p-th smallest of some numbers moves no further than the one that moves furthest.
            let function = PairFunction::from(metric);
            let furthest = |i: usize| {
                let pair = |y| function.evaluate_with_bound(&wide(x.row(i)), &wide(y)).1;
                y.rows().into_iter().map(pair).fold(0.0, f64::max)
            };
            let rows: Vec<f64> = (0..x.nrows()).map(furthest).collect();
            entries(want, got, &Array2::from_shape_fn(want.dim(), |(i, _)| rows[i]))
        }
        Link::Gemm { alpha, beta, b, c } => {
            let sizes = x64.mapv(f64::abs).dot(&b.mapv(|value| f64::from(value).abs()));
            let (alpha, beta) = (f64::from(*alpha), f64::from(*beta));
            let bounds = Array2::from_shape_fn(want.dim(), |at| {
                let added = c.as_ref().map_or(0.0, |c| f64::from(c[at]));
                bounds::gemm(x.ncols(), alpha, beta, sizes[at], added)
            });
            entries(want, got, &bounds)
        }
        Link::Cross => {
            let sizes = x64.mapv(f64::abs).t().dot(&x64.mapv(f64::abs));
            entries(want, got, &sizes.mapv(|size| bounds::gemm(x.nrows(), 1.0, 0.0, size, 0.0)))
        }
        Link::Convolve(h, ..) => {
            let line = |a: &Array2<f32>| a.iter().map(|v| Complex::new(f64::from(*v), 0.0)).collect::<Vec<_>>();
            let (x, h, full) = (line(x), line(h), [x.nrows() + h.nrows() - 1, x.ncols() + h.ncols() - 1]);
            let bound = bounds::convolve_by_transform(&x, &h, &full);
            entries(want, got, &Array2::from_elem(want.dim(), bound))
        }
        _ => entries(want, got, &Array2::zeros(want.dim())),
    }
}

fn entries(want: &Array2<f32>, got: &Array2<f32>, bounds: &Array2<f64>) -> Result<(), Failure> {
    for (at, want) in want.indexed_iter() {
        let (got, bound) = (got[at], bounds[at]);
        let same = got == *want || (got.is_nan() && want.is_nan()) || bound == f64::INFINITY;
        let error = (f64::from(got) - f64::from(*want)).abs();
        if !same && !(error <= 2.0 * bound + f64::from(f32::MIN_POSITIVE)) {
            return Err(format!("{at:?}: got {got:e}, the CPU has {want:e}, bound 2 · {bound:.2e}"));
        }
    }
    Ok(())
}

/// In the L2 norm over each line.
fn transform(before: &Values, want: &Values, got: &Values, link: &Link) -> Result<(), Failure> {
    let line = |values: &Values| match values {
        Values::Real(x) => x.mapv(|re| Complex::new(f64::from(re), 0.0)),
        Values::Complex(x) => x.mapv(|value| Complex::new(f64::from(value.re), f64::from(value.im))),
    };
    let (before, want, got) = (line(before), line(want), line(got));
    if before.iter().any(|value| !value.re.is_finite() || !value.im.is_finite()) {
        return Ok(());
    }
    if want.dim() != got.dim() {
        return Err(format!("shapes {:?} and {:?}", got.dim(), want.dim()));
    }
    let (axis, length) = match link {
        Link::Fft { axis, .. } => (*axis, want.len_of(Axis(*axis))),
        Link::Irfft(length) => (1, *length),
        _ => (1, before.ncols()),
    };
    for (number, (want, got)) in want.lanes(Axis(axis)).into_iter().zip(got.lanes(Axis(axis))).enumerate() {
        let error = want.iter().zip(got).map(|(a, b)| (a - b).norm_sqr()).sum::<f64>().sqrt();
        let size = want.iter().map(|value| value.norm_sqr()).sum::<f64>().sqrt();
        let bound = 2.0 * bounds::fft(&[length]) * size;
        if !(error <= bound + f64::from(f32::MIN_POSITIVE) * length as f64) {
            return Err(format!("line {number} of length {length}: off by {error:.3e}, bound {bound:.3e}"));
        }
    }
    Ok(())
}
