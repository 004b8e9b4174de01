//! Windows for short-time and spectral analysis.

use std::f64::consts::{PI, TAU};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::memory::with_room;

/// A window by name; the names are those of `scipy.signal.get_window`.
///
/// # Examples
/// ```
/// # use gristmill::Window;
/// let samples = Window::Hann.periodic(4)?;
/// assert!(samples.iter().zip([0.0, 0.5, 1.0, 0.5]).all(|(sample, exact)| (sample - exact).abs() < 1e-15));
/// assert_eq!("kaiser(8.6)".parse::<Window>()?, Window::Kaiser(8.6));
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Window {
    /// All ones.
    Boxcar,
    /// A triangle that is 0 at its ends.
    Bartlett,
    /// `0.5 − 0.5 cos`.
    #[default]
    Hann,
    /// `0.54 − 0.46 cos`.
    Hamming,
    /// `0.42 − 0.5 cos + 0.08 cos 2`.
    Blackman,
    /// `0.35875 − 0.48829 cos + 0.14128 cos 2 − 0.01168 cos 3`.
    BlackmanHarris,
    /// `I₀(β √(1 − r²)) / I₀(β)`, r from −1 to 1; β from 0 (a boxcar) to 700.
    Kaiser(f64),
}

impl Window {
    /// `length` samples of a period, for spectra: as symmetric as `length + 1` samples without the last. SciPy's
    /// `fftbins=True`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn periodic(self, length: usize) -> Result<Vec<f64>> {
        let mut samples = self.symmetric(length.saturating_add(1))?;
        samples.truncate(length);
        Ok(samples)
    }

    /// `length` samples from end to end, for filters. SciPy's `fftbins=False`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn symmetric(self, length: usize) -> Result<Vec<f64>> {
        let mut samples = with_room("window", length)?;
        let last = length.saturating_sub(1) as f64;
        samples.extend((0..length).map(|i| if length == 1 { 1.0 } else { self.at(i as f64 / last) }));
        Ok(samples)
    }

    /// The value at `position` from 0 to 1.
    fn at(self, position: f64) -> f64 {
        let cosines = |weights: &[f64]| -> f64 {
            let term = |(k, weight): (usize, &f64)| weight * (TAU * k as f64 * (position - 0.5)).cos();
            weights.iter().enumerate().map(term).sum()
        };
        match self {
            Self::Boxcar => 1.0,
            Self::Bartlett => 1.0 - (2.0 * position - 1.0).abs(),
            Self::Hann => cosines(&[0.5, 0.5]),
            Self::Hamming => cosines(&[0.54, 0.46]),
            Self::Blackman => cosines(&[0.42, 0.5, 0.08]),
            Self::BlackmanHarris => cosines(&[0.35875, 0.48829, 0.14128, 0.01168]),
            Self::Kaiser(beta) => {
                let r = 2.0 * position - 1.0;
                bessel_i0(beta * (1.0 - r * r).max(0.0).sqrt()) / bessel_i0(beta)
            }
        }
    }
}

/// The modified Bessel function I₀ by its power series, all of whose terms are positive (NIST Digital Library of
/// Mathematical Functions, 10.25.2).
fn bessel_i0(x: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..2000 {
        term *= quarter / f64::from(k * k);
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
    }
    sum
}

impl FromStr for Window {
    type Err = Error;

    /// `hann`, or `kaiser(8.6)`.
    fn from_str(text: &str) -> Result<Self> {
        const NAMES: [(&str, Window); 7] = [
            ("boxcar", Window::Boxcar),
            ("bartlett", Window::Bartlett),
            ("hann", Window::Hann),
            ("hamming", Window::Hamming),
            ("blackman", Window::Blackman),
            ("blackmanharris", Window::BlackmanHarris),
            ("kaiser", Window::Kaiser(PI)),
        ];
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.trim_end_matches(')').trim())),
            None => (text.trim(), None),
        };
        let known = NAMES.iter().find(|(known, _)| *known == name);
        let (_, window) = known.ok_or_else(|| Error::unknown("window", name, NAMES.iter().map(|(name, _)| *name)))?;
        match (window, argument) {
            (Self::Kaiser(_), Some(beta)) => match beta.parse() {
                Ok(beta) if (0.0..=700.0).contains(&beta) => Ok(Self::Kaiser(beta)),
                _ => Err(Error::argument("window", format!("kaiser({beta})"), "needs a beta from 0 to 700")),
            },
            (Self::Kaiser(_), None) => Err(Error::argument("window", "kaiser", "needs its beta: kaiser(8.6)")),
            (window, None) => Ok(*window),
            (_, Some(argument)) => Err(Error::argument("window", format!("{name}({argument})"), "takes no argument")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: &[f64], want: &[f64]) -> bool {
        got.len() == want.len() && got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-12)
    }

    /// Against `scipy.signal.get_window(…, 6)`, periodic and symmetric.
    #[test]
    fn windows_are_those_of_scipy() {
        let root = 3.0f64.sqrt() / 2.0;
        assert!(near(&Window::Hann.periodic(6).unwrap(), &[0.0, 0.25, 0.75, 1.0, 0.75, 0.25]));
        assert!(near(&Window::Hamming.symmetric(5).unwrap(), &[0.08, 0.54, 1.0, 0.54, 0.08]));
        assert!(near(&Window::Bartlett.periodic(4).unwrap(), &[0.0, 0.5, 1.0, 0.5]));
        assert!(near(&Window::Blackman.symmetric(5).unwrap(), &[0.0, 0.34, 1.0, 0.34, 0.0]));
        assert!(near(&Window::BlackmanHarris.periodic(2).unwrap(), &[6e-5, 1.0]));
        assert!(near(&Window::Kaiser(0.0).periodic(3).unwrap(), &[1.0; 3]));
        let kaiser = Window::Kaiser(2.0).symmetric(5).unwrap();
        assert!(near(&kaiser[..3], &[1.0 / bessel_i0(2.0), bessel_i0(2.0 * root) / bessel_i0(2.0), 1.0]));
        assert!((bessel_i0(2.0) - 2.279_585_302_336_067).abs() < 1e-14);
        assert!(Window::Kaiser(700.0).symmetric(9).unwrap().iter().all(|w| w.is_finite()));
        assert!(Window::Hann.periodic(0).unwrap().is_empty() && Window::Hann.symmetric(1).unwrap() == [1.0]);
        assert!(Window::Hann.periodic(usize::MAX).is_err());
    }

    #[test]
    fn names_are_read() {
        assert!(matches!("blackmanharris".parse(), Ok(Window::BlackmanHarris)));
        for wrong in ["hanning", "kaiser", "kaiser(-1)", "kaiser(x)", "hann(3)"] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
    }
}
