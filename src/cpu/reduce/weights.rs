//! The values beside y, laid out for whole registers, and sums weighted with them.
//!
//! Few columns lie one after another, each summed with its lanes along j. From a register's worth on, columns are in the
//! lanes, and four rows of x share what is loaded. Either way a lane adds at most 64 products in single precision before
//! they go into a sum in double precision. Compensated sums form every product in double precision, which is exact.

use pulp::{Arch, Simd, WithSimd};

use super::super::pair::ROWS;
use super::super::view::zeroed_vec;
use crate::error::{Error, Result};

/// Products that a lane adds in single precision.
const BLOCK: usize = 64;

/// Registers of columns that one walk over j keeps.
const REGISTERS: usize = 4;

/// The values v (m × c) of one member of the batch.
pub(super) struct Weights {
    arch: Arch,
    /// m
    rows: usize,
    /// c
    pub(super) columns: usize,
    layout: Layout,
    /// Whether all of them are finite.
    pub(super) finite: bool,
    entries: Vec<f32>,
}

/// How the values lie.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Column after column.
    Columns,
    /// The same, summed in double precision throughout.
    Compensated,
    /// Groups of up to [`REGISTERS`] registers of columns, in each row after row; `width` is their lanes' number.
    Lanes { width: usize },
}

fn lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

impl Weights {
    pub(super) fn of(op: &'static str, arch: Arch, values: &[f32], columns: usize, compensated: bool) -> Result<Self> {
        let rows = values.len() / columns.max(1);
        let width = lanes(arch);
        let layout = match compensated {
            true => Layout::Compensated,
            false if columns < width => Layout::Columns,
            false => Layout::Lanes { width },
        };
        let padded = if let Layout::Lanes { width } = layout { columns.next_multiple_of(width) } else { columns };
        let len = rows.checked_mul(padded).ok_or(Error::OutOfMemory { op, requested: u64::MAX })?;
        let mut entries = zeroed_vec(op, len)?;
        for (j, row) in values.chunks_exact(columns.max(1)).enumerate() {
            match layout {
                Layout::Columns | Layout::Compensated => {
                    row.iter().enumerate().for_each(|(c, value)| entries[c * rows + j] = *value);
                }
                Layout::Lanes { width } => {
                    let group = REGISTERS * width;
                    for (number, part) in row.chunks(group).enumerate() {
                        let own = part.len().next_multiple_of(width);
                        let at = number * group * rows + j * own;
                        entries[at..at + part.len()].copy_from_slice(part);
                    }
                }
            }
        }
        let finite = values.iter().all(|value| value.is_finite());
        Ok(Self { arch, rows, columns, layout, finite, entries })
    }

    /// Sums of nothing.
    pub(super) fn zeros(&self) -> Vec<f64> {
        match self.layout {
            Layout::Columns | Layout::Compensated => vec![0.0; self.columns],
            Layout::Lanes { width } => vec![0.0; self.columns.next_multiple_of(width)],
        }
    }

    /// `sums[r][c] += Σⱼ values[r][j] v[start + j, c]`
    pub(super) fn add(&self, start: usize, values: &[&mut [f32]], sums: &mut [&mut [f64]]) {
        match (values, sums) {
            ([a, b, c, d], [sa, sb, sc, sd]) if matches!(self.layout, Layout::Lanes { .. }) => {
                self.in_lanes::<{ ROWS }>(start, [a, b, c, d], [sa, sb, sc, sd]);
            }
            (values, sums) => {
                for (values, sums) in values.iter().zip(sums) {
                    match self.layout {
                        Layout::Lanes { .. } => self.in_lanes::<1>(start, [values], [sums]),
                        layout => self.by_columns(layout, start, values, sums),
                    }
                }
            }
        }
    }

    /// The same, of the pairs that `chosen` lets count, one by one: a factor of 0 would make a NaN of an infinity.
    pub(super) fn add_chosen(&self, start: usize, values: &[f32], chosen: impl Fn(f32) -> bool, sums: &mut [f64]) {
        for (j, _) in values.iter().enumerate().filter(|(_, value)| chosen(**value)) {
            for (c, sum) in sums.iter_mut().enumerate().take(self.columns) {
                *sum += f64::from(self.entry(start + j, c));
            }
        }
    }

    fn entry(&self, j: usize, c: usize) -> f32 {
        let at = match self.layout {
            Layout::Columns | Layout::Compensated => c * self.rows + j,
            Layout::Lanes { width } => {
                let group = REGISTERS * width;
                let own = (self.columns - c / group * group).next_multiple_of(width).min(group);
                c / group * group * self.rows + j * own + c % group
            }
        };
        self.entries.get(at).copied().unwrap_or(f32::NAN)
    }

