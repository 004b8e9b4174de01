//! A kernel matrix that is known by what it does to vectors, never by its entries.

use super::pair::{PairShape, gram, paired};
use super::reduce::{ReduceOptions, pair_sum};
use crate::error::{Error, Result};
use crate::kernel::{Kernel, PairSource};
use crate::tensor::{Real, Tensor};

/// A kernel with its data: the matrix `K[i, j] = k(x[i], y[j])`, which is never stored. What solvers take.
///
/// With `x` of shape `… × n × d` and `y` of shape `… × m × d` it stands for a matrix of shape `… × n × m`, in memory
/// O(n + m), half of it where the rows are stored as [`f16`](crate::f16). Every product computes the entries that it
/// needs afresh.
///
/// # Examples
/// ```
/// # use gristmill::{Context, Kernel, LazyKernel};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[0.0], [1.0], [2.0]])?;
/// let k = LazyKernel::new("rbf(0.5) + 0.1*linear".parse()?, &x, &x)?;
/// assert_eq!(k.shape(), [3, 3]);
/// let v = context.upload(&array![1.0, -1.0, 0.5])?;
/// let product = k.matvec(&v)?.read_blocking()?;
/// let stored = k.gram()?.read_blocking()?;
/// for i in 0..3 {
///     let want = stored[[i, 0]] - stored[[i, 1]] + 0.5 * stored[[i, 2]];
///     assert!((product[[i]] - want).abs() < 1e-6);
/// }
/// # Ok::<(), gristmill::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LazyKernel<E: Real = f32> {
    kernel: Kernel,
    x: Tensor<E>,
    y: Tensor<E>,
    options: ReduceOptions,
}

const OP: &str = "lazy kernel";

impl<E: Real> LazyKernel<E> {
    /// The matrix of the kernel over the rows of `x` and `y`. The tensors are shared, not copied.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the column counts or the batch axes differ; [`Error::InvalidArgument`] if a parameter
    /// of the kernel is out of range; [`Error::Unsupported`] beyond 8 axes.
    pub fn new(kernel: Kernel, x: &Tensor<E>, y: &Tensor<E>) -> Result<Self> {
        kernel.check(PairShape::of(OP, x, y)?.d)?;
        Ok(Self { kernel, x: x.clone(), y: y.clone(), options: ReduceOptions::default() })
    }

    /// The same matrix, whose sums are kept in two floats, so that their error does not grow with m.
    pub fn compensated(mut self) -> Self {
        self.options.compensated = true;
        self
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The rows that number the matrix's rows.
    pub fn x(&self) -> &Tensor<E> {
        &self.x
    }

    /// The rows that number the matrix's columns.
    pub fn y(&self) -> &Tensor<E> {
        &self.y
    }

    /// Shape of the matrix: batch axes, n, m.
    pub fn shape(&self) -> Vec<usize> {
        let rows = self.x.rank() - 2;
        self.x.shape()[..=rows].iter().chain(&self.y.shape()[rows..=rows]).copied().collect()
    }

    /// The transposed matrix, `k(y[j], x[i])`: every kernel is symmetric.
    pub fn transpose(&self) -> Self {
        Self { x: self.y.clone(), y: self.x.clone(), ..self.clone() }
    }

    /// `K v`: `out[i] = Σⱼ k(x[i], y[j]) v[j]`, with `v` of shape `… × m` and `out` of shape `… × n`.
    ///
    /// # Errors
    /// As [`pair_sum`]; [`Error::ShapeMismatch`] if `v` is no vector.
    ///
    /// # Accuracy
    /// As [`pair_sum`].
    pub fn matvec(&self, v: &Tensor) -> Result<Tensor> {
        self.product(v, self.x.rank() - 1, "a vector")
    }

    /// `K V`: `out[i, c] = Σⱼ k(x[i], y[j]) V[j, c]`, with `V` of shape `… × m × c`, c up to 1024, and `out` of shape
    /// `… × n × c`.
    ///
    /// # Errors
    /// As [`pair_sum`]; [`Error::ShapeMismatch`] if `V` is no matrix.
    ///
    /// # Accuracy
    /// As [`pair_sum`].
    pub fn matmat(&self, v: &Tensor) -> Result<Tensor> {
        self.product(v, self.x.rank(), "a matrix")
    }

    fn product(&self, v: &Tensor, rank: usize, what: &str) -> Result<Tensor> {
        if v.rank() != rank {
            return Err(Error::shape(OP, format!("v has shape {:?}; here it must be {what}", v.shape())));
        }
        pair_sum(&self.x, &self.y, &self.kernel, Some(v), &self.options)
    }

    /// The diagonal: `out[i] = k(x[i], y[i])`, of shape `… × n`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the matrix is not square; the device's errors.
    ///
    /// # Accuracy
    /// As [`gram`].
    pub fn diag(&self) -> Result<Tensor> {
        if self.x.shape() != self.y.shape() {
            return Err(Error::shape(OP, format!("{:?} is no shape of a square matrix", self.shape())));
        }
        let d = self.x.shape()[self.x.rank() - 1];
        paired(OP, &self.x, &self.y, PairSource::pair_function(&self.kernel, d)?)
    }

    /// Sums of the rows: `out[i] = Σⱼ k(x[i], y[j])`, of shape `… × n`.
    ///
    /// # Errors
    /// As [`pair_sum`].
    ///
    /// # Accuracy
    /// As [`pair_sum`] with all values 1.
    pub fn row_sum(&self) -> Result<Tensor> {
        pair_sum(&self.x, &self.y, &self.kernel, None, &self.options)
    }

    /// The matrix itself, for small ones.
    ///
    /// # Errors
    /// As [`gram`].
    ///
    /// # Accuracy
    /// As [`gram`].
    pub fn gram(&self) -> Result<Tensor> {
        gram(&self.x, &self.y, &self.kernel)
    }
}
