//! A long motion blur of a photograph by FFT convolution, and its undoing.

use anyhow::Result;
use gristmill::methods::signal::{Edges, wiener};
use gristmill::{Context, ConvolveOptions, Method, Mode};
use ndarray::{Array2, ArrayView2, Ix2, s};

use super::data;
use super::task::{Check, Dice, Outcome, Task, measure};
use crate::format::{Picture, grey_png};

/// Length of the motion in pixels, and its angle in degrees.
const LENGTH: f32 = 71.0;
const ANGLE: f32 = 20.0;
/// How much smoothness counts: rounding to 256 levels is all the noise there is.
const BALANCE: f64 = 1e-4;

/// The photograph and the motion of the camera.
struct Photograph {
    sharp: Array2<f32>,
    motion: Array2<f32>,
}

impl Photograph {
    fn new() -> Result<Self> {
        Ok(Self { sharp: data::camera()?, motion: motion(LENGTH, ANGLE) })
    }
}

/// A straight line of sum 1, in an odd number of rows and columns, spread over the pixels that it passes.
fn motion(length: f32, degrees: f32) -> Array2<f32> {
    let (down, across) = degrees.to_radians().sin_cos();
    let reach = |part: f32| ((length - 1.0) / 2.0 * part.abs()).ceil() as usize + 1;
    let (rows, columns) = (reach(down), reach(across));
    let mut psf = Array2::<f32>::zeros((2 * rows + 1, 2 * columns + 1));
    let steps = 64 * length as usize;
    for step in 0..=steps {
        let t = (step as f32 / steps as f32 - 0.5) * (length - 1.0);
        let (y, x) = (rows as f32 + t * down, columns as f32 + t * across);
        let (top, left) = (y.floor(), x.floor());
        for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let weight = (1.0 - (y - top - dy as f32).abs()) * (1.0 - (x - left - dx as f32).abs());
            if let Some(pixel) = psf.get_mut([top as usize + dy, left as usize + dx]) {
                *pixel += weight;
            }
        }
    }
    let sum = psf.sum();
    psf / sum
}

/// The blur.
pub(super) struct Blur {
    photograph: Photograph,
    checks: Vec<Check>,
}

impl Blur {
    pub(super) fn new() -> Result<Self> {
        let photograph = Photograph::new()?;
        let (sharp, motion) = (&photograph.sharp, &photograph.motion);
        let (height, width) = (sharp.nrows() + motion.nrows() - 1, sharp.ncols() + motion.ncols() - 1);
        let taps: Vec<((usize, usize), f64)> =
            motion.indexed_iter().filter(|(_, v)| **v != 0.0).map(|(place, v)| (place, f64::from(*v))).collect();
        let exact = |y: usize, x: usize| -> f64 {
            let term = |&((v, u), h): &((usize, usize), f64)| {
                Some(f64::from(*sharp.get([y.checked_sub(v)?, x.checked_sub(u)?])?) * h)
            };
            taps.iter().filter_map(term).sum()
        };
        let mut dice = Dice::new(4);
        let places: Vec<(usize, usize)> = (0..1500).map(|_| (dice.below(height), dice.below(width))).collect();
        let values: Vec<f64> = places.iter().map(|&(y, x)| exact(y, x)).collect();
        // Convolution by FFT is accurate relative to the largest entry; the sample's largest is at most that.
        let bound = 2e-6 * values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let checks =
            places.iter().zip(values).map(|(&(y, x), value)| Check { place: y * width + x, value, bound }).collect();
        Ok(Self { photograph, checks })
    }
}

