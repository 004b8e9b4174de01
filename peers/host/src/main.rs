//! Crates that work on the cores of the host: gemm, matrixmultiply and rustfft.

use anyhow::Result;
use num_complex::Complex32;
use peers::{Peer, Task, Timed, Work};
use rayon::prelude::*;
use rustfft::FftPlanner;

struct Host;

impl Peer for Host {
    fn version(&self) -> String {
        format!("gemm 0.19; matrixmultiply 0.3; rustfft 6.4 with rayon; {} threads", rayon::current_num_threads())
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        Ok(match task.work {
            Work::Gemm => {
                vec![product("gemm crate", task, gemm_crate), product("matrixmultiply", task, matrixmultiply_crate)]
            }
            Work::Fft => vec![transforms(task)],
            _ => Vec::new(),
        })
    }
}

/// C = A B by one of the crates: dimensions, then A, B and C, row-major.
type Product = fn([usize; 3], &[f32], &[f32], &mut [f32]);

fn gemm_crate([m, k, n]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    let threads = gemm::Parallelism::Rayon(0);
    let rows = |columns: usize| columns as isize;
    // SAFETY: the strides are those of three row-major arrays, m × k, k × n and m × n.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            rows(n),
            false,
            a.as_ptr(),
            1,
            rows(k),
            b.as_ptr(),
            1,
            rows(n),
            0.0_f32,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

fn matrixmultiply_crate([m, k, n]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    let rows = |columns: usize| columns as isize;
    // SAFETY: the strides are those of three row-major arrays, m × k, k × n and m × n.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.as_ptr(),
            rows(k),
            1,
            b.as_ptr(),
            rows(n),
            1,
            0.0,
            c.as_mut_ptr(),
            rows(n),
            1,
        );
    }
}

fn product(name: &'static str, task: &Task, multiply: Product) -> Timed {
    let dimensions = task.dimensions();
    let [m, _, n] = dimensions;
    let inputs = task.inputs();
    let [a, b] = [inputs[0].clone(), inputs[1].clone()];
    // Memory of its own in every call, as the other libraries take it.
    let run = move || {
        let mut c = vec![0.0_f32; m * n];
        multiply(dimensions, &a, &b, &mut c);
        c
    };
    let result = run.clone();
    Timed { name, run: Box::new(move || Ok(drop(std::hint::black_box(run())))), result: Box::new(move || Ok(result())) }
}

fn transforms(task: &Task) -> Timed {
    let length = task.dimensions()[1];
    let values: Vec<Complex32> = task.inputs()[0].chunks(2).map(|part| Complex32::new(part[0], part[1])).collect();
    let plan = FftPlanner::new().plan_fft_forward(length);
    let run = move || {
        let mut out = values.clone();
        let lines = out.len() / length;
        let share = lines.div_ceil(4 * rayon::current_num_threads()) * length;
        out.par_chunks_mut(share).for_each(|lines| plan.process(lines));
        out
    };
    let result = run.clone();
    Timed {
        name: "rustfft",
        run: Box::new(move || Ok(drop(std::hint::black_box(run())))),
        result: Box::new(move || Ok(result().iter().flat_map(|value| [value.re, value.im]).collect())),
    }
}

fn main() -> Result<()> {
    // matrixmultiply asks for its number of threads; the others take all.
    if std::env::var_os("MATMUL_NUM_THREADS").is_none() {
        // SAFETY: nothing else runs yet.
        unsafe { std::env::set_var("MATMUL_NUM_THREADS", rayon::current_num_threads().min(4).to_string()) };
    }
    peers::serve(&mut Host)
}
