//! Neural convolution and its transpose.

use super::{MOST, each, fitting, spatial, windows};
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::ops::record;
use crate::tensor::{Real, Tensor};
use crate::work::{ConvMethod, ConvWork, WindowAxis, Work};

/// Options of [`conv`] and [`conv_transpose`]; vectors have one entry per spatial axis, or none for the default.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvOptions {
    /// Entries from one window to the next; 1.
    pub strides: Vec<usize>,
    /// Zeros before and after each axis; none. Of a transposed convolution, outputs that are left out.
    pub pads: Vec<(usize, usize)>,
    /// Entries from one tap to the next; 1.
    pub dilations: Vec<usize>,
    /// Groups of channels that do not see each other; 1.
    pub groups: usize,
    /// Further outputs at the end of each axis, fewer than the stride or the dilation; none. Of transposed convolutions only.
    pub output_padding: Vec<usize>,
    /// What becomes of a value, the bias included: an expression of [`Expr::variable`]`(0)`.
    pub activation: Option<Expr>,
    /// How it is computed.
    pub method: ConvMethod,
}

impl Default for ConvOptions {
    fn default() -> Self {
        Self {
            strides: Vec::new(),
            pads: Vec::new(),
            dilations: Vec::new(),
            groups: 1,
            output_padding: Vec::new(),
            activation: None,
            method: ConvMethod::Auto,
        }
    }
}

/// Neural convolution: a correlation of all channels with a bank of filters.
///
/// `out[n, o, p] = f(bias[o] + Σ_c Σ_t w[o, c, t] · x[n, g + c, p · stride − pad + t · dilation])`, with `x` of shape
/// `N × C × spatial`, 1 to 3 spatial axes, `w` of shape `O × C/groups × taps`, `bias` of O and `out` of shape
/// `N × O × ⌊(length + pads − (taps − 1) · dilation − 1)/stride⌋ + 1`; g is the first channel of o's group. Nothing is
/// unfolded into memory. `x` and `w` may be stored as [`f16`](crate::f16) ([`Real`]).
///
/// # Errors
/// [`Error::ShapeMismatch`] if ranks or channels do not fit, an axis of `w` is empty, or a window is longer than the padded
/// axis; [`Error::InvalidArgument`] if a stride or dilation is 0, the groups do not divide the channels, or the
/// activation is of more than one variable; [`Error::Unsupported`] for method `Fft` with strides or dilations; the
/// device's errors.
///
/// # Accuracy
/// `|error| ≤ (64 + ⌈t/64⌉ + 2) u Σ|w||x| + u |out|` before the activation, t = taps · C/groups, u = 2⁻²⁴, carried through
/// it ([`Expr::evaluate_with_bound`]). Method `Fft`, which `Auto` may choose for large windows: `2e-6` of the largest
/// sum of an image and channel.
///
/// # Sources
/// ONNX, operator Conv; Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1; Chetlur et al., "cuDNN:
/// Efficient Primitives for Deep Learning", 2014, for the product without an unfolded copy.
///
/// # Examples
/// ```
/// # use gristmill::{conv, Context, ConvOptions, Expr};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[[1.0, 2.0, 3.0, 4.0]]])?;
/// let w = context.upload(&array![[[-1.0, 1.0]], [[1.0, -1.0]]])?;
/// let relu = ConvOptions { activation: Some(Expr::variable(0).positive_part()), ..ConvOptions::default() };
/// let y = conv(&x, &w, None, &relu)?.read_blocking()?;
/// assert_eq!(y, array![[[1.0_f32, 1.0, 1.0], [0.0, 0.0, 0.0]]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn conv<E: Real>(x: &Tensor<E>, w: &Tensor<E>, bias: Option<&Tensor>, options: &ConvOptions) -> Result<Tensor> {
    let op = "conv";
    let (_, channels, lengths) = spatial(op, x.shape())?;
    let [outputs, inner, taps @ ..] = filters(op, w.shape(), lengths.len())? else { return Err(ranks(op, x, w)) };
    divided(op, "channels of x", channels, options.groups)?;
    divided(op, "filters of w", *outputs, options.groups)?;
    if *inner != channels / options.groups {
        let groups = options.groups;
        let message = format!("x has {channels} channels in {groups} groups; w must have {} each, not {inner}", {
            channels / groups
        });
        return Err(Error::shape(op, message));
    }
    if options.output_padding.iter().any(|&n| n != 0) {
        return Err(Error::argument(op, "output_padding", "is for conv_transpose only"));
    }
    let mut axes = sliding(op, taps, options)?;
    for (axis, window) in axes.iter_mut().enumerate() {
        window.outputs = fitting(op, axis, lengths[axis], window, false)?;
    }
    run(op, x, w, bias, options, *outputs, axes)
}

