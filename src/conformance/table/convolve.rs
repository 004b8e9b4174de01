//! Convolution and correlation: modes, methods, ranks 1 to 3, real and complex, circular.

use num_complex::{Complex, Complex32};

use std::collections::HashSet;

use ndarray::{ArrayD, IxDyn};

use super::{Body, sampled, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::ops::{ConvolveOptions, convolve, correlate};
use crate::work::{Method, Mode};

/// One convolution or correlation.
#[derive(Debug, Clone)]
pub(crate) struct ConvolveTrial {
    correlate: bool,
    complex: bool,
    /// Batch axes in front, then the convolved ones.
    x: Vec<usize>,
    h: Vec<usize>,
    rank: usize,
    mode: Mode,
    method: Method,
    circular: bool,
}

impl ConvolveTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut draw = || Complex32::new(generator.bell(), if self.complex { generator.bell() } else { 0.0 });
        let x = ArrayD::from_shape_simple_fn(IxDyn(&self.x), &mut draw);
        let h = ArrayD::from_shape_simple_fn(IxDyn(&self.h), &mut draw);
        let options =
            ConvolveOptions { mode: self.mode, method: self.method, rank: Some(self.rank), circular: self.circular };
        let got = if self.complex {
            let (x, h) = (context.upload(&x)?, context.upload(&h)?);
            let result = if self.correlate { correlate(&x, &h, &options) } else { convolve(&x, &h, &options) };
            result?.read().await?
        } else {
            let (x, h) = (context.upload(&x.mapv(|value| value.re))?, context.upload(&h.mapv(|value| value.re))?);
            let result = if self.correlate { correlate(&x, &h, &options) } else { convolve(&x, &h, &options) };
            result?.read().await?.mapv(|re| Complex32::new(re, 0.0))
        };
        let want = Expected::new(self, &x, &h);
        if got.shape() != want.shape() {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), want.shape())));
        }
        let mut comparison = Comparison::default();
        let got: Vec<Complex32> = got.into_iter().collect();
        // A long kernel makes an entry dear: then fewer are compared.
        let every = (got.len().saturating_mul(want.kernel_length()) / 5_000_000).max(1);
        for at in sampled(got.len()).step_by(every) {
            let Some(&got) = got.get(at) else { continue };
            let (value, bound) = want.entry(at);
            comparison.complex(|| format!("flat index {at}"), got, value, bound);
        }
        Ok(comparison)
    }
}

type Extents = [usize; 3];

/// The sum of products in f64 with its bound, entry by entry. Axes that are not convolved have length 1.
struct Expected<'a> {
    trial: &'a ConvolveTrial,
    batch: Vec<usize>,
    x: Vec<Complex<f64>>,
    h: Vec<Complex<f64>>,
    n: Extents,
    k: Extents,
    /// First kept entry of the full result, and how many.
    start: Extents,
    kept: Extents,
    /// Bound of a result by Fourier transforms, per batch entry.
    by_transform: Vec<f64>,
}

impl<'a> Expected<'a> {
    fn new(trial: &'a ConvolveTrial, x: &ArrayD<Complex32>, h: &ArrayD<Complex32>) -> Self {
        let batch = trial.x.iter().take(trial.x.len() - trial.rank).copied().collect::<Vec<_>>();
        let (n, k) = (extents(&trial.x, trial.rank), extents(&trial.h, trial.rank));
        let mut start = [0; 3];
        let mut kept = [1; 3];
        for axis in 0..3 {
            (start[axis], kept[axis]) = match (trial.circular, trial.mode) {
                (true, _) => (0, n[axis]),
                (false, Mode::Full) => (0, n[axis] + k[axis] - 1),
                (false, Mode::Same) => ((k[axis] - 1) / 2, n[axis]),
                (false, Mode::Valid) => (n[axis].min(k[axis]) - 1, n[axis].abs_diff(k[axis]) + 1),
            };
        }
        let wide = |value: &Complex32| Complex::new(f64::from(value.re), f64::from(value.im));
        let x: Vec<_> = x.iter().map(wide).collect();
        let mut h: Vec<_> = h.iter().map(wide).collect();
        let (signal, kernel) = (n.iter().product::<usize>(), k.iter().product::<usize>());
        if trial.correlate && !trial.circular {
            // Correlation is convolution with the kernel reversed and conjugated.
            h.chunks_mut(kernel).for_each(|one| one.reverse());
            h.iter_mut().for_each(|value| *value = value.conj());
        }
        let full: Vec<usize> = n.iter().zip(k).map(|(n, k)| n + k - 1).collect();
        let lines = x.chunks(signal).zip(h.chunks(kernel));
        let by_transform = lines.map(|(x, h)| bounds::convolve_by_transform(x, h, &full)).collect();
        Self { trial, batch, x, h, n, k, start, kept, by_transform }
    }

    fn shape(&self) -> Vec<usize> {
        let convolved = self.kept.iter().skip(3 - self.trial.rank);
        self.batch.iter().chain(convolved).copied().collect()
    }

    fn kernel_length(&self) -> usize {
        self.k.iter().product()
    }

