//! What the reductions check of their arguments, and how they are recorded.

use super::super::pair::{PairShape, prepared};
use super::ReduceOptions;
use crate::error::{Error, Result};
use crate::kernel::PairSource;
use crate::tensor::{Element, Real, Tensor};
use crate::work::{BlockRanges, Layout, Operand, ReduceWork, Reduction, Storage, Work};

/// Rows of x and of y that meet, and the values beside y.
pub(super) struct Arguments<'a, E: Real> {
    op: &'static str,
    x: &'a Tensor<E>,
    y: &'a Tensor<E>,
    values: Option<Operand>,
    pub(super) shape: PairShape,
    /// Columns of the values, where they are a matrix.
    pub(super) columns: Option<usize>,
}

impl<'a, E: Real> Arguments<'a, E> {
    /// Checked, all but the function and the options.
    pub(super) fn of(op: &'static str, x: &'a Tensor<E>, y: &'a Tensor<E>, values: Option<&Tensor>) -> Result<Self> {
        let mut arguments = Self { op, x, y, values: None, shape: PairShape::of(op, x, y)?, columns: None };
        if let Some(values) = values {
            arguments.take(values)?;
        }
        Ok(arguments)
    }

    /// The values: a vector of m or a matrix m × c, batch axes in front.
    fn take(&mut self, values: &Tensor) -> Result<()> {
        let shape = values.shape();
        let PairShape { batch, m, .. } = &self.shape;
        let fits = shape.len() > batch.len() && shape[..batch.len()] == batch[..] && shape[batch.len()] == *m;
        let mut operand = values.operand();
        self.columns = match shape.get(batch.len() + 1..) {
            Some([]) if fits => {
                operand.layout.shape.push(1);
                operand.layout.strides.push(1);
                None
            }
            Some(&[columns]) if fits => Some(columns),
            _ => {
                let of = |last: &[usize]| format!("{:?}", [batch, last].concat());
                let message = format!("v has shape {shape:?}; for y of shape {:?} it must be", self.y.shape());
                return Err(Error::shape(self.op, format!("{message} {} or {} × c", of(&[*m]), of(&[*m]))));
            }
        };
        ReduceOptions::check_columns(self.op, self.columns.unwrap_or(1))?;
        self.values = Some(operand);
        Ok(())
    }

    /// Rows of y that a row of x meets at most.
    pub(super) fn partners(&self, options: &ReduceOptions) -> usize {
        // A row past the end of y has no self there.
        let PairShape { n, m, .. } = self.shape;
        if options.exclude_self && n <= m { m.saturating_sub(1) } else { m }
    }

    /// Shape of a result with an entry per row, or one per row and column of the values.
    pub(super) fn row_shape(&self) -> Vec<usize> {
        self.shape.batch.iter().copied().chain([self.shape.n]).chain(self.columns).collect()
    }

    /// Records the reduction.
    pub(super) fn run(
        &self,
        source: &impl PairSource,
        reduction: Reduction,
        options: &ReduceOptions,
    ) -> Result<Storage> {
        let op = self.op;
        let function = source.pair_function(self.shape.d)?;
        if let Some(blocks) = &options.blocks {
            check_blocks(op, blocks, self.shape.n, self.shape.m)?;
        }
        let (rows, function) = prepared(op, self.x, self.y, function)?;
        let inputs: Vec<Operand> = rows.into_iter().chain(self.values.clone()).collect();
        let work = Work::Reduce(ReduceWork { op, function, reduction, mask: options.mask() });
        self.x.executor().run(&work, &inputs)
    }

    /// Records the reduction to a tensor of [`row_shape`](Self::row_shape).
    pub(super) fn rows<F: Element>(
        &self,
        source: &impl PairSource,
        reduction: Reduction,
        options: &ReduceOptions,
    ) -> Result<Tensor<F>> {
        let storage = self.run(source, reduction, options)?;
        Ok(Tensor::new(self.x.executor().clone(), storage, Layout::contiguous(&self.row_shape())))
    }
}

/// Blocks in order, without overlap, and within n × m.
fn check_blocks(op: &'static str, blocks: &BlockRanges, n: usize, m: usize) -> Result<()> {
    if blocks.rows.len() != blocks.columns.len() {
        let asked = format!("{} blocks of rows", blocks.rows.len());
        return Err(Error::argument(op, asked, format!("have {} lists of columns", blocks.columns.len())));
    }
    let lists = [(&blocks.rows, n, "rows")].into_iter().chain(blocks.columns.iter().map(|list| (list, m, "columns")));
    for (ranges, end, what) in lists {
        let mut reached = 0;
        for range in ranges {
            if range.start < reached || range.end < range.start || range.end > end {
                let message = format!("must lie in order, without overlap, within 0..{end}");
                return Err(Error::argument(op, format!("block {range:?} of {what}"), message));
            }
            reached = range.end;
        }
    }
    Ok(())
}
