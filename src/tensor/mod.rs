//! Tensors: entries of one type in an executor's memory, seen through a layout.

mod complex;
mod element;
mod transfer;
mod view;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use element::{Complex16, Complex32, Element, HostElement, Number, Real};
pub(crate) use transfer::{read, upload, upload_slice};

use crate::work::{Executor, Layout, Operand, Storage};

/// An n-dimensional array in the memory of a [`Context`](crate::Context).
///
/// A tensor is a cheap handle: cloning it and taking views of it copies nothing. Its work may still be under way;
/// only [`read`](Tensor::read) waits. If that work failed, every op on the tensor and every read of it returns the
/// first error.
#[derive(Clone)]
pub struct Tensor<E: Element = f32> {
    executor: Arc<dyn Executor>,
    storage: Storage,
    layout: Layout,
    element: PhantomData<E>,
}

impl<E: Element> Tensor<E> {
    pub(crate) fn new(executor: Arc<dyn Executor>, storage: Storage, layout: Layout) -> Self {
        Self { executor, storage, layout, element: PhantomData }
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.layout.shape.len()
    }

    /// Distance between neighbours along each axis, in elements.
    pub fn strides(&self) -> &[usize] {
        &self.layout.strides
    }

    pub(crate) fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The same memory seen through another layout.
    pub(crate) fn with_layout(&self, layout: Layout) -> Self {
        Self { layout, ..self.clone() }
    }

    pub(crate) fn operand(&self) -> Operand {
        Operand { storage: self.storage.clone(), layout: self.layout.clone(), element_bytes: size_of::<E>() }
    }
}

impl<E: Element> fmt::Debug for Tensor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tensor")
            .field("element", &E::NAME)
            .field("shape", &self.layout.shape)
            .field("on", &self.executor.name())
            .finish_non_exhaustive()
    }
}
