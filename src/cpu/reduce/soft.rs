//! Log-sum-exp and soft-max-weighted sums: the exponentials are taken of the distances from the largest value so far.

use pulp::Arch;

use super::super::memory::Scatter;
use super::super::pair::single::exp_from;
use super::Fold;
use super::weights::{Weights, total};

pub(super) struct Soft<'a> {
    pub(super) arch: Arch,
    /// The values beside y.
    pub(super) weights: Option<Weights>,
    /// The same as they came, where a pair of weight 0 is left out, whatever its value.
    pub(super) zeros: Option<&'a [f32]>,
    /// The logarithm of the sum, instead of the weighted sum over the plain one.
    pub(super) log: bool,
}

/// Sums of `exp(f − largest)`.
pub(super) struct Sums {
    largest: f32,
    /// `Σ exp(f − largest)`; NaN as soon as one value is.
    total: f64,
    /// `Σ exp(f − largest) v`
    weighted: Vec<f64>,
}

impl Sums {
    /// Puts another largest value under the sums.
    fn rebase(&mut self, largest: f32) {
        if largest > self.largest {
            // Before the first value the sums are 0 and the factor is too.
            let factor = (f64::from(self.largest) - f64::from(largest)).exp();
            self.largest = largest;
            self.total *= factor;
            self.weighted.iter_mut().for_each(|sum| *sum *= factor);
        }
    }

    fn poison(&mut self) {
        self.total = f64::NAN;
        self.weighted.fill(f64::NAN);
    }
}

/// The largest that is a number; −∞ where none is.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let rest = chunks.remainder().iter().fold(f32::NEG_INFINITY, |a, b| larger(a, *b));
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(a, b)| *a = larger(*a, *b));
    }
    lanes.into_iter().fold(rest, larger)
}

impl Fold for Soft<'_> {
    type Carry = Sums;
    const IN_SLICES: bool = true;

    fn start(&self) -> Sums {
        let weighted = self.weights.as_ref().map_or_else(Vec::new, Weights::zeros);
        Sums { largest: f32::NEG_INFINITY, total: 0.0, weighted }
    }

    fn take(&self, carries: &mut [Sums], start: usize, values: &mut [&mut [f32]]) {
        for (sums, values) in carries.iter_mut().zip(values.iter_mut()) {
            if let Some(zeros) = self.zeros {
                for (value, weight) in values.iter_mut().zip(&zeros[start..]) {
                    *value = if *weight == 0.0 { f32::NEG_INFINITY } else { *value };
                }
            }
            let here = self.arch.dispatch(
                #[inline(always)]
                || largest(values),
            );
            sums.rebase(here);
            let base = sums.largest;
            if base.is_infinite() {
                // Nothing but −∞ so far, or an infinite sum; only a NaN still matters.
                if values.iter().any(|value| value.is_nan()) {
                    sums.poison();
                }
                values.fill(0.0);
                continue;
            }
            exp_from(self.arch, values, base);
            sums.total += total(self.arch, values, false);
        }
        if let Some(weights) = &self.weights {
            match carries {
                [a, b, c, d] => weights.add(
                    start,
                    values,
                    &mut [&mut a.weighted, &mut b.weighted, &mut c.weighted, &mut d.weighted],
                ),
                carries => {
                    for (sums, values) in carries.iter_mut().zip(values.chunks(1)) {
                        weights.add(start, values, &mut [&mut sums.weighted]);
                    }
                }
            }
        }
    }

    fn join(&self, carry: &mut Sums, mut next: Sums) {
        carry.rebase(next.largest);
        next.rebase(carry.largest);
        carry.total += next.total;
        carry.weighted.iter_mut().zip(next.weighted).for_each(|(sum, next)| *sum += next);
    }

    fn finish(&self, carry: Sums, row: usize, out: &Scatter<u32>) {
        let Sums { largest, total, weighted } = carry;
        if self.log {
            let sum = if self.weights.is_some() { weighted.first().copied().unwrap_or(0.0) } else { total };
            let value = if total.is_nan() {
                f64::NAN
            } else if largest.is_infinite() {
                f64::from(largest)
            } else {
                f64::from(largest) + sum.ln()
            };
            // SAFETY: every row is finished once.
            unsafe { out.slice(row, 1) }.fill((value as f32).to_bits());
            return;
        }
        let columns = self.weights.as_ref().map_or(0, |weights| weights.columns);
        // SAFETY: as above.
        let out = unsafe { out.slice(row * columns, columns) };
        for (out, sum) in out.iter_mut().zip(weighted) {
            let value = match (largest == f32::INFINITY, total == 0.0) {
                (true, _) => f64::NAN,
                (false, true) => 0.0,
                (false, false) => sum / total,
            };
            *out = (value as f32).to_bits();
        }
    }
}
