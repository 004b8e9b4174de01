//! Statistics of two rows that are no distances: what kernels are made of, beside the metrics that have names.
//!
//! Products over the features, `Π (1 + t_f)`, are kept as what they exceed 1 by, which starts at 0, keeps the digits of
//! small terms, and joins by `a + b + a b`.

use std::borrow::Cow;
use std::f64::consts::PI;

use super::bound::{gamma, settled, sum_of};
use super::{Metric, UNIT_ROUNDOFF};
use crate::expr::SMALLEST_NORMAL;

/// One of each, whatever its parameter.
pub(super) fn all() -> Vec<Metric> {
    let sums = [squared_norm_of_x(), squared_norm_of_y(), squared_sum(), signed_difference(), chi_square(), differs()];
    let products = (1..=3).flat_map(|order| [bernoulli_product(order, 1.0), walsh_product(order, 1.0)]);
    sums.into_iter().chain(products).chain([sobolev_product(1.0), Metric::quadratic_form(vec![])]).collect()
}

fn sum(name: &'static str, term: &'static str, weighted: &'static str) -> Metric {
    Metric {
        name: Cow::Borrowed(name),
        accumulate: Cow::Borrowed(term),
        accumulate_weighted: Cow::Borrowed(weighted),
        zero_on_self: false,
        is_metric: false,
        ..Metric::SQEUCLIDEAN
    }
}

/// `Σ w_f g(x_f, y_f)` in f64.
fn total(x: &[f64], y: &[f64], weights: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let terms = x.iter().zip(y).enumerate().map(|(f, (x, y))| weights.get(f).copied().unwrap_or(1.0) * term(*x, *y));
    // A sum of nothing would be −0.
    terms.fold(0.0, |sum, term| sum + term)
}

/// `Σ w_f x_f²`; one rounding a term.
pub(crate) fn squared_norm_of_x() -> Metric {
    Metric {
        definition: |x, y, weights, _| total(x, y, weights, |x, _| x * x),
        error_bound: |x, y, weights, _| {
            let (sum, error) = sum_of(x, y, weights, 1.0, |x, _| x * x);
            settled(x, y, sum, error)
        },
        symmetric: false,
        ..sum("squared norm of x", "(*state).sum += x * x;", "(*state).sum += w * (x * x);")
    }
}

/// `Σ w_f y_f²`; one rounding a term.
pub(crate) fn squared_norm_of_y() -> Metric {
    Metric {
        definition: |x, y, weights, _| total(x, y, weights, |_, y| y * y),
        error_bound: |x, y, weights, _| {
            let (sum, error) = sum_of(x, y, weights, 1.0, |_, y| y * y);
            settled(x, y, sum, error)
        },
        symmetric: false,
        ..sum("squared norm of y", "(*state).sum += y * y;", "(*state).sum += w * (y * y);")
    }
}

/// `Σ w_f (x_f + y_f)²`; three roundings a term.
pub(crate) fn squared_sum() -> Metric {
    let term = "let sum = x + y; (*state).sum += sum * sum;";
    Metric {
        definition: |x, y, weights, _| total(x, y, weights, |x, y| (x + y) * (x + y)),
        error_bound: |x, y, weights, _| {
            let (sum, error) = sum_of(x, y, weights, 3.0, |x, y| (x + y) * (x + y));
            settled(x, y, sum, error)
        },
        ..sum("squared sum", term, "let sum = x + y; (*state).sum += w * (sum * sum);")
    }
}

/// `Σ w_f (x_f − y_f)`; one rounding a term, relative to the sum of magnitudes because the terms cancel.
pub(crate) fn signed_difference() -> Metric {
    Metric {
        definition: |x, y, weights, _| total(x, y, weights, |x, y| x - y),
        error_bound: |x, y, weights, _| {
            let (sum, error) = sum_of(x, y, weights, 1.0, |x, y| (x - y).abs());
            settled(x, y, sum, error)
        },
        zero_on_self: true,
        symmetric: false,
        ..sum("signed difference", "(*state).sum += x - y;", "(*state).sum += w * (x - y);")
    }
}

