//! From sums to values: the metrics' own endings.

use pulp::Arch;

use super::accumulate::Ending;
use crate::expr::{Step, Tape};

/// Turns sums into a metric's values. `norm` is Σ w x² of the row; `norms` has those of the columns.
pub(super) fn end(arch: Arch, ending: Ending, sums: &mut [f32], norm: f64, norms: &[f64]) {
    arch.dispatch(
        #[inline(always)]
        || match ending {
            Ending::Sum => {}
            Ending::Root => sums.iter_mut().for_each(|sum| *sum = sum.sqrt()),
            Ending::RootOf(power) => sums.iter_mut().for_each(|sum| *sum = f64::from(*sum).powf(power) as f32),
            Ending::Scaled(factor) => sums.iter_mut().for_each(|sum| *sum = (f64::from(*sum) * factor) as f32),
            // A comparison that is false for NaN keeps it.
            Ending::Positive => sums.iter_mut().for_each(|sum| *sum = if *sum < 0.0 { 0.0 } else { *sum }),
            Ending::PositiveRoot => {
                sums.iter_mut().for_each(|sum| *sum = if *sum < 0.0 { 0.0 } else { sum.sqrt() });
            }
            Ending::Cosine => {
                for (dot, other) in sums.iter_mut().zip(norms) {
                    let cosine = clamped(f64::from(*dot) / (norm.sqrt() * other.sqrt()));
                    *dot = (1.0 - cosine) as f32;
                }
            }
            Ending::Similarity => {
                for (dot, other) in sums.iter_mut().zip(norms) {
                    let cosine = clamped(f64::from(*dot) / (norm.sqrt() * other.sqrt()));
                    *dot = if norm == 0.0 || *other == 0.0 { *dot } else { cosine as f32 };
                }
            }
        },
    );
}

/// Into −1 … 1; NaN stays.
#[inline(always)]
fn clamped(value: f64) -> f64 {
    let low = if value < -1.0 { -1.0 } else { value };
    if low > 1.0 { 1.0 } else { low }
}

/// Whether the expression is its first variable and nothing else.
pub(super) fn is_first_value(tape: &Tape) -> bool {
    tape.steps() == [Step::Variable(0)]
}

/// eˣ with a relative error below 1e-14, without a branch, so that loops over it use whole registers. Below −708,
/// where the value is no normal number, it is 0.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2; eʳ by its Taylor polynomial of degree 12, whose rest is below 2e-16; 2ⁿ by its
/// exponent bits. ln 2 comes in two parts, the first short enough that n times it is exact (Cody & Waite).
#[inline(always)]
fn exp(x: f64) -> f64 {
    const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Adding this and subtracting it again rounds to a whole number, which then stands in the lowest bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    let inside = if x < -708.0 { -708.0 } else { x };
    let inside = if inside > 710.0 { 710.0 } else { inside };
    let shifted = inside * std::f64::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (inside - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = 1.0 / 479_001_600.0;
    for factorial in [39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0] {
        sum = sum * r + 1.0 / factorial;
    }
    // 2ⁿ in two factors: n may be 1024, which no single one can hold.
    let half = f64::from_bits(shifted.to_bits().wrapping_sub(1).wrapping_add(1023) << 52);
    let value = sum * half * 2.0;
    if x < -708.0 { 0.0 } else { value }
}

/// tanh with a relative error below 1e-11, without a branch.
#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    let size = x.abs();
    let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
    let near = size - size * size * size * (1.0 / 3.0);
    let value = if size < 1e-4 { near } else { far };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_and_tangents_are_accurate() {
        for i in -20_000..20_000 {
            let x = f64::from(i) * 0.035_123;
            let expected = x.exp();
            assert!((exp(x) - expected).abs() <= 1e-14 * expected, "{x}: {} is not {expected}", exp(x));
            let x = x * 0.01;
            assert!((tanh(x) - x.tanh()).abs() <= 1e-11 * x.tanh().abs(), "{x}");
            let x = x * 1e-4;
            assert!((tanh(x) - x.tanh()).abs() <= 1e-11 * x.tanh().abs(), "{x}");
        }
        assert_eq!((exp(0.0), exp(-800.0), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert_eq!((exp(800.0), exp(f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
        assert!(exp(f64::NAN).is_nan() && tanh(f64::NAN).is_nan());
        assert_eq!((tanh(f64::INFINITY), tanh(f64::NEG_INFINITY), tanh(0.0)), (1.0, -1.0, 0.0));
    }
}
