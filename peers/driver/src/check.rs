//! That a peer did the work: some entries of its result against f64.

mod convolution;

use anyhow::{Result, ensure};

use crate::task::{NEIGHBOURS, Task, Work};

/// 2⁻²⁴, half the distance of 1 from the next f32.
const UNIT: f64 = 1.0 / 16_777_216.0;

/// Holds the entries at [`Task::probes`] against f64.
///
/// # Errors
/// Names the first entry that is further off than rounding in f32 explains, whatever the order of the sums and whether
/// distances are taken directly or through ‖x‖² + ‖y‖² − 2x·y.
pub fn check(task: &Task, values: &[f32]) -> Result<()> {
    let probes = task.probes();
    ensure!(values.len() == probes.len(), "{} values instead of {}", values.len(), probes.len());
    let inputs = task.inputs();
    let [n, m, d] = task.dimensions();
    if task.work == Work::Argkmin {
        let mut rows = probes.chunks(NEIGHBOURS).zip(values.chunks(NEIGHBOURS));
        return rows.try_for_each(|(row, found)| check_nearest(task, &inputs, row[0] / NEIGHBOURS, found));
    }
    for (&probe, &value) in probes.iter().zip(values) {
        let (expected, bound) = match task.work {
            Work::Gemm => product(&inputs, [n, m, d], probe / d, probe % d),
            Work::Sqeuclidean => squared_distance(&inputs, d, probe / m, probe % m),
            Work::Euclidean => {
                let (squared, bound) = squared_distance(&inputs, d, probe / m, probe % m);
                // The root of a number that is off by `bound`, and the root's own rounding.
                (squared.sqrt(), squared.sqrt() - (squared - bound).max(0.0).sqrt() + 2.0 * UNIT * squared.sqrt())
            }
            Work::GaussianMatvec | Work::Cost => weighted_sum(task, &inputs, probe),
            Work::Fft | Work::FftLengths | Work::FirstCall => transform(&inputs[0], m, probe),
            Work::Fft2 => transform2(&inputs[0], [n, m], probe),
            Work::Circular => convolution::circular(&inputs, m, probe),
            Work::Fftconvolve => convolution::full(&inputs, [m, d], probe),
            Work::Depthwise => convolution::depthwise(&inputs, [m, d], probe),
            Work::Argkmin => continue,
        };
        let error = (f64::from(value) - expected).abs();
        ensure!(
            error <= bound,
            "entry {probe} is {value} instead of {expected}: off by {error:.1e}, allowed {bound:.1e}"
        );
    }
    Ok(())
}

/// An entry of A B, and its bound for any order of the sum (Higham, Accuracy and Stability, 2nd ed., 3.5).
fn product(inputs: &[Vec<f32>], [_, k, columns]: [usize; 3], row: usize, column: usize) -> (f64, f64) {
    let (mut sum, mut magnitude) = (0.0, 0.0);
    for inner in 0..k {
        let term = f64::from(inputs[0][row * k + inner]) * f64::from(inputs[1][inner * columns + column]);
        sum += term;
        magnitude += term.abs();
    }
    (sum, (k as f64 + 2.0) * UNIT * magnitude)
}