/// Transposed convolution: every entry is spread over a window of outputs; the gradient of [`conv`] with respect to `x`.
///
/// `out[n, o, q] = f(bias[o] + Σ_c Σ_t w[g + c, o, t] · x[n, g + c, p])` over all p and t with `p · stride − pad + t · dilation
/// = q`, with `x` of shape `N × C × spatial`, 1 to 3 spatial axes, `w` of shape `C × O/groups × taps`, `bias` of O and `out`
/// of shape `N × O × (length − 1) · stride − pads + (taps − 1) · dilation + 1 + output_padding`. Outputs gather what reaches
/// them: there are no atomics and nothing is stored between.
///
/// # Errors
/// As [`conv`]; [`Error::ShapeMismatch`] also if the pads leave no output, [`Error::InvalidArgument`] if `output_padding` is not
/// below the stride or the dilation, [`Error::Unsupported`] if the strides' product is above 4096.
///
/// # Accuracy
/// As [`conv`], t being the number of terms that reach the output.
///
/// # Sources
/// ONNX, operator ConvTranspose; Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
///
/// # Examples
/// ```
/// # use gristmill::{conv_transpose, Context, ConvOptions};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let x = context.upload(&array![[[1.0, 2.0]]])?;
/// let w = context.upload(&array![[[1.0, 10.0, 100.0]]])?;
/// let twice = ConvOptions { strides: vec![2], ..ConvOptions::default() };
/// let y = conv_transpose(&x, &w, None, &twice)?.read_blocking()?;
/// assert_eq!(y, array![[[1.0_f32, 10.0, 102.0, 20.0, 200.0]]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn conv_transpose<E: Real>(
    x: &Tensor<E>,
    w: &Tensor<E>,
    bias: Option<&Tensor>,
    options: &ConvOptions,
) -> Result<Tensor> {
    let op = "conv_transpose";
    let (_, channels, lengths) = spatial(op, x.shape())?;
    let [inputs, own, taps @ ..] = filters(op, w.shape(), lengths.len())? else { return Err(ranks(op, x, w)) };
    divided(op, "channels of x", channels, options.groups)?;
    if *inputs != channels {
        return Err(Error::shape(op, format!("x has {channels} channels, w is for {inputs}; they must match")));
    }
    let further = each(op, "output_padding", &options.output_padding, lengths.len(), 0)?;
    let mut axes = sliding(op, taps, options)?;
    for (axis, window) in axes.iter_mut().enumerate() {
        if further[axis] >= window.stride.max(window.dilation) {
            let argument = format!("output_padding {} along spatial axis {axis}", further[axis]);
            return Err(Error::argument(op, argument, "must be below the stride or the dilation"));
        }
        // Without an entry of x nothing is spread, but the first window's place is there.
        let whole = lengths[axis].saturating_sub(1).saturating_mul(window.stride).saturating_add(window.reach());
        let kept = whole.saturating_add(further[axis]).checked_sub(window.before + window.after);
        window.outputs = kept.filter(|&n| n > 0).ok_or_else(|| {
            let pads = (window.before, window.after);
            Error::shape(op, format!("the pads {pads:?} leave nothing of {whole} outputs along spatial axis {axis}"))
        })?;
        if whole > MOST {
            let message = format!("would have {whole} outputs; at most {MOST} are counted along an axis");
            return Err(Error::argument(op, format!("spatial axis {axis}"), message));
        }
    }
    let phases = axes.iter().map(|axis| axis.stride.min(axis.outputs)).fold(1, usize::saturating_mul);
    if phases > MOST_PHASES {
        let message = format!("strides whose product is {phases}; at most {MOST_PHASES} are supported");
        return Err(Error::Unsupported { op, message });
    }
    let outputs = own.saturating_mul(options.groups);
    run(op, x, w, bias, options, outputs, axes)
}

