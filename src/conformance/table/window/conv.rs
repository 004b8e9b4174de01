//! Neural convolution and its transpose: 1 to 3 axes, strides, pads, dilations, groups, every method, views and f16.

use std::collections::HashSet;

use ndarray::{ArrayD, Axis, IxDyn};
use num_complex::Complex;

use super::{Body, Inputs, SLIDES, STORED, Slides, Stored, sampled, settings, shape_name, slides};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::expr::{Expr, UNIT_ROUNDOFF};
use crate::metric::blocked_sum_terms;
use crate::ops::{self, ConvOptions};
use crate::reference::{self, Slide, Sums};
use crate::tensor::{Real, Tensor};
use crate::work::ConvMethod;

/// One neural convolution.
#[derive(Debug, Clone)]
pub(crate) struct ConvTrial {
    transposed: bool,
    x: Vec<usize>,
    w: Vec<usize>,
    groups: usize,
    slide: Slides,
    /// Bias and activation.
    fused: Fused,
    stored: Stored,
    method: ConvMethod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fused {
    Nothing,
    Bias,
    Relu,
    BiasAndTanh,
}

impl ConvTrial {
    fn activation(&self) -> Option<Expr> {
        match self.fused {
            Fused::Nothing | Fused::Bias => None,
            Fused::Relu => Some(Expr::variable(0).positive_part()),
            Fused::BiasAndTanh => Some((Expr::variable(0) * Expr::parameter(0.25)).tanh()),
        }
    }

    fn options(&self) -> ConvOptions {
        let axes = self.x.len() - 2;
        let Slides { stride, dilation, before, after } = self.slide;
        ConvOptions {
            strides: vec![stride; axes],
            pads: vec![(before, after); axes],
            dilations: vec![dilation; axes],
            groups: self.groups,
            // Of a transpose, an output more where the stride leaves room for one.
            output_padding: if self.transposed && stride > 1 { vec![1; axes] } else { Vec::new() },
            activation: self.activation(),
            method: self.method,
        }
    }

