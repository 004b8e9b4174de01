//! The layouts in which a trial hands its matrices to an op.

use ndarray::{Array2, ArrayView2};

use crate::context::Context;
use crate::error::Result;
use crate::tensor::{Element, HostElement, Tensor};

/// Where the entries of a matrix lie on the device. What lies around them is poison, so that an op that reads past
/// its view is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Row-major without gaps.
    Contiguous,
    /// Rows 3… of a taller matrix: an offset that is no multiple of any alignment.
    Rows,
    /// Columns 2… of a wider matrix: rows lie apart.
    Columns,
    /// Stored column by column.
    Transposed,
}

impl Placement {
    pub(crate) const ALL: [Self; 4] = [Self::Contiguous, Self::Rows, Self::Columns, Self::Transposed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contiguous => "contiguous",
            Self::Rows => "rows",
            Self::Columns => "columns",
            Self::Transposed => "transposed",
        }
    }

    /// Uploads a matrix so that it lies like this.
    pub(crate) fn upload<E>(self, context: &Context, matrix: ArrayView2<'_, E>, poison: E) -> Result<Tensor<E>>
    where
        E: Element + HostElement<Device = E>,
    {
        let (n, d) = matrix.dim();
        let surrounded = |before: (usize, usize), after: (usize, usize)| {
            let shape = (n + before.0 + after.0, d + before.1 + after.1);
            Array2::from_shape_fn(shape, |(i, j)| {
                let inside = (i.checked_sub(before.0), j.checked_sub(before.1));
                let (Some(i), Some(j)) = inside else { return poison };
                matrix.get((i, j)).copied().unwrap_or(poison)
            })
        };
        match self {
            Self::Contiguous => context.upload(&matrix),
            Self::Rows => context.upload(&surrounded((3, 0), (2, 0)))?.rows(3..3 + n),
            Self::Columns => context.upload(&surrounded((0, 2), (0, 5)))?.columns(2..2 + d),
            Self::Transposed => Ok(context.upload(&matrix.t().as_standard_layout())?.transpose()),
        }
    }
}
