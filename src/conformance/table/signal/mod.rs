//! Filters, deconvolution, template matching, registration and resampling, in batches and through strided views.

mod expected;

use ndarray::{ArrayD, ArrayViewD, Dimension, IxDyn};

use self::expected::{Expected, norm};
use super::{Body, shape_name};
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::methods::signal::{
    Edges, FilterOptions, autocorrelation, correlate_filter, gaussian_filter, match_template, phase_correlation,
    richardson_lucy, uniform_filter, upfirdn, wiener,
};
use crate::work::Boundary;

/// What is done.
#[derive(Debug, Clone)]
enum Kind {
    /// Standard deviations.
    Gaussian(Vec<f64>, FilterOptions),
    /// Sizes.
    Uniform(Vec<usize>, FilterOptions),
    /// The weights' shape.
    Correlate(Vec<usize>, FilterOptions),
    /// The point-spread function's shape.
    Wiener(Vec<usize>),
    /// The point-spread function's shape, and iterations.
    RichardsonLucy(Vec<usize>, usize),
    /// The template's shape.
    MatchTemplate(Vec<usize>),
    PhaseCorrelation,
    /// Taps, up and down.
    Upfirdn(usize, usize, usize),
    Autocorrelation,
}

/// One method over one batch.
#[derive(Debug, Clone)]
pub(crate) struct SignalTrial {
    kind: Kind,
    /// Of the images or signals that are worked on one by one.
    batch: usize,
    shape: Vec<usize>,
    /// Stored with the last two axes swapped.
    transposed: bool,
}

impl SignalTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let positive = matches!(self.kind, Kind::RichardsonLucy(..));
        let mut draw = || if positive { 0.1 + generator.unit() } else { generator.bell() };
        let mut shape = self.shape.clone();
        if !matches!(self.kind, Kind::PhaseCorrelation) {
            shape.insert(0, self.batch);
        }
        let last = shape.len() - 1;
        let x = ArrayD::from_shape_simple_fn(IxDyn(&shape), &mut draw);
        let small_shape = match &self.kind {
            Kind::Correlate(small, _) | Kind::Wiener(small) | Kind::RichardsonLucy(small, _) => small.clone(),
            Kind::MatchTemplate(small) => small.clone(),
            Kind::Upfirdn(taps, ..) => vec![*taps],
            Kind::PhaseCorrelation => self.shape.clone(),
            _ => vec![1],
        };
        let mut small = ArrayD::from_shape_simple_fn(IxDyn(&small_shape), &mut draw);
        if matches!(self.kind, Kind::Wiener(_) | Kind::RichardsonLucy(..)) {
            // A blur: every weight above 0, their sum 1.
            small.mapv_inplace(|weight| weight.abs() + 0.1);
            let sum = small.sum();
            small.mapv_inplace(|weight| weight / sum);
        }
        let mut stored = x.clone();
        if self.transposed {
            stored.swap_axes(last - 1, last);
        }
        let stored = context.upload(&stored.as_standard_layout().into_owned())?;
        let device = if self.transposed { stored.transpose() } else { stored };
        let other = context.upload(&small)?;
        let got = match &self.kind {
            Kind::Gaussian(sigma, options) => gaussian_filter(&device, sigma, options)?,
            Kind::Uniform(size, options) => uniform_filter(&device, size, options)?,
            Kind::Correlate(_, options) => correlate_filter(&device, &other, options)?,
            Kind::Wiener(_) => wiener(&device, &other, BALANCE, Edges::Periodic)?,
            Kind::RichardsonLucy(_, iterations) => richardson_lucy(&device, &other, *iterations)?,
            Kind::MatchTemplate(_) => match_template(&device, &other)?,
            Kind::PhaseCorrelation => phase_correlation(&device, &other)?,
            Kind::Upfirdn(_, up, down) => upfirdn(&other, &device, *up, *down)?,
            Kind::Autocorrelation => autocorrelation(&device)?,
        };
        let (got, small) = (got.read().await?, small.mapv(f64::from));
        let mut comparison = Comparison::default();
        if matches!(self.kind, Kind::PhaseCorrelation) {
            self.judge(&mut comparison, got.view(), Expected::of(&self.kind, &x.mapv(f64::from), &small)?);
        } else {
            if got.shape().first() != x.shape().first() {
                return Ok(Comparison::broken(format!("the shape is {:?}, the input's {:?}", got.shape(), x.shape())));
            }
            for (got, x) in got.outer_iter().zip(x.outer_iter()) {
                self.judge(&mut comparison, got, Expected::of(&self.kind, &x.mapv(f64::from), &small)?);
            }
        }
        Ok(comparison)
    }

    fn judge(&self, comparison: &mut Comparison, got: ArrayViewD<'_, f32>, expected: Expected) {
        let want = match &expected {
            Expected::Entries((want, _)) | Expected::Norm(want, _) => want,
        };
        if got.shape() != want.shape() {
            *comparison = Comparison::broken(format!("the shape is {:?}, not {:?}", got.shape(), want.shape()));
            return;
        }
        match &expected {
            Expected::Entries((want, bound)) => {
                for ((place, want), (got, bound)) in want.indexed_iter().zip(got.iter().zip(bound)) {
                    comparison.entry(|| format!("{:?}", place.slice()), *got, *want, *bound);
                }
            }
            Expected::Norm(want, bound) => {
                let squares = got.iter().zip(want).map(|(got, want)| (f64::from(*got) - want).powi(2));
                comparison.norm(
                    || "the norm".to_owned(),
                    squares.sum::<f64>().sqrt(),
                    (norm(want), *bound),
                    want.len(),
                );
            }
        }
    }
}

