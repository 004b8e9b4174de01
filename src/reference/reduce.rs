//! Reductions of a pair function over the rows of y, row by row, with what a device's f32 result may be off by.
//!
//! A row's pairs come as `(value, bound)`, as
//! [`PairFunction::evaluate_with_bound`](crate::PairFunction::evaluate_with_bound) has them, `None` where a mask keeps a
//! pair apart. u = 2⁻²⁴, and anything below the normal range may be flushed to 0. All bounds are to first order in u.

use crate::expr::{SMALLEST_NORMAL, UNIT_ROUNDOFF};

/// The value and the bound of the function for the pairs of one row.
pub type Pairs<'a> = &'a [Option<(f64, f64)>];

/// Rounding of `exp_`, relative.
const EXP: f64 = 2.5 * UNIT_ROUNDOFF;

/// Roundings of a sum of m terms in blocks of 64 whose results are summed: `64 + ⌈m/64⌉ + 2`.
fn blocked(terms: usize) -> f64 {
    (64 + terms.div_ceil(64) + 2) as f64 * UNIT_ROUNDOFF
}

/// What is not finite must come out as such; a finite sum is within `bound` unless f32 may overflow on the way.
fn judged(value: f64, bound: f64, magnitude: f64) -> (f64, f64) {
    let over = value.is_finite() && magnitude + bound >= f64::from(f32::MAX);
    (value, if over || bound.is_nan() { f64::INFINITY } else { bound })
}

/// `a · b`, where an error of 0 beside infinity is 0.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { (a * b).abs() }
}

/// `scale · Σⱼ f v[j]`; `v` is 1 where there are no values.
///
/// Bound: `Σ δ |v| + (64 + ⌈m/64⌉ + 2) u Σ |f v|`, compensated `Σ (δ + 2u |f|) |v| + 2u |Σ|`; 2u of the result for a
/// scale other than 1.
pub fn sum(pairs: Pairs<'_>, v: &dyn Fn(usize) -> f64, scale: f64, compensated: bool) -> (f64, f64) {
    let (mut value, mut carried, mut magnitude, mut flushed) = (0.0, 0.0, 0.0, 0.0);
    for (j, (f, error)) in met(pairs) {
        value += f * v(j);
        carried += product(error, v(j));
        magnitude += product(f, v(j)) + product(error, v(j));
        flushed += if f == 0.0 || v(j) == 0.0 { 0.0 } else { SMALLEST_NORMAL };
    }
    let rounding =
        if compensated { 2.0 * UNIT_ROUNDOFF * (magnitude + value.abs()) } else { blocked(pairs.len()) * magnitude };
    let mut bound = if value.is_finite() { carried + rounding + flushed } else { carried };
    if scale != 1.0 && value.is_finite() {
        bound = bound * scale.abs() + 2.0 * UNIT_ROUNDOFF * (scale * value).abs() + SMALLEST_NORMAL;
        value *= scale;
    } else {
        value *= scale;
    }
    judged(value, bound, magnitude)
}

/// `log Σⱼ v[j] exp f`; pairs of weight 0 are left out, whatever their value. −∞ over nothing.
///
/// Bound: an error δ of f moves the logarithm by at most `log Σ p exp δ`, p the soft-max weights; the terms and their
/// sum, whose base may move once per block and be up to 4 below the maximum, are off by
/// `(64 + 5 ⌈m/64⌉ + 28) u + 2u Σ p |f − max f|`; the logarithm and the last sum round by
/// `3u |log Σ exp(f − max f)| + u |value|`.
pub fn log_sum_exp(pairs: Pairs<'_>, v: &dyn Fn(usize) -> f64) -> (f64, f64) {
    let counted: Vec<(usize, (f64, f64))> = met(pairs).filter(|(j, _)| v(*j) != 0.0).collect();
    if counted.iter().any(|(_, (f, _))| f.is_nan()) {
        return (f64::NAN, 0.0);
    }
    let largest = counted.iter().map(|(_, (f, _))| *f).fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        let sure = counted.iter().all(|(_, (_, error))| *error == 0.0);
        return (largest, if sure { 0.0 } else { f64::INFINITY });
    }
    let weight = |j: usize, f: f64| v(j) * (f - largest).exp();
    let total: f64 = counted.iter().map(|(j, (f, _))| weight(*j, *f)).sum();
    let (mut moved, mut reach, mut flushed) = (0.0, 0.0, 0.0);
    for (j, (f, error)) in &counted {
        let p = weight(*j, *f) / total;
        // A device may flush a term whose own value it has wrong; the term is then below the normal range anyway.
        moved += if p == 0.0 { 0.0 } else { p * error.exp() };
        reach += product(p, f - largest);
        flushed += v(*j).abs().max(1.0) * SMALLEST_NORMAL / total;
    }
    let rounded = (64 + 5 * pairs.len().div_ceil(64) + 28) as f64 * UNIT_ROUNDOFF;
    let value = largest + total.ln();
    let bound = moved.ln().max(0.0)
        + rounded
        + 2.0 * UNIT_ROUNDOFF * reach
        + 3.0 * UNIT_ROUNDOFF * total.ln().abs()
        + UNIT_ROUNDOFF * value.abs()
        + flushed;
    judged(value, bound, largest.abs())
}

