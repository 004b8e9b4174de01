//! Random numbers from counters, and Gram matrices on lattices and nets against the dense ones.

use ndarray::{Array1, Array2};

use super::{Body, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::conformance::{Generator, bounds};
use crate::context::Context;
use crate::error::Result;
use crate::kernel::Kernel;
use crate::methods::{LatticeGram, digital_net, lattice, random_shift};
use crate::metric::UNIT_ROUNDOFF;
use crate::ops::{random_bits, random_normal, random_uniform};
use crate::work::{Distribution, random_words};

/// What is looked at.
#[derive(Debug, Clone)]
pub(crate) enum LatticeTrial {
    /// Numbers of a shape.
    Random { distribution: Distribution, shape: Vec<usize>, seed: u64, stream: u64 },
    /// A product with a Gram matrix, or the solution with some noise on its diagonal.
    Gram { kernel: &'static str, net: bool, points: usize, features: usize, vectors: usize, noise: Option<f64> },
}

impl LatticeTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        match self {
            Self::Random { distribution, shape, seed, stream } => {
                random(context, *distribution, shape, *seed, *stream).await
            }
            &Self::Gram { kernel, net, points, features, vectors, noise } => {
                gram(context, name, (kernel, net), (points, features), vectors, noise).await
            }
        }
    }
}

async fn random(
    context: &Context,
    distribution: Distribution,
    shape: &[usize],
    seed: u64,
    stream: u64,
) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    let upper = |word: u32| f64::from(word >> 8) / 16_777_216.0;
    let words = |at: usize| random_words(seed, stream, at as u64 / 4);
    match distribution {
        Distribution::Bits => {
            let got = random_bits(context, shape, seed, stream)?.read().await?;
            for (at, got) in got.iter().enumerate() {
                comparison.bits(|| format!("word {at}"), u64::from(*got), u64::from(words(at)[at % 4]));
            }
        }
        Distribution::Uniform => {
            let got = random_uniform(context, shape, seed, stream)?.read().await?;
            for (at, got) in got.iter().enumerate() {
                let want = upper(words(at)[at % 4]) as f32;
                comparison.bits(|| format!("number {at}"), u64::from(got.to_bits()), u64::from(want.to_bits()));
            }
        }
        Distribution::Normal => {
            let got = random_normal(context, shape, seed, stream)?.read().await?;
            for (at, got) in got.iter().enumerate() {
                let words = words(at);
                let (a, b) = if at % 4 < 2 { (words[0], words[1]) } else { (words[2], words[3]) };
                let radius = (-2.0 * (upper(a) + 1.0 / 16_777_216.0).ln()).sqrt();
                let (sine, cosine) = (std::f64::consts::TAU * upper(b)).sin_cos();
                let want = radius * if at % 2 == 0 { cosine } else { sine };
                comparison.entry(|| format!("number {at}"), *got, want, 1.2e-6 * radius);
            }
        }
    }
    Ok(comparison)
}

