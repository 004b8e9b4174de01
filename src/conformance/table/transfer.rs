//! Upload, views, copies and read-back: every bit must come back.

use half::f16;
use ndarray::Array2;
use num_complex::Complex32;

use super::{Body, sampled, settings, shape_name};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::layout::Placement;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::tensor::{Element, HostElement};

/// The element types by name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dtype {
    F32,
    F16,
    Complex32,
    U32,
    I32,
}

impl Dtype {
    const ALL: [(Self, &'static str); 5] = [
        (Self::F32, "f32"),
        (Self::Complex32, "complex32"),
        (Self::U32, "u32"),
        (Self::I32, "i32"),
        (Self::F16, "f16"),
    ];
}

/// An element that a trial can draw and compare bit by bit.
trait Drawn: Element + HostElement<Device = Self> {
    fn draw(generator: &mut Generator) -> Self;
    fn pattern(self) -> u64;
}

impl Drawn for f32 {
    /// Any number, infinities and zeros of both signs included, and one NaN: payloads may change on the way.
    fn draw(generator: &mut Generator) -> Self {
        let value = f32::from_bits(generator.bits() as u32);
        if value.is_nan() {
            f32::NAN
        } else if value.is_subnormal() {
            0.0
        } else {
            value
        }
    }

    fn pattern(self) -> u64 {
        let quiet = if self.is_nan() { f32::NAN } else { self };
        u64::from(quiet.to_bits())
    }
}

impl Drawn for Complex32 {
    fn draw(generator: &mut Generator) -> Self {
        Self::new(Drawn::draw(generator), Drawn::draw(generator))
    }

    fn pattern(self) -> u64 {
        (self.re.pattern() << 32) | self.im.pattern()
    }
}

impl Drawn for f16 {
    /// Any bits: they travel in words, which nobody takes for numbers.
    fn draw(generator: &mut Generator) -> Self {
        Self::from_bits(generator.bits() as u16)
    }

    fn pattern(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Drawn for u32 {
    fn draw(generator: &mut Generator) -> Self {
        generator.bits() as u32
    }

    fn pattern(self) -> u64 {
        u64::from(self)
    }
}

impl Drawn for i32 {
    fn draw(generator: &mut Generator) -> Self {
        generator.bits() as u32 as i32
    }

    fn pattern(self) -> u64 {
        u64::from(self as u32)
    }
}

/// One round trip.
#[derive(Debug, Clone)]
pub(crate) struct TransferTrial {
    dtype: Dtype,
    shape: (usize, usize),
    placement: Placement,
}

impl TransferTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        match self.dtype {
            Dtype::F32 => self.round_trip::<f32>(context, name).await,
            Dtype::F16 => self.round_trip::<f16>(context, name).await,
            Dtype::Complex32 => self.round_trip::<Complex32>(context, name).await,
            Dtype::U32 => self.round_trip::<u32>(context, name).await,
            Dtype::I32 => self.round_trip::<i32>(context, name).await,
        }
    }

    async fn round_trip<E: Drawn>(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let want = Array2::from_shape_simple_fn(self.shape, || E::draw(&mut generator));
        let poison = E::draw(&mut generator);
        let got = self.placement.upload(context, want.view(), poison)?.read().await?;
        if got.shape() != want.shape() {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), want.shape())));
        }
        let (got, want): (Vec<E>, Vec<E>) = (got.into_iter().collect(), want.into_iter().collect());
        let mut comparison = Comparison::default();
        for at in sampled(want.len()) {
            if let (Some(got), Some(want)) = (got.get(at), want.get(at)) {
                comparison.bits(|| format!("flat index {at}"), got.pattern(), want.pattern());
            }
        }
        Ok(comparison)
    }
}

const SHAPES: [(usize, usize); 10] =
    [(0, 3), (3, 0), (1, 1), (1, 7), (63, 65), (64, 64), (127, 3), (257, 129), (1009, 31), (700, 1000)];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |dtype: (Dtype, &str), shape: (usize, usize), placement: Placement| {
        let setting = format!("{} {}", shape_name(&[shape.0, shape.1]), placement.name());
        let body = Body::Transfer(TransferTrial { dtype: dtype.0, shape, placement });
        trials.push(Trial::new(format!("transfer::{}", dtype.1), setting, body));
    };
    for row in settings(extent, &[Dtype::ALL.len(), SHAPES.len(), Placement::ALL.len()]) {
        let [t, s, p] = row[..] else { continue };
        if let (Some(&dtype), Some(&shape), Some(&placement)) =
            (Dtype::ALL.get(t), SHAPES.get(s), Placement::ALL.get(p))
        {
            add(dtype, shape, placement);
        }
    }
    if extent == Extent::Full {
        // Copies with more workgroups than one dimension holds, of inputs larger than one binding.
        for placement in [Placement::Contiguous, Placement::Columns, Placement::Transposed] {
            add((Dtype::F32, "f32"), (5000, 7001), placement);
            add((Dtype::F16, "f16"), (10_001, 7001), placement);
        }
    }
    trials
}
