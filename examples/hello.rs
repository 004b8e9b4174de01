//! Distances between three points, on the best hardware GPU, else on the CPU.
//!
//! `cargo run --example hello`; GRISTMILL_ADAPTER chooses another adapter (`swiftshader`, `gl:llvmpipe`, `cpu`).

use gristmill::{Context, ContextOptions, Metric, pairwise};
use ndarray::array;

fn main() -> anyhow::Result<()> {
    let adapter = std::env::var("GRISTMILL_ADAPTER").unwrap_or("auto".into());
    let context = Context::with_options_blocking(ContextOptions::named(&adapter))?;
    let points = context.upload(&array![[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])?;
    let distances = pairwise(&points, &points, &Metric::EUCLIDEAN)?.read_blocking()?;
    println!("{distances}\non {}: {}", context.info(), context.reason());
    Ok(())
}
