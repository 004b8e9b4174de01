#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use naga::valid::{Capabilities, ValidationFlags, Validator};
use proptest::prelude::*;

use super::*;
use crate::metric::Metric;
use crate::shader::MATH;

const HEADER: &str = "
struct Parameters { values: array<vec4<f32>, 4>, nan_bits: u32, infinity_bits: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(1)
fn main() {
    var first = State();
    var second = State();
    pair_accumulate(&first, 1.0, 2.0, Weight());
    pair_accumulate(&second, 1.0, 2.0, Weight());
    out[0] = pair_finish(pair_merge(first, second));
}
";

fn validate(function: &PairFunction) {
    let code = function.code();
    let math: String = MATH.iter().map(|file| file.text).collect();
    let text = format!("{HEADER}{math}{}", code.text);
    let module =
        naga::front::wgsl::parse_str(&text).unwrap_or_else(|e| panic!("{}\n{}", e.emit_to_string(&text), code.text));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).unwrap_or_else(|e| panic!("{}\n{}", e.emit_to_string(&text), code.text));
}

fn rows() -> (Vec<f64>, Vec<f64>) {
    (vec![0.5, -1.25, 2.0], vec![0.25, 0.75, 1.5])
}

/// One of each leaf, and of each way to give its parameters. Numbers that pass through f32 are short.
const LEAVES: [&str; 64] = [
    "linear",
    "polynomial(2, 0.3)",
    "poly(degree=5)",
    "polynomial(2.5, 0.1, 3)",
    "polynomial(degree=100, gamma=0.01)",
    "rbf",
    "rbf(gamma=0.7)",
    "RBF(0.9)",
    "rbf([0.5, 1, 2])",
    "gaussian(s=0.3)",
    "rbf(precision=[[2, 0.5, 0], [0.5, 1, -0.25], [0, -0.25, 1]])",
    "laplacian",
    "laplacian(0.2)",
    "sigmoid(0.5, -0.2)",
    "matern(nu=0.5)",
    "Matern(1.1, 1.5)",
    "matern(nu=2.5, length_scale=0.7)",
    "matern([1, 2, 3], 2.5)",
    "matern(0.9, inf)",
    "matern([1, 2, 3], nu=Inf)",
    "matern(1.5, nu=0.8)",
    "matern(1.5, nu=3)",
    "matern([1, 2, 3], nu=0.3)",
    "RQ(1.2, alpha=0.5)",
    "rational_quadratic(alpha=100)",
    "exponential(2)",
    "exponential([1, 2, 0.5])",
    "exp_sine_squared(1.3, periodicity=2.1)",
    "periodic(period=0.7)",
    "cosine",
    "DotProduct(sigma_0=0.8)",
    "constant(2.5)",
    "white(0.3)",
    "cauchy(0.4)",
    "imq(s=0.6)",
    "multiquadric(2)",
    "thin_plate",
    "polyharmonic(1)",
    "polyharmonic(4)",
    "polyharmonic(5, 2)",
    "energy",
    "wendland(4, 0)",
    "wendland(4, 1)",
    "wendland(4, 2)",
    "wendland(4, q=3)",
    "spectral_mixture",
    "spectral_mixture([0.25, 0.5], means=[0.5, 2], scales=[0.25, 1])",
    "spectral_mixture(1.5, [0.5, -0.25, 0], [0.25, 0.5, 1])",
    "chi2(0.6)",
    "additive_chi2",
    "arc_cosine(0)",
    "arc_cosine(1)",
    "arc_cosine(order=2)",
    "ntk_relu",
    "ntk_relu(depth=3)",
    "kde_gaussian(2)",
    "tophat(4)",
    "epanechnikov(4)",
    "kde_exponential(h=2)",
    "kde_linear(4)",
    "kde_cosine(4)",
    "bernoulli(2, gamma=[0.5, 0, 0.25])",
    "walsh(3, 0.5)",
    "sobolev([1, 0.5, 2])",
];

#[test]
fn expressions_of_kernels_equal_their_definitions() {
    let (x, y) = rows();
    for text in LEAVES
        .into_iter()
        .chain(["2.5*RBF(0.9) + 0.3*RQ(1.2,alpha=0.5)*DotProduct(sigma_0=0.8)", "(rbf + 2*linear**2)^0.5"])
        .chain(["rbf(0.5, columns=[0, 2]) + (linear * ntk_relu[1])[2, 1]**2 + chi2(columns=1)"])
    {
        let kernel: Kernel = text.parse().unwrap();
        let function = kernel.pair_function(3).unwrap();
        for (x, y) in [(&x, &y), (&x, &x)] {
            let (value, expected) = (function.evaluate(x, y), kernel.definition(x, y).unwrap());
            // Weights and degrees pass through f32.
            let general = text.contains("0.3)") || text.contains("0.8)") || text.contains("nu=3");
            let tolerance = if text.contains('[') {
                1e-6
            } else if general {
                1e-9
            } else {
                1e-12
            };
            assert!((value - expected).abs() <= tolerance * expected.abs(), "{text}: {value} {expected}");
            let (_, bound) = function.evaluate_with_bound(x, y);
            assert!(bound <= 1e-4 * expected.abs() + 1e-5, "{text}: bound {bound} of {expected}");
        }
    }
}

