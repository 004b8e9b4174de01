//! A matrix product of 1024³.

use anyhow::Result;
use gristmill::{Context, UNIT_ROUNDOFF};
use ndarray::Array2;

use super::task::{Check, Dice, Outcome, Task, measure};

const N: usize = 1024;

pub(super) struct Gemm {
    a: Array2<f32>,
    b: Array2<f32>,
    checks: Vec<Check>,
}

impl Gemm {
    pub(super) fn new() -> Self {
        let mut dice = Dice::new(3);
        let a = Array2::from_shape_simple_fn((N, N), || dice.number());
        let b = Array2::from_shape_simple_fn((N, N), || dice.number());
        // Blocks of at most 64 terms, then the blocks, then alpha and the rounding of the result.
        let factor = (64.0 + N.div_ceil(64) as f64 + 2.0) * UNIT_ROUNDOFF;
        let checks = (0..500)
            .map(|_| {
                let (i, j) = (dice.below(N), dice.below(N));
                let terms = || a.row(i).into_iter().zip(b.column(j)).map(|(&a, &b)| f64::from(a) * f64::from(b));
                Check { place: i * N + j, value: terms().sum(), bound: factor * terms().map(f64::abs).sum::<f64>() }
            })
            .collect();
        Self { a, b, checks }
    }
}

impl Task for Gemm {
    fn name(&self) -> &'static str {
        "matrix product"
    }

    fn size(&self) -> String {
        format!("{N}×{N}×{N}")
    }

    fn work(&self) -> (f64, &'static str) {
        (2.0 * (N * N * N) as f64, "FLOP/s")
    }

    fn checks(&self) -> &[Check] {
        &self.checks
    }

    fn run(&self, context: &Context) -> Result<Outcome> {
        let (product, seconds) = measure(|| {
            let (a, b) = (context.upload(&self.a)?, context.upload(&self.b)?);
            Ok(gristmill::gemm(1.0, &a, &b, 0.0, None)?.read_blocking()?)
        })?;
        Ok(Outcome { seconds, values: product.into_iter().collect(), ..Outcome::default() })
    }
}