impl Task for Blur {
    fn name(&self) -> &'static str {
        "camera: motion blur"
    }

    fn size(&self) -> String {
        let ((h, w), (v, u)) = (self.photograph.sharp.dim(), self.photograph.motion.dim());
        format!("{h}×{w} ∗ {v}×{u}")
    }

    fn work(&self) -> (f64, &'static str) {
        (self.photograph.sharp.len() as f64, "pixel/s")
    }

    fn checks(&self) -> &[Check] {
        &self.checks
    }

    fn run(&self, context: &Context) -> Result<Outcome> {
        let Photograph { sharp, motion } = &self.photograph;
        let (blurred, seconds) = measure(|| {
            let (x, h) = (context.upload(sharp)?, context.upload(motion)?);
            let options = ConvolveOptions { mode: Mode::Full, method: Method::Fft, ..ConvolveOptions::default() };
            Ok(gristmill::convolve(&x, &h, &options)?.read_blocking()?)
        })?;
        let blurred = blurred.into_dimensionality::<Ix2>()?;
        let before = psnr(sharp.view(), inner(&blurred, motion));
        let strongest = motion.iter().fold(0f32, |a, &b| a.max(b));
        Ok(Outcome {
            seconds,
            score: format!("{before:.1} dB to the original"),
            pictures: vec![
                ("original.png", grey_png(sharp)?),
                ("blurred.png", grey_png(&blurred)?),
                ("psf.png", Picture::deep_grey_png(&(motion / strongest))?),
            ],
            values: blurred.into_iter().collect(),
            drawing: None,
        })
    }
}

/// The way back, from the picture as it is saved: rounded to 256 levels.
pub(super) struct Restore {
    photograph: Photograph,
    blurred: Array2<f32>,
}

impl Restore {
    pub(super) fn new() -> Result<Self> {
        let photograph = Photograph::new()?;
        let host = Context::cpu();
        let (x, h) = (host.upload(&photograph.sharp)?, host.upload(&photograph.motion)?);
        let blurred = gristmill::convolve(&x, &h, &ConvolveOptions::default())?.read_blocking()?;
        let blurred = blurred.into_dimensionality::<Ix2>()?.mapv(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0);
        Ok(Self { photograph, blurred })
    }
}

impl Task for Restore {
    fn name(&self) -> &'static str {
        "camera: deblur"
    }

    fn size(&self) -> String {
        format!("{}×{}", self.blurred.nrows(), self.blurred.ncols())
    }

    fn work(&self) -> (f64, &'static str) {
        (self.blurred.len() as f64, "pixel/s")
    }

    fn checks(&self) -> &[Check] {
        &[]
    }

    fn run(&self, context: &Context) -> Result<Outcome> {
        let motion = &self.photograph.motion;
        let (restored, seconds) = measure(|| {
            let (image, psf) = (context.upload(&self.blurred)?, context.upload(motion)?);
            Ok(wiener(&image, &psf, BALANCE, Edges::Faded)?.read_blocking()?)
        })?;
        let restored = restored.into_dimensionality::<Ix2>()?;
        let picture = inner(&restored, motion).mapv(|v| v.clamp(0.0, 1.0));
        let after = psnr(self.photograph.sharp.view(), picture.view());
        Ok(Outcome {
            seconds,
            score: format!("{after:.1} dB to the original"),
            pictures: vec![("restored.png", grey_png(&picture)?)],
            values: restored.into_iter().collect(),
            drawing: None,
        })
    }
}

/// Where the original lies in its full blur.
fn inner<'a>(full: &'a Array2<f32>, motion: &Array2<f32>) -> ArrayView2<'a, f32> {
    let (top, left) = ((motion.nrows() - 1) / 2, (motion.ncols() - 1) / 2);
    let (height, width) = (full.nrows() + 1 - motion.nrows(), full.ncols() + 1 - motion.ncols());
    full.slice(s![top..top + height, left..left + width])
}

/// Peak signal-to-noise ratio in decibels, white being 1.
fn psnr(original: ArrayView2<'_, f32>, picture: ArrayView2<'_, f32>) -> f64 {
    let square: f64 = original.iter().zip(&picture).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    -10.0 * (square / original.len() as f64).log10()
}
