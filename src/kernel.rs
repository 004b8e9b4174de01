//! Kernels k(x, y): expressions over metrics. One entry holds everything about one kernel.

use crate::expr::Expr;
use crate::metric::Metric;

/// What the pair skeleton computes for two rows: some metrics, and an expression over their values.
#[derive(Debug, Clone)]
pub struct PairFunction {
    /// The metrics that are accumulated side by side.
    pub terms: Vec<Metric>,
    /// The value; variable i is the value of term i.
    pub finish: Expr,
}
