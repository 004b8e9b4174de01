//! Nearest rows of a few features by a k-d tree: only some leaves are visited, instead of every row of y.
//!
//! The tree works in f64, where differences and squares of f32 numbers neither overflow nor leave a doubt about which of
//! two rows is nearer. Of equally near rows the lowest numbers count: a search goes on until it has seen a row that is
//! farther than the k-th.

use nabo::{KDTree, NotNan, Point};
use rayon::prelude::*;

use super::super::memory::Scatter;
use crate::expr::Expr;
use crate::metric::Metric;
use crate::work::{PairMask, ReduceWork};

/// Features up to which a tree is worth growing.
const MOST_FEATURES: usize = 8;
/// Rows of y from which on it is.
const LEAST_ROWS: usize = 512;
/// Rows of x for each doubling of the rows of y from which on it is.
const LEAST_QUERIES: usize = 4;
/// Neighbours that a tree finds, ties included; beyond that every row is looked at.
const MOST_FOUND: usize = 128;
/// Neighbours that are searched for beyond k, so that most ties need no second search.
const SPARE: usize = 4;

/// A row as the tree takes it.
#[derive(Debug, Clone, Copy)]
struct Row<const D: usize>([NotNan<f64>; D]);

impl<const D: usize> Default for Row<D> {
    fn default() -> Self {
        Self([NotNan::default(); D])
    }
}

impl<const D: usize> Point<f64> for Row<D> {
    const DIM: u32 = D as u32;

    fn set(&mut self, i: u32, value: NotNan<f64>) {
        self.0[i as usize] = value;
    }

    fn get(&self, i: u32) -> NotNan<f64> {
        self.0[i as usize]
    }
}

/// A search for nearest rows that a tree can do.
pub(super) struct Search<'a> {
    x: &'a [f32],
    y: &'a [f32],
    d: usize,
    k: usize,
    /// Whether the values are distances, not their squares.
    rooted: bool,
    exclude_self: bool,
}

