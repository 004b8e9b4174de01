//! A photograph blurred by a motion of 61 pixels, and its Wiener deconvolution.
//!
//! `cargo run --release --example deblur [DIRECTORY]` writes blurred.png and restored.png there, into target/deblur
//! without it; GRISTMILL_ADAPTER chooses the adapter.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use gristmill::{Context, ContextOptions, ConvolveOptions, FftOptions, Method, Mode, convolve, irfft, rfft};
use ndarray::{Array2, Ix2, s};

/// Length of the motion.
const LENGTH: usize = 61;
/// Power of the noise over that of the photograph. Rounding to 256 grey levels leaves 1/12 of a variance of about 5000;
/// most of a photograph's power lies in low frequencies, so that in the others the share is some fifteen times as much.
const NOISE: f32 = 3e-4;

fn main() -> Result<()> {
    let sharp = photograph(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/camera.png"))?;
    let (height, width) = sharp.dim();
    let adapter = std::env::var("GRISTMILL_ADAPTER").unwrap_or("auto".into());
    let context = Context::with_options_blocking(ContextOptions::named(&adapter))?;

    let motion = context.upload(&Array2::from_elem((1, LENGTH), 1.0 / LENGTH as f32))?;
    let options = ConvolveOptions { mode: Mode::Full, method: Method::Fft, ..ConvolveOptions::default() };
    let blurred =
        convolve(&context.upload(&sharp)?, &motion, &options)?.read_blocking()?.into_dimensionality::<Ix2>()?;
    // What a file keeps of it: 256 grey levels.
    let blurred = blurred.mapv(|grey| grey.round().clamp(0.0, 255.0));

    // X = Y conj(H) / (|H|² + noise), the transforms as long as the full convolution: nothing wraps around.
    let lengths = vec![height, (width + LENGTH - 1).next_multiple_of(8)];
    let options = FftOptions { axes: Some(vec![0, 1]), lengths: Some(lengths), ..FftOptions::default() };
    let mut spectrum = rfft(&context.upload(&blurred)?, &options)?.read_blocking()?;
    let response = rfft(&motion, &options)?.read_blocking()?;
    spectrum.zip_mut_with(&response, |y, h| *y *= h.conj() / (h.norm_sqr() + NOISE));
    let restored = irfft(&context.upload(&spectrum)?, &options)?.read_blocking()?.into_dimensionality::<Ix2>()?;
    let restored = restored.slice(s![..height, ..width]).to_owned();

    let middle = blurred.slice(s![.., LENGTH / 2..LENGTH / 2 + width]).to_owned();
    println!(
        "blurred  {:.1} dB\nrestored {:.1} dB",
        peak_signal_to_noise(&sharp, &middle),
        peak_signal_to_noise(&sharp, &restored)
    );
    println!("on {}", context.info());
    let directory = std::env::args().nth(1).map_or_else(|| PathBuf::from("target/deblur"), PathBuf::from);
    write(&directory, "blurred.png", &middle)?;
    write(&directory, "restored.png", &restored)
}

fn peak_signal_to_noise(a: &Array2<f32>, b: &Array2<f32>) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}

fn photograph(path: &str) -> Result<Array2<f32>> {
    let image = image::open(path).context(path.to_owned())?.to_luma32f();
    let shape = (image.height() as usize, image.width() as usize);
    Ok(Array2::from_shape_vec(shape, image.into_raw())?.mapv(|grey| (grey * 255.0).round()))
}

fn write(directory: &Path, name: &str, grey: &Array2<f32>) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let path = directory.join(name);
    let (height, width) = grey.dim();
    let bytes: Vec<u8> = grey.iter().map(|grey| grey.round().clamp(0.0, 255.0) as u8).collect();
    image::save_buffer(&path, &bytes, width as u32, height as u32, image::ExtendedColorType::L8)?;
    println!("wrote {}", path.display());
    Ok(())
}
