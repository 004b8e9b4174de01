//! From a program to recorded commands: buffers, bind groups, parameters, constants, uploads.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::Engine;
use super::buffer::DeviceBuffer;
use super::recorder::{Batch, Command};
use crate::error::{Error, Result};
use crate::plan::{BufferId, Constant, Pass, Program};

/// The buffers that a program's numbers mean.
struct Buffers<'a> {
    inputs: &'a [&'a Arc<DeviceBuffer>],
    output: &'a Arc<DeviceBuffer>,
    temporaries: Vec<Arc<DeviceBuffer>>,
    constants: Vec<Arc<DeviceBuffer>>,
}

impl Buffers<'_> {
    /// Lets the batch keep what its commands name.
    fn hold(&self, op: &'static str, batch: &mut Batch) {
        batch.will_write(op, self.output);
        let others = self.inputs.iter().copied().chain(&self.temporaries).chain(&self.constants);
        others.for_each(|buffer| batch.hold(buffer));
    }

    fn get(&self, op: &'static str, id: BufferId) -> Result<&Arc<DeviceBuffer>> {
        let found = match id {
            BufferId::Input(at) => self.inputs.get(at).copied(),
            BufferId::Output => Some(self.output),
            BufferId::Temporary(at) => self.temporaries.get(at),
            BufferId::Constant(at) => self.constants.get(at),
        };
        found.ok_or_else(|| Error::Unsupported { op, message: format!("its plan names a buffer it lacks ({id:?})") })
    }
}

impl Engine {
    /// Records every pass of a program, in order and without other work in between.
    pub(super) fn record(
        &self,
        program: &Program,
        inputs: &[&Arc<DeviceBuffer>],
        output: &Arc<DeviceBuffer>,
    ) -> Result<()> {
        let op = program.op;
        let temporaries =
            program.temporaries.iter().map(|&bytes| self.take_buffer(op, bytes)).collect::<Result<Vec<_>>>()?;
        let constants = program.constants.iter().map(|c| self.constant(op, c)).collect::<Result<Vec<_>>>()?;
        let buffers = Buffers { inputs, output, temporaries, constants };
        // Pipelines take long to build: do it before anybody else is kept waiting for the batch.
        for pass in &program.passes {
            self.pipelines.get(op, &pass.shader, &self.limits, &self.guard)?;
        }
        let mut batch = self.lock_batch();
        for pass in &program.passes {
            self.record_pass(op, pass, &buffers, &mut batch)?;
        }
        buffers.hold(op, &mut batch);
        if batch.is_heavy() { self.submit(&mut batch) } else { Ok(()) }
    }

    fn record_pass(
        &self,
        op: &'static str,
        pass: &Pass,
        buffers: &Buffers<'_>,
        batch: &mut MutexGuard<'_, Batch>,
    ) -> Result<()> {
        if !batch.has_room(pass.parameters.len(), self.parameter_alignment)
            || (!batch.is_empty() && batch.cost + pass.cost > self.most_cost)
        {
            buffers.hold(op, batch);
            self.submit(batch)?;
        }
        let pipeline = self.pipelines.get(op, &pass.shader, &self.limits, &self.guard)?;
        if pipeline.bindings != pass.windows.len() + 1 {
            let message = format!("shader {} binds {} buffers", pass.shader.file.name, pipeline.bindings - 1);
            return Err(Error::Unsupported {
                op,
                message: format!("{message}, its plan names {}", pass.windows.len()),
            });
        }
        let offset = batch.push_parameters(&pass.parameters, self.parameter_alignment);
        let mut entries = Vec::with_capacity(pipeline.bindings);
        entries.push(entry(0, &batch.uniform, offset, pass.parameters.len() as u64));
        for (at, window) in pass.windows.iter().enumerate() {
            let buffer = buffers.get(op, window.buffer)?;
            entries.push(entry(at as u32 + 1, buffer.buffer(), window.offset, window.bytes));
        }
        let bindings = self.guard.call(op, 0, |device| {
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(pass.shader.file.name),
                layout: &pipeline.layout,
                entries: &entries,
            })
        })?;
        drop(entries);
        batch.push_dispatch(pipeline, bindings, pass.grid, pass.cost, op);
        Ok(())
    }

    /// A table that stays on the device between calls.
    fn constant(&self, op: &'static str, constant: &Constant) -> Result<Arc<DeviceBuffer>> {
        let mut kept = self.constants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(&constant.key) {
            if found.check().is_ok() {
                return Ok(found.clone());
            }
        }
        // Tables are few and small beside data; past this many, old ones are not worth keeping.
        if kept.len() >= 256 {
            kept.clear();
        }
        let buffer = self.take_buffer(op, constant.bytes.len() as u64)?;
        self.record_upload(op, &constant.bytes, &buffer)?;
        kept.insert(constant.key.clone(), buffer.clone());
        Ok(buffer)
    }

    /// Copies host bytes into staging memory and records the copy from there.
    pub(super) fn record_upload(&self, op: &'static str, bytes: &[u8], target: &Arc<DeviceBuffer>) -> Result<()> {
        let mut batch = self.lock_batch();
        batch.will_write(op, target);
        let mut done = 0;
        while done < bytes.len() {
            if batch.staging.last().is_none_or(super::staging::Chunk::is_full) {
                self.await_staging(op, &mut batch)?;
                batch.will_write(op, target);
                let chunk = self.staging.take(op, &self.guard)?;
                batch.staging.push(chunk);
            }
            let Some(chunk) = batch.staging.last_mut() else { break };
            let (source_offset, count) = chunk.fill(op, &bytes[done..])?;
            let source = chunk.buffer.clone();
            batch.commands.push(Command::Copy {
                source,
                source_offset,
                target: target.buffer().clone(),
                target_offset: done as u64,
                bytes: (count as u64).next_multiple_of(4),
            });
            done += count;
        }
        Ok(())
    }

    /// Where the ring is used up: submits and waits for the device to give a piece back. On a host application's
    /// device and in the browser nothing waits; the ring grows instead.
    fn await_staging(&self, op: &'static str, batch: &mut Batch) -> Result<()> {
        if !self.staging.is_exhausted() {
            return Ok(());
        }
        self.submit(batch)?;
        #[cfg(not(target_arch = "wasm32"))]
        while !self.borrowed && self.staging.is_exhausted() {
            if self.guard.poll(op, true)? {
                break;
            }
        }
        let _ = op;
        Ok(())
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> wgpu::BindGroupEntry<'_> {
    let size = wgpu::BufferSize::new(bytes);
    wgpu::BindGroupEntry {
        binding,
        resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size }),
    }
}
