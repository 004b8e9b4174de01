//! What methods for images and signals should give, and how far off they may be.

use ndarray::{Array1, ArrayD, Dimension, IxDyn, Zip};
use num_complex::Complex;

use super::super::extend::walk;
use super::{BALANCE, Kind};
use crate::conformance::bounds;
use crate::error::Result;
use crate::methods::signal::FilterOptions;
use crate::metric::UNIT_ROUNDOFF;
use crate::reference;
use crate::reference::Part;

/// What one item should be, and how its error is judged.
pub(super) enum Expected {
    /// Entry by entry: values and bounds.
    Entries(reference::Bounded),
    /// As a whole: values, and a bound of the norm of the errors.
    Norm(ArrayD<f64>, f64),
}

impl Expected {
    pub(super) fn of(kind: &Kind, x: &ArrayD<f64>, small: &ArrayD<f64>) -> Result<Self> {
        Ok(match kind {
            Kind::Gaussian(sigma, options) => {
                let taps = sigma.iter().map(|sigma| gaussian(*sigma, options.truncate)).collect::<Vec<_>>();
                separable(x, &taps, options)
            }
            Kind::Uniform(size, options) => {
                separable(x, &size.iter().map(|&k| vec![1.0 / k as f64; k]).collect::<Vec<_>>(), options)
            }
            Kind::Correlate(_, options) => {
                let sums = neighbours(x, small, options);
                let bound = sums.magnitude.mapv(|size| bounds::convolve_direct(small.len(), false, size));
                Self::Entries((sums.value, bound))
            }
            Kind::Wiener(_) => wiener(x, small),
            Kind::RichardsonLucy(_, iterations) => {
                let relative = bounds::convolve_direct(small.len(), false, 1.0);
                let start = (ArrayD::from_elem(x.raw_dim(), 0.5), ArrayD::zeros(x.raw_dim()));
                let step = |u: reference::Bounded, _| reference::richardson_lucy(x, small, &u, relative);
                Self::Entries((0..*iterations).try_fold(start, step)?)
            }
            Kind::MatchTemplate(_) => match_template(x, small),
            Kind::PhaseCorrelation => phases(x, small),
            Kind::Upfirdn(taps, up, down) => {
                let values = |x: &ArrayD<f64>| x.iter().copied().collect::<Vec<_>>();
                let sums = reference::upfirdn(&values(small), &values(x), *up, *down);
                let terms = taps.div_ceil(*up) + down + 1;
                let bound = |size: f64| bounds::gemm(terms, 1.0, 0.0, size, 0.0);
                let [value, magnitude] = [sums.value, sums.magnitude].map(|all| Array1::from(all).into_dyn());
                Self::Entries((value, magnitude.mapv(bound)))
            }
            Kind::Autocorrelation => autocorrelation(x)?,
        })
    }
}

pub(super) fn norm(x: &ArrayD<f64>) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn gaussian(sigma: f64, truncate: f64) -> Vec<f64> {
    let radius = (truncate * sigma + 0.5).floor() as i32;
    let tap = |t: i32| if t == 0 { 1.0 } else { (-0.5 * (f64::from(t) / sigma).powi(2)).exp() };
    let sum: f64 = (-radius..=radius).map(tap).sum();
    (-radius..=radius).map(|t| tap(t) / sum).collect()
}

fn neighbours(
    x: &ArrayD<f64>,
    weights: &ArrayD<f64>,
    options: &FilterOptions,
) -> reference::Sums<ArrayD<f64>, ArrayD<f64>> {
    let outside = f64::from(options.boundary.outside());
    let place = |at: i64, n: usize| walk(options.boundary, at, n);
    reference::weighted_neighbours(x.view(), weights.view(), options.origin, place, outside)
}

