//! Padding and rolling: every entry must be the one that a walk past the edges comes to.

use std::collections::HashSet;

use half::f16;
use ndarray::{ArrayD, IxDyn};
use num_complex::Complex32;

use super::{Body, sampled, settings, shape_name};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::ops::{pad, roll};
use crate::tensor::{Complex16, HostElement, Number};
use crate::work::Boundary;

/// Which entry of `n` stands `at` places after the first, found step by step; `None`: none of them.
pub(super) fn walk(boundary: Boundary, at: i64, n: usize) -> Option<usize> {
    let (last, mut step) = (n as i64 - 1, at.signum());
    let mut here = at.clamp(0, last);
    for _ in 0..(at - here).abs() {
        let next = here + step;
        let beyond = !(0..=last).contains(&next);
        here = match boundary {
            _ if !beyond => next,
            Boundary::Zero | Boundary::Constant(_) => return None,
            Boundary::Nearest => here,
            Boundary::Wrap => last - here,
            Boundary::Reflect | Boundary::Mirror => {
                step = -step;
                if boundary == Boundary::Reflect || n == 1 { here } else { here + step }
            }
        };
    }
    usize::try_from(here).ok()
}

/// One tensor, padded or rolled.
#[derive(Debug, Clone)]
pub(crate) struct ExtendTrial {
    complex: bool,
    /// It is stored in f16.
    halves: bool,
    shape: Vec<usize>,
    /// Seen with its last two axes swapped.
    transposed: bool,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Pad(Vec<(usize, usize)>, Boundary),
    Roll(Vec<isize>),
}

impl ExtendTrial {
    /// What comes out for an input stored as `stored` says.
    async fn result<N: Number + HostElement<Device = N>>(
        &self,
        context: &Context,
        x: &ArrayD<Complex32>,
        stored: impl Fn(Complex32) -> N,
    ) -> Result<ArrayD<N::Wide>> {
        let x = context.upload(&x.mapv(stored))?;
        let x = if self.transposed { x.transpose() } else { x };
        let result = match &self.what {
            What::Pad(widths, boundary) => pad(&x, widths, *boundary),
            What::Roll(shifts) => roll(&x, shifts),
        };
        result?.read().await
    }

    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut number = || if self.halves { f16::from_f32(generator.bell()).to_f32() } else { generator.bell() };
        let mut draw = || Complex32::new(number(), if self.complex { number() } else { 0.0 });
        let mut x = ArrayD::from_shape_simple_fn(IxDyn(&self.shape), &mut draw);
        let wide = |re: f32| Complex32::new(re, 0.0);
        let got = match (self.complex, self.halves) {
            (false, false) => self.result(context, &x, |z| z.re).await?.mapv(wide),
            (false, true) => self.result(context, &x, |z| f16::from_f32(z.re)).await?.mapv(wide),
            (true, false) => self.result(context, &x, |z| z).await?,
            (true, true) => {
                let narrow = |z: Complex32| Complex16::new(f16::from_f32(z.re), f16::from_f32(z.im));
                self.result(context, &x, narrow).await?
            }
        };
        let rank = self.shape.len();
        if self.transposed && rank >= 2 {
            x.swap_axes(rank - 2, rank - 1);
        }
        let (boundary, axes): (Boundary, Vec<(i64, usize)>) = match &self.what {
            What::Pad(widths, boundary) => {
                (*boundary, widths.iter().map(|(before, after)| (-(*before as i64), before + after)).collect())
            }
            What::Roll(shifts) => (Boundary::Wrap, shifts.iter().map(|shift| (-(*shift as i64), 0)).collect()),
        };
        // Where the result starts along each axis, and how much longer it is.
        let axes: Vec<(i64, usize)> = vec![(0, 0); rank - axes.len()].into_iter().chain(axes).collect();
        let shape: Vec<usize> = x.shape().iter().zip(&axes).map(|(n, (_, more))| n + more).collect();
        if got.shape() != shape {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {shape:?}", got.shape())));
        }
        let mut comparison = Comparison::default();
        let entries: Vec<Complex32> = got.into_iter().collect();
        for flat in sampled(entries.len()) {
            let mut rest = flat;
            let mut place = vec![0; rank];
            let mut inside = true;
            for axis in (0..rank).rev() {
                let at = axes[axis].0 + (rest % shape[axis]) as i64;
                rest /= shape[axis];
                match walk(boundary, at, x.shape()[axis]) {
                    Some(here) => place[axis] = here,
                    None => inside = false,
                }
            }
            let want = if inside { x[IxDyn(&place)] } else { Complex32::new(boundary.outside(), 0.0) };
            if let Some(got) = entries.get(flat) {
                let bits = |value: Complex32| (u64::from(value.re.to_bits()) << 32) | u64::from(value.im.to_bits());
                comparison.bits(|| format!("flat index {flat}"), bits(*got), bits(want));
            }
        }
        Ok(comparison)
    }
}

const BOUNDARIES: [(Boundary, &str); 6] = [
    (Boundary::Zero, "zero"),
    (Boundary::Constant(-1.5), "constant"),
    (Boundary::Reflect, "reflect"),
    (Boundary::Mirror, "mirror"),
    (Boundary::Nearest, "nearest"),
    (Boundary::Wrap, "wrap"),
];

/// Shape, and how many entries go before and after along its last axes.
const PADS: [(&[usize], &[(usize, usize)]); 8] = [
    (&[1], &[(3, 2)]),
    (&[7], &[(0, 0)]),
    (&[5], &[(13, 29)]),
    (&[0, 4], &[(1, 2)]),
    (&[31, 17], &[(2, 40), (5, 0)]),
    (&[3, 20, 65], &[(1, 1), (70, 3)]),
    (&[2, 3, 4, 5], &[(2, 1), (0, 3), (4, 4)]),
    (&[700, 801], &[(8, 9), (10, 11)]),
];

const ROLLS: [(&[usize], &[isize]); 5] =
    [(&[1], &[5]), (&[1009], &[-3]), (&[0], &[2]), (&[4, 30, 31], &[15, -100]), (&[6, 7, 8], &[3, 3, 4])];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |setting: String, (complex, halves, transposed): (bool, bool, bool), shape: &[usize], what: What| {
        let (op, dtype) =
            (if matches!(what, What::Pad(..)) { "pad" } else { "roll" }, if complex { " complex" } else { "" });
        let seen = if transposed { " transposed" } else { "" };
        let half = if halves { " f16" } else { "" };
        let body = Body::Extend(ExtendTrial { complex, halves, shape: shape.to_vec(), transposed, what });
        trials.push(Trial::new(op, format!("{} {setting}{dtype}{half}{seen}", shape_name(shape)), body));
    };
    for row in settings(extent, &[PADS.len(), BOUNDARIES.len(), 2, 2, 2]) {
        let [pad, boundary, complex, halves, transposed] = row[..] else { continue };
        let (Some(&(shape, widths)), Some(&(boundary, name))) = (PADS.get(pad), BOUNDARIES.get(boundary)) else {
            continue;
        };
        // Nothing continues an axis without entries.
        let transposed = if shape.contains(&0) { 0 } else { transposed };
        let what = What::Pad(widths.to_vec(), boundary);
        add(format!("by {widths:?} {name}"), (complex == 1, halves == 1, transposed == 1), shape, what);
    }
    for (shape, shifts) in ROLLS {
        for complex in [false, true] {
            add(format!("by {shifts:?}"), (complex, !complex, complex), shape, What::Roll(shifts.to_vec()));
        }
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
