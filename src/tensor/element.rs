//! Which numbers a tensor can hold, and which host numbers become them.

use half::f16;

use crate::error::{Error, Result};

/// A complex number of two f32, as the device stores it.
pub type Complex32 = num_complex::Complex<f32>;

/// A complex number of two f16, as the device stores it.
pub type Complex16 = num_complex::Complex<f16>;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for super::Complex32 {}
    impl Sealed for super::Complex16 {}
    impl Sealed for u32 {}
    impl Sealed for i32 {}
    impl Sealed for half::f16 {}
}

/// An element type of tensors: `f32`, [`f16`](crate::f16), [`Complex32`], [`Complex16`], `u32` or `i32`.
pub trait Element: bytemuck::Pod + Send + Sync + sealed::Sealed + std::fmt::Debug {
    /// The name that messages give it.
    const NAME: &'static str;
}

impl Element for f32 {
    const NAME: &'static str = "f32";
}
impl Element for Complex32 {
    const NAME: &'static str = "Complex32";
}
impl Element for Complex16 {
    const NAME: &'static str = "Complex16";
}
impl Element for u32 {
    const NAME: &'static str = "u32";
}
impl Element for i32 {
    const NAME: &'static str = "i32";
}
impl Element for f16 {
    const NAME: &'static str = "f16";
}

/// Real numbers that rows, and the factors of products, may be stored as: `f32`, or [`f16`](crate::f16) in half the
/// memory. Halves are widened as they are read, which is exact; all arithmetic and all results are f32.
///
/// # Examples
/// ```
/// # use gristmill::{Context, f16, gemm};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let a = context.upload(&array![[1.0, 0.5]].mapv(f16::from_f32))?;
/// let squares = gemm(1.0, &a, &a.transpose(), 0.0, None)?; // f32
/// assert_eq!(squares.read_blocking()?[[0, 0]], 1.25_f32);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub trait Real: Element {}

impl Real for f32 {}
impl Real for f16 {}

/// Numbers that signals are made of: `f32` and [`Complex32`], or [`f16`](crate::f16) and [`Complex16`] in half the memory.
/// Halves are widened as they are read, which is exact; all arithmetic and all results are [wide](Self::Wide).
pub trait Number: Element {
    /// The same in f32.
    type Wide: Number<Wide = Self::Wide>;
    /// Whether there is an imaginary part.
    const COMPLEX: bool;
}

macro_rules! numbers {
    ($($number:ty => $wide:ty, $complex:literal;)*) => {$(
        impl Number for $number {
            type Wide = $wide;
            const COMPLEX: bool = $complex;
        }
    )*};
}
numbers! {
    f32 => f32, false;
    f16 => f32, false;
    Complex32 => Complex32, true;
    Complex16 => Complex32, true;
}

/// A host number and the element that it becomes on upload. Narrowing rounds to nearest; a finite number that would
/// become infinite is an [`Error::Overflow`].
pub trait HostElement: Copy {
    /// The element type on the device.
    type Device: Element;
    /// The element for this number, which lies at flat index `index`.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a finite number does not fit.
    fn to_device(self, index: usize) -> Result<Self::Device>;

    /// The same numbers as elements, in the same order, if that is what they are already: such arrays are uploaded without
    /// a copy. `None`, which is always right, has them converted one by one.
    fn as_device(numbers: &[Self]) -> Option<&[Self::Device]> {
        let _ = numbers;
        None
    }
}

macro_rules! same_on_both_sides {
    ($($element:ty),*) => {$(
        impl HostElement for $element {
            type Device = $element;
            fn to_device(self, _index: usize) -> Result<$element> {
                Ok(self)
            }
            fn as_device(numbers: &[$element]) -> Option<&[$element]> {
                Some(numbers)
            }
        }
    )*};
}
same_on_both_sides!(f32, f16, Complex32, Complex16, u32, i32);

impl HostElement for f64 {
    type Device = f32;
    fn to_device(self, index: usize) -> Result<f32> {
        narrow(self, index)
    }
}

impl HostElement for num_complex::Complex<f64> {
    type Device = Complex32;
    fn to_device(self, index: usize) -> Result<Complex32> {
        Ok(Complex32::new(narrow(self.re, index)?, narrow(self.im, index)?))
    }
}

fn narrow(value: f64, index: usize) -> Result<f32> {
    let narrowed = value as f32;
    if narrowed.is_infinite() && value.is_finite() {
        return Err(Error::Overflow { value, index, to: "f32" });
    }
    Ok(narrowed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn f64_narrows_or_says_why_not() {
        assert_eq!(0.1f64.to_device(0).unwrap(), 0.1f32);
        assert_eq!(f64::INFINITY.to_device(0).unwrap(), f32::INFINITY);
        assert!(f64::NAN.to_device(0).unwrap().is_nan());
        assert_eq!(
            1e39.to_device(7).unwrap_err().to_string(),
            "1e39 at index 7 does not fit f32; scale the data first"
        );
    }
}
