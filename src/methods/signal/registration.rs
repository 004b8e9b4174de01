//! Registration: by how much one image is shifted against another.

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{Extremes, FftOptions, ReduceOptions, entrywise, irfft, largest, rfft};
use crate::tensor::{Tensor, upload_slice};

/// The phase correlation of two images of one shape, 1 to 3 axes: the inverse transform of `F conj(G) / |F conj(G)|`.
///
/// Only what moves a picture is left of the spectra, so that a shift shows as one high entry, at the shift modulo the shape.
/// [`phase_shift`] says where.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the shapes differ, or there are no entries or more than 3 axes; the device's errors.
///
/// # Accuracy
/// Relative L2 error of two transforms, relative to each coefficient before the magnitude is taken out: coefficients that are
/// rounding become phases of rounding.
///
/// # Sources
/// Kuglin and Hines, "The phase correlation image alignment method", 1975.
pub fn phase_correlation(reference: &Tensor, moving: &Tensor) -> Result<Tensor> {
    let op = "phase_correlation";
    let shape = reference.shape();
    if shape != moving.shape() || reference.is_empty() || !(1..=3).contains(&shape.len()) {
        let message = format!(
            "the reference has shape {shape:?}, the moving image {:?}; they must be alike, of 1 to 3 axes, and not empty",
            moving.shape()
        );
        return Err(Error::shape(op, message));
    }
    let axes = (0..shape.len()).collect::<Vec<_>>();
    let (f, g) = (rfft(reference, &FftOptions::axes(&axes))?, rfft(moving, &FftOptions::axes(&axes))?);
    // A coefficient of no magnitude has no phase; the bound is scikit-image's.
    let least = f64::from(100.0 * f32::EPSILON).sqrt();
    let phase = |z: Expr| &z / z.sqnorm().sqrt().max(least);
    let (f_at, g_at) = (phase(Expr::vi(0, 2)), phase(Expr::vi(1, 2)));
    let phases = entrywise::complex_product(&f_at, &entrywise::conjugate(&g_at));
    let phases = entrywise::zip_complex(op, [&f, &g], phases)?;
    irfft(&phases, &FftOptions { lengths: Some(shape.to_vec()), ..FftOptions::axes(&axes) })
}

/// By how many entries `moving` has to be shifted along each axis to lie on `reference`, from the largest entry of their
/// [`phase_correlation`].
///
/// # Errors
/// As [`phase_correlation`].
///
/// # Accuracy
/// Whole entries: exact as long as the peak stands out of the noise.
///
/// # Sources
/// scikit-image, `skimage.registration.phase_cross_correlation` with `upsample_factor=1`.
///
/// # Examples
/// ```
/// # use gristmill::{Context, roll};
/// # use gristmill::methods::signal::phase_shift_blocking;
/// # use ndarray::Array2;
/// let context = Context::open_blocking()?;
/// let reference = context.upload(&Array2::from_shape_fn((16, 21), |(y, x)| ((y * 31 + x * x * 17 + x * y * 3) % 23) as f32))?;
/// let moving = roll(&reference, &[-3, 5])?;
/// assert_eq!(phase_shift_blocking(&reference, &moving)?, [3, -5]);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub async fn phase_shift(reference: &Tensor, moving: &Tensor) -> Result<Vec<isize>> {
    let map = phase_correlation(reference, moving)?;
    let (place, _) = peak("phase_shift", &map, true)?.read().await?;
    // Past the middle a shift is one the other way.
    let shift = |(at, &n): (usize, &usize)| if at > n / 2 { at as isize - n as isize } else { at as isize };
    Ok(place.into_iter().zip(map.shape()).map(shift).collect())
}

/// [`phase_shift`], blocking the thread.
///
/// # Errors
/// As [`phase_shift`].
#[cfg(not(target_arch = "wasm32"))]
pub fn phase_shift_blocking(reference: &Tensor, moving: &Tensor) -> Result<Vec<isize>> {
    pollster::block_on(phase_shift(reference, moving))
}

/// The largest entry of a tensor, or that of the largest magnitude.
pub(super) fn peak(op: &'static str, map: &Tensor, magnitude: bool) -> Result<Peak> {
    if map.is_empty() {
        return Err(Error::shape(op, format!("a map of shape {:?} has no largest entry", map.shape())));
    }
    let value = Expr::variable(0);
    let finish = if magnitude { value.abs() } else { value };
    // Entries as rows of one feature; the inner product with `[1]` is the entry.
    let function = PairFunction { terms: vec![Metric::INNER_PRODUCT], finish };
    let one = upload_slice(map.executor(), &[1.0f32], &[1, 1])?;
    let entries = map.reshape(&[map.len(), 1])?;
    let found = largest(&one, &entries, &function, 1, &ReduceOptions::default())?;
    Ok(Peak { found, shape: map.shape().to_vec() })
}

/// Where the search for a largest entry is recorded.
pub(super) struct Peak {
    found: Extremes,
    shape: Vec<usize>,
}

impl Peak {
    /// The place, and the value.
    pub(super) async fn read(self) -> Result<(Vec<usize>, f32)> {
        let flat = self.found.indices.read().await?.first().map_or(0, |index| *index as usize);
        let value = self.found.values.read().await?.first().copied().unwrap_or(f32::NAN);
        let mut rest = flat;
        let mut place = vec![0; self.shape.len()];
        for (at, n) in place.iter_mut().zip(&self.shape).rev() {
            *at = rest % n;
            rest /= n;
        }
        Ok((place, value))
    }
}