/// What is said about an entry in the documentation.
fn row(entry: &KernelEntry) -> String {
    let quoted = |name: &&str| format!("`{name}`");
    let aliases: Vec<String> = entry.aliases.iter().map(quoted).collect();
    let aliases = if aliases.is_empty() { String::new() } else { format!(" ({})", aliases.join(", ")) };
    let parameter = |parameter: &Parameter| match parameter.to_string().split_once(", ") {
        Some((value, also)) => format!("`{value}` ({also})"),
        None => format!("`{parameter}`"),
    };
    let parameters: Vec<String> = entry.parameters.iter().map(parameter).collect();
    let formula = entry.formula.replace('|', "\\|");
    format!("| `{}`{aliases} | {formula} | {} |\n", entry.name, parameters.join(", "))
}

#[test]
fn the_documentation_names_every_kernel() {
    let rows: String = Kernel::all().iter().map(|entry| row(entry)).collect();
    let table = format!("| name (aliases) | value | parameters and defaults |\n|---|---|---|\n{rows}");
    assert!(table == include_str!("table.md"), "src/kernel/table.md must be:\n{table}");
}

#[test]
fn the_readme_names_every_kernel_and_contributing_shows_one() {
    let readme = include_str!("../../README.md");
    for entry in Kernel::all() {
        assert!(readme.contains(entry.name), "{}", entry.name);
    }
    let (family, contributing) = (include_str!("entries/stationary.rs"), include_str!("../../CONTRIBUTING.md"));
    let from = family.find("    CAUCHY = KernelEntry {").unwrap();
    let until = family[from..].find("\n    };\n").unwrap();
    assert!(contributing.contains(&family[from..from + until]));
}

