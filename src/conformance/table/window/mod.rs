//! Windows that slide over images: neural convolution, its transpose and pooling. What both share is here.

mod conv;
mod pool;

use half::f16;
use ndarray::{ArrayD, Axis, IxDyn};

pub(super) use self::conv::ConvTrial;
pub(super) use self::pool::PoolTrial;
use super::{Body, sampled, settings, shape_name};
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::tensor::Tensor;

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    [conv::trials(extent), pool::trials(extent)].concat()
}

/// Strides, dilations and pads of all axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slides {
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
}

/// How x and w lie on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Single,
    Half,
    /// Views of larger arrays whose last two axes are swapped.
    Strided,
}

impl Stored {
    async fn upload<R>(
        self,
        context: &Context,
        x: &mut ArrayD<f32>,
        w: &mut ArrayD<f32>,
        run: impl AsyncFnOnce(Inputs) -> Result<R>,
    ) -> Result<R> {
        match self {
            Self::Single => run(Inputs::Single(context.upload(&*x)?, context.upload(&*w)?)).await,
            Self::Half => {
                let halves = |array: &mut ArrayD<f32>| {
                    array.mapv_inplace(|entry| f16::from_f32(entry).to_f32());
                    context.upload(&array.mapv(f16::from_f32))
                };
                run(Inputs::Half(halves(x)?, halves(w)?)).await
            }
            Self::Strided => run(Inputs::Single(strided(context, x)?, strided(context, w)?)).await,
        }
    }
}

enum Inputs {
    Single(Tensor, Tensor),
    Half(Tensor<f16>, Tensor<f16>),
}

/// The array as a view of a larger one, whose last two axes are stored the other way around.
fn strided(context: &Context, array: &ArrayD<f32>) -> Result<Tensor> {
    let last = array.ndim() - 1;
    let mut swapped = array.clone();
    swapped.swap_axes(last - 1, last);
    let mut shape = swapped.shape().to_vec();
    shape[0] += 1;
    let mut larger = ArrayD::from_elem(IxDyn(&shape), f32::NAN);
    larger.slice_axis_mut(Axis(0), (1..).into()).assign(&swapped);
    Ok(context.upload(&larger)?.slice(0, 1..shape[0])?.transpose())
}

const STORED: [(Stored, &str); 3] = [(Stored::Single, ""), (Stored::Half, " f16"), (Stored::Strided, " strided")];

const fn slides(stride: usize, dilation: usize, before: usize, after: usize) -> Slides {
    Slides { stride, dilation, before, after }
}

const SLIDES: [Slides; 6] = [
    slides(1, 1, 0, 0),
    slides(1, 1, 1, 2),
    slides(2, 1, 1, 1),
    slides(3, 2, 2, 0),
    slides(1, 3, 4, 4),
    slides(2, 4, 3, 3),
];
