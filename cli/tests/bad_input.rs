//! Bad input gets an exit code, a message that says what to do, and leaves no file behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Folder;
use predicates::str::contains;

/// Two good files to go wrong with.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.npy("x.npy", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    folder.npy("y.npy", &[2, 3], &[0.0; 6]);
    folder.npy("flat.npy", &[4], &[0.0; 4]);
    folder
}

/// The program fails with this code and message, and the folder is as it was.
fn fails(folder: &Folder, code: i32, message: &str, arguments: &[&str]) {
    let before = folder.files();
    folder.run(arguments).code(code).stderr(contains(message));
    assert_eq!(folder.files(), before, "{arguments:?}");
}

#[test]
fn wrong_usage_is_code_2() {
    let folder = folder();
    let f = |message: &str, arguments: &[&str]| fails(&folder, 2, message, arguments);
    f("Usage", &[]);
    f("unrecognized subcommand", &["pairwize"]);
    f("--output", &["pairwise", "x.npy"]);
    f(
        "no metric is called \"euclidian\"; did you mean \"euclidean\"? (`gristmill pairwise --list`)",
        &["pairwise", "x.npy", "--metric", "euclidian", "-o", "d.npy"],
    );
    for (message, metric, flags) in [
        ("--p 2 is not taken by cosine; minkowski does", "cosine", &["--p", "2"][..]),
        ("--base 2 is not taken by minkowski; jensenshannon does", "minkowski", &["--base", "2"]),
        ("--V is not taken by mahalanobis; seuclidean does", "mahalanobis", &["--V", "x.npy"]),
        ("--VI is not taken by seuclidean; mahalanobis does", "seuclidean", &["--VI", "x.npy"]),
        ("--mode expanded is not taken by cityblock; sqeuclidean, euclidean do", "cityblock", &["--mode", "expanded"]),
        ("--w is not taken by euclidean_compensated; ", "l2", &["--mode", "compensated", "--w", "flat.npy"]),
        ("--w is not taken by seuclidean; sqeuclidean, euclidean, ", "seuclidean", &["--w", "flat.npy"]),
        ("possible values: direct, expanded, compensated", "euclidean", &["--mode", "fast"]),
        ("base = 1", "jensenshannon", &["--base", "1"]),
        ("must be of 2 features", "haversine", &["--columns", "0"]),
    ] {
        for start in [&["pairwise", "x.npy"][..], &["reduce", "x.npy", "--reduce", "sum"]] {
            f(message, &[start, &["--metric", metric], flags, &["-o", "d.npy"]].concat());
        }
    }
    f("--p 2 is not taken", &["knn", "x.npy", "x.npy", "-k", "1", "--metric", "cosine", "--p", "2", "-o", "n.npz"]);
    f("cannot be used with", &["reduce", "x.npy", "--kernel", "rbf", "--VI", "x.npy", "-r", "sum", "-o", "r.npy"]);
    f("2 rows are too few for 2 columns", &["pairwise", "x.npy", "--metric", "mahalanobis", "-o", "d.npy"]);
    f("p", &["pairwise", "x.npy", "--metric", "minkowski", "--p", "0", "-o", "d.npy"]);
    f("p", &["pairwise", "x.npy", "--metric", "minkowski", "--p", "nan", "-o", "d.npy"]);
    f("did you mean \"rbf\"", &["gram", "x.npy", "--kernel", "rfb(gamma=1)", "-o", "k.npy"]);
    f("length_scale", &["gram", "x.npy", "--kernel", "matern(nu=1.5, length_scale=-1)", "-o", "k.npy"]);
    f("-k 3 must be from 1 to the rows of x.npy (2)", &["knn", "x.npy", "x.npy", "-k", "3", "-o", "n.npz"]);
    f("count needs --radius", &["reduce", "x.npy", "--reduce", "count", "-o", "r.npy"]);
    f("--radius 1 goes with", &["reduce", "x.npy", "--reduce", "sum", "--radius", "1", "-o", "r.npy"]);
    f("topk=K with K from 1 to 1024", &["reduce", "x.npy", "--reduce", "topk=0", "-o", "r.npz"]);
    f("k = 3", &["reduce", "x.npy", "--reduce", "topk=3", "-o", "s.npz"]);
    f("use one of sum, mean", &["reduce", "x.npy", "--reduce", "median", "-o", "r.npy"]);
    f("this command writes .npz", &["reduce", "x.npy", "--reduce", "topk=1", "-o", "r.npy"]);
    f("--weights goes with", &["reduce", "x.npy", "--reduce", "min", "--weights", "x.npy", "-o", "r.npy"]);
    f("leave out Y", &["reduce", "x.npy", "x.npy", "--reduce", "sum", "--exclude-self", "-o", "r.npy"]);
    f("cannot be used with", &["reduce", "x.npy", "--kernel", "rbf", "--metric", "cosine", "-r", "sum", "-o", "r.npy"]);
    f("--columns 2: x.npy has columns 0 to 1", &["pairwise", "x.npy", "--columns", "0,2", "-o", "d.npy"]);
    f("cannot be used with", &["pairwise", "x.npy", "x.npy", "--condensed", "-o", "d.npy"]);
    folder.npy("scalar.npy", &[], &[1.0]);
    f("scalar.npy: is a single number", &["fft", "scalar.npy", "-o", "y.npy"]);
    f("there is no axis 2", &["fft", "x.npy", "--axes", "2", "-o", "y.npy"]);
    f("one length per axis", &["fft", "x.npy", "--axes", "0,1", "--n", "4", "-o", "y.npy"]);
    f("--balance", &["deconvolve", "x.npy", "x.npy", "--balance", "nan", "-o", "r.npy"]);
    f("at least 1MiB", &["info", "--memory-budget", "12"]);
    f("one adapter", &["pairwise", "x.npy", "-o", "d.npy", "--adapter", "all"]);
    f("--out", &["conformance", "--cases", "."]);
    f("no adapter fits \"voodoo\"", &["pairwise", "x.npy", "-o", "d.npy", "--adapter", "voodoo"]);
    f("did you mean \"cpu\"?", &["pairwise", "x.npy", "-o", "d.npy", "--adapter", "cpuu"]);
    f("tables are written as .csv", &["pairwise", "x.npy", "-o", "d.tsv"]);
    f("no adapter fits \"voodoo\"", &["demo", "--adapter", "voodoo"]);
    f("this command writes .npy or .npz or .csv", &["pairwise", "x.npy", "-o", "d.png"]);
    f("this command writes .npz", &["knn", "x.npy", "x.npy", "-k", "1", "-o", "d.txt"]);
    f("the ending does not say", &["pairwise", "x.npy", "-o", "d.unknown"]);
}

