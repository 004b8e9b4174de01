//! Expressions over blocks of values in single precision, on whole registers.
//!
//! Every step rounds once, as the bound of an expression assumes of a device
//! ([`Expr::evaluate_with_bound`](crate::expr::Expr::evaluate_with_bound)); functions that have no lines here are taken
//! in double precision and rounded.

use pulp::{Arch, Simd, WithSimd};

use super::finish::tanh;
use crate::expr::{Binary, Step, Tape, Unary};

/// Values that an expression takes at a time; all its steps over them stay in the first-level cache.
pub(in crate::cpu) const BLOCK: usize = 256;

/// An operand of a step.
#[derive(Clone, Copy)]
enum Operand<'a> {
    /// The same for all.
    Number(f32),
    Block(&'a [f32]),
}

/// `values[0][i]` becomes the expression's value over `values[..][i]`. `scratch` is memory to be used again.
pub(in crate::cpu) fn evaluate(arch: Arch, tape: &Tape, values: &mut [&mut [f32]], scratch: &mut Vec<[f32; BLOCK]>) {
    let len = values.first().map_or(0, |first| first.len());
    scratch.resize(tape.steps().len(), [0.0; BLOCK]);
    for start in (0..len).step_by(BLOCK) {
        let end = len.min(start + BLOCK);
        for (number, step) in tape.steps().iter().enumerate() {
            let (before, out) = scratch.split_at_mut(number);
            let Some(out) = out.first_mut().and_then(|out| out.get_mut(..end - start)) else { continue };
            let operand = |number: usize| match tape.steps().get(number) {
                Some(Step::Constant(bits)) => Operand::Number(f64::from_bits(*bits) as f32),
                Some(Step::Parameter(slot)) => Operand::Number(parameter(tape, *slot)),
                Some(Step::Variable(index)) => match values.get(*index) {
                    Some(values) => Operand::Block(&values[start..end]),
                    None => Operand::Number(f32::NAN),
                },
                _ => {
                    before.get(number).map_or(Operand::Number(f32::NAN), |block| Operand::Block(&block[..end - start]))
                }
            };
            match *step {
                Step::Unary(function, a) => unary(arch, function, operand(a), out),
                Step::Binary(function, a, b) => binary(arch, function, operand(a), operand(b), out),
                Step::Powi(a, n) => power(arch, operand(a), n, out),
                // The finish of a pair function is an expression over numbers.
                step if step.is_of_vectors() => out.fill(f32::NAN),
                // Read where they are used.
                _ => {
                    if number + 1 == tape.steps().len() {
                        match operand(number) {
                            Operand::Number(value) => out.fill(value),
                            Operand::Block(block) => out.copy_from_slice(block),
                        }
                    }
                }
            }
        }
        if let (Some(first), Some(last)) = (values.first_mut(), scratch.last()) {
            first[start..end].copy_from_slice(&last[..end - start]);
        }
    }
}

fn parameter(tape: &Tape, slot: usize) -> f32 {
    tape.parameters().get(slot).map_or(f32::NAN, |value| *value as f32)
}

fn unary(arch: Arch, function: Unary, a: Operand<'_>, out: &mut [f32]) {
    let a = match a {
        Operand::Number(value) => return out.fill(function.value(f64::from(value)) as f32),
        Operand::Block(block) => block,
    };
    match function {
        Unary::Exp => {
            out.copy_from_slice(a);
            exp(arch, out);
        }
        Unary::Negate => arch.dispatch(
            #[inline(always)]
            || map(a, out, |a| -a),
        ),
        Unary::Abs => arch.dispatch(
            #[inline(always)]
            || map(a, out, f32::abs),
        ),
        Unary::Sqrt => arch.dispatch(
            #[inline(always)]
            || map(a, out, f32::sqrt),
        ),
        Unary::Tanh => arch.dispatch(
            #[inline(always)]
            || map(a, out, |a| tanh(f64::from(a)) as f32),
        ),
        other => map(a, out, |a| other.value(f64::from(a)) as f32),
    }
}

fn binary(arch: Arch, function: Binary, a: Operand<'_>, b: Operand<'_>, out: &mut [f32]) {
    arch.dispatch(
        #[inline(always)]
        || match function {
            Binary::Add => both(a, b, out, |a, b| a + b),
            Binary::Subtract => both(a, b, out, |a, b| a - b),
            Binary::Multiply => both(a, b, out, |a, b| a * b),
            Binary::Divide => both(a, b, out, |a, b| a / b),
            Binary::Min => both(a, b, out, f32::min),
            Binary::Max => both(a, b, out, f32::max),
            other => both(a, b, out, |a, b| other.value(f64::from(a), f64::from(b)) as f32),
        },
    );
}

fn power(arch: Arch, a: Operand<'_>, n: i32, out: &mut [f32]) {
    let a = match a {
        Operand::Number(value) => return out.fill(f64::from(value).powi(n) as f32),
        Operand::Block(block) => block,
    };
    arch.dispatch(
        #[inline(always)]
        || match n {
            0 => out.fill(1.0),
            // As many roundings as `powi_` has.
            1..=8 => map(a, out, |a| (1..n).fold(a, |power, _| power * a)),
            -1 => map(a, out, |a| 1.0 / a),
            _ => map(a, out, |a| f64::from(a).powi(n) as f32),
        },
    );
}

#[inline(always)]
fn map(a: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    for (out, a) in out.iter_mut().zip(a) {
        *out = f(*a);
    }
}

