//! Crates that work on the cores of the host: gemm, matrixmultiply and rustfft.

use std::rc::Rc;

use anyhow::Result;
use num_complex::Complex32;
use peers::{Peer, Task, Timed, Work};
use rayon::prelude::*;
use rustfft::{Fft, FftPlanner};

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
            Work::Fft | Work::Fft2 => transforms(task),
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
    Timed {
        name,
        run: Box::new(move || {
            std::hint::black_box(run());
            Ok(())
        }),
        result: Box::new(move || Ok(result())),
    }
}

/// Lines that are one job: a transform takes one thread, and all threads share the lines.
fn share(lines: usize) -> usize {
    lines.div_ceil(4 * rayon::current_num_threads())
}

/// Transforms of the lines of `input`; every job has its part of `scratch`.
fn lines(plan: &dyn Fft<f32>, input: &[Complex32], out: &mut [Complex32], scratch: &mut [Complex32]) {
    let share = share(out.len() / plan.len()) * plan.len();
    let parts = input.par_chunks(share).zip(out.par_chunks_mut(share));
    parts
        .zip(scratch.par_chunks_mut(scratch_length(plan)))
        .for_each(|((input, out), scratch)| plan.process_immutable_with_scratch(input, out, scratch));
}

fn scratch_length(plan: &dyn Fft<f32>) -> usize {
    plan.get_immutable_scratch_len().max(1)
}

/// The transpose of rows of so many columns, in tiles that stay in the cache.
fn transpose(input: &[Complex32], columns: usize, out: &mut [Complex32]) {
    const TILE: usize = 16;
    let rows = input.len() / columns;
    out.par_chunks_mut(TILE * rows).enumerate().for_each(|(band, out)| {
        let first = band * TILE;
        for start in (0..rows).step_by(TILE) {
            for (column, out) in (first..).zip(out.chunks_mut(rows)) {
                for row in start..rows.min(start + TILE) {
                    out[row] = input[row * columns + column];
                }
            }
        }
    });
}

/// Transforms whose result takes memory of its own in every call, as the other libraries' does, and the same into memory
/// that is there: a large allocation costs as much as a short transform.
fn transforms(task: &Task) -> Vec<Timed> {
    let [rows, columns, _] = task.dimensions();
    let values: Vec<Complex32> = task.inputs()[0].chunks(2).map(|part| Complex32::new(part[0], part[1])).collect();
    let mut planner = FftPlanner::new();
    let (across, down) = (planner.plan_fft_forward(columns), planner.plan_fft_forward(rows));
    let both = task.work == Work::Fft2;
    let jobs = |lines: usize| lines.div_ceil(share(lines));
    let scratch = (jobs(rows) * scratch_length(&*across)).max(jobs(columns) * scratch_length(&*down));
    let lengths = [values.len(), if both { values.len() } else { 0 }, scratch];
    let run = Rc::new(move |[out, other, scratch]: &mut [Vec<Complex32>; 3]| {
        lines(&*across, &values, out, scratch);
        if both {
            transpose(out, columns, other);
            lines(&*down, other, out, scratch);
            transpose(out, rows, other);
            std::mem::swap(out, other);
        }
    });
    let memory = move || lengths.map(|length| vec![Complex32::ZERO; length]);
    let timed = |name: &'static str, kept: bool| {
        let (run, again) = (run.clone(), run.clone());
        let mut place = memory();
        Timed {
            name,
            run: Box::new(move || {
                if !kept {
                    place = memory();
                }
                run(&mut place);
                std::hint::black_box(&place);
                Ok(())
            }),
            result: Box::new(move || {
                let mut place = memory();
                again(&mut place);
                Ok(place[0].iter().flat_map(|value| [value.re, value.im]).collect())
            }),
        }
    };
    vec![timed("rustfft", false), timed("rustfft into kept memory", true)]
}

fn main() -> Result<()> {
    // matrixmultiply asks for its number of threads; the others take all.
    if std::env::var_os("MATMUL_NUM_THREADS").is_none() {
        // SAFETY: nothing else runs yet.
        unsafe { std::env::set_var("MATMUL_NUM_THREADS", rayon::current_num_threads().min(4).to_string()) };
    }
    peers::serve(&mut Host)
}
