//! Building pipelines ahead of their first use.

use super::Context;
use crate::error::Result;
use crate::kernel::{Kernel, PairFunction};
use crate::metric::Metric;
use crate::work::{ConvolveWork, FftKind, FftWork, GemmWork, Input, Layout, Method, Mode, PairWork, PrepareWork, Work};

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
    /// They are those of f32 numbers, and of x and y that differ: rows of f16, and the pass that sets the diagonal of an
    /// expanded `pairwise(&x, &x, …)` to 0, are built when they are first needed.
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
            operation.work()?.into_iter().try_for_each(|(work, layouts, element_bytes)| {
                let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes }).collect();
                self.executor.prepare(&work, &inputs)
            })
        })
    }
}

impl Operation {
    /// The pieces of work, each with its inputs' layouts and the bytes of their entries.
    fn work(&self) -> Result<Vec<(Work, Vec<Layout>, usize)>> {
        let real = size_of::<f32>();
        let pair = |op, function: PairFunction, [n, m, d]: [usize; 3]| {
            let (maps, function) =
                function.prepared(op, d)?.map_or((vec![], function), |(maps, function)| (maps.to_vec(), function));
            let made = |side: usize| maps.get(side).map_or(d, |rows| rows.features(d));
            let layouts = vec![Layout::contiguous(&[n, made(0)]), Layout::contiguous(&[m, made(1)])];
            let work = (Work::Pair(PairWork { op, function, paired: false }), layouts, real);
            let of_rows = maps.into_iter().zip([n, m]).map(|(rows, count)| {
                (Work::Prepare(PrepareWork { op, rows }), vec![Layout::contiguous(&[count, d])], real)
            });
            Ok(of_rows.chain([work]).collect())
        };
        Ok(match self {
            Self::Pairwise { metric, shape } => {
                metric.check(shape[2])?;
                return pair("pairwise", PairFunction::from(metric.clone()), *shape);
            }
            Self::Gram { kernel, shape } => return pair("gram", kernel.pair_function(shape[2])?, *shape),
            Self::Gemm { shape: [m, k, n] } => {
                let layouts = vec![Layout::contiguous(&[*m, *k]), Layout::contiguous(&[*k, *n])];
                vec![(Work::Gemm(GemmWork { alpha: 1.0, beta: 0.0 }), layouts, real)]
            }
            Self::Fft { lines, length, inverse } => {
                let (length, inverse) = (*length, *inverse);
                let work = FftWork { op: "fft", kind: FftKind::Complex, axis: 1, length, inverse, scale: 1.0 };
                vec![(Work::Fft(work), vec![Layout::contiguous(&[*lines, length])], 2 * real)]
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
                let layouts = vec![Layout::contiguous(signal), Layout::contiguous(kernel)];
                vec![(Work::Convolve(work), layouts, real)]
            }
        })
    }
}