#[test]
fn negative_numbers_reach_their_options() {
    let folder = folder();
    let f = |message: &str, arguments: &[&str]| fails(&folder, 2, message, arguments);
    f("must be", &["pairwise", "x.npy", "--metric", "minkowski", "--p", "-1", "-o", "d.npy"]);
    f("must be", &["knn", "x.npy", "x.npy", "-k", "1", "--metric", "minkowski", "--p", "-0.5", "-o", "n.npz"]);
    f("--balance -1 must be above 0", &["deconvolve", "x.npy", "x.npy", "--balance", "-1", "-o", "r.npy"]);
    let gemm = ["gemm", "x.npy", "x.npy", "--c", "x.npy", "--alpha", "-0.5", "--beta", "-1", "-o", "c.npy"];
    folder.run(&gemm).success();
    assert_eq!(folder.real("c.npy").1, [-4.5, -7.0, -10.5, -15.0]);
}

/// Counts, lengths and steps that nothing has.
#[test]
fn absurd_counts_are_refused() {
    let folder = folder();
    folder.npy("none.npy", &[0], &[]);
    let f = |message: &str, arguments: &[&str]| fails(&folder, 2, message, arguments);
    for n in ["-4", "0", "1e3", "99999999999999999999"] {
        f(
            &format!("'{n}' for '--n <N>': it must be a whole number from 1"),
            &["fft", "x.npy", "--n", n, "-o", "y.npy"],
        );
    }
    f("'-1' for '--iterations", &["deconvolve", "x.npy", "x.npy", "--iterations", "-1", "-o", "r.npy"]);
    f("'-3' for '--size", &["filter", "uniform", "x.npy", "--size", "-3", "-o", "r.npy"]);
    f("'0' for '--hop", &["spectrogram", "flat.npy", "--hop", "0", "-o", "r.npy"]);
    f("'-8' for '--length", &["spectrogram", "flat.npy", "--length", "-8", "-o", "r.npy"]);
    f("--range 0 must be above 0", &["spectrogram", "flat.npy", "--range", "0", "-o", "r.png"]);
    f("from 0 on", &["filter", "gaussian", "x.npy", "--sigma", "nan", "-o", "r.npy"]);
    f("must be at most 4294967295", &["fft", "x.npy", "--n", "1000000000000000", "-o", "y.npy"]);
    let f = |message: &str, arguments: &[&str]| fails(&folder, 1, message, arguments);
    f("none.npy", &["spectrogram", "none.npy", "-o", "r.npy"]);
    f("may be empty", &["convolve", "none.npy", "flat.npy", "-o", "r.npy"]);
}

