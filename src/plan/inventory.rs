//! Every shader with every specialization that the plans make for a spread of work, devices and choices: what is checked
//! by the tools of other languages, without a device.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Choices, DeviceKind, Limits, lower};
use crate::error::{Error, Result};
use crate::expr::{Expr, Formula};
use crate::kernel::{Kernel, PairFunction};
use crate::metric::{Metric, RowMap};
use crate::shader::Shader;
use crate::work::{
    Bias, Boundary, ConvMethod, ConvWork, ConvolveWork, Distribution, ExtendWork, FftKind, FftWork, FormulaWork,
    GemmWork, HadamardWork, Input, Layout, Method, Mode, OverlapAddWork, PairMask, PairWork, Part, PoolWork, Pooling,
    PrepareWork, RandomWork, ReduceWork, Reduction, SymmetricWork, TransformType, TrigonometricWork, WindowAxis, Work,
};

/// A shader, who needs it, and the device that it was made for.
#[derive(Debug, Clone)]
pub struct Needed {
    /// The shader with its tail.
    pub shader: Arc<Shader>,
    /// The first work that needs it, and the device, in words.
    pub by: String,
    /// What that device can do.
    pub limits: Limits,
}

/// The shaders of all work in the spread, each once.
///
/// # Errors
/// The first work that a plan refuses although it should not.
pub fn every_shader() -> Result<Vec<Needed>> {
    let mut seen = HashSet::new();
    let mut shaders = Vec::new();
    for (device, limits) in devices() {
        let choices = Choices::for_limits(&limits);
        #[cfg(feature = "conformance")]
        for pass in super::map_program("return pow_(x, y) + atan2_(y, x);", true, 100, &limits).passes {
            if seen.insert(Arc::clone(&pass.shader)) {
                let by = format!("conformance on {device}");
                shaders.push(Needed { shader: pass.shader, by, limits: limits.clone() });
            }
        }
        for Case { name, work, layouts, element_bytes } in cases()? {
            let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes }).collect();
            let by = format!("{name} on {device}");
            let program = match lower(&work, &inputs, &limits, &choices) {
                Ok(program) => program,
                Err(error) => return Err(Error::Shader { label: by, message: error.to_string() }),
            };
            for pass in program.passes {
                if seen.insert(Arc::clone(&pass.shader)) {
                    shaders.push(Needed { shader: pass.shader, by: by.clone(), limits: limits.clone() });
                }
            }
        }
    }
    Ok(shaders)
}

/// Subgroups of every size and none, in software and on GPUs, and one device with more workgroup memory.
fn devices() -> Vec<(String, Limits)> {
    let mut devices = Vec::new();
    for (kind, name) in [(DeviceKind::Software, "a software device"), (DeviceKind::Discrete, "a GPU")] {
        for subgroup_size in [None, Some(4), Some(8), Some(16), Some(32), Some(64)] {
            let lanes = subgroup_size.map_or("no subgroups".to_owned(), |size: u32| format!("subgroups of {size}"));
            devices.push((format!("{name} with {lanes}"), Limits { kind, subgroup_size, ..Limits::webgpu_defaults() }));
        }
    }
    let limits = Limits {
        kind: DeviceKind::Discrete,
        workgroup_bytes: 32 << 10,
        max_invocations: 1024,
        offset_alignment: 32,
        max_storage_buffers: 32,
        ..Limits::webgpu_defaults()
    };
    devices.push(("a GPU above the default limits".to_owned(), limits));
    devices
}

