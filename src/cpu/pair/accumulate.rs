//! How the built-in metrics take a feature into their running sum: one line of arithmetic each, on whole registers.
//!
//! A metric that is not in [`Accumulation::of`] is computed from its f64 definition, pair by pair: right, but slower by
//! one to two orders of magnitude. To make one fast, write its [`Accumulate`] and add it to the table.

use pulp::Simd;

use crate::metric::Metric;

/// One running sum per pair; all values start at 0.
pub(super) trait Accumulate: Copy + Send + Sync {
    /// The sum with one more feature; `w` is its weight, 1 where there are none.
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s;

    /// Two sums over different features as one.
    #[inline(always)]
    fn join<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.add_f32s(a, b)
    }
}

/// `Σ w (x − y)²`
#[derive(Clone, Copy)]
pub(super) struct Squares;

impl Accumulate for Squares {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let difference = simd.sub_f32s(x, y);
        let factor = if WEIGHTED { simd.mul_f32s(w, difference) } else { difference };
        simd.mul_add_e_f32s(factor, difference, sum)
    }
}

/// `Σ w |x − y|`
#[derive(Clone, Copy)]
pub(super) struct Magnitudes;

impl Accumulate for Magnitudes {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let difference = simd.abs_f32s(simd.sub_f32s(x, y));
        if WEIGHTED { simd.mul_add_e_f32s(w, difference, sum) } else { simd.add_f32s(sum, difference) }
    }
}

/// `Σ w x y`
#[derive(Clone, Copy)]
pub(super) struct Products;

impl Accumulate for Products {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let x = if WEIGHTED { simd.mul_f32s(w, x) } else { x };
        simd.mul_add_e_f32s(x, y, sum)
    }
}

/// `max |x − y|` over the features with a weight above 0, by bits: those of NaN are above infinity's.
#[derive(Clone, Copy)]
pub(super) struct Largest;

impl Accumulate for Largest {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let difference = simd.abs_f32s(simd.sub_f32s(x, y));
        let larger = self.join(simd, sum, difference);
        if WEIGHTED { simd.select_f32s(simd.less_than_f32s(simd.splat_f32s(0.0), w), larger, sum) } else { larger }
    }

    #[inline(always)]
    fn join<S: Simd>(self, simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let (a, b) = (simd.transmute_u32s_f32s(a), simd.transmute_u32s_f32s(b));
        simd.transmute_f32s_u32s(simd.select_u32s(simd.less_than_u32s(a, b), b, a))
    }
}

/// `Σ w |x − y|³`
#[derive(Clone, Copy)]
pub(super) struct Cubes;

impl Accumulate for Cubes {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let difference = simd.abs_f32s(simd.sub_f32s(x, y));
        let factor = if WEIGHTED { simd.mul_f32s(w, difference) } else { difference };
        simd.mul_add_e_f32s(factor, simd.mul_f32s(difference, difference), sum)
    }
}

/// `Σ w |x − y|ᵖ` for a small integer p.
#[derive(Clone, Copy)]
pub(super) struct Powers(u32);

impl Accumulate for Powers {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let difference = simd.abs_f32s(simd.sub_f32s(x, y));
        let mut power = if WEIGHTED { simd.mul_f32s(w, difference) } else { difference };
        for _ in 1..self.0 {
            power = simd.mul_f32s(power, difference);
        }
        simd.add_f32s(sum, power)
    }
}

/// `Σ (x − y)² / w`; w are variances.
#[derive(Clone, Copy)]
pub(super) struct Quotients;

impl Accumulate for Quotients {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let difference = simd.sub_f32s(x, y);
        let square = simd.mul_f32s(difference, difference);
        simd.add_f32s(sum, if WEIGHTED { simd.div_f32s(square, w) } else { square })
    }
}

/// `Σ w |x − y| / (|x| + |y|)`, 0 where both are 0.
#[derive(Clone, Copy)]
pub(super) struct Shares;

impl Accumulate for Shares {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let size = simd.add_f32s(simd.abs_f32s(x), simd.abs_f32s(y));
        let difference = simd.abs_f32s(simd.sub_f32s(x, y));
        let share = simd.div_f32s(difference, size);
        let zero = simd.splat_f32s(0.0);
        let share = simd.select_f32s(simd.equal_f32s(size, zero), zero, share);
        if WEIGHTED { simd.mul_add_e_f32s(w, share, sum) } else { simd.add_f32s(sum, share) }
    }
}

