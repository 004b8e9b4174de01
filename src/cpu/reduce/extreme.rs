//! The k smallest or largest values and their columns.
//!
//! A value and its column become one whole number whose order is the order asked for: the value's bits, turned so that
//! they sort, above the column's. NaN sorts behind every number, and ties by column. Values are held against the k-th
//! one so far in whole registers; few pass. Up to [`SORTED`] are kept in order; more wait in a list of twice the length
//! that is cut to the best k whenever it is full.

use pulp::Arch;

use super::super::memory::Scatter;
use super::Fold;

/// Values that are kept in order at all times, at most.
const SORTED: usize = 32;

/// Values that are held against the k-th one together.
const CHUNK: usize = 64;
/// The same, where one of them may pass.
const PART: usize = 16;

pub(super) struct Extreme<const LARGEST: bool> {
    pub(super) arch: Arch,
    pub(super) k: usize,
    /// Rows of the whole batch.
    pub(super) rows: usize,
}

/// The best so far.
pub(super) struct Best {
    keys: Vec<u64>,
    /// What a key must be below to count: the k-th best, once there are k.
    limit: u64,
    /// The value that belongs to it; NaN while every value may count.
    edge: f32,
}

/// The key of a NaN's value; no number has it.
const NAN_KEY: u32 = u32::MAX;

/// Bits that sort as asked for.
#[inline(always)]
fn key<const LARGEST: bool>(value: f32) -> u32 {
    if value.is_nan() {
        return NAN_KEY;
    }
    // −0 and 0 are one value.
    let bits = (value + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    if LARGEST { !ascending } else { ascending }
}

fn value_of<const LARGEST: bool>(key: u32) -> f32 {
    if key == NAN_KEY {
        return f32::NAN;
    }
    let ascending = if LARGEST { !key } else { key };
    f32::from_bits(if ascending >> 31 == 1 { ascending & !(1 << 31) } else { !ascending })
}

/// Whether a value may be better than the edge.
#[inline(always)]
fn passes<const LARGEST: bool>(value: f32, edge: f32) -> bool {
    if LARGEST { value > edge } else { value < edge }
}

#[inline(always)]
fn any_passes<const LARGEST: bool>(values: &[f32], edge: f32) -> bool {
    values.iter().fold(0, |any, value| any | u32::from(passes::<LARGEST>(*value, edge))) != 0
}

impl Best {
    fn take<const LARGEST: bool>(&mut self, k: usize, value: f32, column: u32) {
        let key = u64::from(key::<LARGEST>(value)) << 32 | u64::from(column);
        if key >= self.limit {
            return;
        }
        if k <= SORTED {
            let at = self.keys.partition_point(|kept| *kept < key);
            self.keys.insert(at, key);
            self.keys.truncate(k);
            if self.keys.len() < k {
                return;
            }
        } else {
            self.keys.push(key);
            if self.keys.len() < 2 * k {
                return;
            }
            self.keys.select_nth_unstable(k - 1);
            self.keys.truncate(k);
        }
        let last = if k <= SORTED { k - 1 } else { self.keys.len() - 1 };
        self.limit = self.keys.get(last).copied().unwrap_or(u64::MAX);
        self.edge = value_of::<LARGEST>((self.limit >> 32) as u32);
    }
}

impl<const LARGEST: bool> Fold for Extreme<LARGEST> {
    type Carry = Best;
    const IN_SLICES: bool = false;

    fn start(&self) -> Best {
        Best { keys: Vec::new(), limit: u64::MAX, edge: f32::NAN }
    }

    fn take(&self, carries: &mut [Best], start: usize, values: &mut [&mut [f32]]) {
        let k = self.k;
        for (best, values) in carries.iter_mut().zip(values) {
            let values = &**values;
            self.arch.dispatch(
                #[inline(always)]
                || {
                    for (chunk, values) in values.chunks(CHUNK).enumerate() {
                        // Beyond the k-th, ties and NaN are behind it anyway.
                        if !best.edge.is_nan() && !any_passes::<LARGEST>(values, best.edge) {
                            continue;
                        }
                        for (part, values) in values.chunks(PART).enumerate() {
                            if !best.edge.is_nan() && !any_passes::<LARGEST>(values, best.edge) {
                                continue;
                            }
                            let start = start + chunk * CHUNK + part * PART;
                            for (j, value) in values.iter().enumerate() {
                                if best.edge.is_nan() || passes::<LARGEST>(*value, best.edge) {
                                    best.take::<LARGEST>(k, *value, (start + j) as u32);
                                }
                            }
                        }
                    }
                },
            );
        }
    }

    fn join(&self, carry: &mut Best, next: Best) {
        for key in next.keys {
            carry.take::<LARGEST>(self.k, value_of::<LARGEST>((key >> 32) as u32), key as u32);
        }
    }

    fn finish(&self, carry: Best, row: usize, out: &Scatter<u32>) {
        let Best { mut keys, .. } = carry;
        keys.sort_unstable();
        let k = self.k;
        // SAFETY: every row is finished once.
        let (values, indices) = unsafe { (out.slice(row * k, k), out.slice((self.rows + row) * k, k)) };
        values.fill(f32::NAN.to_bits());
        indices.fill(u32::MAX);
        for ((key, value), index) in keys.into_iter().zip(values).zip(indices) {
            (*value, *index) = (value_of::<LARGEST>((key >> 32) as u32).to_bits(), key as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_values_do_and_turn_back() {
        let ascending = [f32::NEG_INFINITY, -3.5, -1e-40, 0.0, 1e-40, 2.0, f32::MAX, f32::INFINITY];
        for pair in ascending.windows(2) {
            assert!(key::<false>(pair[0]) < key::<false>(pair[1]) && key::<true>(pair[0]) > key::<true>(pair[1]));
        }
        for value in ascending {
            assert_eq!((value_of::<false>(key::<false>(value)), value_of::<true>(key::<true>(value))), (value, value));
            assert!(key::<false>(value) < NAN_KEY && key::<true>(value) < NAN_KEY);
        }
        assert_eq!(key::<false>(-0.0), key::<false>(0.0));
        assert!(value_of::<true>(key::<true>(f32::NAN)).is_nan());
    }
}