    fn entry(&self, at: usize) -> (Complex<f64>, f64) {
        let kept: usize = self.kept.iter().product();
        let (batch, at) = (at / kept, at % kept);
        let place = [at / (self.kept[1] * self.kept[2]), at / self.kept[2] % self.kept[1], at % self.kept[2]];
        let place: Extents = std::array::from_fn(|axis| place[axis] + self.start[axis]);
        let (signal, kernel) = (self.n.iter().product::<usize>(), self.kernel_length());
        let (mut sum, mut size) = (Complex::new(0.0, 0.0), 0.0);
        for a in 0..self.k[0] {
            for b in 0..self.k[1] {
                for c in 0..self.k[2] {
                    let tap = [a, b, c];
                    let Some(source) = self.source(place, tap) else { continue };
                    let source = (source[0] * self.n[1] + source[1]) * self.n[2] + source[2];
                    let tap = (a * self.k[1] + b) * self.k[2] + c;
                    let x = self.x.get(batch * signal + source).copied().unwrap_or_default();
                    let h = self.h.get(batch * kernel + tap).copied().unwrap_or_default();
                    let h = if self.trial.circular && self.trial.correlate { h.conj() } else { h };
                    sum += x * h;
                    size += x.norm() * h.norm();
                }
            }
        }
        let direct = bounds::convolve_direct(kernel, self.trial.complex, size);
        let transform = self.by_transform.get(batch).copied().unwrap_or_default();
        let bound = match self.trial.method {
            Method::Direct => direct,
            Method::Fft => transform,
            Method::Auto => direct.max(transform),
        };
        (sum, bound)
    }

    /// Which entry of x meets this tap at this place, if any.
    fn source(&self, place: Extents, tap: Extents) -> Option<Extents> {
        let mut source = [0; 3];
        for axis in 0..3 {
            let n = self.n[axis];
            source[axis] = match (self.trial.circular, self.trial.correlate) {
                (true, false) => (place[axis] + n - tap[axis] % n) % n,
                (true, true) => (place[axis] + tap[axis]) % n,
                (false, _) => place[axis].checked_sub(tap[axis]).filter(|&at| at < n)?,
            };
        }
        Some(source)
    }
}

/// The last `rank` lengths, with 1 in front.
fn extents(shape: &[usize], rank: usize) -> Extents {
    let mut extents = [1; 3];
    for (to, from) in extents.iter_mut().rev().zip(shape.iter().rev().take(rank)) {
        *to = *from;
    }
    extents
}

const MODES: [(Mode, &str); 3] = [(Mode::Full, "full"), (Mode::Same, "same"), (Mode::Valid, "valid")];
const METHODS: [(Method, &str); 3] = [(Method::Auto, "auto"), (Method::Direct, "direct"), (Method::Fft, "fft")];

/// Signal, kernel, and how many axes are convolved.
const SIZES: [(&[usize], &[usize], usize); 18] = [
    (&[1], &[1], 1),
    (&[7], &[1], 1),
    (&[5], &[4], 1),
    (&[64], &[16], 1),
    (&[65], &[17], 1),
    (&[31], &[97], 1),
    (&[257], &[257], 1),
    (&[1000], &[129], 1),
    (&[9000], &[63], 1),
    (&[3, 200], &[3, 21], 1),
    (&[2, 3, 40], &[2, 3, 7], 1),
    (&[16, 16], &[3, 3], 2),
    (&[17, 31], &[5, 4], 2),
    (&[64, 65], &[15, 15], 2),
    (&[40, 33], &[40, 33], 2),
    (&[3, 24, 20], &[3, 5, 3], 2),
    (&[9, 10, 11], &[3, 2, 4], 3),
    (&[16, 17, 18], &[5, 5, 5], 3),
];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |trial: ConvolveTrial| {
        let op = if trial.correlate { "correlate" } else { "convolve" };
        let word = |found: Option<&str>| found.unwrap_or("").to_owned();
        let how = if trial.circular {
            "circular".to_owned()
        } else {
            word(MODES.iter().find(|(mode, _)| *mode == trial.mode).map(|(_, word)| *word))
        };
        let method = word(METHODS.iter().find(|(method, _)| *method == trial.method).map(|(_, word)| *word));
        let dtype = if trial.complex { " complex" } else { "" };
        let shapes = format!("{} ∗ {} rank {}", shape_name(&trial.x), shape_name(&trial.h), trial.rank);
        trials.push(Trial::new(op, format!("{shapes} {how} {method}{dtype}"), Body::Convolve(trial)));
    };
    for row in super::settings(extent, &[SIZES.len(), 4, METHODS.len(), 2, 2]) {
        let [size, mode, method, correlate, complex] = row[..] else { continue };
        let (Some(&(x, h, rank)), Some(&(method, _))) = (SIZES.get(size), METHODS.get(method)) else { continue };
        let circular = mode == MODES.len();
        if circular && x.iter().zip(h).any(|(n, k)| k > n) {
            continue;
        }
        let mode = MODES.get(mode).map_or(Mode::Full, |(mode, _)| *mode);
        let (correlate, complex) = (correlate == 1, complex == 1);
        add(ConvolveTrial { correlate, complex, x: x.to_vec(), h: h.to_vec(), rank, mode, method, circular });
    }
    let plain = |x: &[usize], h: &[usize], mode, method| ConvolveTrial {
        correlate: false,
        complex: false,
        x: x.to_vec(),
        h: h.to_vec(),
        rank: x.len(),
        mode,
        method,
        circular: false,
    };
    // More taps than one invocation may loop over on a driver that stops after 65,535 iterations.
    add(plain(&[70_010], &[70_001], Mode::Valid, Method::Direct));
    add(plain(&[40_000], &[2000], Mode::Same, Method::Auto));
    if extent == Extent::Full {
        add(plain(&[200_000], &[5000], Mode::Full, Method::Fft));
        add(plain(&[700, 800], &[61, 61], Mode::Same, Method::Auto));
        add(plain(&[17_000_000], &[3], Mode::Same, Method::Direct));
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
