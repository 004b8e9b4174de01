//! Entries of convolutions in f64, with bounds that direct sums and transforms keep.

use super::UNIT;

/// An entry of the circular convolutions of the rows of x and h.
pub fn circular(inputs: &[Vec<f32>], points: usize, probe: usize) -> (f64, f64) {
    let (row, at) = (probe / points, probe % points);
    let line = |input: usize| &inputs[input][row * points..(row + 1) * points];
    let (x, h) = (line(0), line(1));
    let entry = |t: usize| -> f64 { (0..points).map(|s| product(x[s], h[(t + points - s) % points])).sum() };
    (entry(at), bound(points, x, h, (0..points).map(entry)))
}

/// An entry of the full convolutions of the rows of x with h.
pub fn full(inputs: &[Vec<f32>], [points, taps]: [usize; 2], probe: usize) -> (f64, f64) {
    let length = points + taps - 1;
    let (row, at) = (probe / length, probe % length);
    let (x, h) = (&inputs[0][row * points..(row + 1) * points], &inputs[1]);
    let entry = |t: usize| -> f64 {
        let from = (t + 1).saturating_sub(points);
        (from..taps.min(t + 1)).map(|s| product(x[t - s], h[s])).sum()
    };
    // Long lines are done in blocks; the bound is that of one whole transform all the same. A part of a long result
    // stands for all of it, because its norm would take long.
    let step = length.div_ceil(1 << 14);
    let norm = (0..length).step_by(step).flat_map(|t| std::iter::repeat_n(entry(t), step));
    (entry(at), bound((2 * length).next_power_of_two(), x, h, norm))
}

/// An entry of the correlations of the channels of an image with a window each, zeros around the image; its bound is
/// that of the sum in any order, or of transforms of a channel with its margins.
pub fn depthwise(inputs: &[Vec<f32>], [side, window]: [usize; 2], probe: usize) -> (f64, f64) {
    let (channel, row, column) = (probe / (side * side), probe / side % side, probe % side);
    let x = &inputs[0][channel * side * side..(channel + 1) * side * side];
    let h = &inputs[1][channel * window * window..(channel + 1) * window * window];
    let entry = |row: usize, column: usize| -> f64 {
        let mut sum = 0.0;
        for (tap, &factor) in h.iter().enumerate() {
            let (i, j) =
                ((row + tap / window).wrapping_sub(window / 2), (column + tap % window).wrapping_sub(window / 2));
            if i < side && j < side {
                sum += product(x[i * side + j], factor);
            }
        }
        sum
    };
    let points = (2 * (side + window)).next_power_of_two().pow(2);
    let all = (0..side * side).map(|at| entry(at / side, at % side));
    let summed = ((window * window) as f64 + 2.0) * UNIT * norm(x.iter().map(|&x| f64::from(x))) * norm_of(h);
    (entry(row, column), summed.max(bound(points, x, h, all)))
}

fn product(x: f32, h: f32) -> f64 {
    f64::from(x) * f64::from(h)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

fn norm_of(values: &[f32]) -> f64 {
    norm(values.iter().map(|&value| f64::from(value)))
}

/// The bound of an entry by transforms of N points, each off by 8 log₂N roundings of its norm (Higham, 24.2): what the
/// two forward ones are off by meets the other's spectrum and comes back as at most ‖x‖‖h‖ times it (Cauchy and
/// Schwarz), as does the rounding of the product; what the last one is off by is relative to the result's norm.
fn bound(points: usize, x: &[f32], h: &[f32], result: impl Iterator<Item = f64>) -> f64 {
    let transform = 8.0 * (points as f64).log2() * UNIT;
    (2.0 * transform + 4.0 * UNIT) * norm_of(x) * norm_of(h) + transform * norm(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_of_a_few_numbers_are_what_they_are_by_hand() {
        let inputs = [vec![1.0, 2.0, 3.0, 0.0, 1.0, 0.0], vec![1.0, -1.0, 2.0, 1.0, 2.0, 3.0]];
        let entries = |entry: &dyn Fn(usize) -> (f64, f64), count: usize| -> Vec<f64> {
            (0..count).map(|at| entry(at).0).collect()
        };
        assert_eq!(entries(&|at| circular(&inputs, 3, at), 6), [2.0, 7.0, 3.0, 3.0, 1.0, 2.0]);
        let inputs = [vec![1.0, 2.0, 3.0, 0.0, 1.0, 0.0], vec![1.0, -1.0]];
        assert_eq!(entries(&|at| full(&inputs, [3, 2], at), 8), [1.0, 1.0, 1.0, -3.0, 0.0, 1.0, -1.0, 0.0]);
        let inputs = [vec![1.0, 2.0, 3.0, 4.0], vec![0.0, 0.0, 0.0, 0.0, 1.0, 10.0, 0.0, 100.0, 0.0]];
        assert_eq!(entries(&|at| depthwise(&inputs, [2, 3], at), 4), [321.0, 402.0, 43.0, 4.0]);
        assert!(depthwise(&inputs, [2, 3], 0).1 < 0.1);
    }
}
