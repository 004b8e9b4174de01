//! Building pipelines ahead of their first use.

use super::Context;
use crate::error::Result;
use crate::kernel::{Kernel, PairFunction};
use crate::metric::Metric;
use crate::work::{ConvolveWork, FftKind, FftWork, GemmWork, Input, Layout, Method, Mode, PairWork, Work};

/// An op that will be needed, with the shape that it will be needed for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Operation {
    /// [`pairwise`](crate::pairwise) of n × d and m × d.
    Pairwise {
        /// The metric.
        metric: Metric,
        /// Rows of x, rows of y, features.
        shape: [usize; 3],
    },
    /// [`gram`](crate::gram) of n × d and m × d.
    Gram {
        /// The kernel.
        kernel: Kernel,
        /// Rows of x, rows of y, features.
        shape: [usize; 3],
    },
    /// [`gemm`](crate::gemm) of m × k and k × n, without C.
    Gemm {
        /// m, k, n.
        shape: [usize; 3],
    },
    /// [`fft`](crate::fft) of `lines` transforms of `length` points.
    Fft {
        /// Number of transforms.
        lines: usize,
        /// Points of each.
        length: usize,
        /// Both directions are prepared anyway; this asks for the inverse.
        inverse: bool,
    },
    /// [`convolve`](crate::convolve) of a signal and a kernel, real, all axes.
    Convolve {
        /// Shape of the signal.
        signal: Vec<usize>,
        /// Shape of the kernel.
        kernel: Vec<usize>,
        /// How much is kept.
        mode: Mode,
    },
}

impl Context {
    /// Builds the pipelines of these ops now, so that their first call does not wait for the driver's compiler.
    ///
    /// # Errors
    /// Where an op could not run either: its parameters, the device's limits, the driver.
    ///
    /// # Examples
    /// ```
    /// use gristmill::{Context, Metric, Operation};
    /// let context = Context::open_blocking()?;
    /// context.prepare(&[Operation::Pairwise { metric: Metric::EUCLIDEAN, shape: [1000, 1000, 64] }])?;
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn prepare(&self, operations: &[Operation]) -> Result<()> {
        operations.iter().try_for_each(|operation| {
            let (work, layouts, element_bytes) = operation.work()?;
            let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes }).collect();
            self.executor.prepare(&work, &inputs)
        })
    }
}

impl Operation {
    fn work(&self) -> Result<(Work, Vec<Layout>, usize)> {
        let real = size_of::<f32>();
        let pair = |op, function: PairFunction, [n, m, d]: [usize; 3]| {
            let layouts = vec![Layout::contiguous(&[n, d]), Layout::contiguous(&[m, d])];
            (Work::Pair(PairWork { op, function, paired: false }), layouts, real)
        };
        Ok(match self {
            Self::Pairwise { metric, shape } => {
                metric.check(shape[2])?;
                pair("pairwise", PairFunction::from(metric.clone()), *shape)
            }
            Self::Gram { kernel, shape } => pair("gram", kernel.pair_function(shape[2])?, *shape),
            Self::Gemm { shape: [m, k, n] } => {
                let layouts = vec![Layout::contiguous(&[*m, *k]), Layout::contiguous(&[*k, *n])];
                (Work::Gemm(GemmWork { alpha: 1.0, beta: 0.0 }), layouts, real)
            }
            Self::Fft { lines, length, inverse } => {
                let (length, inverse) = (*length, *inverse);
                let work = FftWork { op: "fft", kind: FftKind::Complex, axis: 1, length, inverse, scale: 1.0 };
                (Work::Fft(work), vec![Layout::contiguous(&[*lines, length])], 2 * real)
            }
            Self::Convolve { signal, kernel, mode } => {
                let work = ConvolveWork {
                    op: "convolve",
                    rank: signal.len(),
                    correlate: false,
                    circular: false,
                    mode: *mode,
                    method: Method::Auto,
                    complex: false,
                };
                (Work::Convolve(work), vec![Layout::contiguous(signal), Layout::contiguous(kernel)], real)
            }
        })
    }
}
