use std::sync::Arc;

use super::{contiguous, noise, operand, run};
use crate::cpu::Cpu;
use crate::expr::Expr;
use crate::kernel::PairFunction;
use crate::metric::{Metric, UNIT_ROUNDOFF};
use crate::reference::{self, Pairs};
use crate::work::{Bias, BlockRanges, Layout, PairMask, ReduceWork, Reduction, Work};

fn work(function: &PairFunction, reduction: Reduction, mask: &PairMask) -> Work {
    Work::Reduce(ReduceWork { op: "reduce", function: function.clone(), reduction, mask: mask.clone() })
}

fn gaussian() -> PairFunction {
    PairFunction { terms: vec![Metric::SQEUCLIDEAN], finish: (-(Expr::parameter(0.7) * Expr::variable(0))).exp() }
}

fn product() -> PairFunction {
    PairFunction {
        terms: vec![Metric::CITYBLOCK, Metric::INNER_PRODUCT],
        finish: Expr::variable(1) * (-Expr::variable(0)).exp(),
    }
}

/// One batch of inputs.
struct Rows {
    x: Vec<f32>,
    y: Vec<f32>,
    v: Vec<f32>,
    bias: Vec<f32>,
    n: usize,
    m: usize,
    d: usize,
    c: usize,
}

impl Rows {
    fn new((n, m, d, c): (usize, usize, usize, usize)) -> Self {
        let bias = noise(4, n * m).into_iter().map(|value| if value < -0.5 { f32::NEG_INFINITY } else { value });
        let v = noise(3, m * c).into_iter().map(f32::abs).collect();
        Self { x: noise(1, n * d), y: noise(2, m * d), v, bias: bias.collect(), n, m, d, c }
    }

    /// The value of a pair and its bound, if the two meet.
    fn pair(&self, function: &PairFunction, mask: &PairMask, i: usize, j: usize) -> Option<(f64, f64)> {
        let reach = i as i64 + self.m as i64 - self.n as i64;
        let blocked = mask.blocks.as_ref().is_some_and(|blocks| {
            !blocks
                .rows
                .iter()
                .zip(&blocks.columns)
                .any(|(rows, columns)| rows.contains(&i) && columns.iter().any(|columns| columns.contains(&j)))
        });
        let bias = self.bias[i * self.m + j];
        if mask.exclude_self && i == j
            || mask.causal && j as i64 > reach
            || mask.window.is_some_and(|window| j as i64 <= reach - i64::from(window))
            || blocked
            || mask.bias.is_some() && bias == f32::NEG_INFINITY
        {
            return None;
        }
        let wide = |row: &[f32]| -> Vec<f64> { row.iter().map(|&value| value.into()).collect() };
        let (x, y) = (wide(&self.x[i * self.d..][..self.d]), wide(&self.y[j * self.d..][..self.d]));
        let (value, bound) = function.evaluate_with_bound(&x, &y);
        if mask.bias != Some(Bias::Additive) {
            return Some((value, bound));
        }
        let value = value + f64::from(bias);
        Some((value, bound + UNIT_ROUNDOFF * value.abs()))
    }

    fn inputs(&self, cpu: &Cpu, reduction: &Reduction, mask: &PairMask) -> Vec<crate::work::Operand> {
        let mut inputs = vec![contiguous(cpu, &self.x, &[self.n, self.d]), contiguous(cpu, &self.y, &[self.m, self.d])];
        if reduction.has_values() {
            inputs.push(contiguous(cpu, &self.v, &[self.m, self.c]));
        }
        match mask.bias {
            Some(Bias::Additive) => inputs.push(contiguous(cpu, &self.bias, &[self.n, self.m])),
            Some(Bias::Boolean) => {
                let meets: Vec<u32> = self.bias.iter().map(|bias| u32::from(*bias > f32::NEG_INFINITY) * 7).collect();
                inputs.push(contiguous(cpu, &meets, &[self.n, self.m]));
            }
            None => {}
        }
        inputs
    }
}

fn masks(n: usize, m: usize) -> Vec<PairMask> {
    let free = PairMask::default();
    let blocks =
        BlockRanges { rows: vec![0..n / 3, n / 2..n], columns: vec![vec![0..m / 4, m / 3..m / 2], vec![m / 5..m]] };
    vec![
        free.clone(),
        PairMask { exclude_self: true, ..free.clone() },
        PairMask { causal: true, ..free.clone() },
        PairMask { causal: true, window: Some(3), ..free.clone() },
        PairMask { bias: Some(Bias::Additive), exclude_self: true, ..free.clone() },
        PairMask { bias: Some(Bias::Boolean), ..free.clone() },
        PairMask { blocks: Some(Arc::new(blocks)), ..free },
    ]
}

