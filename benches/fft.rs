//! Complex Fourier transforms, in points per second, beside rustfft on one thread.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, bench_end_to_end, devices, numbers, shorten};
use gristmill::{Complex32, FftOptions};
use ndarray::Array2;

fn bench(criterion: &mut Criterion) {
    let devices = devices();
    for (count, n) in [(1024, 1024), (256, 1009), (1, 1 << 20)] {
        let setting = format!("{count}x{n}");
        let entries = numbers(2 * count * n).chunks(2).map(|z| Complex32::new(z[0], z[1])).collect();
        let x = Array2::from_shape_vec((count, n), entries).unwrap();
        let mut group = criterion.benchmark_group("fft");
        shorten(&mut group);
        group.throughput(Throughput::Elements((count * n) as u64));
        let plan = rustfft::FftPlanner::<f32>::new().plan_fft_forward(n);
        group.bench_function(BenchmarkId::new("rustfft", &setting), |b| {
            b.iter_batched(|| x.clone(), |mut x| plan.process(x.as_slice_mut().unwrap()), BatchSize::LargeInput);
        });
        let options = FftOptions::default();
        for device in &devices {
            let lines = device.context.upload(&x).unwrap();
            bench_device(&mut group, device, &setting, || gristmill::fft(&lines, &options).unwrap());
            bench_end_to_end(&mut group, device, &setting, || {
                gristmill::fft(&device.context.upload(&x).unwrap(), &options).unwrap()
            });
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
