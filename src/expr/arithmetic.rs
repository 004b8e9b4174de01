//! Writing expressions: operators and functions, with the plainest foldings.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Binary, Expr, Node, Unary};

impl Expr {
    pub(super) fn unary(function: Unary, a: Expr) -> Self {
        match a.as_constant() {
            Some(value) => Self::constant(function.value(value)),
            None => Self::new(Node::Unary(function, a)),
        }
    }

    pub(super) fn binary(function: Binary, a: Expr, b: Expr) -> Self {
        match (function, a.as_constant(), b.as_constant()) {
            (_, Some(x), Some(y)) => Self::constant(function.value(x, y)),
            (Binary::Add, Some(0.0), _) | (Binary::Multiply, Some(1.0), _) => b,
            (Binary::Add | Binary::Subtract, _, Some(0.0)) | (Binary::Multiply | Binary::Divide, _, Some(1.0)) => a,
            (Binary::Subtract, Some(0.0), _) | (Binary::Multiply, Some(-1.0), _) => -b,
            (Binary::Multiply, _, Some(-1.0)) => -a,
            _ => Self::new(Node::Binary(function, a, b)),
        }
    }

    /// |x|
    pub fn abs(&self) -> Self {
        Self::unary(Unary::Abs, self.clone())
    }

    /// −1, 0 or 1.
    pub fn sign(&self) -> Self {
        Self::unary(Unary::Sign, self.clone())
    }

    /// The largest whole number that is not above x; its slope counts as 0 everywhere.
    pub fn floor(&self) -> Self {
        Self::unary(Unary::Floor, self.clone())
    }

    /// √x
    pub fn sqrt(&self) -> Self {
        Self::unary(Unary::Sqrt, self.clone())
    }

    /// 1/√x
    pub fn rsqrt(&self) -> Self {
        1.0 / self.sqrt()
    }

    /// 1/x, and 0 at 0: the slope of what has a kink there.
    pub fn inverse_or_zero(&self) -> Self {
        Self::unary(Unary::InverseOrZero, self.clone())
    }

    /// eˣ
    pub fn exp(&self) -> Self {
        Self::unary(Unary::Exp, self.clone())
    }

    /// eˣ − 1, accurate near 0.
    pub fn expm1(&self) -> Self {
        Self::unary(Unary::Expm1, self.clone())
    }

    /// ln x
    pub fn log(&self) -> Self {
        Self::unary(Unary::Log, self.clone())
    }

    /// ln(1 + x), accurate near 0.
    pub fn log1p(&self) -> Self {
        Self::unary(Unary::Log1p, self.clone())
    }

    /// sin x
    pub fn sin(&self) -> Self {
        Self::unary(Unary::Sin, self.clone())
    }

    /// cos x
    pub fn cos(&self) -> Self {
        Self::unary(Unary::Cos, self.clone())
    }

    /// tanh x
    pub fn tanh(&self) -> Self {
        Self::unary(Unary::Tanh, self.clone())
    }

    /// The angle of (`x`, this), arctan(this/x) with the quadrant of both signs.
    pub fn atan2(&self, x: impl Into<Expr>) -> Self {
        Self::binary(Binary::Atan2, self.clone(), x.into())
    }

    /// The larger of this and 0, and NaN for NaN, which `max` may lose.
    pub fn positive_part(&self) -> Self {
        Self::unary(Unary::PositivePart, self.clone())
    }

    /// The angle between the ReLU features of two vectors at this angle, `arccos((sin x + (π − x) cos x)/π)`.
    pub fn relu_angle(&self) -> Self {
        Self::unary(Unary::ReluAngle, self.clone())
    }

    /// The smaller of both; where one is NaN, either.
    pub fn min(&self, other: impl Into<Expr>) -> Self {
        Self::binary(Binary::Min, self.clone(), other.into())
    }

    /// The larger of both; where one is NaN, either.
    pub fn max(&self, other: impl Into<Expr>) -> Self {
        Self::binary(Binary::Max, self.clone(), other.into())
    }

    /// The nearest value from `low` to `high`.
    pub fn clamp(&self, low: impl Into<Expr>, high: impl Into<Expr>) -> Self {
        self.max(low).min(high)
    }

    /// 0 where this is below `edge`, else 1.
    pub fn step(&self, edge: impl Into<Expr>) -> Self {
        Self::binary(Binary::Step, edge.into(), self.clone())
    }

    /// xⁿ by repeated multiplication.
    pub fn powi(&self, n: i32) -> Self {
        match (n, self.as_constant()) {
            (_, Some(value)) => Self::constant(value.powi(n)),
            (0, _) => Self::constant(1.0),
            (1, _) => self.clone(),
            _ => Self::new(Node::Powi(self.clone(), n)),
        }
    }

    /// x to any power. Constant integer and half-integer powers up to 64 are made of products and a root.
    pub fn pow(&self, exponent: impl Into<Expr>) -> Self {
        let exponent = exponent.into();
        if let Some(value) = exponent.as_constant() {
            let whole = value.floor();
            if value.abs() <= 64.0 && value == whole {
                return self.powi(whole as i32);
            }
            if value.abs() <= 64.0 && value - whole == 0.5 {
                return if value < 0.0 {
                    // √ of the reciprocal power, so that x = 0 gives infinity and not 0 · ∞.
                    self.powi(whole as i32 + 1) / self.sqrt()
                } else {
                    self.powi(whole as i32) * self.sqrt()
                };
            }
        }
        Self::binary(Binary::Pow, self.clone(), exponent)
    }
}

impl From<f64> for Expr {
    fn from(value: f64) -> Self {
        Self::constant(value)
    }
}

impl From<f32> for Expr {
    fn from(value: f32) -> Self {
        Self::constant(value)
    }
}

impl From<&Expr> for Expr {
    fn from(expr: &Expr) -> Self {
        expr.clone()
    }
}

impl Neg for Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        match &*self.0 {
            Node::Unary(Unary::Negate, a) => a.clone(),
            _ => Expr::unary(Unary::Negate, self),
        }
    }
}

impl Neg for &Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        -self.clone()
    }
}

/// An operator between expressions, by value or by reference, and numbers.
macro_rules! operator {
    ($operator:ident, $method:ident, $function:expr) => {
        impl<T: Into<Expr>> $operator<T> for Expr {
            type Output = Expr;
            fn $method(self, other: T) -> Expr {
                Expr::binary($function, self, other.into())
            }
        }

        impl<T: Into<Expr>> $operator<T> for &Expr {
            type Output = Expr;
            fn $method(self, other: T) -> Expr {
                Expr::binary($function, self.clone(), other.into())
            }
        }

        impl $operator<Expr> for f64 {
            type Output = Expr;
            fn $method(self, other: Expr) -> Expr {
                Expr::binary($function, self.into(), other)
            }
        }

        impl $operator<&Expr> for f64 {
            type Output = Expr;
            fn $method(self, other: &Expr) -> Expr {
                Expr::binary($function, self.into(), other.clone())
            }
        }
    };
}

operator!(Add, add, Binary::Add);
operator!(Sub, sub, Binary::Subtract);
operator!(Mul, mul, Binary::Multiply);
operator!(Div, div, Binary::Divide);
