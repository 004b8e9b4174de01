//! Points of rank-1 lattices and digital nets, and the Gram matrices of kernels that these diagonalise.
//!
//! # Sources
//! Dick, Kuo and Sloan, "High-dimensional integration: the quasi-Monte Carlo way", Acta Numerica 22 (2013); Rathinavel and
//! Hickernell, "Fast automatic Bayesian cubature using lattice sampling", Statistics and Computing 29 (2019); Sorokin, "A
//! unified implementation of quasi-Monte Carlo generators, randomization routines, and fast kernel methods" (2025).

mod numbers;

use ndarray::Array2;

use self::numbers::{GENERATING_VECTOR, SOBOL};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::ops::{ConvolveOptions, WalshOrder, convolve, hadamard};
use crate::plan::spectrum;
use crate::tensor::Tensor;
use crate::work::{Layout, Method, random_words};

/// Points have at most 2 to the power of this many; the generating vector is made for that.
const MOST_BITS: u32 = 20;

/// Binary digits of a coordinate of a net: as many as an f32 holds.
const DIGITS: u32 = 24;

/// One coordinate for each feature, all multiples of 2⁻²⁴ below 1: a random shift of a lattice or a net.
pub fn random_shift(d: usize, seed: u64, stream: u64) -> Vec<f64> {
    let word = |f: usize| random_words(seed, stream, f as u64 / 4)[f % 4];
    (0..d).map(|f| f64::from(word(f) >> 8) / 16_777_216.0).collect()
}

/// The n points of a rank-1 lattice, `x_i = {i z/n + shift}`: row i is point i.
///
/// z is the generating vector "exod2_base2_m20" of Cools, Kuo and Nuyens, "Constructing embedded lattice rules for
/// multivariate integration", SIAM J. Sci. Comput. 28 (2006), for up to 2²⁰ points and, here, 32 features.
///
/// # Errors
/// [`Error::InvalidArgument`] if n is not a power of two up to 2²⁰ or d is not 1 to 32; [`Error::ShapeMismatch`] if the
/// shift has not d numbers.
///
/// # Examples
/// ```
/// # use gristmill::methods::lattice;
/// let x = lattice(4, 2, &[0.0, 0.5])?;
/// assert_eq!(x.row(1).to_vec(), [0.25, 0.25]);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn lattice(n: usize, d: usize, shift: &[f64]) -> Result<Array2<f64>> {
    check("lattice", n, d, GENERATING_VECTOR.len(), shift)?;
    let coordinate = |i: usize, f: usize| {
        let place = (i as u64 * GENERATING_VECTOR[f] % n as u64) as f64 / n as f64 + shift[f];
        place - place.floor()
    };
    Ok(Array2::from_shape_fn((n, d), |(i, f)| coordinate(i, f)))
}

/// The first n points of Sobol's sequence in natural order, digitally shifted: `x_i = Σ_b bit_b(i) v_b ⊕ shift`, digit by
/// digit in base 2.
///
/// The direction numbers are those of Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections",
/// SIAM J. Sci. Comput. 30 (2008), file new-joe-kuo-6, for up to 32 features. Coordinates and shifts have 24 digits, so that
/// an f32 holds them.
///
/// # Errors
/// As [`lattice`].
///
/// # Examples
/// ```
/// # use gristmill::methods::digital_net;
/// let x = digital_net(4, 2, &[0.0, 0.0])?;
/// assert_eq!(x.row(3).to_vec(), [0.75, 0.25]);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn digital_net(n: usize, d: usize, shift: &[f64]) -> Result<Array2<f64>> {
    check("digital_net", n, d, SOBOL.len() + 1, shift)?;
    let scale = f64::from(1u32 << DIGITS);
    let columns: Vec<Vec<u32>> = (0..d).map(directions).collect();
    let shifts: Vec<u32> = shift.iter().map(|shift| ((shift - shift.floor()) * scale) as u32).collect();
    let coordinate = |i: usize, f: usize| {
        let set = columns[f].iter().enumerate().filter(|(b, _)| i >> b & 1 == 1);
        f64::from(set.fold(shifts[f], |digits, (_, v)| digits ^ v)) / scale
    };
    Ok(Array2::from_shape_fn((n, d), |(i, f)| coordinate(i, f)))
}

