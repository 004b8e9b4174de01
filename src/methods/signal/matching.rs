//! Template matching: normalized cross-correlation.

use super::leading;
use super::registration::peak;
use super::rows::centred;
use crate::error::{Error, Result};
use crate::expr::{Expr, UNIT_ROUNDOFF};
use crate::metric::Metric;
use crate::ops::{ConvolveOptions, correlate, entrywise, gemm, paired_distances};
use crate::tensor::{Tensor, upload_slice};
use crate::work::{Layout, Mode};

/// How well `template` matches `image` at every place where it fits: the correlation coefficient of the template and
/// the window under it, `Σ (x − x̄)(t − t̄) / √(Σ (x − x̄)² Σ (t − t̄)²)`, from −1 to 1.
///
/// `template` covers as many trailing axes of `image` as it has, 1 to 3; along each of them `out` has `n − k + 1` entries, one
/// per place of the template's first entry. Brightness and contrast of a window do not matter. Where window or template
/// are flat, which is where they vary by no more than the rounding of their mean, the value is 0.
///
/// # Errors
/// [`Error::ShapeMismatch`] if `template` is empty, longer than the image, or has not 1 to 3 axes; the device's errors.
///
/// # Accuracy
/// The error of [`correlate`] for x and t without their means, divided by the root, and `(64 + ⌈k/64⌉ + 8) u` of the value:
/// the sums of squares are of differences from the window's own mean, so that nothing cancels in them.
///
/// # Sources
/// Lewis, "Fast normalized cross-correlation", 1995; scikit-image, `skimage.feature.match_template`; Chan, Golub and LeVeque,
/// "Algorithms for computing the sample variance", 1983, for joining sums of squares.
///
/// # Examples
/// ```
/// # use gristmill::Context;
/// # use gristmill::methods::signal::{best_match_blocking, match_template};
/// # use ndarray::{array, Array2};
/// let context = Context::open_blocking()?;
/// let image = Array2::from_shape_fn((20, 30), |(y, x)| ((y * 7 + x * x * x + y * x) % 31) as f32);
/// let template = image.slice(ndarray::s![5..9, 12..18]).mapv(|v| 0.1 * v + 3.0);
/// let map = match_template(&context.upload(&image)?, &context.upload(&template)?)?;
/// let (place, value) = best_match_blocking(&map)?;
/// assert_eq!(place, [5, 12]);
/// assert!((value - 1.0).abs() < 1e-4);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn match_template(image: &Tensor, template: &Tensor) -> Result<Tensor> {
    let op = "match_template";
    let leading = leading(op, image, "template", template)?;
    let n: usize = image.shape()[leading..].iter().product();
    let (image_rows, _) = centred(&image.reshape(&[image.len() / n, n])?)?;
    let image = image_rows.reshape(image.shape())?;
    let template = unit(op, template)?;
    let options = ConvolveOptions { rank: Some(template.rank()), ..ConvolveOptions::mode(Mode::Valid) };
    let product = correlate(&image, &template, &options)?;

    let (mean, squares) = window_moments(op, &image, template.shape(), leading)?;
    let [product_at, mean_at, squares_at] = [0, 1, 2].map(|number| Expr::vi(number, 1));
    let varies = squares_at.step(flat(&mean_at, template.len()));
    let value = product_at * inverse_root(&squares_at) * varies;
    entrywise::zip(op, [&product, &mean, &squares], value)
}

/// Without its mean and of norm 1; 0 if it is flat.
fn unit(op: &'static str, template: &Tensor) -> Result<Tensor> {
    let (row, mean) = centred(&template.reshape(&[1, template.len()])?)?;
    // What the rounding of the mean has left would be multiplied by the brightness of every window.
    let (row, _) = centred(&row)?;
    let squares = gemm(1.0, &row, &row.transpose(), 0.0, None)?;
    let [squares_at, mean_at] = [0, 1].map(|number| Expr::vi(number, 1));
    let scale = inverse_root(&squares_at) * squares_at.step(flat(&mean_at, template.len()));
    let scale = entrywise::zip(op, [&squares, &mean], scale)?;
    gemm(1.0, &scale, &row, 0.0, None)?.reshape(template.shape())
}

