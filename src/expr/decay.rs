//! Exponentials that only fall, which devices compute faster.

use std::f64::consts::LOG2_E;

use super::{Binary, Expr, Node, Unary};

impl Expr {
    /// The same value with every `exp(p s)`, where the parameter p is below 0 and s never is, as `2^(p log₂e · s)`: one
    /// rounding as before in the parameter and in the product, and no exponent that could be too large. A constant stays: it
    /// may be exact as it is. `never_negative` says so of variables.
    pub(crate) fn with_decays(&self, never_negative: &dyn Fn(usize) -> bool) -> Self {
        let is_never_negative = |s: &Self| match &*s.0 {
            Node::Variable(number) => never_negative(*number),
            Node::Unary(Unary::Sqrt | Unary::Abs | Unary::Exp | Unary::PositivePart, _) => true,
            Node::Powi(_, power) => power % 2 == 0,
            _ => false,
        };
        let exponent = |a: &Self, s: &Self| {
            let scaled = |p: f64| Some(p * LOG2_E).filter(|p| *p < 0.0 && (*p as f32).is_normal());
            let Node::Parameter(p) = *a.0 else { return None };
            let factor = scaled(p)?;
            is_never_negative(s).then(|| Self::parameter(factor) * s)
        };
        self.rebuilt(&|node| {
            let Node::Unary(Unary::Exp, of) = &*node.0 else { return None };
            let Node::Binary(Binary::Multiply, a, b) = &*of.0 else { return None };
            let exponent = exponent(a, b).or_else(|| exponent(b, a))?;
            Some(Self::unary(Unary::Decay, exponent))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exponentials_that_fall_become_powers_of_two() {
        let text = |expr: &Expr| expr.with_decays(&|number| number == 0).wgsl(&|number| format!("v{number}"), 0);
        let falls = |expr: &Expr| text(expr).contains("decay_(");
        let (s, t) = (Expr::variable(0), Expr::variable(1));
        assert!(falls(&(Expr::parameter(-0.5) * &s).exp()) && !falls(&(&s * Expr::constant(-0.5)).exp()));
        assert!(
            falls(&((t.sqrt() * Expr::parameter(-2.0)).exp() + 1.0))
                && falls(&(t.powi(2) * Expr::parameter(-3.0)).exp())
        );
        assert!(!falls(&(Expr::parameter(0.5) * &s).exp()) && !falls(&(Expr::parameter(-0.5) * &t).exp()));
        assert!(
            !falls(&(Expr::parameter(f64::NEG_INFINITY) * &s).exp()) && !falls(&s.exp()) && !falls(&t.powi(3).exp())
        );
        let kernel = (Expr::parameter(-0.3) * &s).exp() * (Expr::parameter(-0.7) * t.abs()).exp();
        let values = [1.25, -0.75];
        let difference = kernel.with_decays(&|_| true).evaluate(&values) - kernel.evaluate(&values);
        assert!(difference.abs() < 1e-15, "{difference}");
    }
}