/// `Σ w_f (x_f − y_f)²/(x_f + y_f)`, terms with x_f + y_f = 0 left out; for rows at or above 0. A difference that
/// enters twice, a sum, a quotient (2.5 ULP) and a product are 9 roundings a term.
pub(crate) fn chi_square() -> Metric {
    Metric {
        definition: |x, y, weights, _| {
            total(x, y, weights, |x, y| if x + y == 0.0 { 0.0 } else { (x - y) * ((x - y) / (x + y)) })
        },
        error_bound: |x, y, weights, _| {
            let term = |x: f64, y: f64| if x + y == 0.0 { 0.0 } else { ((x - y) * ((x - y) / (x + y))).abs() };
            let (sum, error) = sum_of(x, y, weights, 9.0, term);
            // WGSL promises nothing for a divisor below the normal range.
            let tiny = x.iter().zip(y).any(|(x, y)| x + y != 0.0 && (x + y).abs() < SMALLEST_NORMAL);
            settled(x, y, sum, if tiny { f64::INFINITY } else { error })
        },
        zero_on_self: true,
        ..sum("chi square", CHI_SQUARE, CHI_SQUARE_WEIGHTED)
    }
}

const CHI_SQUARE: &str = "let difference = x - y;
    let both = x + y;
    let none = (bitcast<u32>(both) & 0x7fffffffu) == 0u;
    (*state).sum += select(difference * (difference / select(both, 1.0, none)), 0.0, none);";
const CHI_SQUARE_WEIGHTED: &str = "let difference = x - y;
    let both = x + y;
    let none = (bitcast<u32>(both) & 0x7fffffffu) == 0u;
    (*state).sum += select(w * (difference * (difference / select(both, 1.0, none))), 0.0, none);";

/// 0 where the rows are equal, else 1; NaN equals nothing. Exact.
pub(crate) fn differs() -> Metric {
    let term = "let a = bitcast<u32>(x);
    let b = bitcast<u32>(y);
    let zeros = ((a | b) & 0x7fffffffu) == 0u;
    (*state).differs |= select(0u, 1u, ((a != b) & !zeros) | is_nan_(x) | is_nan_(y));";
    Metric {
        state: Cow::Borrowed("differs: u32"),
        merge: Cow::Borrowed("return State(a.differs | b.differs);"),
        finish: Cow::Borrowed("return f32(state.differs);"),
        // A NaN is not equal to itself, and so differs.
        definition: |x, y, _, _| f64::from(u8::from(x.iter().zip(y).any(|(x, y)| x != y))),
        error_bound: |_, _, _, _| 0.0,
        ..sum("differs", term, term)
    }
}

/// The bound of `Π (1 + w_f φ_f) − 1`, where each φ comes with its absolute error: every factor's own error carried
/// through the product of magnitudes, and three roundings a factor and a merge relative to that product.
fn product_bound(x: &[f64], y: &[f64], weights: &[f64], gamma_: f64, phi: impl Fn(f64, f64) -> (f64, f64)) -> f64 {
    let (mut exact, mut largest) = (1.0, 1.0);
    for (f, (x, y)) in x.iter().zip(y).enumerate() {
        let w = weights.get(f).copied().unwrap_or(1.0) * gamma_;
        let (value, error) = phi(*x, *y);
        let term = (w * value).abs();
        exact *= 1.0 + term;
        largest *= 1.0 + term + w * error + 4.0 * UNIT_ROUNDOFF * term;
    }
    let roundings = 3.0 * (x.len() + x.len().div_ceil(64)) as f64;
    settled(x, y, largest, largest - exact + gamma(roundings) * largest)
}

