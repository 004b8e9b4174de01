//! Every command once, end to end, on the CPU.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Folder;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

#[test]
fn pairwise_reads_csv_and_writes_npy() {
    let folder = Folder::new();
    folder.text("points.csv", "a,b\n0,0\n3,4\n");
    folder
        .run(&["pairwise", "points.csv", "-o", "d.npy"])
        .success()
        .stderr(contains("d.npy: 2×2").and(contains("running on")));
    assert_eq!(folder.real("d.npy"), (vec![2, 2], vec![0.0, 5.0, 5.0, 0.0]));
    folder.text("other.csv", "1,1\n");
    folder.run(&["pairwise", "points.csv", "other.csv", "--metric", "minkowski", "--p", "1", "-o", "d.npz"]).success();
    folder.text("weights.csv", "1,0\n");
    folder
        .run(&[
            "pairwise",
            "points.csv",
            "other.csv",
            "--metric",
            "cityblock",
            "--weights",
            "weights.csv",
            "-o",
            "w.csv",
        ])
        .success();
    assert_eq!(folder.read("w.csv"), b"1\n2\n");
}

#[test]
fn distances_of_every_two_rows_and_of_rows_in_step() {
    let folder = Folder::new();
    folder.text("x.csv", "0,9,0\n3,9,4\n0,8,1\n");
    folder.text("y.csv", "0,0,1\n3,0,4\n0,0,3\n");
    folder.run(&["pairwise", "x.csv", "--condensed", "--columns", "0,2", "-o", "d.csv"]).success();
    let condensed: Vec<f32> =
        String::from_utf8(folder.read("d.csv")).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert!(condensed.iter().zip([5.0, 1.0, 18f32.sqrt()]).all(|(a, b)| (a - b).abs() < 1e-6) && condensed.len() == 3);
    folder.run(&["pairwise", "x.csv", "y.csv", "--paired", "--columns", "2", "-o", "p.npy"]).success();
    assert_eq!(folder.real("p.npy"), (vec![3], vec![1.0, 0.0, 2.0]));
    folder.run(&["gram", "x.csv", "--kernel", "linear", "--columns", "0", "-o", "k.csv"]).success();
    assert_eq!(folder.read("k.csv"), b"0,0,0\n0,9,0\n0,0,0\n");
}

#[test]
fn matrices_larger_than_the_budget_are_written_in_panels() {
    let folder = Folder::new();
    let n = 700;
    folder.npy("x.npy", &[n, 2], &(0..2 * n).map(|i| (i % 37) as f32).collect::<Vec<_>>());
    folder.run(&["pairwise", "x.npy", "-o", "whole.npy"]).success();
    folder.run(&["pairwise", "x.npy", "-o", "panels.npy", "--memory-budget", "1MiB"]).success();
    assert_eq!(folder.real("whole.npy"), folder.real("panels.npy"));
    folder.run(&["gram", "x.npy", "--kernel", "linear", "-o", "k.npy", "--memory-budget", "1MiB"]).success();
    assert_eq!(folder.real("k.npy").0, [n, n]);
}

#[cfg(unix)]
#[test]
fn a_stopped_program_leaves_nothing_half_written() {
    let folder = Folder::new();
    let (n, d) = (3000, 300);
    folder.npy("x.npy", &[n, d], &(0..n * d).map(|i| (i % 37) as f32).collect::<Vec<_>>());
    // Powers take long enough to be stopped in the middle.
    let arguments =
        ["pairwise", "x.npy", "-o", "d.npy", "--metric", "minkowski", "--p", "2.5", "--memory-budget", "1MiB"];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_gristmill"))
        .current_dir(folder.path("."))
        .env("GRISTMILL_ADAPTER", "cpu")
        .args(arguments)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    while folder.files().len() < 3 && start.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.try_wait().unwrap().is_none(), "it was done before it could be stopped");
    assert_eq!(folder.files().iter().filter(|name| name.ends_with(".part")).count(), 2);
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(folder.files(), ["x.npy"]);
}

#[test]
fn gram_reads_kernels() {
    let folder = Folder::new();
    folder.npy("x.npy", &[2, 1], &[0.0, 1.0]);
    folder
        .run(&["gram", "x.npy", "--kernel", "rbf(gamma=0.5)", "-o", "k.npy", "--json"])
        .success()
        .stdout(contains("\"shape\":[2,2]"));
    let (_, k) = folder.real("k.npy");
    assert!((k[1] - (-0.5f32).exp()).abs() < 1e-6 && k[0] == 1.0);
    folder.run(&["gram", "--list"]).success().stdout(contains("matern"));
    folder.run(&["pairwise", "--list"]).success().stdout(contains("cosine"));
}

