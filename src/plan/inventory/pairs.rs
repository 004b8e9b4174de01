//! Functions of pairs of rows, their reductions, products of matrices, and formulas.

use super::Case;
use crate::error::Result;
use crate::expr::{Expr, Formula};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::Metric;
use crate::work::{Bias, FormulaWork, GemmWork, Layout, PairMask, PairWork, ReduceWork, Reduction, Work};

pub(super) fn pairs(cases: &mut Vec<Case>) -> Result<()> {
    let d = 5;
    let weights: Vec<f32> = (1..=d).map(|f| f as f32).collect();
    let metrics = Metric::all().into_iter().chain([Metric::minkowski(1.5), Metric::minkowski(3.0)]);
    let metrics = metrics.filter_map(|metric| metric.clone().example(metric.features.unwrap_or(d)));
    let metrics: Vec<Metric> =
        metrics.map(|metric| Ok(metric.prepared()?.map_or(metric, |(_, metric)| metric))).collect::<Result<_>>()?;
    let takes_weights = |metric: &&Metric| metric.weights.is_none() && !metric.accumulate_weighted.is_empty();
    let weighted = metrics.iter().filter(takes_weights).map(|metric| metric.clone().with_weights(weights.clone()));
    let weighted: Vec<Metric> = weighted.collect();
    let mut functions: Vec<(String, PairFunction)> = Vec::new();
    for metric in metrics.into_iter().chain(weighted) {
        let with = if metric.weights.is_some() { " with weights" } else { "" };
        functions.push((format!("{}{with}", metric.name), metric.into()));
    }
    // Every named kernel with its defaults, and what varies the text of one.
    let named = Kernel::all().iter().map(|entry| entry.name);
    let variants = [
        "matern(nu=0.5)",
        "matern(nu=2.5)",
        "matern(nu=0.8)",
        "polynomial(degree=2)",
        "arc_cosine(order=2)",
        "bernoulli(order=3)",
        "walsh(order=3)",
        "rbf(length_scale=[1, 2, 3, 4, 5])",
        "rbf(precision=[[1, 0.5], [0.5, 1]], columns=[0, 3])",
        "rbf(precision=[[1, 0.5], [0.5, 1]], columns=[0, 3]) + linear",
        "rbf(columns=[0, 2]) + matern(length_scale=[1, 2, 3, 4, 5])",
    ];
    for text in named.chain(variants).chain(["2.5*rbf(0.9) + 0.3*rq(1.2)*dot_product(0.8)"]) {
        let function = text.parse::<Kernel>()?.pair_function(d)?;
        functions.push((text.to_owned(), function.prepared("gram", d)?.map_or(function, |(_, prepared)| prepared)));
    }
    for metric in [Metric::SQEUCLIDEAN, Metric::minkowski(1.5)] {
        let work = Work::Pair(PairWork { op: "pairwise", function: (&metric).into(), paired: false });
        let layouts = vec![Layout::contiguous(&[2, 30, d]), Layout::contiguous(&[2, 40, d])];
        cases.push(Case { name: format!("{} of halves", metric.name), work, layouts, element_bytes: 2 });
    }
    for (name, function) in functions {
        // Sizes that fit in one tile, and ones that need many, features split over passes among them.
        // Prepared rows have as many features as their table has entries.
        let d = function.weight_tables().first().map_or(d, |table| table.len());
        for (n, m, d, paired) in [(3, 4, d, false), (300, 200, d, false), (40, 40, d, true), (3, 4, 70_000, false)] {
            if function.check(d).is_err() {
                continue;
            }
            let work = Work::Pair(PairWork { op: "pairwise", function: function.clone(), paired });
            let layouts = vec![Layout::contiguous(&[n, d]), Layout::contiguous(&[m, d])];
            let name = format!("{name}, {n} × {m} rows of {d}{}", if paired { ", paired" } else { "" });
            cases.push(Case { name, work, layouts, element_bytes: 4 });
        }
    }
    Ok(())
}