fn product(x: &[f64], y: &[f64], weights: &[f64], gamma: f64, phi: impl Fn(f64, f64) -> f64) -> f64 {
    let factor = |(f, (x, y)): (usize, (&f64, &f64))| {
        let w = weights.get(f).copied().unwrap_or(1.0) * gamma;
        1.0 + if w == 0.0 { 0.0 } else { w * phi(*x, *y) }
    };
    let product = x.iter().zip(y).enumerate().map(factor).product::<f64>();
    if product.is_finite() { product - 1.0 } else { f64::NAN }
}

/// A product over `1 + gamma φ`, where `body` makes `phi` of x and y.
fn product_of(name: &'static str, body: &str, gamma: f32) -> Metric {
    let text = |w: &str| {
        Cow::Owned(format!(
            "{body}\n    let term = {w}gamma * phi;\n    (*state).excess += term + (*state).excess * term;"
        ))
    };
    Metric {
        name: Cow::Borrowed(name),
        state: Cow::Borrowed("excess: f32"),
        accumulate: text(""),
        accumulate_weighted: text("w * "),
        merge: Cow::Borrowed("return State(a.excess + b.excess + a.excess * b.excess);"),
        // Where a factor is infinite, what the others make of it depends on their order.
        finish: Cow::Borrowed("if is_inf_(state.excess) { return pair_nan(); } return state.excess;"),
        parameters: vec![(Cow::Borrowed("gamma"), gamma)],
        zero_on_self: false,
        is_metric: false,
        padding_neutral: false,
        ..Metric::SQEUCLIDEAN
    }
}

/// γ, the one parameter of a product.
fn gamma_of(parameters: &[f64]) -> f64 {
    parameters.first().copied().unwrap_or(1.0)
}

/// `(−1)^(α+1) (2π)^(2α)/(2α)! B_2α(δ)`, with B_2α as a polynomial of p = δ (δ − 1).
fn bernoulli(order: u32, delta: f64) -> f64 {
    let p = delta * (delta - 1.0);
    match order {
        1 => (2.0 * PI).powi(2) / 2.0 * (p + 1.0 / 6.0),
        2 => -(2.0 * PI).powi(4) / 24.0 * (p * p - 1.0 / 30.0),
        _ => (2.0 * PI).powi(6) / 720.0 * (p * p * (p - 0.5) + 1.0 / 42.0),
    }
}

