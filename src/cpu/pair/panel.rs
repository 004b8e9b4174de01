//! The register tile: some rows of x against one panel of y, lanes along the columns.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::accumulate::{Accumulate, Squares};

/// Features whose terms are added one after another.
const BLOCK: usize = 64;

/// Registers per panel; the panel's width is this times the register's.
const REGISTERS: usize = 2;

/// Rows that a tile has at most.
pub(in crate::cpu) const ROWS: usize = 4;

/// Columns of a panel on this machine.
pub(super) fn panel_width(arch: Arch) -> usize {
    struct Width;
    impl WithSimd for Width {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            REGISTERS * S::F32_LANES
        }
    }
    arch.dispatch(Width)
}

/// The rows of y (m × d), `width` rows to a panel, in each panel feature by feature; the last is filled up with zeros.
pub(super) fn pack(y: &[f32], d: usize, width: usize, packed: &mut [f32]) {
    if d == 0 {
        return;
    }
    packed.par_chunks_exact_mut(width * d).zip(y.par_chunks(width * d)).for_each(|(panel, rows)| {
        for (j, row) in rows.chunks_exact(d).enumerate() {
            for (f, value) in row.iter().enumerate() {
                panel[f * width + j] = *value;
            }
        }
    });
}

/// A strip of results: up to [`ROWS`] rows of x against neighbouring panels.
pub(super) struct Strip<'a, A> {
    pub(super) accumulate: A,
    /// Rows of x, one after another.
    pub(super) x: &'a [f32],
    /// Panels of y.
    pub(super) panels: &'a [f32],
    pub(super) weights: Option<&'a [f32]>,
    pub(super) d: usize,
    /// The sums, row by row; as long as the columns that are wanted.
    pub(super) out: [&'a mut [f32]; ROWS],
    /// How many rows there are.
    pub(super) rows: usize,
}

impl<A: Accumulate> WithSimd for Strip<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.rows, self.weights.is_some()) {
            (4, false) => strip::<S, A, 4, false>(simd, self),
            (3, false) => strip::<S, A, 3, false>(simd, self),
            (2, false) => strip::<S, A, 2, false>(simd, self),
            (1, false) => strip::<S, A, 1, false>(simd, self),
            (4, true) => strip::<S, A, 4, true>(simd, self),
            (3, true) => strip::<S, A, 3, true>(simd, self),
            (2, true) => strip::<S, A, 2, true>(simd, self),
            (1, true) => strip::<S, A, 1, true>(simd, self),
            _ => {}
        }
    }
}

/// `Σ (x − y)²` over up to [`BLOCK`] features, with the bits that a tile gives it.
pub(in crate::cpu) fn squared_distance(arch: Arch, x: &[f32], y: &[f32]) -> f32 {
    struct Pair<'a>(&'a [f32], &'a [f32]);
    impl WithSimd for Pair<'_> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            let zero = simd.splat_f32s(0.0);
            let sum = self.0.iter().zip(self.1).fold(zero, |sum, (x, y)| {
                Squares.feature::<S, false>(simd, sum, simd.splat_f32s(*x), simd.splat_f32s(*y), zero)
            });
            simd.reduce_max_f32s(sum)
        }
    }
    arch.dispatch(Pair(x, y))
}

#[inline(always)]
fn strip<S: Simd, A: Accumulate, const R: usize, const WEIGHTED: bool>(simd: S, strip: Strip<'_, A>) {
    let Strip { accumulate, x, panels, weights, d, mut out, .. } = strip;
    let weights = weights.unwrap_or(&[]);
    let width = REGISTERS * S::F32_LANES;
    let rows: [&[f32]; R] = std::array::from_fn(|r| x.get(r * d..(r + 1) * d).unwrap_or(&[]));
    let columns = out[0].len();
    let whole = columns / width;
    for panel in 0..columns.div_ceil(width) {
        let entries = &panels[panel * width * d..][..width * d];
        let sums = tile::<S, A, R, WEIGHTED>(simd, accumulate, rows, entries, weights);
        let start = panel * width;
        for (out, sums) in out.iter_mut().zip(sums) {
            if panel < whole {
                let (out, _) = S::as_mut_simd_f32s(&mut out[start..start + width]);
                out.copy_from_slice(&sums);
            } else {
                let sums: &[f32] = bytemuck::cast_slice(&sums);
                let out = &mut out[start..columns];
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

#[inline(always)]
fn tile<S: Simd, A: Accumulate, const R: usize, const WEIGHTED: bool>(
    simd: S,
    accumulate: A,
    rows: [&[f32]; R],
    panel: &[f32],
    weights: &[f32],
) -> [[S::f32s; REGISTERS]; R] {
    let d = rows[0].len();
    let (panel, _) = S::as_simd_f32s(panel);
    if d <= BLOCK {
        return block::<S, A, R, WEIGHTED>(simd, accumulate, rows, panel, weights);
    }
    let mut total = [[simd.splat_f32s(0.0); REGISTERS]; R];
    for start in (0..d).step_by(BLOCK) {
        let end = d.min(start + BLOCK);
        let panel = &panel[start * REGISTERS..end * REGISTERS];
        let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[r][start..end]);
        let weights = if WEIGHTED { &weights[start..end] } else { weights };
        let sums = block::<S, A, R, WEIGHTED>(simd, accumulate, rows, panel, weights);
        for r in 0..R {
            for c in 0..REGISTERS {
                total[r][c] = accumulate.join(simd, total[r][c], sums[r][c]);
            }
        }
    }
    total
}

#[inline(always)]
fn block<S: Simd, A: Accumulate, const R: usize, const WEIGHTED: bool>(
    simd: S,
    accumulate: A,
    rows: [&[f32]; R],
    panel: &[S::f32s],
    weights: &[f32],
) -> [[S::f32s; REGISTERS]; R] {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; REGISTERS]; R];
    // One length for all lets the compiler drop the checks of the rows.
    let d = panel.len() / REGISTERS;
    let rows: [&[f32]; R] = rows.map(|row| &row[..d]);
    let weights = if WEIGHTED { &weights[..d] } else { weights };
    for (f, y) in panel.chunks_exact(REGISTERS).enumerate() {
        if WEIGHTED && weights[f] == 0.0 {
            continue;
        }
        let w = if WEIGHTED { simd.splat_f32s(weights[f]) } else { zero };
        for r in 0..R {
            let x = simd.splat_f32s(rows[r][f]);
            for c in 0..REGISTERS {
                sums[r][c] = accumulate.feature::<S, WEIGHTED>(simd, sums[r][c], x, y[c], w);
            }
        }
    }
    sums
}
