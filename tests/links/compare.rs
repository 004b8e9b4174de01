//! A link's result on one device against the host's, within the bounds of both together.

use gristmill::conformance::bounds;
use gristmill::{Complex32, Context, PairFunction, reference};
use ndarray::{Array2, ArrayD, Axis, Ix2};
use num_complex::Complex;

use super::{Failure, Held, Link, Reduction, apply};

/// A tensor's values on the host; real ones as complex.
pub(crate) enum Values {
    Real(Array2<f32>),
    Complex(Array2<Complex32>),
}

pub(crate) fn values(held: &Held) -> Result<Values, Failure> {
    fn flat<T>(array: ArrayD<T>) -> Result<Array2<T>, Failure> {
        array.into_dimensionality::<Ix2>().map_err(|error| error.to_string())
    }
    Ok(match held {
        Held::Real(x) => Values::Real(flat(x.read_blocking().map_err(|error| error.to_string())?)?),
        Held::Complex(x) => Values::Complex(flat(x.read_blocking().map_err(|error| error.to_string())?)?),
    })
}

pub(crate) fn bits(values: &Values) -> Vec<u32> {
    // Any NaN is as good as any other.
    let pattern = |value: f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
    match values {
        Values::Real(x) => x.iter().map(|value| pattern(*value)).collect(),
        Values::Complex(x) => x.iter().flat_map(|value| [pattern(value.re), pattern(value.im)]).collect(),
    }
}

/// The adapter's result of one link against the CPU's for the same input.
pub(crate) fn compare(host: &Context, before: &Values, after: &Values, link: &Link) -> Result<(), Failure> {
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
pub(crate) fn real(x: &Array2<f32>, want: &Array2<f32>, got: &Array2<f32>, link: &Link) -> Result<(), Failure> {
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

pub(crate) fn entries(want: &Array2<f32>, got: &Array2<f32>, bounds: &Array2<f64>) -> Result<(), Failure> {
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
pub(crate) fn transform(before: &Values, want: &Values, got: &Values, link: &Link) -> Result<(), Failure> {
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
