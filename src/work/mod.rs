//! An op as data, and whoever can run it.

mod convolve;
mod executor;
mod extend;
mod formula;
mod layout;
mod prepare;
mod random;
mod recipe;
mod reduce;
mod transforms;
mod window;

pub use convolve::{ConvolveWork, Method, Mode};
pub(crate) use convolve::{Cut, Kept, full_length};
pub use executor::{Executor, Pending, Storage, StorageCell, Take};
pub use extend::{Boundary, ExtendWork};
pub use formula::FormulaWork;
pub use layout::Layout;
pub use prepare::{Part, PrepareWork, SymmetricWork};
pub(crate) use random::random_words;
pub use random::{Distribution, RandomWork};
pub use recipe::{ConvolveAlgorithm, ConvolveReason, ConvolveRecipe};
pub use reduce::{Bias, BlockRanges, PairMask, ReduceWork, Reduction};
pub use transforms::{HadamardWork, OverlapAddWork, TransformType, TrigonometricWork};
pub use window::{ConvMethod, ConvWork, PoolWork, Pooling, WindowAxis};

use crate::kernel::PairFunction;

/// What one op does; its inputs come beside it as [`Operand`]s. The result is always row-major without gaps.
#[derive(Debug, Clone)]
pub enum Work {
    /// Input 0, any layout, copied row-major.
    Copy,
    /// One input continued past its edges, cut, or moved around; see [`ExtendWork`].
    Extend(ExtendWork),
    /// Rows made into others, which are then compared; see [`PrepareWork`].
    Prepare(PrepareWork),
    /// Part of symmetric matrices; see [`SymmetricWork`].
    Symmetric(SymmetricWork),
    /// `out[…, i, j] = function(x[…, i], y[…, j])`; inputs x (… × n × d) and y (… × m × d), with the same axes in front.
    Pair(PairWork),
    /// A pair function's values reduced over j; see [`ReduceWork`].
    Reduce(ReduceWork),
    /// A formula summed over j; see [`FormulaWork`].
    Formula(FormulaWork),
    /// `out = alpha · A · B + beta · C`; inputs A (… × m × k), B (… × k × n) and, where `beta` is not 0, C.
    Gemm(GemmWork),
    /// Discrete Fourier transforms along one axis; inputs x and, where its entries are multiplied by real factors on their
    /// way in, those factors: a vector without gaps, as long as the entries of a line that are read.
    Fft(FftWork),
    /// Cosine and sine transforms along one axis; see [`TrigonometricWork`].
    Trigonometric(TrigonometricWork),
    /// Walsh–Hadamard transforms along one axis; see [`HadamardWork`].
    Hadamard(HadamardWork),
    /// Random numbers, of no input; see [`RandomWork`].
    Random(RandomWork),
    /// Frames laid over one another; see [`OverlapAddWork`].
    OverlapAdd(OverlapAddWork),
    /// Convolution or correlation over the last axes; inputs signal and kernel of equal rank.
    Convolve(ConvolveWork),
    /// Neural convolution; see [`ConvWork`].
    Conv(ConvWork),
    /// Sums, means and largest entries of sliding windows; see [`PoolWork`].
    Pool(PoolWork),
}

/// See [`Work::Pair`].
#[derive(Debug, Clone)]
pub struct PairWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Metric or kernel.
    pub function: PairFunction,
    /// Only pairs (i, i) of two matrices: the result is a vector of n.
    pub paired: bool,
}

/// See [`Work::Gemm`]. Batch axes broadcast as NumPy's do; C may have length-1 axes that broadcast. Transposes are
/// in the operands' strides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GemmWork {
    /// Factor of the product.
    pub alpha: f32,
    /// Factor of C; at 0 there is no C among the inputs.
    pub beta: f32,
}

/// Which kinds of numbers a transform takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FftKind {
    /// Complex to complex.
    Complex,
    /// Real to the first ⌊n/2⌋ + 1 complex coefficients.
    RealToHalf,
    /// The first ⌊n/2⌋ + 1 coefficients of a Hermitian spectrum to n real numbers.
    HalfToReal,
}

/// See [`Work::Fft`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FftWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Kinds of numbers in and out.
    pub kind: FftKind,
    /// The axis that is transformed.
    pub axis: usize,
    /// Length of the transform; the input is cropped or zero-padded to it.
    pub length: usize,
    /// `false`: exp(−2πi jk/n); `true`: exp(+2πi jk/n).
    pub inverse: bool,
    /// Factor of the result (the norm).
    pub scale: f32,
}

/// One input of an op: whose memory it is and where the entries lie.
#[derive(Debug, Clone)]
pub struct Operand {
    /// The executor's memory.
    pub storage: Storage,
    /// Where the entries lie in it.
    pub layout: Layout,
    /// Bytes of one entry.
    pub element_bytes: usize,
}

impl Operand {
    /// What a plan needs to know of it.
    pub fn input(&self) -> Input<'_> {
        Input { layout: &self.layout, element_bytes: self.element_bytes }
    }
}

/// An operand without its memory: all that a plan needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Where the entries lie.
    pub layout: &'a Layout,
    /// Bytes of one entry.
    pub element_bytes: usize,
}

impl Work {
    /// The op's name, for errors.
    pub fn op(&self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Extend(work) => work.op,
            Self::Prepare(work) => work.op,
            Self::Symmetric(work) => work.op,
            Self::Pair(work) => work.op,
            Self::Reduce(work) => work.op,
            Self::Formula(work) => work.op,
            Self::Gemm(_) => "gemm",
            Self::Fft(work) => work.op,
            Self::Trigonometric(work) => work.op,
            Self::Hadamard(work) => work.op,
            Self::Random(work) => work.op,
            Self::OverlapAdd(work) => work.op,
            Self::Convolve(work) => work.op,
            Self::Conv(work) => work.op,
            Self::Pool(work) => work.op,
        }
    }
}
