//! Discrete cosine and sine transforms by their sums, without a norm; SciPy's formulas.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// The transform of type 1 to 4 of one line.
///
/// `orthogonal` weights the entries that stand alone in the formulas by √2 before and √½ after, as SciPy's `orthogonalize`.
pub fn trigonometric(x: &[f64], kind: u8, sine: bool, orthogonal: bool) -> Vec<f64> {
    let n = x.len();
    let mut x = x.to_vec();
    let alone: &[usize] = match (kind, sine) {
        _ if !orthogonal || n == 0 => &[],
        (1, false) => &[0, n - 1],
        (2 | 3, false) => &[0],
        (2 | 3, true) => &[n - 1],
        _ => &[],
    };
    if kind != 2 {
        alone.iter().for_each(|&at| x[at] *= SQRT_2);
    }
    // Every angle is a multiple of π over `half`; the integers are reduced before they become one.
    let half = match (kind, sine) {
        (1, false) => n.max(2) - 1,
        (1, true) => n + 1,
        (4, _) => 4 * n,
        _ => 2 * n,
    };
    let term = |k: usize, j: usize| {
        let turns = match (kind, sine) {
            (1, false) => k * j,
            (1, true) => (k + 1) * (j + 1),
            (2, false) => k * (2 * j + 1),
            (2, true) => (k + 1) * (2 * j + 1),
            (3, false) => (2 * k + 1) * j,
            (3, true) => (2 * k + 1) * (j + 1),
            _ => (2 * k + 1) * (2 * j + 1),
        };
        let angle = PI * (turns % (2 * half)) as f64 / half as f64;
        // What both ends of a period share counts once.
        let once = match (kind, sine) {
            (1, false) => j == 0 || j == n - 1,
            (3, false) => j == 0,
            (3, true) => j == n - 1,
            _ => false,
        };
        (if once { 1.0 } else { 2.0 }) * if sine { angle.sin() } else { angle.cos() }
    };
    let mut y: Vec<f64> = (0..n).map(|k| x.iter().enumerate().map(|(j, x)| x * term(k, j)).sum()).collect();
    if matches!(kind, 1 | 2) {
        alone.iter().for_each(|&at| y[at] *= FRAC_1_SQRT_2);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `scipy.fft.dct` and `dst` of 1, 2, 3.
    #[test]
    fn sums_are_those_of_scipy() {
        let cases = [
            (1, false, [8.0, -2.0, 0.0]),
            (2, false, [12.0, -3.464101615137754, 0.0]),
            (3, false, [7.464101615137754, -5.0, 0.5358983848622447]),
            (4, false, [6.313193047939452, -5.656854249492381, 3.4847659231932617]),
            (1, true, [9.65685424949238, -4.0, 1.6568542494923797]),
            (2, true, [8.0, -3.4641016151377544, 4.0]),
            (3, true, [7.464101615137754, -1.0, 0.5358983848622458]),
            (4, true, [9.141620172685641, 0.0, 0.656338798447071]),
        ];
        for (kind, sine, want) in cases {
            let got = trigonometric(&[1.0, 2.0, 3.0], kind, sine, false);
            assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-12), "{kind} {sine}: {got:?}");
        }
    }

    /// An orthogonalized transform and its inverse are transposes: together they give back the signal, times 2N.
    #[test]
    fn orthogonalized_transforms_are_multiples_of_orthogonal_ones() {
        for n in [2usize, 3, 8, 9] {
            let x: Vec<f64> = (0..n).map(|j| (1.3 * j as f64).sin() + 0.2).collect();
            for sine in [false, true] {
                for (there, back) in [(1, 1), (2, 3), (3, 2), (4, 4)] {
                    let y = trigonometric(&trigonometric(&x, there, sine, true), back, sine, true);
                    let period = match (there, sine) {
                        (1, false) => 2 * (n - 1),
                        (1, true) => 2 * (n + 1),
                        _ => 2 * n,
                    } as f64;
                    assert!(y.iter().zip(&x).all(|(y, x)| (y / period - x).abs() < 1e-12), "{there} {sine} {n}");
                }
            }
        }
    }
}