impl<'a> Search<'a> {
    /// `None` where the work is another one, or too small for a tree to pay.
    pub(super) fn of(work: &ReduceWork, [x, y]: [&'a [f32]; 2], d: usize, k: usize) -> Option<Self> {
        let [term] = work.function.terms.as_slice() else { return None };
        let rooted = match term {
            term if *term == Metric::SQEUCLIDEAN => false,
            term if *term == Metric::EUCLIDEAN => true,
            _ => return None,
        };
        let exclude_self = work.mask.exclude_self;
        let unmasked = work.mask == PairMask { exclude_self, ..PairMask::default() };
        let (n, m) = (x.len().checked_div(d)?, y.len().checked_div(d)?);
        let worthwhile = d <= MOST_FEATURES && m >= LEAST_ROWS && n >= LEAST_QUERIES * m.ilog2() as usize;
        let plain = unmasked && work.function.finish == Expr::variable(0) && k + SPARE < MOST_FOUND.min(m / 4);
        let finite = |rows: &[f32]| rows.iter().all(|entry| entry.is_finite());
        (worthwhile && plain && finite(x) && finite(y)).then_some(Self { x, y, d, k, rooted, exclude_self })
    }

    /// Writes the values and numbers of the rows from `first_row` on of a batch of `rows`; whether it did: not where so
    /// many rows are equally near that looking at each is as fast.
    pub(super) fn run(&self, first_row: usize, rows: usize, out: &Scatter<u32>) -> bool {
        match self.d {
            1 => self.search::<1>(first_row, rows, out),
            2 => self.search::<2>(first_row, rows, out),
            3 => self.search::<3>(first_row, rows, out),
            4 => self.search::<4>(first_row, rows, out),
            5 => self.search::<5>(first_row, rows, out),
            6 => self.search::<6>(first_row, rows, out),
            7 => self.search::<7>(first_row, rows, out),
            8 => self.search::<8>(first_row, rows, out),
            _ => false,
        }
    }

    fn search<const D: usize>(&self, first_row: usize, rows: usize, out: &Scatter<u32>) -> bool {
        let Some(cloud) = self.y.chunks_exact(D).map(row).collect::<Option<Vec<Row<D>>>>() else { return false };
        let tree = KDTree::new_with_bucket_size(&cloud, 16);
        let k = self.k;
        self.x.par_chunks_exact(D).enumerate().all(|(i, x)| {
            let Some(nearest) = row(x).and_then(|x| self.nearest(&tree, &x, i)) else { return false };
            let at = first_row + i;
            // SAFETY: every row is finished once.
            let (values, indices) = unsafe { (out.slice(at * k, k), out.slice((rows + at) * k, k)) };
            for ((value, index), (to, number)) in nearest.into_iter().zip(values.iter_mut().zip(indices)) {
                let value = if self.rooted { value.sqrt() } else { value };
                (*to, *number) = ((value as f32).to_bits(), index);
            }
            true
        })
    }

    /// The k nearest in order, ties by number; `None` where too many are equally near.
    fn nearest<const D: usize>(&self, tree: &KDTree<f64, Row<D>>, x: &Row<D>, own: usize) -> Option<Vec<(f64, u32)>> {
        let mut wanted = self.k + SPARE;
        while wanted <= MOST_FOUND {
            let found = tree.knn(wanted as u32, x);
            let mut nearest: Vec<(f64, u32)> =
                found.iter().map(|neighbour| (neighbour.dist2.into_inner(), neighbour.index)).collect();
            let farthest = nearest.last()?.0;
            nearest.retain(|(_, index)| !self.exclude_self || *index as usize != own);
            nearest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            // Beyond a row that is farther than the k-th there are no more ties with it.
            if nearest.get(self.k - 1)?.0 < farthest {
                nearest.truncate(self.k);
                return Some(nearest);
            }
            wanted *= 2;
        }
        None
    }
}

fn row<const D: usize>(entries: &[f32]) -> Option<Row<D>> {
    let mut row = Row::default();
    for (to, entry) in row.0.iter_mut().zip(entries) {
        *to = NotNan::new(f64::from(*entry)).ok()?;
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cpu::tests::noise;
    use crate::kernel::PairFunction;
    use crate::work::Reduction;

    fn work(metric: Metric, k: usize, mask: PairMask) -> ReduceWork {
        let reduction = Reduction::Extreme { k: k as u32, largest: false };
        ReduceWork { op: "argkmin", function: PairFunction::from(metric), reduction, mask }
    }

    /// Values and numbers by looking at every row.
    fn by_looking(x: &[f32], y: &[f32], i: usize, d: usize, exclude_self: bool) -> Vec<(f64, usize)> {
        let squared = |y: &[f32]| -> f64 {
            x[i * d..][..d].iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
        };
        let mut all: Vec<(f64, usize)> = y.chunks_exact(d).map(squared).zip(0..).collect();
        all.retain(|(_, j)| !exclude_self || *j != i);
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all
    }

    #[test]
    fn the_same_rows_as_by_looking_at_each_are_found() {
        let (n, m) = (60, 700);
        for (d, k, step) in (1..=MOST_FEATURES).flat_map(|d| [(d, 1, 0.0), (d, 10, 4.0), (d, 40, 0.0), (d, 7, 64.0)]) {
            let on_grid = |entry: f32| if step > 0.0 { (entry * step).round() } else { entry };
            let y: Vec<f32> = noise(2, m * d).into_iter().map(on_grid).collect();
            for exclude_self in [false, true] {
                let x = if exclude_self { y[..n * d].to_vec() } else { noise(1, n * d) };
                let work = work(Metric::EUCLIDEAN, k, PairMask { exclude_self, ..PairMask::default() });
                let search = Search::of(&work, [&x, &y], d, k).unwrap();
                let mut out = vec![0_u32; 2 * n * k];
                if !search.run(0, n, &Scatter::over(&mut out)) {
                    assert!(step == 4.0 && d <= 2, "so many equals in {d} features on a grid of {step}");
                    continue;
                }
                for i in 0..n {
                    let want = by_looking(&x, &y, i, d, exclude_self);
                    for (at, (value, j)) in want[..k].iter().enumerate() {
                        let found = (f32::from_bits(out[i * k + at]), out[(n + i) * k + at] as usize);
                        assert_eq!(found, (value.sqrt() as f32, *j), "{d} {k} {step}: row {i}, {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_tree_cannot_do_is_left() {
        let (x, y) = (noise(1, 300), noise(2, 3000));
        let asked = |metric: &Metric, y: &[f32], d: usize, k: usize, mask: PairMask| {
            Search::of(&work(metric.clone(), k, mask), [&x, y], d, k).is_some()
        };
        let plain = PairMask::default;
        assert!(asked(&Metric::SQEUCLIDEAN, &y, 3, 5, plain()));
        assert!(!asked(&Metric::CITYBLOCK, &y, 3, 5, plain()));
        assert!(!asked(&Metric::SQEUCLIDEAN.with_weights(vec![1.0; 3]), &y, 3, 5, plain()));
        assert!(!asked(&Metric::SQEUCLIDEAN, &y, 30, 5, plain()));
        assert!(!asked(&Metric::SQEUCLIDEAN, &y[..300], 3, 5, plain()));
        assert!(!asked(&Metric::SQEUCLIDEAN, &y, 3, 1000, plain()));
        assert!(!asked(&Metric::SQEUCLIDEAN, &y, 3, 5, PairMask { causal: true, ..plain() }));
        let mut broken = y.clone();
        broken[7] = f32::NAN;
        assert!(!asked(&Metric::SQEUCLIDEAN, &broken, 3, 5, plain()));
        let same = vec![1.0; 3000];
        let all_equal = work(Metric::SQEUCLIDEAN, 5, plain());
        let search = Search::of(&all_equal, [&same[..300], &same], 3, 5).unwrap();
        assert!(!search.run(0, 100, &Scatter::over(&mut [0; 1000])));
    }
}
