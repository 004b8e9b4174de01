//! Convolution of a photograph-sized array, in entries of the result per second, directly and by Fourier transforms,
//! beside plain loops.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, bench_end_to_end, devices, numbers, shorten};
use gristmill::{ConvolveOptions, Method, Mode};
use ndarray::{Array2, s};

/// The full convolution, a shifted copy per entry of the kernel.
fn plain_loops(x: &Array2<f32>, h: &Array2<f32>) -> Array2<f32> {
    let ((rows, columns), (down, across)) = (x.dim(), h.dim());
    let mut out = Array2::zeros((rows + down - 1, columns + across - 1));
    for ((i, j), &factor) in h.indexed_iter() {
        out.slice_mut(s![i..i + rows, j..j + columns]).scaled_add(factor, x);
    }
    out
}

fn bench(criterion: &mut Criterion) {
    let devices = devices();
    for (n, k) in [(512, 9), (512, 61)] {
        let setting = format!("{n}x{n} by {k}x{k}");
        let x = Array2::from_shape_vec((n, n), numbers(n * n)).unwrap();
        let h = Array2::from_shape_vec((k, k), numbers(k * k)).unwrap();
        let mut group = criterion.benchmark_group("convolve");
        shorten(&mut group);
        group.throughput(Throughput::Elements(((n + k - 1) * (n + k - 1)) as u64));
        group.bench_function(BenchmarkId::new("plain loops", &setting), |b| b.iter(|| plain_loops(&x, &h)));
        for device in &devices {
            let upload = || (device.context.upload(&x).unwrap(), device.context.upload(&h).unwrap());
            let (image, kernel) = upload();
            for (method, name) in [(Method::Direct, "direct"), (Method::Fft, "fft")] {
                if method == Method::Direct && k > 31 {
                    continue; // seconds on software adapters
                }
                let options = ConvolveOptions { mode: Mode::Full, method, ..ConvolveOptions::default() };
                let setting = format!("{setting} {name}");
                bench_device(&mut group, device, &setting, || gristmill::convolve(&image, &kernel, &options).unwrap());
            }
            let options = ConvolveOptions::default();
            bench_end_to_end(&mut group, device, &setting, || {
                let (image, kernel) = upload();
                gristmill::convolve(&image, &kernel, &options).unwrap()
            });
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
