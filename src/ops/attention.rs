//! Attention: averages of values, weighted by the soft-max of scores that are never stored.

use super::gemm::{broadcast, gemm};
use super::pair::prepared_rows;
use super::{ReduceOptions, check_axes, entrywise, record};
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::kernel::{PairFunction, PairSource};
use crate::metric::Metric;
use crate::tensor::{Element, Tensor, upload_slice};
use crate::work::{Bias, Layout, PairMask, ReduceWork, Reduction, Work};

/// Which scores [`attention`] changes, and how; it broadcasts to `… × heads × n × m` as NumPy's arrays do.
#[derive(Debug, Clone)]
pub enum AttentionMask {
    /// Added to the scores; −∞ keeps a query from a key.
    Additive(Tensor),
    /// 0 keeps a query from a key.
    Boolean(Tensor<u32>),
}

/// Options of [`attention`]; the default is plain soft-max attention.
#[derive(Debug, Clone, Default)]
pub struct AttentionOptions {
    /// Factor of the scores; `None`: 1/√d for dot products, 1 for a kernel.
    pub scale: Option<f32>,
    /// Scores s become `cap · tanh(s / cap)`, before the mask.
    pub softcap: Option<f32>,
    /// Query i sees keys up to `i + m − n` only: the last query sees all.
    pub causal: bool,
    /// Query i sees only the last this many of the keys up to `i + m − n`.
    pub window: Option<u32>,
    /// A mask with an entry per query and key.
    pub mask: Option<AttentionMask>,
}

/// Soft-max attention with scaled dot products.
///
/// `out[i, c] = Σⱼ softmaxⱼ(scale ⟨q[i], k[j]⟩) v[j, c]`, with `q` of shape `… × h × n × d`, `k` of shape
/// `… × g × m × d`, `v` of shape `… × g × m × c` and `out` of shape `… × h × n × c`. Where there are fewer key heads g
/// than query heads h, h/g query heads in a row share one (grouped and multi-query attention), without copies.
/// Matrices without heads work too. A query that sees no key gives 0. The scores are never stored.
///
/// # Errors
/// [`Error::ShapeMismatch`] if the shapes do not fit; [`Error::InvalidArgument`] if the scale or the cap is out of range
/// or `v` has more than 1024 columns; [`Error::Unsupported`] beyond 8 axes; the device's errors.
///
/// # Accuracy
/// That of [`softmax_sum`](crate::softmax_sum), with f the scaled (and capped) score and δ its bound.
///
/// # Sources
/// Vaswani et al., "Attention is all you need", 2017; Milakov and Gimelshein, "Online normalizer calculation for
/// softmax", 2018.
///
/// # Examples
/// ```
/// # use gristmill::{attention, AttentionOptions, Context};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let q = context.upload(&array![[1.0, 0.0], [0.0, 9.0]])?;
/// let k = context.upload(&array![[1.0, 0.0], [0.0, 100.0]])?;
/// let v = context.upload(&array![[3.0], [5.0]])?;
/// let causal = AttentionOptions { causal: true, ..AttentionOptions::default() };
/// let out = attention(&q, &k, &v, &causal)?.read_blocking()?;
/// assert_eq!(out, array![[3.0_f32], [5.0]].into_dyn()); // the first query sees the first key only
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, options: &AttentionOptions) -> Result<Tensor> {
    let op = "attention";
    let heads = Heads::of(op, q, k, v)?;
    let scale = options.scale.unwrap_or((1.0 / (heads.d.max(1) as f64).sqrt()) as f32);
    run(op, &heads, [q, k, v], PairFunction::from(Metric::INNER_PRODUCT), scale, options)
}

/// [`attention`] with the values of a metric, kernel or pair function for scores:
/// `out[i, c] = Σⱼ softmaxⱼ(scale · f(q[i], k[j])) v[j, c]`.
///
/// With `log(kernel)` for a score the weights are those of kernel regression (Nadaraya and Watson).
///
/// # Errors
/// As [`attention`], and those of the kernel.
///
/// # Accuracy
/// As [`attention`].
///
/// # Examples
/// ```
/// # use gristmill::{kernel_attention, AttentionOptions, Context, Metric};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let q = context.upload(&array![[0.1], [0.9]])?;
/// let k = context.upload(&array![[0.0], [1.0]])?;
/// let sharp = AttentionOptions { scale: Some(-1000.0), ..AttentionOptions::default() };
/// let nearest = kernel_attention(&q, &k, &k, &Metric::SQEUCLIDEAN, &sharp)?.read_blocking()?;
/// assert_eq!(nearest, array![[0.0_f32], [1.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn kernel_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    f: &impl PairSource,
    options: &AttentionOptions,
) -> Result<Tensor> {
    let op = "kernel_attention";
    let heads = Heads::of(op, q, k, v)?;
    let (rows, function) = prepared_rows(op, q, k, f.pair_function(heads.d)?)?;
    let [q, k] = rows.as_ref().map_or([q, k], |[q, k]| [q, k]);
    run(op, &heads, [q, k, v], function, options.scale.unwrap_or(1.0), options)
}

