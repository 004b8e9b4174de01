//! The operands of a reduction: checked, and batch by batch without gaps.

use std::borrow::Cow;

use super::super::numbers::Numbers;
use super::super::view::View;
use crate::error::{Error, Result};
use crate::work::{Bias, Operand, ReduceWork};

/// The entry per pair that a mask may have.
#[derive(Clone, Copy)]
pub(super) enum BiasView<'a> {
    Additive(View<'a, f32>),
    Boolean(View<'a, u32>),
}

/// All operands, with batch axes in front.
pub(super) struct Inputs<'a> {
    x: Numbers<'a>,
    y: Numbers<'a>,
    values: Option<View<'a, f32>>,
    bias: Option<BiasView<'a>>,
    batch: &'a [usize],
    pub(super) n: usize,
    pub(super) m: usize,
    pub(super) d: usize,
    /// Columns of the values; 1 where there are none.
    pub(super) columns: usize,
}

/// The operands of one member of the batch.
pub(super) struct Batch<'a> {
    pub(super) number: usize,
    /// n × d
    pub(super) x: Cow<'a, [f32]>,
    /// m × d
    pub(super) y: Cow<'a, [f32]>,
    /// m × columns, or nothing
    pub(super) values: Cow<'a, [f32]>,
    /// n × m, as it lies
    pub(super) bias: Option<BiasView<'a>>,
}

impl<'a> Inputs<'a> {
    pub(super) fn of(work: &ReduceWork, inputs: &'a [Operand]) -> Result<Self> {
        let op = work.op;
        let mut rest = inputs.iter();
        let mut next = |what: &str| {
            rest.next().ok_or_else(|| Error::argument(op, "inputs", format!("are {}; {what} is missing", inputs.len())))
        };
        let (x, y) = (Numbers::of(op, next("x")?)?, Numbers::of(op, next("y")?)?);
        let values = if work.reduction.has_values() { Some(View::<f32>::of(op, next("v")?)?) } else { None };
        let bias = match work.mask.bias {
            Some(Bias::Additive) => Some(BiasView::Additive(View::of(op, next("the bias")?)?)),
            Some(Bias::Boolean) => Some(BiasView::Boolean(View::of(op, next("the mask")?)?)),
            None => None,
        };
        let (&[ref batch @ .., n, d], &[.., m, d_of_y]) = (x.shape(), y.shape()) else {
            return Err(Error::shape(op, format!("x {:?} and y {:?} must be rows × features", x.shape(), y.shape())));
        };
        let fits = |shape: &[usize], rows: usize, columns: Option<usize>| {
            shape.len() == batch.len() + 2
                && shape.starts_with(batch)
                && shape[batch.len()] == rows
                && columns.is_none_or(|columns| shape[batch.len() + 1] == columns)
        };
        if !fits(y.shape(), m, Some(d)) {
            return Err(Error::shape(
                op,
                format!("x {:?} and y {:?} do not fit ({d_of_y} features)", x.shape(), y.shape()),
            ));
        }
        if let Some(values) = values.filter(|values| !fits(values.shape, m, None)) {
            return Err(Error::shape(op, format!("v {:?} does not fit y {:?}", values.shape, y.shape())));
        }
        let bias_shape = bias.map(|bias| match bias {
            BiasView::Additive(bias) => bias.shape,
            BiasView::Boolean(bias) => bias.shape,
        });
        if let Some(shape) = bias_shape.filter(|shape| !fits(shape, n, Some(m))) {
            return Err(Error::shape(op, format!("the mask {shape:?} does not fit {n} × {m} pairs")));
        }
        if m >= u32::MAX as usize {
            return Err(Error::argument(op, format!("{m} rows of y"), "are more than 32 bits can number"));
        }
        let columns = values.map_or(1, |values| values.shape[batch.len() + 1]);
        Ok(Self { x, y, values, bias, batch, n, m, d, columns })
    }

    pub(super) fn batches(&self) -> usize {
        self.batch.iter().product()
    }

    pub(super) fn batch(&self, op: &'static str, number: usize) -> Result<Batch<'_>> {
        let values = match self.values {
            Some(values) => values.matrix(number).flat(op)?,
            None => Cow::Borrowed(&[][..]),
        };
        let bias = self.bias.map(|bias| match bias {
            BiasView::Additive(bias) => BiasView::Additive(bias.matrix(number)),
            BiasView::Boolean(bias) => BiasView::Boolean(bias.matrix(number)),
        });
        let (x, y) = (self.x.view().matrix(number).flat(op)?, self.y.view().matrix(number).flat(op)?);
        Ok(Batch { number, x, y, values, bias })
    }
}