/// ‖xᵢ − yⱼ‖², and the bound of the worse of its two forms: d + 4 roundings of numbers up to (‖x‖ + ‖y‖)².
fn squared_distance(inputs: &[Vec<f32>], d: usize, i: usize, j: usize) -> (f64, f64) {
    let (mut sum, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (&x, &y) in inputs[0][i * d..(i + 1) * d].iter().zip(&inputs[1][j * d..(j + 1) * d]) {
        let (x, y) = (f64::from(x), f64::from(y));
        sum += (x - y) * (x - y);
        xx += x * x;
        yy += y * y;
    }
    let largest = xx.sqrt() + yy.sqrt();
    (sum, (d as f64 + 4.0) * UNIT * largest * largest)
}

/// An entry of K v, and its bound: every term has its exponent's error and 8 roundings (γ, the exponential at 2 units
/// and more, the product), and the sum has m.
fn weighted_sum(task: &Task, inputs: &[Vec<f32>], i: usize) -> (f64, f64) {
    let [_, m, d] = task.dimensions();
    let gamma = f64::from(task.gamma());
    let (mut sum, mut bound) = (0.0, 0.0);
    for j in 0..m {
        let (distance, off) = squared_distance(inputs, d, i, j);
        let term = (-gamma * distance).exp() * f64::from(inputs[2][j]);
        sum += term;
        bound += term.abs() * (gamma * off + (8.0 + gamma * distance + m as f64) * UNIT);
    }
    (sum, bound)
}

/// One part of one bin, and its bound: relative to the norm of the line 8 log₂N roundings (Higham, 24.2).
fn transform(rows: &[f32], length: usize, probe: usize) -> (f64, f64) {
    let (line, bin, part) = (probe / 2 / length, probe / 2 % length, probe % 2);
    let (mut sum, mut norm) = ([0.0, 0.0], 0.0);
    for (t, value) in rows[line * length * 2..(line + 1) * length * 2].chunks(2).enumerate() {
        let (re, im) = (f64::from(value[0]), f64::from(value[1]));
        let (sin, cos) = (-std::f64::consts::TAU * ((t * bin) % length) as f64 / length as f64).sin_cos();
        sum[0] += re * cos - im * sin;
        sum[1] += re * sin + im * cos;
        norm += re * re + im * im;
    }
    (sum[part], 8.0 * (length as f64).log2() * UNIT * (length as f64 * norm).sqrt())
}

/// One part of one bin of a matrix that is transformed along both axes; its rows count as one line.
fn transform2(values: &[f32], [rows, columns]: [usize; 2], probe: usize) -> (f64, f64) {
    let (down, across, part) = (probe / 2 / columns, probe / 2 % columns, probe % 2);
    let (mut sum, mut norm) = ([0.0, 0.0], 0.0);
    for (t, value) in values.chunks(2).enumerate() {
        let (re, im) = (f64::from(value[0]), f64::from(value[1]));
        let turns = ((t / columns * down) % rows) as f64 / rows as f64
            + ((t % columns * across) % columns) as f64 / columns as f64;
        let (sin, cos) = (-std::f64::consts::TAU * turns).sin_cos();
        sum[0] += re * cos - im * sin;
        sum[1] += re * sin + im * cos;
        norm += re * re + im * im;
    }
    let points = (rows * columns) as f64;
    (sum[part], 8.0 * points.log2() * UNIT * (points * norm).sqrt())
}

/// The found rows are as near as the nearest, in order, up to the rounding of distances.
fn check_nearest(task: &Task, inputs: &[Vec<f32>], i: usize, found: &[f32]) -> Result<()> {
    let [_, m, d] = task.dimensions();
    let mut nearest: Vec<f64> = (0..m).map(|j| squared_distance(inputs, d, i, j).0).collect();
    nearest.sort_by(f64::total_cmp);
    for (rank, &index) in found.iter().enumerate() {
        let j = index as usize;
        ensure!(index >= 0.0 && j < m, "row {i}: {index} is no row");
        ensure!(!found[..rank].contains(&index), "row {i}: {index} twice");
        let (distance, bound) = squared_distance(inputs, d, i, j);
        let error = (distance - nearest[rank]).abs();
        ensure!(error <= 2.0 * bound, "row {i}: number {rank} is off by {error:.1e}, allowed {:.1e}", 2.0 * bound);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_value_and_a_wrong_neighbour_are_found() {
        let task: Task = "sqeuclidean 40x30x5".parse().unwrap();
        let inputs = task.inputs();
        let right = |probe: usize| squared_distance(&inputs, 5, probe / 30, probe % 30).0 as f32;
        let mut values: Vec<f32> = task.probes().into_iter().map(right).collect();
        check(&task, &values).unwrap();
        values[3] += 1e-4;
        assert!(check(&task, &values).is_err());

        let task: Task = "argkmin 40x30x5".parse().unwrap();
        let inputs = task.inputs();
        let nearest = |i: usize| {
            let mut rows: Vec<usize> = (0..30).collect();
            rows.sort_by(|&a, &b| {
                squared_distance(&inputs, 5, i, a).0.total_cmp(&squared_distance(&inputs, 5, i, b).0)
            });
            rows
        };
        let mut values: Vec<f32> = task
            .probes()
            .chunks(NEIGHBOURS)
            .flat_map(|row| nearest(row[0] / NEIGHBOURS).into_iter().take(NEIGHBOURS))
            .map(|row| row as f32)
            .collect();
        check(&task, &values).unwrap();
        values.swap(0, 9);
        assert!(check(&task, &values).is_err());
    }
}