pub(super) fn reductions(cases: &mut Vec<Case>) -> Result<()> {
    let sum = |values, compensated| Reduction::Sum { values, scale: 0.5, compensated };
    let each = [
        sum(true, false),
        sum(true, true),
        sum(false, false),
        Reduction::LogSumExp { values: true },
        Reduction::SoftmaxSum,
        Reduction::Extreme { k: 1, largest: true },
        Reduction::Extreme { k: 10, largest: false },
        Reduction::Count { radius: 1.0 },
        Reduction::SumWithin { radius: 1.0, values: true },
    ];
    let masks = [
        PairMask::default(),
        PairMask { exclude_self: true, ..PairMask::default() },
        PairMask { causal: true, window: Some(9), bias: Some(Bias::Boolean), ..PairMask::default() },
        PairMask { bias: Some(Bias::Additive), ..PairMask::default() },
    ];
    let mut add = |text: &str, reduction: Reduction, mask: &PairMask, [n, m, d, c]: [usize; 4]| -> Result<()> {
        let function = text.parse::<Kernel>()?.pair_function(d)?;
        let mut layouts = vec![Layout::contiguous(&[2, n, d]), Layout::contiguous(&[2, m, d])];
        if reduction.has_values() {
            layouts.push(Layout::contiguous(&[2, m, c]));
        }
        if mask.bias.is_some() {
            layouts.push(Layout::contiguous(&[2, n, m]));
        }
        let name = format!("{reduction:?} of {text} over {n} × {m} rows of {d}, {mask:?}");
        let work = Work::Reduce(ReduceWork { op: "reduce", function, reduction, mask: mask.clone() });
        cases.push(Case { name, work, layouts, element_bytes: 4 });
        Ok(())
    };
    for reduction in each {
        add("rbf", reduction, &PairMask::default(), [300, 320, 3, 1])?;
        add("rbf", reduction, &PairMask::default(), [5, 7, 20, 1])?;
    }
    for mask in &masks {
        add("matern(nu=2.5)", sum(true, false), mask, [300, 321, 3, 9])?;
        add("dot_product", Reduction::SoftmaxSum, mask, [300, 320, 20, 4])?;
    }
    for text in ["rbf(length_scale=[1, 2, 3, 4, 5])", "2.5*rbf(0.9) + 0.3*rq(1.2)*dot_product(0.8)"] {
        add(text, sum(false, false), &PairMask::default(), [300, 320, 5, 1])?;
    }
    Ok(())
}

pub(super) fn products(cases: &mut Vec<Case>) {
    for (batch, m, k, n) in [(1, 3, 4, 5), (1, 300, 70, 200), (2, 33, 17, 65), (1, 2, 70_000, 3)] {
        for (transposed, beta) in [(false, 0.0), (true, 0.5)] {
            let mut a = Layout::contiguous(&[batch, m, k]);
            if transposed {
                a = Layout { shape: vec![batch, m, k], strides: vec![m * k, 1, m], offset: 0 };
            }
            let mut layouts = vec![a, Layout::contiguous(&[batch, k, n])];
            if beta != 0.0 {
                layouts.push(Layout::contiguous(&[1, 1, n]));
            }
            let name = format!("gemm of {batch} × {m} × {k} × {n}, beta {beta}");
            cases.push(Case { name, work: Work::Gemm(GemmWork { alpha: 1.5, beta }), layouts, element_bytes: 4 });
        }
    }
}

/// Short and long vectors, tables, numbers of pairs, and the gradients of all.
pub(super) fn formulas(cases: &mut Vec<Case>) -> Result<()> {
    for d in [3, 40] {
        let (x, y, p, weight) = (Expr::vi(0, d), Expr::vj(0, d), Expr::pm(0, d), Expr::vj(1, 2));
        let value = (-(&p * (&x - &y)).sqnorm()).exp() * x.concat(&weight).extract(1, d) * Expr::vij(0)
            + Expr::vector(&vec![0.5; d]) * x.dot(&y).abs().log1p();
        for expr in [value.clone(), value.gradient(&x), value.gradient(&p), value.gradient(&y).transposed()] {
            let formula = Formula::new(expr)?;
            for (n, m) in [(300, 200), (3, 5000)] {
                let work = FormulaWork { op: "formula_sum", formula: formula.clone(), n, m };
                let layouts =
                    formula.variables().iter().map(|of| Layout::contiguous(&work.shape_of(*of))).collect::<Vec<_>>();
                let name = format!("a formula of {d} features over {n} × {m}");
                cases.push(Case { name, work: Work::Formula(work), layouts, element_bytes: 4 });
            }
        }
    }
    Ok(())
}
