//! Matrix products: transposes, factors, broadcasts, batches, and a NaN in a C that must not be read.

use std::collections::HashSet;

use half::f16;
use ndarray::{ArrayD, Axis, Ix2, IxDyn};

use super::{Body, sampled, settings, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::layout::Placement;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::ops::gemm;
use crate::tensor::{HostElement, Real, Tensor};

/// What C is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addend {
    /// No C.
    None,
    /// A whole matrix (per batch entry).
    Whole,
    /// One row for all rows.
    Row,
    /// One column for all columns.
    Column,
    /// All NaN, with β = 0: it may not be read.
    Ignored,
}

impl Addend {
    const ALL: [(Self, f32, f32, &'static str); 6] = [
        (Self::None, 1.0, 0.0, ""),
        (Self::None, -0.7, 0.0, " α=−0.7"),
        (Self::Whole, 1.0, 1.0, " +C"),
        (Self::Whole, -0.7, 1.5, " α=−0.7 +1.5C"),
        (Self::Row, 1.0, 1.0, " +row"),
        (Self::Column, 2.0, -1.0, " α=2 −column"),
    ];
}

/// What the matrices hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Bell,
    /// Large terms that cancel, and one small one that must survive.
    Cancelling,
    /// A NaN or an infinity in some rows of A: nothing may leak through the padding of a tile.
    NotFinite,
}

impl Values {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Bell, "bell"), (Self::Cancelling, "cancelling"), (Self::NotFinite, "not-finite")];
}

/// Batch axes of A and of B, broadcast as NumPy does.
const BATCHES: [(&[usize], &[usize]); 5] = [(&[], &[]), (&[], &[]), (&[3], &[3]), (&[2, 1], &[3]), (&[4], &[])];

/// m, k, n.
const SIZES: [(usize, usize, usize); 14] = [
    (0, 3, 4),
    (3, 4, 0),
    (4, 0, 5),
    (1, 1, 1),
    (7, 9, 5),
    (15, 16, 17),
    (16, 64, 16),
    (33, 65, 31),
    (64, 64, 64),
    (65, 63, 127),
    (128, 3, 129),
    (1, 784, 10),
    (257, 17, 1),
    (7, 4096, 5),
];

/// One product.
#[derive(Debug, Clone)]
pub(crate) struct GemmTrial {
    size: (usize, usize, usize),
    batches: (Vec<usize>, Vec<usize>),
    placements: (Placement, Placement),
    alpha: f32,
    beta: f32,
    addend: Addend,
    values: Values,
    /// A and B are stored as f16.
    half: bool,
}