/// Sobol's direction numbers of a feature, as [`DIGITS`]-digit fractions: van der Corput's for the first.
fn directions(feature: usize) -> Vec<u32> {
    let Some(&(polynomial, initial)) = feature.checked_sub(1).and_then(|f| SOBOL.get(f)) else {
        return (1..=DIGITS).map(|b| 1 << (DIGITS - b)).collect();
    };
    let degree = initial.len();
    let mut m: Vec<u32> = initial.to_vec();
    for k in degree..DIGITS as usize {
        // m_k = m_{k−s} ⊕ 2ˢ m_{k−s} ⊕ the 2ʲ m_{k−j} whose coefficient is 1.
        let earlier = |j: usize| m[k - j] << j;
        let inner = (1..degree).filter(|j| polynomial >> (degree - j) & 1 == 1);
        let next = inner.fold(m[k - degree] ^ earlier(degree), |sum, j| sum ^ earlier(j));
        m.push(next);
    }
    m.iter().zip(1..).map(|(m, b)| m << (DIGITS - b)).collect()
}

fn check(op: &'static str, n: usize, d: usize, most: usize, shift: &[f64]) -> Result<()> {
    if !n.is_power_of_two() || n > 1 << MOST_BITS {
        let message = format!("must be a power of two up to 2^{MOST_BITS}");
        return Err(Error::argument(op, format!("{n} points"), message));
    }
    if d == 0 || d > most {
        return Err(Error::argument(op, format!("{d} features"), format!("must be 1 to {most}")));
    }
    if shift.len() != d || shift.iter().any(|shift| !shift.is_finite()) {
        let message = format!("the shift has {} numbers; {d} features need as many, all finite", shift.len());
        return Err(Error::shape(op, message));
    }
    Ok(())
}

/// The Gram matrix `K[i][j] = k(x_i, x_j)` of a kernel on points that diagonalise it: products and solutions in O(n log n),
/// and n numbers kept in place of n².
///
/// On a [`lattice`] a kernel of the difference modulo 1 (`bernoulli`) gives a circulant matrix, which the Fourier transform
/// diagonalises; on a [`digital_net`] one of the digit-wise difference (`walsh`) a matrix of i ⊕ j, which the Walsh–Hadamard
/// transform does. A random shift of all points changes neither.
///
/// # Accuracy
/// Relative to `max|λ| ‖v‖`, the L2 error of [`matvec`](LatticeGram::matvec) is that of two Fourier transforms and the L2
/// error of a third times `‖λ‖/max|λ|` on a lattice, `(2 log₂n + 7)·6e-8` on a net, λ the matrix's own eigenvalues. These
/// are computed in f64.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel};
/// # use gristmill::methods::LatticeGram;
/// # use ndarray::Array1;
/// let context = Context::open_blocking()?;
/// let gram = LatticeGram::of_lattice(&context, &"bernoulli(order=2)".parse::<Kernel>()?, 256, 3)?;
/// let v = context.upload(&Array1::from_shape_fn(256, |i| (i as f32).sin()))?;
/// let y = gram.matvec(&v)?; // as gram(&x, &x, &kernel) times v
/// let back = gram.solve(&y, 1e-2)?; // (K + 0.01 I)⁻¹ y
/// # let _ = back.read_blocking()?;
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LatticeGram {
    context: Context,
    form: Form,
    eigenvalues: Vec<f64>,
}

#[derive(Debug, Clone)]
enum Form {
    /// The first column of a circulant matrix.
    Circulant(Tensor),
    /// The eigenvalues over n of a matrix of i ⊕ j.
    Dyadic(Tensor),
}