struct Case {
    name: String,
    work: Work,
    layouts: Vec<Layout>,
    element_bytes: usize,
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for element_bytes in [2, 4, 8] {
        let strided = Layout { shape: vec![3, 5, 7], strides: vec![1, 3, 15], offset: 2 };
        cases.push(Case { name: "copy".to_owned(), work: Work::Copy, layouts: vec![strided], element_bytes });
    }
    for element_bytes in [4, 8] {
        let work = Work::Extend(ExtendWork { op: "pad", axes: vec![(-2, 9), (0, 7)], boundary: Boundary::Reflect });
        let layouts = vec![Layout::contiguous(&[5, 7])];
        cases.push(Case { name: "pad".to_owned(), work, layouts, element_bytes });
    }
    for (rows, d) in [
        (RowMap::Standardise, 5),
        (RowMap::Normalise, 5),
        (RowMap::Standardise, 800_000),
        (RowMap::Halves, 5),
        (RowMap::ExpandLeft, 5),
        (RowMap::ExpandRight, 5),
        (RowMap::Whiten(vec![1.0; 25].into()), 5),
    ] {
        let work = Work::Prepare(PrepareWork { op: "pairwise", rows });
        // Words of bits are no halves.
        let sizes: &[usize] =
            if matches!(work, Work::Prepare(PrepareWork { rows: RowMap::Halves, .. })) { &[4] } else { &[4, 2] };
        for &element_bytes in sizes {
            cases.push(Case {
                name: format!("rows of {d}, {element_bytes} bytes each"),
                work: work.clone(),
                layouts: vec![Layout::contiguous(&[3, d])],
                element_bytes,
            });
        }
    }
    for part in [Part::ZeroDiagonal, Part::Condensed] {
        let work = Work::Symmetric(SymmetricWork { op: "pairwise", part });
        let layouts = vec![Layout::contiguous(&[9, 9])];
        cases.push(Case { name: format!("{part:?}"), work, layouts, element_bytes: 4 });
    }
    pairs(&mut cases)?;
    reductions(&mut cases)?;
    products(&mut cases);
    transforms(&mut cases);
    lines(&mut cases);
    convolutions(&mut cases);
    windows(&mut cases);
    formulas(&mut cases)?;
    Ok(cases)
}

fn pairs(cases: &mut Vec<Case>) -> Result<()> {
    let d = 5;
    let weights: Vec<f32> = (1..=d).map(|f| f as f32).collect();
    let metrics = Metric::all().into_iter().chain([Metric::minkowski(1.5), Metric::minkowski(3.0)]);
    let metrics = metrics.filter_map(|metric| metric.clone().example(metric.features.unwrap_or(d)));
    let metrics: Vec<Metric> =
        metrics.map(|metric| Ok(metric.prepared()?.map_or(metric, |(_, metric)| metric))).collect::<Result<_>>()?;
    let takes_weights = |metric: &&Metric| metric.weights.is_none() && !metric.accumulate_weighted.is_empty();
    let weighted = metrics.iter().filter(takes_weights).map(|metric| metric.clone().with_weights(weights.clone()));
    let weighted: Vec<Metric> = weighted.collect();
    let mut functions: Vec<(String, PairFunction)> = Vec::new();
    for metric in metrics.into_iter().chain(weighted) {
        let with = if metric.weights.is_some() { " with weights" } else { "" };
        functions.push((format!("{}{with}", metric.name), metric.into()));
    }
    // Every named kernel with its defaults, and what varies the text of one.
    let named = Kernel::all().iter().map(|entry| entry.name);
    let variants = [
        "matern(nu=0.5)",
        "matern(nu=2.5)",
        "matern(nu=0.8)",
        "polynomial(degree=2)",
        "arc_cosine(order=2)",
        "bernoulli(order=3)",
        "walsh(order=3)",
        "rbf(length_scale=[1, 2, 3, 4, 5])",
        "rbf(precision=[[1, 0.5], [0.5, 1]], columns=[0, 3])",
        "rbf(precision=[[1, 0.5], [0.5, 1]], columns=[0, 3]) + linear",
        "rbf(columns=[0, 2]) + matern(length_scale=[1, 2, 3, 4, 5])",
    ];
    for text in named.chain(variants).chain(["2.5*rbf(0.9) + 0.3*rq(1.2)*dot_product(0.8)"]) {
        let function = text.parse::<Kernel>()?.pair_function(d)?;
        functions.push((text.to_owned(), function.prepared("gram", d)?.map_or(function, |(_, prepared)| prepared)));
    }
    for metric in [Metric::SQEUCLIDEAN, Metric::minkowski(1.5)] {
        let work = Work::Pair(PairWork { op: "pairwise", function: (&metric).into(), paired: false });
        let layouts = vec![Layout::contiguous(&[2, 30, d]), Layout::contiguous(&[2, 40, d])];
        cases.push(Case { name: format!("{} of halves", metric.name), work, layouts, element_bytes: 2 });
    }
    for (name, function) in functions {
        // Sizes that fit in one tile, and ones that need many, features split over passes among them.
        // Prepared rows have as many features as their table has entries.
        let d = function.weight_tables().first().map_or(d, |table| table.len());
        for (n, m, d, paired) in [(3, 4, d, false), (300, 200, d, false), (40, 40, d, true), (3, 4, 70_000, false)] {
            if function.check(d).is_err() {
                continue;
            }
            let work = Work::Pair(PairWork { op: "pairwise", function: function.clone(), paired });
            let layouts = vec![Layout::contiguous(&[n, d]), Layout::contiguous(&[m, d])];
            let name = format!("{name}, {n} × {m} rows of {d}{}", if paired { ", paired" } else { "" });
            cases.push(Case { name, work, layouts, element_bytes: 4 });
        }
    }
    Ok(())
}

