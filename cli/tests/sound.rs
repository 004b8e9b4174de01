//! Sound of any length, convolved window by window.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Folder;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use predicates::str::contains;

const H: [f32; 5] = [0.5, -0.25, 0.125, 1.0, -0.75];

/// Sample `t` of channel `c`, in 128 levels, which every format holds.
fn level(t: usize, c: usize) -> f32 {
    ((t * 37 + c * 11 + t * t % 13) % 128) as f32 / 128.0 - 0.5
}

fn wav(folder: &Folder, name: &str, length: usize, channels: u16, bits: u16, sample_format: SampleFormat) {
    let spec = WavSpec { channels, sample_rate: 8000, bits_per_sample: bits, sample_format };
    let mut sound = WavWriter::create(folder.path(name), spec).unwrap();
    for t in 0..length {
        for c in 0..usize::from(channels) {
            match sample_format {
                SampleFormat::Float => sound.write_sample(level(t, c)).unwrap(),
                SampleFormat::Int => sound.write_sample((level(t, c) * 2f32.powi(i32::from(bits) - 1)) as i32).unwrap(),
            }
        }
    }
    sound.finalize().unwrap();
}

/// Channels and numbers of a file that the program wrote.
fn heard(folder: &Folder, name: &str) -> (usize, Vec<f32>) {
    let sound = WavReader::open(folder.path(name)).unwrap();
    assert_eq!((sound.spec().sample_rate, sound.spec().sample_format), (8000, SampleFormat::Float));
    (usize::from(sound.spec().channels), sound.into_samples().map(Result::unwrap).collect())
}

/// The full convolution with `H`, samples after one another.
fn full(length: usize, channels: usize) -> Vec<f32> {
    let at = |t: usize, c: usize| {
        (0..H.len()).filter(|s| (*s..length + s).contains(&t)).map(|s| H[s] * level(t - s, c)).sum::<f32>()
    };
    (0..length + H.len() - 1).flat_map(|t| (0..channels).map(move |c| at(t, c))).collect()
}

fn near(got: &[f32], want: &[f32]) -> bool {
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn windows_join_without_a_seam() {
    let folder = Folder::new();
    folder.npy("h.npy", &[H.len()], &H);
    let formats = [
        (1, 16, SampleFormat::Int),
        (2, 16, SampleFormat::Int),
        (1, 32, SampleFormat::Float),
        (2, 32, SampleFormat::Float),
        (1, 8, SampleFormat::Int),
        (3, 24, SampleFormat::Int),
    ];
    for (channels, bits, format) in formats {
        // A budget of 1 MiB holds windows of 8192 samples of two channels.
        for length in [1, 3, 50_000] {
            wav(&folder, "dry.wav", length, channels, bits, format);
            folder.run(&["convolve", "dry.wav", "h.npy", "-o", "wet.wav", "--memory-budget", "1MiB"]).success();
            let (heard_channels, samples) = heard(&folder, "wet.wav");
            assert_eq!(heard_channels, usize::from(channels));
            assert!(near(&samples, &full(length, heard_channels)), "{length} of {channels} × {bits} bits");
        }
    }
    folder.run(&["convolve", "dry.wav", "h.npy", "-o", "wet.npy", "--memory-budget", "1MiB"]).success();
    folder.run(&["convolve", "dry.wav", "h.npy", "-o", "whole.npz"]).success().stderr(contains("3×50004"));
    let mut whole = npyz::npz::NpzArchive::open(folder.path("whole.npz")).unwrap();
    let whole: Vec<f32> = whole.by_name("arr_0").unwrap().unwrap().into_vec().unwrap();
    let (shape, numbers) = folder.real("wet.npy");
    assert!(shape == [3, 50_004] && near(&numbers, &whole));
}

/// Modes, boundaries and correlation give what they give of an array.
#[test]
fn sound_is_convolved_as_arrays_are() {
    let folder = Folder::new();
    folder.npy("h.npy", &[H.len()], &H);
    for length in [2, 40_000] {
        wav(&folder, "x.wav", length, 1, 32, SampleFormat::Float);
        folder.npy("x.npy", &[length], &(0..length).map(|t| level(t, 0)).collect::<Vec<_>>());
        for flags in [
            &["--mode", "same", "--boundary", "reflect"][..],
            &["--mode", "same", "--boundary", "wrap", "--correlate"],
            &["--mode", "causal", "--boundary", "mirror"],
            &["--mode", "valid"],
            &["--mode", "full", "--boundary", "nearest", "--correlate"],
        ] {
            folder.run(&[&["convolve", "x.npy", "h.npy", "-o", "y.npy"], flags].concat()).success();
            let sound = ["convolve", "x.wav", "h.npy", "-o", "y.wav", "--memory-budget", "1MiB"];
            folder.run(&[&sound[..], flags].concat()).success();
            assert!(near(&heard(&folder, "y.wav").1, &folder.real("y.npy").1), "{length} {flags:?}");
        }
    }
}

#[test]
fn one_channel_is_heard_in_two_rooms() {
    let folder = Folder::new();
    wav(&folder, "dry.wav", 20, 1, 16, SampleFormat::Int);
    wav(&folder, "room.wav", 3, 2, 16, SampleFormat::Int);
    folder.run(&["convolve", "dry.wav", "room.wav", "--json", "-o", "wet.wav"]).success().stdout(contains("[2,22]"));
    let (channels, samples) = heard(&folder, "wet.wav");
    assert_eq!((channels, samples.len()), (2, 44));
    assert!((0..2).all(|c| (samples[c] - level(0, 0) * level(0, c)).abs() < 1e-6));
}

#[test]
fn what_is_no_whole_sound_is_told() {
    let folder = Folder::new();
    folder.npy("h.npy", &[H.len()], &H);
    folder.npy("none.npy", &[0], &[]);
    wav(&folder, "long.wav", 400, 2, 16, SampleFormat::Int);
    wav(&folder, "empty.wav", 0, 2, 16, SampleFormat::Int);
    wav(&folder, "three.wav", 4, 3, 16, SampleFormat::Int);
    let whole = folder.read("long.wav");
    std::fs::write(folder.path("cut.wav"), &whole[..44 + 4 * 150 + 1]).unwrap();
    std::fs::write(folder.path("header.wav"), &whole[..30]).unwrap();
    folder.npy("wide.npy", &[100_000], &[1.0; 100_000]);
    folder.text("y.wav", "precious");
    let before = folder.files();
    let f = |message: &str, arguments: &[&str]| {
        folder.run(&[&["convolve"], arguments, &["-o", "y.wav"]].concat()).code(1).stderr(contains(message));
        assert_eq!((folder.files(), folder.read("y.wav")), (before.clone(), b"precious".to_vec()));
    };
    f("cut.wav: is cut short: its header promises 400 samples a channel, 150 are there", &["cut.wav", "h.npy"]);
    f("cut.wav: is cut short", &["long.wav", "cut.wav"]);
    f("header.wav: is cut short", &["header.wav", "h.npy"]);
    f("there is no sound in empty.wav", &["empty.wav", "h.npy"]);
    f("there is no sound in none.npy", &["long.wav", "none.npy"]);
    f("long.wav has 2 channels, three.wav has 3", &["long.wav", "three.wav"]);
    f(
        "100000 taps of 2 channels need a memory budget of 25165824 bytes, 1048576 are given; raise it",
        &["long.wav", "wide.npy", "--memory-budget", "1MiB"],
    );
}
