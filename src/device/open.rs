//! Opening a device: which limits and features are asked for.

use super::adapter::kind_of;
use super::{Guard, limits_of};
use crate::error::{Error, Result};
use crate::plan::{DeviceKind, Limits};

/// A device that is ready for an engine.
pub(crate) struct OpenedDevice {
    pub(crate) guard: Guard,
    pub(crate) queue: wgpu::Queue,
    pub(crate) info: wgpu::AdapterInfo,
    pub(crate) limits: Limits,
    pub(crate) features: wgpu::Features,
}

/// Features that some path uses where an adapter has them; every one of them has a path without.
fn useful_features() -> wgpu::Features {
    wgpu::Features::SUBGROUP
        | wgpu::Features::SHADER_INT64
        | wgpu::Features::TIMESTAMP_QUERY
        | wgpu::Features::PIPELINE_CACHE
}

/// Opens an adapter with all that it offers, or with WebGPU's default limits and no optional feature.
pub(crate) async fn open_adapter(
    adapter: &wgpu::Adapter,
    default_limits: bool,
    subgroups: bool,
) -> Result<OpenedDevice> {
    let info = adapter.get_info();
    let mut features = if default_limits { wgpu::Features::empty() } else { adapter.features() & useful_features() };
    if !subgroups {
        features.remove(wgpu::Features::SUBGROUP);
    }
    // Only software gains by words of 64 bits.
    if kind_of(&info) != DeviceKind::Software {
        features.remove(wgpu::Features::SHADER_INT64);
    }
    let required_limits = if default_limits { at_defaults(adapter.limits()) } else { adapter.limits() };
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("gristmill"),
        required_features: features,
        required_limits,
        memory_hints: wgpu::MemoryHints::Performance,
        ..Default::default()
    };
    let failed = |message: String| Error::Driver { op: "open", adapter: info.name.clone(), message };
    #[cfg(not(target_arch = "wasm32"))]
    let opened = super::guard::in_turn(|| pollster::block_on(adapter.request_device(&descriptor))).map_err(failed)?;
    #[cfg(target_arch = "wasm32")]
    let opened = adapter.request_device(&descriptor).await;
    let (device, queue) = opened.map_err(|error| failed(error.to_string()))?;
    let limits = limits_of(&info, &device.limits(), features);
    Ok(OpenedDevice { guard: Guard::owning(device, info.name.clone(), info.backend), queue, info, limits, features })
}

/// The adapter's limits with everything that compute work sees lowered to WebGPU's defaults.
fn at_defaults(offered: wgpu::Limits) -> wgpu::Limits {
    let floor = wgpu::Limits::default();
    wgpu::Limits {
        max_storage_buffers_per_shader_stage: floor.max_storage_buffers_per_shader_stage,
        max_storage_buffer_binding_size: floor.max_storage_buffer_binding_size,
        max_uniform_buffer_binding_size: floor.max_uniform_buffer_binding_size,
        max_buffer_size: floor.max_buffer_size,
        min_uniform_buffer_offset_alignment: floor.min_uniform_buffer_offset_alignment,
        min_storage_buffer_offset_alignment: floor.min_storage_buffer_offset_alignment,
        max_compute_workgroup_storage_size: floor.max_compute_workgroup_storage_size,
        max_compute_invocations_per_workgroup: floor.max_compute_invocations_per_workgroup,
        max_compute_workgroup_size_x: floor.max_compute_workgroup_size_x,
        max_compute_workgroup_size_y: floor.max_compute_workgroup_size_y,
        max_compute_workgroup_size_z: floor.max_compute_workgroup_size_z,
        max_compute_workgroups_per_dimension: floor.max_compute_workgroups_per_dimension,
        ..offered
    }
}
