//! Recorded work that has not been handed to the device yet.

use std::sync::{Arc, Weak};

use super::buffer::DeviceBuffer;
use super::pipeline::Pipeline;
use super::staging::{Chunk, StagingRing};
use crate::error::Error;

/// Passes after which a batch is handed over, whatever they cost.
pub(crate) const MOST_PASSES: usize = 256;
/// Bytes of buffers after which a batch is handed over, so that dropped tensors and scratch memory can be used again.
const MOST_HELD_BYTES: u64 = 256 << 20;
/// Size of a batch's ring of parameters.
pub(crate) const PARAMETER_BYTES: u64 = 128 << 10;

/// One step of a batch.
pub(crate) enum Command {
    /// Runs a pipeline.
    Dispatch { pipeline: Arc<Pipeline>, bindings: wgpu::BindGroup, grid: [u32; 3], label: &'static str },
    /// Copies between buffers.
    Copy { source: wgpu::Buffer, source_offset: u64, target: wgpu::Buffer, target_offset: u64, bytes: u64 },
}

/// What has been recorded since the last submission.
pub(crate) struct Batch {
    pub(crate) commands: Vec<Command>,
    /// The uniform blocks of all passes, each at its device alignment.
    pub(crate) parameters: Vec<u8>,
    pub(crate) uniform: wgpu::Buffer,
    pub(crate) staging: Vec<Chunk>,
    pub(crate) cost: f64,
    passes: usize,
    written: Vec<(&'static str, Weak<DeviceBuffer>)>,
    /// Every buffer that the commands name, kept from the pool until they are handed over: another thread's work may be
    /// submitted in between.
    held: Vec<Arc<DeviceBuffer>>,
    held_bytes: u64,
}

impl Batch {
    pub(crate) fn new(uniform: wgpu::Buffer) -> Self {
        Self {
            commands: Vec::new(),
            parameters: Vec::new(),
            uniform,
            staging: Vec::new(),
            cost: 0.0,
            passes: 0,
            written: Vec::new(),
            held: Vec::new(),
            held_bytes: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether one more pass with so many bytes of parameters still fits.
    pub(crate) fn has_room(&self, bytes: usize, alignment: usize) -> bool {
        let start = self.parameters.len().next_multiple_of(alignment);
        self.passes < MOST_PASSES && (start + bytes) as u64 <= PARAMETER_BYTES
    }

    /// Appends a uniform block and returns its offset.
    pub(crate) fn push_parameters(&mut self, bytes: &[u8], alignment: usize) -> u64 {
        let start = self.parameters.len().next_multiple_of(alignment);
        self.parameters.resize(start, 0);
        self.parameters.extend_from_slice(bytes);
        start as u64
    }

    pub(crate) fn push_dispatch(
        &mut self,
        pipeline: Arc<Pipeline>,
        bindings: wgpu::BindGroup,
        grid: [u32; 3],
        cost: f64,
        label: &'static str,
    ) {
        self.commands.push(Command::Dispatch { pipeline, bindings, grid, label });
        self.cost += cost;
        self.passes += 1;
    }

    /// Remembers whose content a failure of this batch would spoil.
    pub(crate) fn will_write(&mut self, op: &'static str, buffer: &Arc<DeviceBuffer>) {
        self.written.push((op, Arc::downgrade(buffer)));
        self.hold(buffer);
    }

    /// Keeps a buffer that the commands name.
    pub(crate) fn hold(&mut self, buffer: &Arc<DeviceBuffer>) {
        self.held_bytes += buffer.bytes();
        self.held.push(buffer.clone());
    }

    /// Whether so much memory waits that it should be handed over now.
    pub(crate) fn is_heavy(&self) -> bool {
        self.held_bytes > MOST_HELD_BYTES
    }

    /// Every tensor that this batch should have written returns the error from now on.
    pub(crate) fn poison(&self, error: &Error) {
        for (op, buffer) in &self.written {
            if let Some(buffer) = buffer.upgrade() {
                buffer.poison(&error.clone().of(op));
            }
        }
    }

    /// Keeps the touched buffers out of the pool for good: somebody else decides when this batch runs.
    pub(crate) fn retire_buffers(&self) {
        self.held.iter().for_each(|buffer| buffer.retire());
    }

    /// Writes the parameters and unmaps the staging pieces; then every command can be encoded.
    pub(crate) fn prepare(&mut self, queue: &wgpu::Queue) {
        if !self.parameters.is_empty() {
            let padded = self.parameters.len().next_multiple_of(4);
            self.parameters.resize(padded, 0);
            queue.write_buffer(&self.uniform, 0, &self.parameters);
        }
        for chunk in &self.staging {
            chunk.buffer.unmap();
        }
    }

    /// Encodes the commands, neighbouring dispatches in one compute pass.
    pub(crate) fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut commands = self.commands.iter().peekable();
        while let Some(command) = commands.next() {
            match command {
                Command::Copy { source, source_offset, target, target_offset, bytes } => {
                    encoder.copy_buffer_to_buffer(source, *source_offset, target, *target_offset, *bytes);
                }
                Command::Dispatch { label, .. } => {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                        label: Some(label),
                        timestamp_writes: None,
                    });
                    let mut next = Some(command);
                    while let Some(Command::Dispatch { pipeline, bindings, grid, .. }) = next {
                        pass.set_pipeline(&pipeline.pipeline);
                        pass.set_bind_group(0, bindings, &[]);
                        pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
                        next = commands.next_if(|c| matches!(c, Command::Dispatch { .. }));
                    }
                }
            }
        }
    }

    /// After submission: the staging pieces go back to the ring.
    pub(crate) fn recycle_staging(&mut self, ring: &StagingRing) {
        for chunk in self.staging.drain(..) {
            ring.recycle(chunk);
        }
    }
}
