//! Whether a row of a result is what the row's pairs allow.

use super::{Drawn, ReduceTrial};
use crate::conformance::compare::Comparison;
use crate::conformance::table::pair::{Function, Values};
use crate::conformance::table::reduce::kind::Kind;
use crate::error::Result;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{Extremes, ReduceOptions};
use crate::reference::{self, Pairs};
use crate::tensor::Tensor;

/// A result on the device.
pub(super) enum Found {
    Rows(Tensor),
    Counts(Tensor<u32>),
    Extremes(Extremes),
}

/// A result on the host.
pub(super) enum Read {
    Rows(Vec<f32>),
    Counts(Vec<u32>),
    Extremes(Vec<f32>, Vec<u32>),
}

impl Found {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Counts(counts) => counts.len(),
            Self::Extremes(found) => found.values.len().max(found.indices.len()),
        }
    }

    pub(super) async fn read(&self) -> Result<Read> {
        Ok(match self {
            Self::Rows(rows) => Read::Rows(rows.read().await?.into_iter().collect()),
            Self::Counts(counts) => Read::Counts(counts.read().await?.into_iter().collect()),
            Self::Extremes(found) => Read::Extremes(
                found.values.read().await?.into_iter().collect(),
                found.indices.read().await?.into_iter().collect(),
            ),
        })
    }
}

/// All that a row is judged by.
pub(super) struct Judge<'a> {
    pub(super) trial: &'a ReduceTrial,
    pub(super) pair: &'a PairFunction,
    pub(super) drawn: &'a Drawn,
    pub(super) options: &'a ReduceOptions,
    /// Entries of a row of the result.
    pub(super) columns: usize,
}

