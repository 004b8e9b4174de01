//! Squared distances of all pairs, in entries of the result per second, beside the norm trick with the `gemm` crate
//! (as scikit-learn computes them; it cancels where points are close), plain loops, and a shader with one entry per
//! invocation.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod devices;
mod naive;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use devices::{bench_device, bench_end_to_end, devices, numbers, shorten, wait};
use gristmill::{Kernel, Metric};
use naive::Naive;
use ndarray::{Array2, Axis};

fn norm_trick(x: &Array2<f32>, y: &Array2<f32>) -> Array2<f32> {
    let (n, m, d) = (x.nrows(), y.nrows(), x.ncols());
    let squares = |rows: &Array2<f32>| rows.map_axis(Axis(1), |row| row.dot(&row));
    let mut out = Array2::from_elem((n, m), 0.0);
    out += &squares(x).insert_axis(Axis(1));
    out += &squares(y);
    // SAFETY: the strides are those of three row-major arrays: n × d, m × d read by columns, and n × m.
    unsafe {
        gemm::gemm(
            n,
            m,
            d,
            out.as_mut_ptr(),
            1,
            m as isize,
            true,
            x.as_ptr(),
            1,
            d as isize,
            y.as_ptr(),
            d as isize,
            1,
            1.0_f32,
            -2.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
    out
}

fn plain_loops(x: &Array2<f32>, y: &Array2<f32>) -> Array2<f32> {
    Array2::from_shape_fn((x.nrows(), y.nrows()), |(i, j)| {
        x.row(i).iter().zip(y.row(j)).map(|(a, b)| (a - b) * (a - b)).sum()
    })
}

fn bench(criterion: &mut Criterion) {
    let devices = devices();
    for (n, d) in [(1024, 3), (4096, 64)] {
        let setting = format!("{n}x{n}x{d}");
        let x = Array2::from_shape_vec((n, d), numbers(n * d)).unwrap();
        let mut group = criterion.benchmark_group("pairwise");
        shorten(&mut group);
        group.throughput(Throughput::Elements((n * n) as u64));
        group.bench_function(BenchmarkId::new("norm trick, gemm crate", &setting), |b| b.iter(|| norm_trick(&x, &x)));
        group.bench_function(BenchmarkId::new("plain loops", &setting), |b| b.iter(|| plain_loops(&x, &x)));
        for device in &devices {
            let points = device.context.upload(&x).unwrap();
            let distances = || gristmill::pairwise(&points, &points, &Metric::SQEUCLIDEAN).unwrap();
            bench_device(&mut group, device, &setting, distances);
            let shader = include_str!("naive/sqeuclidean.wgsl");
            if let Some(naive) = Naive::new(device, shader, &numbers(n * d), &numbers(n * d), [n, n, d]) {
                naive.compare(&format!("pairwise/{} device/{setting}", device.name), || wait(distances()));
            }
            let kernel = Kernel::rbf(0.5);
            let rbf = format!("{setting} rbf");
            bench_device(&mut group, device, &rbf, || gristmill::gram(&points, &points, &kernel).unwrap());
            bench_end_to_end(&mut group, device, &setting, || {
                let points = device.context.upload(&x).unwrap();
                gristmill::pairwise(&points, &points, &Metric::SQEUCLIDEAN).unwrap()
            });
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
