//! Every metric with everything that it takes, in memory and streamed, on the CPU.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Folder;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

fn close(got: &[f32], want: &[f64]) -> bool {
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-6 * (1.0 + b.abs()))
}

/// Points whose covariance matrix is 4/3 and 16/3 on the diagonal, 0 beside it.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.text("x.csv", "0,0\n2,0\n");
    folder.text("y.csv", "0,4\n2,4\n");
    folder.text("all.csv", "0,0\n2,0\n0,4\n2,4\n");
    folder
}

fn distances(folder: &Folder, flags: &[&str]) -> Vec<f32> {
    folder.run(&[&["pairwise", "x.csv", "y.csv", "-o", "d.npy", "--metric"], flags].concat()).success();
    folder.real("d.npy").1
}

#[test]
fn forms_bases_and_tables_come_from_flags() {
    let folder = folder();
    let root = 20f64.sqrt();
    for mode in ["direct", "expanded", "compensated"] {
        assert!(close(&distances(&folder, &["euclidean", "--mode", mode]), &[4.0, root, root, 4.0]), "{mode}");
        assert!(close(&distances(&folder, &["sqeuclidean", "--mode", mode]), &[16.0, 20.0, 20.0, 16.0]), "{mode}");
    }
    folder.text("v.csv", "4,16\n");
    let standardised = [1.0, 2f64.sqrt(), 2f64.sqrt(), 1.0];
    assert!(close(&distances(&folder, &["seuclidean", "--V", "v.csv"]), &standardised));
    folder.text("vi.csv", "0.25,0\n0,0.0625\n");
    assert!(close(&distances(&folder, &["mahalanobis", "--VI", "vi.csv"]), &standardised));
    folder.text("w.csv", "1\n0\n");
    assert!(close(&distances(&folder, &["cityblock", "--w", "w.csv"]), &[0.0, 2.0, 2.0, 0.0]));
    folder.text("x.csv", "1,0\n");
    folder.text("y.csv", "0,1\n");
    assert!(close(&distances(&folder, &["jensenshannon", "--base", "2"]), &[1.0]));
    assert!(close(&distances(&folder, &["jensenshannon"]), &[2f64.ln().sqrt()]));
    folder.text("vi.csv", "1,2,3\n");
    let flat = ["pairwise", "x.csv", "--metric", "mahalanobis", "--VI", "vi.csv", "-o", "d.npy"];
    folder.run(&flat).code(1).stderr(contains("has shape 1×3; a matrix of 2×2 is needed"));
}

#[test]
fn tables_that_are_not_given_are_those_of_the_rows() {
    let folder = folder();
    let (near, far) = (3f64.sqrt(), 6f64.sqrt());
    for (metric, flag) in [("seuclidean", "--V"), ("mahalanobis", "--VI")] {
        assert!(close(&distances(&folder, &[metric]), &[near, far, far, near]), "{metric}");
        let said = ["pairwise", "x.csv", "y.csv", "--metric", metric, "-o", "d.npy", "--json"];
        let what = format!("of the 4 rows of x.csv and y.csv; {flag} gives");
        folder.run(&said).success().stdout(contains("\"notes\"").and(contains(&what))).stderr(contains(&what));
        // Without Y they are those of X alone, as SciPy's pdist has it.
        let alone = ["pairwise", "all.csv", "--metric", metric, "--condensed", "-o", "d.npy"];
        folder.run(&alone).success().stderr(contains("of the 4 rows of all.csv"));
        assert!(close(&folder.real("d.npy").1, &[near, near, far, far, near, near]), "{metric}");
        let least = ["reduce", "x.csv", "y.csv", "--metric", metric, "--reduce", "max", "-o", "far.npy"];
        folder.run(&least).success();
        assert!(close(&folder.real("far.npy").1, &[far, far]), "{metric}");
        folder.run(&["knn", "x.csv", "y.csv", "-k", "1", "--metric", metric, "-o", "near.npz"]).success();
        let mut archive = npyz::npz::NpzArchive::open(folder.path("near.npz")).unwrap();
        let found: Vec<f32> = archive.by_name("distances").unwrap().unwrap().into_vec().unwrap();
        assert!(close(&found, &[near, near]), "{metric}");
    }
    folder.text("line.csv", "0,0\n1,1\n2,2\n3,3\n");
    let singular = ["pairwise", "line.csv", "--metric", "mahalanobis", "-o", "d2.npy"];
    folder.run(&singular).code(2).stderr(contains("column 1 follows from those before it: the covariance is singular"));
    let flat = ["pairwise", "x.csv", "--metric", "seuclidean", "-o", "d2.npy"];
    folder.run(&flat).code(2).stderr(contains("column 1 is the same in every row"));
}

