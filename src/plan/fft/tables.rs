//! Tables of roots of unity and chirps, computed in f64 on the host.

use std::f64::consts::TAU;

use super::factors::{good_length, is_smooth};

/// A complex number in f64.
pub(crate) type Complex = (f64, f64);

/// `exp(−2πi e/n)`, exact at the multiples of a quarter turn and symmetric between the eighths, for n < 2⁶¹.
pub(crate) fn root(e: usize, n: usize) -> Complex {
    let (e, n) = ((e % n) as u64, n as u64);
    // Which eighth of a turn, and the angle into it, so that sine and cosine only see [0, π/4].
    let eighth = 8 * e / n;
    let within = |numerator: u64| TAU * (numerator as f64 / n as f64);
    let (c, s) = match eighth {
        0 => (within(e).cos(), within(e).sin()),
        1 => (quarter_from(e, n).sin(), quarter_from(e, n).cos()),
        2 => (-quarter_from(e, n).sin(), quarter_from(e, n).cos()),
        3 => (-half_from(e, n).cos(), half_from(e, n).sin()),
        4 => (-half_from(e, n).cos(), -half_from(e, n).sin()),
        5 => (-three_quarters_from(e, n).sin(), -three_quarters_from(e, n).cos()),
        6 => (three_quarters_from(e, n).sin(), -three_quarters_from(e, n).cos()),
        _ => (within(n - e).cos(), -within(n - e).sin()),
    };
    (c, -s)
}

/// Distance of the angle e/n from a quarter turn, in radians.
fn quarter_from(e: u64, n: u64) -> f64 {
    TAU * ((4 * e).abs_diff(n) as f64 / (4 * n) as f64)
}

/// Distance of the angle e/n from half a turn, in radians.
fn half_from(e: u64, n: u64) -> f64 {
    TAU * ((2 * e).abs_diff(n) as f64 / (2 * n) as f64)
}

/// Distance of the angle e/n from three quarters of a turn, in radians.
fn three_quarters_from(e: u64, n: u64) -> f64 {
    TAU * ((4 * e).abs_diff(3 * n) as f64 / (4 * n) as f64)
}

/// `exp(−πi j²/n)` for j < n ≤ 2³⁰, its angle reduced exactly.
pub(super) fn chirp(j: usize, n: usize) -> Complex {
    let square = (j as u64 * j as u64) % (2 * n as u64);
    root(square as usize, 2 * n)
}

/// A number whose powers are all of 1 … p − 1 modulo the prime p.
fn primitive_root(prime: usize) -> usize {
    let order = |g: usize| {
        let mut power = g % prime;
        let mut count = 1;
        while power != 1 {
            power = power * g % prime;
            count += 1;
        }
        count
    };
    (2..prime).find(|&g| order(g) == prime - 1).unwrap_or(1)
}

/// The powers of a primitive root, and of its inverse (C. Rader, 1968), as numbers.
pub(super) fn rader_order(prime: usize) -> Vec<Complex> {
    let g = primitive_root(prime);
    let mut powers = vec![1; prime - 1];
    for q in 1..prime - 1 {
        powers[q] = powers[q - 1] * g % prime;
    }
    (0..prime - 1).map(|q| (powers[q] as f64, powers[(prime - 1 - q) % (prime - 1)] as f64)).collect()
}

/// The transform of the roots of unity in the order of the inverse powers, divided by its length.
pub(super) fn rader_filter(prime: usize) -> Vec<Complex> {
    let length = prime - 1;
    let filter: Vec<Complex> = rader_order(prime).iter().map(|(_, inverse)| root(*inverse as usize, prime)).collect();
    let scaled = |(re, im): Complex| (re / length as f64, im / length as f64);
    smooth_spectrum(&filter).into_iter().map(scaled).collect()
}

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// The transform of Bluestein's filter, the conjugate chirp wrapped around `padded` points, divided by `padded`.
pub(super) fn bluestein_filter(length: usize, padded: usize) -> Vec<Complex> {
    let mut filter = vec![(0.0, 0.0); padded];
    for j in 0..length {
        let (re, im) = chirp(j, length);
        filter[j] = (re, -im);
        filter[(padded - j) % padded] = (re, -im);
    }
    let mut transformed = smooth_spectrum(&filter);
    for value in &mut transformed {
        *value = (value.0 / padded as f64, value.1 / padded as f64);
    }
    transformed
}

/// The discrete Fourier transform in f64, for tables, of n < 2³⁰ entries in O(n log n).
pub(crate) fn spectrum(x: &[Complex]) -> Vec<Complex> {
    match good_length((2 * x.len()).saturating_sub(1), false) {
        Some(padded) if !is_smooth(x.len()) => chirp_spectrum(x, padded),
        _ => smooth_spectrum(x),
    }
}

/// L. Bluestein's algorithm, by transforms of `padded` points, a smooth length.
fn chirp_spectrum(x: &[Complex], padded: usize) -> Vec<Complex> {
    let n = x.len();
    let mut chirped: Vec<Complex> = x.iter().enumerate().map(|(j, value)| times(*value, chirp(j, n))).collect();
    chirped.resize(padded, (0.0, 0.0));
    // With real and imaginary part exchanged, forwards is backwards.
    let product = |(a, b): (Complex, Complex)| {
        let (re, im) = times(a, b);
        (im, re)
    };
    let products: Vec<Complex> =
        smooth_spectrum(&chirped).into_iter().zip(bluestein_filter(n, padded)).map(product).collect();
    let convolved = smooth_spectrum(&products).into_iter().take(n);
    convolved.enumerate().map(|(k, (im, re))| times((re, im), chirp(k, n))).collect()
}