impl Judge<'_> {
    /// Takes in the row with this number in the whole batch.
    pub(super) fn row(&self, row: usize, found: &Read, comparison: &mut Comparison) {
        let pairs = self.pairs(row);
        let part = row * self.columns..(row + 1) * self.columns;
        match found {
            Read::Rows(got) => {
                for (c, got) in got.get(part).unwrap_or(&[]).iter().enumerate() {
                    let (want, bound) = self.expected(row, c, &pairs);
                    comparison.entry(|| format!("[{row}, {c}]"), *got, want, bound);
                }
            }
            Read::Counts(got) => {
                let (least, most) = reference::count_within(&pairs, f64::from(self.drawn.radius));
                let got = got.get(row).map_or(usize::MAX, |got| *got as usize);
                let nearest = got.clamp(least, most);
                comparison.bits(|| format!("[{row}], {least} to {most}"), got as u64, nearest as u64);
            }
            Read::Extremes(values, indices) => {
                let (values, indices) = (values.get(part.clone()), indices.get(part));
                self.search(row, values.unwrap_or(&[]), indices.unwrap_or(&[]), &pairs, comparison);
            }
        }
    }

    /// The function's values and bounds for the pairs of a row.
    fn pairs(&self, row: usize) -> Vec<Option<(f64, f64)>> {
        let (member, i) = (row / self.trial.n, row % self.trial.n);
        let wide = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
        let (Some(x), Some(y)) = (self.drawn.x.get(member), self.drawn.y.get(member)) else { return Vec::new() };
        let x = wide(x.row(i));
        let ranges = self.options.blocks.as_ref().map(|blocks| {
            let own = blocks.rows.iter().zip(&blocks.columns).find(|(rows, _)| rows.contains(&i));
            own.map_or(&[][..], |(_, columns)| columns)
        });
        let pair = |j: usize| {
            let apart = self.options.exclude_self && i == j
                || ranges.is_some_and(|ranges| !ranges.iter().any(|range| range.contains(&j)));
            (!apart).then(|| self.trial.function.expected(self.pair, &x, &wide(y.row(j))))
        };
        (0..self.trial.m).map(pair).collect()
    }

    fn expected(&self, row: usize, column: usize, pairs: Pairs<'_>) -> (f64, f64) {
        let v = self.drawn.v.get(row / self.trial.n.max(1));
        let v = |j: usize| v.and_then(|v| v.get((j, column))).map_or(f64::NAN, |v| f64::from(*v));
        let radius = f64::from(self.drawn.radius);
        match self.trial.kind {
            Kind::Sum => reference::sum(pairs, &v, 1.0, false),
            Kind::SumOfOnes => reference::sum(pairs, &|_| 1.0, 1.0, false),
            Kind::Compensated => reference::sum(pairs, &v, 1.0, true),
            Kind::Mean => match pairs.iter().flatten().count() {
                0 => (f64::NAN, 0.0),
                met => reference::sum(pairs, &v, 1.0 / met as f64, false),
            },
            Kind::LogSumExp => reference::log_sum_exp(pairs, &|_| 1.0),
            Kind::WeightedLogSumExp => reference::log_sum_exp(pairs, &v),
            Kind::SoftmaxSum => reference::softmax_sum(pairs, &v),
            Kind::SumWithin => reference::sum_within(pairs, radius, Some(&v)),
            Kind::SumOfValuesWithin => reference::sum_within(pairs, radius, None),
            Kind::Count | Kind::Smallest | Kind::Largest => (f64::NAN, f64::INFINITY),
        }
    }

    /// Every value within the bound of its own pair and where the order of all pairs allows it; in order, ties by index,
    /// no index twice; where values are whole numbers, exactly the lowest indices.
    fn search(&self, row: usize, values: &[f32], indices: &[u32], pairs: Pairs<'_>, comparison: &mut Comparison) {
        let largest = self.trial.kind == Kind::Largest;
        let allowed = reference::extremes(pairs, values.len(), largest);
        let place = |at: usize, what: &str| format!("[{row}, {at}] {what}");
        let mut seen = vec![false; pairs.len()];
        let not_numbers = pairs.iter().enumerate().filter(|(_, pair)| pair.is_some_and(|(f, _)| f.is_nan()));
        let mut not_numbers = not_numbers.map(|(j, _)| j as u32);
        let exact = self.exact().then(|| in_order(pairs, largest));
        for (at, (value, index)) in values.iter().zip(indices).enumerate() {
            let Some((low, high)) = allowed.get(at) else {
                // Behind the numbers NaN with their indices, then nothing.
                let want = not_numbers.next().unwrap_or(u32::MAX);
                comparison.bits(|| place(at, "index behind the numbers"), u64::from(*index), u64::from(want));
                comparison.entry(|| place(at, "behind the numbers"), *value, f64::NAN, 0.0);
                continue;
            };
            let pair = pairs.get(*index as usize).copied().flatten();
            let fresh = seen.get_mut(*index as usize).is_some_and(|seen| !std::mem::replace(seen, true));
            comparison.bits(|| place(at, &format!("index {index} is a partner's, once")), u64::from(fresh), 1);
            let Some((want, bound)) = pair else { continue };
            comparison.entry(|| place(at, "value of its index"), *value, want, bound);
            let middle = f64::from(*value).clamp(*low, high.max(*low));
            comparison.entry(|| place(at, &format!("{low:e} to {high:e}")), *value, middle, 0.0);
            if let Some(want) = exact.as_ref().and_then(|exact| exact.get(at)) {
                comparison.bits(|| place(at, "index among ties"), u64::from(*index), *want as u64);
            }
            if let (Some(next), Some(next_index)) = (values.get(at + 1), indices.get(at + 1)) {
                let ordered = if largest { value > next } else { value < next };
                let fits = ordered || next.is_nan() || (value == next && index < next_index);
                comparison.bits(|| place(at, &format!("{value:e} before {next:e}")), u64::from(fits), 1);
            }
        }
    }

    /// Whether every value is a small whole number that any device computes exactly.
    fn exact(&self) -> bool {
        let Function::Metric(metric) = &self.trial.function else { return false };
        let whole = [Metric::SQEUCLIDEAN, Metric::CITYBLOCK, Metric::CHEBYSHEV].contains(metric);
        whole && self.trial.values == Values::Whole
    }
}

/// The partners in order of their values, ties by index.
fn in_order(pairs: Pairs<'_>, largest: bool) -> Vec<usize> {
    let mut order: Vec<(f64, usize)> =
        pairs.iter().enumerate().filter_map(|(j, pair)| pair.map(|(f, _)| (if largest { -f } else { f }, j))).collect();
    order.sort_by(|(a, i), (b, j)| a.total_cmp(b).then(i.cmp(j)));
    order.into_iter().map(|(_, j)| j).collect()
}
