//! Points that push each other apart: a formula of one's own, summed over all pairs without storing them, and its
//! gradient, which nobody has to derive by hand.
//!
//! `cargo run --release --example formula`; GRISTMILL_ADAPTER chooses the adapter.

use anyhow::Result;
use gristmill::{Context, ContextOptions, Expr, Formula, formula_sum, formula_sum_gradient};
use ndarray::{Array2, Axis, Ix2};

/// Points, and steps that they take.
const POINTS: usize = 2000;
const STEPS: usize = 40;

fn main() -> Result<()> {
    let adapter = std::env::var("GRISTMILL_ADAPTER").unwrap_or("auto".into());
    let context = Context::with_options_blocking(ContextOptions::named(&adapter))?;

    // x is a point of its own for each i, y one for each j; both are vectors of 2.
    let (x, y) = (Expr::vi(0, 2), Expr::vj(0, 2));
    // What two points have against being near each other.
    let repulsion = Formula::new(0.01 / (x.sqdist(&y) + 0.01))?;

    // All points start on a small spiral.
    let mut points = Array2::from_shape_fn((POINTS, 2), |(i, axis)| {
        let (angle, radius) = (i as f32 * 2.4, 0.2 * (i as f32 / POINTS as f32).sqrt());
        radius * if axis == 0 { angle.cos() } else { angle.sin() }
    });
    for step in 0..=STEPS {
        let device = context.upload(&points)?;
        if step % 10 == 0 {
            let energy = formula_sum(&repulsion, &[&device], &[&device], &[])?.read_blocking()?.sum();
            let radius = points.map_axis(Axis(1), |point| point[0].hypot(point[1])).fold(0.0, |a: f32, b| a.max(*b));
            println!("step {step:2}: energy {energy:9.0}, radius {radius:.2}");
        }
        // Every point goes downhill; by symmetry the other half of each pair counts as much.
        let slope = formula_sum_gradient(&repulsion, &x, &[&device], &[&device], &[], None)?.read_blocking()?;
        points.scaled_add(-1e-4, &slope.into_dimensionality::<Ix2>()?);
    }
    Ok(())
}
