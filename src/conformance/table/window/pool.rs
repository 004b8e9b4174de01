//! Pooling: sums, means and largest entries of windows, with pads, dilations, views and f16.

use std::collections::HashSet;

use ndarray::{ArrayD, IxDyn};

use super::{Body, Inputs, SLIDES, STORED, Slides, Stored, sampled, settings, shape_name};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::expr::UNIT_ROUNDOFF;
use crate::metric::blocked_sum_terms;
use crate::ops::{self, PoolOptions};
use crate::reference::{self, Slide};
use crate::tensor::{Real, Tensor};

/// One pooling.
#[derive(Debug, Clone)]
pub(crate) struct PoolTrial {
    pooling: Pool,
    x: Vec<usize>,
    window: Vec<usize>,
    slide: Slides,
    ceil: bool,
    stored: Stored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    Sum,
    Mean,
    MeanWithPads,
    Max,
    MaxWithPlaces,
}

impl PoolTrial {
    pub(in crate::conformance::table) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        // Largest entries that occur more than once, and now and then a NaN.
        let largest = matches!(self.pooling, Pool::Max | Pool::MaxWithPlaces);
        let mut x = ArrayD::from_shape_simple_fn(IxDyn(&self.x), || match generator.below(40) {
            0 if largest => f32::NAN,
            1 if largest => f32::NEG_INFINITY,
            _ if largest => (generator.bell() * 2.0).round(),
            _ => generator.bell(),
        });
        let Slides { stride, dilation, before, after } = self.slide;
        let axes = self.x.len() - 2;
        let options = PoolOptions {
            strides: vec![stride; axes],
            pads: vec![(before, after); axes],
            dilations: vec![dilation; axes],
            ceil_mode: self.ceil,
            count_include_pad: self.pooling == Pool::MeanWithPads,
        };
        let run = async |inputs: Inputs| match inputs {
            Inputs::Single(x, _) => self.call(&x, &options).await,
            Inputs::Half(x, _) => self.call(&x, &options).await,
        };
        let mut unused = ArrayD::zeros(IxDyn(&[1, 1]));
        let (got, places) = self.stored.upload(context, &mut x, &mut unused, run).await?;
        let slides: Vec<Slide> = (0..axes)
            .map(|axis| {
                let room = self.x[axis + 2] + before + after - ((self.window[axis] - 1) * dilation + 1);
                // Rounded up, a last window that starts behind the entries is left out, full or not.
                let up = room.div_ceil(stride);
                let behind = up * stride >= self.x[axis + 2] + before;
                let steps = if self.ceil { up.saturating_sub(usize::from(behind)) } else { room / stride };
                Slide { stride, dilation, pads: (before, after), outputs: steps + 1 }
            })
            .collect();
        let shape: Vec<usize> = self.x[..2].iter().copied().chain(slides.iter().map(|slide| slide.outputs)).collect();
        if got.shape() != shape {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {shape:?}", got.shape())));
        }
        let (wide, mut comparison) = (x.mapv(f64::from), Comparison::default());
        let all: Vec<_> = got.indexed_iter().collect();
        for number in sampled(all.len()) {
            let Some((at, got)) = all.get(number) else { continue };
            let (seen, padding) = reference::window(wide.view(), &self.window, &slides, ndarray::Dimension::slice(at));
            if largest {
                let better = |best: (f64, usize), next: &(f64, usize)| match () {
                    () if best.0.is_nan() || (best.1 != usize::MAX && !next.0.is_nan() && next.0 <= best.0) => best,
                    () => *next,
                };
                let best = seen.iter().fold((f64::NEG_INFINITY, usize::MAX), better);
                comparison.entry(|| format!("{at:?}"), **got, best.0, 0.0);
                if let Some(places) = &places {
                    comparison.bits(|| format!("place at {at:?}"), places[at].into(), best.1 as u64 & 0xffff_ffff);
                }
                continue;
            }
            let (sum, size) = seen.iter().fold((0.0, 0.0), |(sum, size), (v, _)| (sum + v, size + f64::abs(*v)));
            let bound = (blocked_sum_terms(seen.len()) + 2.0) * UNIT_ROUNDOFF * size;
            let count = match self.pooling {
                Pool::Mean => seen.len() as f64,
                Pool::MeanWithPads => (seen.len() + padding) as f64,
                _ => 1.0,
            };
            let divided = if self.pooling == Pool::Sum { 0.0 } else { 5.0 * UNIT_ROUNDOFF * (sum / count).abs() };
            comparison.entry(|| format!("{at:?}"), **got, sum / count, bound / count + divided);
        }
        Ok(comparison)
    }

    async fn call<E: Real>(&self, x: &Tensor<E>, options: &PoolOptions) -> Result<(ArrayD<f32>, Option<ArrayD<u32>>)> {
        let pooled = match self.pooling {
            Pool::Sum => ops::pool_sum(x, &self.window, options)?,
            Pool::Mean | Pool::MeanWithPads => ops::pool_mean(x, &self.window, options)?,
            Pool::Max => ops::pool_max(x, &self.window, options)?,
            Pool::MaxWithPlaces => {
                let found = ops::pool_max_indices(x, &self.window, options)?;
                return Ok((found.values.read().await?, Some(found.indices.read().await?)));
            }
        };
        Ok((pooled.read().await?, None))
    }
}

