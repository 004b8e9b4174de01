//! A photograph blurred by a motion of 61 pixels, and its Wiener deconvolution.
//!
//! `cargo run --release --example deblur [DIRECTORY]` writes blurred.png and restored.png there, into target/deblur
//! without it; GRISTMILL_ADAPTER chooses the adapter.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use gristmill::methods::signal::{Edges, wiener};
use gristmill::{Context, ContextOptions, ConvolveOptions, Method, Mode, convolve};
use ndarray::{Array2, Ix2, s};

/// Length of the motion.
const LENGTH: usize = 61;
/// How much smoothness counts beside the blurred photograph: little, since rounding to 256 grey levels is all the noise.
const BALANCE: f64 = 1e-4;

fn main() -> Result<()> {
    let sharp = photograph(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/camera.png"))?;
    let width = sharp.ncols();
    let adapter = std::env::var("GRISTMILL_ADAPTER").unwrap_or("auto".into());
    let context = Context::with_options_blocking(ContextOptions::named(&adapter))?;

    let motion = context.upload(&Array2::from_elem((1, LENGTH), 1.0 / LENGTH as f32))?;
    let options = ConvolveOptions { mode: Mode::Full, method: Method::Fft, ..ConvolveOptions::default() };
    let blurred =
        convolve(&context.upload(&sharp)?, &motion, &options)?.read_blocking()?.into_dimensionality::<Ix2>()?;
    // What a file keeps of it: 256 grey levels.
    let blurred = blurred.mapv(|grey| grey.round().clamp(0.0, 255.0));

    // The full blur is dark all around, so nothing jumps where the transform wraps around.
    let restored = wiener(&context.upload(&blurred)?, &motion, BALANCE, Edges::Periodic)?;
    let restored = restored.columns(LENGTH / 2..LENGTH / 2 + width)?.read_blocking()?.into_dimensionality::<Ix2>()?;

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
