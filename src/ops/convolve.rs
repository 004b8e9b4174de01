//! Convolution and correlation.

use super::extend::extended;
use super::record;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::tensor::{Number, Tensor};
use crate::work::{Boundary, ConvolveRecipe, ConvolveWork, Kept, Method, Mode, Work};

/// Options of [`convolve`] and [`correlate`]. The default convolves over all axes and keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ConvolveOptions {
    /// How much is kept.
    pub mode: Mode,
    /// How it is computed.
    pub method: Method,
    /// Trailing axes that are convolved, 1 to 3; axes before them are a batch. `None`: all axes.
    pub rank: Option<usize>,
    /// What lies beyond the edges of the first input. Mode `Valid` sees none of it.
    pub boundary: Boundary,
    /// For mode `Same`, per convolved axis: how many taps after its middle one the kernel lies on the entry, SciPy's
    /// `origin`. The middle tap is `(k − 1) / 2` of a convolution and `k / 2` of a correlation.
    pub origin: [isize; 3],
    /// Wrap around at the first input's length, `out[t] = Σₛ x[(t − s) mod n] h[s]` (correlation: `t + s`); `mode`,
    /// `boundary` and `origin` do not matter then.
    pub circular: bool,
}

impl ConvolveOptions {
    /// Keeps what `mode` says.
    pub fn mode(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// The op that they ask for.
    pub(crate) fn work(&self, op: &'static str, rank: usize, correlate: bool, complex: bool) -> ConvolveWork {
        let Self { mode, method, circular, .. } = *self;
        ConvolveWork { op, rank, correlate, circular, mode, method, complex }
    }
}

/// The convolution `out[t] = Σₛ x[s] h[t − s]` over the last axes.
///
/// `x` and `h` have the same number of axes, or `h` has just the convolved ones and serves every entry of the batch. SciPy's
/// modes: `Full` has length `n + k − 1`, `Same` the length of `x`, `Valid` `max(n, k) − min(n, k) + 1`; `Causal` is the
/// first entries of `Full`, as many as `x` has. Beyond its edges `x` is continued as [`Boundary`] says, as far as the
/// kernel reaches, which may be longer than `x`.
///
/// Either input may be stored in f16 ([`Number`]).
///
/// # Errors
/// [`Error::ShapeMismatch`] if the ranks or batch axes do not fit, an axis is empty, or in mode `Valid` neither input is at
/// least as long as the other along every axis; [`Error::InvalidArgument`] if an origin lies outside the kernel; the
/// device's errors.
///
/// # Accuracy
/// Method `Direct`: `|error| ≤ (64 + ⌈t/64⌉ + 2) u Σ|x||h|` per entry, t the number of taps. Method `Fft`: `2e-6` of the
/// largest entry.
/// # Sources
/// SciPy, `scipy.signal.convolve`, for the modes, and `scipy.ndimage` for the boundaries; Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1 and
/// ch. 24.
///
/// # Examples
/// ```
/// # use gristmill::{convolve, Context, ConvolveOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![1.0, 2.0, 3.0])?;
/// let h = context.upload(&array![1.0, 1.0])?;
/// let y = convolve(&x, &h, &ConvolveOptions::default())?.read_blocking()?;
/// assert_eq!(y, array![1.0_f32, 3.0, 5.0, 3.0].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn convolve<X: Number, H: Number<Wide = X::Wide>>(
    x: &Tensor<X>,
    h: &Tensor<H>,
    options: &ConvolveOptions,
) -> Result<Tensor<X::Wide>> {
    run("convolve", x, h, options, false)
}

/// The correlation `out[t] = Σₛ x[s + t] conj(h[s])` over the last axes: convolution with `h` reversed and conjugated.
///
/// # Errors
/// As [`convolve`].
///
/// # Accuracy
/// As [`convolve`].
pub fn correlate<X: Number, H: Number<Wide = X::Wide>>(
    x: &Tensor<X>,
    h: &Tensor<H>,
    options: &ConvolveOptions,
) -> Result<Tensor<X::Wide>> {
    run("correlate", x, h, options, true)
}

/// How [`convolve`] of inputs of these shapes is done on a device, in data that prints: the algorithm, why it, and what the
/// model says that each one costs. [`correlate`] is done in the same way.
///
/// # Errors
/// As [`convolve`].
///
/// # Examples
/// ```
/// # use gristmill::{convolve_recipe, Context, ConvolveOptions};
/// let context = Context::open_blocking()?;
/// println!("{}", convolve_recipe::<f32>(&context, &[1_000_000], &[255], &ConvolveOptions::default())?);
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn convolve_recipe<X: Number>(
    context: &Context,
    x: &[usize],
    h: &[usize],
    options: &ConvolveOptions,
) -> Result<ConvolveRecipe> {
    let Arranged { work, continued, .. } = arranged::<X>("convolve", x, h, options, false)?;
    let continued: Option<Vec<usize>> = continued.map(|axes| axes.iter().map(|(_, length)| *length).collect());
    context.convolve_recipe(&work, continued.as_deref().unwrap_or(x), h, size_of::<X>())
}

