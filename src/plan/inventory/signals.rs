//! Transforms, convolutions and windows.

use super::Case;
use crate::expr::Expr;
use crate::work::{
    ConvMethod, ConvWork, ConvolveWork, Distribution, FftKind, FftWork, HadamardWork, Layout, Method, Mode,
    OverlapAddWork, PoolWork, Pooling, RandomWork, TransformType, TrigonometricWork, WindowAxis, Work,
};

pub(super) fn transforms(cases: &mut Vec<Case>) {
    // Every radix, products of them, primes by Rader and by Bluestein, and lengths past workgroup memory.
    let lengths =
        (1..=32).chain([49, 61, 64, 81, 100, 127, 128, 169, 210, 243, 256, 257, 509, 512, 625, 1000, 1009, 1024, 2048]);
    let lengths = lengths.chain([2187, 4096, 4099, 10_007, 16_384, 65_536, 100_003, 1 << 20]);
    for length in lengths {
        for kind in [FftKind::Complex, FftKind::RealToHalf, FftKind::HalfToReal] {
            let halves = length % 3 == 1;
            let (entries, element_bytes) = match kind {
                FftKind::Complex => (length, 8),
                FftKind::RealToHalf => (length, 4),
                FftKind::HalfToReal => (length / 2 + 1, 8),
            };
            let inverse = kind == FftKind::HalfToReal;
            let work = Work::Fft(FftWork { op: "fft", kind, axis: 1, length, inverse, scale: 1.0 });
            let name = format!("fft ({kind:?}) of length {length}");
            let layouts = vec![Layout::contiguous(&[3, entries])];
            if halves {
                let (name, work, layouts) = (name.clone() + " of f16", work.clone(), layouts.clone());
                cases.push(Case { name, work, layouts, element_bytes: element_bytes / 2 });
            }
            cases.push(Case { name, work, layouts, element_bytes });
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
pub(super) fn lines(cases: &mut Vec<Case>) {
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

pub(super) fn convolutions(cases: &mut Vec<Case>) {
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
                let work = Work::Convolve(work);
                // Modes change what is kept, not how it is stored.
                if mode == Mode::Full {
                    let (name, work, layouts) = (name.clone() + " of f16", work.clone(), layouts.clone());
                    cases.push(Case { name, work, layouts, element_bytes: element_bytes / 2 });
                }
                cases.push(Case { name, work, layouts, element_bytes });
            }
        }
    }
}

/// Neural convolution of small, large and depthwise filters, and every pooling.
pub(super) fn windows(cases: &mut Vec<Case>) {
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