#[test]
fn sizes_that_nothing_can_hold_are_refused() {
    let folder = folder();
    folder.npy("rows.npy", &[1_000_000_000_000_000, 0], &[]);
    folder.npy("none.npy", &[2, 0], &[]);
    let f = |message: &str, arguments: &[&str]| fails(&folder, 1, message, arguments);
    f("take more than the memory budget", &["knn", "none.npy", "rows.npy", "-k", "2", "-o", "n.npz"]);
    f("take more than the memory budget", &["knn", "rows.npy", "none.npy", "-k", "2", "-o", "n.npz"]);
    f("larger than any file can be", &["pairwise", "rows.npy", "-o", "d.npy"]);
}

#[test]
fn commands_in_memory_refuse_what_a_given_budget_does_not_hold() {
    let folder = Folder::new();
    folder.npy("x.npy", &[1000, 2], &[1.0; 2000]);
    folder.npy("square.npy", &[200, 200], &[1.0; 40_000]);
    for arguments in [
        &["gemm", "x.npy", "x.npy", "--trans-b", "-o", "k.npy"][..],
        &["fft", "x.npy", "--axes", "0", "--n", "100000", "-o", "y.npy"],
        &["convolve", "square.npy", "square.npy", "-o", "c.npy", "--mode", "full"],
        &["deconvolve", "square.npy", "square.npy", "-o", "r.npy"],
    ] {
        let budgeted: Vec<&str> = arguments.iter().copied().chain(["--memory-budget", "1MiB"]).collect();
        fails(&folder, 1, "above --memory-budget 1MiB", &budgeted);
        folder.run(arguments).success();
        std::fs::remove_file(folder.path(arguments[arguments.iter().position(|a| *a == "-o").unwrap() + 1])).unwrap();
    }
}

#[test]
fn the_budget_counts_every_copy() {
    let folder = folder();
    folder.npy("x.npy", &[300, 2], &[1.0; 600]);
    // 300 × 300 numbers are below 1 MiB, four copies of them are not.
    fails(
        &folder,
        1,
        "takes 2 MiB, more than the memory budget of 1 MiB",
        &["pairwise", "x.npy", "-o", "d.csv", "--memory-budget", "1MiB"],
    );
    folder.run(&["pairwise", "x.npy", "-o", "d.npy", "--memory-budget", "1MiB"]).success();
}

#[test]
fn large_float64_files_are_streamed() {
    let folder = folder();
    let numbers: Vec<u8> = (0..100_000).flat_map(|i| f64::from(i % 7).to_le_bytes()).collect();
    folder.npy_bytes("x64.npy", "<f8", &[500, 200], &numbers);
    let run = ["pairwise", "x64.npy", "x64.npy", "-o", "d.npy", "--memory-budget", "1MiB"];
    folder.run(&run).success().stderr(contains("x64.npy: float64 converted to float32"));
    folder.run(&["pairwise", "x64.npy", "-o", "whole.npy"]).success();
    assert_eq!(folder.real("d.npy"), folder.real("whole.npy"));
}

