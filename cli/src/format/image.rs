//! Pictures: PNG and JPEG, grey and colour, as channels of numbers from 0 to 1.

use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use image::{ColorType, DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, ImageReader};
use ndarray::{Array2, Array3, ArrayView2, Axis, s};

/// Channels × height × width, 0 is black and 1 is white. An alpha channel is kept aside, unchanged.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) channels: Array3<f32>,
    alpha: Option<Array2<f32>>,
    /// Whether the file had 16 bits per channel.
    deep: bool,
}

impl Picture {
    /// A picture of one grey channel.
    pub(crate) fn grey(grey: Array2<f32>) -> Self {
        Self { channels: grey.insert_axis(Axis(0)), alpha: None, deep: false }
    }

    /// A grey picture of 65,536 levels as the bytes of a PNG.
    pub(crate) fn deep_grey_png(grey: &Array2<f32>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Self { deep: true, ..Self::grey(grey.clone()) }.write("picture.png", &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn read(path: &str) -> Result<Self> {
        let reader =
            ImageReader::open(path).and_then(ImageReader::with_guessed_format).with_context(|| path.to_owned())?;
        Self::from_image(&reader.decode().map_err(|error| super::plain(error.into())).with_context(|| path.to_owned())?)
            .with_context(|| path.to_owned())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_image(&image::load_from_memory(bytes)?)
    }

    fn from_image(image: &DynamicImage) -> Result<Self> {
        let color = image.color();
        let deep = !matches!(color, ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8);
        let (colours, has_alpha) = (if color.has_color() { 3 } else { 1 }, color.has_alpha());
        let (width, height) = (image.width() as usize, image.height() as usize);
        let flat: Vec<f32> = match (colours, has_alpha) {
            (1, false) => image.to_luma16().into_raw().into_iter().map(level).collect(),
            (1, true) => image.to_luma_alpha16().into_raw().into_iter().map(level).collect(),
            (_, false) => image.to_rgb16().into_raw().into_iter().map(level).collect(),
            (_, true) => image.to_rgba16().into_raw().into_iter().map(level).collect(),
        };
        let all = colours + usize::from(has_alpha);
        let pixels = Array3::from_shape_vec((height, width, all), flat)?.permuted_axes([2, 0, 1]);
        let channels = pixels.slice(s![..colours, .., ..]).as_standard_layout().into_owned();
        let alpha = has_alpha.then(|| pixels.index_axis(Axis(0), colours).as_standard_layout().into_owned());
        Ok(Self { channels, alpha, deep })
    }

    /// This picture's depth and, where the size is unchanged, transparency with other channels.
    pub(crate) fn with_channels(&self, channels: Array3<f32>) -> Self {
        let same = channels.shape()[1..] == self.channels.shape()[1..];
        Self { channels, alpha: self.alpha.clone().filter(|_| same), deep: self.deep }
    }

    /// This picture in colour, with a red frame around a box of `height` × `width` pixels.
    pub(crate) fn framed(&self, (top, left): (usize, usize), (height, width): (usize, usize)) -> Self {
        let (count, rows, columns) = self.channels.dim();
        let thick = (rows.min(columns) / 256).max(1);
        let outer = |from: usize| from.saturating_sub(thick);
        let within = |y: usize, x: usize| {
            let near =
                (outer(top)..top + height + thick).contains(&y) && (outer(left)..left + width + thick).contains(&x);
            near && !((top..top + height).contains(&y) && (left..left + width).contains(&x))
        };
        let channels = Array3::from_shape_fn((3, rows, columns), |(c, y, x)| match (within(y, x), c) {
            (true, 0) => 1.0,
            (true, _) => 0.0,
            _ => self.channels[[c.min(count - 1), y, x]],
        });
        self.with_channels(channels)
    }

    /// The mean of the channels.
    pub(crate) fn to_grey(&self) -> Array2<f32> {
        self.channels.mean_axis(Axis(0)).unwrap_or_default()
    }

    /// Values that are not between 0 and 1 and are cut off by [`Picture::write`].
    pub(crate) fn clipped(&self) -> usize {
        // Half a level of an 8-bit file is rounding, not clipping.
        self.channels.iter().filter(|v| !(-0.002..=1.002).contains(*v)).count()
    }

    /// Writes PNG, or JPEG where the path ends so.
    pub(crate) fn write(&self, path: &str, to: &mut impl Write) -> Result<()> {
        let (colours, height, width) = self.channels.dim();
        ensure!(width > 0 && height > 0, "a picture of {height}×{width} pixels cannot be written");
        let jpeg = Path::new(path)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"));
        let mut planes: Vec<ArrayView2<'_, f32>> = self.channels.outer_iter().collect();
        if let Some(alpha) = self.alpha.as_ref().filter(|_| !jpeg) {
            planes.push(alpha.view());
        }
        let deep = self.deep && !jpeg;
        let mut bytes = Vec::with_capacity(width * height * planes.len() * if deep { 2 } else { 1 });
        for y in 0..height {
            for x in 0..width {
                for plane in &planes {
                    let value = plane[[y, x]].clamp(0.0, 1.0);
                    if deep {
                        bytes.extend_from_slice(&((value * 65535.0).round() as u16).to_ne_bytes());
                    } else {
                        bytes.push((value * 255.0).round() as u8);
                    }
                }
            }
        }
        let color = match (colours, planes.len() > colours, deep) {
            (1, false, false) => ExtendedColorType::L8,
            (1, true, false) => ExtendedColorType::La8,
            (1, false, true) => ExtendedColorType::L16,
            (1, true, true) => ExtendedColorType::La16,
            (_, false, false) => ExtendedColorType::Rgb8,
            (_, true, false) => ExtendedColorType::Rgba8,
            (_, false, true) => ExtendedColorType::Rgb16,
            (_, true, true) => ExtendedColorType::Rgba16,
        };
        if jpeg {
            image::codecs::jpeg::JpegEncoder::new_with_quality(to, 95).write_image(
                &bytes,
                width as u32,
                height as u32,
                color,
            )?;
        } else {
            let mut buffer = Cursor::new(Vec::new());
            image::write_buffer_with_format(&mut buffer, &bytes, width as u32, height as u32, color, ImageFormat::Png)?;
            to.write_all(buffer.get_ref())?;
        }
        Ok(())
    }
}

/// A grey picture as the bytes of a PNG.
pub(crate) fn grey_png(grey: &Array2<f32>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Picture::grey(grey.clone()).write("picture.png", &mut bytes)?;
    Ok(bytes)
}

fn level(value: u16) -> f32 {
    f32::from(value) / 65535.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn grey_levels_survive_a_round_trip() {
        let grey = Array2::from_shape_fn((3, 5), |(y, x)| (y * 5 + x) as f32 * 17.0 / 255.0);
        let back = Picture::from_bytes(&grey_png(&grey).unwrap()).unwrap();
        assert_eq!(back.channels.dim(), (1, 3, 5));
        assert!((&back.to_grey() - &grey).iter().all(|d| d.abs() < 1e-6));
    }

    #[test]
    fn sixteen_bits_are_kept() {
        let levels: Vec<u16> = (0..15).map(|i| i * 4369 + 1).collect();
        let bytes: Vec<u8> = levels.iter().flat_map(|level| level.to_ne_bytes()).collect();
        let mut file = Cursor::new(Vec::new());
        let color = ExtendedColorType::L16;
        image::write_buffer_with_format(&mut file, &bytes, 5, 3, color, ImageFormat::Png).unwrap();
        let picture = Picture::from_bytes(file.get_ref()).unwrap();
        let seen: Vec<f32> = levels.iter().map(|v| level(*v)).collect();
        assert_eq!(picture.channels.iter().copied().collect::<Vec<_>>(), seen);
        let mut again = Vec::new();
        picture.write("again.png", &mut again).unwrap();
        let back = image::load_from_memory(&again).unwrap();
        assert_eq!((back.color(), back.into_luma16().into_raw()), (ColorType::L16, levels));
    }

    /// Two pixels, the second and the first of two colours, 1 bit each.
    const PALETTED: [u8; 85] = [
        0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, // signature
        0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 2, 0, 0, 0, 1, 1, 3, 0, 0, 0, 206, 236, 237, 201, 0, 0, 0, 6,
        b'P', b'L', b'T', b'E', 255, 0, 0, 0, 0, 255, 108, 161, 253, 142, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 120,
        156, 99, 104, 0, 0, 0, 130, 0, 129, 119, 205, 114, 182, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60,
        0x82,
    ];

    #[test]
    fn palettes_become_their_colours() {
        let picture = Picture::from_bytes(&PALETTED).unwrap();
        assert_eq!(picture.channels.dim(), (3, 1, 2));
        let pixel = |x: usize| [0, 1, 2].map(|c| picture.channels[[c, 0, x]]);
        assert_eq!((pixel(0), pixel(1)), ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]));
    }
}
