//! What an adapter is, and how one is chosen by name.

use std::fmt;

use crate::plan::{DeviceKind, Limits};

/// An adapter as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdapterInfo {
    /// The name that the driver gives.
    pub name: String,
    /// `vulkan`, `metal`, `dx12`, `gl`, `webgpu` or `cpu`.
    pub backend: String,
    /// Driver name and version, as far as known.
    pub driver: String,
    /// PCI vendor, 0 where unknown.
    pub vendor: u32,
    /// PCI device, 0 where unknown.
    pub device: u32,
    /// What kind of processor it is.
    pub kind: DeviceKind,
    /// Smallest and largest subgroup, 0 where unknown.
    pub subgroup_sizes: (u32, u32),
}

impl AdapterInfo {
    /// The host executor, shown beside the adapters.
    pub(crate) fn host() -> Self {
        Self {
            name: "CPU".to_owned(),
            backend: "cpu".to_owned(),
            driver: String::new(),
            vendor: 0,
            device: 0,
            kind: DeviceKind::Host,
            subgroup_sizes: (0, 0),
        }
    }

    /// A short text that asks for this adapter: the backend and the word of the name that tells adapters apart,
    /// `vulkan:llvmpipe`.
    pub fn selector(&self) -> String {
        if self.kind == DeviceKind::Host {
            return "cpu".to_owned();
        }
        let name = self.name.to_lowercase();
        let word = ["llvmpipe", "swiftshader"].into_iter().find(|word| name.contains(word));
        format!("{}:{}", self.backend, word.unwrap_or(&name))
    }

    /// Whether a text asks for this adapter, as [`ContextOptions::adapter`](crate::ContextOptions) does.
    pub fn is_selected_by(&self, text: &str) -> bool {
        Selection::parse(text).matches(self)
    }

    /// A GPU of silicon, not the host's cores.
    pub fn is_hardware(&self) -> bool {
        matches!(self.kind, DeviceKind::Discrete | DeviceKind::Integrated | DeviceKind::Other)
    }
}

impl fmt::Display for AdapterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DeviceKind::Host => f.write_str("CPU"),
            _ => write!(f, "{} · {}", self.name, self.backend),
        }
    }
}

/// An adapter asked for by name: `auto`, `cpu`, or part of a name with an optional backend before a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The best hardware GPU, else the CPU.
    Auto,
    /// The host executor.
    Cpu,
    /// A case-insensitive part of the name or the driver, on one backend or on any.
    Named {
        /// `vulkan`, `gl` …
        backend: Option<String>,
        /// Part of the adapter's or the driver's name; may be empty after a backend.
        part: String,
    },
}

impl Selection {
    /// Reads a selection; every text is one.
    pub fn parse(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        match text.as_str() {
            "" | "auto" => return Self::Auto,
            "cpu" => return Self::Cpu,
            // Mesa's software Vulkan driver calls its adapter llvmpipe, as its OpenGL driver does.
            "lavapipe" => return Self::Named { backend: Some("vulkan".to_owned()), part: "llvmpipe".to_owned() },
            _ => {}
        }
        if let Some((backend, part)) = text.split_once(':') {
            if matches!(backend, "vulkan" | "metal" | "dx12" | "gl" | "webgpu") {
                let part = if part.trim() == "lavapipe" { "llvmpipe" } else { part.trim() };
                return Self::Named { backend: Some(backend.to_owned()), part: part.to_owned() };
            }
        }
        Self::Named { backend: None, part: text }
    }

    /// Whether an adapter is meant.
    pub fn matches(&self, info: &AdapterInfo) -> bool {
        match self {
            Self::Auto => info.is_hardware(),
            Self::Cpu => info.kind == DeviceKind::Host,
            Self::Named { backend, part } => {
                backend.as_ref().is_none_or(|b| *b == info.backend)
                    && (info.name.to_lowercase().contains(part)
                        || info.driver.to_lowercase().contains(part)
                        || (backend.is_none() && *part == info.backend))
            }
        }
    }
}

