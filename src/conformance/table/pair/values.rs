//! What the trials compare, and the rows that they compare.

use half::f16;
use ndarray::Array2;

use crate::conformance::Generator;
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::{Domain, Metric};

/// Which function of two rows.
#[derive(Debug, Clone)]
pub(crate) enum Function {
    /// A distance.
    Metric(Metric),
    /// A kernel.
    Kernel(Kernel),
    /// A kernel with numbers of its own for each feature.
    PerFeature(fn(usize) -> Option<Kernel>),
}

impl Function {
    pub(in super::super) fn pair_function(&self, d: usize) -> Result<PairFunction> {
        match self {
            Self::Metric(metric) => Ok(PairFunction::from(metric)),
            Self::Kernel(kernel) => kernel.pair_function(d),
            Self::PerFeature(kernel) => match kernel(d) {
                Some(kernel) => kernel.pair_function(d),
                None => Err(Error::argument("kernel", format!("{d} features"), "have no such kernel")),
            },
        }
    }

    /// The value for two rows, and how far a device's may be from it.
    pub(in super::super) fn expected(&self, function: &PairFunction, a: &[f64], b: &[f64]) -> (f64, f64) {
        let (value, bound) = function.evaluate_with_bound(a, b);
        // The correlation of constant rows is no number, be they equal or not.
        if self.zero_on_self() && a == b && value.is_finite() {
            return (0.0, 0.0);
        }
        // A kernel is held against its textbook form, which does not go through the expression that the shader is made of.
        match self {
            Self::Kernel(kernel) if value.is_finite() => (kernel.definition(a, b).unwrap_or(f64::NAN), bound),
            _ => (value, bound),
        }
    }

    /// What the features of a row may be.
    pub(in super::super) fn domain(&self) -> Domain {
        match self {
            Self::Metric(metric) => metric.domain,
            Self::Kernel(_) | Self::PerFeature(_) => Domain::Real,
        }
    }

    /// The function for rows of about `d` features, with some table where it needs one, and how many they must be.
    pub(in super::super) fn fitted(&self, d: usize) -> Option<(Self, usize)> {
        match self {
            Self::Metric(metric) => {
                let d = metric.features.unwrap_or(d);
                Some((Self::Metric(metric.clone().example(d)?), d))
            }
            // A row without features has no first column.
            Self::Kernel(kernel) => kernel.check(d).is_ok().then(|| (self.clone(), d)),
            // Made for so many features; to check a large matrix for every trial of the table takes minutes.
            Self::PerFeature(kernel) => Some((Self::Kernel(kernel(d)?), d)),
        }
    }

    fn zero_on_self(&self) -> bool {
        matches!(self, Self::Metric(metric) if metric.zero_on_self)
    }
}

/// A number of a domain for any number. NaN and infinities stay where the domain has room for them.
pub(in super::super) fn fit(domain: Domain, value: f32) -> f32 {
    match domain {
        Domain::Real | Domain::Angles => value,
        Domain::NonNegative => value.abs(),
        Domain::Boolean if value.is_finite() => f32::from(u8::from(value > 0.0)),
        Domain::Boolean => value,
        Domain::Halves if value.is_finite() => (value.abs() * 5000.0).floor() % 65_536.0,
        Domain::Halves => 0.0,
    }
}

/// What the rows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// Bell-shaped around 0, scaled so that distances stay near 1 whatever the number of features.
    Bell,
    /// Points 1e-3 apart, 1e4 from the origin: an expanded |x|² − 2xy + |y|² loses all of it.
    NearDuplicates,
    /// y repeats the rows of x: d(x, x) must be exactly 0 where the metric says so.
    Same,
    /// Small whole numbers with many ties and some rows of zeros.
    Whole,
    /// NaN and infinities in some rows, which must not touch the others.
    NotFinite,
    /// Halves by their bits: subnormal numbers, zeros of both signs, infinities and NaN among them.
    Halves,
    /// Every half once in x, and ones in y.
    EveryHalf,
}

impl Values {
    /// Those of f32.
    pub(in super::super) const ALL: [Self; 5] =
        [Self::Bell, Self::NearDuplicates, Self::Same, Self::Whole, Self::NotFinite];

    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::NearDuplicates => "near-duplicates",
            Self::Same => "same",
            Self::Whole => "whole",
            Self::NotFinite => "not-finite",
            Self::Halves => "halves",
            Self::EveryHalf => "every-half",
        }
    }

    pub(in super::super) fn rows(
        self,
        n: usize,
        m: usize,
        d: usize,
        generator: &mut Generator,
    ) -> (Array2<f32>, Array2<f32>) {
        let scale = 1.0 / (d.max(1) as f32).sqrt();
        let far = 1e4 * scale;
        let mut x = Array2::zeros((n, d));
        let mut y = Array2::zeros((m, d));
        for matrix in [&mut x, &mut y] {
            matrix.mapv_inplace(|_: f32| match self {
                Self::Bell | Self::Same | Self::NotFinite => generator.bell() * scale,
                Self::NearDuplicates => far + 1e-3 * generator.bell() * scale.max(0.1),
                Self::Whole => generator.below(4) as f32 - 1.0,
                Self::Halves => f16::from_bits(generator.bits() as u16).to_f32(),
                Self::EveryHalf => 1.0,
            });
        }
        match self {
            Self::Same => {
                for (j, mut row) in y.rows_mut().into_iter().enumerate() {
                    if n > 0 {
                        row.assign(&x.row(j % n));
                    }
                }
            }
            Self::Whole => x.rows_mut().into_iter().step_by(5).for_each(|mut row| row.fill(0.0)),
            Self::NotFinite => {
                let poison = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
                for (matrix, every) in [(&mut x, 4), (&mut y, 7)] {
                    for mut row in matrix.rows_mut().into_iter().step_by(every) {
                        let (at, value) = (generator.below(d), generator.below(poison.len()));
                        if let (Some(entry), Some(value)) = (row.get_mut(at), poison.get(value)) {
                            *entry = *value;
                        }
                    }
                }
            }
            Self::EveryHalf => {
                x.iter_mut().zip(0..=u16::MAX).for_each(|(entry, bits)| *entry = f16::from_bits(bits).to_f32());
            }
            Self::Bell | Self::NearDuplicates | Self::Halves => {}
        }
        (x, y)
    }
}
