//! Fourier transforms: complex, real and inverse, chosen axes, cropped and padded, in the three norms.

use std::collections::{BTreeSet, HashSet};
use std::f64::consts::TAU;

use ndarray::{ArrayD, Axis, IxDyn, Slice};
use num_complex::{Complex, Complex32};

use super::{Body, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::ops::{FftOptions, Norm, fft, ifft, irfft, rfft};
use crate::tensor::{Element, HostElement, Tensor};

/// Which transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    Fft,
    Ifft,
    Rfft,
    Irfft,
}

impl Transform {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Fft, "fft"), (Self::Ifft, "ifft"), (Self::Rfft, "rfft"), (Self::Irfft, "irfft")];

    fn inverse(self) -> bool {
        matches!(self, Self::Ifft | Self::Irfft)
    }
}

/// One transform.
#[derive(Debug, Clone)]
pub(crate) struct FftTrial {
    transform: Transform,
    /// Shape of the input, or of the result of `irfft`.
    shape: Vec<usize>,
    axes: Vec<usize>,
    /// Transform lengths where they differ from the shape's.
    lengths: Option<Vec<usize>>,
    norm: Norm,
    /// The input's last two axes are stored the other way round.
    transposed: bool,
    /// Only this many coefficients, chosen at random, are compared: those of a long line take long by the definition.
    sampled: Option<usize>,
}