const POOLS: [(Pool, &str); 5] = [
    (Pool::Sum, "pool_sum"),
    (Pool::Mean, "pool_mean"),
    (Pool::MeanWithPads, "pool_mean with pads"),
    (Pool::Max, "pool_max"),
    (Pool::MaxWithPlaces, "pool_max_indices"),
];

const POOLED: [(&[usize], &[usize]); 7] = [
    (&[1, 1, 9], &[1]),
    (&[2, 3, 40], &[8]),
    (&[3, 2, 17, 18], &[3, 3]),
    (&[1, 4, 23, 9], &[5, 2]),
    (&[2, 3, 11, 12], &[11, 12]),
    (&[1, 2, 9, 10, 11], &[3, 3, 3]),
    (&[1, 1, 12, 13, 9], &[2, 5, 1]),
];

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |trial: PoolTrial| {
        let word = |found: Option<&str>| found.unwrap_or("").to_owned();
        let op = POOLS.iter().find(|(pool, _)| *pool == trial.pooling).map_or("pool_sum", |(_, word)| *word);
        let stored = word(STORED.iter().find(|(stored, _)| *stored == trial.stored).map(|(_, word)| *word));
        let Slides { stride, dilation, before, after } = trial.slide;
        let name = format!(
            "{} by {} stride {stride} dilation {dilation} pads {before},{after}{}{stored}",
            shape_name(&trial.x),
            shape_name(&trial.window),
            if trial.ceil { " ceil" } else { "" },
        );
        trials.push(Trial::new(op, name, Body::Pool(trial)));
    };
    for row in settings(extent, &[POOLED.len(), SLIDES.len(), POOLS.len(), 2, STORED.len()]) {
        let [size, slide, pool, ceil, stored] = row[..] else { continue };
        let ((x, window), slide) = (POOLED[size], SLIDES[slide]);
        let fits = |(n, k): (&usize, &usize)| n + slide.before + slide.after > (k - 1) * slide.dilation;
        if x[2..].iter().zip(window).all(fits) {
            let (pooling, stored) = (POOLS[pool].0, STORED[stored].0);
            add(PoolTrial { pooling, x: x.to_vec(), window: window.to_vec(), slide, ceil: ceil == 1, stored });
        }
    }
    // More taps than one invocation may loop over on a driver that stops after 65,535 iterations.
    for (pooling, _) in POOLS {
        let (x, window) = (vec![1, 2, 270, 281], vec![270, 280]);
        add(PoolTrial { pooling, x, window, slide: SLIDES[0], ceil: false, stored: Stored::Single });
    }
    let mut seen = HashSet::new();
    trials.retain(|trial| seen.insert(trial.name()));
    trials
}
