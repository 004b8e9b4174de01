use super::{contiguous, noise, operand, run};
use crate::cpu::Cpu;
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::work::{Layout, PairWork, Work};

fn work(function: &PairFunction, paired: bool) -> Work {
    Work::Pair(PairWork { op: "pairwise", function: function.clone(), paired })
}

fn functions(d: usize) -> Vec<PairFunction> {
    let metrics = [
        Metric::SQEUCLIDEAN,
        Metric::EUCLIDEAN,
        Metric::CITYBLOCK,
        Metric::CHEBYSHEV,
        Metric::COSINE,
        Metric::COSINE_SIMILARITY,
        Metric::INNER_PRODUCT,
        Metric::minkowski(1.0),
        Metric::minkowski(2.0),
        Metric::minkowski(3.0),
        Metric::minkowski(2.5),
        Metric::minkowski(0.5),
    ];
    let weights: Vec<f32> = (0..d).map(|f| [0.5, 0.0, 2.0, 1.0][f % 4]).collect();
    let mut all: Vec<PairFunction> = metrics.iter().map(PairFunction::from).collect();
    all.extend(metrics.iter().map(|metric| Metric { weights: Some(weights.clone()), ..metric.clone() }.into()));
    let (a, b) = (Expr::variable(0), Expr::variable(1));
    let one = |metric: Metric, finish: Expr| PairFunction { terms: vec![metric], finish };
    all.push(one(Metric::SQEUCLIDEAN, (-&(Expr::parameter(0.7) * &a)).exp()));
    all.push(one(Metric::INNER_PRODUCT, (Expr::parameter(0.1) * &a + 0.3).tanh()));
    all.push(one(Metric::INNER_PRODUCT, (&a * 0.1 + 1.0).powi(3)));
    all.push(one(Metric::EUCLIDEAN, (&a + 1.0).powi(-2) + (&a + 2.0).log()));
    all.push(PairFunction { terms: vec![Metric::CITYBLOCK, Metric::EUCLIDEAN], finish: &b * (-&a).exp() });
    let others: Vec<f32> = (0..d).map(|f| [0.0, 1.5, 1.0][f % 3]).collect();
    let two = vec![Metric::CITYBLOCK.with_weights(weights), Metric::INNER_PRODUCT.with_weights(others)];
    all.push(PairFunction { terms: two, finish: &b * (-&a).exp() });
    all.push(PairFunction { terms: vec![Metric::CITYBLOCK, Metric::EUCLIDEAN], finish: b });
    all
}

#[test]
fn a_feature_of_weight_zero_is_left_out_with_its_nan() {
    let cpu = Cpu::new();
    let (x, y) = ([1.0, f32::NAN, 2.0], [0.5, 3.0, f32::INFINITY]);
    for metric in functions(3).into_iter().flat_map(|function| function.terms) {
        if metric.weights.is_some() || metric.accumulate_weighted.is_empty() {
            continue;
        }
        let function = PairFunction::from(metric.clone().with_weights(vec![2.0, 0.0, 0.0]));
        let inputs = [contiguous(&cpu, &x, &[1, 3]), contiguous(&cpu, &y, &[1, 3])];
        let out: Vec<f32> = run(&cpu, &work(&function, false), &inputs).unwrap();
        let alone = metric.with_weights(vec![2.0]).evaluate(&[1.0], &[0.5]);
        assert!((f64::from(out[0]) - alone).abs() <= 1e-6 * alone.abs(), "{function:?}: {} is not {alone}", out[0]);
        assert_eq!(function.evaluate(&x.map(f64::from), &y.map(f64::from)), alone);
    }
}

