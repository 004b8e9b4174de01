#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

/// Expressions of two variables and a parameter, of every operation, that stay tame where both are in ½ … 2.
fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        Just(Expr::variable(0)),
        Just(Expr::variable(1)),
        (0.5..2.0).prop_map(|v: f64| Expr::constant(v)),
        (0.5..2.0).prop_map(|v: f64| Expr::parameter(v)),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        (inner.clone(), inner, 0..18usize).prop_map(|(a, b, which)| match which {
            0 => a + b,
            1 => a - b,
            2 => a.tanh() * b,
            3 => a / (b.powi(2) + 1.0),
            4 => (-a.powi(2)).exp() + b,
            5 => a.tanh().expm1() * b,
            6 => (a.powi(2) + 0.5).log() - b,
            7 => a.powi(2).log1p() + b,
            8 => (a.powi(2) + 0.5).sqrt() * b.sin(),
            9 => a.cos() + b,
            10 => a.abs() * b.tanh(),
            11 => (a.powi(2) + 0.5).pow(b.tanh()),
            12 => (a.powi(2) + 0.5).rsqrt() + b,
            13 => (b.powi(2) + 1.0).pow(-2.5) * a,
            14 => -a + b.tanh().powi(3),
            15 => (b.powi(2) + 1.0).powi(-2) + a,
            16 => a.tanh().min(b),
            _ => a.max(b.tanh()),
        })
    })
}

/// The same operations in f32, each rounded once: a device that is as good as can be.
fn in_single_precision(expr: &Expr, values: &[f32]) -> f32 {
    let tape = expr.tape();
    let mut done: Vec<f32> = vec![];
    for step in tape.steps() {
        done.push(match *step {
            Step::Constant(bits) => f64::from_bits(bits) as f32,
            Step::Parameter(slot) => tape.parameters()[slot] as f32,
            Step::Variable(index) => values[index],
            Step::Unary(function, a) => function.value(f64::from(done[a])) as f32,
            Step::Binary(function, a, b) => function.value(f64::from(done[a]), f64::from(done[b])) as f32,
            Step::Powi(a, n) => f64::from(done[a]).powi(n) as f32,
            _ => f32::NAN,
        });
    }
    *done.last().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_bound_holds(expr in any_expr(), x in 0.5f32..2.0, y in 0.5f32..2.0, ex in 0.0..1e-3, ey in 0.0..1e-6) {
        let (value, bound) = expr.evaluate_with_bound(&[(f64::from(x), 0.0), (f64::from(y), 0.0)]);
        let single = f64::from(in_single_precision(&expr, &[x, y]));
        prop_assert!((single - value).abs() <= bound, "{single} {value} {bound} {expr:?}");
        // Values that are off by as much as they are said to be.
        let moved = (f64::from(x + ex as f32), f64::from(y - ey as f32));
        let off = |a: f64, b: f32| (a, (a - f64::from(b)).abs());
        let (value, bound) = expr.evaluate_with_bound(&[off(moved.0, x), off(moved.1, y)]);
        prop_assert!((single - value).abs() <= bound, "{single} {value} {bound} {expr:?}");
    }

    #[test]
    fn derivatives_are_slopes(expr in any_expr(), x in 0.5..2.0, y in 0.5..2.0) {
        let slope = expr.derivative(&Expr::variable(0)).evaluate(&[x, y]);
        let h = 1e-5;
        let at = |x: f64| expr.evaluate(&[x, y]);
        let (above, below) = ((at(x + h) - at(x)) / h, (at(x) - at(x - h)) / h);
        let middle = 0.5 * (above + below);
        // Beside a kink the two sides differ, and the derivative is one of theirs.
        let scale = 1.0 + slope.abs() + at(x).abs();
        let kink = (above - below).abs() > 1e-3 * scale;
        prop_assume!(scale < 1e6);
        prop_assert!(kink || (slope - middle).abs() <= 1e-4 * scale * scale, "{slope} {middle} {expr:?}");
    }
}