impl FftTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let options = FftOptions { axes: Some(self.axes.clone()), lengths: self.options_lengths(), norm: self.norm };
        let last = self.axes.last().copied().unwrap_or(0);
        let mut shape = self.shape.clone();
        if let (Transform::Irfft, Some(n)) = (self.transform, shape.get_mut(last)) {
            *n = *n / 2 + 1;
        }
        if self.transform == Transform::Rfft {
            let x = ArrayD::from_shape_simple_fn(IxDyn(&shape), || generator.bell());
            let device = self.upload(context, &x)?;
            let result = rfft(&device, &options)?.read().await?;
            return Ok(self.judge(&x.mapv(|re| Complex::new(f64::from(re), 0.0)), &result.mapv(widen)));
        }
        let x = ArrayD::from_shape_simple_fn(IxDyn(&shape), || Complex32::new(generator.bell(), generator.bell()));
        let device = self.upload(context, &x)?;
        let result = match self.transform {
            Transform::Irfft => irfft(&device, &options)?.read().await?.mapv(|re| Complex::new(f64::from(re), 0.0)),
            Transform::Ifft => ifft(&device, &options)?.read().await?.mapv(widen),
            _ => fft(&device, &options)?.read().await?.mapv(widen),
        };
        match self.sampled {
            Some(count) => Ok(self.judge_some(&x.mapv(widen), &result, count, &mut generator)),
            None => Ok(self.judge(&x.mapv(widen), &result)),
        }
    }

    /// Points of a complex transform forwards along one axis.
    pub(super) fn points(&self) -> Option<usize> {
        let [axis] = self.axes[..] else { return None };
        (self.transform == Transform::Fft && self.lengths.is_none()).then(|| self.shape.get(axis).copied()).flatten()
    }

    /// The relative L2 error of a single line, told from some of its coefficients.
    fn judge_some(
        &self,
        x: &ArrayD<Complex<f64>>,
        got: &ArrayD<Complex<f64>>,
        count: usize,
        generator: &mut Generator,
    ) -> Comparison {
        let (x, got): (Vec<_>, Vec<_>) = (x.iter().copied().collect(), got.iter().copied().collect());
        let n = x.len();
        if got.len() != n {
            return Comparison::broken(format!("there are {} coefficients, not {n}", got.len()));
        }
        let (mut error, mut size) = (0.0, 0.0);
        for _ in 0..count {
            let k = generator.below(n);
            // Angles are reduced exactly; blocks of 64 keep the sum in f64 well below what is measured.
            let term = |j: usize| x.get(j).copied().unwrap_or_default() * Complex::from_polar(1.0, angle(j, k, n));
            let blocks = (0..n).step_by(64).map(|j| (j..n.min(j + 64)).map(term).sum::<Complex<f64>>());
            let want: Complex<f64> = blocks.sum();
            error += (got.get(k).copied().unwrap_or_default() - want).norm_sqr();
            size += want.norm_sqr();
        }
        let (error, size) = (f64::sqrt(error), f64::sqrt(size));
        let mut comparison = Comparison::default();
        comparison.norm(|| format!("{count} coefficients"), error, (size, bounds::fft(&self.lengths()) * size), count);
        comparison
    }

    fn upload<E>(&self, context: &Context, x: &ArrayD<E>) -> Result<Tensor<E>>
    where
        E: Element + HostElement<Device = E>,
    {
        if !self.transposed {
            return context.upload(x);
        }
        let mut swapped = x.view();
        swapped.swap_axes(x.ndim() - 1, x.ndim() - 2);
        Ok(context.upload(&swapped.as_standard_layout())?.transpose())
    }

    /// Transform lengths, one per axis.
    fn lengths(&self) -> Vec<usize> {
        let own = self.axes.iter().map(|&axis| self.shape.get(axis).copied().unwrap_or(1)).collect();
        self.lengths.clone().unwrap_or(own)
    }

    /// An odd length of `irfft` cannot be seen from its input, so it is always given.
    fn options_lengths(&self) -> Option<Vec<usize>> {
        if self.transform == Transform::Irfft { Some(self.lengths()) } else { self.lengths.clone() }
    }

    /// Relative L2 error of every transform by itself where one axis is transformed, of the whole otherwise.
    fn judge(&self, x: &ArrayD<Complex<f64>>, got: &ArrayD<Complex<f64>>) -> Comparison {
        let want = self.expected(x);
        if got.shape() != want.shape() {
            return Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), want.shape()));
        }
        let mut comparison = Comparison::default();
        let tolerance = bounds::fft(&self.lengths());
        let mut norm = |place: String, errors: &mut dyn Iterator<Item = (Complex<f64>, Complex<f64>)>| {
            let (mut error, mut size, mut count) = (0.0, 0.0, 0);
            for (got, want) in errors {
                error += (got - want).norm_sqr();
                size += want.norm_sqr();
                count += 1;
            }
            comparison.norm(|| place, f64::sqrt(error), (f64::sqrt(size), tolerance * f64::sqrt(size)), count);
        };
        if let [axis] = self.axes[..] {
            for (line, (got, want)) in got.lanes(Axis(axis)).into_iter().zip(want.lanes(Axis(axis))).enumerate() {
                norm(format!("line {line}"), &mut got.iter().copied().zip(want.iter().copied()));
            }
        } else {
            norm("whole".to_owned(), &mut got.iter().copied().zip(want.iter().copied()));
        }
        comparison
    }

    fn expected(&self, x: &ArrayD<Complex<f64>>) -> ArrayD<Complex<f64>> {
        let lengths = self.lengths();
        let total: usize = lengths.iter().product();
        let scale = match (self.norm, self.transform.inverse()) {
            (Norm::Ortho, _) => 1.0 / (total as f64).sqrt(),
            (Norm::Backward, true) | (Norm::Forward, false) => 1.0 / total as f64,
            _ => 1.0,
        };
        let mut data = x.clone();
        let last = self.axes.len().saturating_sub(1);
        for (at, (&axis, &n)) in self.axes.iter().zip(&lengths).enumerate() {
            data = match self.transform {
                Transform::Irfft if at == last => hermitian(&fit(&data, axis, n / 2 + 1), axis, n),
                _ => fit(&data, axis, n),
            };
            for mut lane in data.lanes_mut(Axis(axis)) {
                let line: Vec<_> = lane.iter().copied().collect();
                lane.iter_mut().zip(dft(&line, self.transform.inverse())).for_each(|(to, from)| *to = from);
            }
        }
        if let (Transform::Rfft, Some(&axis), Some(&n)) = (self.transform, self.axes.last(), lengths.last()) {
            data = fit(&data, axis, n / 2 + 1);
        }
        if self.transform == Transform::Irfft {
            data.mapv_inplace(|value| Complex::new(value.re, 0.0));
        }
        data.mapv_inplace(|value| value * scale);
        data
    }
}

/// The angle of `exp(−2πi jk/n)`.
fn angle(j: usize, k: usize, n: usize) -> f64 {
    -TAU * ((j as u128 * k as u128 % n as u128) as f64 / n as f64)
}

fn widen(value: Complex32) -> Complex<f64> {
    Complex::new(f64::from(value.re), f64::from(value.im))
}

