//! Differentiation, branch by branch, keeping what branches share.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Binary, Expr, Node, Unary};

impl Expr {
    /// The derivative with respect to the number `of`: a variable, a parameter, or any other expression that occurs in this one
    /// (as the same object or a clone of it), taken as independent.
    ///
    /// Where a function has a kink (`abs`, `min`, `max`, `step`) the derivative is that of one side; that of `sqrt` at 0
    /// is 0, so that gradients of distances are 0 where points meet. With respect to vectors: [`Expr::gradient`].
    pub fn derivative(&self, of: &Expr) -> Expr {
        // None stands for 0, so that branches that do not depend on `of` leave no trace.
        let mut known: HashMap<*const Node, Option<Expr>> = HashMap::new();
        for node in self.in_order() {
            let slope = if node.is_same(of) {
                Some(Expr::constant(1.0))
            } else {
                let slope_of = |operand: &Expr| known.get(&Arc::as_ptr(&operand.0)).cloned().flatten();
                match &*node.0 {
                    Node::Constant(_) | Node::Parameter(_) | Node::Variable(_) => None,
                    Node::Vector(_) | Node::Table(_) => None,
                    Node::Unary(function, a) => slope_of(a).and_then(|da| unary(*function, node, a, da)),
                    Node::Binary(function, a, b) => binary(*function, node, (a, slope_of(a)), (b, slope_of(b))),
                    Node::Powi(a, n) => slope_of(a).map(|da| da * (f64::from(*n) * a.powi(n.saturating_sub(1)))),
                    Node::Sum(a, length) => slope_of(a).map(|da| da.sum_of(*length)),
                    Node::Extract(a, start, length) => slope_of(a).map(|da| da.extract(*start, *length)),
                    Node::Concat([(a, a_length), (b, b_length)]) => match (slope_of(a), slope_of(b)) {
                        (None, None) => None,
                        (da, db) => {
                            let or_zero = |slope: Option<Expr>| slope.unwrap_or_else(|| Expr::constant(0.0));
                            Some(Expr::joined((or_zero(da), *a_length), (or_zero(db), *b_length)))
                        }
                    },
                }
            };
            known.insert(Arc::as_ptr(&node.0), slope);
        }
        known.remove(&Arc::as_ptr(&self.0)).flatten().unwrap_or_else(|| Expr::constant(0.0))
    }

    /// Whether both are the same variable or the same object.
    pub(super) fn is_same(&self, other: &Expr) -> bool {
        match (&*self.0, &*other.0) {
            (Node::Variable(a), Node::Variable(b)) => a == b,
            (Node::Vector(a), Node::Vector(b)) => a == b,
            _ => Arc::ptr_eq(&self.0, &other.0),
        }
    }
}

/// The derivative of `whole = function(a)`, where a's is `da`.
pub(super) fn unary(function: Unary, whole: &Expr, a: &Expr, da: Expr) -> Option<Expr> {
    Some(match function {
        Unary::Negate => -da,
        Unary::Abs => da * a.sign(),
        Unary::Sign | Unary::Floor => return None,
        Unary::Sqrt => da * 0.5 * whole.inverse_or_zero(),
        Unary::InverseOrZero => -(da * whole.powi(2)),
        Unary::Exp => da * whole,
        Unary::Decay => da * whole * std::f64::consts::LN_2,
        Unary::Expm1 => da * a.exp(),
        Unary::Log => da / a,
        Unary::Log1p => da / (a + 1.0),
        Unary::Sin => da * a.cos(),
        Unary::Cos => -(da * a.sin()),
        Unary::Tanh => da * (1.0 - whole.powi(2)),
        Unary::PositivePart => da * (1.0 - (-a).step(0.0)),
        // Of cos y = (sin x + (π − x) cos x)/π; at 0, where angles have a kink as distances do, 0.
        Unary::ReluAngle => da * ((1.0 - a * std::f64::consts::FRAC_1_PI) * a.sin() * whole.sin().inverse_or_zero()),
    })
}

/// The derivative of a^b with respect to a; 0 at a = 0 where it is infinite, as that of a root.
fn power_slope(a: &Expr, b: &Expr) -> Expr {
    if b.as_constant().is_some_and(|b| b >= 1.0) {
        return b * a.pow(b - 1.0);
    }
    let infinite = (1.0 - a.abs().sign()) * (1.0 - b.step(1.0));
    b * (a + &infinite).pow(b - 1.0) * (1.0 - infinite)
}

/// The derivative of `whole = function(a, b)`.
pub(super) fn binary(
    function: Binary,
    whole: &Expr,
    a: (&Expr, Option<Expr>),
    b: (&Expr, Option<Expr>),
) -> Option<Expr> {
    let ((a, da), (b, db)) = (a, b);
    if da.is_none() && db.is_none() {
        return None;
    }
    let (along_a, along_b) = match function {
        Binary::Add => (da, db),
        Binary::Subtract => (da, db.map(|db| -db)),
        Binary::Multiply => (da.map(|da| da * b), db.map(|db| db * a)),
        Binary::Divide => (da.map(|da| da / b), db.map(|db| -(db * whole / b))),
        Binary::Min => (da.map(|da| da * b.step(a)), db.map(|db| db * (1.0 - b.step(a)))),
        Binary::Max => (da.map(|da| da * a.step(b)), db.map(|db| db * (1.0 - a.step(b)))),
        Binary::Pow => (da.map(|da| da * power_slope(a, b)), db.map(|db| db * (whole * a.log()))),
        Binary::Atan2 => {
            let inverse = (a.powi(2) + b.powi(2)).inverse_or_zero();
            (da.map(|da| da * b * &inverse), db.map(|db| -(db * a * &inverse)))
        }
        // d/ds ln(s^ν K_ν(s)) = −K_(ν−1)(s)/K_ν(s), and K_(−μ) = K_μ. The order is not differentiated.
        Binary::LogBesselK => {
            // Taken at 1 instead of at 0, where it is infinite for small orders and meets a distance's slope of 0.
            let b = &(b + (1.0 - b.sign()));
            let order = (a - 1.0).abs().max(1e-4);
            let shift = |nu: &Expr| nu * nu.log() - nu;
            let halves = (a - &order) * (b * 0.5).log();
            let quotient = (b.log_bessel_k(&order) - b.log_bessel_k(a) + shift(&order) - shift(a) + halves).exp();
            (None, db.map(|db| -(db * quotient)))
        }
        Binary::Step => return None,
    };
    match (along_a, along_b) {
        (Some(da), Some(db)) => Some(da + db),
        (one, other) => one.or(other),
    }
}
