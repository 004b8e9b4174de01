//! The GPU executor. It interprets the passes of a [`Program`](crate::plan::Program) and knows no op: lowering an op
//! is `plan`'s work.

mod buffer;
mod disk;
mod interop;
mod pipeline;
#[cfg(feature = "conformance")]
mod program;
mod read;
mod record;
mod recorder;
mod staging;

use std::any::Any;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use buffer::PoolStatistics;
use buffer::{DeviceBuffer, DeviceCell, Pool};
use disk::DiskCache;
use pipeline::Pipelines;
use read::Words;
use recorder::{Batch, PARAMETER_BYTES};
use staging::StagingRing;

#[cfg(not(target_arch = "wasm32"))]
use crate::device::in_turn;
use crate::device::{Guard, OpenedDevice};
use crate::error::{Error, Result};
use crate::plan::{self, Choices, Limits};
use crate::work::{Executor, Input, Operand, Pending, Storage, Take, Work};

/// A device with everything that running work on it needs.
pub(crate) struct Engine(ManuallyDrop<Parts>);

/// What an engine is made of.
pub(crate) struct Parts {
    name: String,
    guard: Arc<Guard>,
    queue: wgpu::Queue,
    limits: Limits,
    choices: Choices,
    pipelines: Pipelines,
    pool: Arc<Pool>,
    staging: StagingRing,
    constants: Mutex<HashMap<String, Arc<DeviceBuffer>>>,
    readback: Mutex<Vec<wgpu::Buffer>>,
    batch: Mutex<Batch>,
    parameter_alignment: usize,
    /// Cost after which recorded work is handed over.
    most_cost: f64,
    /// The host application polls its own device; we poll ours.
    #[cfg(not(target_arch = "wasm32"))]
    borrowed: bool,
}

/// What an engine is told when it is made.
pub(crate) struct EngineOptions {
    /// Forces a set of choices; otherwise the defaults for the device.
    pub(crate) choices: Option<Choices>,
    /// Keeps the driver's bounds checks on in every shader.
    pub(crate) runtime_checks: bool,
    /// Where compiled pipelines are kept between processes.
    pub(crate) cache_directory: Option<PathBuf>,
    /// The device is a host application's.
    pub(crate) borrowed: bool,
}

impl Engine {
    pub(crate) fn new(opened: OpenedDevice, options: EngineOptions) -> Result<Self> {
        let disk = match options.borrowed {
            true => DiskCache::absent(),
            false => DiskCache::open(options.cache_directory.as_ref(), &opened),
        };
        let uniform = new_uniform(&opened.guard)?;
        let mut limits = opened.limits;
        if options.borrowed {
            // A host application draws frames between our submissions: stay under 4 ms where our own devices may
            // take 100.
            limits.max_pass_cost /= 25.0;
        }
        let choices = match options.choices {
            Some(choices) if !choices.fit(&limits) => {
                let message = "hold a tile that this device cannot run; take them from Tile::candidates";
                return Err(Error::argument("open", "choices", message));
            }
            given => given.unwrap_or_else(|| Choices::for_limits(&limits)),
        };
        let alignment = opened.guard.device().limits().min_uniform_buffer_offset_alignment.max(16);
        Ok(Self(ManuallyDrop::new(Parts {
            name: opened.info.name.clone(),
            guard: Arc::new(opened.guard),
            queue: opened.queue,
            choices,
            most_cost: limits.max_pass_cost,
            limits,
            pipelines: Pipelines::new(disk, options.runtime_checks),
            pool: Pool::new(),
            staging: StagingRing::new(),
            constants: Mutex::new(HashMap::new()),
            readback: Mutex::new(Vec::new()),
            batch: Mutex::new(Batch::new(uniform)),
            parameter_alignment: alignment as usize,
            #[cfg(not(target_arch = "wasm32"))]
            borrowed: options.borrowed,
        })))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn choices(&self) -> &Choices {
        &self.choices
    }

    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) fn pool_statistics(&self) -> PoolStatistics {
        self.pool.statistics()
    }

    pub(crate) fn pipeline_count(&self) -> usize {
        self.pipelines.len()
    }

    /// Gives idle buffers back to the driver.
    pub(crate) fn trim(&self) -> Result<()> {
        self.pool.trim(&self.guard)
    }

    fn lock_batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Identifies this engine among the owners of buffers.
    fn identity(&self) -> usize {
        Arc::as_ptr(&self.guard) as usize
    }

    fn take_buffer(&self, op: &'static str, bytes: u64) -> Result<Arc<DeviceBuffer>> {
        if bytes > self.limits.max_buffer_bytes {
            let (requested, limit) = (bytes, self.limits.max_buffer_bytes);
            return Err(Error::BufferTooLarge { op, requested, limit, adapter: self.name.clone() });
        }
        let most = self.limits.max_buffer_bytes;
        self.pool.take(op, bytes, most, &self.guard, self.identity()).map(Arc::new)
    }

    /// The buffer behind a tensor of this engine, unless the work that should have written it failed.
    fn own<'a>(&self, op: &'static str, storage: &'a Storage) -> Result<&'a Arc<DeviceBuffer>> {
        let cell: &DeviceCell = storage.downcast().ok_or(Error::DifferentContexts { op })?;
        if cell.0.owner() != self.identity() {
            return Err(Error::DifferentContexts { op });
        }
        cell.0.check()?;
        Ok(&cell.0)
    }

