//! Kernels of infinitely wide networks of rectified linear units.
//!
//! # Sources
//! Cho and Saul, "Kernel methods for deep learning" (2009); Jacot, Gabriel and Hongler, "Neural tangent kernel" (2018).
//! The angle by both diagonals of a rhombus: Kahan, "How futile are mindless assessments of roundoff" (2006), §12.

use std::f64::consts::{FRAC_1_PI, PI};

use super::{KernelEntry, Rule, kernels, number};
use crate::expr::Expr;
use crate::kernel::Statistics;
use crate::kernel::definition::{dot, norms_and_angle};
use crate::metric::{Metric, statistics as of_rows};

/// ‖x‖‖y‖ and the angle between the rows, 0 where one is zero. `‖x − y‖² − (‖x‖ − ‖y‖)²` and `‖x + y‖² − (‖x‖ − ‖y‖)²`
/// are 4 ‖x‖‖y‖ times sin² and cos² of half the angle: no angle loses its digits, as arccos would near 0.
fn norms_and_angle_of(statistics: &mut Statistics) -> (Expr, Expr) {
    let (a, b) =
        (statistics.of(of_rows::squared_norm_of_x()).sqrt(), statistics.of(of_rows::squared_norm_of_y()).sqrt());
    let gap = (&a - &b).powi(2);
    let mut side = |metric: Metric| (statistics.of(metric) - &gap).positive_part().sqrt();
    let (sine, cosine) = (side(Metric::SQEUCLIDEAN), side(of_rows::squared_sum()));
    (a * b, sine.atan2(cosine) * 2.0)
}

kernels! {
    ARC_COSINE = KernelEntry {
        name: "arc_cosine",
        aliases: &["arccos"],
        formula: "(‖x‖‖y‖)ⁿ J_n(θ)/π of order n = 0, 1, 2; θ between the rows, 0 where one is zero",
        parameters: &[number("order", 1.0, Rule::Whole(0, 2))],
        expression: |arguments, statistics| {
            let (norms, angle) = norms_and_angle_of(statistics);
            let rest = 1.0 - &angle * FRAC_1_PI;
            Ok(match arguments.number("order") {
                0.0 => rest,
                1.0 => norms * angle.relu_angle().cos(),
                _ => norms.powi(2) * (angle.sin() * angle.cos() * (3.0 * FRAC_1_PI) + rest * (angle.cos().powi(2) * 2.0 + 1.0)),
            })
        },
        definition: |arguments, x, y| {
            let (a, b, angle) = norms_and_angle(x, y);
            let (sine, cosine) = angle.sin_cos();
            match arguments.number("order") {
                0.0 => (PI - angle) / PI,
                1.0 => a * b * (sine + (PI - angle) * cosine) / PI,
                _ => (a * b).powi(2) * (3.0 * sine * cosine + (PI - angle) * (1.0 + 2.0 * cosine * cosine)) / PI,
            }
        },
    };

    /// Of a network with `depth` hidden layers without biases, weights of variance 2/width.
    NTK_RELU = KernelEntry {
        name: "ntk_relu",
        aliases: &["neural_tangent"],
        formula: "Θ_h = Θ_(h−1) (1 − θ_(h−1)/π) + ‖x‖‖y‖ cos θ_h up to h = depth, Θ_0 = ⟨x, y⟩",
        parameters: &[number("depth", 1.0, Rule::Whole(1, 32))],
        expression: |arguments, statistics| {
            let (norms, mut angle) = norms_and_angle_of(statistics);
            let mut tangent = statistics.of(Metric::INNER_PRODUCT);
            for _ in 0..arguments.number("depth") as u32 {
                let next = angle.relu_angle();
                tangent = tangent * (1.0 - angle * FRAC_1_PI) + &norms * next.cos();
                angle = next;
            }
            Ok(tangent)
        },
        definition: |arguments, x, y| {
            let (a, b, mut angle) = norms_and_angle(x, y);
            (0..arguments.number("depth") as u32).fold(dot(x, y), |tangent, _| {
                let cosine = ((angle.sin() + (PI - angle) * angle.cos()) / PI).clamp(-1.0, 1.0);
                let tangent = tangent * (PI - angle) / PI + a * b * cosine;
                angle = cosine.acos();
                tangent
            })
        },
    };
}
