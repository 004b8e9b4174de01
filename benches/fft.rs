//! Complex Fourier transforms, in points per second, beside rustfft on as many threads.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, bench_end_to_end, devices, numbers, shorten};
use gristmill::{Complex32, FftOptions};
use ndarray::Array2;
use rayon::prelude::*;

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
        let lines = (count / rayon::current_num_threads()).max(1) * n;
        // Ours leaves its input as it is and makes a new tensor; rustfft's own form without the input's loss is beside.
        group.bench_function(BenchmarkId::new("rustfft in place", &setting), |b| {
            let new = || vec![Complex32::default(); plan.get_inplace_scratch_len()];
            let run = |x: &mut Array2<Complex32>| {
                let x = x.as_slice_mut().unwrap();
                x.par_chunks_mut(lines).for_each_init(new, |scratch, x| plan.process_with_scratch(x, scratch));
            };
            b.iter_batched_ref(|| x.clone(), run, BatchSize::LargeInput);
        });
        group.bench_function(BenchmarkId::new("rustfft, input kept", &setting), |b| {
            let (from, mut to) = (x.as_slice().unwrap(), x.clone());
            let new = || vec![Complex32::default(); plan.get_immutable_scratch_len()];
            b.iter(|| {
                let pairs = from.par_chunks(lines).zip(to.as_slice_mut().unwrap().par_chunks_mut(lines));
                pairs.for_each_init(new, |scratch, (x, y)| plan.process_immutable_with_scratch(x, y, scratch));
            });
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
