//! Nearest rows of a few features by a k-d tree: only some leaves are visited, instead of every row of y.
//!
//! The tree finds candidates in f64; their values are taken as the pair engine takes them, bit for bit, and order them.
//! A search goes on until it has seen a row so far away that no rounding brings the value of an unseen one down to the
//! k-th. Rows of x for which that does not come to pass are left to looking at every row of y, with the same result.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use nabo::{KDTree, NotNan, Point};
use pulp::Arch;
use rayon::prelude::*;

use super::super::memory::Scatter;
use super::super::pair::squared_distance;
use crate::expr::Expr;
use crate::metric::Metric;
use crate::work::{PairMask, ReduceWork};

/// Features up to which a tree is worth growing.
const MOST_FEATURES: usize = 8;
/// Rows of y from which on it is.
const LEAST_ROWS: usize = 512;
/// Rows of y that a tree can hold: it numbers its nodes in 28 bits where there are eight features.
const MOST_ROWS: usize = 1 << 30;
/// Rows of x for each doubling of the rows of y from which on it is.
const LEAST_QUERIES: usize = 4;
/// Neighbours that a tree finds, ties included; beyond that every row is looked at.
const MOST_FOUND: usize = 128;
/// Neighbours that are searched for beyond k, so that most ties need no second search.
const SPARE: usize = 4;
/// One in this many rows may be searched for in vain.
const MOST_LOST: usize = 16;

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
    arch: Arch,
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
        let possible = d <= MOST_FEATURES && m <= MOST_ROWS && unmasked && work.function.finish == Expr::variable(0);
        let worthwhile =
            m >= LEAST_ROWS && n >= LEAST_QUERIES * m.ilog2() as usize && k + SPARE < MOST_FOUND.min(m / 4);
        (possible && worthwhile && y.iter().all(|entry| entry.is_finite())).then(|| Self {
            arch: Arch::new(),
            x,
            y,
            d,
            k,
            rooted,
            exclude_self,
        })
    }

    /// Writes the values and numbers of the rows from `first_row` on of a batch of `rows`. Gives those of x that it left:
    /// rows that are not finite, and rows with so many others about equally near that looking at each is as fast.
    pub(super) fn run(&self, first_row: usize, rows: usize, out: &Scatter<u32>) -> Vec<Range<usize>> {
        let left = match self.d {
            1 => self.search::<1>(first_row, rows, out),
            2 => self.search::<2>(first_row, rows, out),
            3 => self.search::<3>(first_row, rows, out),
            4 => self.search::<4>(first_row, rows, out),
            5 => self.search::<5>(first_row, rows, out),
            6 => self.search::<6>(first_row, rows, out),
            7 => self.search::<7>(first_row, rows, out),
            8 => self.search::<8>(first_row, rows, out),
            _ => (0..self.x.len() / self.d.max(1)).collect(),
        };
        left.chunk_by(|a, b| a + 1 == *b).filter_map(|run| Some(*run.first()?..run.last()? + 1)).collect()
    }

    fn search<const D: usize>(&self, first_row: usize, rows: usize, out: &Scatter<u32>) -> Vec<usize> {
        let cloud: Vec<Row<D>> = self.y.chunks_exact(D).filter_map(row).collect();
        let tree = KDTree::new_with_bucket_size(&cloud, 16);
        let (k, n) = (self.k, self.x.len() / D);
        // Where many rows have many equals, searches are lost time. It is the same result either way.
        let lost = AtomicUsize::new(0);
        let is_left = |i: &usize| {
            let worthwhile = lost.load(Ordering::Relaxed) <= n / MOST_LOST;
            let Some(nearest) = worthwhile.then(|| self.nearest(&tree, *i)).flatten() else {
                lost.fetch_add(1, Ordering::Relaxed);
                return true;
            };
            let at = first_row + i;
            // SAFETY: every row is finished once.
            let (values, indices) = unsafe { (out.slice(at * k, k), out.slice((rows + at) * k, k)) };
            for ((value, number), (to, index)) in nearest.into_iter().zip(values.iter_mut().zip(indices)) {
                (*to, *index) = (value.to_bits(), number);
            }
            false
        };
        (0..n).into_par_iter().filter(is_left).collect()
    }

    /// The k nearest in order, ties by number; `None` where that cannot be told from a few candidates.
    fn nearest<const D: usize>(&self, tree: &KDTree<f64, Row<D>>, own: usize) -> Option<Vec<(f32, u32)>> {
        let x = self.x.get(own * D..(own + 1) * D).filter(|x| x.iter().all(|entry| entry.is_finite()))?;
        let point = row(x)?;
        let mut wanted = self.k + SPARE;
        while wanted <= MOST_FOUND {
            let found = tree.knn(wanted as u32, &point);
            let farthest = found.last()?.dist2.into_inner();
            let others = found.iter().map(|found| found.index).filter(|j| !self.exclude_self || *j as usize != own);
            let mut nearest: Vec<(f32, u32)> = others.filter_map(|j| Some((self.value::<D>(x, j)?, j))).collect();
            nearest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if nearest.get(self.k - 1)?.0 < self.ended(least_value::<D>(farthest)) {
                nearest.truncate(self.k);
                return Some(nearest);
            }
            wanted *= 2;
        }
        None
    }

    fn value<const D: usize>(&self, x: &[f32], j: u32) -> Option<f32> {
        let y = self.y.get(j as usize * D..(j as usize + 1) * D)?;
        Some(self.ended(squared_distance(self.arch, x, y)))
    }

    fn ended(&self, squared: f32) -> f32 {
        if self.rooted { squared.sqrt() } else { squared }
    }
}

