//! The modified Bessel function K on a log scale, and Matérn's correlation of any order made of it.

use std::f64::consts::PI;

use super::Expr;

/// `ln(2 (s/2)^ν K_ν(s)) − ν ln ν + ν` for ν from 1e-4 to 1e4: its value at 0.01 for s below that, −∞ for s above 1e18,
/// NaN for ν out of range and s below 0.
///
/// 2 (s/2)^ν K_ν(s) = ∫ w^(ν−1) exp(−w − s²/4w) dw over w > 0; with w = a eˣ, a at the peak and b = s²/4a = a − ν, the
/// trapezoidal rule converges exponentially.
///
/// # Sources
/// NIST Digital Library of Mathematical Functions, 10.32.10; Trefethen and Weideman, "The exponentially convergent
/// trapezoidal rule", SIAM Review 56 (2014).
pub(super) fn log_bessel_k(nu: f64, s: f64) -> f64 {
    const NODES: u32 = 64;
    if nu.is_nan() || s.is_nan() || s < 0.0 || !(9e-5..=1.1e4).contains(&nu) {
        return f64::NAN;
    }
    if s > 1e18 {
        return f64::NEG_INFINITY;
    }
    let s = s.max(0.01);
    let a = 0.5 * (nu + nu.hypot(s));
    let b = s * (s / (4.0 * a));
    let reach = |peak: f64| 40.0 / peak + (80.0 / peak).sqrt();
    let left = reach(a).min(reach(b).ln_1p());
    let h = (left + reach(a).ln_1p()) / f64::from(NODES - 1);
    let gap = |x: f64| if x.abs() < 1e-3 { x * x * (0.5 + x / 6.0 + x * x / 24.0) } else { x.exp_m1() - x };
    let node = |q: u32| {
        let x = f64::from(q) * h - left;
        (-a * gap(x) - b * gap(-x)).exp()
    };
    let sum: f64 = (0..NODES).map(node).sum();
    nu * (b / nu).ln_1p() - 2.0 * b + (h * sum).ln()
}

/// ln Γ(x) for x > 0: Stirling's series after ten steps up.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let steps: f64 = (0..10).map(|k| (x + f64::from(k)).ln()).sum();
    let z = x + 10.0;
    let square = z * z;
    let tail = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / z;
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * PI).ln() + tail - steps
}

impl Expr {
    /// `ln(2 (s/2)^ν K_ν(s)) − ν ln ν + ν`, this being s and `nu` from 1e-4 to 1e4, with K the modified Bessel function.
    /// Neither end overflows. Below s = 0.01 it is its value there.
    pub fn log_bessel_k(&self, nu: impl Into<Expr>) -> Self {
        Self::binary(super::Binary::LogBesselK, nu.into(), self.clone())
    }

    /// Matérn's correlation `2^(1−ν)/Γ(ν) s^ν K_ν(s)` with `squared` = s² and ν > 0 that is no integer and a half: above
    /// s = 0.01 by [`Expr::log_bessel_k`], below by the first terms of its series, whose own rest is below u/2.
    pub(crate) fn matern_of_order(squared: &Expr, nu: f64) -> Self {
        // s²/4 where the one form ends and the other begins.
        const EDGE: f64 = 2.5e-5;
        let at_zero = ln_gamma(nu) - nu * nu.ln() + nu;
        let far = (squared.sqrt().log_bessel_k(Expr::parameter(nu)) - Expr::parameter(at_zero)).exp();
        let all = squared * 0.25;
        let q = all.min(EDGE);
        // At ν = 1 two terms of the series are infinite and cancel; so near it they move by less than a rounding.
        let order = if (nu - 1.0).abs() < EDGE { 1.0 + EDGE } else { nu };
        let mut near = &q * Expr::parameter(1.0 / (1.0 - order));
        if order < 1.75 {
            let ratio = PI / ((PI * order).sin() * (2.0 * ln_gamma(order)).exp() * order);
            let rest = &q * Expr::parameter(1.0 / (1.0 + order)) + 1.0;
            let second = q.powi(2) * Expr::parameter(0.5 / ((1.0 - order) * (2.0 - order)));
            near = near + second - q.pow(Expr::parameter(order)) * Expr::parameter(ratio) * rest;
        }
        let is_near = 1.0 - all.step(EDGE);
        &far + is_near * ((near + 1.0) - &far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K_ν(s) by its other integral, ∫ exp(−s cosh t) cosh(νt) dt.
    fn bessel_k(nu: f64, s: f64) -> f64 {
        let h = 1e-3;
        let term = |q: i32| {
            let (t, fall) = (f64::from(q) * h, -s * (f64::from(q) * h).cosh());
            0.5 * ((fall + nu * t).exp() + (fall - nu * t).exp())
        };
        h * (0.5 * term(0) + (1..20_000).map(term).sum::<f64>())
    }

    #[test]
    fn logarithms_of_bessel_functions_are_right() {
        for nu in [0.01_f64, 0.3, 0.5, 0.8, 1.0, 1.7, 3.2, 12.0, 40.0] {
            for s in [0.01, 0.1, 0.7, 2.0, 9.0, 50.0] {
                let want = (2.0 * f64::powf(0.5 * s, nu) * bessel_k(nu, s)).ln() - nu * nu.ln() + nu;
                let got = log_bessel_k(nu, s);
                assert!((got - want).abs() < 1e-9 * (1.0 + want.abs()), "nu = {nu}, s = {s}: {got} is not {want}");
            }
        }
        let half = log_bessel_k(0.5, 30.0);
        assert!((half - (0.5 * PI.ln() - 30.0 - 0.5 * 0.5_f64.ln() + 0.5)).abs() < 1e-12);
        assert!((ln_gamma(0.5) - 0.5 * PI.ln()).abs() < 1e-11 && (ln_gamma(5.0) - 24.0_f64.ln()).abs() < 1e-11);
    }

    #[test]
    fn both_forms_of_materns_correlation_meet() {
        for nu in [0.02, 0.3, 0.8, 0.999, 1.0, 1.00003, 1.2, 1.74, 1.76, 2.0, 7.3, 200.0] {
            let squared = Expr::variable(0);
            let matern = Expr::matern_of_order(&squared, nu);
            assert_eq!(matern.evaluate(&[0.0]), 1.0);
            let (below, above) = (matern.evaluate(&[0.999_999_999e-4]), matern.evaluate(&[1.000_000_001e-4]));
            assert!((below - above).abs() < 1e-7, "nu = {nu}: {below} and {above}");
        }
    }
}
