//! Pipelines by structured key, in memory and in the driver's own cache on disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::DiskCache;
use crate::device::Guard;
use crate::error::{Error, Result};
use crate::plan::Limits;
use crate::shader::{BindingKind, Shader, compile};

/// A compiled shader with what binding it needs.
pub(crate) struct Pipeline {
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
    pub(crate) bindings: usize,
}

/// Every pipeline that a device has built.
pub(crate) struct Pipelines {
    built: Mutex<HashMap<Arc<Shader>, Arc<Pipeline>>>,
    disk: DiskCache,
    runtime_checks: bool,
}

impl Pipelines {
    pub(crate) fn new(disk: DiskCache, runtime_checks: bool) -> Self {
        Self { built: Mutex::new(HashMap::new()), disk, runtime_checks }
    }

    /// Number of pipelines built so far.
    pub(crate) fn len(&self) -> usize {
        self.built.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The pipeline of a shader, built on first use.
    pub(crate) fn get(
        &self,
        op: &'static str,
        shader: &Arc<Shader>,
        limits: &Limits,
        guard: &Guard,
    ) -> Result<Arc<Pipeline>> {
        if let Some(found) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(shader) {
            return Ok(found.clone());
        }
        let pipeline = Arc::new(self.build(op, shader, limits, guard)?);
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(shader.clone(), pipeline.clone());
        Ok(pipeline)
    }

    fn build(&self, op: &'static str, shader: &Shader, limits: &Limits, guard: &Guard) -> Result<Pipeline> {
        let span = tracing::debug_span!("pipeline", shader = shader.file.name);
        let _entered = span.enter();
        let module = compile(shader)?;
        module.interface.check(limits)?;
        let entries = layout_entries(shader, &module.interface.bindings)?;
        let text = module.text;
        let unchecked = shader.indices_proven && !self.runtime_checks;
        guard.call(op, 0, |device| {
            let descriptor = wgpu::ShaderModuleDescriptor {
                label: Some(shader.file.name),
                source: wgpu::ShaderSource::Wgsl(text.into()),
            };
            let module = if unchecked {
                // SAFETY: `indices_proven` says that the plan keeps every index of this shader inside its windows
                // and bounds its loops; the suite runs every shader with the checks on as well.
                unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
            } else {
                device.create_shader_module(descriptor)
            };
            let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(shader.file.name),
                entries: &entries,
            });
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(shader.file.name),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(shader.file.name),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Our shaders write workgroup memory before they read it.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: self.disk.cache(),
            });
            self.disk.mark_changed();
            Pipeline { pipeline, layout, bindings: entries.len() }
        })
    }

    /// Writes the driver's cache to disk if a pipeline was added since the last time.
    pub(crate) fn save(&self) {
        self.disk.save();
    }
}

fn layout_entries(shader: &Shader, bindings: &[BindingKind]) -> Result<Vec<wgpu::BindGroupLayoutEntry>> {
    let wrong = |message: &str| Error::Shader { label: shader.file.name.to_owned(), message: message.to_owned() };
    if bindings.first() != Some(&BindingKind::Uniform) {
        return Err(wrong("binding 0 of group 0 must be the uniform block `parameters`"));
    }
    let entry = |(binding, kind): (usize, &BindingKind)| {
        let ty = match kind {
            BindingKind::Uniform => wgpu::BufferBindingType::Uniform,
            BindingKind::StorageRead => wgpu::BufferBindingType::Storage { read_only: true },
            BindingKind::StorageReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
        };
        wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        }
    };
    Ok(bindings.iter().enumerate().map(entry).collect())
}