/// `Σⱼ exp(f) v[j] / Σⱼ exp f`; 0 over nothing.
///
/// Bound: every weight `p` is off by `ε = exp δ − 1 + 2u |f − max f|` and both sums by `s = (64 + 5 ⌈m/64⌉ + 28) u` of
/// their magnitude: `(Σ p |v| (ε + s) + |value| Σ p (ε + s)) / (1 − Σ p (ε + s)) + 5u |value|`.
pub fn softmax_sum(pairs: Pairs<'_>, v: &dyn Fn(usize) -> f64) -> (f64, f64) {
    let counted: Vec<(usize, (f64, f64))> = met(pairs).collect();
    if counted.is_empty() {
        return (0.0, 0.0);
    }
    if counted.iter().any(|(_, (f, _))| f.is_nan()) {
        return (f64::NAN, 0.0);
    }
    let largest = counted.iter().map(|(_, (f, _))| *f).fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        let sure = counted.iter().all(|(_, (_, error))| *error == 0.0);
        let value = if largest > 0.0 { f64::NAN } else { 0.0 };
        return (value, if sure { 0.0 } else { f64::INFINITY });
    }
    let weight = |f: f64| (f - largest).exp();
    let total: f64 = counted.iter().map(|(_, (f, _))| weight(*f)).sum();
    let value: f64 = counted.iter().map(|(j, (f, _))| weight(*f) * v(*j)).sum::<f64>() / total;
    let rounded = (64 + 5 * pairs.len().div_ceil(64) + 28) as f64 * UNIT_ROUNDOFF + EXP;
    let (mut above, mut below, mut size) = (0.0, 0.0, 0.0);
    for (j, (f, error)) in &counted {
        let p = weight(*f) / total;
        let off =
            if p == 0.0 { 0.0 } else { p * (error.exp_m1() + 2.0 * UNIT_ROUNDOFF * (f - largest).abs() + rounded) };
        let off = off + SMALLEST_NORMAL / total;
        above += product(off, v(*j));
        below += off;
        size += product(p, v(*j));
    }
    if value.is_nan() {
        return (value, 0.0);
    }
    let bound = if below < 1.0 { (above + value.abs() * below) / (1.0 - below) } else { f64::INFINITY };
    let bound = bound + 5.0 * UNIT_ROUNDOFF * value.abs() + SMALLEST_NORMAL;
    judged(value, bound, size * counted.len() as f64)
}

/// How many values are at most `radius`: the fewest and the most that a device may count.
pub fn count_within(pairs: Pairs<'_>, radius: f64) -> (usize, usize) {
    let within = |f: f64, error: f64| f <= radius && f + error <= radius;
    let least = met(pairs).filter(|(_, (f, error))| within(*f, *error)).count();
    let most = met(pairs).filter(|(_, (f, error))| !f.is_nan() && (*f <= radius || f - error <= radius)).count();
    (least, most)
}

/// `Σⱼ [f ≤ radius] v[j]`, or where there is no `v` the sum of the values themselves.
///
/// Bound: as [`sum`] over what is certainly within, and all of what may fall on either side.
pub fn sum_within(pairs: Pairs<'_>, radius: f64, v: Option<&dyn Fn(usize) -> f64>) -> (f64, f64) {
    let mut doubtful = 0.0;
    let terms: Vec<Option<(f64, f64)>> = (0..pairs.len())
        .map(|j| {
            let (f, error) = pairs.get(j).copied().flatten()?;
            let size = v.map_or(f.abs() + error, |v| v(j).abs());
            if !f.is_nan() && error > 0.0 && (f - radius).abs() <= error {
                doubtful += size;
            }
            let own = v.map_or((f, error), |v| (v(j), 0.0));
            (f <= radius).then_some(own)
        })
        .collect();
    let (value, bound) = sum(&terms, &|_| 1.0, 1.0, false);
    (value, bound + doubtful)
}

