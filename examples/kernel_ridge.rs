//! Kernel ridge regression of the diabetes data: how far a disease is after a year, from ten measurements.
//!
//! The Gram matrices and the prediction run on the device, the small solve in f64 on the host.
//! `cargo run --release --example kernel_ridge`; GRISTMILL_ADAPTER chooses the adapter.

use anyhow::{Context as _, Result, anyhow};
use faer::linalg::solvers::Solve;
use gristmill::{Context, ContextOptions, Kernel, gemm, gram};
use ndarray::{Array1, Array2, Axis, Ix2, s};

const RIDGE: f64 = 1.0;

fn main() -> Result<()> {
    let data = standardized(table("diabetes_data_raw.csv", 10)?);
    let target = table("diabetes_target.csv", 1)?.remove_axis(Axis(1));
    // Every fourth patient is kept aside.
    let test: Vec<usize> = (0..data.nrows()).filter(|i| i % 4 == 3).collect();
    let train: Vec<usize> = (0..data.nrows()).filter(|i| i % 4 != 3).collect();
    let (known, asked) = (target.select(Axis(0), &train), target.select(Axis(0), &test));
    let mean = known.mean().unwrap_or(0.0);

    let adapter = std::env::var("GRISTMILL_ADAPTER").unwrap_or("auto".into());
    let context = Context::with_options_blocking(ContextOptions::named(&adapter))?;
    let x = context.upload(&data.select(Axis(0), &train))?;
    let z = context.upload(&data.select(Axis(0), &test))?;
    let kernel = Kernel::rbf(0.01);
    let k = gram(&x, &x, &kernel)?.read_blocking()?.into_dimensionality::<Ix2>()?;
    let weights = solve(&k, &known.mapv(|value| value - mean))?;
    let weights = context.upload(&weights.insert_axis(Axis(1)))?;
    let predicted =
        gemm(1.0, &gram(&z, &x, &kernel)?, &weights, 0.0, None)?.read_blocking()?.into_dimensionality::<Ix2>()?;

    let residual: f64 = asked.iter().zip(predicted.column(0)).map(|(y, p)| (y - mean - f64::from(*p)).powi(2)).sum();
    let spread: f64 = asked.iter().map(|y| (y - asked.mean().unwrap_or(0.0)).powi(2)).sum();
    println!("R² = {:.3} on {} patients, from {} others", 1.0 - residual / spread, test.len(), train.len());
    println!("on {}", context.info());
    Ok(())
}

/// (K + λ I)⁻¹ y by Cholesky's factorization.
fn solve(k: &Array2<f32>, y: &Array1<f64>) -> Result<Array1<f64>> {
    let n = y.len();
    let ridged = faer::Mat::from_fn(n, n, |i, j| f64::from(k[[i, j]]) + if i == j { RIDGE } else { 0.0 });
    let factor =
        ridged.llt(faer::Side::Lower).map_err(|error| anyhow!("K + λ I is not positive definite: {error:?}"))?;
    let solution = factor.solve(faer::Mat::from_fn(n, 1, |i, _| y[i]));
    Ok(Array1::from_shape_fn(n, |i| solution[(i, 0)]))
}

/// Every column with mean 0 and variance 1.
fn standardized(data: Array2<f64>) -> Array2<f64> {
    let centred = &data - &data.mean_axis(Axis(0)).unwrap_or_default();
    &centred / &centred.std_axis(Axis(0), 0.0)
}

/// Numbers parted by spaces.
fn table(file: &str, columns: usize) -> Result<Array2<f64>> {
    let path = format!("{}/examples/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(path)?;
    Ok(Array2::from_shape_vec((numbers.len() / columns, columns), numbers)?.slice(s![.., ..]).to_owned())
}