impl GemmTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let (m, k, n) = self.size;
        let a = self.matrix(&[self.batches.0.as_slice(), &[m, k]].concat(), true, &mut generator);
        let b = self.matrix(&[self.batches.1.as_slice(), &[k, n]].concat(), false, &mut generator);
        let batch = broadcast(&self.batches.0, &self.batches.1);
        let shape = [batch.as_slice(), &[m, n]].concat();
        let c = match self.addend {
            Addend::None => None,
            Addend::Whole => Some(self.plain(&shape, &mut generator)),
            Addend::Row => Some(self.plain(&[1, n], &mut generator)),
            Addend::Column => Some(self.plain(&[m, 1], &mut generator)),
            Addend::Ignored => Some(ArrayD::from_elem(IxDyn(&shape), f32::NAN)),
        };
        let c_on_device = c.as_ref().map(|c| context.upload(c)).transpose()?;
        let result = if self.half {
            self.recorded(context, &a.mapv(f16::from_f32), &b.mapv(f16::from_f32), c_on_device.as_ref(), f16::NAN)?
        } else {
            self.recorded(context, &a, &b, c_on_device.as_ref(), f32::NAN)?
        };
        let result = result.read().await?;
        if result.shape() != shape {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {shape:?}", result.shape())));
        }
        let mut comparison = Comparison::default();
        let wide_a = a.broadcast(IxDyn(&[batch.as_slice(), &[m, k]].concat())).map(|view| view.mapv(f64::from));
        let wide_b = b.broadcast(IxDyn(&[batch.as_slice(), &[k, n]].concat())).map(|view| view.mapv(f64::from));
        let wide_c = c.filter(|_| self.beta != 0.0);
        let wide_c = wide_c.as_ref().and_then(|c| c.broadcast(IxDyn(&shape)));
        let wide_b = wide_b.map(|b| {
            let mut columns = b.clone();
            columns.swap_axes(b.ndim() - 1, b.ndim() - 2);
            columns.as_standard_layout().into_owned()
        });
        let (Some(rows), Some(columns)) = (wide_a.map(entries), wide_b.map(entries)) else {
            return Ok(Comparison::broken("the batch axes do not broadcast".to_owned()));
        };
        let added: Option<Vec<f32>> = wide_c.map(|c| c.iter().copied().collect());
        let got: Vec<f32> = result.into_iter().collect();
        for at in sampled(got.len()) {
            let (block, i, j) = (at / (m * n).max(1), at / n.max(1) % m.max(1), at % n.max(1));
            let row = rows.get((block * m + i) * k..(block * m + i + 1) * k).unwrap_or_default();
            let column = columns.get((block * n + j) * k..(block * n + j + 1) * k).unwrap_or_default();
            let added = added.as_ref().and_then(|c| c.get(at)).map_or(0.0, |&c| f64::from(c));
            let (want, bound) = self.expected(row.iter().zip(column), added);
            let Some(&got) = got.get(at) else { continue };
            comparison.entry(|| format!("matrix {block}, [{i}, {j}]"), got, want, bound);
        }
        Ok(comparison)
    }

    fn recorded<E: Real + HostElement<Device = E>>(
        &self,
        context: &Context,
        a: &ArrayD<E>,
        b: &ArrayD<E>,
        c: Option<&Tensor>,
        poison: E,
    ) -> Result<Tensor> {
        let a = upload(context, a, self.placements.0, poison)?;
        let b = upload(context, b, self.placements.1, poison)?;
        gemm(self.alpha, &a, &b, self.beta, c)
    }

    fn expected<'a>(&self, terms: impl Iterator<Item = (&'a f64, &'a f64)>, added: f64) -> (f64, f64) {
        let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), (a, b)| (sum + a * b, size + (a * b).abs()));
        let (alpha, beta) = (f64::from(self.alpha), f64::from(self.beta));
        let addend = if self.beta == 0.0 { 0.0 } else { beta * added };
        (alpha * sum + addend, bounds::gemm(self.size.1, alpha, beta, size, added))
    }

    fn plain(&self, shape: &[usize], generator: &mut Generator) -> ArrayD<f32> {
        ArrayD::from_shape_simple_fn(IxDyn(shape), || generator.bell())
    }

    fn matrix(&self, shape: &[usize], left: bool, generator: &mut Generator) -> ArrayD<f32> {
        let mut matrix = self.plain(shape, generator);
        match self.values {
            Values::Bell => {}
            Values::Cancelling => {
                // Along k: 1e4, −1e4, 1e4 … on the left, nearly equal numbers on the right.
                let along = if left { shape.len() - 1 } else { shape.len() - 2 };
                for (f, mut slice) in matrix.axis_iter_mut(Axis(along)).enumerate() {
                    let sign = if f % 2 == 0 { 1e4 } else { -1e4 };
                    slice.mapv_inplace(|value| if left { sign + value } else { 1.0 + 1e-4 * value });
                }
            }
            Values::NotFinite if left => {
                let poison = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
                for (count, mut row) in matrix.rows_mut().into_iter().enumerate().skip(1).step_by(4) {
                    let at = generator.below(row.len());
                    if let (Some(entry), Some(value)) = (row.get_mut(at), poison.get(count / 4 % poison.len())) {
                        *entry = *value;
                    }
                }
            }
            Values::NotFinite => {}
        }
        if self.half {
            matrix.mapv_inplace(|value| f16::from_f32(value).to_f32());
        }
        matrix
    }
}

/// All entries, row by row.
fn entries(array: ArrayD<f64>) -> Vec<f64> {
    array.iter().copied().collect()
}

