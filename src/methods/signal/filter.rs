//! Filters of images and signals: Gaussian, uniform, and any other that is a sum of weighted neighbours.

use crate::error::{Error, Result};
use crate::ops::{ConvolveOptions, convolve_separable, correlate};
use crate::tensor::{Tensor, upload_slice};
use crate::work::{Boundary, Mode};

/// Options of the filters; the defaults are those of `scipy.ndimage`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterOptions {
    /// What lies beyond the edges; `Reflect`.
    pub boundary: Boundary,
    /// By how many entries the filter is shifted along each filtered axis, a positive number towards earlier entries; 0.
    pub origin: [isize; 3],
    /// Where a Gaussian ends, in standard deviations; 4.
    pub truncate: f64,
}

impl Default for FilterOptions {
    fn default() -> Self {
        Self { boundary: Boundary::Reflect, origin: [0; 3], truncate: 4.0 }
    }
}

/// Gaussian smoothing along the last axes, one standard deviation for each of them; 0 leaves an axis as it is.
///
/// The kernel is `exp(−t²/2σ²)` at whole t up to `truncate · σ`, rounded, divided by its sum. `out` has the shape of `x`.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are not 1 to 3 deviations, or one of them or `truncate` is negative or not finite;
/// those of [`convolve_separable`].
///
/// # Accuracy
/// That of [`convolve_separable`].
///
/// # Sources
/// SciPy, `scipy.ndimage.gaussian_filter`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::{FilterOptions, gaussian_filter};
/// # use ndarray::Array2;
/// let context = Context::open_blocking()?;
/// let image = context.upload(&Array2::from_elem((9, 12), 0.5f32))?;
/// let smooth = gaussian_filter(&image, &[1.5, 1.5], &FilterOptions::default())?.read_blocking()?;
/// assert!(smooth.iter().all(|v| (v - 0.5).abs() < 1e-6));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn gaussian_filter(x: &Tensor, sigma: &[f64], options: &FilterOptions) -> Result<Tensor> {
    let op = "gaussian_filter";
    for (name, value) in sigma.iter().map(|s| ("sigma", *s)).chain([("truncate", options.truncate)]) {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::argument(op, format!("{name} = {value}"), "must be a finite number from 0 on"));
        }
    }
    let kernel = |sigma: f64| -> Vec<f64> {
        let radius = (options.truncate * sigma + 0.5).floor();
        if sigma < 1e-15 || radius < 1.0 {
            return vec![1.0];
        }
        let taps: Vec<f64> =
            (0..=2 * radius as u64).map(|t| (-0.5 * ((t as f64 - radius) / sigma).powi(2)).exp()).collect();
        let sum: f64 = taps.iter().sum();
        taps.into_iter().map(|tap| tap / sum).collect()
    };
    if let Some(wide) = sigma.iter().find(|sigma| *sigma * options.truncate > WIDEST) {
        return Err(Error::argument(op, format!("sigma = {wide}"), format!("reaches further than {WIDEST} entries")));
    }
    separable(op, x, sigma.iter().map(|s| kernel(*s)).collect(), options)
}

/// How far a Gaussian may reach.
const WIDEST: f64 = 1e7;

/// Means over boxes of `size` entries along the last axes.
///
/// `out[t] = (1/size) Σₛ x[t + s − ⌊size/2⌋ − origin]`, s from 0 to size − 1, along each axis; `out` has the shape of `x`.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are not 1 to 3 sizes, one of them is 0, or an origin lies outside the box; those of
/// [`convolve_separable`].
///
/// # Accuracy
/// That of [`convolve_separable`].
///
/// # Sources
/// SciPy, `scipy.ndimage.uniform_filter`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::{FilterOptions, uniform_filter};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![0.0, 3.0, 6.0, 0.0])?;
/// let means = uniform_filter(&x, &[3], &FilterOptions::default())?.read_blocking()?;
/// let expected = [1.0, 3.0, 3.0, 2.0];
/// assert!(means.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6));
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn uniform_filter(x: &Tensor, size: &[usize], options: &FilterOptions) -> Result<Tensor> {
    let op = "uniform_filter";
    let most = WIDEST as usize;
    if let Some(bad) = size.iter().find(|size| **size == 0 || **size > most) {
        return Err(Error::argument(op, format!("size {bad}"), format!("must be 1 to {most}")));
    }
    separable(op, x, size.iter().map(|&n| vec![1.0 / n as f64; n]).collect(), options)
}

/// Sums of neighbours along the last axes with any weights, `out[t] = Σₛ x[t + s − ⌊k/2⌋ − origin] w[s]`.
///
/// `weights` has as many axes as are filtered, 1 to 3; `out` has the shape of `x`.
///
/// # Errors
/// Those of [`correlate`].
///
/// # Accuracy
/// That of [`correlate`].
///
/// # Sources
/// SciPy, `scipy.ndimage.correlate`.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::{FilterOptions, correlate_filter};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 4.0, 9.0])?;
/// let slope = context.upload(&array![-0.5, 0.0, 0.5])?;
/// let y = correlate_filter(&x, &slope, &FilterOptions::default())?.read_blocking()?;
/// assert_eq!(y, array![1.5_f32, 4.0, 2.5].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn correlate_filter(x: &Tensor, weights: &Tensor, options: &FilterOptions) -> Result<Tensor> {
    check_origin("correlate_filter", weights.shape(), options)?;
    let FilterOptions { boundary, origin, .. } = *options;
    let rank = Some(weights.rank());
    correlate(x, weights, &ConvolveOptions { rank, boundary, origin, ..ConvolveOptions::mode(Mode::Same) })
}

/// Symmetric kernels along the last axes.
fn separable(op: &'static str, x: &Tensor, kernels: Vec<Vec<f64>>, options: &FilterOptions) -> Result<Tensor> {
    if kernels.is_empty() || kernels.len() > 3 || kernels.len() > x.rank() {
        let message = format!("must be 1, 2 or 3 and at most the {} axes of x", x.rank());
        return Err(Error::argument(op, format!("{} filtered axes", kernels.len()), message));
    }
    let upload = |taps: &Vec<f64>| {
        upload_slice(x.executor(), &taps.iter().map(|tap| *tap as f32).collect::<Vec<_>>(), &[taps.len()])
    };
    let taps = kernels.iter().map(upload).collect::<Result<Vec<_>>>()?;
    check_origin(op, &kernels.iter().map(Vec::len).collect::<Vec<_>>(), options)?;
    // A convolution reads the taps, which are the same both ways, from their end.
    let origin = options.origin.map(|origin| -origin);
    let options = ConvolveOptions { boundary: options.boundary, origin, ..ConvolveOptions::mode(Mode::Same) };
    convolve_separable(x, &taps.iter().collect::<Vec<_>>(), &options)
}

/// An entry must be among those that its sum is over.
fn check_origin(op: &'static str, sizes: &[usize], options: &FilterOptions) -> Result<()> {
    for (&size, origin) in sizes.iter().zip(options.origin) {
        let (least, most) = (-((size / 2) as isize), size.saturating_sub(1) as isize - (size / 2) as isize);
        if size > 0 && !(least..=most).contains(&origin) {
            let message = format!("must be from {least} to {most} for a size of {size}");
            return Err(Error::argument(op, format!("origin {origin}"), message));
        }
    }
    Ok(())
}