    fn by_columns(&self, layout: Layout, start: usize, values: &[f32], sums: &mut [f64]) {
        for (c, sum) in sums.iter_mut().enumerate() {
            let column = &self.entries[c * self.rows + start..][..values.len()];
            *sum += match layout {
                Layout::Compensated => self.arch.dispatch(
                    #[inline(always)]
                    || exact_dot(values, column),
                ),
                _ => self.arch.dispatch(Dot { a: values, b: column }),
            };
        }
    }

    fn in_lanes<const R: usize>(&self, start: usize, values: [&[f32]; R], mut sums: [&mut [f64]; R]) {
        let Layout::Lanes { width } = self.layout else { return };
        let group = REGISTERS * width;
        for first in (0..self.columns).step_by(group) {
            let own = (self.columns - first).next_multiple_of(width).min(group);
            let entries = &self.entries[first * self.rows + start * own..];
            let sums = sums.each_mut().map(|sums| &mut sums[first..first + own]);
            self.arch.dispatch(Group { entries, values, sums, registers: own / width });
        }
    }
}

/// `Σ a b`
struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        const SUMS: usize = 4;
        let step = SUMS * BLOCK * S::F32_LANES;
        let mut total = 0.0;
        for (a, b) in self.a.chunks(step).zip(self.b.chunks(step)) {
            let ((a, a_rest), (b, b_rest)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
            let mut sums = [simd.splat_f32s(0.0); SUMS];
            for (a, b) in a.chunks(SUMS).zip(b.chunks(SUMS)) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    *sum = simd.mul_add_e_f32s(*a, *b, *sum);
                }
            }
            let lanes: &[f32] = bytemuck::cast_slice(&sums);
            total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
            total += a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        }
        total
    }
}

/// `Σ a b` with exact products; independent sums let it use whole registers.
#[inline(always)]
fn exact_dot(a: &[f32], b: &[f32]) -> f64 {
    const SUMS: usize = 32;
    let mut sums = [0.0; SUMS];
    let (a_chunks, b_chunks) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    let rest: f64 =
        a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    rest + sums.iter().sum::<f64>()
}

/// `Σ a`, blocked or in double precision throughout.
pub(super) fn total(arch: Arch, values: &[f32], compensated: bool) -> f64 {
    if !compensated {
        return arch.dispatch(Total(values));
    }
    arch.dispatch(
        #[inline(always)]
        || {
            const SUMS: usize = 32;
            let mut sums = [0.0; SUMS];
            let chunks = values.chunks_exact(SUMS);
            let rest: f64 = chunks.remainder().iter().map(|value| f64::from(*value)).sum();
            for chunk in chunks {
                sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += f64::from(*value));
            }
            rest + sums.iter().sum::<f64>()
        },
    )
}

struct Total<'a>(&'a [f32]);

impl WithSimd for Total<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        const SUMS: usize = 4;
        let mut total = 0.0;
        for values in self.0.chunks(SUMS * BLOCK * S::F32_LANES) {
            let (values, rest) = S::as_simd_f32s(values);
            let mut sums = [simd.splat_f32s(0.0); SUMS];
            for values in values.chunks(SUMS) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = simd.add_f32s(*sum, *value));
            }
            let lanes: &[f32] = bytemuck::cast_slice(&sums);
            total += lanes.iter().chain(rest).map(|lane| f64::from(*lane)).sum::<f64>();
        }
        total
    }
}

/// `sums[r][c] += Σⱼ values[r][j] entries[j, c]` for some registers of columns.
struct Group<'a, 'b, const R: usize> {
    entries: &'a [f32],
    values: [&'a [f32]; R],
    sums: [&'b mut [f64]; R],
    registers: usize,
}

impl<const R: usize> WithSimd for Group<'_, '_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.registers {
            1 => group::<S, R, 1>(simd, self),
            2 => group::<S, R, 2>(simd, self),
            3 => group::<S, R, 3>(simd, self),
            4 => group::<S, R, 4>(simd, self),
            _ => {}
        }
    }
}

#[inline(always)]
fn group<S: Simd, const R: usize, const C: usize>(simd: S, job: Group<'_, '_, R>) {
    let Group { entries, values, mut sums, .. } = job;
    let (entries, _) = S::as_simd_f32s(entries);
    let len = values[0].len();
    for start in (0..len).step_by(BLOCK) {
        let end = len.min(start + BLOCK);
        let values: [&[f32]; R] = values.map(|values| &values[start..end]);
        let mut lanes = [[simd.splat_f32s(0.0); C]; R];
        for (j, entries) in entries[start * C..end * C].chunks_exact(C).enumerate() {
            for r in 0..R {
                let value = simd.splat_f32s(values[r][j]);
                for c in 0..C {
                    lanes[r][c] = simd.mul_add_e_f32s(value, entries[c], lanes[r][c]);
                }
            }
        }
        for (sums, lanes) in sums.iter_mut().zip(&lanes) {
            let lanes: &[f32] = bytemuck::cast_slice(lanes);
            sums.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += f64::from(*lane));
        }
    }
}
