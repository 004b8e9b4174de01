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
    pair_accumulate(&first, 1.0, 2.0, 3.0);
    pair_accumulate(&second, 1.0, 2.0, 3.0);
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

/// One of each leaf, and of each way to give its parameters.
const LEAVES: [&str; 24] = [
    "linear",
    "polynomial(2, 0.3)",
    "poly(degree=5)",
    "polynomial(2.5, 0.1, 3)",
    "polynomial(degree=100, gamma=0.01)",
    "rbf",
    "rbf(gamma=0.7)",
    "RBF(0.9)",
    "rbf([0.5, 1, 2])",
    "laplacian",
    "laplacian(0.2)",
    "sigmoid(0.5, -0.2)",
    "matern(nu=0.5)",
    "Matern(1.1, 1.5)",
    "matern(nu=2.5, length_scale=0.7)",
    "matern([1, 2, 3], 2.5)",
    "RQ(1.2, alpha=0.5)",
    "rational_quadratic(alpha=100)",
    "exponential(2)",
    "exponential([1, 2, 0.5])",
    "exp_sine_squared(1.3, periodicity=2.1)",
    "cosine",
    "DotProduct(sigma_0=0.8)",
    "constant(2.5)",
];

#[test]
fn expressions_of_kernels_equal_their_definitions() {
    let (x, y) = rows();
    for text in LEAVES
        .into_iter()
        .chain(["2.5*RBF(0.9) + 0.3*RQ(1.2,alpha=0.5)*DotProduct(sigma_0=0.8)", "(rbf + 2*linear**2)^0.5"])
    {
        let kernel: Kernel = text.parse().unwrap();
        let function = kernel.pair_function(3).unwrap();
        for (x, y) in [(&x, &y), (&x, &x)] {
            let (value, expected) = (function.evaluate(x, y), kernel.definition(x, y).unwrap());
            // Weights and degrees pass through f32.
            let tolerance = if text.contains('[') { 1e-6 } else { 1e-12 };
            assert!((value - expected).abs() <= tolerance * expected.abs(), "{text}: {value} {expected}");
            let (_, bound) = function.evaluate_with_bound(x, y);
            assert!(bound <= 1e-4 * expected.abs() + 1e-5, "{text}: bound {bound} of {expected}");
        }
    }
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
    let different = Kernel::rbf_length(vec![1.0, 2.0]) + Kernel::rbf_length(vec![1.0, 3.0]);
    assert!(matches!(different.check(2), Err(Error::Unsupported { .. })));
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
        ("rbf(1, 2, 3)", "takes 2 arguments"),
        ("rbf(1, length_scale=2)", "given twice"),
        ("linear linear", "expected the end"),
        ("2**3", "a number cannot have a power"),
        ("laplacian([1])", "not a list"),
        ("rbf(gamma=0.5", "expected \")\""),
        ("-2*rbf", "expected a kernel"),
        ("rbf(1);", "expected the end"),
    ] {
        let message = text.parse::<Kernel>().unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
    for (text, part) in [
        ("matern(nu=0.8)", "0.5, 1.5 and 2.5"),
        ("rbf([1, 2])", "one per feature: there are 3 features and 2"),
        ("rbf(1, gamma=2)", "not both"),
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
    let leaf = (0..8usize, number.clone(), number.clone()).prop_map(|(which, a, b): (usize, f64, f64)| match which {
        0 => Kernel::linear(),
        1 => Kernel::polynomial(a, b, -a),
        2 => Kernel::rbf(a),
        3 => Kernel::rbf_length(vec![a, b]),
        4 => Kernel::sigmoid(None, a),
        5 => Kernel::matern(2.5, a),
        6 => Kernel::laplacian(None),
        _ => Kernel::polynomial(2, None, a),
    });
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let number = number.clone();
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a + b),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a * b),
            (number.clone(), inner.clone()).prop_map(|(a, b)| a * b),
            (inner, -3.0..3.0_f64).prop_map(|(a, b)| a.power(b)),
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
            "gamma", "nu", "length_scale", "1", "0.5", "-2", "1e3", "1e999", ".", "e", " ", "é", "\u{1F600}", "inf"]), 0..24)) {
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