/// Of weights that are a product along the axes. Every axis rounds its taps once and sums them with the bound of a direct
/// convolution; the magnitudes of the axes multiply as the weights do.
fn separable(x: &ArrayD<f64>, taps: &[Vec<f64>], options: &FilterOptions) -> Expected {
    let shape: Vec<usize> = taps.iter().map(Vec::len).collect();
    let product = |at: ndarray::IxDyn| taps.iter().zip(at.slice()).map(|(taps, at)| taps[*at]).product();
    let sums = neighbours(x, &ArrayD::from_shape_fn(shape, product), options);
    let relative: f64 = taps.iter().map(|taps| bounds::convolve_direct(taps.len(), false, 1.0) + UNIT_ROUNDOFF).sum();
    Expected::Entries((sums.value, sums.magnitude.mapv(|size| relative * size)))
}

/// The filter X = G Y, G = conj(H)/P with P = |H|² + balance |Λ|². A change of Y passes through G; of H, through
/// 1/P + 2|H|²/P² ≤ 3/P times |Y|; of Λ, through 2 balance |H||Λ|/P² times |Y|. Each transform is off by ε of its norm, the
/// one back by ε of that of X, and the formula itself by a dozen roundings.
fn wiener(image: &ArrayD<f64>, psf: &ArrayD<f64>) -> Expected {
    let shape = image.shape();
    let rank = shape.len();
    let mut laplacian = ArrayD::zeros(vec![3; rank]);
    laplacian[IxDyn(&vec![1; rank])] = 2.0 * rank as f64;
    for axis in 0..rank {
        for side in [0, 2] {
            let mut place = vec![1; rank];
            place[axis] = side;
            laplacian[IxDyn(&place)] = -1.0;
        }
    }
    let [y, h, l] = [image, psf, &laplacian].map(|x| reference::spectrum(x.view(), shape));
    let restored = reference::wiener(&y, &h, &l, BALANCE);
    let mut largest = [0f64; 3];
    Zip::from(&y).and(&h).and(&l).for_each(|y, h, l| {
        let power = h.norm_sqr() + BALANCE * l.norm_sqr();
        let through =
            [h.norm() / power, 3.0 * y.norm() / power, 2.0 * BALANCE * h.norm() * l.norm() * y.norm() / power.powi(2)];
        largest.iter_mut().zip(through).for_each(|(largest, value)| *largest = largest.max(value));
    });
    let size = |z: &ArrayD<Complex<f64>>| z.iter().map(Complex::norm_sqr).sum::<f64>().sqrt();
    let epsilon = bounds::fft(shape);
    let transforms: f64 = largest.iter().zip([&y, &h, &l]).map(|(largest, z)| largest * size(z)).sum();
    let bound = epsilon * (transforms + size(&restored)) + 12.0 * UNIT_ROUNDOFF * size(&restored);
    // The point-spread function began at the origin: everything lies its middle too early.
    let moved = reference::from_spectrum(restored);
    let value = ArrayD::from_shape_fn(moved.raw_dim(), |at| {
        let from = |(axis, at): (usize, &usize)| {
            let (n, middle) = (shape[axis], (psf.shape()[axis] - 1) / 2);
            (at + n - middle % n) % n
        };
        moved[IxDyn(&at.slice().iter().enumerate().map(from).collect::<Vec<_>>())]
    });
    Expected::Norm(value, bound / (image.len() as f64).sqrt())
}

