//! How a result is judged: the worst error as a fraction of its bound.

use num_complex::Complex32;
use serde::Serialize;

/// One entry of a result: what it should be, how far off it is, and how far off it may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Judged {
    /// The true value; of complex numbers and vectors their norm.
    pub value: f64,
    /// How far off the entry is.
    pub error: f64,
    /// How far off it may be; 0 where it must be exact.
    pub bound: f64,
}

/// The judgement of one trial while its entries come in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparison {
    /// Largest |error| / bound; infinite where a bound of 0 was missed or a shape, NaN or infinity was wrong.
    pub(crate) worst: f64,
    /// Entries compared.
    pub(crate) entries: usize,
    /// Entries outside their bound.
    pub(crate) failed: usize,
    /// The worst entry outside its bound, in words.
    pub(crate) detail: Option<String>,
    /// The entry with the largest error for its bound; `None` where no bound was finite.
    pub(crate) judged: Option<Judged>,
}

/// Smallest normal f32: a device may flush anything below to 0, so no bound is tighter than this.
const FLUSH: f64 = f32::MIN_POSITIVE as f64;

impl Comparison {
    /// A comparison that has failed as a whole: a wrong shape, an entry that should not exist.
    pub(crate) fn broken(detail: String) -> Self {
        Self { worst: f64::INFINITY, entries: 0, failed: 1, detail: Some(detail), judged: None }
    }

    /// Takes in one real entry. NaN matches NaN, an infinity only itself; where f32 cannot hold the true value,
    /// either the infinity or the largest numbers are right.
    pub(crate) fn entry(&mut self, place: impl FnOnce() -> String, got: f32, want: f64, bound: f64) {
        let fraction = fraction(f64::from(got), want, bound);
        let judged = Judged { value: want, error: (f64::from(got) - want).abs(), bound };
        self.take(fraction, judged, || format!("{}: got {got:e}, want {want:e} ± {bound:.2e}", place()));
    }

    /// Takes in one complex entry whose error is measured as a distance in the plane.
    pub(crate) fn complex(
        &mut self,
        place: impl FnOnce() -> String,
        got: Complex32,
        want: num_complex::Complex<f64>,
        bound: f64,
    ) {
        let error = num_complex::Complex::new(f64::from(got.re) - want.re, f64::from(got.im) - want.im).norm();
        let fraction = if error.is_nan() { f64::INFINITY } else { ratio(error, bound) };
        let judged = Judged { value: want.norm(), error, bound };
        self.take(fraction, judged, || format!("{}: got {got}, want {want} ± {bound:.2e}", place()));
    }

    /// Takes in a norm of errors, the norm that they belong to with its bound, standing for `entries` entries.
    pub(crate) fn norm(
        &mut self,
        place: impl FnOnce() -> String,
        error: f64,
        (value, bound): (f64, f64),
        entries: usize,
    ) {
        let fraction = if error.is_nan() { f64::INFINITY } else { ratio(error, bound) };
        self.entries += entries.saturating_sub(1);
        let judged = Judged { value, error, bound };
        self.take(fraction, judged, || format!("{}: error {error:.3e}, bound {bound:.3e}", place()));
    }

    /// Takes in one entry that must agree in every bit.
    pub(crate) fn bits(&mut self, place: impl FnOnce() -> String, got: u64, want: u64) {
        let fraction = if got == want { 0.0 } else { f64::INFINITY };
        let judged = Judged { value: want as f64, error: 0.0, bound: 0.0 };
        self.take(fraction, judged, || format!("{}: got bits {got:#x}, want {want:#x}", place()));
    }

    fn take(&mut self, fraction: f64, judged: Judged, detail: impl FnOnce() -> String) {
        self.entries += 1;
        // Where all are exact, one whose bound is not 0 says more.
        let tells = self.judged.is_none_or(|known| fraction > self.worst || (known.bound == 0.0 && self.worst == 0.0));
        if tells && judged.bound.is_finite() && judged.error.is_finite() {
            self.judged = Some(judged);
        }
        if fraction > 1.0 {
            self.failed += 1;
            if self.detail.is_none() || fraction > self.worst {
                self.detail = Some(detail());
            }
        }
        self.worst = self.worst.max(fraction);
    }
}

/// |got − want| / bound, with the rules for what is not finite.
fn fraction(got: f64, want: f64, bound: f64) -> f64 {
    let same = got == want || (got.is_nan() && want.is_nan());
    // An infinite bound promises nothing.
    if same || bound == f64::INFINITY {
        return 0.0;
    }
    let largest = f64::from(f32::MAX);
    if want.is_finite() && want.abs() + bound >= largest {
        // The true value is at or beyond the edge of f32: infinity is right, and so is anything near.
        return if got == want.signum() * f64::INFINITY { 0.0 } else { ratio((got - want).abs(), bound) };
    }
    if !want.is_finite() || !got.is_finite() {
        return f64::INFINITY;
    }
    ratio((got - want).abs(), bound)
}

fn ratio(error: f64, bound: f64) -> f64 {
    if error == 0.0 {
        0.0
    } else if bound == 0.0 {
        // A bound of exactly 0 is a promise (a distance of a row to itself), not a small number.
        f64::INFINITY
    } else if bound.is_nan() {
        f64::INFINITY
    } else {
        error / bound.max(FLUSH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(got: f32, want: f64, bound: f64) -> f64 {
        let mut comparison = Comparison::default();
        comparison.entry(|| "entry".to_owned(), got, want, bound);
        comparison.worst
    }

    #[test]
    fn errors_are_fractions_of_their_bound() {
        assert_eq!(judged(1.5, 1.0, 1.0), 0.5);
        assert_eq!(judged(1.0, 1.0, 0.0), 0.0);
        assert_eq!(judged(1e-30, 0.0, 0.0), f64::INFINITY);
        assert!(judged(0.0, 1e-39, 1e-46) < 1.0, "what the device flushes to 0 is right");
    }

    #[test]
    fn what_is_not_finite_matches_only_itself() {
        assert_eq!(judged(f32::NAN, f64::NAN, 1.0), 0.0);
        assert_eq!(judged(0.0, f64::NAN, 1.0), f64::INFINITY);
        assert_eq!(judged(f32::NAN, 0.0, 1.0), f64::INFINITY);
        assert_eq!(judged(f32::INFINITY, f64::INFINITY, 1.0), 0.0);
        assert_eq!(judged(f32::NEG_INFINITY, f64::INFINITY, 1.0), f64::INFINITY);
        assert_eq!(judged(f32::INFINITY, 1e39, 1e30), 0.0);
        assert_eq!(judged(f32::INFINITY, 1.0, 1.0), f64::INFINITY);
    }

    #[test]
    fn the_worst_failure_is_told() {
        let mut comparison = Comparison::default();
        comparison.entry(|| "a".to_owned(), 3.0, 1.0, 1.0);
        comparison.entry(|| "b".to_owned(), 5.0, 1.0, 1.0);
        comparison.entry(|| "c".to_owned(), 2.5, 1.0, 1.0);
        assert_eq!((comparison.entries, comparison.failed, comparison.worst), (3, 3, 4.0));
        assert!(comparison.detail.unwrap_or_default().starts_with("b:"));
    }
}
