//! Batches of matrices, and where their members lie on the device.

use ndarray::Array2;

use crate::conformance::layout::Placement;
use crate::conformance::table::shape_name;
use crate::context::Context;
use crate::error::Result;
use crate::tensor::{Element, HostElement, Tensor};
use crate::work::Layout;

/// Axes before rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) axes: &'static [usize],
    pub(super) lie: Lie,
}

/// Where the members of a batch lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// One after another.
    Joined,
    /// With a member of poison after each run of the last axis, so that no single stride tells them apart.
    Apart,
    /// All of x in the same memory.
    Shared,
}

impl Batch {
    /// No batch.
    pub(super) const ONE: Self = Self { axes: &[], lie: Lie::Joined };

    pub(super) const ALL: [Self; 7] = [
        Self { axes: &[0], lie: Lie::Joined },
        Self { axes: &[1], lie: Lie::Joined },
        Self { axes: &[3], lie: Lie::Joined },
        Self { axes: &[2, 3], lie: Lie::Joined },
        Self { axes: &[2, 3], lie: Lie::Apart },
        Self { axes: &[3], lie: Lie::Shared },
        Self { axes: &[2, 3], lie: Lie::Shared },
    ];

    pub(super) fn name(&self) -> String {
        let lie = match self.lie {
            Lie::Joined => "",
            Lie::Apart => " apart",
            Lie::Shared => " shared",
        };
        if self.axes.is_empty() { String::new() } else { format!("{}{lie}·", shape_name(self.axes)) }
    }

    pub(super) fn members(&self) -> usize {
        self.axes.iter().product()
    }

    pub(super) fn shares_x(&self) -> bool {
        self.lie == Lie::Shared
    }

    /// Uploads the members, or the one that is all of them, so that each lies like this.
    pub(super) fn upload<E: Element + HostElement<Device = E>>(
        &self,
        context: &Context,
        members: &[Array2<E>],
        (rows, columns): (usize, usize),
        placement: Placement,
        poison: E,
        shared: bool,
    ) -> Result<Tensor<E>> {
        if self.axes.is_empty() {
            let nothing = Array2::from_elem((rows, columns), poison);
            return placement.upload(context, members.first().unwrap_or(&nothing).view(), poison);
        }
        let run = self.axes.last().copied().unwrap_or(1);
        let gap = usize::from(self.lie == Lie::Apart);
        // Members one above the other, with gaps between runs of them.
        let places = members.len() + members.len() / run.max(1) * gap;
        let stack = Array2::from_shape_fn((places * rows, columns), |(row, column)| {
            let place = row / rows;
            let (number, within) = (place / (run + gap) * run, place % (run + gap));
            let member = if within < run { members.get(number + within) } else { None };
            member.and_then(|member| member.get((row % rows, column))).copied().unwrap_or(poison)
        });
        let tensor = placement.upload(context, stack.view(), poison)?;
        let &Layout { ref strides, offset, .. } = tensor.layout();
        let mut batch = Layout::contiguous(self.axes).strides;
        if let Some((last, outer)) = batch.split_last_mut() {
            outer.iter_mut().for_each(|stride| *stride = *stride / run.max(1) * (run + gap));
            *last = 1;
        }
        let row = strides.first().copied().unwrap_or(0);
        let batch = batch.iter().map(|stride| if shared { 0 } else { stride * rows * row });
        let strides = batch.chain(strides.iter().copied()).collect();
        let shape = [self.axes, &[rows, columns]].concat();
        Ok(tensor.with_layout(Layout { shape, strides, offset }))
    }
}
