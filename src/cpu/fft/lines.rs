//! One line at a time: what each kind of transform does with it.

use std::f64::consts::PI;
use std::ops::Mul;
use std::sync::Arc;

use num_complex::Complex32;
use rustfft::Fft;

use super::Plans;
use crate::error::Result;

/// Something that turns a whole line of input into a whole line of result.
pub(in crate::cpu) trait LineTransform: Sync {
    type From: bytemuck::Pod + Send + Sync + Mul<f32, Output = Self::From>;
    type To: bytemuck::Pod + Send + Sync;

    /// Complex numbers of scratch that one call needs.
    fn scratch(&self) -> usize;

    /// One line.
    fn line(&self, from: &[Self::From], to: &mut [Self::To], scratch: &mut [Complex32]);
}

/// Complex to complex.
pub(in crate::cpu) struct ComplexLines {
    pub(super) fft: Arc<dyn Fft<f32>>,
    pub(super) scale: f32,
}

impl ComplexLines {
    /// Without a factor.
    pub(in crate::cpu) fn new(plans: &Plans, op: &'static str, length: usize, inverse: bool) -> Result<Self> {
        Ok(Self { fft: plans.get(op, length, inverse)?, scale: 1.0 })
    }
}

impl LineTransform for ComplexLines {
    type From = Complex32;
    type To = Complex32;

    fn scratch(&self) -> usize {
        self.fft.get_immutable_scratch_len()
    }

    fn line(&self, from: &[Complex32], to: &mut [Complex32], scratch: &mut [Complex32]) {
        self.fft.process_immutable_with_scratch(from, to, scratch);
        if self.scale != 1.0 {
            to.iter_mut().for_each(|z| *z *= self.scale);
        }
    }
}

/// exp(−2πi j / length) for the first quarter of a real transform of even length, rounded from f64.
fn twiddles(length: usize) -> Vec<Complex32> {
    (0..=length / 4)
        .map(|j| {
            let (sin, cos) = (-2.0 * PI * j as f64 / length as f64).sin_cos();
            Complex32::new(cos as f32, sin as f32)
        })
        .collect()
}

/// What a transform between real numbers and the first half of their spectrum needs: for even lengths a complex
/// transform of half the length and the twiddles that take it apart.
struct Halved {
    fft: Arc<dyn Fft<f32>>,
    twiddles: Vec<Complex32>,
    even: bool,
    conjugate: bool,
    scale: f32,
}

impl Halved {
    /// `inverse`: the direction of the complex transform; `conjugate`: whether the spectrum is conjugated.
    fn new(plans: &Plans, op: &'static str, length: usize, inverse: bool, conjugate: bool, scale: f32) -> Result<Self> {
        let even = length.is_multiple_of(2);
        let fft = plans.get(op, if even { length / 2 } else { length }, inverse)?;
        let twiddles = if even { twiddles(length) } else { Vec::new() };
        Ok(Self { fft, twiddles, even, conjugate, scale })
    }

    fn scratch(&self) -> usize {
        self.fft.len() + self.fft.get_inplace_scratch_len()
    }
}

/// Real to the first half of the spectrum.
pub(in crate::cpu) struct RealLines(Halved);

impl RealLines {
    pub(in crate::cpu) fn new(
        plans: &Plans,
        op: &'static str,
        length: usize,
        conjugate: bool,
        scale: f32,
    ) -> Result<Self> {
        Halved::new(plans, op, length, false, conjugate, scale).map(Self)
    }
}

impl LineTransform for RealLines {
    type From = f32;
    type To = Complex32;

    fn scratch(&self) -> usize {
        self.0.scratch()
    }

    fn line(&self, from: &[f32], to: &mut [Complex32], scratch: &mut [Complex32]) {
        let (work, scratch) = scratch.split_at_mut(self.0.fft.len());
        if self.0.even {
            // Even entries as real parts, odd ones as imaginary: Z = E + iO, and X[j] = E[j] + w^j O[j].
            for (z, pair) in work.iter_mut().zip(from.chunks_exact(2)) {
                *z = Complex32::new(pair[0], pair[1]);
            }
            self.0.fft.process_with_scratch(work, scratch);
            let half = work.len();
            to[0].re = work[0].re + work[0].im;
            to[half].re = work[0].re - work[0].im;
            for j in 1..=half / 2 {
                let (z, mirrored) = (work[j], work[half - j].conj());
                let even = (z + mirrored) * 0.5;
                let odd = (z - mirrored) * 0.5;
                let turned = Complex32::new(odd.im, -odd.re) * self.0.twiddles[j];
                to[j] = even + turned;
                to[half - j] = (even - turned).conj();
            }
        } else {
            for (z, &x) in work.iter_mut().zip(from) {
                *z = Complex32::new(x, 0.0);
            }
            self.0.fft.process_with_scratch(work, scratch);
            to.copy_from_slice(&work[..to.len()]);
        }
        // A real signal's coefficient at 0, and at n/2, is real.
        to[0].im = 0.0;
        if self.0.even {
            to[self.0.fft.len()].im = 0.0;
        }
        if self.0.conjugate || self.0.scale != 1.0 {
            let imaginary = if self.0.conjugate { -self.0.scale } else { self.0.scale };
            to.iter_mut().for_each(|z| *z = Complex32::new(z.re * self.0.scale, z.im * imaginary));
        }
    }
}

/// Half a Hermitian spectrum to real numbers: the way back of [`RealLines`].
pub(in crate::cpu) struct HalfLines(Halved);

impl HalfLines {
    pub(in crate::cpu) fn new(
        plans: &Plans,
        op: &'static str,
        length: usize,
        inverse: bool,
        scale: f32,
    ) -> Result<Self> {
        Halved::new(plans, op, length, true, !inverse, scale).map(Self)
    }
}

impl LineTransform for HalfLines {
    type From = Complex32;
    type To = f32;

    fn scratch(&self) -> usize {
        self.0.scratch()
    }

    fn line(&self, from: &[Complex32], to: &mut [f32], scratch: &mut [Complex32]) {
        let (work, scratch) = scratch.split_at_mut(self.0.fft.len());
        let length = to.len();
        let last = length / 2;
        // The imaginary parts at 0, and at n/2, belong to no real signal and are ignored, as NumPy does.
        let read = |j: usize| {
            let z = from[j];
            let im = if j == 0 || (self.0.even && j == last) { 0.0 } else { z.im };
            Complex32::new(z.re, if self.0.conjugate { -im } else { im })
        };
        if self.0.even {
            let (first, middle) = (from[0].re, from[last].re);
            work[0] = Complex32::new(first + middle, first - middle);
            for j in 1..=last / 2 {
                let (x, mirrored) = (read(j), read(last - j).conj());
                let odd = (x - mirrored) * self.0.twiddles[j].conj();
                let (even, turned) = (x + mirrored, Complex32::new(-odd.im, odd.re));
                work[j] = even + turned;
                work[last - j] = (even - turned).conj();
            }
            self.0.fft.process_with_scratch(work, scratch);
            for (pair, z) in to.chunks_exact_mut(2).zip(&*work) {
                pair[0] = z.re * self.0.scale;
                pair[1] = z.im * self.0.scale;
            }
        } else {
            work[0] = read(0);
            for j in 1..=last {
                let x = read(j);
                work[j] = x;
                work[length - j] = x.conj();
            }
            self.0.fft.process_with_scratch(work, scratch);
            for (to, z) in to.iter_mut().zip(&*work) {
                *to = z.re * self.0.scale;
            }
        }
    }
}
