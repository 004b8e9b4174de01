//! The one point-wise expression: it prints WGSL, evaluates in f64 and differentiates.

/// A point-wise expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr;
