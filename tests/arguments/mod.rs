//! Random arguments for every op: whatever they are, the answer is a result or a typed error.

mod signal;

use gristmill::conformance::Generator;
use gristmill::{
    Boundary, Complex32, Context, ConvolveOptions, Element, FftOptions, Kernel, Method, Metric, Mode, Norm, Tensor,
    convolve, correlate, f16, fft, gemm, gram, ifft, irfft, paired_distances, pairwise, rfft,
};
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};

/// Runs this many random calls.
pub fn check(context: &Context, cases: usize) -> Result<(), String> {
    let config = Config { cases: cases as u32, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(Default::default()));
    let answered = std::cell::Cell::new((0_usize, 0_usize));
    let outcome = runner.run(&any::<u64>(), |seed| {
        let (done, refused) = answered.get();
        match call(context, &mut Generator::new(seed)) {
            Ok(()) => answered.set((done + 1, refused)),
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                answered.set((done, refused + 1));
            }
        }
        Ok(())
    });
    outcome.map_err(|error| error.to_string())?;
    let (done, refused) = answered.get();
    // A generator that only makes good or only makes bad arguments would test nothing.
    if cases >= 1000 && (done < cases / 20 || refused < cases / 20) {
        return Err(format!("{done} calls worked and {refused} were refused: the arguments are lopsided"));
    }
    Ok(())
}

fn shape(generator: &mut Generator) -> Vec<usize> {
    let rank = *generator.pick(&[0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5]).unwrap();
    (0..rank).map(|_| *generator.pick(&[0, 1, 1, 2, 3, 3, 4, 7]).unwrap()).collect()
}

/// Another shape, or the same one often enough that calls succeed.
fn partner(of: &[usize], generator: &mut Generator) -> Vec<usize> {
    if generator.below(3) == 0 { shape(generator) } else { of.to_vec() }
}

fn real(context: &Context, shape: &[usize], generator: &mut Generator) -> gristmill::Result<Tensor> {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, 0.0, -0.0];
    let array = ArrayD::from_shape_simple_fn(IxDyn(shape), || match generator.below(40) {
        0 => *generator.pick(&special).unwrap(),
        _ => generator.bell(),
    });
    view(context.upload(&array)?, generator)
}

/// Some of the ways to look at a tensor, good and bad.
fn view<E: Element>(tensor: Tensor<E>, generator: &mut Generator) -> gristmill::Result<Tensor<E>> {
    let (start, end) = (generator.below(4), generator.below(6));
    match generator.below(12) {
        0 => Ok(tensor.transpose()),
        1 => tensor.rows(start..end),
        2 => tensor.columns(start..end),
        _ => Ok(tensor),
    }
}

fn half(context: &Context, shape: &[usize], generator: &mut Generator) -> gristmill::Result<Tensor<f16>> {
    let array = ArrayD::from_shape_simple_fn(IxDyn(shape), || f16::from_bits(generator.bits() as u16));
    view(context.upload(&array)?, generator)
}

fn complex(context: &Context, shape: &[usize], generator: &mut Generator) -> gristmill::Result<Tensor<Complex32>> {
    let draw = || Complex32::new(generator.bell(), generator.bell());
    context.upload(&ArrayD::from_shape_simple_fn(IxDyn(shape), draw))
}

fn number(generator: &mut Generator) -> f32 {
    *generator.pick(&[0.0, 1.0, 0.5, 2.0, 1.5, 3.0, -1.0, 1e-30, 1e30, f32::NAN, f32::INFINITY, -0.0]).unwrap()
}

fn metric(generator: &mut Generator) -> gristmill::Result<Metric> {
    let names = ["sqeuclidean", "euclidean", "cityblock", "chebyshev", "cosine", "minkowski", "euclidian", "", "é"];
    let metric = match generator.below(5) {
        0 => Metric::minkowski(number(generator)),
        _ => Metric::named(names[generator.below(names.len())])?,
    };
    if generator.below(4) > 0 {
        return Ok(metric);
    }
    let count = generator.below(6);
    Ok(metric.with_weights((0..count).map(|_| number(generator)).collect()))
}