/// Attention without a soft-max, in time linear in n + m: the weights are inner products of features φ of the queries
/// and keys.
///
/// `out[i, c] = ⟨φ_q[i], Σⱼ φ_k[j] v[j, c]⟩ / ⟨φ_q[i], Σⱼ φ_k[j]⟩`, with `phi_q` of shape `… × n × r`, `phi_k` of shape
/// `… × m × r`, `v` of shape `… × m × c` and `out` of shape `… × n × c`; the axes in front broadcast. Features must be
/// positive for the weights to be; where a row's weights sum to 0 the result is NaN or infinite.
///
/// # Errors
/// Those of [`gemm()`].
///
/// # Accuracy
/// Numerator and denominator as [`gemm()`], twice each; their quotient adds 5u, u = 2⁻²⁴.
///
/// # Sources
/// Katharopoulos, Vyas, Pappas and Fleuret, "Transformers are RNNs", 2020.
///
/// # Examples
/// ```
/// # use gristmill::{linear_attention, Context};
/// # use ndarray::array;
/// let context = Context::open_blocking()?;
/// let q = context.upload(&array![[1.0, 0.0], [0.5, 0.5]])?;
/// let k = context.upload(&array![[1.0, 0.0], [0.0, 1.0]])?;
/// let v = context.upload(&array![[2.0], [4.0]])?;
/// assert_eq!(linear_attention(&q, &k, &v)?.read_blocking()?, array![[2.0_f32], [3.0]].into_dyn());
/// # Ok::<(), gristmill::Error>(())
/// ```
pub fn linear_attention(phi_q: &Tensor, phi_k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let op = "linear_attention";
    let [.., m, _] = *phi_k.shape() else {
        return Err(Error::shape(op, format!("phi_k has shape {:?}; it must be rows × features", phi_k.shape())));
    };
    let ones = upload_slice(phi_k.executor(), &[1.0f32], &[1])?;
    let ones = ones.with_layout(Layout { shape: vec![m, 1], strides: vec![0, 0], offset: 0 });
    let keys = phi_k.transpose();
    let (sums, total) = (gemm(1.0, &keys, v, 0.0, None)?, gemm(1.0, &keys, &ones, 0.0, None)?);
    let numerator = gemm(1.0, phi_q, &sums, 0.0, None)?;
    let weights = gemm(1.0, phi_q, &total, 0.0, None)?;
    let reciprocal = entrywise::map(op, &weights, |w| 1.0 / w)?;
    entrywise::product(op, &numerator, &spread(op, &reciprocal, numerator.shape())?)
}

fn run(
    op: &'static str,
    heads: &Heads,
    [q, k, v]: [&Tensor; 3],
    function: PairFunction,
    scale: f32,
    options: &AttentionOptions,
) -> Result<Tensor> {
    let function = scores(op, function, scale, options.softcap)?;
    function.check(q.shape().last().copied().unwrap_or(0))?;
    let group = |t: &Tensor| t.with_layout(heads.grouped(t.layout()));
    let shared = |t: &Tensor| t.with_layout(heads.shared(t.layout()));
    let mut inputs = vec![group(q).operand(), shared(k).operand(), shared(v).operand()];
    let mut bias = None;
    if let Some(mask) = &options.mask {
        let (kind, operand) = match mask {
            AttentionMask::Additive(mask) => (Bias::Additive, group(&spread(op, mask, &heads.scores)?).operand()),
            AttentionMask::Boolean(mask) => {
                let mask = spread(op, mask, &heads.scores)?;
                (Bias::Boolean, mask.with_layout(heads.grouped(mask.layout())).operand())
            }
        };
        inputs.push(operand);
        bias = Some(kind);
    }
    // A window ends at the diagonal, so nothing beyond it is seen either.
    let causal = options.causal || options.window.is_some();
    let mask = PairMask { causal, window: options.window, bias, ..PairMask::default() };
    let work = Work::Reduce(ReduceWork { op, function, reduction: Reduction::SoftmaxSum, mask });
    record(q, &work, &inputs, &heads.out)
}