/// The transform of a length that has small factors.
fn smooth_spectrum(x: &[Complex]) -> Vec<Complex> {
    let mut roots: Vec<Complex> = (0..x.len()).map(|e| root(e, x.len())).collect();
    let mut levels = Vec::new();
    let mut length = x.len();
    while length > 1 {
        let p = [4].into_iter().chain(2..).find(|p| length.is_multiple_of(*p)).unwrap_or(length);
        let next = roots.iter().step_by(p).copied().collect();
        levels.push((p, std::mem::replace(&mut roots, next)));
        length /= p;
    }
    let mut out = vec![(0.0, 0.0); x.len()];
    let mut turned = vec![(0.0, 0.0); levels.iter().map(|(p, _)| *p).max().unwrap_or(0)];
    transform(x, 0, 1, &mut out, &levels, &mut turned);
    out
}

/// Cooley and Tukey, of the entries from `start` on in steps of `stride`, as many as `out` takes. Each level splits by a small
/// factor and has the roots of unity of its length, so that they are read one after the other; `turned` has room for the
/// largest factor.
fn transform(
    x: &[Complex],
    start: usize,
    stride: usize,
    out: &mut [Complex],
    levels: &[(usize, Vec<Complex>)],
    turned: &mut [Complex],
) {
    let Some(((p, roots), rest)) = levels.split_first() else {
        out.copy_from_slice(&x[start..=start]);
        return;
    };
    let m = out.len() / p;
    for (r, part) in out.chunks_exact_mut(m).enumerate() {
        transform(x, start + r * stride, stride * p, part, rest, turned);
    }
    let turned = &mut turned[..*p];
    for k in 0..m {
        for (r, value) in turned.iter_mut().enumerate() {
            *value = times(out[k + r * m], roots[r * k]);
        }
        for s in 0..*p {
            let mut sum = turned[0];
            for (r, value) in turned.iter().enumerate().skip(1) {
                let term = times(*value, roots[r * s % p * m]);
                sum = (sum.0 + term.0, sum.1 + term.1);
            }
            out[k + s * m] = sum;
        }
    }
}

/// Numbers as the device reads them.
pub(crate) fn to_bytes(table: &[Complex]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(table.len() * 8);
    for &(re, im) in table {
        bytes.extend_from_slice(&(re as f32).to_ne_bytes());
        bytes.extend_from_slice(&(im as f32).to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_roots() {
        for n in [1, 2, 3, 4, 7, 8, 12, 13, 64, 1000, 1009] {
            for e in 0..n {
                let (c, s) = root(e, n);
                let angle = TAU * e as f64 / n as f64;
                assert!((c - angle.cos()).abs() < 2e-15 && (s + angle.sin()).abs() < 2e-15, "{e}/{n}: {c} {s}");
            }
        }
        assert_eq!(root(1, 4), (0.0, -1.0));
        assert_eq!(root(4, 8), (-1.0, 0.0));
        assert_eq!(root(1, 8).0 as f32, -root(1, 8).1 as f32);
    }

    #[test]
    fn spectra_are_the_sums_they_stand_for() {
        for n in [0, 1, 2, 12, 13, 17, 91, 257, 1009, 2 * 503] {
            let x: Vec<Complex> = (0..n).map(|j| ((j * j % 7) as f64 - 3.0, (j % 5) as f64 - 2.0)).collect();
            for (k, (re, im)) in spectrum(&x).into_iter().enumerate() {
                let terms = x.iter().enumerate().map(|(j, value)| times(*value, root(j * k, n)));
                let wanted = terms.fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1));
                assert!((re - wanted.0).abs() + (im - wanted.1).abs() < 1e-13 * n as f64, "{n}: {k}");
            }
        }
    }

    /// The filter transformed back is the conjugate chirp.
    #[test]
    fn the_filter_is_the_transform_of_the_chirp() {
        let (n, m) = (17, 35);
        let filter = bluestein_filter(n, m);
        for j in 0..n {
            let mut sum = (0.0, 0.0);
            for (k, &value) in filter.iter().enumerate() {
                let (c, s) = root(j * k, m);
                let term = times(value, (c, -s));
                sum = (sum.0 + term.0, sum.1 + term.1);
            }
            let (re, im) = chirp(j, n);
            assert!((sum.0 - re).abs() < 1e-13 && (sum.1 + im).abs() < 1e-13);
        }
    }

    /// Rader's sum over the powers of the root is the transform of all entries but the first.
    #[test]
    fn the_filter_of_a_prime_convolves_to_its_transform() {
        let prime = 13;
        let (order, filter) = (rader_order(prime), rader_filter(prime));
        let x = |j: usize| ((j * j % 7) as f64, (j % 3) as f64);
        for q in 0..prime - 1 {
            // Entry q of the transform backwards of filter times transform.
            let mut sum = x(0);
            for (k, &factor) in filter.iter().enumerate() {
                let mut value = (0.0, 0.0);
                for (at, (index, _)) in order.iter().enumerate() {
                    let term = times(x(*index as usize), root(at * k, prime - 1));
                    value = (value.0 + term.0, value.1 + term.1);
                }
                let (c, s) = root(q * k, prime - 1);
                let term = times(times(value, factor), (c, -s));
                sum = (sum.0 + term.0, sum.1 + term.1);
            }
            let coefficient = order[q].1 as usize;
            let mut wanted = (0.0, 0.0);
            for j in 0..prime {
                let term = times(x(j), root(j * coefficient, prime));
                wanted = (wanted.0 + term.0, wanted.1 + term.1);
            }
            assert!((sum.0 - wanted.0).abs() + (sum.1 - wanted.1).abs() < 1e-12, "{q}: {sum:?} {wanted:?}");
        }
    }
}
