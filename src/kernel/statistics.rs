//! The statistics of two rows that kernels are made of.

use super::entry::{Argument, Arguments};
use crate::error::Result;
use crate::expr::Expr;
use crate::metric::{Metric, Table};

/// The statistics of two rows that a kernel is made of; the same one is computed once.
#[derive(Debug, Default)]
pub struct Statistics {
    terms: Vec<Metric>,
    /// Features of the whole rows.
    d: usize,
    /// The features that the kernel at hand sees; all where it is `None`.
    columns: Option<Vec<usize>>,
}

impl Statistics {
    pub(super) fn new(d: usize) -> Self {
        Self { d, ..Self::default() }
    }

    /// The value of a metric over the features that the kernel sees, as a variable.
    pub fn of(&mut self, metric: Metric) -> Expr {
        let metric = match &self.columns {
            None => metric,
            Some(columns) => {
                let table = spread(&metric, columns, self.d);
                metric.with_table(table)
            }
        };
        let at = self.terms.iter().position(|term| *term == metric).unwrap_or_else(|| {
            self.terms.push(metric);
            self.terms.len() - 1
        });
        Expr::variable(at)
    }

    /// What `lower` makes while only these of the features seen now are seen.
    pub(super) fn on_columns<T>(&mut self, columns: &[usize], lower: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.columns.take();
        let seen =
            |&column: &usize| outer.as_ref().map_or(column, |all| all.get(column).copied().unwrap_or(usize::MAX));
        self.columns = Some(columns.iter().map(seen).collect());
        let made = lower(self);
        self.columns = outer;
        made
    }

    /// `Σ ((x_f − y_f)/l_f)²` for one length scale or one per feature, times `factor`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) where there is not one length scale per feature, or one is too small for f32.
    pub fn scaled_squares(&mut self, arguments: &Arguments<'_>, name: &str, factor: f64) -> Result<Expr> {
        match arguments.given(name) {
            Some(Argument::List(_)) => {
                let metric = weighted(Metric::SQEUCLIDEAN, arguments, name, |l| 1.0 / (l * l))?;
                Ok(self.of(metric) * factor)
            }
            _ => Ok(self.of(Metric::SQEUCLIDEAN) * arguments.parameter(name, |l| factor / (l * l))),
        }
    }

    /// `‖(x − y)/l‖` for one length scale or one per feature, times `factor`.
    ///
    /// # Errors
    /// As [`Statistics::scaled_squares`].
    pub fn scaled_distance(&mut self, arguments: &Arguments<'_>, name: &str, factor: f64) -> Result<Expr> {
        match arguments.given(name) {
            Some(Argument::List(_)) => Ok(self.scaled_squares(arguments, name, factor * factor)?.sqrt()),
            // One length scale multiplies the distance itself: one rounding less than under the root.
            _ => Ok(self.of(Metric::SQEUCLIDEAN).sqrt() * arguments.parameter(name, |l| factor / l)),
        }
    }

    /// `(x − y)ᵀ P (x − y)` for a matrix P with a row and a column for each feature.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) where P has not as many rows as there are features.
    pub fn quadratic_form(&mut self, arguments: &Arguments<'_>, name: &str) -> Result<Expr> {
        let rows = arguments.matrix(name);
        if rows.len() != arguments.d {
            let (d, given) = (arguments.d, rows.len());
            return Err(arguments.refuse(name, format!("must be {d} × {d} for {d} features; it is {given} × {given}")));
        }
        Ok(self.of(Metric::quadratic_form(rows.iter().flatten().map(|value| *value as f32).collect())))
    }

    /// The metric with the argument as its weights, where that is a list; `of` makes one weight.
    ///
    /// # Errors
    /// As [`Statistics::scaled_squares`].
    pub fn weighted(
        &mut self,
        metric: Metric,
        arguments: &Arguments<'_>,
        name: &str,
        of: impl Fn(f64) -> f64,
    ) -> Result<Expr> {
        let metric = match arguments.given(name) {
            Some(Argument::List(_)) => weighted(metric, arguments, name, of)?,
            _ => metric,
        };
        Ok(self.of(metric))
    }

    pub(super) fn into_terms(self) -> Vec<Metric> {
        self.terms
    }
}

/// The metric's table for rows of `d` features of which it sees these: 0 for all others.
fn spread(metric: &Metric, columns: &[usize], d: usize) -> Vec<f32> {
    let given = |at: usize| metric.weights.as_ref().map_or(Some(1.0), |table| table.get(at).copied());
    let mut table = vec![0.0; metric.table.entries(d)];
    let is_matrix = metric.table == Table::InverseCovariance;
    let places = columns.iter().enumerate().flat_map(|(f, row)| match is_matrix {
        true => columns.iter().enumerate().map(|(g, column)| (f * columns.len() + g, row * d + column)).collect(),
        false => vec![(f, *row)],
    });
    for (from, to) in places {
        if let (Some(slot), Some(value)) = (table.get_mut(to), given(from)) {
            *slot = value;
        }
    }
    table
}

fn weighted(metric: Metric, arguments: &Arguments<'_>, name: &str, of: impl Fn(f64) -> f64) -> Result<Metric> {
    let values = arguments.list(name);
    if values.len() != arguments.d {
        let message = format!("must be one per feature: there are {} features and {}", arguments.d, values.len());
        return Err(arguments.refuse(name, message));
    }
    let weights: Vec<f32> = values.iter().map(|value| of(*value) as f32).collect();
    if weights.iter().any(|w| !w.is_finite()) {
        return Err(arguments.refuse(name, "must have squares that fit single precision"));
    }
    Ok(metric.with_weights(weights))
}
