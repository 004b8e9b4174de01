//! Convolution and correlation: modes, boundaries, methods, ranks 1 to 3, real and complex, circular.

use std::collections::HashSet;

use half::f16;
use ndarray::{ArrayD, IxDyn};
use num_complex::{Complex, Complex32};

use super::extend::walk;
use super::{Body, sampled, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::ops::{ConvolveOptions, convolve, correlate};
use crate::tensor::{Complex16, HostElement, Number};
use crate::work::{Boundary, Method, Mode};

/// One convolution or correlation.
#[derive(Debug, Clone)]
pub(crate) struct ConvolveTrial {
    correlate: bool,
    complex: bool,
    /// The inputs are stored in f16.
    halves: bool,
    /// Batch axes in front, then the convolved ones.
    x: Vec<usize>,
    h: Vec<usize>,
    rank: usize,
    mode: Mode,
    method: Method,
    boundary: Boundary,
    origin: [isize; 3],
    circular: bool,
}

impl ConvolveTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut number = || if self.halves { f16::from_f32(generator.bell()).to_f32() } else { generator.bell() };
        let mut draw = || Complex32::new(number(), if self.complex { number() } else { 0.0 });
        let x = ArrayD::from_shape_simple_fn(IxDyn(&self.x), &mut draw);
        let h = ArrayD::from_shape_simple_fn(IxDyn(&self.h), &mut draw);
        let wide = |re: f32| Complex32::new(re, 0.0);
        let got = match (self.complex, self.halves) {
            (false, false) => self.result(context, &x, &h, |z| z.re).await?.mapv(wide),
            (false, true) => self.result(context, &x, &h, |z| f16::from_f32(z.re)).await?.mapv(wide),
            (true, false) => self.result(context, &x, &h, |z| z).await?,
            (true, true) => {
                let narrow = |z: Complex32| Complex16::new(f16::from_f32(z.re), f16::from_f32(z.im));
                self.result(context, &x, &h, narrow).await?
            }
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

impl ConvolveTrial {
    /// What comes out for both inputs stored as `stored` says.
    async fn result<N: Number + HostElement<Device = N>>(
        &self,
        context: &Context,
        x: &ArrayD<Complex32>,
        h: &ArrayD<Complex32>,
        stored: impl Fn(Complex32) -> N,
    ) -> Result<ArrayD<N::Wide>> {
        let Self { rank, mode, method, boundary, origin, circular, .. } = *self;
        let options = ConvolveOptions { mode, method, rank: Some(rank), boundary, origin, circular };
        let (x, h) = (context.upload(&x.mapv(&stored))?, context.upload(&h.mapv(&stored))?);
        let result = if self.correlate { correlate(&x, &h, &options) } else { convolve(&x, &h, &options) };
        result?.read().await
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
            let origin = (axis + trial.rank).checked_sub(3).map_or(0, |axis| trial.origin[axis]);
            // The tap that lies on the entry, of a kernel that a correlation has reversed.
            let tap = if trial.correlate { k[axis] / 2 } else { (k[axis] - 1) / 2 }.saturating_add_signed(origin);
            let tap = if trial.correlate { k[axis] - 1 - tap } else { tap };
            (start[axis], kept[axis]) = match (trial.circular, trial.mode) {
                (true, _) => (0, n[axis]),
                (false, Mode::Full) => (0, n[axis] + k[axis] - 1),
                (false, Mode::Same) => (tap, n[axis]),
                (false, Mode::Causal) => (0, n[axis]),
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
        let mut expected = Self { trial, batch, x, h, n, k, start, kept, by_transform: Vec::new() };
        // What is transformed: the signal, continued as far as the kernel reaches where the boundary is not zero.
        let (from, seen) = if trial.boundary == Boundary::Zero {
            ([0; 3], n)
        } else {
            (std::array::from_fn(|axis| start[axis] as i64 - (k[axis] as i64 - 1)), full_lengths(kept, k))
        };
        let full = full_lengths(seen, k);
        let items = expected.batch.iter().product();
        let bound = |number: usize| {
            let place = |at: usize| [at / (seen[1] * seen[2]), at / seen[2] % seen[1], at % seen[2]];
            let x: Vec<_> = (0..seen.iter().product())
                .map(|at| expected.signal(number * signal, std::array::from_fn(|a| from[a] + place(at)[a] as i64)))
                .map(Option::unwrap_or_default)
                .collect();
            let first = expected.kernel_of(number);
            bounds::convolve_by_transform(&x, expected.h.get(first..first + kernel).unwrap_or(&[]), &full)
        };
        expected.by_transform = (0..items).map(bound).collect();
        expected
    }

    /// Where the kernel of an item starts: one without batch axes serves all.
    fn kernel_of(&self, item: usize) -> usize {
        if self.trial.h.len() == self.trial.rank { 0 } else { item * self.kernel_length() }
    }

    /// The signal at any place, from its first entry in `x` on; nothing where it adds nothing.
    fn signal(&self, first: usize, place: [i64; 3]) -> Option<Complex<f64>> {
        let mut at = 0;
        for axis in 0..3 {
            match walk(self.trial.boundary, place[axis], self.n[axis]) {
                Some(here) => at = at * self.n[axis] + here,
                None if self.trial.boundary == Boundary::Zero => return None,
                None => return Some(Complex::new(f64::from(self.trial.boundary.outside()), 0.0)),
            }
        }
        self.x.get(first + at).copied()
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
                    let Some(x) = self.signal(batch * signal, self.source(place, tap)) else { continue };
                    let tap = (a * self.k[1] + b) * self.k[2] + c;
                    let h = self.h.get(self.kernel_of(batch) + tap).copied().unwrap_or_default();
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

    /// Where in x, continued past its edges, this tap meets this place.
    fn source(&self, place: Extents, tap: Extents) -> [i64; 3] {
        std::array::from_fn(|axis| {
            let (n, place, tap) = (self.n[axis] as i64, place[axis] as i64, tap[axis] as i64);
            match (self.trial.circular, self.trial.correlate) {
                (true, false) => (place - tap).rem_euclid(n),
                (true, true) => (place + tap).rem_euclid(n),
                (false, _) => place - tap,
            }
        })
    }
}

/// Lengths of a full convolution.
fn full_lengths(n: Extents, k: Extents) -> Extents {
    std::array::from_fn(|axis| n[axis] + k[axis] - 1)
}

/// The last `rank` lengths, with 1 in front.
fn extents(shape: &[usize], rank: usize) -> Extents {
    let mut extents = [1; 3];
    for (to, from) in extents.iter_mut().rev().zip(shape.iter().rev().take(rank)) {
        *to = *from;
    }
    extents
}

const MODES: [(Mode, &str); 4] =
    [(Mode::Full, "full"), (Mode::Same, "same"), (Mode::Valid, "valid"), (Mode::Causal, "causal")];
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

const BOUNDARIES: [Boundary; 6] =
    [Boundary::Zero, Boundary::Constant(0.75), Boundary::Reflect, Boundary::Mirror, Boundary::Nearest, Boundary::Wrap];

/// Signal, kernel, how many axes are convolved, and the origin.
const BOUNDED: [(&[usize], &[usize], usize, [isize; 3]); 7] = [
    (&[1], &[4], 1, [-1, 0, 0]),
    (&[5], &[23], 1, [11, 0, 0]),
    (&[300], &[31], 1, [0, 0, 0]),
    (&[2, 40], &[2, 7], 1, [2, 0, 0]),
    (&[23, 37], &[5, 3], 2, [0, 0, 0]),
    (&[2, 6, 3], &[4, 9], 2, [1, -3, 0]),
    (&[4, 5, 6], &[3, 2, 7], 3, [-1, 0, 3]),
];

/// Real lines with a kernel each, an even number of entries and an odd one, as many as fill a workgroup's memory, and a line alone.
const OWN_KERNELS: [(&[usize], &[usize]); 6] = [
    (&[5, 96], &[5, 96]),
    (&[3, 2], &[3, 2]),
    (&[3, 81], &[3, 40]),
    (&[3, 4096], &[3, 4096]),
    (&[1, 8192], &[1, 40]),
    (&[8190], &[31]),
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
        let half = if trial.halves { " f16" } else { "" };
        let dtype = if trial.complex { " complex" } else { "" };
        let edges = match (trial.boundary, trial.origin) {
            (Boundary::Zero, [0, 0, 0]) => String::new(),
            (boundary, origin) => format!(" {boundary:?} {origin:?}").to_lowercase(),
        };
        let shapes = format!("{} ∗ {} rank {}", shape_name(&trial.x), shape_name(&trial.h), trial.rank);
        trials.push(Trial::new(op, format!("{shapes} {how} {method}{dtype}{half}{edges}"), Body::Convolve(trial)));
    };
    for row in super::settings(extent, &[SIZES.len(), MODES.len() + 1, METHODS.len(), 2, 2, 2]) {
        let [size, mode, method, correlate, complex, halves] = row[..] else { continue };
        let (Some(&(x, h, rank)), Some(&(method, _))) = (SIZES.get(size), METHODS.get(method)) else { continue };
        let circular = mode == MODES.len();
        if circular && x.iter().zip(h).any(|(n, k)| k > n) {
            continue;
        }
        let mode = MODES.get(mode).map_or(Mode::Full, |(mode, _)| *mode);
        let (correlate, complex, halves) = (correlate == 1, complex == 1, halves == 1);
        let (x, h) = (x.to_vec(), h.to_vec());
        let (boundary, origin) = (Boundary::Zero, [0; 3]);
        add(ConvolveTrial { correlate, complex, halves, x, h, rank, mode, method, boundary, origin, circular });
    }
    // Boundaries, with kernels longer than the signal among them; modes but the valid one, which sees no boundary.
    for row in super::settings(extent, &[BOUNDED.len(), BOUNDARIES.len(), 3, METHODS.len(), 2, 2, 2]) {
        let [size, boundary, mode, method, correlate, complex, halves] = row[..] else { continue };
        let (Some(&(x, h, rank, origin)), Some(&boundary)) = (BOUNDED.get(size), BOUNDARIES.get(boundary)) else {
            continue;
        };
        let (Some(&mode), Some(&(method, _))) = ([Mode::Full, Mode::Same, Mode::Causal].get(mode), METHODS.get(method))
        else {
            continue;
        };
        let (x, h) = (x.to_vec(), h.to_vec());
        let (correlate, complex, halves) = (correlate == 1, complex == 1, halves == 1);
        let origin = if mode == Mode::Same { origin } else { [0; 3] };
        add(ConvolveTrial { correlate, complex, halves, x, h, rank, mode, method, boundary, origin, circular: false });
    }
    let plain = |x: &[usize], h: &[usize], mode, method| ConvolveTrial {
        correlate: false,
        complex: false,
        halves: false,
        x: x.to_vec(),
        h: h.to_vec(),
        rank: x.len(),
        mode,
        method,
        boundary: Boundary::Zero,
        origin: [0; 3],
        circular: false,
    };
    for row in super::settings(extent, &[OWN_KERNELS.len(), 2, 2, 2]) {
        let [size, circular, correlate, halves] = row[..] else { continue };
        let Some(&(x, h)) = OWN_KERNELS.get(size) else { continue };
        let (circular, correlate, halves) = (circular == 1, correlate == 1, halves == 1);
        add(ConvolveTrial { rank: 1, circular, correlate, halves, ..plain(x, h, Mode::Full, Method::Fft) });
    }
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