/// wgpu's description in our words.
pub(crate) fn describe(info: &wgpu::AdapterInfo) -> AdapterInfo {
    let driver = [info.driver.as_str(), info.driver_info.as_str()];
    AdapterInfo {
        name: info.name.clone(),
        backend: match info.backend {
            wgpu::Backend::Vulkan => "vulkan",
            wgpu::Backend::Metal => "metal",
            wgpu::Backend::Dx12 => "dx12",
            wgpu::Backend::Gl => "gl",
            wgpu::Backend::BrowserWebGpu => "webgpu",
            wgpu::Backend::Noop => "noop",
        }
        .to_owned(),
        driver: driver.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" "),
        vendor: info.vendor,
        device: info.device,
        kind: kind_of(info),
        subgroup_sizes: (info.subgroup_min_size, info.subgroup_max_size),
    }
}

pub(super) fn kind_of(info: &wgpu::AdapterInfo) -> DeviceKind {
    // GL reports llvmpipe and SwiftShader as anything but a CPU on some systems: the name decides there.
    let name = info.name.to_lowercase();
    let software = ["llvmpipe", "swiftshader", "lavapipe", "softpipe", "microsoft basic render", "warp"];
    if software.iter().any(|s| name.contains(s)) {
        return DeviceKind::Software;
    }
    match info.device_type {
        wgpu::DeviceType::Cpu => DeviceKind::Software,
        wgpu::DeviceType::IntegratedGpu => DeviceKind::Integrated,
        wgpu::DeviceType::DiscreteGpu => DeviceKind::Discrete,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => DeviceKind::Other,
    }
}

/// The plain limits of a device. Indices inside a binding are 32-bit, so no window is larger than 2 GiB.
pub(crate) fn limits_of(info: &wgpu::AdapterInfo, limits: &wgpu::Limits, features: wgpu::Features) -> Limits {
    let kind = kind_of(info);
    let fixed = info.subgroup_min_size == info.subgroup_max_size && info.subgroup_min_size > 0;
    let compiles_slowly = info.name.to_lowercase().contains("swiftshader");
    let usable = fixed && features.contains(wgpu::Features::SUBGROUP);
    Limits {
        adapter: info.name.clone(),
        kind,
        max_binding_bytes: limits.max_storage_buffer_binding_size.min(2 << 30),
        max_buffer_bytes: limits.max_buffer_size,
        offset_alignment: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
        max_workgroups: limits.max_compute_workgroups_per_dimension,
        max_invocations: limits.max_compute_invocations_per_workgroup,
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
        int64: features.contains(wgpu::Features::SHADER_INT64),
        compiles_slowly,
        subgroup_size: usable.then_some(info.subgroup_min_size),
        max_pass_cost: match kind {
            DeviceKind::Software | DeviceKind::Host => 2e9,
            DeviceKind::Integrated => 2e10,
            DeviceKind::Discrete | DeviceKind::Other => 1e11,
        },
        ..Limits::webgpu_defaults()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_names_and_backends() {
        assert_eq!(Selection::parse(" Auto "), Selection::Auto);
        assert_eq!(Selection::parse("CPU"), Selection::Cpu);
        let lavapipe = AdapterInfo {
            name: "llvmpipe (LLVM 15.0.6, 256 bits)".to_owned(),
            backend: "vulkan".to_owned(),
            kind: DeviceKind::Software,
            ..AdapterInfo::host()
        };
        assert!(Selection::parse("vulkan:LLVMpipe").matches(&lavapipe));
        assert!(Selection::parse("vulkan:lavapipe").matches(&lavapipe) && lavapipe.is_selected_by("lavapipe"));
        assert_eq!((lavapipe.selector(), AdapterInfo::host().selector()), ("vulkan:llvmpipe".into(), "cpu".into()));
        assert!(!Selection::parse("gl:llvmpipe").matches(&lavapipe));
        assert!(Selection::parse("llvm").matches(&lavapipe));
        assert!(Selection::parse("vulkan").matches(&lavapipe));
        assert!(!Selection::Auto.matches(&lavapipe));
    }
}