const BALANCE: f64 = 0.05;

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let with = |boundary: Boundary, origin: [isize; 3]| FilterOptions { boundary, origin, ..FilterOptions::default() };
    let mut kinds: Vec<(&str, String, Vec<usize>, Kind)> = Vec::new();
    let mut add = |op: &'static str, setting: String, shape: &[usize], kind: Kind| {
        kinds.push((op, setting, shape.to_vec(), kind));
    };
    const BOUNDARIES: [(Boundary, &str); 6] = [
        (Boundary::Zero, "zero"),
        (Boundary::Constant(0.5), "constant"),
        (Boundary::Reflect, "reflect"),
        (Boundary::Mirror, "mirror"),
        (Boundary::Nearest, "nearest"),
        (Boundary::Wrap, "wrap"),
    ];
    for (boundary, name) in BOUNDARIES {
        add("gaussian_filter", format!("{name} sigma 1.3"), &[17], Kind::Gaussian(vec![1.3], with(boundary, [0; 3])));
        let wide = Kind::Gaussian(vec![2.5, 0.0], with(boundary, [1, 0, 0]));
        add("gaussian_filter", format!("{name} sigma 2.5x0 origin 1x0"), &[7, 13], wide);
        let cube = Kind::Uniform(vec![3, 1, 4], with(boundary, [0, 0, -2]));
        add("uniform_filter", format!("{name} size 3x1x4 origin 0x0x-2"), &[5, 4, 9], cube);
        let weights = Kind::Correlate(vec![4, 3], with(boundary, [-1, 1, 0]));
        add("correlate_filter", format!("{name} weights 4x3 origin -1x1"), &[11, 6], weights);
    }
    add("uniform_filter", "reflect size 70".to_owned(), &[1], Kind::Uniform(vec![70], FilterOptions::default()));
    for (shape, psf) in [(&[31][..], &[5][..]), (&[12, 17], &[3, 4]), (&[5, 6, 7], &[2, 3, 1])] {
        add("wiener", format!("psf {}", shape_name(psf)), shape, Kind::Wiener(psf.to_vec()));
        for iterations in [0, 1, 3] {
            let kind = Kind::RichardsonLucy(psf.to_vec(), iterations);
            add("richardson_lucy", format!("psf {} iterations {iterations}", shape_name(psf)), shape, kind);
        }
    }
    for (shape, template) in
        [(&[40][..], &[7][..]), (&[13, 17], &[13, 17]), (&[23, 31], &[5, 8]), (&[6, 7, 8], &[2, 3, 4])]
    {
        let kind = Kind::MatchTemplate(template.to_vec());
        add("match_template", format!("template {}", shape_name(template)), shape, kind);
    }
    for shape in [&[1][..], &[37], &[16, 21], &[4, 5, 6]] {
        add("phase_correlation", "noise".to_owned(), shape, Kind::PhaseCorrelation);
    }
    for (n, taps, up, down) in
        [(1, 1, 1, 1), (7, 3, 1, 1), (10, 31, 3, 2), (10, 4, 1, 4), (5, 2, 7, 3), (101, 65, 5, 11)]
    {
        let setting = format!("taps {taps} up {up} down {down}");
        add("upfirdn", setting, &[n], Kind::Upfirdn(taps, up, down));
    }
    for n in [1, 2, 17, 257] {
        add("autocorrelation", "noise".to_owned(), &[n], Kind::Autocorrelation);
    }

    let mut trials = Vec::new();
    for (number, (op, setting, shape, kind)) in kinds.into_iter().enumerate() {
        for (at, (batch, transposed)) in [(1, false), (3, true)].into_iter().enumerate() {
            let alone = matches!(kind, Kind::PhaseCorrelation);
            if (extent == Extent::Sample && at != number % 2) || (alone && transposed && shape.len() < 2) {
                continue;
            }
            let layout = if transposed { "transposed" } else { "contiguous" };
            let items = if alone { String::new() } else { format!("{batch} of ") };
            let setting = format!("{items}{} {setting} {layout}", shape_name(&shape));
            let trial = SignalTrial { kind: kind.clone(), batch, shape: shape.clone(), transposed };
            trials.push(Trial::new(op, setting, Body::Signal(trial)));
        }
    }
    trials
}