    pub(in crate::conformance::table) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let mut x = ArrayD::from_shape_simple_fn(IxDyn(&self.x), || generator.bell());
        let mut w = ArrayD::from_shape_simple_fn(IxDyn(&self.w), || generator.bell());
        let filters = if self.transposed { self.w[1] * self.groups } else { self.w[0] };
        let with_bias = matches!(self.fused, Fused::Bias | Fused::BiasAndTanh);
        let bias = with_bias.then(|| ArrayD::from_shape_simple_fn(IxDyn(&[filters]), || generator.bell()));
        let uploaded = bias.as_ref().map(|bias| context.upload(bias)).transpose()?;
        let options = self.options();
        let run = async |inputs: Inputs| match inputs {
            Inputs::Single(x, w) => self.call(&x, &w, uploaded.as_ref(), &options)?.read().await,
            Inputs::Half(x, w) => self.call(&x, &w, uploaded.as_ref(), &options)?.read().await,
        };
        let got = self.stored.upload(context, &mut x, &mut w, run).await?;
        let (sums, by_transform) = self.expected(&x.mapv(f64::from), &w.mapv(f64::from), got.shape());
        if got.shape() != sums.value.shape() {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), sums.value.shape())));
        }
        let inner = if self.transposed { self.x[1] / self.groups } else { self.w[1] };
        let terms = inner * self.w[2..].iter().product::<usize>();
        let plane: usize = got.shape()[2..].iter().product();
        let mut comparison = Comparison::default();
        let activation = self.activation();
        let (got, value, size) = (flat(&got), flat(&sums.value), flat(&sums.magnitude));
        for at in sampled(got.len()) {
            let direct = (blocked_sum_terms(terms) + 2.0) * UNIT_ROUNDOFF * size[at];
            let transform = by_transform.get(at / plane).copied().unwrap_or(0.0);
            let bound = match self.method {
                ConvMethod::Direct | ConvMethod::ImplicitGemm => direct,
                ConvMethod::Fft | ConvMethod::Auto => direct.max(transform),
            };
            let added = bias.as_ref().map_or(0.0, |bias| f64::from(bias[[at / plane % filters]]));
            let want = value[at] + added;
            let bound = bound + if with_bias { UNIT_ROUNDOFF * want.abs() } else { 0.0 };
            let (want, bound) = match &activation {
                Some(activation) => activation.evaluate_with_bound(&[(want, bound)]),
                None => (want, bound),
            };
            comparison.entry(|| format!("flat index {at}"), got[at], want, bound);
        }
        Ok(comparison)
    }

    fn call<E: Real>(
        &self,
        x: &Tensor<E>,
        w: &Tensor<E>,
        bias: Option<&Tensor>,
        options: &ConvOptions,
    ) -> Result<Tensor> {
        if self.transposed { ops::conv_transpose(x, w, bias, options) } else { ops::conv(x, w, bias, options) }
    }

    /// The sums, and for each channel of the batch the bound of a result by Fourier transforms: that of every channel of x,
    /// whose spectra are then summed.
    fn expected(
        &self,
        x: &ArrayD<f64>,
        w: &ArrayD<f64>,
        shape: &[usize],
    ) -> (Sums<ArrayD<f64>, ArrayD<f64>>, Vec<f64>) {
        let Slides { stride, dilation, before, after } = self.slide;
        let slides: Vec<Slide> = (0..self.x.len() - 2)
            .map(|axis| {
                let reach = (self.w[axis + 2] - 1) * dilation + 1;
                let length = self.x[axis + 2];
                let outputs = match self.transposed {
                    true => (length - 1) * stride + reach + usize::from(stride > 1) - before - after,
                    false => (length + before + after - reach) / stride + 1,
                };
                Slide { stride, dilation, pads: (before, after), outputs }
            })
            .collect();
        let sums = match self.transposed {
            true => reference::conv_transpose(x.view(), w.view(), &slides, self.groups),
            false => reference::conv(x.view(), w.view(), &slides, self.groups),
        };
        if !matches!(self.method, ConvMethod::Fft | ConvMethod::Auto) {
            return (sums, Vec::new());
        }
        let complex =
            |values: ndarray::ArrayViewD<'_, f64>| values.iter().map(|v| Complex::new(*v, 0.0)).collect::<Vec<_>>();
        let full: Vec<usize> = self.x[2..].iter().zip(&self.w[2..]).map(|(n, k)| n + k - 1).collect();
        let (channels, filters) = (self.x[1], shape[1]);
        let inner = channels / self.groups;
        let by_transform = (0..self.x[0] * filters).map(|item| {
            let (batch, output) = (item / filters, item % filters);
            let group = output / (filters / self.groups);
            let of_channel = |c: usize| {
                let signal = complex(x.index_axis(Axis(0), batch).index_axis(Axis(0), group * inner + c).into_dyn());
                let (outer, own) = match self.transposed {
                    true => (group * inner + c, output % (filters / self.groups)),
                    false => (output, c),
                };
                let kernel = complex(w.index_axis(Axis(0), outer).index_axis(Axis(0), own).into_dyn());
                let two = signal.iter().map(|v| v.norm_sqr()).sum::<f64>().sqrt();
                let one = kernel.iter().map(|v| v.norm()).sum::<f64>();
                let summed = (inner as f64 + 2.0) * UNIT_ROUNDOFF * two * one;
                bounds::convolve_by_transform(&signal, &kernel, &full) + summed
            };
            (0..inner).map(of_channel).sum()
        });
        (sums, by_transform.collect())
    }
}

fn flat<T: Copy>(array: &ArrayD<T>) -> Vec<T> {
    array.iter().copied().collect()
}

const METHODS: [(ConvMethod, &str); 4] = [
    (ConvMethod::Auto, "auto"),
    (ConvMethod::Direct, "direct"),
    (ConvMethod::ImplicitGemm, "implicit product"),
    (ConvMethod::Fft, "fft"),
];
const FUSED: [(Fused, &str); 4] =
    [(Fused::Nothing, ""), (Fused::Bias, " bias"), (Fused::Relu, " relu"), (Fused::BiasAndTanh, " bias, tanh")];
