//! Discrete cosine and sine transforms: four types, their inverses, norms, axes, crops and paddings.

use std::collections::HashSet;

use ndarray::{ArrayD, Axis, IxDyn};

use super::{Body, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::metric::UNIT_ROUNDOFF;
use crate::ops::{DctOptions, Norm, dct, dst, idct, idst};
use crate::reference;
use crate::work::TransformType;

/// One transform.
#[derive(Debug, Clone)]
pub(crate) struct TrigonometricTrial {
    sine: bool,
    inverse: bool,
    options: DctOptions,
    shape: Vec<usize>,
    /// The input's last two axes are stored the other way round.
    transposed: bool,
}

impl TrigonometricTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut stored = self.shape.clone();
        if self.transposed {
            stored.swap(self.shape.len() - 1, self.shape.len() - 2);
        }
        let mut x = ArrayD::from_shape_simple_fn(IxDyn(&stored), || generator.bell());
        let device = context.upload(&x)?;
        let device = if self.transposed { device.transpose() } else { device };
        let transform = match (self.sine, self.inverse) {
            (false, false) => dct,
            (false, true) => idct,
            (true, false) => dst,
            (true, true) => idst,
        };
        let got = transform(&device, &self.options)?.read().await?;
        if self.transposed {
            x.swap_axes(stored.len() - 1, stored.len() - 2);
        }
        let want = self.expected(&x.mapv(f64::from));
        if got.shape() != want.shape() {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), want.shape())));
        }
        let mut comparison = Comparison::default();
        // A product with rounded factors before the Fourier transform and one after it: 3 roundings each.
        let axes = self.options.axes.clone().unwrap_or_default();
        let tolerance = bounds::fft(&self.points()) + 6.0 * axes.len() as f64 * UNIT_ROUNDOFF;
        let mut norm = |place: String, pairs: &mut dyn Iterator<Item = (f32, f64)>| {
            let (mut error, mut size, mut count) = (0.0, 0.0, 0);
            for (got, want) in pairs {
                error += (f64::from(got) - want).powi(2);
                size += want.powi(2);
                count += 1;
            }
            comparison.norm(|| place, f64::sqrt(error), (f64::sqrt(size), tolerance * f64::sqrt(size)), count);
        };
        if let [axis] = axes[..] {
            for (line, (got, want)) in got.lanes(Axis(axis)).into_iter().zip(want.lanes(Axis(axis))).enumerate() {
                norm(format!("line {line}"), &mut got.iter().copied().zip(want.iter().copied()));
            }
        } else {
            norm("whole".to_owned(), &mut got.iter().copied().zip(want.iter().copied()));
        }
        Ok(comparison)
    }

    fn lengths(&self) -> Vec<usize> {
        let own = self.options.axes.iter().flatten().map(|&axis| self.shape.get(axis).copied().unwrap_or(1));
        self.options.lengths.clone().unwrap_or_else(|| own.collect())
    }

    /// Points of the Fourier transforms behind them.
    fn points(&self) -> Vec<usize> {
        let points = |n: usize| match (self.options.kind, self.sine) {
            (TransformType::I, false) => 2 * (n - 1),
            (TransformType::I, true) => 2 * (n + 1),
            _ => n,
        };
        self.lengths().into_iter().map(points).collect()
    }

    fn expected(&self, x: &ArrayD<f64>) -> ArrayD<f64> {
        let kind = match (self.options.kind, self.inverse) {
            (TransformType::I, _) => 1,
            (TransformType::II, false) | (TransformType::III, true) => 2,
            (TransformType::III, false) | (TransformType::II, true) => 3,
            (TransformType::IV, _) => 4,
        };
        let orthogonal = self.options.orthogonalize.unwrap_or(self.options.norm == Norm::Ortho);
        let mut data = x.clone();
        for (&axis, n) in self.options.axes.iter().flatten().zip(self.lengths()) {
            let period = match (kind, self.sine) {
                (1, false) => 2 * (n - 1),
                (1, true) => 2 * (n + 1),
                _ => 2 * n,
            } as f64;
            let scale = match (self.options.norm, self.inverse) {
                (Norm::Ortho, _) => 1.0 / period.sqrt(),
                (Norm::Backward, true) | (Norm::Forward, false) => 1.0 / period,
                _ => 1.0,
            };
            let mut shape = data.shape().to_vec();
            shape[axis] = n;
            let mut out = ArrayD::zeros(IxDyn(&shape));
            for (from, mut to) in data.lanes(Axis(axis)).into_iter().zip(out.lanes_mut(Axis(axis))) {
                let mut line: Vec<f64> = from.iter().copied().take(n).collect();
                line.resize(n, 0.0);
                let line = reference::trigonometric(&line, kind, self.sine, orthogonal);
                to.iter_mut().zip(line).for_each(|(to, value)| *to = value * scale);
            }
            data = out;
        }
        data
    }
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    const KINDS: [TransformType; 4] = [TransformType::I, TransformType::II, TransformType::III, TransformType::IV];
    const NORMS: [(Norm, &str); 3] = [(Norm::Backward, "backward"), (Norm::Ortho, "ortho"), (Norm::Forward, "forward")];
    const LENGTHS: [usize; 16] = [2, 3, 4, 5, 8, 13, 16, 17, 31, 64, 65, 100, 256, 509, 1000, 1025];
    let mut trials = Vec::new();
    let mut add = |number: usize, shape: &[usize], axes: &[usize], lengths: Option<&[usize]>, transposed: bool| {
        for (at, &kind) in KINDS.iter().enumerate() {
            for which in 0..4 {
                let (sine, inverse) = (which % 2 == 1, which / 2 == 1);
                for (norm_at, &(norm, word)) in NORMS.iter().enumerate() {
                    if extent == Extent::Sample
                        && (norm_at != (number + at + which) % 3 || (number + at) % 2 != which / 2)
                    {
                        continue;
                    }
                    let least = lengths.unwrap_or(shape).iter().min().copied().unwrap_or(0);
                    if kind == TransformType::I && !sine && least == 1 {
                        continue;
                    }
                    // The other choice of weights than the norm's own, every third time.
                    let orthogonalize = ((number + at) % 3 == 2).then_some(norm != Norm::Ortho);
                    let lengths = lengths.map(<[usize]>::to_vec);
                    let mut setting = format!("{} axes {axes:?} type {kind:?} {word}", shape_name(shape));
                    if let Some(lengths) = &lengths {
                        setting += &format!(" to {}", shape_name(lengths));
                    }
                    if let Some(orthogonalize) = orthogonalize {
                        setting += if orthogonalize { " orthogonalized" } else { " not orthogonalized" };
                    }
                    if transposed {
                        setting += " transposed";
                    }
                    let options = DctOptions { kind, axes: Some(axes.to_vec()), lengths, norm, orthogonalize };
                    let op = [["dct", "dst"], ["idct", "idst"]][usize::from(inverse)][usize::from(sine)];
                    let trial = TrigonometricTrial { sine, inverse, options, shape: shape.to_vec(), transposed };
                    trials.push(Trial::new(op, setting, Body::Trigonometric(trial)));
                }
            }
        }
    };
    for (number, &n) in LENGTHS.iter().enumerate() {
        add(number, &[1 + number % 4, n], &[1], None, number % 4 == 2);
    }
    let shaped: [(&[usize], &[usize], Option<&[usize]>, bool); 10] = [
        (&[3, 1], &[1], None, false),
        (&[0, 8], &[1], None, false),
        (&[35], &[0], None, false),
        (&[16, 9], &[0], None, false),
        (&[16, 9], &[0], None, true),
        (&[6, 35, 9], &[1], None, false),
        (&[12, 20], &[0, 1], None, true),
        (&[4, 30], &[1], Some(&[17]), false),
        (&[4, 30], &[1], Some(&[45]), true),
        (&[3, 9, 10], &[0, 2], Some(&[4, 12]), false),
    ];
    for (number, (shape, axes, lengths, transposed)) in shaped.into_iter().enumerate() {
        add(number, shape, axes, lengths, transposed);
    }
    if extent == Extent::Full {
        add(0, &[1, 8192], &[1], None, false);
        add(1, &[1, 10_007], &[1], None, false);
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
