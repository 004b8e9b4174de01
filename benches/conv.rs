//! Neural convolution in multiplications per second: depthwise with large and small windows, and a dense layer; each method, one
//! output at a time (`convolve` without transforms), and the matrix product of columns that were unfolded beforehand: less
//! than what unfolding and multiplying takes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, bench_end_to_end, devices, numbers, shorten, wait};
use gristmill::{Context, ConvMethod, ConvOptions, ConvolveOptions, Method, Mode, Tensor};

/// A layer: channels, side of the image, filters, channels that a filter sees, side of the window.
const LAYERS: [[usize; 5]; 3] = [[64, 56, 64, 1, 31], [64, 56, 64, 1, 7], [64, 56, 64, 64, 3]];

/// Columns that a product takes at a time: as many groups as keep within 96 MiB.
fn groups_at_once(groups: usize, inner: usize, window: usize, side: usize) -> usize {
    ((96 << 20) / (4 * inner * window * window * side * side)).clamp(1, groups)
}

/// Every way to compute a layer, by name.
fn ways<'a>(context: &'a Context, layer: [usize; 5]) -> Vec<(&'static str, Box<dyn Fn() -> Tensor + 'a>)> {
    let [channels, side, filters, inner, window] = layer;
    let groups = channels / inner;
    let x = context.upload_slice(&numbers(channels * side * side), &[1, channels, side, side]).unwrap();
    let w =
        context.upload_slice(&numbers(filters * inner * window * window), &[filters, inner, window, window]).unwrap();
    let options =
        move |method| ConvOptions { pads: vec![(window / 2, window / 2); 2], groups, method, ..ConvOptions::default() };
    let mut ways: Vec<(&'static str, Box<dyn Fn() -> Tensor + 'a>)> = Vec::new();
    for (name, method) in [
        ("auto", ConvMethod::Auto),
        ("direct", ConvMethod::Direct),
        ("implicit product", ConvMethod::ImplicitGemm),
        ("fft", ConvMethod::Fft),
    ] {
        // Blocks of many channels have one to compute where filters do not share any.
        if (method == ConvMethod::ImplicitGemm && inner == 1) || (method == ConvMethod::Fft && window < 7) {
            continue;
        }
        let (x, w) = (x.clone(), w.clone());
        ways.push((name, Box::new(move || gristmill::conv(&x, &w, None, &options(method)).unwrap())));
    }
    if inner == 1 {
        let (x, w) = (x.reshape(&[channels, side, side]).unwrap(), w.reshape(&[filters, window, window]).unwrap());
        let plain =
            ConvolveOptions { mode: Mode::Same, method: Method::Direct, rank: Some(2), ..ConvolveOptions::default() };
        ways.push(("one output at a time", Box::new(move || gristmill::correlate(&x, &w, &plain).unwrap())));
    }
    let at_once = groups_at_once(groups, inner, window, side);
    let (depth, each) = (inner * window * window, filters / groups);
    let columns =
        context.upload_slice(&numbers(at_once * depth * side * side), &[at_once, depth, side * side]).unwrap();
    let factors = w.reshape(&[groups, each, depth]).unwrap();
    ways.push((
        "product of unfolded columns",
        Box::new(move || {
            let starts = (0..groups).step_by(at_once);
            let products = starts.map(|first| {
                let taken = at_once.min(groups - first);
                let (a, b) = (factors.slice(0, first..first + taken).unwrap(), columns.slice(0, 0..taken).unwrap());
                gristmill::gemm(1.0, &a, &b, 0.0, None).unwrap()
            });
            products.collect::<Vec<_>>().pop().unwrap()
        }),
    ));
    ways
}

fn bench(criterion: &mut Criterion) {
    let devices = devices();
    for layer in LAYERS {
        let [channels, side, filters, inner, window] = layer;
        let setting = format!("{channels}x{side}x{side} by {filters}x{inner}x{window}x{window}");
        let mut group = criterion.benchmark_group("conv");
        shorten(&mut group);
        group.throughput(Throughput::Elements((filters * side * side * inner * window * window) as u64));
        for device in &devices {
            let ways = ways(&device.context, layer);
            for (name, way) in &ways {
                bench_device(&mut group, device, &format!("{setting} {name}"), way);
            }
            bench_end_to_end(&mut group, device, &setting, &ways[0].1);
            // Taken in turn, because a machine's speed changes from minute to minute.
            let mut least = vec![Duration::MAX; ways.len()];
            for _ in 0..7 {
                for ((_, way), least) in ways.iter().zip(&mut least) {
                    let start = Instant::now();
                    wait(way());
                    *least = (*least).min(start.elapsed());
                }
            }
            for ((name, _), time) in ways.iter().zip(&least) {
                let ratio = time.as_secs_f64() / least[0].as_secs_f64();
                let time = time.as_secs_f64() * 1e3;
                println!("ratio: conv/{} device/{setting} {name}: {time:.2} ms, {ratio:.2} of auto", device.name);
            }
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