#[test]
fn every_reduction_is_what_its_definition_says() {
    let cpu = Cpu::new();
    for size in [(1, 1, 1, 1), (5, 33, 3, 3), (37, 41, 7, 8), (9, 130, 65, 17), (4, 5, 0, 33), (6, 70, 2, 100)] {
        let rows = Rows::new(size);
        let (n, m, _, c) = size;
        for (function, mask) in
            [gaussian(), product()].iter().flat_map(|f| masks(n, m).into_iter().map(move |mask| (f, mask)))
        {
            let pairs: Vec<Vec<Option<(f64, f64)>>> =
                (0..n).map(|i| (0..m).map(|j| rows.pair(function, &mask, i, j)).collect()).collect();
            let v = |j: usize, c_at: usize| f64::from(rows.v[j * c + c_at]);
            let close = |reduction: Reduction, columns: usize, want: &dyn Fn(Pairs<'_>, usize) -> (f64, f64)| {
                let work = work(function, reduction, &mask);
                let out: Vec<f32> = run(&cpu, &work, &rows.inputs(&cpu, &reduction, &mask)).unwrap();
                assert_eq!(out.len(), n * columns);
                for (at, got) in out.iter().enumerate() {
                    let (want, bound) = want(&pairs[at / columns], at % columns);
                    let near = (f64::from(*got) - want).abs() <= bound || f64::from(*got) == want;
                    assert!(near, "{size:?} {reduction:?} {mask:?} [{at}]: {got} is not {want} ± {bound}");
                }
            };
            for compensated in [false, true] {
                close(Reduction::Sum { values: true, scale: 0.5, compensated }, c, &|row, at| {
                    reference::sum(row, &|j| v(j, at), 0.5, compensated)
                });
                close(Reduction::Sum { values: false, scale: 1.0, compensated }, 1, &|row, _| {
                    reference::sum(row, &|_| 1.0, 1.0, compensated)
                });
            }
            close(Reduction::SoftmaxSum, c, &|row, at| reference::softmax_sum(row, &|j| v(j, at)));
            close(Reduction::LogSumExp { values: false }, 1, &|row, _| reference::log_sum_exp(row, &|_| 1.0));
            let radius = 0.3;
            close(Reduction::SumWithin { radius, values: true }, c, &|row, at| {
                reference::sum_within(row, radius.into(), Some(&|j| v(j, at)))
            });
            close(Reduction::SumWithin { radius, values: false }, 1, &|row, _| {
                reference::sum_within(row, radius.into(), None)
            });
            let reduction = Reduction::Count { radius };
            let work = work(function, reduction, &mask);
            let counts: Vec<u32> = run(&cpu, &work, &rows.inputs(&cpu, &reduction, &mask)).unwrap();
            for (i, count) in counts.iter().enumerate() {
                let (least, most) = reference::count_within(&pairs[i], radius.into());
                assert!((least..=most).contains(&(*count as usize)), "{size:?} {mask:?} row {i}");
            }
        }
    }
}

#[test]
fn weights_of_the_logarithm_may_be_0() {
    let cpu = Cpu::new();
    let linear = PairFunction::from(Metric::INNER_PRODUCT);
    let x = contiguous(&cpu, &[1.0f32, f32::INFINITY, -1.0], &[3, 1]);
    let y = contiguous(&cpu, &[900.0f32, 1.0, 2.0], &[3, 1]);
    let v = |v: [f32; 3]| contiguous(&cpu, &v, &[3, 1]);
    let work = work(&linear, Reduction::LogSumExp { values: true }, &PairMask::default());
    let out: Vec<f32> = run(&cpu, &work, &[x.clone(), y.clone(), v([0.0, 2.0, 3.0])]).unwrap();
    for (at, x) in [(0, 1.0), (2, -1.0)] {
        let pairs = [900.0, 1.0, 2.0].map(|y| Some(linear.evaluate_with_bound(&[x], &[y])));
        let (want, bound) = reference::log_sum_exp(&pairs, &|j| [0.0, 2.0, 3.0][j]);
        assert!((f64::from(out[at]) - want).abs() <= bound, "{out:?}: {want} ± {bound}");
    }
    assert_eq!(out[1], f32::INFINITY);
    let out: Vec<f32> = run(&cpu, &work, &[x, y, v([0.0; 3])]).unwrap();
    assert_eq!(out, [f32::NEG_INFINITY; 3]);
}