fn reductions(cases: &mut Vec<Case>) -> Result<()> {
    let sum = |values, compensated| Reduction::Sum { values, scale: 0.5, compensated };
    let each = [
        sum(true, false),
        sum(true, true),
        sum(false, false),
        Reduction::LogSumExp { values: true },
        Reduction::SoftmaxSum,
        Reduction::Extreme { k: 1, largest: true },
        Reduction::Extreme { k: 10, largest: false },
        Reduction::Count { radius: 1.0 },
        Reduction::SumWithin { radius: 1.0, values: true },
    ];
    let masks = [
        PairMask::default(),
        PairMask { exclude_self: true, ..PairMask::default() },
        PairMask { causal: true, window: Some(9), bias: Some(Bias::Boolean), ..PairMask::default() },
        PairMask { bias: Some(Bias::Additive), ..PairMask::default() },
    ];
    let mut add = |text: &str, reduction: Reduction, mask: &PairMask, [n, m, d, c]: [usize; 4]| -> Result<()> {
        let function = text.parse::<Kernel>()?.pair_function(d)?;
        let mut layouts = vec![Layout::contiguous(&[2, n, d]), Layout::contiguous(&[2, m, d])];
        if reduction.has_values() {
            layouts.push(Layout::contiguous(&[2, m, c]));
        }
        if mask.bias.is_some() {
            layouts.push(Layout::contiguous(&[2, n, m]));
        }
        let name = format!("{reduction:?} of {text} over {n} × {m} rows of {d}, {mask:?}");
        let work = Work::Reduce(ReduceWork { op: "reduce", function, reduction, mask: mask.clone() });
        cases.push(Case { name, work, layouts, element_bytes: 4 });
        Ok(())
    };
    for reduction in each {
        add("rbf", reduction, &PairMask::default(), [300, 320, 3, 1])?;
        add("rbf", reduction, &PairMask::default(), [5, 7, 20, 1])?;
    }
    for mask in &masks {
        add("matern(nu=2.5)", sum(true, false), mask, [300, 321, 3, 9])?;
        add("dot_product", Reduction::SoftmaxSum, mask, [300, 320, 20, 4])?;
    }
    for text in ["rbf(length_scale=[1, 2, 3, 4, 5])", "2.5*rbf(0.9) + 0.3*rq(1.2)*dot_product(0.8)"] {
        add(text, sum(false, false), &PairMask::default(), [300, 320, 5, 1])?;
    }
    Ok(())
}

fn products(cases: &mut Vec<Case>) {
    for (batch, m, k, n) in [(1, 3, 4, 5), (1, 300, 70, 200), (2, 33, 17, 65), (1, 2, 70_000, 3)] {
        for (transposed, beta) in [(false, 0.0), (true, 0.5)] {
            let mut a = Layout::contiguous(&[batch, m, k]);
            if transposed {
                a = Layout { shape: vec![batch, m, k], strides: vec![m * k, 1, m], offset: 0 };
            }
            let mut layouts = vec![a, Layout::contiguous(&[batch, k, n])];
            if beta != 0.0 {
                layouts.push(Layout::contiguous(&[1, 1, n]));
            }
            let name = format!("gemm of {batch} × {m} × {k} × {n}, beta {beta}");
            cases.push(Case { name, work: Work::Gemm(GemmWork { alpha: 1.5, beta }), layouts, element_bytes: 4 });
        }
    }
}

/// Short and long vectors, tables, numbers of pairs, and the gradients of all.
fn formulas(cases: &mut Vec<Case>) -> Result<()> {
    for d in [3, 40] {
        let (x, y, p, weight) = (Expr::vi(0, d), Expr::vj(0, d), Expr::pm(0, d), Expr::vj(1, 2));
        let value = (-(&p * (&x - &y)).sqnorm()).exp() * x.concat(&weight).extract(1, d) * Expr::vij(0)
            + Expr::vector(&vec![0.5; d]) * x.dot(&y).abs().log1p();
        for expr in [value.clone(), value.gradient(&x), value.gradient(&p), value.gradient(&y).transposed()] {
            let formula = Formula::new(expr)?;
            for (n, m) in [(300, 200), (3, 5000)] {
                let work = FormulaWork { op: "formula_sum", formula: formula.clone(), n, m };
                let layouts =
                    formula.variables().iter().map(|of| Layout::contiguous(&work.shape_of(*of))).collect::<Vec<_>>();
                let name = format!("a formula of {d} features over {n} × {m}");
                cases.push(Case { name, work: Work::Formula(work), layouts, element_bytes: 4 });
            }
        }
    }
    Ok(())
}

