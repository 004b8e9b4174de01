//! The host executor: what a Context uses where there is no hardware GPU.
//!
//! Work is done when [`Cpu::run`](crate::work::Executor::run) returns, on rayon's threads (in the browser on the one
//! thread there is). Every op has one module here, which checks its operands, lays out its result and computes it.
//! Instruction sets are chosen at run time: `pulp` for the loops written here, `gemm` and `rustfft` by themselves.

mod conv;
mod convolve;
mod copy;
mod extend;
mod fft;
mod formula;
mod gemm;
mod hadamard;
mod memory;
mod numbers;
mod overlap_add;
mod pair;
mod pool;
mod prepare;
mod random;
mod reduce;
mod symmetric;
mod trigonometric;
mod view;

pub(crate) use convolve::recipe as convolve_recipe;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::work::{Executor, Input, Operand, Pending, Storage, Take, Work};
use memory::Memory;

/// Runs work on the host's own cores.
pub struct Cpu {
    plans: fft::Plans,
    trigonometric: trigonometric::Plans,
}

impl Cpu {
    /// An executor on the host; it owns nothing but caches.
    pub fn new() -> Self {
        Self { plans: fft::Plans::new(), trigonometric: trigonometric::Plans::new() }
    }

    /// The bytes of a storage that this executor made.
    pub(crate) fn storage_bytes<'a>(&self, op: &'static str, storage: &'a Storage) -> Result<&'a [u8]> {
        storage.downcast::<Memory>().map(Memory::entries::<u8>).ok_or(Error::DifferentContexts { op })
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cpu")
    }
}

impl Executor for Cpu {
    fn name(&self) -> &str {
        "CPU"
    }

    fn upload(&self, op: &'static str, bytes: &[u8]) -> Result<Storage> {
        Ok(Storage(Arc::new(Memory::copied(op, bytes)?)))
    }

    fn run(&self, work: &Work, inputs: &[Operand]) -> Result<Storage> {
        let memory = match (work, inputs) {
            (Work::Copy, [input, ..]) => copy::run("copy", input)?,
            (Work::Extend(work), [input, ..]) => extend::run(work, input)?,
            (Work::Prepare(work), [input, ..]) => prepare::run(work, input)?,
            (Work::Symmetric(work), [input, ..]) => symmetric::run(work, input)?,
            (Work::Pair(work), [x, y, ..]) => pair::run(work, x, y)?,
            (Work::Reduce(work), inputs) => reduce::run(work, inputs)?,
            (Work::Formula(work), inputs) => formula::run(work, inputs)?,
            (Work::Gemm(work), inputs) => gemm::run(work, inputs)?,
            (Work::Fft(work), [input, others @ ..]) => fft::run(&self.plans, work, input, others.first())?,
            (Work::Trigonometric(work), [input, ..]) => trigonometric::run(&self.trigonometric, work, input)?,
            (Work::Hadamard(work), [input, others @ ..]) => hadamard::run(work, input, others.first())?,
            (Work::Random(work), _) => random::run(work)?,
            (Work::OverlapAdd(work), [frames, window, ..]) => overlap_add::run(work, frames, window)?,
            (Work::Convolve(work), [signal, kernel, ..]) => convolve::run(&self.plans, work, signal, kernel)?,
            (Work::Conv(work), inputs) => conv::run(&self.plans, work, inputs)?,
            (Work::Pool(work), [input, ..]) => pool::run(work, input)?,
            (work, inputs) => return Err(missing(work, inputs.len())),
        };
        Ok(Storage(Arc::new(memory)))
    }

    fn prepare(&self, work: &Work, inputs: &[Input<'_>]) -> Result<()> {
        if let (Work::Fft(work), [_, ..]) = (work, inputs) {
            fft::prepare(&self.plans, work)?;
        }
        Ok(())
    }

    fn read<'a>(&'a self, storage: &Storage, offset: u64, bytes: u64, take: Take<'a>) -> Pending<'a, ()> {
        Box::pin(std::future::ready(self.part(storage, offset, bytes).and_then(take)))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn read_blocking(&self, storage: &Storage, offset: u64, bytes: u64, take: Take<'_>) -> Result<()> {
        self.part(storage, offset, bytes).and_then(take)
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Cpu {
    fn part<'a>(&self, storage: &'a Storage, offset: u64, bytes: u64) -> Result<&'a [u8]> {
        let all = self.storage_bytes("read", storage)?;
        let start = usize::try_from(offset).ok();
        let end = offset.checked_add(bytes).and_then(|end| usize::try_from(end).ok());
        let range = start.zip(end).and_then(|(start, end)| all.get(start..end));
        range.ok_or_else(|| {
            Error::argument("read", format!("{bytes} bytes from {offset}"), format!("of only {}", all.len()))
        })
    }
}

fn missing(work: &Work, found: usize) -> Error {
    let (op, needed) = match work {
        Work::Copy => ("copy", 1),
        Work::Extend(work) => (work.op, 1),
        Work::Prepare(work) => (work.op, 1),
        Work::Symmetric(work) => (work.op, 1),
        Work::Pair(work) => (work.op, 2),
        Work::Reduce(work) => (work.op, 2),
        Work::Formula(work) => (work.op, work.formula.variables().len()),
        Work::Gemm(_) => ("gemm", 2),
        Work::Fft(work) => (work.op, 1),
        Work::Trigonometric(work) => (work.op, 1),
        Work::Hadamard(work) => (work.op, 1),
        Work::Random(work) => (work.op, 0),
        Work::OverlapAdd(work) => (work.op, 2),
        Work::Convolve(work) => (work.op, 2),
        Work::Conv(work) => (work.op, 2 + usize::from(work.bias)),
        Work::Pool(work) => (work.op, 1),
    };
    Error::argument(op, "inputs", format!("are {found} where {needed} are needed"))
}

#[cfg(test)]
mod tests;
