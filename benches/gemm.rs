//! C = A B in f32, in FLOP/s, beside the `gemm` crate on all cores and a shader with one entry per invocation.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;
mod naive;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, bench_end_to_end, devices, numbers, shorten, wait};
use naive::Naive;
use ndarray::Array2;

fn product(a: &Array2<f32>, b: &Array2<f32>) -> Array2<f32> {
    let ((m, k), n) = (a.dim(), b.ncols());
    let mut c = Array2::zeros((m, n));
    let threads = gemm::Parallelism::Rayon(0);
    // SAFETY: the strides are those of three row-major arrays, m × k, k × n and m × n.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            1,
            k as isize,
            b.as_ptr(),
            1,
            n as isize,
            0.0_f32,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
    c
}

fn bench(criterion: &mut Criterion) {
    let devices = devices();
    for (m, k, n) in [(512, 512, 512), (1024, 1024, 1024), (4096, 64, 4096)] {
        let setting = format!("{m}x{k}x{n}");
        let a = Array2::from_shape_vec((m, k), numbers(m * k)).unwrap();
        let b = Array2::from_shape_vec((k, n), numbers(k * n)).unwrap();
        let mut group = criterion.benchmark_group("gemm");
        shorten(&mut group);
        group.throughput(Throughput::Elements(2 * (m * k * n) as u64)); // floating-point operations
        group.bench_function(BenchmarkId::new("gemm crate", &setting), |bench| bench.iter(|| product(&a, &b)));
        for device in &devices {
            let upload = || (device.context.upload(&a).unwrap(), device.context.upload(&b).unwrap());
            let (x, y) = upload();
            let multiply = || gristmill::gemm(1.0, &x, &y, 0.0, None).unwrap();
            bench_device(&mut group, device, &setting, multiply);
            let shader = include_str!("naive/gemm.wgsl");
            if let Some(naive) = Naive::new(device, shader, &numbers(m * k), &numbers(k * n), [m, n, k]) {
                naive.compare(&format!("gemm/{} device/{setting}", device.name), || wait(multiply()));
            }
            bench_end_to_end(&mut group, device, &setting, || {
                let (x, y) = upload();
                gristmill::gemm(1.0, &x, &y, 0.0, None).unwrap()
            });
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
