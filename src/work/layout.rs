//! Where the entries of a tensor lie in its buffer.

/// Shape, strides and offset of a view, all in elements.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Distance between neighbours along each axis.
    pub strides: Vec<usize>,
    /// Position of the first entry.
    pub offset: usize,
}

impl Layout {
    /// Row-major from the start of the buffer.
    pub fn contiguous(shape: &[usize]) -> Self {
        let mut strides = vec![1usize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
        }
        Self { shape: shape.to_vec(), strides, offset: 0 }
    }

    /// Number of entries; `usize::MAX` where it does not fit.
    pub fn len(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape.iter().fold(1usize, |product, &n| product.saturating_mul(n))
    }

    /// Whether an axis has length 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the entries lie row-major without gaps (wherever they start). Axes of length 1 may have any stride.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1usize;
        for (&n, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if n == 0 {
                return true;
            }
            if n > 1 && stride != expected {
                return false;
            }
            expected = n.saturating_mul(expected);
        }
        true
    }

    /// One past the furthest entry that the view touches, in elements; 0 where it is empty, `usize::MAX` where
    /// it does not fit.
    pub fn end(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let axes = self.shape.iter().zip(&self.strides);
        axes.fold(self.offset.saturating_add(1), |end, (&n, &stride)| {
            end.saturating_add((n - 1).saturating_mul(stride))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contiguous_layouts_know_themselves() {
        let layout = Layout::contiguous(&[3, 4, 5]);
        assert_eq!(layout.strides, [20, 5, 1]);
        assert!(layout.is_contiguous());
        assert_eq!((layout.len(), layout.end()), (60, 60));
        let transposed = Layout { shape: vec![4, 3], strides: vec![1, 4], offset: 0 };
        assert!(!transposed.is_contiguous());
        assert_eq!(transposed.end(), 12);
        assert_eq!(Layout::contiguous(&[3, 0]).end(), 0);
        assert_eq!(Layout::contiguous(&[]).len(), 1);
    }

    #[test]
    fn absurd_shapes_are_as_large_as_can_be() {
        let half = usize::MAX / 2 + 1;
        for shape in [&[half, 4][..], &[4, half], &[half, half, half], &[usize::MAX, 2]] {
            let layout = Layout::contiguous(shape);
            assert_eq!((layout.len(), layout.end()), (usize::MAX, usize::MAX), "{shape:?}");
            let _ = layout.is_contiguous();
        }
        assert_eq!(Layout { shape: vec![2], strides: vec![1], offset: usize::MAX }.end(), usize::MAX);
        assert_eq!(Layout::contiguous(&[half, 0]).end(), 0);
    }
}