#[test]
fn an_entry_is_at_most_25_lines_in_one_place() {
    let families = [
        include_str!("entries/density.rs"),
        include_str!("entries/histogram.rs"),
        include_str!("entries/inner.rs"),
        include_str!("entries/lattice.rs"),
        include_str!("entries/neural.rs"),
        include_str!("entries/periodic.rs"),
        include_str!("entries/radial.rs"),
        include_str!("entries/stationary.rs"),
    ];
    let mut entries = 0;
    for family in families {
        let mut start = None;
        for (at, line) in family.lines().enumerate() {
            if line.ends_with("= KernelEntry {") {
                start = Some(at);
            } else if let Some(first) = start.filter(|_| line == "    };") {
                assert!(at - first < 25, "{}", family.lines().nth(first).unwrap());
                (entries, start) = (entries + 1, None);
            }
        }
    }
    assert_eq!(entries, Kernel::all().len());
    assert!(entries >= 34);
    let mut names: Vec<String> =
        Kernel::all().iter().flat_map(|e| [&[e.name], e.aliases].concat()).map(super::entry::plain).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

#[test]
fn kernels_on_columns_see_nothing_else() {
    let kernel: Kernel = "matern([1, 2], 1.5, columns=[2, 0]) + 0.5*(linear * cosine)[3]".parse().unwrap();
    let function = kernel.pair_function(4).unwrap();
    let (x, y) = ([1.0, f64::NAN, 3.0, 2.0], [0.5, 7.0, 1.0, 4.0]);
    let (value, bound) = function.evaluate_with_bound(&x, &y);
    let expected = kernel.definition(&x, &y).unwrap();
    assert!(bound < 1e-4 && (value - expected).abs() <= bound, "{value} {bound} {expected}");
    assert_eq!(function.weight_tables(), [[0.25, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]);
    validate(&function);
}

#[test]
fn whitened_rows_stand_beside_the_rows_themselves() {
    let text = "2*rbf(precision=[[2, 0.5], [0.5, 1]], columns=[2, 0]) + linear*rbf([1, 2, 4]) + 0.5*cosine[1]";
    let kernel: Kernel = text.parse().unwrap();
    let function = kernel.pair_function(3).unwrap();
    let ([of_x, of_y], prepared) = function.prepared("gram", 3).unwrap().unwrap();
    assert_eq!((of_x.features(3), &of_x), (10, &of_y));
    let (x, y) = rows();
    let (value, want) = (prepared.evaluate(&of_x.apply(&x), &of_y.apply(&y)), kernel.definition(&x, &y).unwrap());
    assert!((value - want).abs() < 1e-12 * want.abs(), "{value} {want}");
    prepared.check(10).unwrap();
    validate(&prepared);
    // The feature that the precision does not see may hold anything.
    let alone: Kernel = "rbf(precision=[[2, 0.5], [0.5, 1]], columns=[2, 0])".parse().unwrap();
    let function = alone.pair_function(3).unwrap();
    let ([of_x, _], prepared) = function.prepared("gram", 3).unwrap().unwrap();
    let (x, y) = ([0.5, f64::NAN, 2.0], [0.25, 1.0, 1.5]);
    let (value, bound) = function.evaluate_with_bound(&x, &y);
    let want = alone.definition(&x, &y).unwrap();
    assert!((value - want).abs() < 1e-12 && bound.is_finite() && bound < 1e-5, "{value} {want} {bound}");
    assert!((prepared.evaluate(&of_x.apply(&x), &of_x.apply(&y)) - want).abs() < 1e-12);
    // Rows that are made in another way have no place beside others.
    let mixed = PairFunction { terms: vec![Metric::CORRELATION, Metric::EUCLIDEAN], finish: Expr::variable(0) };
    assert!(matches!(mixed.prepared("gram", 3), Err(Error::Unsupported { .. })));
}

#[test]
fn every_pair_function_is_valid_wgsl() {
    for kernel in LEAVES {
        validate(&kernel.parse::<Kernel>().unwrap().pair_function(3).unwrap());
    }
    let sum: Vec<String> = LEAVES.iter().filter(|l| !l.contains('[')).map(|l| format!("0.1*{l}**1.5")).collect();
    let shallow: Vec<&str> = sum.iter().map(String::as_str).take(4).collect();
    validate(&shallow.join(" * ").parse::<Kernel>().unwrap().pair_function(3).unwrap());
    for metric in Metric::all().into_iter().chain([Metric::INNER_PRODUCT, Metric::COSINE_SIMILARITY]) {
        validate(&metric.clone().into());
        validate(&metric.clone().with_weights(vec![1.0, 2.0, 3.0]).into());
        let both = PairFunction {
            terms: vec![Metric::minkowski(3.0), Metric::CHEBYSHEV, metric.with_weights(vec![1.0; 3])],
            finish: Expr::variable(0).max(Expr::variable(1)) * Expr::variable(2) + Expr::parameter(2.0),
        };
        validate(&both);
        assert_eq!(
            both.values(),
            both.terms.iter().flat_map(|t| t.parameters.iter().map(|p| p.1)).chain([2.0]).collect::<Vec<_>>()
        );
    }
}

#[test]
fn leaves_over_the_same_statistic_share_it() {
    let kernel: Kernel = "rbf(0.5) + matern(2) * rq + linear * poly".parse().unwrap();
    assert_eq!(kernel.pair_function(2).unwrap().terms, [Metric::SQEUCLIDEAN, Metric::INNER_PRODUCT]);
    let with = |gamma: f64| Kernel::rbf(gamma).pair_function(2).unwrap();
    assert_eq!(with(0.5).key(), with(7.0).key());
    let different = Kernel::rbf_length(vec![1.0, 2.0]) + Kernel::matern(1.5, vec![1.0, 3.0]) * Kernel::linear();
    let function = different.pair_function(2).unwrap();
    assert_eq!(function.weight_tables(), [[1.0, 0.25], [1.0, 1.0 / 9.0]]);
    validate(&function);
}

#[test]
fn bad_kernels_get_a_clear_error() {
    for (text, part) in [
        ("", "at character 1: expected a kernel"),
        ("rbf(", "expected a number, found the end"),
        ("rfb(1)", "did you mean \"rbf\"?"),
        ("rbf(gama=1)", "did you mean \"gamma\"?"),
        ("rbf(gamma=nan)", "expected a number"),
        ("rbf(-1)", "must be finite and above 0"),
        ("rbf(1e999)", "too large"),
        ("rbf(1, 2, 3, 4)", "takes 3 arguments"),
        ("rbf(precision=2)", "precision must be a matrix"),
        ("rbf(precision=[1, 2])", "precision must be a matrix"),
        ("rbf(precision=[[1, 2]])", "must be square"),
        ("rbf(precision=[[1, 2], [2]])", "must be square"),
        ("rbf(precision=[[1, 2], [0.5, 1]])", "must be symmetric"),
        ("rbf(precision=[[1, 2], [2, 1]])", "must be positive definite"),
        ("rbf(precision=[[1, 1], [1, 1]])", "must be positive definite"),
        ("rbf(precision=[[1, 0], [0, 1e-50]])", "must be positive definite in single precision"),
        ("rbf(precision=[[1], 2])", "expected \"[\""),
        ("rbf(precision=[[]])", "expected a number"),
        ("rbf([[1]])", "length_scale must be no matrix"),
        ("rbf(columns=[[0]])", "not a matrix"),
        ("rbf(1, length_scale=2)", "given twice"),
        ("linear linear", "expected the end"),
        ("2**3", "a number cannot have a power"),
        ("laplacian([1])", "not a list"),
        ("rbf(gamma=0.5", "expected \")\""),
        ("-2*rbf", "expected a kernel"),
        ("rbf(1);", "expected the end"),
        ("rbf[0.5]", "whole numbers, counted from 0"),
        ("rbf(columns=[1, 1])", "column 1 is chosen twice"),
        ("rbf(1, columns=0, columns=1)", "columns is given twice"),
        ("2[0]", "a number has no columns"),
        ("rbf(inf)", "must be finite and above 0"),
        ("wendland(q=4)", "a whole number from 0 to 3"),
        ("spectral_mixture(means=[1, inf])", "expected a number"),
    ] {
        let message = text.parse::<Kernel>().unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
    for (text, part) in [
        ("matern(nu=1e5)", "from 1e-4 to 1e4"),
        ("rbf(columns=[0, 3])", "column 3 is not there"),
        ("(rbf[1, 2])[2]", "column 1 is not there: 1 are"),
        ("rbf([1, 2, 3], columns=[0, 1])", "there are 2 features and 3"),
        ("spectral_mixture([1, 2], [1, 2], [1, 2, 3])", "one per component and feature"),
        ("rbf([1, 2])", "one per feature: there are 3 features and 2"),
        ("rbf(1, gamma=2)", "not both"),
        ("rbf(gamma=2, precision=[[1]])", "gamma or precision can be given, not both"),
        ("rbf(precision=[[2, 0.5], [0.5, 1]])", "must be 3 × 3 for 3 features; it is 2 × 2"),
        ("rbf(1e-30)", "must fit single precision"),
        ("linear**1e300", "single precision"),
    ] {
        let message = text.parse::<Kernel>().unwrap().check(3).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
    let deep = "(".repeat(100_000);
    assert!(deep.parse::<Kernel>().unwrap_err().to_string().contains("parentheses"));
    let long = vec!["rbf"; 100_000].join("+");
    assert!(long.parse::<Kernel>().unwrap_err().to_string().contains("more than 256"));
    assert!(Kernel::rbf(f64::NAN).check(1).is_err() && Kernel::matern(1.5, -1.0).check(1).is_err());
}

/// Kernels of every shape, through the public constructors.
fn any_kernel() -> impl Strategy<Value = Kernel> {
    let number = prop_oneof![1e-3..1e3_f64, Just(1e-20), Just(3e15), Just(1.0)];
    let leaf = (0..10usize, number.clone(), number.clone()).prop_map(|(which, a, b): (usize, f64, f64)| match which {
        0 => Kernel::linear(),
        1 => Kernel::polynomial(a, b, -a),
        2 => Kernel::rbf(a),
        3 => Kernel::rbf_length(vec![a, b]),
        4 => Kernel::sigmoid(None, a),
        5 => Kernel::matern(2.5, a),
        6 => Kernel::laplacian(None),
        7 => Kernel::matern(f64::INFINITY, a),
        8 => Kernel::rbf_precision(vec![vec![1.0, 0.25 * (a / 3e15)], vec![0.25 * (a / 3e15), 0.5]]),
        _ => Kernel::polynomial(2, None, a),
    });
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let number = number.clone();
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a + b),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a * b),
            (number.clone(), inner.clone()).prop_map(|(a, b)| a * b),
            (inner.clone(), -3.0..3.0_f64).prop_map(|(a, b)| a.power(b)),
            (inner, proptest::sample::subsequence(vec![0, 1, 2, 7], 1..3))
                .prop_map(|(a, columns)| a.on_columns(&columns)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = text.parse::<Kernel>();
    }

    #[test]
    fn no_text_of_the_grammars_own_pieces_panics(pieces in proptest::collection::vec(
        proptest::sample::select(vec!["rbf", "Matern", "poly", "constant", "(", ")", "[", "]", ",", "=", "+", "*", "**", "^",
            "gamma", "nu", "length_scale", "precision", "columns", "inf", "wendland", "sm", "1", "0.5", "-2", "1e3", "1e999", ".", "e", " ", "é", "\u{1F600}", "inf"]), 0..24)) {
        let text = pieces.concat();
        if let Ok(kernel) = text.parse::<Kernel>() {
            let _ = kernel.check(2);
            prop_assert_eq!(kernel.to_string().parse::<Kernel>().unwrap(), kernel);
        }
    }

    #[test]
    fn what_is_printed_reads_back(kernel in any_kernel()) {
        prop_assert_eq!(kernel.to_string().parse::<Kernel>().unwrap(), kernel);
    }
}