async fn gram(
    context: &Context,
    name: &str,
    (kernel, net): (&str, bool),
    (n, d): (usize, usize),
    vectors: usize,
    noise: Option<f64>,
) -> Result<Comparison> {
    let mut generator = Generator::named(name);
    let kernel: Kernel = kernel.parse()?;
    // The points of the dense matrix are shifted, those of the fast one are not.
    let shift = random_shift(d, 5, 1);
    let points = if net { digital_net(n, d, &shift)? } else { lattice(n, d, &shift)? };
    let of_points = if net { LatticeGram::of_digital_net } else { LatticeGram::of_lattice };
    let fast = of_points(context, &kernel, n, d)?;
    let function = kernel.pair_function(d)?;
    let row = |i: usize| points.row(i).to_vec();
    let dense = Array2::from_shape_fn((n, n), |(i, j)| function.evaluate(&row(i), &row(j)));
    let u = Array2::from_shape_simple_fn((vectors, n), || generator.bell());
    let times = |u: &Array1<f64>| dense.dot(u) + u * noise.unwrap_or(0.0);
    let mut comparison = Comparison::default();
    let inputs: Vec<Array1<f64>> = u.rows().into_iter().map(|u| u.mapv(f64::from)).collect();
    let outputs: Vec<Array1<f64>> = inputs.iter().map(times).collect();
    let given = Array2::from_shape_fn((vectors, n), |(i, j)| match noise {
        Some(_) => outputs[i][j] as f32,
        None => u[[i, j]],
    });
    let given_there = context.upload(&given)?;
    let (applied, got) = match noise {
        Some(noise) => {
            let inverse = fast.inverse(noise)?;
            let got = inverse.matvec(&given_there)?;
            (inverse, got)
        }
        None => (fast.clone(), fast.matvec(&given_there)?),
    };
    let got = got.read().await?;
    // Of the transforms, of the rounded column or eigenvalues, and of the vector where it was computed here.
    let eigenvalues = applied.eigenvalues();
    let largest = eigenvalues.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let together = eigenvalues.iter().map(|value| value * value).sum::<f64>().sqrt();
    let operator = if net {
        (2.0 * f64::from(n.ilog2()) + 7.0) * UNIT_ROUNDOFF * largest
    } else {
        let transform = bounds::fft(&[n]);
        (2.0 * transform + 4.0 * UNIT_ROUNDOFF) * largest + (transform + UNIT_ROUNDOFF) * together
    };
    let own = if noise.is_some() { UNIT_ROUNDOFF * largest } else { 0.0 };
    for (i, got) in got.outer_iter().enumerate() {
        let want = if noise.is_some() { &inputs[i] } else { &outputs[i] };
        let error = got.iter().zip(want).map(|(got, want)| (f64::from(*got) - want).powi(2)).sum::<f64>().sqrt();
        let norm = |v: &Array1<f64>| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let size = norm(if noise.is_some() { &outputs[i] } else { &inputs[i] });
        comparison.norm(|| format!("vector {i}"), error, (norm(want), (operator + own) * size), n);
    }
    Ok(comparison)
}

pub(super) fn trials(_: Extent) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (distribution, op) in [
        (Distribution::Bits, "random_bits"),
        (Distribution::Uniform, "random_uniform"),
        (Distribution::Normal, "random_normal"),
    ] {
        for (number, shape) in [&[1][..], &[0, 3], &[2, 7], &[257], &[4, 1000], &[70_001]].into_iter().enumerate() {
            let (seed, stream) = if number % 2 == 0 { (7, 0) } else { (u64::MAX - 9, 1 << 40) };
            let shape = shape.to_vec();
            let setting = format!("{} seed {seed} stream {stream}", shape_name(&shape));
            let trial = LatticeTrial::Random { distribution, shape, seed, stream };
            trials.push(Trial::new(op, setting, Body::Lattice(trial)));
        }
    }
    const KERNELS: [(&str, bool); 6] = [
        ("bernoulli", false),
        ("bernoulli(order=2, gamma=[0.5, 0.25, 1])", false),
        ("0.5*bernoulli(order=3) + 2*bernoulli", false),
        ("walsh", true),
        ("walsh(order=2, gamma=[0.5, 0.25, 1])", true),
        ("walsh(order=3) + walsh", true),
    ];
    for (kernel, net) in KERNELS {
        for (points, vectors) in [(1, 1), (2, 3), (64, 2), (256, 1)] {
            for noise in [None, Some(0.0), Some(0.1)] {
                // Of kernels of higher order the smallest eigenvalues drown.
                if noise == Some(0.0) && kernel.contains("order") && points > 64 {
                    continue;
                }
                let op = if noise.is_some() { "lattice_gram::solve" } else { "lattice_gram::matvec" };
                let diagonal = noise.map_or(String::new(), |noise| format!(" noise {noise}"));
                let on = if net { "net" } else { "lattice" };
                let setting = format!("{kernel} on a {on} of {points}x3, {vectors} vectors{diagonal}");
                let trial = LatticeTrial::Gram { kernel, net, points, features: 3, vectors, noise };
                trials.push(Trial::new(op, setting, Body::Lattice(trial)));
            }
        }
    }
    trials
}
