//! Pair functions over metrics that make others of all rows before they compare two.

use std::sync::Arc;

use super::PairFunction;
use crate::error::{Error, Result};
use crate::metric::{Metric, RowMap};

/// Features up to which the whole row is kept beside whitened ones: its sums then still are those of the bounds.
const MOST_KEPT: usize = 1024;

/// What becomes of the rows of each side, and the metric that then compares them; `None` where it takes them as they are.
type Own = Option<([RowMap; 2], Metric)>;

impl PairFunction {
    /// What becomes of the rows of x and of y first, and the function for those rows; `None` where it takes rows as they
    /// are. The function must have been checked for rows of `d` features.
    ///
    /// Metrics that whiten rows stand beside others: rows then become all that any of them asks for, and every metric
    /// leaves out what is not its own. (A row that holds an infinity gives NaN there.)
    ///
    /// # Errors
    /// [`Error::Unsupported`] where its metrics make different rows of the same rows in another way; those of the metrics.
    pub(crate) fn prepared(&self, op: &'static str, d: usize) -> Result<Option<([RowMap; 2], Self)>> {
        let all = self.terms.iter().map(Metric::prepared).collect::<Result<Vec<Own>>>()?;
        let maps = |own: &Own| own.as_ref().map(|(maps, _)| maps.clone());
        let first = all.first().and_then(maps);
        if all.iter().any(|own| maps(own) != first) {
            return self.side_by_side(&all, d).map(Some).ok_or_else(|| {
                let message = "its metrics make different rows of the same rows; compute them one by one";
                Error::Unsupported { op, message: message.to_owned() }
            });
        }
        let terms = all.into_iter().flatten().map(|(_, metric)| metric).collect();
        Ok(first.map(|maps| (maps, Self { terms, finish: self.finish.clone() })))
    }

    /// Rows times one matrix that holds the factors of all metrics next to each other, and the identity for those that
    /// take rows as they are; `None` where a metric asks for other rows or takes no weights.
    fn side_by_side(&self, all: &[Own], d: usize) -> Option<([RowMap; 2], Self)> {
        let whole = || -> Arc<[f64]> { (0..d * d).map(|at| f64::from(u8::from(at / d == at % d))).collect() };
        let mut blocks: Vec<Arc<[f64]>> = Vec::new();
        let mut own = Vec::with_capacity(all.len());
        for (term, prepared) in self.terms.iter().zip(all) {
            let block = match prepared {
                Some(([RowMap::Whiten(factor), _], _)) => Arc::clone(factor),
                None if term.takes_weights() && d <= MOST_KEPT => whole(),
                _ => return None,
            };
            own.push(blocks.iter().position(|known| *known == block).unwrap_or_else(|| {
                blocks.push(block);
                blocks.len() - 1
            }));
        }
        let widths: Vec<usize> = blocks.iter().map(|block| block.len().checked_div(d).unwrap_or(0)).collect();
        let joined = (0..d).flat_map(|f| blocks.iter().zip(&widths).flat_map(move |(b, k)| &b[f * k..(f + 1) * k]));
        let map = RowMap::Whiten(joined.copied().collect());
        let terms = self.terms.iter().zip(all).zip(own).map(|((term, prepared), block)| {
            let (metric, weights) = match prepared {
                Some((_, metric)) => (metric, metric.weights.clone().unwrap_or_default()),
                None => {
                    let given = term.weights.clone().unwrap_or_else(|| vec![1.0; d]);
                    (term, given.into_iter().flat_map(|weight| [weight, 0.0]).collect())
                }
            };
            let before: usize = widths.iter().take(block).sum();
            let mut table = vec![0.0; 2 * widths.iter().sum::<usize>()];
            table.iter_mut().skip(2 * before).zip(weights).for_each(|(slot, weight)| *slot = weight);
            metric.clone().with_weights(table)
        });
        Some(([map.clone(), map], Self { terms: terms.collect(), finish: self.finish.clone() }))
    }
}