fn transforms(cases: &mut Vec<Case>) {
    // Every radix, products of them, primes by Rader and by Bluestein, and lengths past workgroup memory.
    let lengths =
        (1..=32).chain([49, 61, 64, 81, 100, 127, 128, 169, 210, 243, 256, 257, 509, 512, 625, 1000, 1009, 1024, 2048]);
    let lengths = lengths.chain([2187, 4096, 4099, 10_007, 16_384, 65_536, 100_003, 1 << 20]);
    for length in lengths {
        for kind in [FftKind::Complex, FftKind::RealToHalf, FftKind::HalfToReal] {
            let (entries, element_bytes) = match kind {
                FftKind::Complex => (length, 8),
                FftKind::RealToHalf => (length, 4),
                FftKind::HalfToReal => (length / 2 + 1, 8),
            };
            let inverse = kind == FftKind::HalfToReal;
            let work = Work::Fft(FftWork { op: "fft", kind, axis: 1, length, inverse, scale: 1.0 });
            let name = format!("fft ({kind:?}) of length {length}");
            cases.push(Case { name, work, layouts: vec![Layout::contiguous(&[3, entries])], element_bytes });
        }
    }
    for (kind, length, element_bytes) in [(FftKind::RealToHalf, 400, 4), (FftKind::Complex, 17, 8)] {
        let work = Work::Fft(FftWork { op: "stft", kind, axis: 1, length, inverse: false, scale: 1.0 });
        let frames = Layout { shape: vec![9, length - 1], strides: vec![7, 1], offset: 3 };
        let layouts = vec![frames, Layout::contiguous(&[length - 1])];
        cases.push(Case { name: format!("fft ({kind:?}) of tapered frames"), work, layouts, element_bytes });
    }
    for (inverse, axis) in [(true, 1), (false, 0), (true, 0)] {
        let work = Work::Fft(FftWork { op: "fft", kind: FftKind::Complex, axis, length: 96, inverse, scale: 0.5 });
        let name = format!("fft along axis {axis}, inverse: {inverse}");
        cases.push(Case { name, work, layouts: vec![Layout::contiguous(&[100, 90])], element_bytes: 8 });
    }
}

/// Cosines, Walsh functions, random numbers, and frames laid over one another.
fn lines(cases: &mut Vec<Case>) {
    for kind in [TransformType::I, TransformType::II, TransformType::III, TransformType::IV] {
        for (sine, length, orthogonal) in [(false, 20, true), (false, 21, false), (true, 20, false), (true, 21, true)] {
            let work = TrigonometricWork { op: "dct", sine, kind, axis: 1, length, orthogonal, scale: 0.5 };
            let layouts = vec![Layout::contiguous(&[3, 20, 2])];
            let name = format!("type {kind:?} of length {length}, sine: {sine}");
            cases.push(Case { name, work: Work::Trigonometric(work), layouts, element_bytes: 4 });
        }
    }
    for bits in [0, 1, 3, 4, 5, 9, 12, 14, 20] {
        for (sequency, axis) in [(false, 1), (true, 1), (false, 0)] {
            let work = Work::Hadamard(HadamardWork { op: "walsh_hadamard", axis, sequency, scale: 1.0 });
            let shape = if axis == 1 { [3, 1 << bits] } else { [1 << bits, 3] };
            let mut layouts = vec![Layout::contiguous(&shape)];
            if sequency {
                layouts.push(Layout::contiguous(&[1 << bits]));
            }
            cases.push(Case { name: format!("Hadamard of 2^{bits}"), work, layouts, element_bytes: 4 });
        }
    }
    for distribution in [Distribution::Bits, Distribution::Uniform, Distribution::Normal] {
        let work = Work::Random(RandomWork { op: "random", distribution, seed: 1, stream: 2, length: 1000 });
        cases.push(Case { name: format!("random {distribution:?}"), work, layouts: Vec::new(), element_bytes: 4 });
    }
    for signals in [1, 3] {
        let work = Work::OverlapAdd(OverlapAddWork { op: "istft", hop: 3, start: 4, length: 20 });
        let layouts = vec![Layout::contiguous(&[signals, 9, 8]), Layout::contiguous(&[8])];
        cases.push(Case { name: format!("frames of {signals} signals"), work, layouts, element_bytes: 4 });
    }
}

