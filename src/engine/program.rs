//! Programs that are no op's.

use super::Engine;
use super::buffer::DeviceCell;
use crate::error::Result;
use crate::plan::Program;
use crate::work::Storage;

impl Engine {
    /// Records a program and returns the memory that will hold its result. The trials of single WGSL functions come this
    /// way; ops go through [`Executor::run`](crate::work::Executor::run).
    pub(crate) fn run_program(&self, program: &Program, inputs: &[Storage]) -> Result<Storage> {
        self.guard.check_lost(program.op)?;
        let buffers = inputs.iter().map(|input| self.own(program.op, input)).collect::<Result<Vec<_>>>()?;
        let output = self.take_buffer(program.op, program.output_bytes)?;
        self.record(program, &buffers, &output)?;
        Ok(DeviceCell::storage(output))
    }
}
