//! Work along one axis beside the Fourier transform.

use super::Layout;
use crate::error::{Error, Result};

/// Frames laid over one another, `out[…, k] = Σ_f w[t − f·hop] x[…, f, t − f·hop] / Σ_f w[t − f·hop]²` with t = start + k,
/// over the frames f that hold t; inputs x (… × frames × n, real) and w (n, without gaps).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlapAddWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Samples from the start of one frame to that of the next.
    pub hop: usize,
    /// The first sample that is kept.
    pub start: usize,
    /// How many are kept.
    pub length: usize,
}

impl OverlapAddWork {
    /// Whether frames and window fit, and every sample that is kept lies in a frame.
    pub(crate) fn check(&self, x: &Layout, w: &Layout) -> Result<()> {
        let (&[.., frames, n], &[taps]) = (&x.shape[..], &w.shape[..]) else {
            return Err(Error::shape(self.op, format!("frames {:?} and window {:?} are no lines", x.shape, w.shape)));
        };
        if taps != n || !x.is_contiguous() || !w.is_contiguous() {
            let message = format!("frames have {n} samples, the window {taps}; they must match, without gaps");
            return Err(Error::shape(self.op, message));
        }
        let covered = match frames {
            0 => 0,
            _ => (frames - 1).saturating_mul(self.hop).saturating_add(n),
        };
        if self.hop == 0 || self.hop > n || self.start.saturating_add(self.length) > covered {
            let message = format!("must be 1 to {n}, and the {covered} samples under the frames hold what is kept");
            return Err(Error::argument(self.op, format!("hop {}", self.hop), message));
        }
        Ok(())
    }
}

/// Which of the four discrete cosine or sine transforms; the formulas are at [`dct`](crate::dct) and [`dst`](crate::dst).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TransformType {
    /// Its own inverse.
    I,
    /// What "the" cosine transform means.
    #[default]
    II,
    /// The inverse of II.
    III,
    /// Its own inverse.
    IV,
}

/// Discrete cosine and sine transforms along one axis; one input, real.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrigonometricWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Sines instead of cosines.
    pub sine: bool,
    /// Which of the four.
    pub kind: TransformType,
    /// The axis that is transformed.
    pub axis: usize,
    /// Length of the transform; the input is cropped or zero-padded to it.
    pub length: usize,
    /// The entries that stand alone in the formulas are weighted by √2 or √½, so that the matrix is a multiple of an
    /// orthogonal one.
    pub orthogonal: bool,
    /// Factor of the result (the norm).
    pub scale: f32,
}

impl TrigonometricWork {
    /// Points of the periodic signal that the transform is the Fourier transform of: 1/norm² of an orthogonal one.
    pub(crate) fn period(&self) -> usize {
        match (self.kind, self.sine) {
            (TransformType::I, false) => 2 * self.length.saturating_sub(1),
            (TransformType::I, true) => 2 * (self.length + 1),
            _ => 2 * self.length,
        }
    }

    /// Whether there is such a transform.
    pub(crate) fn check(&self) -> Result<()> {
        let least = if self.kind == TransformType::I && !self.sine { 2 } else { 1 };
        if self.length < least {
            let message = format!("must be at least {least} for type {:?}", self.kind);
            return Err(Error::argument(self.op, format!("length {}", self.length), message));
        }
        // Places are counted in signed 32 bits, up to five lengths of the signal.
        if self.length > (i32::MAX / 8) as usize {
            return Err(Error::argument(
                self.op,
                format!("length {}", self.length),
                "must be at most 268435455, what 32-bit indices reach",
            ));
        }
        Ok(())
    }
}

/// Walsh–Hadamard transforms along one axis, whose length is a power of two; inputs x (real) and, where its entries are
/// multiplied by real factors on their way in, those factors: a vector of the axis's length without gaps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HadamardWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// The axis that is transformed.
    pub axis: usize,
    /// Coefficients in the order of sign changes instead of Hadamard's.
    pub sequency: bool,
    /// Factor of the result (the norm).
    pub scale: f32,
}

impl HadamardWork {
    /// Whether there is such a transform.
    pub(crate) fn check(&self, length: usize, factors: Option<&Layout>) -> Result<()> {
        if !length.is_power_of_two() || u32::try_from(length).is_err() {
            let message = format!("has length {length}; it must be a power of two that fits 32 bits");
            return Err(Error::argument(self.op, format!("axis {}", self.axis), message));
        }
        match factors {
            Some(factors) if factors.shape != [length] || !factors.is_contiguous() => {
                let message = format!("factors of shape {:?} must be [{length}], without gaps", factors.shape);
                Err(Error::shape(self.op, message))
            }
            _ => Ok(()),
        }
    }
}