#[test]
fn every_metric_is_streamed_as_it_is_computed_in_memory() {
    let folder = Folder::new();
    let n = 40_000;
    // Whole numbers from 0 to 3 over 4: masses, truths and angles alike.
    let number = |i: usize| (i * 7919 % 1013 % 4) as f32 / 4.0;
    folder.npy("x.npy", &[n, 2], &(0..2 * n).map(number).collect::<Vec<_>>());
    folder.npy("y.npy", &[3, 2], &[0.25, 0.5, 0.75, 0.0, 0.0, 0.5]);
    let names = folder.run(&["pairwise", "--list", "--json"]).success().get_output().stdout.clone();
    let names: Vec<String> = serde_json::from_slice(&names).unwrap();
    assert!(names.len() > 25);
    for name in names.iter().filter(|name| !name.starts_with("bit_")) {
        let run = |output: &str, budget: &str| {
            let budget = ["-o", output, "--memory-budget", budget];
            folder.run(&[&["pairwise", "x.npy", "y.npy", "--metric", name], &budget[..]].concat()).success();
            folder.real(output)
        };
        let ((shape, whole), (streamed_shape, streamed)) = (run("whole.npy", "512MiB"), run("panels.npy", "1MiB"));
        assert_eq!(shape, streamed_shape);
        let same = |a: &f32, b: &f32| (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-6;
        assert!(whole.iter().zip(&streamed).all(|(a, b)| same(a, b)), "{name}");
    }
}

#[test]
fn a_streamed_expanded_square_has_zeros_on_its_diagonal() {
    let folder = Folder::new();
    let (n, d) = (400, 200);
    folder.npy("x.npy", &[n, d], &(0..n * d).map(|i| 100.0 + (i % 37) as f32 / 37.0).collect::<Vec<_>>());
    folder.run(&["pairwise", "x.npy", "--mode", "expanded", "-o", "d.npy", "--memory-budget", "1MiB"]).success();
    let (_, distances) = folder.real("d.npy");
    assert!((0..n).all(|i| distances[i * n + i] == 0.0) && distances.iter().all(|d| *d >= 0.0));
}

#[test]
fn bits_of_whole_numbers_are_compared() {
    let folder = Folder::new();
    folder.npy_bytes("bytes.npy", "|u1", &[2, 2], &[0b1011, 0, 0xff, 0xff]);
    folder.npy_bytes("words.npy", "<u4", &[2, 1], &[0b1011, 0, 0, 0, 0xff, 0xff, 0, 0]);
    for (file, all) in [("bytes.npy", 16.0), ("words.npy", 32.0)] {
        folder.run(&["pairwise", file, "--metric", "bit_hamming", "-o", "d.npy"]).success();
        assert_eq!(folder.real("d.npy").1, [0.0, 13.0 / all, 13.0 / all, 0.0]);
        folder.run(&["pairwise", file, "--metric", "bit_jaccard", "--condensed", "-o", "d.npy"]).success();
        assert_eq!(folder.real("d.npy").1, [13.0 / 16.0]);
    }
    folder.npy("x.npy", &[1, 2], &[1.0, 2.0]);
    let floats = ["pairwise", "x.npy", "--metric", "bit_hamming", "-o", "d.npy"];
    folder.run(&floats).code(1).stderr(contains("holds float32; the bits of whole numbers"));
    folder.npy_bytes("odd.npy", "|u1", &[1, 3], &[1, 2, 3]);
    let odd = ["pairwise", "odd.npy", "--metric", "bit_hamming", "-o", "d.npy"];
    folder.run(&odd).code(1).stderr(contains("rows of 3×1 bytes"));
}

#[test]
fn the_list_shows_flags_and_formulas() {
    let folder = Folder::new();
    let list = folder.run(&["pairwise", "--list"]).success();
    let list = list.stdout(contains("minkowski").and(contains("--p 2")).and(contains("(Σ w_f |x_f − y_f|ᵖ)^(1/p)")));
    let list = list.stdout(contains("--V FILE").and(contains("--VI FILE")).and(contains("--base e")));
    list.stdout(contains("--mode direct|expanded|compensated --w FILE").and(contains("also l1, manhattan")));
}