/// x, w and groups; of a transpose, the first two axes of w change places within a group.
const SIZES: [(&[usize], &[usize], usize); 13] = [
    (&[1, 1, 30], &[1, 1, 1], 1),
    (&[2, 3, 50], &[4, 3, 3], 1),
    (&[1, 2, 300], &[3, 2, 70], 1),
    (&[3, 6, 41], &[4, 3, 8], 2),
    (&[2, 3, 19, 22], &[5, 3, 3, 3], 1),
    (&[1, 17, 13, 14], &[33, 17, 1, 1], 1),
    (&[2, 12, 15, 11], &[6, 4, 3, 2], 3),
    (&[1, 5, 16, 17], &[5, 1, 7, 7], 5),
    (&[1, 3, 34, 33], &[6, 1, 11, 9], 3),
    (&[1, 70, 9, 10], &[9, 70, 3, 3], 1),
    (&[5, 40, 12, 12], &[3, 40, 4, 4], 1),
    (&[1, 3, 14, 13, 15], &[4, 3, 3, 2, 3], 1),
    (&[1, 4, 16, 12, 13], &[6, 2, 3, 3, 3], 2),
];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |trial: ConvTrial| {
        let op = if trial.transposed { "conv_transpose" } else { "conv" };
        let word = |found: Option<&str>| found.unwrap_or("").to_owned();
        let method = word(METHODS.iter().find(|(method, _)| *method == trial.method).map(|(_, word)| *word));
        let fused = word(FUSED.iter().find(|(fused, _)| *fused == trial.fused).map(|(_, word)| *word));
        let stored = word(STORED.iter().find(|(stored, _)| *stored == trial.stored).map(|(_, word)| *word));
        let Slides { stride, dilation, before, after } = trial.slide;
        let name = format!(
            "{} by {} groups {} stride {stride} dilation {dilation} pads {before},{after}{fused} {method}{stored}",
            shape_name(&trial.x),
            shape_name(&trial.w),
            trial.groups,
        );
        trials.push(Trial::new(op, name, Body::Conv(trial)));
    };
    for row in settings(extent, &[SIZES.len(), SLIDES.len(), METHODS.len(), 2, FUSED.len(), STORED.len()]) {
        let [size, slide, method, transposed, fused, stored] = row[..] else { continue };
        let (x, w, groups) = SIZES[size];
        let (mut w, mut slide, transposed) = (w.to_vec(), SLIDES[slide], transposed == 1);
        if transposed {
            (w[0], w[1]) = (x[1], w[0] / groups);
        }
        let method = METHODS[method].0;
        if method == ConvMethod::Fft {
            (slide.stride, slide.dilation) = (1, 1);
        }
        let fits = |(n, k): (&usize, &usize)| match transposed {
            true => (n - 1) * slide.stride + (k - 1) * slide.dilation + 1 > slide.before + slide.after,
            false => n + slide.before + slide.after > (k - 1) * slide.dilation,
        };
        if !x[2..].iter().zip(&w[2..]).all(fits) {
            continue;
        }
        let (fused, stored) = (FUSED[fused].0, STORED[stored].0);
        add(ConvTrial { transposed, x: x.to_vec(), w, groups, slide, fused, stored, method });
    }
    let plain = |x: &[usize], w: &[usize], groups, pad, method| ConvTrial {
        transposed: false,
        x: x.to_vec(),
        w: w.to_vec(),
        groups,
        slide: slides(1, 1, pad, pad),
        fused: Fused::Bias,
        stored: Stored::Single,
        method,
    };
    for (method, _) in METHODS {
        add(plain(&[1, 6, 40, 37], &[6, 1, 31, 31], 6, 15, method));
        add(plain(&[1, 2, 24, 20], &[3, 2, 13, 15], 1, 7, method));
    }
    // Enough work for the largest blocks.
    for (method, _) in METHODS.into_iter().take(3) {
        add(plain(&[1, 24, 30, 33], &[40, 24, 3, 3], 1, 1, method));
        add(plain(&[1, 40, 40, 40], &[40, 1, 7, 7], 40, 3, method));
        add(plain(&[1, 4, 3000], &[16, 4, 20], 1, 10, method));
        let strided = plain(&[1, 24, 60, 63], &[40, 24, 3, 3], 1, 1, method);
        add(ConvTrial { slide: slides(2, 1, 1, 1), ..strided });
    }
    // More terms than one invocation may loop over on a driver that stops after 65,535 iterations.
    add(plain(&[1, 1, 70_010], &[1, 1, 70_001], 1, 0, ConvMethod::Direct));
    add(plain(&[1, 9000, 3, 3], &[2, 9000, 3, 3], 1, 1, ConvMethod::Auto));
    if extent == Extent::Full {
        add(plain(&[1, 64, 56, 56], &[64, 1, 31, 31], 64, 15, ConvMethod::Auto));
        add(plain(&[2, 64, 56, 56], &[64, 64, 3, 3], 1, 1, ConvMethod::Auto));
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