#[test]
fn the_nearest_are_in_order_with_ties_by_column() {
    let cpu = Cpu::new();
    let x: Vec<f32> = noise(1, 7 * 2).iter().map(|value| (value * 4.0).round()).collect();
    for (m, k) in [(9, 3), (700, 1), (700, 33), (700, 700), (3000, 1024), (3000, 17)] {
        let y: Vec<f32> = noise(2, m * 2).iter().map(|value| (value * 4.0).round()).collect();
        for (mask, largest) in masks(7, m).into_iter().take(4).flat_map(|mask| [(mask.clone(), false), (mask, true)]) {
            let rows = Rows { x: x.clone(), y: y.clone(), v: vec![], bias: vec![0.0; 7 * m], n: 7, m, d: 2, c: 1 };
            let function = PairFunction::from(Metric::CITYBLOCK);
            let reduction = Reduction::Extreme { k: k as u32, largest };
            let out: Vec<u32> =
                run(&cpu, &work(&function, reduction, &mask), &rows.inputs(&cpu, &reduction, &mask)).unwrap();
            for i in 0..7 {
                let mut want: Vec<(f64, u32)> = (0..m)
                    .filter_map(|j| Some((rows.pair(&function, &mask, i, j)?.0, j as u32)))
                    .map(|(value, j)| (if largest { -value } else { value }, j))
                    .collect();
                want.sort_by(|a, b| a.partial_cmp(b).unwrap());
                for at in 0..k {
                    let (value, index) = (f32::from_bits(out[i * k + at]), out[(7 + i) * k + at]);
                    let expected = want.get(at).map(|(value, j)| (if largest { -value } else { *value }, *j));
                    match expected {
                        Some((want, j)) => assert_eq!((f64::from(value), index), (want, j), "{m} {k} row {i}, {at}"),
                        None => assert!(value.is_nan() && index == u32::MAX),
                    }
                }
            }
        }
    }
}

#[test]
fn nan_is_behind_every_number_and_poisons_sums() {
    let cpu = Cpu::new();
    let identity = PairFunction::from(Metric::INNER_PRODUCT);
    let y = [f32::NAN, f32::INFINITY, 2.0, f32::NAN, f32::NEG_INFINITY, 2.0];
    let inputs = [contiguous(&cpu, &[1.0f32], &[1, 1]), contiguous(&cpu, &y, &[6, 1])];
    for (largest, order) in [(false, [4, 2, 5, 1, 0, 3]), (true, [1, 2, 5, 4, 0, 3])] {
        let work = work(&identity, Reduction::Extreme { k: 6, largest }, &PairMask::default());
        let out: Vec<u32> = run(&cpu, &work, &inputs).unwrap();
        assert_eq!(out[6..], order);
    }
    let one = |reduction: Reduction, y: &[f32]| -> f32 {
        let v = contiguous(&cpu, &vec![1.0f32; y.len()], &[y.len(), 1]);
        let inputs = [contiguous(&cpu, &[1.0f32], &[1, 1]), contiguous(&cpu, y, &[y.len(), 1]), v];
        run(&cpu, &work(&identity, reduction, &PairMask::default()), &inputs).unwrap()[0]
    };
    let log = Reduction::LogSumExp { values: true };
    assert!(one(log, &y).is_nan() && one(Reduction::SoftmaxSum, &y).is_nan());
    assert_eq!(one(log, &[f32::NEG_INFINITY; 2]), f32::NEG_INFINITY);
    assert_eq!(one(log, &[1.0, f32::INFINITY]), f32::INFINITY);
    assert!(one(Reduction::SoftmaxSum, &[1.0, f32::INFINITY]).is_nan());
    assert!(one(log, &[f32::NEG_INFINITY, f32::NAN]).is_nan());
    assert_eq!(one(Reduction::SumWithin { radius: 3.0, values: false }, &y), f32::NEG_INFINITY);
}

#[test]
fn batches_may_share_their_rows() {
    let cpu = Cpu::new();
    let (b, n, m, d) = (3, 5, 40, 3);
    let (x, y, v) = (noise(1, b * n * d), noise(2, m * d), noise(3, b * m * 2));
    let shared = operand(&cpu, &y, Layout { shape: vec![b, m, d], strides: vec![0, d, 1], offset: 0 });
    let reduction = Reduction::Sum { values: true, scale: 1.0, compensated: false };
    let work = work(&gaussian(), reduction, &PairMask::default());
    let inputs = [contiguous(&cpu, &x, &[b, n, d]), shared, contiguous(&cpu, &v, &[b, m, 2])];
    let out: Vec<f32> = run(&cpu, &work, &inputs).unwrap();
    for batch in 0..b {
        let inputs = [
            contiguous(&cpu, &x[batch * n * d..][..n * d], &[n, d]),
            contiguous(&cpu, &y, &[m, d]),
            contiguous(&cpu, &v[batch * m * 2..][..m * 2], &[m, 2]),
        ];
        let own: Vec<f32> = run(&cpu, &work, &inputs).unwrap();
        assert_eq!(own, out[batch * n * 2..][..n * 2]);
    }
}