/// Where the k smallest (largest) values of a device may lie: the p-th lies between the p-th smallest of `f − δ` and of
/// `f + δ`. Only of numbers; NaN is behind them.
pub fn extremes(pairs: Pairs<'_>, k: usize, largest: bool) -> Vec<(f64, f64)> {
    // An infinite error reaches everywhere, also from infinity.
    let end = |f: f64, error: f64| if error.is_infinite() { error } else { f + error };
    let sorted = |sign: f64| {
        let numbers = met(pairs).filter(|(_, (f, _))| !f.is_nan());
        let mut ends: Vec<f64> =
            numbers.map(|(_, (f, error))| if error == 0.0 { f } else { end(f, sign * error) }).collect();
        ends.sort_by(f64::total_cmp);
        if largest {
            ends.reverse();
        }
        ends
    };
    sorted(-1.0).into_iter().zip(sorted(1.0)).take(k).collect()
}

fn met(pairs: Pairs<'_>) -> impl Iterator<Item = (usize, (f64, f64))> + '_ {
    pairs.iter().enumerate().filter_map(|(j, pair)| Some((j, (*pair)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [Option<(f64, f64)>; 5] =
        [Some((1.0, 0.1)), None, Some((3.0, 0.0)), Some((2.0, 0.25)), Some((3.0, 0.5))];

    fn v(j: usize) -> f64 {
        [1.0, 100.0, 0.0, -2.0, 0.5][j]
    }

    #[test]
    fn values_are_the_textbook_ones() {
        assert_eq!(sum(&PAIRS, &v, 2.0, false).0, 2.0 * (1.0 - 4.0 + 1.5));
        let exps = 1f64.exp() + 2.0 * 3f64.exp() + 2f64.exp();
        assert!((log_sum_exp(&PAIRS, &|_| 1.0).0 - exps.ln()).abs() < 1e-14);
        let soft = (1f64.exp() - 2.0 * 2f64.exp() + 0.5 * 3f64.exp()) / exps;
        assert!((softmax_sum(&PAIRS, &v).0 - soft).abs() < 1e-14);
        assert_eq!(count_within(&PAIRS, 2.6), (2, 3));
        assert_eq!(sum_within(&PAIRS, 2.1, Some(&v)).0, -1.0);
        assert_eq!(sum_within(&PAIRS, 2.1, None).0, 3.0);
        assert_eq!(extremes(&PAIRS, 2, false), [(0.9, 1.1), (1.75, 2.25)]);
        assert_eq!(extremes(&PAIRS, 1, true), [(3.0, 3.5)]);
    }

    #[test]
    fn errors_of_the_values_are_carried() {
        let carried = 0.1 + 0.5 + 0.25;
        let (_, bound) = sum(&PAIRS, &v, 1.0, true);
        assert!(bound > carried && bound < carried + 1e-5);
        let (_, bound) = log_sum_exp(&PAIRS, &|_| 1.0);
        assert!(bound > 0.1 && bound < 0.5);
        let (_, bound) = softmax_sum(&PAIRS, &v);
        assert!(bound > 0.1 && bound < 2.0);
        assert!(sum_within(&PAIRS, 2.1, Some(&v)).1 > 2.0);
    }

    #[test]
    fn nothing_and_what_is_not_finite() {
        assert_eq!((sum(&[], &v, 1.0, false), sum(&[None], &v, 1.0, true)), ((0.0, 0.0), (0.0, 0.0)));
        assert_eq!(log_sum_exp(&[None], &v), (f64::NEG_INFINITY, 0.0));
        assert_eq!(softmax_sum(&[], &v), (0.0, 0.0));
        let nan = [Some((f64::NAN, 0.0)), Some((1.0, 0.0))];
        assert!(sum(&nan, &v, 1.0, false).0.is_nan() && log_sum_exp(&nan, &|_| 1.0).0.is_nan());
        assert_eq!((count_within(&nan, 1.0), extremes(&nan, 2, false)), ((1, 1), vec![(1.0, 1.0)]));
        assert_eq!(log_sum_exp(&[Some((f64::INFINITY, 0.0))], &|_| 1.0).0, f64::INFINITY);
    }
}