impl LatticeGram {
    /// Of a kernel of `x − y` modulo 1 on the [`lattice`] of n points, whatever its shift.
    ///
    /// # Errors
    /// As [`lattice`]; [`Error::InvalidArgument`] if the kernel is another; the device's errors.
    pub fn of_lattice(context: &Context, kernel: &Kernel, n: usize, d: usize) -> Result<Self> {
        let x = lattice(n, d, &vec![0.0; d])?;
        let column = first_column(kernel, &x, |i, j| (i + n - j) % n, "x − y modulo 1")?;
        let complex: Vec<_> = column.iter().map(|value| (*value, 0.0)).collect();
        let eigenvalues = spectrum(&complex).into_iter().map(|(re, _)| re).collect();
        Self::new(context, eigenvalues, true)
    }

    /// Of a kernel of `x ⊖ y`, digit by digit, on the [`digital_net`] of n points, whatever its shift.
    ///
    /// # Errors
    /// As [`digital_net`]; [`Error::InvalidArgument`] if the kernel is another; the device's errors.
    pub fn of_digital_net(context: &Context, kernel: &Kernel, n: usize, d: usize) -> Result<Self> {
        let x = digital_net(n, d, &vec![0.0; d])?;
        let mut eigenvalues = first_column(kernel, &x, |i, j| i ^ j, "x and y digit by digit")?;
        let mut span = 1;
        while span < n {
            for pair in eigenvalues.chunks_exact_mut(2 * span) {
                let (low, high) = pair.split_at_mut(span);
                low.iter_mut().zip(high).for_each(|(low, high)| (*low, *high) = (*low + *high, *low - *high));
            }
            span *= 2;
        }
        Self::new(context, eigenvalues, false)
    }

    fn new(context: &Context, eigenvalues: Vec<f64>, circulant: bool) -> Result<Self> {
        let n = eigenvalues.len() as f64;
        let narrow = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            context.upload(&ndarray::Array1::from(values))
        };
        let form = if circulant {
            // The eigenvalues are real and λ_k = λ_{n−k}: there and back are the same.
            let complex: Vec<_> = eigenvalues.iter().map(|value| (*value, 0.0)).collect();
            Form::Circulant(narrow(&mut spectrum(&complex).into_iter().map(|(re, _)| re / n))?)
        } else {
            Form::Dyadic(narrow(&mut eigenvalues.iter().map(|value| value / n))?)
        };
        Ok(Self { context: context.clone(), form, eigenvalues })
    }

    /// The eigenvalues, in the order of the transform; their logarithms sum to the log-determinant.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// `K v` for vectors along the last axis of `v`, … × n.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the last axis is not n; the device's errors.
    pub fn matvec(&self, v: &Tensor) -> Result<Tensor> {
        let op = "LatticeGram::matvec";
        let n = self.eigenvalues.len();
        if v.shape().last() != Some(&n) {
            return Err(Error::shape(op, format!("v has shape {:?}; its last axis must be {n}", v.shape())));
        }
        match &self.form {
            Form::Circulant(column) => {
                let options = ConvolveOptions {
                    method: Method::Fft,
                    rank: Some(1),
                    circular: true,
                    ..ConvolveOptions::default()
                };
                // One column serves every vector.
                let strides = (1..=v.rank()).map(|axis| usize::from(axis == v.rank())).collect();
                let layout = Layout { shape: v.shape().to_vec(), strides, offset: 0 };
                convolve(v, &column.with_layout(layout), &options)
            }
            Form::Dyadic(eigenvalues) => {
                let axis = v.rank() - 1;
                let coefficients = hadamard::tapered(op, v, None, axis, WalshOrder::Natural, 1.0)?;
                hadamard::tapered(op, &coefficients, Some(eigenvalues), axis, WalshOrder::Natural, 1.0)
            }
        }
    }

    /// `(K + noise I)⁻¹`, in the same form: keep it where many right sides come.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the noise is negative, or so small that an eigenvalue is lost in the rounding of the
    /// largest; the device's errors.
    pub fn inverse(&self, noise: f64) -> Result<Self> {
        let largest = self.eigenvalues.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let least = self.eigenvalues.iter().fold(f64::INFINITY, |least, value| least.min(value + noise));
        if !(noise >= 0.0 && least > 1e-14 * largest) {
            let message =
                format!("leaves a smallest eigenvalue of {least:e} beside the largest of {largest:e}; give more");
            return Err(Error::argument("LatticeGram::inverse", format!("noise {noise}"), message));
        }
        let inverse = self.eigenvalues.iter().map(|value| 1.0 / (value + noise)).collect();
        Self::new(&self.context, inverse, matches!(self.form, Form::Circulant(_)))
    }

    /// `(K + noise I)⁻¹ v` for vectors along the last axis of `v`, … × n.
    ///
    /// # Errors
    /// As [`inverse`](LatticeGram::inverse) and [`matvec`](LatticeGram::matvec).
    pub fn solve(&self, v: &Tensor, noise: f64) -> Result<Tensor> {
        self.inverse(noise)?.matvec(v)
    }
}

