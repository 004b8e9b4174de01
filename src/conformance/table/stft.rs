//! Short-time transforms and back, spectrograms and power spectra.

use ndarray::{Array2, ArrayD, Axis, IxDyn};
use num_complex::{Complex, Complex32};

use super::{Body, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::metric::UNIT_ROUNDOFF;
use crate::ops::{FftOptions, StftOptions, Window, istft, power_spectrum, spectrogram, stft, stft_complex};
use crate::reference;
use crate::work::Boundary;

/// Which transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stft,
    Complex,
    Istft,
    Spectrogram,
    PowerSpectrum,
}

/// One transform of some signals.
#[derive(Debug, Clone)]
pub(crate) struct StftTrial {
    kind: Kind,
    /// Signals and samples.
    shape: [usize; 2],
    window: Window,
    length: usize,
    hop: usize,
    points: Option<usize>,
    centre: Option<Boundary>,
    /// Every other sample of longer signals.
    strided: bool,
}

impl StftTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut bell = || f64::from(generator.bell());
        let [signals, samples] = self.shape;
        let complex = self.kind == Kind::Complex;
        let x = Array2::from_shape_simple_fn((signals, samples), || {
            Complex::new(bell(), if complex { bell() } else { 0.0 })
        });
        let options = StftOptions {
            points: self.points,
            centre: self.centre,
            ..StftOptions::new(self.window.periodic(self.length)?, self.hop)
        };
        let step = if self.strided { 2 } else { 1 };
        let spread = Array2::from_shape_fn((signals, samples * step), |(i, t)| match t % step {
            0 => Complex32::new(x[[i, t / step]].re as f32, x[[i, t / step]].im as f32),
            _ => Complex32::new(f32::NAN, f32::NAN),
        });
        let real = || context.upload(&spread.mapv(|value| value.re))?.step_by(1, step);
        let wide = |value: Complex32| Complex::new(f64::from(value.re), f64::from(value.im));
        let power = |value: f32| Complex::new(f64::from(value), 0.0);
        let got: ArrayD<Complex<f64>> = match self.kind {
            Kind::Stft => stft(&real()?, &options)?.read().await?.mapv(wide),
            Kind::Complex => {
                stft_complex(&context.upload(&spread)?.step_by(1, step)?, &options)?.read().await?.mapv(wide)
            }
            Kind::Spectrogram => spectrogram(&real()?, &options)?.read().await?.mapv(power),
            Kind::PowerSpectrum => power_spectrum(&real()?, &FftOptions::default())?.read().await?.mapv(power),
            Kind::Istft => return self.back(context, &x, &options).await,
        };
        Ok(self.judge(&got, &self.expected(&x, &options)))
    }

    /// Spectra of every signal, frequencies × frames, squared where the kind asks for it.
    fn expected(&self, x: &Array2<Complex<f64>>, options: &StftOptions) -> ArrayD<Complex<f64>> {
        let points = options.points.unwrap_or(options.window.len());
        let of_signal = |signal: ndarray::ArrayView1<'_, Complex<f64>>| -> Vec<Vec<Complex<f64>>> {
            let signal = signal.to_vec();
            if self.kind == Kind::PowerSpectrum {
                return vec![reference::dft(&signal, false)];
            }
            reference::stft(&self.centred(signal), &options.window, options.hop, points)
        };
        let spectra: Vec<_> = x.rows().into_iter().map(of_signal).collect();
        let whole = if self.kind == Kind::PowerSpectrum { x.ncols() } else { points };
        let bins = if self.kind == Kind::Complex { whole } else { whole / 2 + 1 };
        let frames = if self.kind == Kind::PowerSpectrum {
            1
        } else {
            let added = if self.centre.is_some() { self.length / 2 * 2 } else { 0 };
            (x.ncols() + added - self.length) / self.hop + 1
        };
        let square = matches!(self.kind, Kind::Spectrogram | Kind::PowerSpectrum);
        let mut all = ArrayD::from_shape_fn(IxDyn(&[spectra.len(), bins, frames]), |at| {
            let value = spectra[at[0]][at[2]][at[1]];
            if square { Complex::new(value.norm_sqr(), 0.0) } else { value }
        });
        if self.kind == Kind::PowerSpectrum {
            all = all.remove_axis(Axis(2));
        }
        all
    }

    /// The signal with what centring adds to it: zeros, or its mirror image about its first and its last sample.
    fn centred(&self, signal: Vec<Complex<f64>>) -> Vec<Complex<f64>> {
        let Some(boundary) = self.centre else { return signal };
        let side = self.length / 2;
        let mut parts = [vec![Complex::default(); side], vec![Complex::default(); side]];
        if boundary == Boundary::Mirror {
            parts = [
                signal.iter().skip(1).take(side).rev().copied().collect(),
                signal.iter().rev().skip(1).take(side).copied().collect(),
            ];
        }
        let [front, back] = parts;
        [front, signal, back].concat()
    }

    /// Relative L2 error of every frame by itself; of powers, whose errors are at most `2 ‖Z‖ ‖ΔZ‖`, relative L1.
    fn judge(&self, got: &ArrayD<Complex<f64>>, want: &ArrayD<Complex<f64>>) -> Comparison {
        if got.shape() != want.shape() {
            return Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), want.shape()));
        }
        let squared = matches!(self.kind, Kind::Spectrogram | Kind::PowerSpectrum);
        let points = if self.kind == Kind::PowerSpectrum { self.shape[1] } else { self.points.unwrap_or(self.length) };
        let mut tolerance = bounds::fft(&[points]) + UNIT_ROUNDOFF;
        if squared {
            tolerance = 2.0 * tolerance + 3.0 * UNIT_ROUNDOFF;
        }
        let mut comparison = Comparison::default();
        for (frame, (got, want)) in got.lanes(Axis(1)).into_iter().zip(want.lanes(Axis(1))).enumerate() {
            let (mut error, mut size) = (0.0, 0.0);
            for (got, want) in got.iter().zip(want) {
                // Half a spectrum stands for the whole: entries inside count twice at most, which both sides share.
                error += if squared { (got - want).norm() } else { (got - want).norm_sqr() };
                size += if squared { want.norm() } else { want.norm_sqr() };
            }
            let (error, size) = if squared { (error, size) } else { (f64::sqrt(error), f64::sqrt(size)) };
            comparison.norm(|| format!("frame {frame}"), error, (size, tolerance * size), got.len());
        }
        comparison
    }

    /// Back from spectra that belong to no signal: frames of noise.
    async fn back(&self, context: &Context, x: &Array2<Complex<f64>>, options: &StftOptions) -> Result<Comparison> {
        let points = options.points.unwrap_or(options.window.len());
        let signals = x.nrows();
        let count = x.ncols().saturating_sub(self.length) / self.hop + 1;
        let frames: Vec<Vec<Vec<f64>>> = (0..signals)
            .map(|i| {
                let sample = |f: usize, j: usize| f64::from(x[[i, (f * 7 + j * 3) % x.ncols()]].re as f32);
                (0..count).map(|f| (0..points).map(|j| sample(f, j)).collect()).collect()
            })
            .collect();
        let spectrum = |frame: &[f64]| {
            let frame: Vec<_> = frame.iter().map(|re| Complex::new(*re, 0.0)).collect();
            reference::dft(&frame, false)
        };
        let mut z = ArrayD::<Complex32>::zeros(IxDyn(&[signals, points / 2 + 1, count]));
        for (signal, mut z) in frames.iter().zip(z.outer_iter_mut()) {
            for (frame, mut z) in signal.iter().zip(z.axis_iter_mut(Axis(1))) {
                let spectrum = spectrum(frame);
                z.iter_mut().zip(spectrum).for_each(|(to, from)| *to = Complex32::new(from.re as f32, from.im as f32));
            }
        }
        let got = istft(&context.upload(&z)?, options)?.read().await?;
        let mut comparison = Comparison::default();
        // A frame's error is its norm's, and a sample's that of the frames that hold it, weighted as they are.
        let tolerance = bounds::fft(&[points]) + UNIT_ROUNDOFF;
        let overlap = self.length.div_ceil(self.hop) as f64;
        for (signal, got) in frames.iter().zip(got.outer_iter()) {
            let sums = reference::overlap_add(signal, &options.window, self.hop);
            let start = if self.centre.is_some() { self.length / 2 } else { 0 };
            let kept = sums.get(start..sums.len() - start).unwrap_or_default();
            if got.len() != kept.len() {
                return Ok(Comparison::broken(format!("{} samples, not {}", got.len(), kept.len())));
            }
            let norm = |frame: &Vec<f64>| frame.iter().map(|x| x * x).sum::<f64>().sqrt();
            let largest = signal.iter().map(norm).fold(0.0, f64::max);
            let ones = vec![vec![largest; points]; count];
            let spread = reference::overlap_add(&ones, &options.window, self.hop);
            for (t, (got, (want, size))) in got.iter().zip(kept).enumerate() {
                let of_frames = tolerance * spread.get(start + t).map_or(0.0, |(_, size)| *size);
                let bound = of_frames + 2.0 * (overlap + 3.0) * UNIT_ROUNDOFF * size;
                comparison.entry(|| format!("sample {t}"), *got, *want, bound);
            }
        }
        Ok(comparison)
    }
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    const WINDOWS: [(Window, &str); 7] = [
        (Window::Boxcar, "boxcar"),
        (Window::Bartlett, "bartlett"),
        (Window::Hann, "hann"),
        (Window::Hamming, "hamming"),
        (Window::Blackman, "blackman"),
        (Window::BlackmanHarris, "blackmanharris"),
        (Window::Kaiser(8.6), "kaiser"),
    ];
    /// Samples of a frame, hop, points of its transform.
    const FRAMES: [(usize, usize, Option<usize>); 8] = [
        (1, 1, None),
        (8, 2, None),
        (17, 5, None),
        (31, 8, Some(64)),
        (64, 16, None),
        (100, 50, Some(131)),
        (512, 128, None),
        (400, 160, Some(512)),
    ];
    const CENTRES: [(Option<Boundary>, &str); 3] =
        [(None, ""), (Some(Boundary::Zero), " centred zero"), (Some(Boundary::Mirror), " centred mirror")];
    const KINDS: [(Kind, &str); 4] = [
        (Kind::Stft, "stft"),
        (Kind::Complex, "stft complex"),
        (Kind::Istft, "istft"),
        (Kind::Spectrogram, "spectrogram"),
    ];
    let mut trials = Vec::new();
    for row in super::settings(extent, &[KINDS.len(), WINDOWS.len(), FRAMES.len(), CENTRES.len(), 2, 3]) {
        let [kind, window, frame, centre, strided, signals] = row[..] else { continue };
        let ((kind, op), (length, hop, points)) = (KINDS[kind], FRAMES[frame]);
        // Back, every sample needs a weight.
        let (centre, centre_name) = CENTRES[centre];
        let weighted = if kind == Kind::Istft && centre.is_none() { [0, 3, 6][window % 3] } else { window };
        let (window, window_name) = if length == 1 { WINDOWS[0] } else { WINDOWS[weighted] };
        let shape = [[1, 3, 0][signals], 1000 + length];
        let strided = strided == 1 && kind != Kind::Istft;
        let stored = if strided { " strided" } else { "" };
        let padded = points.map_or(String::new(), |points| format!(" to {points}"));
        let setting = format!("{} {window_name} {length}/{hop}{padded}{centre_name}{stored}", shape_name(&shape));
        let trial = StftTrial { kind, shape, window, length, hop, points, centre, strided };
        trials.push(Trial::new(op, setting, Body::Stft(trial)));
    }
    for samples in [1, 2, 17, 1000, 16_384] {
        let shape = [2, samples];
        let trial = StftTrial {
            kind: Kind::PowerSpectrum,
            shape,
            window: Window::Boxcar,
            length: samples,
            hop: 1,
            points: None,
            centre: None,
            strided: false,
        };
        trials.push(Trial::new("power_spectrum", shape_name(&shape), Body::Stft(trial)));
    }
    let mut seen = std::collections::HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
