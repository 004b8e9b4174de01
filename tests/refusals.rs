//! What signals, images and transforms refuse, and what they say about it: what was asked, what the limit is, what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use gristmill::methods::signal::{
    Edges, FilterOptions, RichardsonLucy, gaussian_filter, match_template, uniform_filter, upfirdn, wiener,
};
use gristmill::{
    Context, ConvOptions, ConvolveOptions, DctOptions, FftOptions, Method, Mode, Norm, PoolOptions, StftOptions,
    Tensor, TransformType, WalshOrder, conv, convolve, convolve_recipe, dct, fft, irfft, istft, pool_max, rfft, stft,
    stream, walsh_hadamard,
};
use ndarray::{ArrayD, IxDyn};

fn real(shape: &[usize]) -> Tensor {
    Context::cpu().upload(&ArrayD::<f32>::ones(IxDyn(shape))).unwrap()
}

/// The error of a call, as people see it.
fn said<T>(result: gristmill::Result<T>) -> String {
    result.err().expect("it is refused").to_string()
}

/// Every message has each of these parts, and none of them speaks of what is no number.
fn check(cases: Vec<(String, &[&str])>) {
    for (message, parts) in cases {
        for part in parts {
            assert!(message.contains(part), "\"{message}\" does not say \"{part}\"");
        }
        assert!(!message.contains("NaN") && !message.contains("inf "), "{message}");
    }
}

#[test]
fn transforms_say_what_they_refuse() {
    let context = Context::cpu();
    let x = real(&[3, 4]);
    let lengths = |n: usize| FftOptions { lengths: Some(vec![n]), ..FftOptions::default() };
    let z = || context.upload(&ArrayD::<gristmill::Complex32>::default(IxDyn(&[3, 4])));
    let frames = |window: usize, hop: usize| StftOptions::new(vec![1.0; window], hop);
    let cosine = |kind, n: usize| DctOptions { kind, lengths: Some(vec![n]), ..DctOptions::default() };
    check(vec![
        (said(rfft(&real(&[3, 0]), &FftOptions::default())), &["rfft", "length 0", "at least one point"]),
        (said(rfft(&x, &lengths(0))), &["rfft", "length 0", "at least one point"]),
        (said(fft(&z().unwrap(), &lengths(usize::MAX))), &["fft"]),
        (said(fft(&z().unwrap(), &lengths(1 << 50))), &["fft"]),
        (said(irfft(&z().unwrap(), &lengths(1 << 50))), &["irfft"]),
        (said(fft(&z().unwrap(), &FftOptions::axes(&[2]))), &["fft", "axis 2", "2 axes"]),
        (said(stft(&x, &frames(2, 0))), &["stft", "hop 0", "at least 1"]),
        (said(stft(&x, &frames(0, 1))), &["stft", "window", "one or more"]),
        (said(stft(&x, &frames(5, 1))), &["stft", "4", "5"]),
        (said(istft(&z().unwrap(), &frames(9, 1))), &["istft", "3", "5"]),
        (said(dct(&x, &cosine(TransformType::I, 1))), &["dct", "length 1", "at least 2"]),
        (said(dct(&x, &cosine(TransformType::II, usize::MAX))), &["dct", "length"]),
        (said(walsh_hadamard(&x, 0, WalshOrder::Natural, Norm::Backward)), &["length 3", "power of two"]),
        (said(context.fft_recipe(0, 1)), &["length 0", "at least 1"]),
    ]);
}

