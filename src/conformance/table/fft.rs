//! Fourier transforms: complex, real and inverse, chosen axes, cropped and padded, in the three norms.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::f64::consts::TAU;

use half::f16;
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use num_complex::{Complex, Complex32};

use super::{Body, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::ops::{FftOptions, Norm, fft, ifft, irfft, rfft};
use crate::reference;
use crate::tensor::{Complex16, Element, HostElement, Number, Tensor};

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
    /// The input is stored in f16.
    halves: bool,
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
        let draw = || if self.halves { f16::from_f32(generator.bell()).to_f32() } else { generator.bell() };
        if self.transform == Transform::Rfft {
            let x = ArrayD::from_shape_simple_fn(IxDyn(&shape), draw);
            let result = match self.halves {
                true => rfft(&self.upload(context, &x.mapv(f16::from_f32))?, &options)?,
                false => rfft(&self.upload(context, &x)?, &options)?,
            };
            let x = x.mapv(|re| Complex::new(f64::from(re), 0.0));
            return Ok(self.judge(&x, &result.read().await?.mapv(widen)));
        }
        let mut draw = draw;
        let x = ArrayD::from_shape_simple_fn(IxDyn(&shape), || Complex32::new(draw(), draw()));
        let result = match self.halves {
            true => {
                let narrow = |z: Complex32| Complex16::new(f16::from_f32(z.re), f16::from_f32(z.im));
                self.transformed(&self.upload(context, &x.mapv(narrow))?, &options).await?
            }
            false => self.transformed(&self.upload(context, &x)?, &options).await?,
        };
        match self.sampled {
            Some(count) => Ok(self.judge_some(&x.mapv(widen), &result, count, &mut generator)),
            None => Ok(self.judge(&x.mapv(widen), &result)),
        }
    }

    async fn transformed<N>(&self, x: &Tensor<N>, options: &FftOptions) -> Result<ArrayD<Complex<f64>>>
    where
        N: Number<Wide = Complex32>,
    {
        Ok(match self.transform {
            Transform::Irfft => irfft(x, options)?.read().await?.mapv(|re| Complex::new(f64::from(re), 0.0)),
            Transform::Ifft => ifft(x, options)?.read().await?.mapv(widen),
            _ => fft(x, options)?.read().await?.mapv(widen),
        })
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
            if self.transform == Transform::Irfft && at == last {
                data = hermitian(&data, axis, n);
            }
            data = reference::dft_along(data.view(), axis, n, self.transform.inverse(), 1.0);
        }
        if let (Transform::Rfft, Some(&axis), Some(&n)) = (self.transform, self.axes.last(), lengths.last()) {
            data = data.slice_axis(Axis(axis), Slice::from(0..n / 2 + 1)).to_owned();
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

/// Half a spectrum completed to n coefficients of a real signal; the imaginary parts of coefficient 0 and, for even n,
/// of the middle one are ignored, as NumPy does. Coefficients that are missing are 0.
fn hermitian(half: &ArrayD<Complex<f64>>, axis: usize, n: usize) -> ArrayD<Complex<f64>> {
    let mut shape = half.shape().to_vec();
    if let Some(length) = shape.get_mut(axis) {
        *length = n;
    }
    let mut whole = ArrayD::zeros(IxDyn(&shape));
    for (half, mut whole) in half.lanes(Axis(axis)).into_iter().zip(whole.lanes_mut(Axis(axis))) {
        for (k, to) in whole.iter_mut().enumerate() {
            let mirror = (n - k) % n;
            let value: Complex<f64> = half.get(k.min(mirror)).copied().unwrap_or_default();
            *to = match k.cmp(&mirror) {
                Ordering::Less => value,
                Ordering::Equal => Complex::new(value.re, 0.0),
                Ordering::Greater => value.conj(),
            };
        }
    }
    whole
}

/// Lengths of the last axis: all radices, primes with and without a smooth N − 1, powers, and lengths past what one
/// workgroup holds.
const LENGTHS: [usize; 44] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 24, 31, 32, 35, 47, 60, 64, 97, 100, 127, 128, 131,
    210, 256, 512, 1000, 1009, 1024, 2187, 3125, 4096, 8192, 10_007, 94, 2018, 20_014,
];
const NORMS: [(Norm, &str); 3] = [(Norm::Backward, "backward"), (Norm::Ortho, "ortho"), (Norm::Forward, "forward")];

/// How an input is stored.
#[derive(Default)]
struct How {
    transposed: bool,
    halves: bool,
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |number: usize, shape: &[usize], axes: &[usize], lengths: Option<&[usize]>, how: How| {
        let How { transposed, halves } = how;
        for (at, &(transform, op)) in Transform::ALL.iter().enumerate() {
            for (which, &(norm, word)) in NORMS.iter().enumerate() {
                if extent == Extent::Sample && which != (number + at) % NORMS.len() {
                    continue;
                }
                let mut setting = format!("{} axes {axes:?} {word}", shape_name(shape));
                if let Some(lengths) = lengths {
                    setting += &format!(" to {}", shape_name(lengths));
                }
                setting += if transposed { " transposed" } else { "" };
                setting += if halves { " f16" } else { "" };
                let trial = FftTrial {
                    transform,
                    shape: shape.to_vec(),
                    axes: axes.to_vec(),
                    lengths: lengths.map(<[usize]>::to_vec),
                    norm,
                    halves,
                    transposed,
                    sampled: None,
                };
                trials.push(Trial::new(op, setting, Body::Fft(trial)));
            }
        }
    };
    for (number, &n) in LENGTHS.iter().enumerate() {
        let batch = if n > 2000 { 1 } else { 1 + number % 5 };
        add(number, &[batch, n], &[1], None, How { transposed: number % 4 == 3, halves: number % 5 == 4 });
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
        add(number, shape, axes, lengths, How { transposed, halves: number % 3 == 2 });
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
        large
            .into_iter()
            .enumerate()
            .for_each(|(number, (shape, axes))| add(number, shape, axes, None, How::default()));
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
        let trial = FftTrial { transform, shape, axes, lengths: None, norm, halves: false, transposed: false, sampled };
        Trial::new("fft", format!("{n} of the sweep"), Body::Fft(trial))
    })
}

/// Coefficients of a line that the sweep compares.
const SAMPLED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

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