#[test]
fn reduce_sums_searches_and_counts() {
    let folder = Folder::new();
    folder.text("x.csv", "0\n1\n5\n");
    folder.text("y.csv", "3\n1\n-1\n");
    folder.text("v.csv", "1,10\n2,20\n3,30\n");
    let run = |arguments: &[&str]| folder.run(&[&["reduce"], arguments].concat()).success();
    run(&["x.csv", "y.csv", "--reduce", "sum", "-o", "sum.csv"]);
    assert_eq!(folder.read("sum.csv"), b"5\n4\n12\n");
    run(&["x.csv", "y.csv", "--reduce", "sum", "--weights", "v.csv", "--compensated", "-o", "sum.csv"]);
    assert_eq!(folder.read("sum.csv"), b"8,80\n8,80\n28,280\n");
    run(&["x.csv", "--reduce", "mean", "--exclude-self", "-o", "mean.csv"]);
    assert_eq!(folder.read("mean.csv"), b"3\n2.5\n4.5\n");
    run(&["x.csv", "y.csv", "--reduce", "argmin", "-o", "where.csv"]);
    assert_eq!(folder.read("where.csv"), b"1\n1\n0\n");
    run(&["x.csv", "y.csv", "--metric", "cityblock", "-r", "max", "-o", "far.csv"]);
    assert_eq!(folder.read("far.csv"), b"3\n2\n6\n");
    run(&["x.csv", "y.csv", "--reduce", "count", "--radius", "2", "-o", "near.csv"]);
    assert_eq!(folder.read("near.csv"), b"2\n3\n1\n");
    let said = run(&["x.csv", "y.csv", "--kernel", "linear", "--reduce", "logsumexp", "-o", "lse.npy", "--json"]);
    said.stdout(contains("\"reduce\":\"logsumexp\"").and(contains("\"shape\":[3]")));
    assert!((folder.real("lse.npy").1[0] - 3f32.ln()).abs() < 1e-6);
    run(&["x.csv", "y.csv", "--kernel", "90*linear", "--reduce", "softmax", "-o", "s.npy"]);
    let (shape, means) = folder.real("s.npy");
    assert_eq!((shape, means[1]), (vec![3, 1], 3.0));

    run(&["x.csv", "y.csv", "--reduce", "topk=2", "--largest", "-o", "top.npz"]);
    let mut archive = npyz::npz::NpzArchive::open(folder.path("top.npz")).unwrap();
    let indices: Vec<i64> = archive.by_name("indices").unwrap().unwrap().into_vec().unwrap();
    let values: Vec<f32> = archive.by_name("values").unwrap().unwrap().into_vec().unwrap();
    assert_eq!((indices, values), (vec![0, 1, 0, 2, 2, 1], vec![3.0, 1.0, 2.0, 2.0, 6.0, 4.0]));
}

#[test]
fn knn_votes() {
    let folder = Folder::new();
    folder.text("train.csv", "0\n1\n10\n11\n12\n");
    folder.text("query.csv", "0.4\n10.9\n");
    folder.text("labels.csv", "7\n7\n8\n8\n8\n");
    folder.run(&["knn", "train.csv", "query.csv", "-k", "2", "--labels", "labels.csv", "-o", "near.npz"]).success();
    let mut archive = npyz::npz::NpzArchive::open(folder.path("near.npz")).unwrap();
    let indices: Vec<i64> = archive.by_name("indices").unwrap().unwrap().into_vec().unwrap();
    let labels: Vec<i64> = archive.by_name("labels").unwrap().unwrap().into_vec().unwrap();
    assert_eq!((indices, labels), (vec![0, 1, 3, 2], vec![7, 8]));
}