fn convolutions(cases: &mut Vec<Case>) {
    let shapes: [(&[usize], &[usize], usize); 5] = [
        (&[1000], &[31], 1),
        (&[2, 100_000], &[2, 1001], 1),
        (&[64, 80], &[5, 7], 2),
        (&[200, 300], &[61, 61], 2),
        (&[8, 9, 10], &[3, 3, 3], 3),
    ];
    for (signal, kernel, rank) in shapes {
        for method in [Method::Direct, Method::Fft] {
            for (mode, correlate, circular, complex) in [
                (Mode::Full, false, false, false),
                (Mode::Same, true, false, true),
                (Mode::Valid, true, false, false),
                (Mode::Full, false, true, true),
            ] {
                let op = if correlate { "correlate" } else { "convolve" };
                let work = ConvolveWork { op, rank, correlate, circular, mode, method, complex };
                let name = format!("{op} {signal:?} with {kernel:?}, {mode:?}, {method:?}, complex: {complex}");
                let layouts = vec![Layout::contiguous(signal), Layout::contiguous(kernel)];
                let element_bytes = if complex { 8 } else { 4 };
                cases.push(Case { name, work: Work::Convolve(work), layouts, element_bytes });
            }
        }
    }
}

/// Neural convolution of small, large and depthwise filters, and every pooling.
fn windows(cases: &mut Vec<Case>) {
    let axes = |lengths: &[usize], taps: &[usize], stride: usize, dilation: usize| {
        let axis = |(length, taps): (&usize, &usize)| {
            let outputs = (length - (taps - 1) * dilation - 1) / stride + 1;
            WindowAxis { taps: *taps, stride, dilation, before: 0, after: 0, outputs }
        };
        lengths.iter().zip(taps).map(axis).collect::<Vec<_>>()
    };
    let gelu = Expr::variable(0) * ((Expr::variable(0) * Expr::parameter(0.8)).tanh() + 1.0);
    let shapes: [(&[usize], &[usize], usize); 7] = [
        (&[1, 3, 20], &[2, 3, 5], 1),
        (&[1, 3, 4000], &[8, 3, 70], 1),
        (&[1, 16, 20, 20], &[64, 16, 3, 3], 1),
        (&[1, 16, 60, 60], &[64, 16, 1, 1], 1),
        (&[1, 8, 100, 100], &[8, 1, 7, 7], 8),
        (&[1, 8, 80, 80], &[8, 1, 31, 31], 8),
        (&[1, 4, 24, 24, 24], &[4, 2, 3, 3, 3], 2),
    ];
    for (x, w, groups) in shapes {
        for method in [ConvMethod::Direct, ConvMethod::ImplicitGemm, ConvMethod::Fft] {
            for (stride, dilation, fused, element_bytes) in [(1, 1, true, 4), (2, 1, false, 4), (1, 2, false, 2)] {
                // Strides, dilations and f16 change what is loaded, which blocks of few and of many channels do alike.
                let varied = (stride, dilation) != (1, 1);
                if varied && method != ConvMethod::Direct
                    || x[2..].iter().zip(&w[2..]).any(|(n, k)| (k - 1) * dilation >= *n)
                {
                    continue;
                }
                let axes = axes(&x[2..], &w[2..], stride, dilation);
                let activation = fused.then(|| gelu.clone());
                let work = ConvWork { op: "conv", axes, groups, transposed: false, bias: fused, activation, method };
                let mut layouts = vec![Layout::contiguous(x), Layout::contiguous(w)];
                layouts.extend(fused.then(|| Layout::contiguous(&w[..1])));
                let name = format!("conv of {x:?} by {w:?}, stride {stride}, dilation {dilation}, {method:?}");
                cases.push(Case { name, work: Work::Conv(work), layouts, element_bytes });
            }
        }
    }
    for pooling in
        [Pooling::Sum, Pooling::Mean { padding: true }, Pooling::Max { indices: false }, Pooling::Max { indices: true }]
    {
        for element_bytes in [4, 2] {
            let work = PoolWork { op: "pool", axes: axes(&[20, 20], &[3, 3], 2, 1), pooling };
            let (name, layouts) = (format!("{pooling:?} of windows"), vec![Layout::contiguous(&[2, 3, 20, 20])]);
            cases.push(Case { name, work: Work::Pool(work), layouts, element_bytes });
        }
    }
}
