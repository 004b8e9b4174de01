//! Handwritten digits by their nearest neighbours: 899 known digits vote on 898 others.
//!
//! `cargo run --release --example digits_knn`; GRISTMILL_ADAPTER chooses the adapter.

use anyhow::{Context as _, Result};
use gristmill::{Context, ContextOptions, Metric, pairwise};
use ndarray::{Array1, Array2, ArrayView1, Axis, Ix2, s};

const NEIGHBOURS: usize = 5;

fn main() -> Result<()> {
    let (images, labels) = digits()?;
    let half = images.nrows() / 2 + 1;
    let adapter = std::env::var("GRISTMILL_ADAPTER").unwrap_or("auto".into());
    let context = Context::with_options_blocking(ContextOptions::named(&adapter))?;

    let known = context.upload(&images.slice(s![..half, ..]))?;
    let asked = context.upload(&images.slice(s![half.., ..]))?;
    let distances = pairwise(&asked, &known, &Metric::SQEUCLIDEAN)?.read_blocking()?.into_dimensionality::<Ix2>()?;

    let right = distances
        .axis_iter(Axis(0))
        .zip(labels.slice(s![half..]))
        .filter(|(row, label)| vote(*row, labels.slice(s![..half])) == **label)
        .count();
    println!(
        "{right} of {} digits read correctly ({:.2} %)",
        distances.nrows(),
        100.0 * right as f64 / distances.nrows() as f64
    );
    println!("on {}", context.info());
    Ok(())
}

/// The label that most of the nearest have; the smaller one where two have as many.
fn vote(distances: ArrayView1<f32>, labels: ArrayView1<usize>) -> usize {
    let mut nearest: Vec<usize> = (0..distances.len()).collect();
    nearest.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b)));
    let mut votes = [0; 10];
    for neighbour in nearest.into_iter().take(NEIGHBOURS) {
        votes[labels[neighbour]] += 1;
    }
    (0..10).rev().max_by_key(|digit| votes[*digit]).unwrap_or(0)
}

/// 64 grey levels per row, then the digit.
fn digits() -> Result<(Array2<f32>, Array1<usize>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits.csv");
    let text = std::fs::read_to_string(path).context(path)?;
    let rows: Vec<Vec<f32>> = text
        .lines()
        .map(|line| line.split(',').map(str::parse).collect::<Result<_, _>>())
        .collect::<Result<_, _>>()
        .context(path)?;
    let table = Array2::from_shape_fn((rows.len(), 65), |(i, j)| rows[i][j]);
    Ok((table.slice(s![.., ..64]).to_owned(), table.column(64).mapv(|label| label as usize)))
}
