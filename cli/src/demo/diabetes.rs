//! Kernel ridge regression on the diabetes data: the Gram matrix on the device, the small solve in f64 on the host.

use std::fmt::Write;

use anyhow::{Result, anyhow};
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use gristmill::{Context, Kernel};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Ix2, s};

use super::data;
use super::digits::exact;
use super::task::{Check, Dice, Outcome, Task, measure};

const TRAIN: usize = 342;
const GAMMA: f64 = 0.01;
const RIDGE: f64 = 0.3;

pub(super) struct Diabetes {
    kernel: Kernel,
    x: Array2<f32>,
    y: Array1<f32>,
    checks: Vec<Check>,
}

impl Diabetes {
    pub(super) fn new() -> Result<Self> {
        let (x, y) = data::diabetes()?;
        let mut order: Vec<usize> = (0..y.len()).collect();
        let mut dice = Dice::new(2);
        dice.shuffle(&mut order);
        let (x, y) = (x.select(Axis(0), &order), y.select(Axis(0), &order));
        let kernel = Kernel::rbf(GAMMA);
        let function = kernel.pair_function(x.ncols())?;
        let checks = (0..2000)
            .map(|_| {
                let (i, j) = (dice.below(x.nrows()), dice.below(TRAIN));
                let (value, bound) = function.evaluate_with_bound(&exact(x.row(i)), &exact(x.row(j)));
                Check { place: i * TRAIN + j, value, bound }
            })
            .collect();
        Ok(Self { kernel, x, y, checks })
    }
}

impl Task for Diabetes {
    fn name(&self) -> &'static str {
        "diabetes: kernel ridge"
    }

    fn size(&self) -> String {
        format!("{}×{TRAIN}×{}", self.x.nrows(), self.x.ncols())
    }

    fn work(&self) -> (f64, &'static str) {
        (3.0 * (self.x.len() * TRAIN) as f64, "FLOP/s")
    }

    fn checks(&self) -> &[Check] {
        &self.checks
    }

    fn run(&self, context: &Context) -> Result<Outcome> {
        let (gram, seconds) = measure(|| {
            let x = context.upload(&self.x)?;
            Ok(gristmill::gram(&x, &x.rows(0..TRAIN)?, &self.kernel)?.read_blocking()?)
        })?;
        let gram = gram.into_dimensionality::<Ix2>()?;
        let predicted = ridge(gram.view(), self.y.slice(s![..TRAIN]))?;
        let truth = exact(self.y.slice(s![TRAIN..]));
        Ok(Outcome {
            seconds,
            score: format!("R² = {:.3}", determination(&truth, &predicted)),
            values: gram.into_iter().collect(),
            drawing: Some(scatter(&truth, &predicted)),
            pictures: Vec::new(),
        })
    }
}

/// Solves (K + ridge·I) a = y − mean on the first rows and predicts the rest.
fn ridge(gram: ArrayView2<'_, f32>, y: ArrayView1<'_, f32>) -> Result<Vec<f64>> {
    let n = y.len();
    let mean = exact(y).iter().sum::<f64>() / n as f64;
    let k = Mat::from_fn(n, n, |i, j| f64::from(gram[[i, j]]) + if i == j { RIDGE } else { 0.0 });
    let centred = Mat::from_fn(n, 1, |i, _| f64::from(y[i]) - mean);
    let factor = k.llt(Side::Lower).map_err(|e| anyhow!("the Gram matrix is not positive definite: {e:?}"))?;
    let a = factor.solve(&centred);
    let predict =
        |row: ArrayView1<'_, f32>| mean + row.iter().enumerate().map(|(j, &v)| f64::from(v) * a[(j, 0)]).sum::<f64>();
    Ok(gram.outer_iter().skip(n).map(predict).collect())
}

/// The share of the variance that is explained.
fn determination(truth: &[f64], predicted: &[f64]) -> f64 {
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let rest: f64 = truth.iter().zip(predicted).map(|(t, p)| (t - p).powi(2)).sum();
    1.0 - rest / truth.iter().map(|t| (t - mean).powi(2)).sum::<f64>()
}

/// Prediction over truth, as SVG in the page's colours.
fn scatter(truth: &[f64], predicted: &[f64]) -> String {
    let mut svg = String::from(
        "<svg viewBox=\"0 0 320 320\" role=\"img\" aria-label=\"prediction over truth\" fill=\"currentColor\">\
         <path d=\"M20 300H310M20 300V10M20 300L310 10\" stroke=\"currentColor\" fill=\"none\" opacity=\".4\"/>\
         <text x=\"310\" y=\"316\" text-anchor=\"end\" font-size=\"12\">truth</text>\
         <text x=\"26\" y=\"20\" font-size=\"12\">prediction</text>",
    );
    // Values reach from 25 to 346.
    let place = |v: f64| (v / 350.0).clamp(0.0, 1.0) * 290.0;
    for (t, p) in truth.iter().zip(predicted) {
        let (x, y) = (20.0 + place(*t), 300.0 - place(*p));
        // Writing to a String cannot fail.
        let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" opacity=\".7\"/>");
    }
    svg + "</svg>"
}