#[test]
fn parameters_keep_their_identity() {
    let (a, b) = (Expr::parameter(2.0), Expr::parameter(2.0));
    let expr = &a * Expr::variable(0) + &b * &a;
    assert_eq!(expr.parameters(), [2.0, 2.0]);
    assert_eq!(expr.derivative(&a).evaluate(&[3.0]), 5.0);
    assert_eq!(expr.derivative(&b).evaluate(&[3.0]), 2.0);
    assert_eq!(expr.derivative(&Expr::parameter(2.0)).evaluate(&[3.0]), 0.0);
}

#[test]
fn text_shares_what_is_shared_and_keys_leave_values_out() {
    let with = |gamma: f64| {
        let s = (Expr::variable(0) * Expr::parameter(gamma)).sqrt();
        (&s + 1.0) * (-&s).exp()
    };
    let text = with(0.5).wgsl(&|i| format!("v{i}"), 3);
    assert_eq!(text, "    let e3 = sqrt_((v0 * param(3u)));\n    return ((e3 + 1.0f) * exp_(-(e3)));");
    assert_eq!(text, with(0.7).wgsl(&|i| format!("v{i}"), 3));
    assert_ne!(with(0.5), with(0.7));
    assert_eq!(with(0.5), with(0.5));
}

#[test]
fn numbers_without_a_literal_become_parameters() {
    for value in [f64::NAN, f64::INFINITY, 1e300, 1e-40] {
        assert_eq!(Expr::constant(value).parameters().len(), 1);
    }
    assert_eq!((Expr::constant(2.0) * 3.0).wgsl(&|_| String::new(), 0), "    return 6.0f;");
    assert_eq!((Expr::variable(0) - (-1e-7)).wgsl(&|_| "v".to_owned(), 0), "    return (v - (-1e-7f));");
}

#[test]
fn long_chains_neither_overflow_the_stack_nor_the_text() {
    let mut chain = Expr::variable(0);
    for _ in 0..20_000 {
        chain = chain + Expr::variable(0).sin();
    }
    assert!((chain.evaluate(&[1.0]) - 1.0 - 20_000.0 * 1.0_f64.sin()).abs() < 1e-6);
    let text = chain.wgsl(&|_| "v".to_owned(), 0);
    assert!(text.lines().all(|line| line.len() < 400));
}

#[test]
fn bounds_at_the_edges() {
    let v = Expr::variable(0);
    assert_eq!(v.sqrt().evaluate_with_bound(&[(0.0, 0.0)]), (0.0, 0.0));
    assert_eq!((1.0 / &v).evaluate_with_bound(&[(0.0, 1e-9)]).1, f64::INFINITY);
    // Finite in f64, but not in f32.
    assert_eq!(v.exp().evaluate_with_bound(&[(100.0, 0.0)]).1, f64::INFINITY);
    assert_eq!((-&v).exp().evaluate_with_bound(&[(f64::INFINITY, 0.0)]), (0.0, 0.0));
    let (value, bound) = v.exp().evaluate_with_bound(&[(f64::NAN, 0.0)]);
    assert!(value.is_nan() && bound == 0.0);
}

#[test]
fn gradients_of_vectors_are_written_once_per_component() {
    let (x, y, p) = (Expr::vi(0, 3), Expr::vj(0, 3), Expr::parameter(0.5));
    let value = (-&p * x.sqdist(&y)).exp() * x.component(1) + x.concat(&y).sqnorm();
    assert_eq!(value.dimension(), 1);
    let gradients = value.gradients(&[x.clone(), y.clone(), p.clone()]);
    assert_eq!(gradients.iter().map(Expr::dimension).collect::<Vec<_>>(), [3, 3, 1]);
    assert!(gradients.iter().all(|gradient| gradient.tape().dimensions().is_ok()));
    assert_eq!(value.gradient(&Expr::pm(0, 7)).dimension(), 7);
    assert!((&x + Expr::vj(0, 4)).tape().dimensions().is_err());
    assert!(x.extract(1, 3).tape().dimensions().is_err());
    assert_eq!(value.transposed().transposed(), value);
}

#[test]
fn slopes_of_distances_are_0_where_points_meet() {
    let squared = Expr::variable(0);
    let kernel = (-squared.sqrt()).exp();
    assert_eq!(kernel.derivative(&squared).evaluate(&[0.0]), 0.0);
    assert_eq!(squared.inverse_or_zero().evaluate_with_bound(&[(0.0, 0.0)]), (0.0, 0.0));
}