#[test]
fn gemm_multiplies() {
    let folder = Folder::new();
    folder.npy("a.npy", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    folder.npy("b.npy", &[2, 1], &[1.0, 10.0]);
    folder.run(&["gemm", "a.npy", "b.npy", "-o", "c.npy"]).success();
    assert_eq!(folder.real("c.npy"), (vec![2, 1], vec![21.0, 43.0]));
    folder
        .run(&["gemm", "a.npy", "b.npy", "--trans-a", "--alpha", "2", "--beta", "-1", "--c", "c.npy", "-o", "d.npy"])
        .success();
    assert_eq!(folder.real("d.npy").1, [2.0 * 31.0 - 21.0, 2.0 * 42.0 - 43.0]);
}

#[test]
fn fft_there_and_back() {
    let folder = Folder::new();
    folder.text("x.csv", "1\n2\n3\n4\n5\n");
    folder.run(&["fft", "x.csv", "-o", "y.npy"]).success();
    folder.run(&["fft", "y.npy", "--inverse", "-o", "z.npy"]).success();
    let explained = folder.run(&["fft", "x.csv", "--n", "1009", "--explain", "-o", "long.npy"]).success();
    assert!(String::from_utf8_lossy(&explained.get_output().stderr).contains("1009"), "the recipe is said");
    let real = ["fft", "x.csv", "--real", "--n", "6", "--explain", "-o", "six.npy"];
    folder.run(&real).success().stderr(contains("axis 0: 3 ").and(contains("two real numbers as one")));
    let back = ["fft", "six.npy", "--real", "--inverse", "--explain", "-o", "twice.npy"];
    folder.run(&back).success().stderr(contains("axis 0: 3 ").and(contains("two real numbers as one")));
    let none = ["fft", "x.csv", "--n", "0", "--explain", "-o", "none.npy"];
    folder.run(&none).failure().stderr(contains("fft_recipe").not());
    folder.run(&["fft", "x.csv", "--real", "--norm", "ortho", "-o", "half.npy"]).success();
    folder.run(&["fft", "half.npy", "--real", "--inverse", "--norm", "ortho", "--n", "5", "-o", "back.npy"]).success();
    let (shape, back) = folder.real("back.npy");
    assert_eq!(shape, [5]);
    assert!(back.iter().zip(1..).all(|(v, i)| (v - i as f32).abs() < 1e-5), "{back:?}");
}

#[test]
fn a_spectrogram_is_brightest_where_the_tone_is() {
    let folder = Folder::new();
    // 64 periods of 16 samples: coefficient 4 of frames of 64.
    let tone: Vec<String> =
        (0..1024).map(|t| (std::f64::consts::TAU * f64::from(t) / 16.0).sin().to_string()).collect();
    folder.text("tone.csv", &(tone.join("\n") + "\n"));
    folder.run(&["spectrogram", "tone.csv", "--length", "64", "--hop", "32", "-o", "power.npy"]).success();
    let (shape, power) = folder.real("power.npy");
    assert_eq!(shape, [33, 33]);
    let middle = |k: usize| power[k * 33 + 16];
    assert!((0..33).all(|k| k == 4 || middle(k) < middle(4)));
    folder.run(&["spectrogram", "tone.csv", "--length", "64", "-o", "power.png"]).success();
    // A frame is at most the whole sound.
    let long = folder.run(&["spectrogram", "tone.csv", "--length", "18446744073709551615", "-o", "all.npy"]);
    long.success().stderr(contains("has 1024 samples; a frame has as many"));
    assert_eq!(folder.real("all.npy").0, [513, 5]);
    folder.run(&["spectrogram", "tone.csv", "--window", "han", "-o", "power.png"]).failure().stderr(contains("hann"));
}

#[test]
fn convolution_of_arrays_pictures_and_sound() {
    let folder = Folder::new();
    folder.text("x.csv", "1\n2\n3\n");
    folder.text("h.csv", "1\n1\n");
    folder.run(&["convolve", "x.csv", "h.csv", "--method", "direct", "-o", "y.npy"]).success();
    assert_eq!(folder.real("y.npy"), (vec![4], vec![1.0, 3.0, 5.0, 3.0]));
    folder.run(&["convolve", "x.csv", "h.csv", "--mode", "valid", "--correlate", "-o", "v.csv"]).success();
    assert_eq!(folder.read("v.csv"), b"3\n5\n");

    let picture = image::RgbImage::from_fn(20, 10, |x, y| image::Rgb([(x * 12) as u8, (y * 25) as u8, 80]));
    picture.save(folder.path("photo.png")).unwrap();
    folder.npy("box.npy", &[3, 3], &[1.0; 9]);
    folder.run(&["convolve", "photo.png", "box.npy", "--normalize", "-o", "blurred.png"]).success();
    let blurred = image::open(folder.path("blurred.png")).unwrap().to_rgb8();
    assert_eq!((blurred.dimensions(), blurred.get_pixel(10, 5)), ((20, 10), &image::Rgb([120, 125, 80])));
    folder.run(&["deconvolve", "blurred.png", "box.npy", "-o", "restored.png", "--balance", "1e-2"]).success();
    assert_eq!(image::open(folder.path("restored.png")).unwrap().to_rgb8().dimensions(), (20, 10));

    let spec = hound::WavSpec { channels: 2, ..mono() };
    let mut sound = hound::WavWriter::create(folder.path("dry.wav"), spec).unwrap();
    for t in 0..50i16 {
        sound.write_sample(t * 100).unwrap();
        sound.write_sample(-t * 100).unwrap();
    }
    sound.finalize().unwrap();
    folder.run(&["convolve", "dry.wav", "h.csv", "-o", "wet.wav"]).success();
    let wet = hound::WavReader::open(folder.path("wet.wav")).unwrap();
    assert_eq!((wet.spec().channels, wet.spec().sample_rate, wet.duration()), (2, 8000, 51));
}

/// The algorithm, why it, and the candidates with their costs; of sound, those of a window.
#[test]
fn convolutions_are_explained() {
    let folder = Folder::new();
    folder.text("x.csv", "1\n2\n3\n");
    folder.npy("image.npy", &[9, 9], &[1.0; 81]);
    folder.npy("h.npy", &[3, 3], &[1.0; 9]);
    let direct = "direct sum of 9 products: the cheapest by estimate";
    let explain = ["convolve", "image.npy", "h.npy", "--explain", "-o", "y.npy"];
    folder.run(&explain).success().stderr(contains(direct).and(contains("FFT of 12×12 points: cost")));
    let json = folder.run(&[&explain[..], &["--json", "--method", "fft"]].concat()).success();
    let record: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
    assert_eq!(
        (record["algorithm"].as_str(), record["reason"].as_str()),
        (Some("FFT of 12×12 points"), Some("asked for"))
    );
    assert_eq!(record["candidates"].as_array().unwrap().len(), 2);
    assert!(record["candidates"][0]["cost"].as_f64().unwrap() > 0.0);

    let spec = hound::WavSpec { channels: 2, ..mono() };
    let mut sound = hound::WavWriter::create(folder.path("x.wav"), spec).unwrap();
    (0..20_000i16).for_each(|t| sound.write_sample(t).unwrap());
    sound.finalize().unwrap();
    folder.run(&["convolve", "x.wav", "x.csv", "--explain", "-o", "y.wav"]).success().stderr(contains("3 products"));
    let said = folder.run(&["convolve", "x.csv", "x.csv", "-o", "y.npy", "--json"]).success();
    assert!(!String::from_utf8_lossy(&said.get_output().stdout).contains("candidates"));
}

fn mono() -> hound::WavSpec {
    hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int }
}

