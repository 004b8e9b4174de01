//! Short-time Fourier transforms of one signal, and back.

use num_complex::Complex;

use super::dft;

/// The spectra of all frames that lie within the signal: frame f is `Σⱼ w[j] x[f·hop + j] exp(−2πi jk/points)`.
pub fn stft(x: &[Complex<f64>], window: &[f64], hop: usize, points: usize) -> Vec<Vec<Complex<f64>>> {
    let frames = x.windows(window.len().max(1)).step_by(hop.max(1));
    let spectrum = |frame: &[Complex<f64>]| {
        let mut frame: Vec<_> = frame.iter().zip(window).map(|(x, w)| x * w).collect();
        frame.resize(points, Complex::default());
        dft(&frame, false)
    };
    frames.map(spectrum).collect()
}

/// `Σ_f w[t − f·hop] frame_f[t − f·hop] / Σ_f w[t − f·hop]²` for every sample t under the frames, and beside it the sum of
/// magnitudes in place of that above the line.
pub fn overlap_add(frames: &[Vec<f64>], window: &[f64], hop: usize) -> Vec<(f64, f64)> {
    let held = frames.len().checked_sub(1).map_or(0, |last| last * hop + window.len());
    let mut sums = vec![(0.0, 0.0, 0.0); held];
    for (f, frame) in frames.iter().enumerate() {
        for ((sum, x), w) in sums[f * hop..].iter_mut().zip(frame).zip(window) {
            *sum = (sum.0 + w * x, sum.1 + (w * x).abs(), sum.2 + w * w);
        }
    }
    sums.into_iter().map(|(sum, size, weight)| (sum / weight, size / weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a signal, laid over one another again, are the signal.
    #[test]
    fn there_and_back() {
        let x: Vec<_> = (0..40).map(|t| Complex::new((0.7 * t as f64).sin(), 0.0)).collect();
        let window = [0.3, 1.0, 2.0, 0.5, 0.1];
        let frames = stft(&x, &window, 2, 7);
        assert_eq!((frames.len(), frames[0].len()), (18, 7));
        let back: Vec<Vec<f64>> =
            frames.iter().map(|frame| dft(frame, true).iter().map(|value| value.re / 7.0).collect()).collect();
        for (t, (y, _)) in overlap_add(&back, &window, 2).into_iter().enumerate() {
            assert!((y - x[t].re).abs() < 1e-12);
        }
    }
}