/// `Σ w [x ≠ y]`
#[derive(Clone, Copy)]
pub(super) struct Changes;

impl Accumulate for Changes {
    #[inline(always)]
    fn feature<S: Simd, const WEIGHTED: bool>(
        self,
        simd: S,
        sum: S::f32s,
        x: S::f32s,
        y: S::f32s,
        w: S::f32s,
    ) -> S::f32s {
        let one = if WEIGHTED { w } else { simd.splat_f32s(1.0) };
        simd.add_f32s(sum, simd.select_f32s(simd.equal_f32s(x, y), simd.splat_f32s(0.0), one))
    }
}

/// How a metric is computed.
#[derive(Clone, Copy)]
pub(super) enum Accumulation {
    Squares(Squares),
    Magnitudes(Magnitudes),
    Products(Products),
    Largest(Largest),
    Cubes(Cubes),
    Powers(Powers),
    Quotients(Quotients),
    Shares(Shares),
    Changes(Changes),
    /// By the f64 definition.
    Definition,
}

/// What turns the sum into the value.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ending {
    Sum,
    Root,
    /// The power 1/p.
    RootOf(f64),
    /// Times a number.
    Scaled(f64),
    /// What is above 0, or 0.
    Positive,
    /// The root of what is above 0, or 0.
    PositiveRoot,
    /// From the inner product and both norms.
    Cosine,
    /// The same, 0 for zero rows.
    Similarity,
}

impl Accumulation {
    /// The table of built-in metrics, which are known by their text, not by their name: somebody may give another
    /// metric the same one.
    pub(super) fn of(metric: &Metric, d: usize) -> (Self, Ending) {
        let is = |other: &Metric| {
            metric.accumulate == other.accumulate
                && metric.accumulate_weighted == other.accumulate_weighted
                && metric.merge == other.merge
                && metric.finish == other.finish
        };
        if is(&Metric::SQEUCLIDEAN) {
            (Self::Squares(Squares), Ending::Sum)
        } else if is(&Metric::EUCLIDEAN) {
            (Self::Squares(Squares), Ending::Root)
        } else if is(&Metric::CITYBLOCK) {
            (Self::Magnitudes(Magnitudes), Ending::Sum)
        } else if is(&Metric::CHEBYSHEV) {
            (Self::Largest(Largest), Ending::Sum)
        } else if is(&Metric::INNER_PRODUCT) {
            (Self::Products(Products), Ending::Sum)
        } else if is(&Metric::COSINE) {
            (Self::Products(Products), Ending::Cosine)
        } else if is(&Metric::COSINE_SIMILARITY) {
            (Self::Products(Products), Ending::Similarity)
        } else if is(&Metric::CORRELATION) {
            (Self::Squares(Squares), Ending::Scaled(0.5))
        } else if is(&Metric::SQEUCLIDEAN_EXPANDED) {
            (Self::Products(Products), Ending::Positive)
        } else if is(&Metric::EUCLIDEAN_EXPANDED) {
            (Self::Products(Products), Ending::PositiveRoot)
        } else if is(&Metric::SEUCLIDEAN) {
            (Self::Quotients(Quotients), Ending::Root)
        } else if is(&Metric::CANBERRA) {
            (Self::Shares(Shares), Ending::Sum)
        } else if is(&Metric::HAMMING) {
            let all = metric.weights.as_ref().map_or(d as f64, |weights| weights.iter().map(|w| f64::from(*w)).sum());
            (Self::Changes(Changes), if all == 0.0 { Ending::Sum } else { Ending::Scaled(1.0 / all) })
        } else if let Some((_, p)) = metric.parameters.first().filter(|(_, p)| is(&Metric::minkowski(*p))) {
            match *p {
                1.0 => (Self::Magnitudes(Magnitudes), Ending::Sum),
                2.0 => (Self::Squares(Squares), Ending::Root),
                3.0 => (Self::Cubes(Cubes), Ending::RootOf(1.0 / 3.0)),
                p if p.fract() == 0.0 && (4.0..=16.0).contains(&p) => {
                    (Self::Powers(Powers(p as u32)), Ending::RootOf(1.0 / f64::from(p)))
                }
                _ => (Self::Definition, Ending::Sum),
            }
        } else {
            (Self::Definition, Ending::Sum)
        }
    }
}
