//! Convolution and correlation over all axes, as sums of products; SciPy's modes.

use ndarray::{ArrayD, ArrayViewD, IxDyn, Slice};
use num_complex::Complex;

use super::Sums;
use crate::error::{Error, Result};

/// How much of a convolution is kept; SciPy's modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All `n + k − 1` entries.
    Full,
    /// The central part, as long as the first input.
    Same,
    /// Only entries that do not see beyond the edges.
    Valid,
}

/// Complex sums and their magnitudes.
type ComplexSums = Sums<ArrayD<Complex<f64>>, ArrayD<f64>>;

/// `y[i] = Σ_j x[j] h[i − j]` over all axes, and beside it `Σ_j |x[j]| |h[i − j]|`.
///
/// [`Part::Same`] is centred and as long as x. [`Part::Valid`] takes the longer of both for the signal, which must be the
/// longer one along every axis.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the ranks differ, an input is empty, or neither input holds the other in
/// [`Part::Valid`].
pub fn convolve(x: ArrayViewD<'_, Complex<f64>>, h: ArrayViewD<'_, Complex<f64>>, part: Part) -> Result<ComplexSums> {
    let (n, k) = (x.shape().to_vec(), h.shape().to_vec());
    let holds = |a: &[usize], b: &[usize]| a.iter().zip(b).all(|(a, b)| a >= b);
    if n.len() != k.len() || x.is_empty() || h.is_empty() {
        return Err(Error::shape("convolve", format!("{n:?} and {k:?} must have one rank and be not empty")));
    }
    if part == Part::Valid && !holds(&n, &k) && !holds(&k, &n) {
        return Err(Error::shape(
            "convolve",
            format!("valid: one of {n:?} and {k:?} must be the longer along every axis"),
        ));
    }
    let full: Vec<usize> = n.iter().zip(&k).map(|(n, k)| n + k - 1).collect();
    let sums = summed(x, h, &full, |i, j, _| i + j);
    let kept = |axis: usize| match part {
        Part::Full => 0..full[axis],
        Part::Same => (k[axis] - 1) / 2..(k[axis] - 1) / 2 + n[axis],
        Part::Valid => n[axis].min(k[axis]) - 1..n[axis].max(k[axis]),
    };
    let value = sums.value.slice_each_axis(|axis| Slice::from(kept(axis.axis.index()))).to_owned();
    let magnitude = sums.magnitude.slice_each_axis(|axis| Slice::from(kept(axis.axis.index()))).to_owned();
    Ok(Sums { value, magnitude })
}

/// Cross-correlation, `y[i] = Σ_j x[j] conj(h[j − i + k − 1])`: convolution with h reversed and conjugated.
///
/// # Errors
/// As [`convolve`].
pub fn correlate(x: ArrayViewD<'_, Complex<f64>>, h: ArrayViewD<'_, Complex<f64>>, part: Part) -> Result<ComplexSums> {
    let mut reversed = h.mapv(|value| value.conj());
    for axis in 0..reversed.ndim() {
        reversed.invert_axis(ndarray::Axis(axis));
    }
    convolve(x, reversed.view(), part)
}

/// `y[i] = Σ_j x[(i − j) mod n] h[j]`, as long as x, which must not be shorter than h anywhere.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the ranks differ or h is longer.
pub fn circular_convolve(x: ArrayViewD<'_, Complex<f64>>, h: ArrayViewD<'_, Complex<f64>>) -> Result<ComplexSums> {
    let n = x.shape().to_vec();
    if n.len() != h.ndim() || n.iter().zip(h.shape()).any(|(n, k)| k > n) {
        return Err(Error::shape("convolve", format!("circular: {n:?} must hold {:?}", h.shape())));
    }
    Ok(summed(x, h, &n, |i, j, n| (i + j) % n))
}

/// Every product, added where `place` of its two indices says.
fn summed(
    x: ArrayViewD<'_, Complex<f64>>,
    h: ArrayViewD<'_, Complex<f64>>,
    shape: &[usize],
    place: impl Fn(usize, usize, usize) -> usize,
) -> ComplexSums {
    let mut value = ArrayD::zeros(IxDyn(shape));
    let mut magnitude = ArrayD::zeros(IxDyn(shape));
    let mut at = vec![0; shape.len()];
    for (i, x) in x.indexed_iter() {
        for (j, h) in h.indexed_iter() {
            for (axis, at) in at.iter_mut().enumerate() {
                *at = place(i[axis], j[axis], shape[axis]);
            }
            value[IxDyn(&at)] += x * h;
            magnitude[IxDyn(&at)] += x.norm() * h.norm();
        }
    }
    Sums { value, magnitude }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn real(values: &[f64]) -> ArrayD<Complex<f64>> {
        ArrayD::from_shape_vec(vec![values.len()], values.iter().map(|&v| Complex::new(v, 0.0)).collect()).unwrap()
    }

    #[test]
    fn numbers_multiply_as_their_digits_do() {
        let (x, h) = (real(&[1.0, 2.0, 3.0]), real(&[4.0, -5.0]));
        let of = |part| convolve(x.view(), h.view(), part).unwrap();
        assert_eq!(of(Part::Full).value, real(&[4.0, 3.0, 2.0, -15.0]));
        assert_eq!(of(Part::Full).magnitude[[1]], 13.0);
        assert_eq!(of(Part::Same).value, real(&[4.0, 3.0, 2.0]));
        assert_eq!(of(Part::Valid).value, real(&[3.0, 2.0]));
        assert_eq!(convolve(h.view(), x.view(), Part::Valid).unwrap().value, real(&[3.0, 2.0]));
        assert_eq!(convolve(h.view(), x.view(), Part::Same).unwrap().value, real(&[3.0, 2.0]));
        assert_eq!(circular_convolve(x.view(), h.view()).unwrap().value, real(&[-11.0, 3.0, 2.0]));
    }

    #[test]
    fn correlation_turns_and_conjugates_the_kernel() {
        let (x, h) = (real(&[1.0, 2.0, 3.0]), real(&[0.0, 1.0, 0.5]));
        // numpy.correlate([1, 2, 3], [0, 1, 0.5], "full")
        assert_eq!(correlate(x.view(), h.view(), Part::Full).unwrap().value, real(&[0.5, 2.0, 3.5, 3.0, 0.0]));
        let turned = h.mapv(|v| v * Complex::i());
        let expected = real(&[2.0, 3.5, 3.0]).mapv(|v| v * -Complex::<f64>::i());
        assert_eq!(correlate(x.view(), turned.view(), Part::Same).unwrap().value, expected);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let (wide, tall) = (ArrayD::zeros(vec![2, 3]), ArrayD::zeros(vec![3, 2]));
        assert!(convolve(wide.view(), tall.view(), Part::Valid).is_err());
        assert!(convolve(wide.view(), tall.view(), Part::Full).is_ok());
        assert!(convolve(wide.view(), real(&[1.0]).view(), Part::Full).is_err());
        assert!(circular_convolve(wide.view(), tall.view()).is_err());
    }
}