#[test]
fn info_and_completions_print() {
    let folder = Folder::new();
    folder.run(&["info"]).success().stdout(contains("CPU"));
    folder.run(&["info", "--json"]).success().stdout(contains("\"adapters\""));
    folder.run(&["completions", "bash"]).success().stdout(contains("gristmill"));
    folder.run(&["--help"]).success().stdout(contains("Examples:"));
    for command in [
        "info",
        "pairwise",
        "gram",
        "reduce",
        "knn",
        "gemm",
        "fft",
        "convolve",
        "deconvolve",
        "filter",
        "match-template",
        "demo",
        "conformance",
        "completions",
    ] {
        folder.run(&[command, "--help"]).success().stdout(contains("Example").and(contains("gristmill ")));
    }
}

#[test]
fn conversion_is_said_once_unless_quiet() {
    let folder = Folder::new();
    let numbers: Vec<u8> = [1f64, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    folder.npy_bytes("x.npy", "<f8", &[2, 1], &numbers);
    folder
        .run(&["pairwise", "x.npy", "-o", "d.npy"])
        .success()
        .stderr(contains("x.npy: float64 converted to float32").count(1));
    folder.run(&["pairwise", "x.npy", "-o", "d.npy", "--quiet"]).success().stderr("");
}

#[test]
fn the_demo_shows_its_scores() {
    let folder = Folder::new();
    folder
        .run(&["demo", "--out", "out"])
        .success()
        .stdout(contains("digits").and(contains("R²")).and(contains("dB")).and(contains("1024×1024×1024")));
    for name in ["index.html", "original.png", "blurred.png", "restored.png", "psf.png", "mistakes.png"] {
        assert!(!folder.read(&format!("out/{name}")).is_empty(), "{name}");
    }
}
