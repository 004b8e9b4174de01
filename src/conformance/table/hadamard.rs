//! Walsh–Hadamard transforms: lengths from 1 to past a workgroup, axes, both orders.

use ndarray::{ArrayD, Axis, IxDyn};

use super::{Body, shape_name};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::metric::UNIT_ROUNDOFF;
use crate::ops::{Norm, WalshOrder, walsh_hadamard};
use crate::reference;

/// One transform.
#[derive(Debug, Clone)]
pub(crate) struct HadamardTrial {
    shape: Vec<usize>,
    axis: usize,
    order: WalshOrder,
    norm: Norm,
    /// The input's last two axes are stored the other way round.
    transposed: bool,
}

impl HadamardTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut stored = self.shape.clone();
        if self.transposed {
            stored.swap(self.shape.len() - 1, self.shape.len() - 2);
        }
        let mut x = ArrayD::from_shape_simple_fn(IxDyn(&stored), || generator.bell());
        let device = context.upload(&x)?;
        let device = if self.transposed { device.transpose() } else { device };
        let got = walsh_hadamard(&device, self.axis, self.order, self.norm)?.read().await?;
        if self.transposed {
            x.swap_axes(stored.len() - 1, stored.len() - 2);
        }
        if got.shape() != x.shape() {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), x.shape())));
        }
        let n = x.len_of(Axis(self.axis)) as f64;
        let scale = match self.norm {
            Norm::Backward => 1.0,
            Norm::Ortho => 1.0 / n.sqrt(),
            Norm::Forward => 1.0 / n,
        };
        // Every stage rounds its sums once, to at most u of their own norm; the factor is one more.
        let tolerance = (n.log2() + 2.0) * UNIT_ROUNDOFF;
        let mut comparison = Comparison::default();
        let lanes = got.lanes(Axis(self.axis)).into_iter().zip(x.lanes(Axis(self.axis)));
        for (line, (got, x)) in lanes.enumerate() {
            let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let want = reference::walsh_hadamard(&x, self.order == WalshOrder::Sequency);
            let (mut error, mut size) = (0.0, 0.0);
            for (got, want) in got.iter().zip(want) {
                error += (f64::from(*got) - want * scale).powi(2);
                size += (want * scale).powi(2);
            }
            let size = f64::sqrt(size);
            comparison.norm(|| format!("line {line}"), f64::sqrt(error), (size, tolerance * size), got.len());
        }
        Ok(comparison)
    }
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    const SIZES: [(&[usize], usize); 14] = [
        (&[1], 0),
        (&[2], 0),
        (&[3, 4], 1),
        (&[8, 5], 0),
        (&[7, 16], 1),
        (&[3, 32, 5], 1),
        (&[64, 3], 0),
        (&[5, 256], 1),
        (&[2, 512, 3], 1),
        (&[3, 1024], 1),
        (&[4096], 0),
        (&[2, 8192], 1),
        (&[0, 8], 1),
        (&[65_536], 0),
    ];
    const NORMS: [(Norm, &str); 3] = [(Norm::Backward, "backward"), (Norm::Ortho, "ortho"), (Norm::Forward, "forward")];
    let mut trials = Vec::new();
    let mut add = |shape: &[usize], axis: usize, order: WalshOrder, (norm, word): (Norm, &str), transposed: bool| {
        let stored = if transposed { " transposed" } else { "" };
        let setting = format!("{} axis {axis} {order:?} {word}{stored}", shape_name(shape)).to_lowercase();
        let trial = HadamardTrial { shape: shape.to_vec(), axis, order, norm, transposed };
        trials.push(Trial::new("walsh_hadamard", setting, Body::Hadamard(trial)));
    };
    for (number, (shape, axis)) in SIZES.into_iter().enumerate() {
        for order in [WalshOrder::Natural, WalshOrder::Sequency] {
            for (at, norm) in NORMS.into_iter().enumerate() {
                if extent == Extent::Full || at == number % 3 {
                    add(shape, axis, order, norm, number % 2 == 1 && shape.len() > 1);
                }
            }
        }
    }
    if extent == Extent::Full {
        add(&[1 << 21], 0, WalshOrder::Sequency, NORMS[0], false);
    }
    trials
}