/// `k(x_i, x_0)` for every i, and a look at other columns: entry (i, j) must be entry `place(i, j)` of the first.
fn first_column(
    kernel: &Kernel,
    x: &Array2<f64>,
    place: impl Fn(usize, usize) -> usize,
    what: &str,
) -> Result<Vec<f64>> {
    let function = kernel.pair_function(x.ncols())?;
    let rows: Vec<Vec<f64>> = x.rows().into_iter().map(|row| row.to_vec()).collect();
    let column: Vec<f64> = rows.iter().map(|row| function.evaluate(row, &rows[0])).collect();
    let n = rows.len();
    let size = column.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    for sample in 0..n.min(64) {
        let (i, j) = (sample * 7919 % n, (sample * 104_729 + n / 3) % n);
        let (value, first) = (function.evaluate(&rows[i], &rows[j]), column[place(i, j)]);
        if (value - first).abs() > 1e-9 * size || !value.is_finite() {
            let message = format!("is no function of {what} alone on these points: {value} is not {first}");
            return Err(Error::argument("LatticeGram", format!("kernel {kernel}"), message));
        }
    }
    Ok(column)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Against `scipy.stats.qmc.Sobol(5, scramble=False)`, eighths, whose Gray code is taken back here.
    #[test]
    fn nets_are_those_of_scipy() {
        let gray = [
            [0, 0, 0, 0, 0],
            [4, 4, 4, 4, 4],
            [6, 2, 2, 2, 6],
            [2, 6, 6, 6, 2],
            [3, 3, 5, 7, 3],
            [7, 7, 1, 3, 7],
            [5, 1, 7, 5, 5],
            [1, 5, 3, 1, 1],
        ];
        let x = digital_net(8, 5, &[0.0; 5]).unwrap();
        for (i, row) in gray.iter().enumerate() {
            assert_eq!(x.row(i ^ (i >> 1)).map(|x| (x * 8.0) as i32).to_vec(), row);
        }
    }

    /// Every feature of a net, and of a lattice with its odd generators, has every multiple of 1/n once.
    #[test]
    fn every_projection_is_a_grid() {
        let shift = random_shift(32, 3, 0);
        for x in [digital_net(256, 32, &shift).unwrap(), lattice(256, 32, &shift).unwrap()] {
            for column in x.columns() {
                let mut cells: Vec<usize> = column.iter().map(|x| (x * 256.0) as usize).collect();
                cells.sort_unstable();
                assert_eq!(cells, (0..256).collect::<Vec<_>>());
                assert!(column.iter().all(|x| f64::from(*x as f32) == *x));
            }
        }
    }

    #[test]
    fn wrong_arguments_are_told() {
        assert!(lattice(12, 2, &[0.0; 2]).is_err());
        assert!(lattice(16, 0, &[]).is_err());
        assert!(digital_net(16, 33, &[0.0; 33]).is_err());
        assert!(digital_net(16, 2, &[0.0]).is_err());
    }
}