/// Remainders of outputs by the strides, each of which is computed for itself.
const MOST_PHASES: usize = 4096;

/// The shape of a bank of filters that is not empty.
fn filters<'a>(op: &'static str, shape: &'a [usize], axes: usize) -> Result<&'a [usize]> {
    if shape.len() == axes + 2 && shape.contains(&0) {
        return Err(Error::shape(op, format!("w has shape {shape:?}; no axis may be empty")));
    }
    Ok(if shape.len() == axes + 2 { shape } else { &[] })
}

fn ranks<E: Real>(op: &'static str, x: &Tensor<E>, w: &Tensor<E>) -> Error {
    Error::shape(op, format!("x has shape {:?}, w has {:?}; both must have as many axes", x.shape(), w.shape()))
}

fn divided(op: &'static str, what: &str, count: usize, groups: usize) -> Result<()> {
    if groups == 0 || !count.is_multiple_of(groups) {
        return Err(Error::argument(op, format!("groups = {groups}"), format!("must divide the {count} {what}")));
    }
    Ok(())
}

fn sliding(op: &'static str, taps: &[usize], options: &ConvOptions) -> Result<Vec<WindowAxis>> {
    let count = taps.len();
    let strides = each(op, "strides", &options.strides, count, 1)?;
    let dilations = each(op, "dilations", &options.dilations, count, 1)?;
    let pads = each(op, "pads", &options.pads, count, (0, 0))?;
    windows(op, taps, [&strides, &dilations], &pads)
}

fn run<E: Real>(
    op: &'static str,
    x: &Tensor<E>,
    w: &Tensor<E>,
    bias: Option<&Tensor>,
    options: &ConvOptions,
    outputs: usize,
    axes: Vec<WindowAxis>,
) -> Result<Tensor> {
    if let Some(bias) = bias.filter(|bias| *bias.shape() != [outputs]) {
        return Err(Error::shape(op, format!("the bias has shape {:?}; it must be [{outputs}]", bias.shape())));
    }
    if let Some(activation) = &options.activation {
        let tape = activation.tape();
        if tape.variables() > 1 || tape.steps().iter().any(|step| step.is_of_vectors()) {
            return Err(Error::argument(op, "activation", "must be an expression of variable 0 alone"));
        }
        if let Some(value) = tape.parameters().iter().find(|value| !(**value as f32).is_finite()) {
            return Err(Error::argument(op, format!("activation's parameter {value}"), "must fit single precision"));
        }
    }
    if options.method == ConvMethod::Fft && axes.iter().any(|axis| axis.stride != 1 || axis.dilation != 1) {
        let message = "method fft needs strides and dilations of 1".to_owned();
        return Err(Error::Unsupported { op, message });
    }
    let shape: Vec<usize> = [x.shape()[0], outputs].into_iter().chain(axes.iter().map(|axis| axis.outputs)).collect();
    let work = ConvWork {
        op,
        axes,
        groups: options.groups,
        transposed: op == "conv_transpose",
        bias: bias.is_some(),
        activation: options.activation.clone(),
        method: options.method,
    };
    let bias = bias.map(Tensor::contiguous).transpose()?;
    let operands: Vec<_> = [x.operand(), w.operand()].into_iter().chain(bias.as_ref().map(Tensor::operand)).collect();
    record(x, &Work::Conv(work), &operands, &shape)
}
