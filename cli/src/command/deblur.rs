//! `gristmill deblur`: Wiener deconvolution with a known point-spread function.

use anyhow::{Result, ensure};
use gristmill::{Context, FftOptions};
use ndarray::{Array2, ArrayView2, Axis, Ix2, Zip, s, stack};
use serde_json::json;

use super::Job;
use super::convolve::{full_bytes, plane, scale_to_one, warn_of_clipping};
use crate::args::{Deblur, General};
use crate::format::{Kind, Output, Picture, Values, read_real, shape_text};
use crate::usage;

pub(super) fn run(general: &General, args: &Deblur) -> Result<()> {
    if !(args.balance > 0.0 && args.balance.is_finite()) {
        return Err(usage(format!("deblur: --balance {} must be above 0 (try 1e-3)", args.balance)));
    }
    let mut job = Job::new("deblur", general);
    let output = Output::create(&args.output, &[Kind::Picture, Kind::Npy])?;
    let picture = if Kind::of(&args.image)? == Kind::Picture {
        Picture::read(&args.image)?
    } else {
        let input = read_real(&args.image)?;
        job.took("image", &input, input.array.shape());
        let shape = shape_text(input.array.shape());
        ensure!(
            input.array.ndim() == 2 && !input.array.is_empty(),
            "{}: has shape {shape}; a grey picture has two axes",
            args.image
        );
        Picture::grey(input.array.into_dimensionality::<Ix2>()?)
    };
    let mut psf = plane(&mut job, "psf", &args.psf)?;
    scale_to_one(&mut psf, &args.psf)?;
    let psf = psf.into_dimensionality::<Ix2>()?;
    job.holds(full_bytes(picture.channels.shape(), psf.shape()))?;
    let context = job.open()?;
    let channels: Vec<Array2<f32>> = picture
        .channels
        .outer_iter()
        .map(|channel| wiener(&context, channel, psf.view(), args.balance))
        .collect::<Result<_>>()?;
    let views: Vec<_> = channels.iter().map(|channel| channel.view()).collect();
    let restored = stack(Axis(0), &views)?;
    let shape = restored.shape().to_vec();
    if output.kind() == Kind::Picture {
        let restored = picture.with_channels(restored);
        warn_of_clipping(&job, &restored);
        output.picture(&restored)?;
    } else {
        let grey = shape.first() == Some(&1);
        let restored = if grey { restored.index_axis_move(Axis(0), 0).into_dyn() } else { restored.into_dyn() };
        output.array(&Values::Real(restored))?;
    }
    job.done(&context.info().to_string(), &args.output, &shape, json!({}))
}

/// The picture whose blur by `psf` (of sum 1) is most likely `image`: its spectrum times conj(H) / (|H|² + balance).
///
/// Opposite edges are faded into each other over the length of the blur, because the transform sees the picture as
/// periodic: a jump there would ring through all of it.
pub(crate) fn wiener(
    context: &Context,
    image: ArrayView2<'_, f32>,
    psf: ArrayView2<'_, f32>,
    balance: f32,
) -> Result<Array2<f32>> {
    let (height, width) = image.dim();
    let (psf_height, psf_width) = psf.dim();
    let size = [easy_length(height + psf_height), easy_length(width + psf_width)];
    let faded = fade(image, size);
    let mut centred = Array2::<f32>::zeros(size);
    for ((y, x), &value) in psf.indexed_iter() {
        // The middle of the point-spread function goes to the origin, so that nothing moves.
        let row = (y + size[0] - (psf_height - 1) / 2) % size[0];
        let column = (x + size[1] - (psf_width - 1) / 2) % size[1];
        centred[[row, column]] += value;
    }
    let options = FftOptions { axes: Some(vec![0, 1]), ..FftOptions::default() };
    let picture = gristmill::rfft(&context.upload(&faded)?, &options)?.read_blocking()?;
    let blur = gristmill::rfft(&context.upload(&centred)?, &options)?.read_blocking()?;
    let mut restored = picture;
    Zip::from(&mut restored).and(&blur).for_each(|y, h| *y *= h.conj() / (h.norm_sqr() + balance));
    let back = FftOptions { lengths: Some(size.to_vec()), ..options };
    let restored = gristmill::irfft(&context.upload(&restored)?, &back)?.read_blocking()?;
    Ok(restored.into_dimensionality::<Ix2>()?.slice(s![..height, ..width]).to_owned())
}

/// Extends an image to `size`; what is added leads from the last row (column) back to the first.
fn fade(image: ArrayView2<'_, f32>, size: [usize; 2]) -> Array2<f32> {
    let (height, width) = image.dim();
    let between = |place: usize, length: usize, size: usize| match place.checked_sub(length) {
        None => (place, place, 0.0),
        Some(past) => (length - 1, 0, (past + 1) as f32 / (size - length + 1) as f32),
    };
    Array2::from_shape_fn(size, |(y, x)| {
        let (top, bottom, down) = between(y, height, size[0]);
        let (left, right, across) = between(x, width, size[1]);
        let upper = image[[top, left]] * (1.0 - across) + image[[top, right]] * across;
        let lower = image[[bottom, left]] * (1.0 - across) + image[[bottom, right]] * across;
        upper * (1.0 - down) + lower * down
    })
}

/// The next length whose only prime factors are 2, 3 and 5.
fn easy_length(least: usize) -> usize {
    (least.max(1)..)
        .find(|&n| {
            let mut rest = n;
            for factor in [2, 3, 5] {
                while rest % factor == 0 {
                    rest /= factor;
                }
            }
            rest == 1
        })
        .unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_easy() {
        assert_eq!([1, 7, 11, 573, 577].map(easy_length), [1, 8, 12, 576, 600]);
    }

    #[test]
    fn fading_keeps_the_picture_and_joins_its_edges() {
        let image = Array2::from_shape_fn((3, 4), |(y, x)| (y * 4 + x) as f32);
        let faded = fade(image.view(), [5, 8]);
        assert_eq!(faded.slice(s![..3, ..4]), image);
        assert!((faded[[0, 7]] - (0.2 * 3.0)).abs() < 1e-6);
    }
}