/// The least that rounding can make of a squared distance of at least this: D differences count twice, D products and
/// D − 1 sums round, and so does this; one more unit stands for the tree's own arithmetic. A product that is no normal
/// number loses at most 2⁻¹⁵⁰.
fn least_value<const D: usize>(squared: f64) -> f32 {
    let roundings = (D + 4) as f64 * f64::from(f32::EPSILON) / 2.0;
    (squared * (1.0 - roundings) - D as f64 * 2f64.powi(-150)) as f32
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
    use crate::cpu::pair::{Job, Scratch};
    use crate::cpu::tests::noise;
    use crate::kernel::PairFunction;
    use crate::work::Reduction;

    fn work(metric: Metric, k: usize, mask: PairMask) -> ReduceWork {
        let reduction = Reduction::Extreme { k: k as u32, largest: false };
        ReduceWork { op: "argkmin", function: PairFunction::from(metric), reduction, mask }
    }

    /// Values and numbers by looking at every row, as the pair engine does.
    fn by_looking(work: &ReduceWork, [x, y]: [&[f32]; 2], i: usize, d: usize) -> Vec<(f32, u32)> {
        let (n, m) = (x.len() / d, y.len() / d);
        let mut values = vec![0.0; m];
        let out = [&mut values[..], &mut [], &mut [], &mut []];
        let job = Job::new(work.op, &work.function, x, y, (n, m, d)).unwrap();
        job.values(work.op, i, 1, 0, out, &mut Scratch::default()).unwrap();
        let mut all: Vec<(f32, u32)> = values.into_iter().zip(0..).collect();
        all.retain(|(_, j)| !work.mask.exclude_self || *j as usize != i);
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
                let metric = if d % 2 == 0 { Metric::SQEUCLIDEAN } else { Metric::EUCLIDEAN };
                let work = work(metric, k, PairMask { exclude_self, ..PairMask::default() });
                let search = Search::of(&work, [&x, &y], d, k).unwrap();
                let mut out = vec![0_u32; 2 * n * k];
                let left: Vec<usize> = search.run(0, n, &Scatter::over(&mut out)).into_iter().flatten().collect();
                assert!(left.is_empty() || step == 4.0 && d <= 2, "equals in {d} features on a grid of {step}");
                for i in (0..n).filter(|i| !left.contains(i)) {
                    let want = by_looking(&work, [&x, &y], i, d);
                    for (at, want) in want[..k].iter().enumerate() {
                        let found = (f32::from_bits(out[i * k + at]), out[(n + i) * k + at]);
                        assert_eq!(found, *want, "{d} {k} {step}: row {i}, {at}");
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
        assert_eq!(search.run(0, 100, &Scatter::over(&mut [0; 1000])), [0..100]);
    }
}