/// The coefficient Σ x't / √S, x' the image less its mean, t the template less its mean and of norm 1, S the window's sum of
/// squares about its own mean. The correlation is off by its own bound, or by that of transforms; t by ε = (64 + ⌈k/64⌉ + 6) u
/// of its largest entry; S, as the norm of t, by 2ε, and by what the rounding of x' changes in it, 2u √(Σx'²/S).
fn match_template(image: &ArrayD<f64>, template: &ArrayD<f64>) -> Expected {
    let x = reference::centred(image.view());
    let t = reference::centred(template.view());
    let t = &t / norm(&t);
    let k = t.len();
    let epsilon = (64.0 + k.div_ceil(64) as f64 + 6.0) * UNIT_ROUNDOFF;
    let tallest = t.iter().fold(0f64, |most, t| most.max(t.abs()));
    let complex = |x: &ArrayD<f64>| x.iter().map(|x| Complex::new(*x, 0.0)).collect::<Vec<_>>();
    let full: Vec<usize> = x.shape().iter().zip(t.shape()).map(|(n, k)| n + k - 1).collect();
    let by_transform = bounds::convolve_by_transform(&complex(&x), &complex(&t), &full);
    let kept: Vec<usize> = x.shape().iter().zip(t.shape()).map(|(n, k)| n - k + 1).collect();
    let (mut value, mut bound) = (ArrayD::zeros(kept.clone()), ArrayD::zeros(kept));
    let windows = x.windows(IxDyn(t.shape()));
    for ((window, value), bound) in windows.into_iter().zip(&mut value).zip(&mut bound) {
        let own = reference::centred(window.view());
        let squares = own.iter().map(|x| x * x).sum::<f64>();
        let size: f64 = window.iter().zip(&t).map(|(x, t)| (x * t).abs()).sum();
        let heights: f64 = window.iter().map(|x| x.abs()).sum();
        let raw: f64 = window.iter().map(|x| x * x).sum();
        *value = own.iter().zip(&t).map(|(x, t)| x * t).sum::<f64>() / squares.sqrt();
        let direct = bounds::convolve_direct(k, false, size);
        let correlation = direct.max(by_transform) + 2.0 * UNIT_ROUNDOFF * size + epsilon * tallest * heights;
        let relative = 4.0 * epsilon + 2.0 * UNIT_ROUNDOFF * (raw / squares).sqrt();
        *bound = correlation / squares.sqrt() + relative * value.abs();
    }
    Expected::Entries((value, bound))
}

/// Phases F/|F| are off by at most twice the error of F over its magnitude; in L2 by 2ε‖F‖ over the least |F|.
fn phases(reference_image: &ArrayD<f64>, moving: &ArrayD<f64>) -> Expected {
    let shape = reference_image.shape();
    let [f, g] = [reference_image, moving].map(|x| reference::spectrum(x.view(), shape));
    let least = f64::from(100.0 * f32::EPSILON).sqrt();
    let phase = |z: &Complex<f64>| z / z.norm().max(least);
    let product = Zip::from(&f).and(&g).map_collect(|f, g| phase(f) * phase(g).conj());
    let epsilon = bounds::fft(shape);
    let spread = |z: &ArrayD<Complex<f64>>| {
        let smallest = z.iter().map(|z| z.norm()).fold(f64::INFINITY, f64::min).max(least);
        2.0 * epsilon * z.iter().map(Complex::norm_sqr).sum::<f64>().sqrt() / smallest
    };
    let points = (product.len() as f64).sqrt();
    let bound = (spread(&f) + spread(&g)) / points + epsilon + 12.0 * UNIT_ROUNDOFF;
    Expected::Norm(reference::from_spectrum(product), bound)
}

/// Of x less its mean, whose entries are off by δ = (64 + ⌈n/64⌉ + 4) u max |x|: a sum of products, directly or by transforms,
/// of which either factor is off by δ.
fn autocorrelation(x: &ArrayD<f64>) -> Result<Expected> {
    let n = x.len();
    let tallest = x.iter().fold(0f64, |most, x| most.max(x.abs()));
    let shift = (64.0 + n.div_ceil(64) as f64 + 4.0) * UNIT_ROUNDOFF * tallest;
    let x = reference::centred(x.view()).mapv(|x| Complex::new(x, 0.0));
    let sums = reference::correlate(x.view(), x.view(), Part::Full)?;
    let values: Vec<_> = x.iter().copied().collect();
    let by_transform = bounds::convolve_by_transform(&values, &values, &[2 * n - 1]);
    let heights: f64 = x.iter().map(|x| x.norm()).sum();
    let bound = |size: f64| {
        bounds::convolve_direct(n, false, size).max(by_transform) + 2.0 * shift * heights + n as f64 * shift * shift
    };
    Ok(Expected::Entries((sums.value.mapv(|z| z.re), sums.magnitude.mapv(bound))))
}
