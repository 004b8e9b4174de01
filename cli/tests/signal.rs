//! Filters, deconvolution and template matching, on files of every kind, and what is wrong with some of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Folder;
use image::{GrayImage, Luma, Rgb, RgbImage};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

fn near(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

/// The program fails with this code and message, and the folder is as it was.
fn fails(folder: &Folder, code: i32, message: &str, arguments: &[&str]) {
    let before = folder.files();
    folder.run(arguments).code(code).stderr(contains(message));
    assert_eq!(folder.files(), before, "{arguments:?}");
}

#[test]
fn filters_go_over_arrays_with_every_boundary() {
    let folder = Folder::new();
    folder.text("x.csv", "1\n2\n3\n4\n");
    folder.text("next.csv", "0\n0\n1\n");
    for (boundary, last) in [("zero", 0.0), ("reflect", 4.0), ("mirror", 3.0), ("nearest", 4.0), ("wrap", 1.0)] {
        folder.run(&["filter", "correlate", "x.csv", "next.csv", "--boundary", boundary, "-o", "y.npy"]).success();
        assert!(near(&folder.real("y.npy").1, &[2.0, 3.0, 4.0, last]), "{boundary}");
    }
    folder.run(&["filter", "uniform", "x.csv", "--size", "3", "-o", "y.npy"]).success();
    assert!(near(&folder.real("y.npy").1, &[4.0 / 3.0, 2.0, 3.0, 11.0 / 3.0]));
    folder
        .run(&["filter", "uniform", "x.csv", "--size", "2", "--origin", "-1", "--mode", "wrap", "-o", "y.npy"])
        .success();
    assert!(near(&folder.real("y.npy").1, &[1.5, 2.5, 3.5, 2.5]));
    folder.npy("spot.npy", &[5, 5], &std::array::from_fn::<f32, 25, _>(|i| f32::from(i == 12)));
    folder.run(&["filter", "gaussian", "spot.npy", "--sigma", "0.8,0", "-o", "y.npy", "--json"]).success();
    let (shape, y) = folder.real("y.npy");
    assert_eq!((shape, y[11], y[13]), (vec![5, 5], 0.0, 0.0));
    assert!((y.iter().sum::<f32>() - 1.0).abs() < 1e-5 && y[7] > 0.1);
    folder.run(&["convolve", "x.csv", "next.csv", "--mode", "causal", "-o", "y.npy"]).success();
    assert!(near(&folder.real("y.npy").1, &[0.0, 0.0, 1.0, 2.0]));
    folder.run(&["convolve", "x.csv", "next.csv", "--mode", "same", "--boundary", "nearest", "-o", "y.npy"]).success();
    assert!(near(&folder.real("y.npy").1, &[1.0, 1.0, 2.0, 3.0]));
}

#[test]
fn filters_keep_pictures_of_16_bits_and_sound() {
    let folder = Folder::new();
    let deep = image::ImageBuffer::<Luma<u16>, Vec<u16>>::from_fn(6, 4, |x, y| Luma([(x * 9001 + y * 77) as u16]));
    deep.save(folder.path("deep.png")).unwrap();
    folder.run(&["filter", "uniform", "deep.png", "--size", "1", "-o", "same.png"]).success();
    let same = image::open(folder.path("same.png")).unwrap();
    assert_eq!((same.color(), same.into_luma16()), (image::ColorType::L16, deep));
    let spec =
        hound::WavSpec { channels: 2, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut sound = hound::WavWriter::create(folder.path("sound.wav"), spec).unwrap();
    for t in 0..40i16 {
        sound.write_sample(if t == 20 { 16_384 } else { 0 }).unwrap();
        sound.write_sample(0i16).unwrap();
    }
    sound.finalize().unwrap();
    folder.run(&["filter", "uniform", "sound.wav", "--size", "4", "-o", "smooth.wav"]).success();
    let mut smooth = hound::WavReader::open(folder.path("smooth.wav")).unwrap();
    let samples: Vec<f32> = smooth.samples::<f32>().map(Result::unwrap).collect();
    let heard = samples.iter().filter(|sample| **sample != 0.0).copied().collect::<Vec<_>>();
    assert!(near(&heard, &[0.125; 4]), "{heard:?}");
}

/// Colours are convolved each on its own, transparency is left as it is, and 16 bits stay 16 bits.
#[test]
fn pictures_keep_their_transparency_and_depth() {
    let folder = Folder::new();
    let level = |x: u32, y: u32, c: u32| (x * 2503 + y * 5003 + c * 9001) as u16;
    let picture = image::ImageBuffer::<image::Rgba<u16>, Vec<u16>>::from_fn(9, 7, |x, y| {
        image::Rgba([level(x, y, 0), level(x, y, 1), level(x, y, 2), 7000 * (x as u16 + 1)])
    });
    picture.save(folder.path("clear.png")).unwrap();
    // The middle of the kernel lies one to the right: every column shows its left neighbour.
    folder.npy("step.npy", &[1, 3], &[0.0, 0.0, 1.0]);
    let arguments = ["convolve", "clear.png", "step.npy", "--boundary", "nearest", "-o", "moved.png"];
    folder.run(&arguments).success();
    let moved = image::open(folder.path("moved.png")).unwrap();
    assert_eq!(moved.color(), image::ColorType::Rgba16);
    let expected = image::ImageBuffer::from_fn(9, 7, |x, y| {
        let image::Rgba([r, g, b, _]) = *picture.get_pixel(x.saturating_sub(1), y);
        image::Rgba([r, g, b, picture.get_pixel(x, y).0[3]])
    });
    assert_eq!(moved.into_rgba16(), expected);
}

/// A picture of two stripes, and its blur by a box of 1 × 5.
fn blurred(folder: &Folder) -> RgbImage {
    let sharp = RgbImage::from_fn(40, 24, |x, _| Rgb([if x % 20 < 10 { 220 } else { 30 }, 100, (x * 6) as u8]));
    sharp.save(folder.path("sharp.png")).unwrap();
    folder.npy("box.npy", &[1, 5], &[1.0; 5]);
    let arguments = ["convolve", "sharp.png", "box.npy", "--normalize", "--boundary", "reflect", "-o", "blurred.png"];
    folder.run(&arguments).success();
    sharp
}

fn squares(a: &RgbImage, b: &RgbImage) -> f64 {
    a.iter().zip(b.iter()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

#[test]
fn both_methods_undo_a_blur_in_colour() {
    let folder = Folder::new();
    let sharp = blurred(&folder);
    let open = |name: &str| image::open(folder.path(name)).unwrap().to_rgb8();
    let before = squares(&sharp, &open("blurred.png"));
    for (method, flags) in [("wiener", ["--balance", "1e-4"]), ("richardson-lucy", ["--iterations", "60"])] {
        let arguments = ["deconvolve", "blurred.png", "box.npy", "--method", method, "-o", "restored.png", "--json"];
        folder.run(&[&arguments[..], &flags].concat()).success().stdout(contains(format!("\"method\":\"{method}\"")));
        let after = squares(&sharp, &open("restored.png"));
        assert!(after < 0.5 * before, "{method}: {after} of {before}");
    }
}

#[test]
fn a_template_is_found_and_framed() {
    let folder = Folder::new();
    let noise = |x: u32, y: u32| ((x * 7919 + y * 104_729) % 251) as u8;
    let picture = RgbImage::from_fn(50, 40, |x, y| Rgb([noise(x, y), noise(y, x), noise(x + y, x)]));
    picture.save(folder.path("picture.png")).unwrap();
    image::imageops::crop_imm(&picture, 17, 21, 9, 6).to_image().save(folder.path("part.png")).unwrap();
    folder
        .run(&["match-template", "picture.png", "part.png", "-o", "map.npy", "--json"])
        .success()
        .stdout(contains("\"row\":21").and(contains("\"column\":17")));
    let (shape, map) = folder.real("map.npy");
    assert_eq!(shape, [35, 42]);
    assert!((map[21 * 42 + 17] - 1.0).abs() < 1e-4);
    let grey: GrayImage = image::DynamicImage::ImageRgb8(picture).to_luma8();
    image::imageops::crop_imm(&grey, 30, 2, 8, 8).to_image().save(folder.path("grey.png")).unwrap();
    folder
        .run(&["match-template", "picture.png", "grey.png", "-o", "found.png"])
        .success()
        .stderr(contains("best match at row"));
    let found = image::open(folder.path("found.png")).unwrap().to_rgb8();
    assert_eq!((found.dimensions(), found.pixels().filter(|p| **p == Rgb([255, 0, 0])).count()), ((50, 40), 36));
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = Folder::new();
    blurred(&folder);
    folder.npy("x.npy", &[4, 4], &[1.0; 16]);
    folder.npy("zeros.npy", &[3, 3], &[0.0; 9]);
    folder.npy("none.npy", &[0, 4], &[]);
    folder.npy("wide.npy", &[3, 9], &[1.0; 27]);
    folder.npy("line.npy", &[5], &[1.0; 5]);
    folder.npy("long.npy", &[9], &[1.0; 9]);
    let f = |code: i32, message: &str, arguments: &[&str]| fails(&folder, code, message, arguments);
    f(1, "zeros.npy: its sum is 0", &["deconvolve", "blurred.png", "zeros.npy", "-o", "r.png"]);
    f(1, "none.npy: is empty", &["deconvolve", "none.npy", "box.npy", "-o", "r.npy"]);
    f(1, "point-spread function has shape [3, 9]", &["deconvolve", "x.npy", "wide.npy", "-o", "r.npy"]);
    f(2, "--iterations goes with", &["deconvolve", "x.npy", "x.npy", "--iterations", "3", "-o", "r.npy"]);
    f(2, "needs --sigma", &["filter", "gaussian", "x.npy", "-o", "r.npy"]);
    f(2, "--size goes with uniform", &["filter", "gaussian", "x.npy", "--sigma", "1", "--size", "3", "-o", "r.npy"]);
    f(2, "--sigma has 3 values", &["filter", "gaussian", "x.npy", "--sigma", "1,2,3", "-o", "r.npy"]);
    f(2, "must be a finite number from 0", &["filter", "gaussian", "x.npy", "--sigma", "-1", "-o", "r.npy"]);
    f(
        2,
        "'0' for '--size <SIZE>': it must be a whole number from 1",
        &["filter", "uniform", "x.npy", "--size", "0", "-o", "r.npy"],
    );
    f(2, "origin", &["filter", "uniform", "x.npy", "--size", "3", "--origin", "2", "-o", "r.npy"]);
    f(1, "none.npy: is empty", &["filter", "uniform", "none.npy", "--size", "3", "-o", "r.npy"]);
    f(1, "needs two axes", &["filter", "correlate", "x.npy", "line.npy", "-o", "r.npy"]);
    f(1, "larger than", &["match-template", "x.npy", "wide.npy", "-o", "r.npy"]);
    f(
        1,
        "mode valid needs one input to be at least as long",
        &["convolve", "x.npy", "wide.npy", "--mode", "valid", "-o", "r.npy"],
    );
    folder.run(&["convolve", "line.npy", "long.npy", "--mode", "valid", "-o", "swapped.npy"]).success();
    assert_eq!(folder.real("swapped.npy").1, [5.0; 5]);
}

#[test]
fn files_cut_short_are_told() {
    let folder = Folder::new();
    blurred(&folder);
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut sound = hound::WavWriter::create(folder.path("whole.wav"), spec).unwrap();
    (0..400i16).for_each(|t| sound.write_sample(t).unwrap());
    sound.finalize().unwrap();
    for (whole, cut) in [("whole.wav", "cut.wav"), ("blurred.png", "cut.png")] {
        let bytes = folder.read(whole);
        std::fs::write(folder.path(cut), &bytes[..bytes.len() / 2]).unwrap();
        let result = format!("smooth.{}", &cut[4..]);
        fails(&folder, 1, &format!("{cut}: is cut short"), &["filter", "uniform", cut, "--size", "3", "-o", &result]);
    }
}
