//! Weighted sums, also of what lies within a radius.

use pulp::Arch;

use super::super::memory::Scatter;
use super::Fold;
use super::weights::{Weights, total};

pub(super) struct Sum {
    pub(super) arch: Arch,
    /// The values beside y.
    pub(super) weights: Option<Weights>,
    /// Only pairs with a value of at most this count: their weights, or where there are none their values.
    pub(super) within: Option<f32>,
    pub(super) scale: f32,
    pub(super) compensated: bool,
}

impl Fold for Sum {
    type Carry = Vec<f64>;
    const IN_SLICES: bool = true;

    fn start(&self) -> Vec<f64> {
        self.weights.as_ref().map_or_else(|| vec![0.0], Weights::zeros)
    }

    fn take(&self, carries: &mut [Vec<f64>], start: usize, values: &mut [&mut [f32]]) {
        if let Some(radius) = self.within {
            match &self.weights {
                Some(weights) if !weights.finite => {
                    for (sums, values) in carries.iter_mut().zip(values) {
                        weights.add_chosen(start, values, |value| value <= radius, sums);
                    }
                    return;
                }
                weights => {
                    let weighted = weights.is_some();
                    values.iter_mut().for_each(|values| self.choose(radius, weighted, values));
                }
            }
        }
        let Some(weights) = &self.weights else {
            for (sums, values) in carries.iter_mut().zip(values) {
                sums.iter_mut().for_each(|sum| *sum += total(self.arch, values, self.compensated));
            }
            return;
        };
        add(weights, carries, start, values);
    }

    fn join(&self, carry: &mut Vec<f64>, next: Vec<f64>) {
        carry.iter_mut().zip(next).for_each(|(sum, next)| *sum += next);
    }

    fn finish(&self, carry: Vec<f64>, row: usize, out: &Scatter<u32>) {
        let columns = self.weights.as_ref().map_or(1, |weights| weights.columns);
        // SAFETY: every row is finished once.
        let out = unsafe { out.slice(row * columns, columns) };
        let scale = f64::from(self.scale);
        out.iter_mut().zip(carry).for_each(|(out, sum)| *out = ((scale * sum) as f32).to_bits());
    }
}

impl Sum {
    /// The pair's factor: 1 or the value within the radius, else 0.
    fn choose(&self, radius: f32, weighted: bool, values: &mut [f32]) {
        self.arch.dispatch(
            #[inline(always)]
            || {
                for value in values.iter_mut() {
                    let inside = if weighted { 1.0 } else { *value };
                    *value = if *value <= radius { inside } else { 0.0 };
                }
            },
        );
    }
}

/// Adds the weighted values of one row or of [`ROWS`](super::ROWS).
pub(super) fn add(weights: &Weights, carries: &mut [Vec<f64>], start: usize, values: &[&mut [f32]]) {
    match carries {
        [a, b, c, d] => weights.add(start, values, &mut [a, b, c, d]),
        carries => {
            for (sums, values) in carries.iter_mut().zip(values.chunks(1)) {
                weights.add(start, values, &mut [sums]);
            }
        }
    }
}
