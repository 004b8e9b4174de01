//! An operand as this executor sees it: checked entries and where they lie.

use std::borrow::Cow;

use bytemuck::Pod;

use super::memory::Memory;
use crate::error::{Error, Result};
use crate::work::{Layout, Operand};

/// Entries of an operand with a layout that is proven to stay inside them.
#[derive(Clone, Copy)]
pub(super) struct View<'a, T> {
    /// The entries, from the view's first on.
    pub(super) entries: &'a [T],
    /// Length of each axis.
    pub(super) shape: &'a [usize],
    /// Distance between neighbours along each axis.
    pub(super) strides: &'a [usize],
}

impl<'a, T: Pod> View<'a, T> {
    /// The operand's entries as `T`.
    pub(super) fn of(op: &'static str, operand: &'a Operand) -> Result<Self> {
        if operand.element_bytes != size_of::<T>() {
            let message = format!("has entries of {} bytes; {} are needed", operand.element_bytes, size_of::<T>());
            return Err(Error::argument(op, "input", message));
        }
        Self::of_parts(op, operand, 1)
    }

    /// The operand's entries, each of which is `parts` entries of `T`; the layout stays in the operand's entries.
    pub(super) fn of_parts(op: &'static str, operand: &'a Operand, parts: usize) -> Result<Self> {
        let memory = operand.storage.downcast::<Memory>().ok_or(Error::DifferentContexts { op })?;
        let Layout { shape, strides, offset } = &operand.layout;
        let entries = memory.entries::<T>();
        let end = end_of(&operand.layout).and_then(|end| end.checked_mul(parts));
        if shape.len() != strides.len() || end.is_none_or(|end| end > entries.len()) {
            let message = format!("of shape {shape:?} reaches past its {} entries", entries.len());
            return Err(Error::argument(op, "input", message));
        }
        let entries = if operand.layout.is_empty() { &[] } else { &entries[offset * parts..] };
        Ok(Self { entries, shape, strides })
    }

    /// The entries as one slice, if they lie row-major without gaps.
    pub(super) fn contiguous(&self) -> Option<&'a [T]> {
        let len = self.len();
        if len == 0 {
            return Some(&[]);
        }
        let mut expected = 1;
        for (&n, &stride) in self.shape.iter().zip(self.strides).rev() {
            if n > 1 && stride != expected {
                return None;
            }
            expected *= n;
        }
        self.entries.get(..len)
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The matrix with this number, axes before the last two being batch.
    pub(super) fn matrix(self, number: usize) -> Self {
        let axes = self.shape.len().saturating_sub(2);
        let mut rest = number;
        let mut offset = 0;
        for (length, stride) in self.shape.iter().zip(self.strides).take(axes).rev() {
            offset += rest % length * stride;
            rest /= length;
        }
        let entries = self.entries.get(offset..).unwrap_or(&[]);
        View { entries, shape: &self.shape[axes..], strides: &self.strides[axes..] }
    }

    /// The entries row-major; copied only where they have gaps.
    pub(super) fn flat(self, op: &'static str) -> Result<Cow<'a, [T]>> {
        match self.contiguous() {
            Some(entries) => Ok(Cow::Borrowed(entries)),
            None => self.to_vec(op).map(Cow::Owned),
        }
    }

    /// All entries, row-major.
    pub(super) fn to_vec(self, op: &'static str) -> Result<Vec<T>> {
        let mut out = zeroed_vec(op, self.len())?;
        super::copy::copy(&self, &mut out);
        Ok(out)
    }
}

/// A vector of zeros, or [`Error::OutOfMemory`].
pub(super) fn zeroed_vec<T: Pod>(op: &'static str, len: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    let requested = (len as u64).saturating_mul(size_of::<T>() as u64);
    out.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { op, requested })?;
    out.resize(len, T::zeroed());
    Ok(out)
}

/// One past the furthest entry, unless that overflows. A layout whose length overflows is refused too.
fn end_of(layout: &Layout) -> Option<usize> {
    if layout.shape.contains(&0) {
        return Some(0);
    }
    let mut len = 1usize;
    let mut end = layout.offset.checked_add(1)?;
    for (&n, &stride) in layout.shape.iter().zip(&layout.strides) {
        len = len.checked_mul(n)?;
        end = end.checked_add((n - 1).checked_mul(stride)?)?;
    }
    Some(end)
}