/// `Π (1 + γ w_f (−1)^(α+1) (2π)^(2α)/(2α)! B_2α({x_f − y_f})) − 1`, α = 1, 2 or 3.
///
/// A fraction is off by the rounding of the difference and of its own; the polynomial's slope in p is at most its factor
/// times 1, ½ and ½, the magnitudes of its terms add up to 0.42, 0.1 and 0.08 of the factor, with 4 roundings.
pub(crate) fn bernoulli_product(order: u32, gamma: f32) -> Metric {
    const FRACTION: &str = "let difference = x - y;
    let fraction = difference - floor(difference);
    let p = fraction * (fraction - 1.0);";
    fn bound(order: u32, x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64 {
        let (slope, size) = match order {
            1 => (19.74, 8.3),
            2 => (32.5, 6.5),
            _ => (42.8, 6.9),
        };
        product_bound(x, y, weights, gamma_of(parameters), |x, y| {
            let fraction = UNIT_ROUNDOFF * ((x - y).abs() + 1.0);
            let value = bernoulli(order, (x - y) - (x - y).floor());
            (value, slope * (fraction + 0.5 * UNIT_ROUNDOFF) + 4.0 * size * UNIT_ROUNDOFF)
        })
    }
    fn value(order: u32, x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64 {
        product(x, y, weights, gamma_of(parameters), |x, y| bernoulli(order, (x - y) - (x - y).floor()))
    }
    let (factor, polynomial): (f64, &str) = match order {
        1 => ((2.0 * PI).powi(2) / 2.0, "(p + 0.16666667)"),
        2 => (-(2.0 * PI).powi(4) / 24.0, "(p * p - 0.033333335)"),
        _ => ((2.0 * PI).powi(6) / 720.0, "(p * p * (p - 0.5) + 0.023809524)"),
    };
    let body = format!("{FRACTION}\n    let phi = {:?} * {polynomial};", factor as f32);
    let metric = product_of("bernoulli product", &body, gamma);
    match order {
        1 => Metric {
            definition: |x, y, w, p| value(1, x, y, w, p),
            error_bound: |x, y, w, p| bound(1, x, y, w, p),
            ..metric
        },
        2 => Metric {
            definition: |x, y, w, p| value(2, x, y, w, p),
            error_bound: |x, y, w, p| bound(2, x, y, w, p),
            ..metric
        },
        _ => Metric {
            definition: |x, y, w, p| value(3, x, y, w, p),
            error_bound: |x, y, w, p| bound(3, x, y, w, p),
            ..metric
        },
    }
}

/// The 32 binary digits after the point, of the fraction as an f32 has it; `None` where there is none.
fn digits(x: f64) -> Option<u32> {
    let single = x as f32;
    let fraction = (single - single.floor()).min(0.999_999_94);
    single.is_finite().then(|| (f64::from(fraction) * 4_294_967_296.0) as u32)
}

/// `Σ_{k ≥ 1} 2^(−μ_α(k)) wal_k(z/2³²)` in closed form; for α = 1 it is scaled to 1 at 0.
fn walsh(order: u32, z: u32) -> f64 {
    let xi = f64::from(z) / 4_294_967_296.0;
    let beta = f64::from(z.leading_zeros() + 1);
    let t = if z == 0 { 0.0 } else { (-beta).exp2() };
    match order {
        1 => 1.0 - 3.0 * t,
        2 => -beta * xi + 2.5 * (1.0 - t) - 1.0,
        _ => beta * xi * xi - 5.0 * (1.0 - t) * xi + 43.0 / 18.0 * (1.0 - t * t) - 1.0,
    }
}

/// `Π (1 + γ w_f ω_α(x_f ⊖ y_f)) − 1`, α = 1, 2 or 3, where ⊖ subtracts binary digits without borrowing.
///
/// The digits are exact. The terms of ω have magnitudes that add up to at most 1 + 3/2, 1 + 5/2 + 1 and 1 + 5 + 5/2 + 1, with at
/// most 4 roundings.
pub(crate) fn walsh_product(order: u32, gamma: f32) -> Metric {
    const DIGITS: &str = "let a = min(x - floor(x), 0.99999994);
    let b = min(y - floor(y), 0.99999994);
    let z = u32(max(a, 0.0) * 4294967296.0) ^ u32(max(b, 0.0) * 4294967296.0);
    let places = countLeadingZeros(z) + 1u;
    let t = select(bitcast<f32>((127u - places) << 23u), 0.0, z == 0u);
    let beta = f32(places);
    let xi = f32(z) * 2.3283064365386963e-10;
    let none = is_nan_(x) | is_inf_(x) | is_nan_(y) | is_inf_(y);";
    fn phi(order: u32, x: f64, y: f64) -> f64 {
        match (digits(x), digits(y)) {
            (Some(x), Some(y)) => walsh(order, x ^ y),
            _ => f64::NAN,
        }
    }
    fn bound(order: u32, x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64 {
        let size = [2.5, 4.5, 9.5][(order as usize).clamp(1, 3) - 1];
        product_bound(x, y, weights, gamma_of(parameters), |x, y| (phi(order, x, y), 4.0 * size * UNIT_ROUNDOFF))
    }
    fn value(order: u32, x: &[f64], y: &[f64], weights: &[f64], parameters: &[f64]) -> f64 {
        product(x, y, weights, gamma_of(parameters), |x, y| phi(order, x, y))
    }
    let formula = match order {
        1 => "1.0 - 3.0 * t",
        2 => "(1.5 - 2.5 * t) - beta * xi",
        _ => "(1.3888889 - 2.3888889 * t * t) - xi * (5.0 * (1.0 - t) - beta * xi)",
    };
    let body = format!("{DIGITS}\n    let phi = select({formula}, pair_nan(), none);");
    let metric = product_of("walsh product", &body, gamma);
    match order {
        1 => Metric {
            definition: |x, y, w, p| value(1, x, y, w, p),
            error_bound: |x, y, w, p| bound(1, x, y, w, p),
            ..metric
        },
        2 => Metric {
            definition: |x, y, w, p| value(2, x, y, w, p),
            error_bound: |x, y, w, p| bound(2, x, y, w, p),
            ..metric
        },
        _ => Metric {
            definition: |x, y, w, p| value(3, x, y, w, p),
            error_bound: |x, y, w, p| bound(3, x, y, w, p),
            ..metric
        },
    }
}

/// `½ B₂(|x − y|) + (x − ½)(y − ½)`
fn sobolev(x: f64, y: f64) -> f64 {
    let distance = (x - y).abs();
    0.5 * (distance * (distance - 1.0) + 1.0 / 6.0) + (x - 0.5) * (y - 0.5)
}

/// `Π (1 + γ w_f (½ B₂(|x_f − y_f|) + (x_f − ½)(y_f − ½))) − 1`; six roundings of the magnitudes of its terms.
pub(crate) fn sobolev_product(gamma: f32) -> Metric {
    let body = "let distance = abs(x - y);
    let phi = 0.5 * (distance * (distance - 1.0) + 0.16666667) + (x - 0.5) * (y - 0.5);";
    Metric {
        definition: |x, y, weights, parameters| product(x, y, weights, gamma_of(parameters), sobolev),
        error_bound: |x, y, weights, parameters| {
            product_bound(x, y, weights, gamma_of(parameters), |x, y| {
                let distance = (x - y).abs();
                let size = 0.5 * (distance * (distance + 1.0) + 1.0) + (x.abs() + 0.5) * (y.abs() + 0.5);
                (sobolev(x, y), 6.0 * size * UNIT_ROUNDOFF)
            })
        },
        ..product_of("sobolev product", body, gamma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walsh's function of the digits of k and z.
    fn wal(k: u32, z: u32) -> f64 {
        let parity = (0..32).filter(|place| k >> place & 1 == 1 && z >> (31 - place) & 1 == 1).count();
        if parity % 2 == 0 { 1.0 } else { -1.0 }
    }

    #[test]
    fn closed_forms_are_their_walsh_series() {
        for z in [0, 1 << 31, 3 << 30, 1 << 30, 0x2340_0000, 0x0150_0000, 0xfff0_0000] {
            let mut sums = [0.0; 3];
            for k in 1..1u32 << 16 {
                let mut places: Vec<i32> = (0..16).filter(|place| k >> place & 1 == 1).map(|place| place + 1).collect();
                places.reverse();
                let weight = |order: usize| (-f64::from(places.iter().take(order).sum::<i32>())).exp2();
                sums[0] += 2.0 * weight(1) * weight(1) * wal(k, z);
                sums[1] += weight(2) * wal(k, z);
                sums[2] += weight(3) * wal(k, z);
            }
            for (order, sum) in sums.into_iter().enumerate() {
                let closed = walsh(order as u32 + 1, z);
                assert!((sum - closed).abs() < 3e-4, "order {}, {z:x}: {sum} is not {closed}", order + 1);
            }
        }
    }

    #[test]
    fn bernoulli_polynomials_are_their_fourier_series() {
        for order in 1..=3 {
            for delta in [0.0, 0.1, 0.5, 0.83] {
                let term = |k: f64| 2.0 * (2.0 * PI * k * delta).cos() / k.powi(2 * order);
                let sum: f64 = (1..20_000).map(|k| term(f64::from(k))).sum();
                // (−1)^(α+1) (2π)^(2α)/(2α)! B_2α = Σ_{k ≠ 0} e^(2πikδ)/k^(2α)
                assert!((bernoulli(order as u32, delta) - sum).abs() < 2e-4, "{order} {delta}");
            }
        }
    }
}