/// The array cropped or zero-padded along an axis.
fn fit(x: &ArrayD<Complex<f64>>, axis: usize, n: usize) -> ArrayD<Complex<f64>> {
    let mut shape = x.shape().to_vec();
    let kept = x.len_of(Axis(axis)).min(n);
    if let Some(length) = shape.get_mut(axis) {
        *length = n;
    }
    let mut fitted = ArrayD::from_elem(IxDyn(&shape), Complex::new(0.0, 0.0));
    let range = Slice::from(0..kept);
    fitted.slice_axis_mut(Axis(axis), range).assign(&x.slice_axis(Axis(axis), range));
    fitted
}

/// Half a spectrum completed to n coefficients of a real signal; the imaginary parts of coefficient 0 and, for even n,
/// of the middle one are ignored, as NumPy does.
fn hermitian(half: &ArrayD<Complex<f64>>, axis: usize, n: usize) -> ArrayD<Complex<f64>> {
    let mut whole = fit(half, axis, n);
    for mut lane in whole.lanes_mut(Axis(axis)) {
        for k in 0..n {
            let mirror = (n - k) % n;
            if k == mirror {
                if let Some(value) = lane.get_mut(k) {
                    value.im = 0.0;
                }
            } else if k > n / 2 {
                let value = lane.get(mirror).copied().unwrap_or_default().conj();
                if let Some(to) = lane.get_mut(k) {
                    *to = value;
                }
            }
        }
    }
    whole
}

/// The discrete Fourier transform by its definition for a prime length, split by the smallest prime factor otherwise
/// (Cooley and Tukey, 1965), so that long lengths stay affordable.
fn dft(x: &[Complex<f64>], inverse: bool) -> Vec<Complex<f64>> {
    let n = x.len();
    let sign = if inverse { TAU } else { -TAU };
    let roots: Vec<_> = (0..n).map(|j| Complex::from_polar(1.0, sign * j as f64 / n as f64)).collect();
    split(x, 1, n, &roots)
}

/// The transform of the n entries of x that lie `stride` apart; `roots` are those of the whole length.
fn split(x: &[Complex<f64>], stride: usize, n: usize, roots: &[Complex<f64>]) -> Vec<Complex<f64>> {
    let factor = (2..n).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)).unwrap_or(n.max(1));
    let rest = n / factor;
    let parts: Vec<Vec<Complex<f64>>> = if rest <= 1 {
        (0..n).map(|j| vec![x.get(j * stride).copied().unwrap_or_default()]).collect()
    } else {
        (0..factor).map(|j| split(x.get(j * stride..).unwrap_or_default(), stride * factor, rest, roots)).collect()
    };
    (0..n)
        .map(|k| {
            let (turn, step) = (k % rest.max(1), k * stride % roots.len().max(1));
            let (mut sum, mut power) = (Complex::new(0.0, 0.0), 0);
            for part in &parts {
                if let (Some(value), Some(root)) = (part.get(turn), roots.get(power)) {
                    sum += value * root;
                }
                power += step;
                if power >= roots.len() {
                    power -= roots.len();
                }
            }
            sum
        })
        .collect()
}

