//! Operands of numbers whose arithmetic is f32 whatever they are stored as.

use std::borrow::Cow;

use bytemuck::Pod;
use half::f16;
use num_complex::{Complex, Complex32};

use super::copy::copy;
use super::view::{View, zeroed_vec};
use crate::error::Result;
use crate::work::Operand;

/// A number that may be stored in f16.
pub(super) trait Wide: Pod {
    /// The same in f16.
    type Half: Pod;

    /// Exact.
    fn widen(half: Self::Half) -> Self;
}

impl Wide for f32 {
    type Half = f16;

    fn widen(half: f16) -> Self {
        half.to_f32()
    }
}

impl Wide for Complex32 {
    type Half = Complex<f16>;

    fn widen(half: Complex<f16>) -> Self {
        Self::new(half.re.to_f32(), half.im.to_f32())
    }
}

/// An operand in f32: where it is stored so, as it lies; f16 are widened before the work, row by row.
pub(super) struct Numbers<'a, T: Wide = f32> {
    entries: Cow<'a, [T]>,
    shape: &'a [usize],
    strides: Cow<'a, [usize]>,
}

impl<'a, T: Wide> Numbers<'a, T> {
    /// The operand's numbers.
    pub(super) fn of(op: &'static str, operand: &'a Operand) -> Result<Self> {
        if operand.element_bytes != size_of::<T::Half>() {
            let View { entries, shape, strides } = View::<T>::of(op, operand)?;
            return Ok(Self { entries: Cow::Borrowed(entries), shape, strides: Cow::Borrowed(strides) });
        }
        let view = View::<T::Half>::of(op, operand)?;
        // What a batch shares is widened once.
        let own: Vec<usize> = view.shape.iter().zip(view.strides).map(|(n, s)| if *s == 0 { 1 } else { *n }).collect();
        let len = if view.shape.contains(&0) { 0 } else { own.iter().product() };
        let extent: usize =
            own.iter().zip(view.strides).map(|(n, stride)| n.saturating_sub(1) * stride).sum::<usize>() + 1;
        if len > extent {
            // Overlapping rows are widened once, too.
            let mut wide = zeroed_vec::<T>(op, extent)?;
            wide.iter_mut().zip(view.entries).for_each(|(wide, half)| *wide = T::widen(*half));
            return Ok(Self { entries: Cow::Owned(wide), shape: view.shape, strides: Cow::Borrowed(view.strides) });
        }
        let halves = View { shape: &own, ..view };
        let halves = match halves.contiguous() {
            _ if len == 0 => Cow::Borrowed(&[][..]),
            Some(halves) => Cow::Borrowed(halves),
            None => {
                let mut packed = zeroed_vec(op, len)?;
                copy(&halves, &mut packed);
                Cow::Owned(packed)
            }
        };
        let mut wide = zeroed_vec::<T>(op, len)?;
        wide.iter_mut().zip(halves.iter()).for_each(|(wide, half)| *wide = T::widen(*half));
        let mut strides = vec![0; own.len()];
        let mut next = 1;
        for ((stride, given), n) in strides.iter_mut().zip(view.strides).zip(&own).rev() {
            if *given != 0 {
                *stride = next;
                next *= n;
            }
        }
        Ok(Self { entries: Cow::Owned(wide), shape: view.shape, strides: Cow::Owned(strides) })
    }

    /// Length of each axis.
    pub(super) fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// As a view.
    pub(super) fn view(&self) -> View<'_, T> {
        View { entries: &self.entries, shape: self.shape, strides: &self.strides }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::work::{Executor, Layout};

    #[test]
    fn halves_of_any_view_are_widened_and_what_is_shared_stays_so() {
        let cpu = Cpu::new();
        let halves: Vec<f16> = (0..100).map(|i| f16::from_f32(i as f32 - 0.5)).collect();
        let storage = cpu.upload("upload", bytemuck::cast_slice(&halves)).unwrap();
        for (shape, strides, offset) in [
            (vec![3, 4], vec![4, 1], 0),
            (vec![3, 4], vec![1, 7], 5),
            (vec![2, 5, 3, 2], vec![0, 10, 0, 3], 1),
            (vec![9, 8], vec![1, 1], 3),
            (vec![], vec![], 99),
            (vec![0, 3], vec![9, 1], 200),
        ] {
            let layout = Layout { shape, strides, offset };
            let operand = Operand { storage: storage.clone(), layout: layout.clone(), element_bytes: 2 };
            let numbers = Numbers::<f32>::of("copy", &operand).unwrap();
            let wide = numbers.view().to_vec("copy").unwrap();
            let want = View::<f16>::of("copy", &operand).unwrap().to_vec("copy").unwrap();
            assert_eq!(wide, want.iter().map(|half| half.to_f32()).collect::<Vec<_>>(), "{layout:?}");
            assert!(numbers.entries.len() <= 16, "{layout:?}");
        }
    }
}