#[test]
fn convolutions_say_what_they_refuse() {
    let context = Context::cpu();
    let x = real(&[3, 4]);
    let with = |h: &[usize], mode: Mode| convolve(&x, &real(h), &ConvolveOptions::mode(mode));
    let origin = ConvolveOptions { origin: [2, 0, 0], ..ConvolveOptions::mode(Mode::Same) };
    let fft = ConvolveOptions { method: Method::Fft, rank: Some(4), ..ConvolveOptions::default() };
    let image = real(&[1, 2, 5, 5]);
    let slide = |taps: &[usize], options: ConvOptions| conv(&image, &real(taps), None, &options);
    let strides = ConvOptions { strides: vec![0, 1], ..ConvOptions::default() };
    let dilations = ConvOptions { dilations: vec![1, 0], ..ConvOptions::default() };
    let pool = |strides: Vec<usize>| pool_max(&image, &[2, 2], &PoolOptions { strides, ..PoolOptions::default() });
    let absurd = ConvolveOptions::default();
    check(vec![
        (said(convolve_recipe::<f32>(&Context::cpu(), &[1 << 50], &[9], &absurd)), &["1125899906842624", "32-bit"]),
        (said(convolve_recipe::<f32>(&Context::cpu(), &[9], &[usize::MAX], &absurd)), &["32-bit"]),
        (said(stream::convolve_recipe(&Context::cpu(), (usize::MAX, 1), &[9], &absurd, 1 << 24)), &["counted"]),
        (said(stream::convolve_recipe(&Context::cpu(), (9, 1), &[usize::MAX], &absurd, 1 << 24)), &["counted"]),
        (said(with(&[0, 2], Mode::Full)), &["convolve", "[3, 4]", "[0, 2]", "may be empty"]),
        (said(convolve(&real(&[0, 4]), &real(&[2, 2]), &ConvolveOptions::default())), &["[0, 4]", "may be empty"]),
        (said(with(&[4, 2], Mode::Valid)), &["mode valid", "[3, 4]", "[4, 2]", "at least as long"]),
        (said(with(&[2], Mode::Full)), &["[3, 4]", "[2]", "the convolved axes"]),
        (said(convolve(&x, &real(&[3, 3]), &origin)), &["origin 2", "axis 0", "3"]),
        (said(convolve(&x, &x, &fft)), &["rank 4", "1, 2 or 3"]),
        (said(convolve_recipe::<f32>(&context, &[3], &[0], &ConvolveOptions::default())), &["may be empty"]),
        (said(slide(&[1, 2, 3, 3], strides)), &["conv", "stride", "0"]),
        (said(slide(&[1, 2, 3, 3], dilations)), &["conv", "dilation", "0"]),
        (said(slide(&[1, 2, 6, 3], ConvOptions::default())), &["conv", "6", "5"]),
        (said(slide(&[1, 3, 2, 2], ConvOptions::default())), &["conv", "channels"]),
        (said(pool(vec![1, 0])), &["pool", "stride", "0"]),
        (said(pool_max(&image, &[2, 6], &PoolOptions::default())), &["pool", "6", "5"]),
    ]);
}

#[test]
fn methods_say_what_they_refuse() {
    let x = real(&[5, 6]);
    let options = FilterOptions::default();
    let shifted = FilterOptions { origin: [2, 0, 0], ..options };
    check(vec![
        (said(wiener(&x, &real(&[6, 2]), 0.1, Edges::Faded)), &["wiener", "[6, 2]", "[5, 6]", "no longer"]),
        (said(wiener(&x, &real(&[0, 2]), 0.1, Edges::Faded)), &["[0, 2]", "not be empty"]),
        (said(wiener(&x, &real(&[1, 1]), -1.0, Edges::Faded)), &["balance = -1", "above 0"]),
        (said(RichardsonLucy::with_open_edges(&x, &real(&[6, 2]))), &["richardson_lucy", "[6, 2]", "no longer"]),
        (said(match_template(&x, &real(&[2, 7]))), &["match_template", "[2, 7]", "[5, 6]"]),
        (said(gaussian_filter(&x, &[-1.0], &options)), &["sigma = -1", "from 0 on"]),
        (said(gaussian_filter(&x, &[1.0; 3], &options)), &["3 filtered axes", "2 axes"]),
        (said(uniform_filter(&x, &[0], &options)), &["size 0", "1 to"]),
        (said(uniform_filter(&x, &[3], &shifted)), &["origin", "3"]),
        (said(upfirdn(&real(&[3]), &x, 0, 1)), &["up = 0", "1 to"]),
        (said(upfirdn(&real(&[3]), &x, 1, usize::MAX)), &["down", "1 to"]),
        (said(upfirdn(&real(&[0]), &x, 1, 1)), &["0 taps", "empty"]),
    ]);
}