    /// Hands the batch to the device.
    fn submit(&self, batch: &mut Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let span = tracing::debug_span!("submit", commands = batch.commands.len(), cost = batch.cost);
        let _entered = span.enter();
        let outcome = self.guard.call("submit", 0, |device| {
            batch.prepare(&self.queue);
            let mut encoder =
                device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("gristmill") });
            batch.encode(&mut encoder);
            self.queue.submit([encoder.finish()]);
            batch.recycle_staging(&self.staging);
        });
        if let Err(error) = &outcome {
            batch.poison(error);
        }
        // The uniform buffer may be used again: the next write to it is queued behind this submission.
        *batch = Batch::new(batch.uniform.clone());
        outcome
    }

    /// Records the copy into mappable memory, submits, and asks for the mapping.
    fn start_read(&self, storage: &Storage, words: &Words) -> Result<(wgpu::Buffer, read::Slot)> {
        let source = self.own("read", storage)?.clone();
        let target = self.take_readback(words.bytes)?;
        {
            let mut batch = self.lock_batch();
            batch.hold(&source);
            batch.commands.push(recorder::Command::Copy {
                source: source.buffer().clone(),
                source_offset: words.offset,
                target: target.clone(),
                target_offset: 0,
                bytes: words.bytes,
            });
            self.submit(&mut batch)?;
        }
        source.check()?;
        let slot = read::map(&self.guard, &target)?;
        Ok((target, slot))
    }

    fn finish_read(&self, target: wgpu::Buffer, words: &Words, take: Take<'_>) -> Result<()> {
        read::take_out(&self.guard, &target, words, take)?;
        let mut idle = self.readback.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < 4 {
            idle.push(target);
        }
        Ok(())
    }

    fn take_readback(&self, bytes: u64) -> Result<wgpu::Buffer> {
        {
            let mut idle = self.readback.lock().unwrap_or_else(PoisonError::into_inner);
            // A much larger buffer would be mapped whole for a few bytes.
            let fits = |b: &wgpu::Buffer| b.size() >= bytes && b.size() / 4 <= bytes.max(1 << 16);
            if let Some(at) = idle.iter().position(fits) {
                return Ok(idle.swap_remove(at));
            }
        }
        self.guard.call("read", bytes, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("gristmill read"),
                size: bytes.next_multiple_of(8).max(1 << 12),
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })
    }
}

fn new_uniform(guard: &Guard) -> Result<wgpu::Buffer> {
    guard.call("open", PARAMETER_BYTES, |device| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("gristmill parameters"),
            size: PARAMETER_BYTES,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    })
}

impl Executor for Engine {
    fn name(&self) -> &str {
        &self.name
    }

    fn upload(&self, op: &'static str, bytes: &[u8]) -> Result<Storage> {
        let target = self.take_buffer(op, bytes.len() as u64)?;
        self.record_upload(op, bytes, &target)?;
        Ok(DeviceCell::storage(target))
    }

    fn run(&self, work: &Work, inputs: &[Operand]) -> Result<Storage> {
        let op = work.op();
        self.guard.check_lost(op)?;
        let buffers = inputs.iter().map(|input| self.own(op, &input.storage)).collect::<Result<Vec<_>>>()?;
        let operands: Vec<_> = inputs.iter().map(Operand::input).collect();
        let program = plan::lower(work, &operands, &self.limits, &self.choices)?;
        let output = self.take_buffer(op, program.output_bytes)?;
        self.record(&program, &buffers, &output)?;
        Ok(DeviceCell::storage(output))
    }

    fn prepare(&self, work: &Work, inputs: &[Input<'_>]) -> Result<()> {
        let program = plan::lower(work, inputs, &self.limits, &self.choices)?;
        for pass in &program.passes {
            self.pipelines.get(program.op, &pass.shader, &self.limits, &self.guard)?;
        }
        Ok(())
    }

    fn read<'a>(&'a self, storage: &Storage, offset: u64, bytes: u64, take: Take<'a>) -> Pending<'a, ()> {
        if bytes == 0 {
            let outcome = self.own("read", storage).and_then(|_| take(&[]));
            return Box::pin(std::future::ready(outcome));
        }
        let words = Words::around(offset, bytes);
        let started = self.start_read(storage, &words);
        Box::pin(async move {
            let (target, slot) = started?;
            #[cfg(not(target_arch = "wasm32"))]
            if !self.borrowed && !slot.is_set() {
                read::drive_aside(&self.guard, &slot);
            }
            slot.wait().await?;
            self.guard.resolve().await?;
            self.finish_read(target, &words, take)
        })
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn read_blocking(&self, storage: &Storage, offset: u64, bytes: u64, take: Take<'_>) -> Result<()> {
        if bytes == 0 {
            return self.own("read", storage).and_then(|_| take(&[]));
        }
        let words = Words::around(offset, bytes);
        let (target, slot) = self.start_read(storage, &words)?;
        read::drive(&self.guard, &slot);
        pollster::block_on(slot.wait())?;
        self.finish_read(target, &words, take)
    }

    fn flush(&self) -> Result<()> {
        self.submit(&mut self.lock_batch())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Deref for Engine {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Work that nobody reads may still matter to a host application that shares a buffer.
        if let Err(error) = self.flush() {
            tracing::debug!(%error, "the last batch was not submitted");
        }
        self.pipelines.save();
        #[cfg(not(target_arch = "wasm32"))]
        let serial = self.guard.is_serial();
        // SAFETY: this is the one place that drops the parts, and nothing uses them afterwards.
        let mut free = || unsafe { ManuallyDrop::drop(&mut self.0) };
        // Buffers, pipelines and the device must go while no other GL device is in the middle of its work.
        #[cfg(not(target_arch = "wasm32"))]
        if serial {
            let _ = in_turn(free);
            return;
        }
        free();
    }
}