/// Matrices alone can lie in any way; a batch lies contiguous or with each matrix transposed.
fn upload<E: Real + HostElement<Device = E>>(
    context: &Context,
    array: &ArrayD<E>,
    placement: Placement,
    poison: E,
) -> Result<Tensor<E>> {
    match (array.ndim(), placement) {
        (2, _) => {
            let Ok(matrix) = array.view().into_dimensionality::<Ix2>() else { return context.upload(array) };
            placement.upload(context, matrix, poison)
        }
        (_, Placement::Transposed) => {
            let mut swapped = array.view();
            swapped.swap_axes(array.ndim() - 1, array.ndim() - 2);
            Ok(context.upload(&swapped.as_standard_layout())?.transpose())
        }
        _ => context.upload(array),
    }
}

fn broadcast(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).and_then(|i| shape.get(i)).copied();
    (0..rank)
        .map(|axis| match (at(a, axis).unwrap_or(1), at(b, axis).unwrap_or(1)) {
            (1, n) | (n, _) => n,
        })
        .collect()
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |trial: GemmTrial, factors: &str, values: &str| {
        let (m, k, n) = trial.size;
        let (a, b) = (&trial.batches.0, &trial.batches.1);
        let batch = if a.is_empty() && b.is_empty() {
            String::new()
        } else {
            let name = |shape: &[usize]| if shape.is_empty() { "one".to_owned() } else { shape_name(shape) };
            format!(" batch {} · {}", name(a), name(b))
        };
        let half = if trial.half { "f16 " } else { "" };
        let placed = format!("{}×{}", trial.placements.0.name(), trial.placements.1.name());
        trials.push(Trial::new(
            "gemm",
            format!("{half}{m}x{k}x{n} {placed}{batch}{factors} {values}"),
            Body::Gemm(trial),
        ));
    };
    let placements = Placement::ALL.len();
    let levels = [SIZES.len(), BATCHES.len(), placements, placements, Addend::ALL.len(), Values::ALL.len()];
    for row in settings(extent, &levels) {
        let [s, batch, pa, pb, c, v] = row[..] else { continue };
        let (Some(&size), Some(&batches), Some(&pa), Some(&pb)) =
            (SIZES.get(s), BATCHES.get(batch), Placement::ALL.get(pa), Placement::ALL.get(pb))
        else {
            continue;
        };
        let (Some(&(addend, alpha, beta, factors)), Some(&(values, word))) = (Addend::ALL.get(c), Values::ALL.get(v))
        else {
            continue;
        };
        let fit = |placement: Placement, batch: &[usize]| match placement {
            Placement::Rows | Placement::Columns if !batch.is_empty() => Placement::Contiguous,
            other => other,
        };
        let placements = (fit(pa, batches.0), fit(pb, batches.1));
        let batches = (batches.0.to_vec(), batches.1.to_vec());
        add(GemmTrial { size, batches, placements, alpha, beta, addend, values, half: false }, factors, word);
    }
    let contiguous = (Placement::Contiguous, Placement::Contiguous);
    let plain = |size| GemmTrial {
        size,
        batches: (Vec::new(), Vec::new()),
        placements: contiguous,
        alpha: 1.0,
        beta: 0.0,
        addend: Addend::None,
        values: Values::Bell,
        half: false,
    };
    add(GemmTrial { addend: Addend::Ignored, ..plain((17, 33, 9)) }, " β=0 with C of NaN", "bell");
    // Longer than one invocation may loop on a driver that stops after 65,535 iterations.
    add(plain((2, 300_000, 2)), "", "long");
    add(plain((300, 256, 300)), "", "panels");
    for (number, size) in
        [(1, 1, 1), (7, 9, 5), (33, 65, 31), (65, 63, 127), (1, 785, 11), (257, 17, 1)].into_iter().enumerate()
    {
        let placements = (Placement::ALL[number % 4], Placement::ALL[(number + 1 + number / 4) % 4]);
        let (values, word) = Values::ALL[number % 3];
        add(GemmTrial { half: true, placements, values, ..plain(size) }, "", word);
        let batches = (vec![2, 1], vec![3]);
        let addend = (Addend::Row, 1.0, 1.0, " +row");
        let batched = GemmTrial { half: true, batches, addend: addend.0, beta: addend.2, values, ..plain(size) };
        add(batched, addend.3, word);
    }
    if extent == Extent::Full {
        add(plain((1030, 520, 1000)), "", "panels");
        add(plain((40_000, 2, 1000)), "", "larger than a binding");
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