/// What rounding alone may make of the sum of squares of `count` equal numbers: each differs from the computed mean by
/// as much as that is off.
fn flat(mean: &Expr, count: usize) -> Expr {
    let relative = (64.0 + count.div_ceil(64) as f64 + 4.0) * UNIT_ROUNDOFF;
    (mean * relative).powi(2) * count as f64 + f64::from(f32::MIN_POSITIVE)
}

fn inverse_root(squares: &Expr) -> Expr {
    1.0 / squares.max(f64::from(f32::MIN_POSITIVE)).sqrt()
}

/// The mean of every window, and the sum of the squared differences from it, axis by axis: what the windows along one axis
/// vary by, and what their means vary by along the next. All terms are squares of differences, so nothing cancels.
fn window_moments(op: &'static str, x: &Tensor, window: &[usize], leading: usize) -> Result<(Tensor, Tensor)> {
    let one = upload_slice(x.executor(), &[1.0f32], &[1])?;
    let mut mean = x.contiguous()?;
    let mut squares: Option<Tensor> = None;
    let mut joined = 1.0;
    for (axis, &k) in window.iter().enumerate() {
        let axis = leading + axis;
        let ones = one.with_layout(Layout { shape: vec![k, 1], strides: vec![0, 0], offset: 0 });
        let windows = sliding(&mean, axis, k);
        let means = gemm(1.0 / k as f32, &windows, &ones, 0.0, None)?;
        let centres = means.with_layout(Layout { strides: vec![1, 0], ..windows.layout().clone() });
        let centres = centres.with_layout(Layout { offset: means.layout().offset, ..centres.layout().clone() });
        let mut within = paired_distances(&windows, &centres, &Metric::SQEUCLIDEAN)?;
        if let Some(before) = squares {
            let sums = gemm(1.0, &sliding(&before, axis, k), &ones, 0.0, None)?.reshape(within.shape())?;
            within = entrywise::zip(op, [&sums, &within], Expr::vi(0, 1) + Expr::vi(1, 1) * joined)?;
        }
        squares = Some(inside(&within, mean.shape(), axis, k)?);
        mean = inside(&means, mean.shape(), axis, k)?;
        joined *= k as f64;
    }
    let squares = squares.ok_or_else(|| Error::argument(op, "template", "has no axes"))?;
    Ok((mean, squares))
}

/// Of a tensor without gaps, the k entries along an axis from every entry on: a matrix whose rows overlap. Rows that start
/// too near the axis' end go on in the next line.
fn sliding(x: &Tensor, axis: usize, k: usize) -> Tensor {
    let stride = x.shape()[axis + 1..].iter().product::<usize>();
    let rows = x.len().saturating_sub((k - 1) * stride);
    x.with_layout(Layout { shape: vec![rows, k], strides: vec![1, stride], offset: x.layout().offset })
}

/// What rows of [`sliding`] gave, without those that went on in the next line.
fn inside(rows: &Tensor, shape: &[usize], axis: usize, k: usize) -> Result<Tensor> {
    let mut layout = Layout { offset: rows.layout().offset, ..Layout::contiguous(shape) };
    layout.shape[axis] -= k - 1;
    rows.with_layout(layout).contiguous()
}

/// The place of the largest entry, and the entry; the first of equal ones. For what [`match_template`] gives.
///
/// # Errors
/// [`Error::ShapeMismatch`] if there are no entries; the device's errors.
pub async fn best_match(map: &Tensor) -> Result<(Vec<usize>, f32)> {
    peak("best_match", map, false)?.read().await
}

/// [`best_match`], blocking the thread.
///
/// # Errors
/// As [`best_match`].
#[cfg(not(target_arch = "wasm32"))]
pub fn best_match_blocking(map: &Tensor) -> Result<(Vec<usize>, f32)> {
    pollster::block_on(best_match(map))
}