#[test]
fn failed_work_is_code_1() {
    let folder = folder();
    folder.text("ragged.csv", "a,b\n1,2\n3\n");
    folder.text("words.csv", "1,2\n3,four\n");
    folder.text("x.unknown", "");
    folder.text("huge.csv", "1,1e300\n");
    std::fs::write(folder.path("short.npy"), &folder.read("x.npy")[..30]).unwrap();
    folder.text("noise.npy", "this is not an array");
    folder.text("noise.npz", "this is not an archive");
    folder.text("noise.png", "this is not a picture");
    folder.text("noise.wav", "this is not a sound");
    folder.npy_bytes("cut.npy", "<f4", &[1000, 1000], &[0; 40]);
    folder.npy_bytes("objects.npy", "|O", &[1, 1], &[0; 8]);
    folder.npy_bytes(
        "large.npy",
        "<f8",
        &[2, 1],
        &[1e300f64, 0.0].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>(),
    );
    folder.npy("three_labels.npy", &[3], &[0.0; 3]);
    let f = |message: &str, arguments: &[&str]| fails(&folder, 1, message, arguments);
    f("(x: x.npy 2×2, y: y.npy 2×3)", &["pairwise", "x.npy", "y.npy", "-o", "d.npy"]);
    f("flat.npy: has shape (4,); two axes are needed", &["pairwise", "flat.npy", "-o", "d.npy"]);
    f("missing.npy: ", &["pairwise", "missing.npy", "-o", "d.npy"]);
    f("line 3: has 1 cells, the lines before it have 2", &["pairwise", "ragged.csv", "-o", "d.npy"]);
    f("line 2, column 2: \"four\" is not a number", &["pairwise", "words.csv", "-o", "d.npy"]);
    f("the ending does not say", &["pairwise", "x.unknown", "-o", "d.npy"]);
    f("not a .npy file", &["pairwise", "noise.npy", "-o", "d.npy"]);
    f("noise.npz", &["pairwise", "noise.npz", "-o", "d.npy"]);
    f("1000×1000 elements of 4 bytes, but 40 bytes follow", &["pairwise", "cut.npy", "-o", "d.npy"]);
    f("short.npy: is cut short inside its header\n", &["pairwise", "short.npy", "-o", "d.npy"]);
    f("line 1, column 2: 1e300 does not fit float32", &["pairwise", "huge.csv", "-o", "d.npy"]);
    f("Python objects", &["pairwise", "objects.npy", "-o", "d.npy"]);
    f("large.npy: 1e300 at index 0 does not fit float32", &["pairwise", "large.npy", "-o", "d.npy"]);
    f("nowhere/d.npy: there is no folder nowhere", &["pairwise", "x.npy", "-o", "nowhere/d.npy"]);
    f(
        "has 3 labels, x.npy has 2 rows",
        &["knn", "x.npy", "x.npy", "-k", "1", "--labels", "three_labels.npy", "-o", "n.npz"],
    );
    f(
        "flat.npy has shape (4,); one row per row of Y (2) is needed",
        &["reduce", "x.npy", "--reduce", "sum", "--weights", "flat.npy", "-o", "s.npy"],
    );
    f("(a: x.npy 2×2, b: flat.npy (4,))", &["gemm", "x.npy", "flat.npy", "-o", "c.npy"]);
    f("noise.png", &["convolve", "noise.png", "x.npy", "-o", "y.png"]);
    f("noise.wav", &["convolve", "noise.wav", "flat.npy", "-o", "y.wav"]);
    f("as many axes as each other", &["convolve", "x.npy", "flat.npy", "-o", "y.npy"]);
    f("its sum is 0", &["convolve", "x.npy", "y.npy", "--normalize", "-o", "y2.npy"]);
}

#[test]
fn an_old_result_survives_a_failure() {
    let folder = folder();
    folder.text("d.npy", "precious");
    folder.run(&["pairwise", "x.npy", "y.npy", "-o", "d.npy"]).code(1);
    assert_eq!(folder.read("d.npy"), b"precious");
    folder.run(&["pairwise", "x.npy", "-o", "d.npy"]).success();
    assert_eq!(folder.real("d.npy").0, [2, 2]);
}

#[test]
fn empty_inputs_give_empty_results() {
    let folder = folder();
    folder.npy("none.npy", &[0, 2], &[]);
    folder.run(&["pairwise", "none.npy", "x.npy", "-o", "d.npy"]).success();
    assert_eq!(folder.real("d.npy"), (vec![0, 2], vec![]));
}
