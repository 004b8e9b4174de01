//! The discrete Fourier transform by its definition, taken apart by the smallest prime factor where it is long.

use std::f64::consts::TAU;

use ndarray::{ArrayD, ArrayViewD, Axis};
use num_complex::Complex;

/// `X[k] = Σ_j x[j] exp(∓2πi jk/n)`, minus for the forward transform, plus for the inverse; no factor.
pub fn dft(x: &[Complex<f64>], inverse: bool) -> Vec<Complex<f64>> {
    let n = x.len();
    let Some(p) = (2..n).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)) else { return direct(x, inverse) };
    // j = p j₂ + j₁: p transforms of n/p, each turned by exp(∓2πi j₁ k/n).
    let m = n / p;
    let parts: Vec<_> =
        (0..p).map(|first| dft(&x.iter().skip(first).step_by(p).copied().collect::<Vec<_>>(), inverse)).collect();
    let turns = turns(n, inverse);
    (0..n).map(|k| parts.iter().enumerate().map(|(first, part)| part[k % m] * turns[first * k % n]).sum()).collect()
}

fn direct(x: &[Complex<f64>], inverse: bool) -> Vec<Complex<f64>> {
    let n = x.len();
    let turns = turns(n, inverse);
    (0..n)
        .map(|k| x.iter().enumerate().map(|(j, x)| x * turns[(j as u128 * k as u128 % n as u128) as usize]).sum())
        .collect()
}

/// `exp(∓2πi k/n)` for every k, from an angle of at most an eighth of a turn.
fn turns(n: usize, inverse: bool) -> Vec<Complex<f64>> {
    let sign = if inverse { 1.0 } else { -1.0 };
    let turn = |k: usize| {
        // The nearest quarter q of a turn, and what is left of the angle.
        let q = (8 * k + n) / (2 * n);
        let rest = TAU * (4.0 * k as f64 - (q * n) as f64) / (4.0 * n as f64);
        let (sine, cosine) = rest.sin_cos();
        let (cosine, sine) = match q % 4 {
            0 => (cosine, sine),
            1 => (-sine, cosine),
            2 => (-cosine, -sine),
            _ => (sine, -cosine),
        };
        Complex::new(cosine, sign * sine)
    };
    (0..n).map(turn).collect()
}

/// [`dft`] along one axis, cropped or zero-padded to `length` first, times `scale`.
pub fn dft_along(
    x: ArrayViewD<'_, Complex<f64>>,
    axis: usize,
    length: usize,
    inverse: bool,
    scale: f64,
) -> ArrayD<Complex<f64>> {
    let mut shape = x.shape().to_vec();
    if let Some(n) = shape.get_mut(axis) {
        *n = length;
    }
    let mut out = ArrayD::zeros(shape);
    for (from, mut to) in x.lanes(Axis(axis)).into_iter().zip(out.lanes_mut(Axis(axis))) {
        let mut line: Vec<_> = from.iter().copied().take(length).collect();
        line.resize(length, Complex::default());
        to.iter_mut().zip(dft(&line, inverse)).for_each(|(to, value)| *to = value * scale);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &[Complex<f64>], b: &[Complex<f64>]) -> bool {
        let scale = b.iter().map(|value| value.norm()).fold(1.0, f64::max);
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).norm() <= 1e-13 * scale)
    }

    #[test]
    fn closed_forms() {
        for n in [1, 2, 3, 4, 6, 8, 12, 17, 30, 49, 60, 101] {
            // A geometric row: Σ rʲ wʲᵏ = (1 − rⁿ)/(1 − r wᵏ).
            let r = Complex::new(0.6, 0.3);
            let x: Vec<_> = (0..n).map(|j| r.powu(j as u32)).collect();
            let one = Complex::new(1.0, 0.0);
            let expected: Vec<_> = turns(n, false).iter().map(|w| (one - r.powu(n as u32)) / (one - r * w)).collect();
            assert!(near(&dft(&x, false), &expected), "{n}");
            assert!(near(&dft(&x, false), &direct(&x, false)), "{n}");
            // There and back is n times the start.
            let back: Vec<_> = dft(&dft(&x, false), true).iter().map(|v| v / n as f64).collect();
            assert!(near(&back, &x), "{n}");
        }
        assert!(dft(&[], false).is_empty());
    }

    #[test]
    fn padding_and_cropping_along_an_axis() {
        let x = ArrayD::from_elem(vec![3, 2], Complex::new(1.0, 0.0));
        let padded = dft_along(x.view(), 1, 4, false, 0.5);
        assert_eq!(padded.shape(), [3, 4]);
        assert_eq!(padded[[2, 0]], Complex::new(1.0, 0.0));
        let cropped = dft_along(x.view(), 0, 1, true, 1.0);
        assert_eq!(cropped, ArrayD::from_elem(vec![1, 2], Complex::new(1.0, 0.0)));
    }
}