fn run<X: Number, H: Number<Wide = X::Wide>>(
    op: &'static str,
    x: &Tensor<X>,
    h: &Tensor<H>,
    options: &ConvolveOptions,
    correlate: bool,
) -> Result<Tensor<X::Wide>> {
    let Arranged { work, continued, shape } = arranged::<X>(op, x.shape(), h.shape(), options, correlate)?;
    let work = Work::Convolve(work);
    let Some(axes) = continued else { return record(x, &work, &[x.operand(), h.operand()], &shape) };
    let x = extended(op, x, axes, options.boundary)?;
    record(&x, &work, &[x.operand(), h.operand()], &shape)
}

/// A convolution whose arguments are right.
struct Arranged {
    work: ConvolveWork,
    /// Where the signal, continued past its edges, starts and how long it is, per axis; `None`: it is taken as it is.
    continued: Option<Vec<(i64, usize)>>,
    /// Of the result.
    shape: Vec<usize>,
}

fn arranged<X: Number>(
    op: &'static str,
    x: &[usize],
    h: &[usize],
    options: &ConvolveOptions,
    correlate: bool,
) -> Result<Arranged> {
    let rank = options.rank.unwrap_or(x.len());
    if rank == 0 || rank > 3 || rank > x.len() {
        let message = format!("must be 1, 2 or 3 and at most the input's {} axes", x.len());
        return Err(Error::argument(op, format!("rank {rank}"), message));
    }
    let (batch, extents) = x.split_at(x.len() - rank);
    let taps = match h.len() {
        r if r == rank => h,
        r if r == x.len() && h[..r - rank] == *batch => &h[r - rank..],
        _ => {
            let message = format!("x has shape {x:?}, h has {h:?}; ");
            return Err(Error::shape(op, message + "h needs the convolved axes alone, or the same batch axes as x"));
        }
    };
    if extents.iter().chain(taps).any(|&n| n == 0) {
        let message = format!("x has shape {x:?}, h has {h:?}; no convolved axis may be empty");
        return Err(Error::shape(op, message));
    }
    if let Some(&n) = extents.iter().chain(taps).find(|&&n| n > u32::MAX as usize / 2) {
        return Err(Error::argument(
            op,
            format!("an axis of {n} entries"),
            "is more than 2147483647, what 32-bit indices reach",
        ));
    }
    let mode = options.mode;
    if mode == Mode::Valid && !options.circular {
        let x_holds_h = extents.iter().zip(taps).all(|(n, k)| n >= k);
        let h_holds_x = extents.iter().zip(taps).all(|(n, k)| k >= n);
        if !x_holds_h && !h_holds_x {
            let message = format!(
                "mode valid needs one input to be at least as long as the other along every axis; x has {extents:?}, h has {taps:?}"
            );
            return Err(Error::shape(op, message));
        }
    }
    let ConvolveOptions { boundary, origin, circular, .. } = *options;
    let work = options.work(op, rank, correlate, X::COMPLEX);
    let axes = extents.iter().zip(taps).enumerate();
    let kept: Vec<Kept> = axes.map(|(axis, (&n, &k))| kept(&work, &origin, axis, n, k)).collect::<Result<_>>()?;
    let shape: Vec<usize> = batch.iter().copied().chain(kept.iter().map(|kept| kept.length)).collect();
    let moved = boundary != Boundary::Zero || (mode == Mode::Same && origin[..rank] != [0; 3][..rank]);
    if circular || mode == Mode::Valid || !moved {
        return Ok(Arranged { work, continued: None, shape });
    }
    // Every entry sees a whole kernel of the continued signal.
    let whole = batch.iter().map(|&n| (0, n));
    Ok(Arranged {
        work: ConvolveWork { mode: Mode::Valid, ..work },
        continued: Some(whole.chain(kept.iter().map(Kept::seen)).collect()),
        shape,
    })
}

/// What is kept along an axis of `n` entries under `k` taps; in mode `Same`, moved as the origin says.
pub(crate) fn kept(work: &ConvolveWork, origin: &[isize; 3], axis: usize, n: usize, k: usize) -> Result<Kept> {
    let kept = work.kept(n, k);
    if work.circular || work.mode != Mode::Same {
        return Ok(kept);
    }
    let origin = origin[axis];
    let moved = kept.start.checked_add_signed(if work.correlate { origin.wrapping_neg() } else { origin });
    let Some(start) = moved.filter(|start| *start < k) else {
        let message = format!("puts no tap on the entry: axis {axis} of the kernel has {k}");
        return Err(Error::argument(work.op, format!("origin {origin}"), message));
    };
    Ok(Kept { start, ..kept })
}
