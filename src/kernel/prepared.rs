//! Pair functions over metrics that make others of all rows before they compare two.

use super::PairFunction;
use crate::error::{Error, Result};
use crate::metric::RowMap;

impl PairFunction {
    /// What becomes of the rows of x and of y first, and the function for those rows; `None` where it takes rows as they
    /// are. The function must have been checked for them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where its metrics make different rows of the same rows; those of the metrics.
    pub(crate) fn prepared(&self, op: &'static str) -> Result<Option<([RowMap; 2], Self)>> {
        let prepared = self.terms.iter().map(|term| term.prepared()).collect::<Result<Vec<_>>>()?;
        let mut all = prepared.iter().map(|own| own.as_ref().map(|(maps, _)| maps));
        let first = all.next().flatten().cloned();
        if all.any(|maps| maps != first.as_ref()) {
            let message = "its metrics make different rows of the same rows; compute them one by one";
            return Err(Error::Unsupported { op, message: message.to_owned() });
        }
        let terms = prepared.into_iter().flatten().map(|(_, metric)| metric).collect();
        Ok(first.map(|maps| (maps, Self { terms, finish: self.finish.clone() })))
    }
}