fn kernel(generator: &mut Generator) -> gristmill::Result<Kernel> {
    let texts = [
        "rbf(gamma=0.5)",
        "2*linear() + matern(nu=1.5, length_scale=0.7)",
        "rbf(",
        "rbf(gamma=)",
        "polynomial(degree=3)*laplacian(gamma=1)",
        "()",
        "1e999*linear()",
        "((((((((linear()))))))))",
        "rbf(gamma=-1)",
        "sigmoid(gamma=nan)",
        "∞",
    ];
    let mut draw = || f64::from(number(generator));
    let (a, b, c) = (draw(), draw(), draw());
    Ok(match generator.below(9) {
        0 => Kernel::linear(),
        1 => Kernel::polynomial(generator.below(7) as f64, a, b),
        2 => Kernel::rbf(a),
        3 => Kernel::rbf_length(a),
        4 => Kernel::laplacian(a),
        5 => Kernel::sigmoid(a, b),
        6 => Kernel::matern(*generator.pick(&[0.5, 1.5, 2.5, c]).unwrap(), a),
        _ => texts[generator.below(texts.len())].parse()?,
    })
}

fn fft_options(generator: &mut Generator) -> FftOptions {
    let some = |generator: &mut Generator, end: usize| {
        let count = generator.below(4);
        (generator.below(2) == 0).then(|| (0..count).map(|_| generator.below(end)).collect::<Vec<_>>())
    };
    let norm = *generator.pick(&[Norm::Backward, Norm::Ortho, Norm::Forward]).unwrap();
    let mut lengths = some(generator, 9);
    if generator.below(20) == 0 {
        lengths.iter_mut().flatten().for_each(|n| *n = *generator.pick(&[1 << 40, usize::MAX]).unwrap());
    }
    FftOptions { axes: some(generator, 4), lengths, norm }
}

fn convolve_options(generator: &mut Generator) -> ConvolveOptions {
    ConvolveOptions {
        mode: *generator.pick(&[Mode::Full, Mode::Same, Mode::Valid, Mode::Causal]).unwrap(),
        method: *generator.pick(&[Method::Auto, Method::Direct, Method::Fft]).unwrap(),
        rank: (generator.below(2) == 0).then(|| generator.below(5)),
        boundary: *generator
            .pick(&[Boundary::Zero, Boundary::Mirror, Boundary::Wrap, Boundary::Constant(1.0)])
            .unwrap(),
        origin: std::array::from_fn(|_| if generator.below(3) == 0 { generator.below(5) as isize - 2 } else { 0 }),
        circular: generator.below(4) == 0,
    }
}

/// One random call, read back.
fn call(context: &Context, generator: &mut Generator) -> gristmill::Result<()> {
    let first = shape(generator);
    let second = partner(&first, generator);
    let which = generator.below(16);
    match which {
        0..=4 => {
            let (x, y) = (real(context, &first, generator)?, real(context, &second, generator)?);
            match which {
                0 => pairwise(&x, &y, &metric(generator)?)?.read_blocking()?,
                1 => paired_distances(&x, &y, &metric(generator)?)?.read_blocking()?,
                2 => gram(&x, &y, &kernel(generator)?)?.read_blocking()?,
                3 => {
                    let y = if generator.below(2) == 0 { y.transpose() } else { y };
                    let added = shape(generator);
                    let c = (generator.below(3) == 0).then(|| real(context, &added, generator)).transpose()?;
                    gemm(number(generator), &x, &y, number(generator), c.as_ref())?.read_blocking()?
                }
                _ => {
                    let options = convolve_options(generator);
                    let result =
                        if generator.below(2) == 0 { convolve(&x, &y, &options) } else { correlate(&x, &y, &options) };
                    result?.read_blocking()?
                }
            };
        }
        5 | 6 => {
            let (x, y) = (complex(context, &first, generator)?, complex(context, &second, generator)?);
            let options = convolve_options(generator);
            let result = if which == 5 { convolve(&x, &y, &options) } else { correlate(&x, &y, &options) };
            result?.read_blocking()?;
        }
        7 => drop(rfft(&real(context, &first, generator)?, &fft_options(generator))?.read_blocking()?),
        8 => drop(fft(&complex(context, &first, generator)?, &fft_options(generator))?.read_blocking()?),
        10 => {
            let (x, y) = (half(context, &first, generator)?, half(context, &second, generator)?);
            match generator.below(4) {
                0 => drop(pairwise(&x, &y, &metric(generator)?)?.read_blocking()?),
                1 => drop(gram(&x, &y, &kernel(generator)?)?.read_blocking()?),
                2 => drop(gemm(number(generator), &x, &y.transpose(), 0.0, None)?.read_blocking()?),
                _ => drop(x.transpose().read_blocking()?),
            }
        }
        11 => signal::window(context, generator)?,
        12 => signal::frames(context, generator)?,
        13 => signal::cosines(context, generator)?,
        14 => signal::methods(context, generator)?,
        9 => drop(ifft(&complex(context, &first, generator)?, &fft_options(generator))?.read_blocking()?),
        _ => drop(irfft(&complex(context, &first, generator)?, &fft_options(generator))?.read_blocking()?),
    }
    Ok(())
}
