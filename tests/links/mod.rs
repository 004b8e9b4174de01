//! The links that random programs are made of: what each does, and how two results of one are compared.

mod compare;

use gristmill::conformance::Generator;
use gristmill::{
    Complex32, Context, ConvolveOptions, Domain, FftOptions, Kernel, Method, Metric, Mode, ReduceOptions, Tensor,
    convolve, fft, gemm, gram, ifft, irfft, log_sum_exp, pair_sum, pairwise, rfft, smallest, softmax_sum,
};
use ndarray::Array2;

pub(crate) use compare::{bits, compare, values};

pub(crate) type Failure = String;

/// What a chain holds between two links.
#[derive(Clone)]
pub(crate) enum Held {
    Real(Tensor),
    Complex(Tensor<Complex32>),
}

/// One link, with its other inputs on the host.
#[derive(Clone)]
pub(crate) enum Link {
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
pub(crate) enum Reduction {
    Sum { compensated: bool },
    Softmax,
    LogSumExp,
}

pub(crate) fn matrix(n: usize, d: usize, generator: &mut Generator) -> Array2<f32> {
    let scale = 1.0 / (d as f32).sqrt();
    Array2::from_shape_simple_fn((n, d), || generator.bell() * scale)
}

/// A link that fits a matrix of this shape (rows, columns, complex), and the shape after it.
pub(crate) fn draw((n, d, complex): (usize, usize, bool), generator: &mut Generator) -> (Link, (usize, usize, bool)) {
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

pub(crate) fn apply(context: &Context, held: &Held, link: &Link) -> gristmill::Result<Held> {
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

pub(crate) fn name(link: &Link) -> &'static str {
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
