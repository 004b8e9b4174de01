//! Every op against textbook loops in f64.
#![allow(clippy::unwrap_used)]

mod convolve;
mod fft;
mod gemm;
mod pair;
mod reduce;

use bytemuck::Pod;

use super::Cpu;
use crate::error::Result;
use crate::work::{Executor, Layout, Operand, Work};

/// Numbers in −1 … 1 that look random.
pub(in crate::cpu) fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f64 / (1u64 << 23) as f64 - 1.0) as f32
    };
    (0..len).map(|_| next()).collect()
}

fn operand<T: Pod>(cpu: &Cpu, entries: &[T], layout: Layout) -> Operand {
    let storage = cpu.upload("upload", bytemuck::cast_slice(entries)).unwrap();
    Operand { storage, layout, element_bytes: size_of::<T>() }
}

fn contiguous<T: Pod>(cpu: &Cpu, entries: &[T], shape: &[usize]) -> Operand {
    operand(cpu, entries, Layout::contiguous(shape))
}

fn run<T: Pod>(cpu: &Cpu, work: &Work, inputs: &[Operand]) -> Result<Vec<T>> {
    let storage = cpu.run(work, inputs)?;
    Ok(bytemuck::cast_slice(cpu.storage_bytes("read", &storage)?).to_vec())
}

#[test]
fn what_is_not_there_cannot_be_read() {
    let cpu = Cpu::new();
    let storage = cpu.upload("upload", &[1, 2, 3, 4]).unwrap();
    assert_eq!(cpu.part(&storage, 1, 2).unwrap(), [2, 3]);
    assert!(cpu.part(&storage, 3, 2).is_err());
    assert!(cpu.part(&storage, u64::MAX, 2).is_err());
}

#[test]
fn layouts_that_leave_their_memory_are_errors() {
    let cpu = Cpu::new();
    for (shape, strides, offset) in [
        (vec![2, 3], vec![3, 1], 1),
        (vec![usize::MAX, 3], vec![0, 1], 0),
        (vec![2, 2], vec![usize::MAX, 1], 0),
        (vec![7], vec![], 0),
        (vec![6], vec![1], usize::MAX),
    ] {
        let input = operand(&cpu, &[0f32; 6], Layout { shape, strides, offset });
        assert!(cpu.run(&Work::Copy, &[input]).is_err());
    }
    assert!(cpu.run(&Work::Copy, &[]).is_err());
    let empty = operand(&cpu, &[0f32; 0], Layout { shape: vec![3, 0], strides: vec![9, 9], offset: 99 });
    assert!(run::<f32>(&cpu, &Work::Copy, &[empty]).unwrap().is_empty());
}
