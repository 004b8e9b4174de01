//! Metrics as expressions over vectors, from which their gradients come.

use std::f64::consts::TAU;

use super::{Metric, factor, statistics};
use crate::expr::Expr;

/// Features up to which a product over them, or a form of a full matrix, is written out: each is some operations of its
/// own.
pub(crate) const MOST_WRITTEN_OUT: usize = 32;

impl Metric {
    /// The value as an expression over two vectors, defined for rows that are equal or zero too; `None` for metrics that
    /// have none.
    pub(crate) fn expression(&self, x: &Expr, y: &Expr) -> Option<Expr> {
        // Whatever the values of its parameters and weights are.
        let plain = Self { weights: None, parameters: Vec::new(), ..self.clone() };
        let is = |known: &Self| plain == Self { weights: None, parameters: Vec::new(), ..known.clone() };
        let weights = self.weights.as_ref().map(|weights| {
            let weights: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
            Expr::vector(&weights)
        });
        let sum = |terms: Expr| match &weights {
            Some(weights) => weights.dot(&terms),
            None => terms.sum(),
        };
        // Π (1 + γ w_f φ_f) − 1
        let product = |phi: Expr| {
            let gamma = self.parameters.first().map_or(1.0, |(_, gamma)| f64::from(*gamma));
            let terms = phi * Expr::parameter(gamma);
            let factors = weights.as_ref().map_or(terms.clone(), |weights| terms * weights) + 1.0;
            let d = factors.dimension();
            if d <= MOST_WRITTEN_OUT {
                return Some(factors.product() - 1.0);
            }
            // Of many features only those that count: the kernel may have been given a few columns.
            let counts = |f: &usize| self.weights.as_ref().is_none_or(|w| w.get(*f).is_some_and(|w| *w != 0.0));
            let counting: Vec<usize> = (0..d).filter(counts).collect();
            let product = counting.iter().map(|f| factors.component(*f)).reduce(|all, next| all * next);
            let product = product.unwrap_or_else(|| Expr::constant(1.0));
            (counting.len() <= MOST_WRITTEN_OUT).then(|| product - 1.0)
        };
        let bernoulli = |order: i32, polynomial: &dyn Fn(&Expr) -> Expr, factorial: f64| {
            // The distance to the nearest whole number: as far from 1 as the fraction is from 0, or the other way round.
            let difference = x - y;
            let distance = (&difference - (&difference + 0.5).floor()).abs();
            let p = &distance * (&distance - 1.0);
            product(polynomial(&p) * (-(-1.0_f64).powi(order) * TAU.powi(2 * order) / factorial))
        };
        let cosine = || {
            let norm = |of: &Expr| sum(of.powi(2)).sqrt().inverse_or_zero();
            sum(x * y) * norm(x) * norm(y)
        };
        Some(match () {
            () if is(&Self::SQEUCLIDEAN) => sum((x - y).powi(2)),
            () if is(&Self::EUCLIDEAN) => sum((x - y).powi(2)).sqrt(),
            () if is(&Self::CITYBLOCK) => sum((x - y).abs()),
            () if is(&Self::INNER_PRODUCT) => sum(x * y),
            () if is(&Self::COSINE_SIMILARITY) => cosine(),
            () if is(&Self::COSINE) => 1.0 - cosine(),
            () if is(&Self::quadratic_form(vec![])) => return self.whitened_square(&(x - y)),
            () if is(&statistics::squared_norm_of_x()) => sum(x.powi(2)),
            () if is(&statistics::squared_norm_of_y()) => sum(y.powi(2)),
            () if is(&statistics::squared_sum()) => sum((x + y).powi(2)),
            () if is(&statistics::signed_difference()) => sum(x - y),
            () if is(&statistics::differs()) => sum((x - y).abs()).sign(),
            () if is(&statistics::bernoulli_product(1, 1.0)) => bernoulli(1, &|p| p + 1.0 / 6.0, 2.0)?,
            () if is(&statistics::bernoulli_product(2, 1.0)) => bernoulli(2, &|p| p * p - 1.0 / 30.0, 24.0)?,
            () if is(&statistics::bernoulli_product(3, 1.0)) => {
                bernoulli(3, &|p| p * p * (p - 0.5) + 1.0 / 42.0, 720.0)?
            }
            () if is(&statistics::sobolev_product(1.0)) => {
                let distance = (x - y).abs();
                product((&distance * (&distance - 1.0) + 1.0 / 6.0) * 0.5 + (x - 0.5) * (y - 0.5))?
            }
            () if is(&statistics::chi_square()) => sum((x - y).powi(2) * (x + y).inverse_or_zero()),
            () if is(&Self::minkowski(2.0)) => {
                let p = self.parameters.first().map_or(2.0, |(_, p)| f64::from(*p));
                let total = sum((x - y).abs().pow(Expr::parameter(p)));
                // 0 where the rows are equal, with slope 0.
                let differ = total.sign();
                (&total + (1.0 - &differ)).pow(Expr::parameter(1.0 / p)) * differ
            }
            () => return None,
        })
    }

    /// `Σ_k ⟨L_k, apart⟩²` for the columns of the Cholesky factor of the table that are not 0; a text of its own for every
    /// one of them, so only a few features have it.
    fn whitened_square(&self, apart: &Expr) -> Option<Expr> {
        let factor = factor(self.weights.as_deref()?).ok()?;
        let d = factor.len().isqrt();
        let column = |k: usize| factor.chunks(d).filter_map(|line| line.get(k).copied()).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..d).map(column).filter(|column| column.iter().any(|l| *l != 0.0)).collect();
        if columns.len() > MOST_WRITTEN_OUT {
            return None;
        }
        let squares = columns.iter().map(|column| Expr::vector(column).dot(apart).powi(2));
        Some(squares.reduce(|sum, square| sum + square).unwrap_or_else(|| Expr::constant(0.0)))
    }
}