#[test]
fn every_function_is_within_its_bound() {
    let cpu = Cpu::new();
    for (n, m, d) in [(1, 1, 1), (3, 17, 2), (5, 33, 64), (37, 41, 65), (2, 19, 200), (4, 5, 0)] {
        let (x, y) = (noise(1, n * d), noise(2, m * d));
        let wide = |row: &[f32]| -> Vec<f64> { row.iter().map(|&v| v.into()).collect() };
        for function in functions(d) {
            if function.check(d).is_err() {
                continue;
            }
            let inputs = [contiguous(&cpu, &x, &[n, d]), contiguous(&cpu, &y, &[m, d])];
            let out: Vec<f32> = run(&cpu, &work(&function, false), &inputs).unwrap();
            assert_eq!(out.len(), n * m);
            for (flat, &got) in out.iter().enumerate() {
                let (i, j) = (flat / m, flat % m);
                let (value, bound) = function.evaluate_with_bound(&wide(&x[i * d..][..d]), &wide(&y[j * d..][..d]));
                let fits =
                    (f64::from(got) - value).abs() <= bound + value.abs() * 6e-8 || got.is_nan() && value.is_nan();
                assert!(fits, "{n}×{m}×{d} {function:?}: {got} is not {value} ± {bound}");
            }
            let rows = n.min(m);
            let inputs = [contiguous(&cpu, &x, &[rows, d]), contiguous(&cpu, &y, &[rows, d])];
            let paired: Vec<f32> = run(&cpu, &work(&function, true), &inputs).unwrap();
            assert_eq!(paired.len(), rows);
            for (i, &got) in paired.iter().enumerate() {
                let value = function.evaluate(&wide(&x[i * d..][..d]), &wide(&y[i * d..][..d]));
                assert!(got == value as f32 || got.is_nan() && value.is_nan(), "{function:?}: {got} is not {value}");
            }
        }
    }
}

#[test]
fn a_row_depends_on_no_other_and_is_at_distance_0_from_itself() {
    let cpu = Cpu::new();
    let (n, d) = (71, 130);
    let x = noise(3, n * d);
    let turned: Vec<f32> = (0..n * d).map(|i| x[i % n * d + i / n]).collect();
    for function in functions(d) {
        let all = contiguous(&cpu, &x, &[n, d]);
        let columns = operand(&cpu, &turned, Layout { shape: vec![n, d], strides: vec![1, n], offset: 0 });
        let out: Vec<f32> = run(&cpu, &work(&function, false), &[all.clone(), columns]).unwrap();
        for i in [0, 1, 35, 70] {
            let one = contiguous(&cpu, &x[i * d..(i + 1) * d], &[1, d]);
            let row: Vec<f32> = run(&cpu, &work(&function, false), &[one, all.clone()]).unwrap();
            assert!(row.iter().zip(&out[i * n..]).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        if let [metric] = &function.terms[..] {
            if metric.zero_on_self && function.finish == Expr::variable(0) {
                assert!((0..n).all(|i| out[i * n + i] == 0.0), "{}", metric.name);
            }
        }
    }
}

#[test]
fn what_is_not_finite_comes_out_as_the_definition_has_it() {
    let cpu = Cpu::new();
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 1.0];
    let rows: Vec<f32> = special.iter().flat_map(|&a| special.iter().flat_map(move |&b| [a, 2.0, b])).collect();
    let n = rows.len() / 3;
    for function in functions(3).into_iter().filter(|function| function.finish == Expr::variable(0)) {
        let inputs = [contiguous(&cpu, &rows, &[n, 3]), contiguous(&cpu, &rows, &[n, 3])];
        let out: Vec<f32> = run(&cpu, &work(&function, false), &inputs).unwrap();
        for (flat, &got) in out.iter().enumerate() {
            let row = |i: usize| -> Vec<f64> { rows[i * 3..][..3].iter().map(|&v| v.into()).collect() };
            let (x, y) = (row(flat / n), row(flat % n));
            let value = function.evaluate(&x, &y);
            let same = if value.is_finite() { (f64::from(got) - value).abs() < 1e-5 } else { value as f32 == got };
            assert!(same || value.is_nan() && got.is_nan(), "{function:?} of {x:?}, {y:?}: {got} is not {value}");
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let cpu = Cpu::new();
    let with = |x: &[usize], y: &[usize], paired: bool| {
        let input = |shape: &[usize]| contiguous(&cpu, &vec![0f32; shape.iter().product()], shape);
        run::<f32>(&cpu, &work(&Metric::EUCLIDEAN.into(), paired), &[input(x), input(y)])
    };
    assert!(with(&[2, 3], &[2, 4], false).is_err());
    assert!(with(&[2, 3], &[3], false).is_err());
    assert!(with(&[2, 3], &[3, 3], true).is_err());
    assert!(with(&[0, 3], &[3, 3], false).unwrap().is_empty());
    assert_eq!(with(&[2, 0], &[3, 0], false).unwrap(), [0.0; 6]);
}
