//! How far a result in single precision may be from the true one, for the ops that are no pair functions.
//!
//! Every bound is derived to first order in u = 2⁻²⁴ and never fitted to what a device gives. Pair functions carry their
//! bounds themselves ([`crate::PairFunction::evaluate_with_bound`]).

use num_complex::Complex;

use crate::metric::{UNIT_ROUNDOFF, blocked_sum_terms};

/// Of one entry of `alpha · A · B + beta · C`: (64 + ⌈k/64⌉ + 2) u |α| |A||B| for the sum of `k` terms in blocks of 64
/// (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1); a rounding more on each side for the
/// factors α and β where they are there, and one for the sum of the two sides.
///
/// `size` is the entry of |A||B|, `added` the entry of C.
pub fn gemm(k: usize, alpha: f64, beta: f64, size: f64, added: f64) -> f64 {
    let blocks = 64.0 + k.div_ceil(64) as f64 + 2.0;
    let scaled = if alpha == 1.0 && beta == 0.0 { 0.0 } else { 2.0 };
    let addend = if beta == 0.0 { 0.0 } else { 2.0 * (beta * added).abs() };
    ((blocks + scaled) * alpha.abs() * size + addend) * UNIT_ROUNDOFF
}

/// Relative L2 error of a Fourier transform over axes of these lengths: 1.5e-7 √log₂N, twice that where N has a prime
/// factor above 13 and the transform goes through a longer one.
pub fn fft(lengths: &[usize]) -> f64 {
    let total: f64 = lengths.iter().map(|&n| n as f64).product();
    let rough = lengths.iter().any(|&n| {
        let mut rest = n.max(1);
        for prime in [2, 3, 5, 7, 11, 13] {
            while rest % prime == 0 {
                rest /= prime;
            }
        }
        rest > 1
    });
    (if rough { 3e-7 } else { 1.5e-7 }) * total.log2().max(1.0).sqrt()
}

/// Of one entry of a convolution by its sum of `taps` products, of which `size` is the sum of magnitudes. A part of a
/// complex sum has two terms per product, and two parts make a distance in the plane.
pub fn convolve_direct(taps: usize, complex: bool, size: f64) -> f64 {
    let (terms, parts) = if complex { (2 * taps, std::f64::consts::SQRT_2) } else { (taps, 1.0) };
    parts * (blocked_sum_terms(terms) + 2.0) * UNIT_ROUNDOFF * size
}

/// Of any entry of x ∗ h by Fourier transforms whose relative L2 error is ε. To first order the two forward
/// transforms, the product (3u) and the inverse transform give
///
/// ‖δy‖₂ ≤ (2ε + 3u) ‖x‖₂ ‖h‖₁ + ε ‖x‖₁ ‖h‖₂,
///
/// because ‖X‖₂ = √N ‖x‖₂, |H| ≤ ‖h‖₁ and ‖y‖₂ ≤ ‖x‖₂ ‖h‖₁. The same holds with x and h exchanged. ε is that of a
/// transform as long as a plan may choose: up to twice the full result along each of `lengths`, any factors.
pub fn convolve_by_transform(x: &[Complex<f64>], h: &[Complex<f64>], lengths: &[usize]) -> f64 {
    let total: f64 = lengths.iter().map(|&n| if n > 1 { 2.0 * n as f64 } else { 1.0 }).product();
    let epsilon = 3e-7 * total.log2().max(1.0).sqrt();
    let one = |values: &[Complex<f64>]| values.iter().map(|value| value.norm()).sum::<f64>();
    let two = |values: &[Complex<f64>]| values.iter().map(|value| value.norm_sqr()).sum::<f64>().sqrt();
    let bound = |a: &[Complex<f64>], b: &[Complex<f64>]| {
        (2.0 * epsilon + 3.0 * UNIT_ROUNDOFF) * two(a) * one(b) + epsilon * one(a) * two(b)
    };
    bound(x, h).min(bound(h, x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_stated_ones() {
        assert_eq!(gemm(128, 1.0, 0.0, 1.0, f64::NAN), 68.0 * UNIT_ROUNDOFF);
        assert!(gemm(128, 2.0, 1.0, 1.0, 1.0) > 136.0 * UNIT_ROUNDOFF);
        assert_eq!(fft(&[16, 1]), 3e-7);
        assert_eq!(fft(&[1]), 1.5e-7);
        assert_eq!(fft(&[17]), 3e-7 * 17_f64.log2().sqrt());
        assert_eq!(convolve_direct(10, false, 1.0), 13.0 * UNIT_ROUNDOFF);
    }
}