/// The function with its values scaled and capped.
fn scores(op: &'static str, function: PairFunction, scale: f32, softcap: Option<f32>) -> Result<PairFunction> {
    if !scale.is_finite() {
        return Err(Error::argument(op, format!("scale {scale}"), "must be finite"));
    }
    let PairFunction { terms, finish } = function;
    let finish = match softcap {
        None => Expr::parameter(scale) * finish,
        Some(cap) if cap.is_finite() && cap > 0.0 => {
            let scaled = Expr::parameter(f64::from(scale) / f64::from(cap)) * finish;
            Expr::parameter(cap) * scaled.tanh()
        }
        Some(cap) => return Err(Error::argument(op, format!("softcap {cap}"), "must be above 0")),
    };
    Ok(PairFunction { terms, finish })
}

/// How queries and keys meet.
struct Heads {
    /// Features before rows are prepared.
    d: usize,
    /// Query heads that share a key head; 1 where each has its own.
    group: usize,
    /// `… × h × n × m`.
    scores: Vec<usize>,
    /// `… × h × n × c`.
    out: Vec<usize>,
}

impl Heads {
    fn of(op: &'static str, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Self> {
        let ([front @ .., n, d], [front_k @ .., m, e], [front_v @ .., rows, c]) = (q.shape(), k.shape(), v.shape())
        else {
            let message = format!("q {:?}, k {:?} and v {:?} must be matrices", q.shape(), k.shape(), v.shape());
            return Err(Error::shape(op, message));
        };
        if d != e {
            return Err(Error::shape(op, format!("q has {d} columns, k has {e}; they must match")));
        }
        if m != rows || front_k != front_v {
            let message =
                format!("k has shape {:?}, v has {:?}; all but the last axis must match", k.shape(), v.shape());
            return Err(Error::shape(op, message));
        }
        let group = match (front, front_k) {
            (a, b) if a == b => 1,
            ([batch @ .., h], [batch_k @ .., g]) if batch == batch_k && *g > 0 && h % g == 0 => h / g,
            _ => {
                let message = "the axes in front must match, or q's last of them be a multiple of k's (grouped heads)";
                let message = format!("q has shape {:?}, k has {:?}; {message}", q.shape(), k.shape());
                return Err(Error::shape(op, message));
            }
        };
        ReduceOptions::check_columns(op, *c)?;
        // Groups of heads are one more.
        check_axes(op, q.rank() + usize::from(group > 1))?;
        let with = |last: usize| front.iter().copied().chain([*n, last]).collect();
        Ok(Self { d: *d, group, scores: with(*m), out: with(*c) })
    }

    /// `… × h × a × b` as `… × g × (h/g) × a × b`.
    fn grouped(&self, layout: &Layout) -> Layout {
        self.split(layout, |head| (head.0 / self.group, head.1 * self.group, head.1))
    }

    /// `… × g × a × b` as `… × g × (h/g) × a × b`, shared along the new axis.
    fn shared(&self, layout: &Layout) -> Layout {
        self.split(layout, |head| (head.0, head.1, 0))
    }

    /// The head axis, of a length and a stride, as two: the first's length and stride, the second's stride.
    fn split(&self, layout: &Layout, split: impl FnOnce((usize, usize)) -> (usize, usize, usize)) -> Layout {
        let mut layout = layout.clone();
        let at = layout.shape.len().wrapping_sub(3);
        if let (true, Some(&length), Some(&stride)) = (self.group > 1, layout.shape.get(at), layout.strides.get(at)) {
            let (outer, outer_stride, inner_stride) = split((length, stride));
            layout.shape.splice(at..=at, [outer, self.group]);
            layout.strides.splice(at..=at, [outer_stride, inner_stride]);
        }
        layout
    }
}

/// A tensor broadcast to a shape, as a view.
fn spread<E: Element>(op: &'static str, t: &Tensor<E>, shape: &[usize]) -> Result<Tensor<E>> {
    if broadcast(t.shape(), shape).is_none_or(|joined| joined != shape) {
        return Err(Error::shape(op, format!("a mask of shape {:?} does not broadcast to {shape:?}", t.shape())));
    }
    let own = t.shape().iter().zip(t.strides()).map(|(length, stride)| if *length == 1 { 0 } else { *stride });
    let strides = std::iter::repeat_n(0, shape.len() - t.rank()).chain(own).collect();
    Ok(t.with_layout(Layout { shape: shape.to_vec(), strides, offset: t.layout().offset }))
}