#[test]
fn a_row_depends_on_no_other_however_long_it_is() {
    let cpu = Cpu::new();
    let (n, m) = (70, 70_001);
    let (x, y, v) = (noise(1, n), noise(2, m), noise(3, m));
    for reduction in [
        Reduction::Sum { values: true, scale: 1.0, compensated: false },
        Reduction::SoftmaxSum,
        Reduction::SumWithin { radius: 0.5, values: true },
    ] {
        let work = work(&gaussian(), reduction, &PairMask::default());
        let with = |x: &[f32]| -> Vec<f32> {
            let inputs =
                [contiguous(&cpu, x, &[x.len(), 1]), contiguous(&cpu, &y, &[m, 1]), contiguous(&cpu, &v, &[m, 1])];
            run(&cpu, &work, &inputs).unwrap()
        };
        let all = with(&x);
        for i in [0, 33, 69] {
            assert_eq!(with(&x[i..=i])[0].to_bits(), all[i].to_bits(), "{reduction:?} row {i}");
        }
    }
}

/// Alone a row is held against every row of y; among others a tree finds its neighbours.
#[test]
fn the_nearest_of_a_row_depend_on_no_other_row() {
    let cpu = Cpu::new();
    let (n, m, k) = (70, 700, 9);
    for (metric, d, exclude_self) in
        [(Metric::EUCLIDEAN, 3, false), (Metric::SQEUCLIDEAN, 3, true), (Metric::EUCLIDEAN, 1, true)]
    {
        let y: Vec<f32> = noise(2, m * d).iter().map(|value| (value * 2000.0).round() / 3000.0).collect();
        let mut x = y[..n * d].to_vec();
        x[5 * d] = f32::NAN;
        x[6 * d] = f32::INFINITY;
        let mask = PairMask { exclude_self, ..PairMask::default() };
        let work = work(&metric.into(), Reduction::Extreme { k, largest: false }, &mask);
        let k = k as usize;
        let with = |rows: usize| -> Vec<u32> {
            let inputs = [contiguous(&cpu, &x[..rows * d], &[rows, d]), contiguous(&cpu, &y, &[m, d])];
            run(&cpu, &work, &inputs).unwrap()
        };
        // So few rows are no work for a tree.
        let few = 35;
        let (all, first) = (with(n), with(few));
        for at in 0..few * k {
            let [of_all, of_few] = [(all[at], all[n * k + at]), (first[at], first[few * k + at])];
            assert_eq!(of_all, of_few, "{d} features, row {}, {}", at / k, at % k);
        }
    }
}

#[test]
fn nothing_to_reduce_is_the_identity_and_wrong_shapes_are_errors() {
    let cpu = Cpu::new();
    let with = |reduction: Reduction, shapes: &[&[usize]]| {
        let inputs: Vec<_> =
            shapes.iter().map(|shape| contiguous(&cpu, &vec![0f32; shape.iter().product()], shape)).collect();
        run::<f32>(&cpu, &work(&gaussian(), reduction, &PairMask::default()), &inputs)
    };
    let sum = Reduction::Sum { values: true, scale: 1.0, compensated: false };
    assert_eq!(with(sum, &[&[2, 3], &[0, 3], &[0, 2]]).unwrap(), [0.0; 4]);
    assert!(with(sum, &[&[0, 3], &[5, 3], &[5, 2]]).unwrap().is_empty());
    assert!(with(sum, &[&[2, 3], &[5, 3], &[5, 0]]).unwrap().is_empty());
    let log = Reduction::LogSumExp { values: false };
    assert_eq!(with(log, &[&[2, 3], &[0, 3]]).unwrap(), [f32::NEG_INFINITY; 2]);
    assert_eq!(with(Reduction::SoftmaxSum, &[&[2, 3], &[0, 3], &[0, 2]]).unwrap(), [0.0; 4]);
    assert!(with(log, &[&[2, 3], &[2, 4]]).is_err());
    assert!(with(log, &[&[2, 3]]).is_err());
    assert!(with(sum, &[&[2, 3], &[2, 3], &[3, 1]]).is_err());
    assert!(with(sum, &[&[1, 2, 3], &[2, 3], &[2, 1]]).is_err());
    assert!(with(sum, &[&[2, 2, 3], &[1, 2, 3], &[2, 2, 1]]).is_err());
}
