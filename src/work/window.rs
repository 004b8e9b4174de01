//! Windows that slide over spatial axes: neural convolution and pooling.

use crate::expr::Expr;

/// How a window moves along one axis: output o sees the entries `o · stride − before + t · dilation` of the input, t being
/// its taps; of a transposed convolution, entry i of the input reaches the outputs `i · stride − before + t · dilation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowAxis {
    /// Entries of the window.
    pub taps: usize,
    /// Entries from one window to the next, 1 at least.
    pub stride: usize,
    /// Entries from one tap to the next, 1 at least.
    pub dilation: usize,
    /// Entries that stand for nothing in front of the input; of a transposed convolution, outputs that are left out there.
    pub before: usize,
    /// The same behind it. It follows from the others except where a mean counts it.
    pub after: usize,
    /// Entries of the result.
    pub outputs: usize,
}

/// `out[n, o, …] = activation(bias[o] + Σ_c Σ_t w[o, c, t] · x[n, c, …])`.
///
/// Inputs: x (N × C × spatial axes), w (outputs × C/groups × taps, transposed C × outputs/groups × taps), and the bias
/// (outputs, without gaps) where there is one. No axis of w has a length of 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// The spatial axes, 1 to 3.
    pub axes: Vec<WindowAxis>,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Every entry of the input is spread over a window of outputs.
    pub transposed: bool,
    /// Whether a bias is among the inputs.
    pub bias: bool,
    /// What becomes of a value: an expression of variable 0.
    pub activation: Option<Expr>,
    /// How it is computed.
    pub method: ConvMethod,
}

/// How a neural convolution is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ConvMethod {
    /// Whichever costs least by the plan's model.
    #[default]
    Auto,
    /// A sliding window: a block of neighbouring outputs of few channels at a time.
    Direct,
    /// A matrix product of filters and windows that are addressed and never stored: many channels at a time.
    ImplicitGemm,
    /// By Fourier transforms, accurate relative to the largest entry; strides and dilations must be 1. A sliding window
    /// where pads are as long as the window, spectra outgrow the device, or numbers are stored as f16.
    Fft,
}

/// What becomes of the entries that a window sees; one input (N × C × spatial axes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// The spatial axes, 1 to 3.
    pub axes: Vec<WindowAxis>,
    /// What becomes of them.
    pub pooling: Pooling,
}

/// See [`PoolWork`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their sum divided by their number; padding counts where `padding` says so.
    Mean {
        /// Count what stands for nothing around the input.
        padding: bool,
    },
    /// The largest, and NaN where one is; −∞ where the window sees nothing.
    Max {
        /// Behind each value follows its place in the channel, counted row-major, as u32.
        indices: bool,
    },
}

impl WindowAxis {
    /// Entries between the first and the last that one window sees, both included.
    pub(crate) fn reach(&self) -> usize {
        (self.taps.saturating_sub(1)).saturating_mul(self.dilation).saturating_add(1)
    }
}
