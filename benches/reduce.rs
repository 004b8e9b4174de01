//! Reductions of pair functions, in pairs per second, beside plain loops on the CPU. Nothing stores the matrix.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, devices, numbers, shorten};
use gristmill::{Kernel, Metric, ReduceOptions, log_sum_exp, pair_sum, smallest, softmax_sum};
use ndarray::{Array1, Array2};

fn squares(x: &Array2<f32>, i: usize, j: usize) -> f32 {
    x.row(i).iter().zip(x.row(j)).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn plain_sum(x: &Array2<f32>, v: &Array1<f32>) -> Array1<f32> {
    let n = x.nrows();
    Array1::from_shape_fn(n, |i| (0..n).map(|j| (-0.5 * squares(x, i, j)).exp() * v[j]).sum())
}

fn plain_nearest(x: &Array2<f32>, k: usize) -> Array2<u32> {
    let n = x.nrows();
    let mut nearest = Array2::zeros((n, k));
    for i in 0..n {
        let mut row: Vec<(f32, u32)> = (0..n).map(|j| (squares(x, i, j), j as u32)).collect();
        row.select_nth_unstable_by(k - 1, |a, b| a.partial_cmp(b).unwrap());
        row.truncate(k);
        row.sort_by(|a, b| a.partial_cmp(b).unwrap());
        row.iter().enumerate().for_each(|(at, (_, j))| nearest[[i, at]] = *j);
    }
    nearest
}

fn bench(criterion: &mut Criterion) {
    let devices = devices();
    let options = ReduceOptions::default();
    for (n, d) in [(4096, 3), (4096, 64)] {
        let x = Array2::from_shape_vec((n, d), numbers(n * d)).unwrap();
        let v = Array1::from(numbers(n));
        let setting = |what: &str| format!("{n}x{n}x{d} {what}");
        let mut group = criterion.benchmark_group("reduce");
        shorten(&mut group);
        group.throughput(Throughput::Elements((n * n) as u64));
        group.bench_function(BenchmarkId::new("plain loops", setting("rbf sum")), |b| b.iter(|| plain_sum(&x, &v)));
        let nearest = setting("10 nearest");
        group.bench_function(BenchmarkId::new("plain loops", &nearest), |b| b.iter(|| plain_nearest(&x, 10)));
        for device in &devices {
            let (points, weights) = (device.context.upload(&x).unwrap(), device.context.upload(&v).unwrap());
            let kernel = Kernel::rbf(0.5);
            let sum = |options: &ReduceOptions| pair_sum(&points, &points, &kernel, Some(&weights), options).unwrap();
            bench_device(&mut group, device, &setting("rbf sum"), || sum(&options));
            let compensated = ReduceOptions { compensated: true, ..options.clone() };
            bench_device(&mut group, device, &setting("rbf compensated sum"), || sum(&compensated));
            bench_device(&mut group, device, &setting("rbf softmax"), || {
                softmax_sum(&points, &points, &kernel, &weights, &options).unwrap()
            });
            bench_device(&mut group, device, &setting("rbf logsumexp"), || {
                log_sum_exp(&points, &points, &kernel, None, &options).unwrap()
            });
            bench_device(&mut group, device, &nearest, || {
                smallest(&points, &points, &Metric::SQEUCLIDEAN, 10, &options).unwrap().values
            });
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