/// Lengths of the last axis: all radices, primes with and without a smooth N − 1, powers, and lengths past what one
/// workgroup holds.
const LENGTHS: [usize; 41] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 24, 31, 32, 35, 47, 60, 64, 97, 100, 127, 128, 131,
    210, 256, 512, 1000, 1009, 1024, 2187, 3125, 4096, 8192, 10_007,
];
const NORMS: [(Norm, &str); 3] = [(Norm::Backward, "backward"), (Norm::Ortho, "ortho"), (Norm::Forward, "forward")];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |number: usize, shape: &[usize], axes: &[usize], lengths: Option<&[usize]>, transposed: bool| {
        for (at, &(transform, op)) in Transform::ALL.iter().enumerate() {
            for (which, &(norm, word)) in NORMS.iter().enumerate() {
                if extent == Extent::Sample && which != (number + at) % NORMS.len() {
                    continue;
                }
                let mut setting = format!("{} axes {axes:?} {word}", shape_name(shape));
                if let Some(lengths) = lengths {
                    setting += &format!(" to {}", shape_name(lengths));
                }
                if transposed {
                    setting += " transposed";
                }
                let trial = FftTrial {
                    transform,
                    shape: shape.to_vec(),
                    axes: axes.to_vec(),
                    lengths: lengths.map(<[usize]>::to_vec),
                    norm,
                    transposed,
                    sampled: None,
                };
                trials.push(Trial::new(op, setting, Body::Fft(trial)));
            }
        }
    };
    for (number, &n) in LENGTHS.iter().enumerate() {
        let batch = if n > 2000 { 1 } else { 1 + number % 5 };
        add(number, &[batch, n], &[1], None, number % 4 == 3);
    }
    let shaped: [(&[usize], &[usize], Option<&[usize]>, bool); 22] = [
        (&[0, 8], &[1], None, false),
        (&[257], &[0], None, false),
        (&[16, 9], &[0], None, false),
        (&[16, 9], &[0], None, true),
        (&[6, 35, 9], &[1], None, false),
        (&[300, 64], &[1], None, false),
        (&[17, 31], &[0, 1], None, false),
        (&[64, 48], &[0, 1], None, true),
        (&[128, 128], &[0, 1], None, false),
        (&[3, 20, 12], &[1, 2], None, false),
        (&[3, 20, 12], &[0, 2], None, false),
        (&[16, 12, 10], &[0, 1, 2], None, false),
        (&[5, 7, 9], &[0, 1, 2], None, false),
        (&[4, 30], &[1], Some(&[16]), false),
        (&[4, 30], &[1], Some(&[45]), false),
        (&[4, 31], &[1], Some(&[64]), true),
        (&[30, 4], &[0], Some(&[17]), false),
        (&[12, 20], &[0, 1], Some(&[16, 16]), false),
        (&[12, 20], &[0, 1], Some(&[9, 31]), false),
        (&[2, 3, 5, 8], &[1, 2, 3], None, false),
        (&[1, 1], &[0, 1], None, false),
        (&[1, 65_536], &[1], None, false),
    ];
    for (number, (shape, axes, lengths, transposed)) in shaped.into_iter().enumerate() {
        add(number, shape, axes, lengths, transposed);
    }
    if extent == Extent::Full {
        let large: [(&[usize], &[usize]); 7] = [
            (&[1, 59_049], &[1]),
            (&[1, 100_003], &[1]),
            (&[1, 524_288], &[1]),
            (&[1, 1 << 20], &[1]),
            (&[512, 1000], &[0, 1]),
            (&[70_000, 16], &[1]),
            // Columns that reach across more than one binding.
            (&[32, 700_000], &[0]),
        ];
        large.into_iter().enumerate().for_each(|(number, (shape, axes))| add(number, shape, axes, None, false));
        trials.extend(sweep());
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}

/// Every length up to 4096, and 1000 longer ones up to 2²⁰.
fn sweep() -> impl Iterator<Item = Trial> {
    let mut generator = Generator::named("lengths of transforms");
    let mut longer = BTreeSet::new();
    while longer.len() < 1000 {
        longer.insert(4097 + generator.below((1 << 20) - 4096));
    }
    (1..=4096).chain(longer).map(|n| {
        let (transform, norm) = (Transform::Fft, Norm::Backward);
        let (shape, axes) = (vec![n], vec![0]);
        let sampled = (n > 64).then_some(SAMPLED);
        let trial = FftTrial { transform, shape, axes, lengths: None, norm, transposed: false, sampled };
        Trial::new("fft", format!("{n} of the sweep"), Body::Fft(trial))
    })
}

/// Coefficients of a line that the sweep compares.
const SAMPLED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_transform_is_the_definition() {
        let mut generator = Generator::new(7);
        for n in [1, 2, 6, 7, 12, 30, 49, 64] {
            let x: Vec<_> =
                (0..n).map(|_| Complex::new(f64::from(generator.bell()), f64::from(generator.bell()))).collect();
            for (k, got) in dft(&x, false).into_iter().enumerate() {
                let term = |j: usize| Complex::from_polar(1.0, -TAU * (j * k % n) as f64 / n as f64);
                let want: Complex<f64> = x.iter().enumerate().map(|(j, value)| value * term(j)).sum();
                assert!((got - want).norm() < 1e-12 * n as f64, "n = {n}, k = {k}");
            }
        }
    }

    #[test]
    fn half_spectra_become_real_signals() {
        let half = ArrayD::from_shape_vec(IxDyn(&[2]), vec![Complex::new(1.0, 5.0), Complex::new(2.0, 3.0)])
            .unwrap_or_default();
        let odd = hermitian(&half, 0, 3);
        assert_eq!(
            odd.as_slice().unwrap_or_default(),
            [Complex::new(1.0, 0.0), Complex::new(2.0, 3.0), Complex::new(2.0, -3.0)]
        );
        let even = hermitian(&half, 0, 2);
        assert_eq!(even.as_slice().unwrap_or_default(), [Complex::new(1.0, 0.0), Complex::new(2.0, 0.0)]);
    }
}