#[inline(always)]
fn both(a: Operand<'_>, b: Operand<'_>, out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    match (a, b) {
        (Operand::Block(a), Operand::Block(b)) => {
            out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = f(*a, *b));
        }
        (Operand::Block(a), Operand::Number(b)) => map(a, out, |a| f(a, b)),
        (Operand::Number(a), Operand::Block(b)) => map(b, out, |b| f(a, b)),
        (Operand::Number(a), Operand::Number(b)) => out.fill(f(a, b)),
    }
}

/// The factor a of an expression `exp(a · variable 0)`, as most kernels are.
pub(super) fn exponent_factor(tape: &Tape) -> Option<f32> {
    let steps = tape.steps();
    let [_, _, Step::Binary(Binary::Multiply, a, b), Step::Unary(Unary::Exp, 2)] = steps else { return None };
    match (steps.get(*a)?, steps.get(*b)?) {
        (Step::Parameter(slot), Step::Variable(0)) | (Step::Variable(0), Step::Parameter(slot)) => {
            Some(parameter(tape, *slot))
        }
        _ => None,
    }
}

/// `exp(factor · x)` of every value.
pub(super) fn exp_of_multiple(arch: Arch, values: &mut [f32], factor: f32) {
    arch.dispatch(Exp::<true> { values, number: factor });
}

/// eˣ of every value, with a relative error below 2 u where the result is a normal number, 0 below.
fn exp(arch: Arch, values: &mut [f32]) {
    exp_from(arch, values, 0.0);
}

/// `exp(x − base)` of every value.
pub(in crate::cpu) fn exp_from(arch: Arch, values: &mut [f32], base: f32) {
    arch.dispatch(Exp::<false> { values, number: base });
}

/// The exponential of the values times a number, or less a number.
struct Exp<'a, const TIMES: bool> {
    values: &'a mut [f32],
    number: f32,
}

impl<const TIMES: bool> WithSimd for Exp<'_, TIMES> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let number = simd.splat_f32s(self.number);
        let argument = |x| if TIMES { simd.mul_f32s(x, number) } else { simd.sub_f32s(x, number) };
        let (values, rest) = S::as_mut_simd_f32s(self.values);
        for value in values {
            *value = exponential(simd, argument(*value));
        }
        if !rest.is_empty() {
            let value = simd.partial_load_f32s(rest);
            simd.partial_store_f32s(rest, exponential(simd, argument(value)));
        }
    }
}

/// x = n ln 2 + r with |r| ≤ ln 2 / 2; eʳ by a polynomial (Cephes, `expf`), 2ⁿ by the exponent bits of two factors,
/// since n may be 128. ln 2 comes in two parts, the first so short that n times it is exact (Cody & Waite).
#[inline(always)]
fn exponential<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Below the first no result is a normal number, above the second none is finite.
    const LEAST: f32 = -87.336_54;
    const MOST: f32 = 89.0;
    // Adding this and subtracting it again rounds to a whole number, which then stands in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const POLYNOMIAL: [f32; 5] = [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    let number = |value: f32| simd.splat_f32s(value);
    let (least, most) = (number(LEAST), number(MOST));
    // Comparisons with NaN are false: it goes through.
    let flushed = simd.less_than_f32s(x, least);
    let inside = simd.select_f32s(flushed, least, x);
    let inside = simd.select_f32s(simd.less_than_f32s(most, inside), most, inside);
    let shifted = simd.mul_add_e_f32s(inside, number(std::f32::consts::LOG2_E), number(ROUNDER));
    let n = simd.sub_f32s(shifted, number(ROUNDER));
    let r = simd.mul_add_e_f32s(n, number(-LN_2_HIGH), inside);
    let r = simd.mul_add_e_f32s(n, number(-LN_2_LOW), r);
    let mut sum = number(1.987_569_1e-4);
    for coefficient in POLYNOMIAL {
        sum = simd.mul_add_e_f32s(sum, r, number(coefficient));
    }
    let sum = simd.add_f32s(simd.mul_add_e_f32s(sum, simd.mul_f32s(r, r), r), number(1.0));
    let whole = |value: u32| simd.splat_u32s(value);
    // n + 254 in the lowest nine bits, split into two exponents.
    let exponent = simd.sub_u32s(simd.transmute_u32s_f32s(shifted), whole(ROUNDER.to_bits().wrapping_sub(254)));
    let half = simd.wrapping_dyn_shr_u32s(exponent, whole(1));
    let other = simd.sub_u32s(exponent, half);
    let factor = |exponent| simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, whole(23)));
    let value = simd.mul_f32s(simd.mul_f32s(sum, factor(half)), factor(other));
    simd.select_f32s(flushed, number(0.0), value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::UNIT_ROUNDOFF;

    #[test]
    fn exponentials_are_accurate() {
        let arch = Arch::new();
        let all: Vec<f32> = (0..1 << 21).map(|i| -87.34 + 176.1 * (i as f32 / (1 << 21) as f32)).collect();
        let near: Vec<f32> = (0..1 << 16).map(|i| (i as f32 / (1 << 15) as f32 - 1.0) * 1e-3).collect();
        for inputs in [all, near] {
            let mut values = inputs.clone();
            exp(arch, &mut values);
            for (x, got) in inputs.iter().zip(&values) {
                let want = f64::from(*x).exp();
                let error = (f64::from(*got) - want).abs();
                let flushed = want < f64::from(f32::MIN_POSITIVE) && *got == 0.0;
                let over = want > f64::from(f32::MAX) && *got == f32::INFINITY;
                assert!(error <= 2.0 * UNIT_ROUNDOFF * want || flushed || over, "{x}: {got:e} is not {want:e}");
            }
        }
        let mut special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::NAN];
        exp(arch, &mut special);
        assert_eq!(special[..6], [1.0, 1.0, f32::INFINITY, 0.0, f32::INFINITY, 0.0]);
        assert!(special[6].is_nan());
    }
}
