//! How a Context is opened: by preference, by name, or around a host application's device.

use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use crate::device::{AdapterInfo, Guard, OpenedDevice, Selection, describe, enumerate, limits_of, open_adapter};
use crate::engine::{Engine, EngineOptions};
use crate::error::{Error, Result, nearest};
use crate::plan::{Choices, DeviceKind};

/// How a Context is opened. The default takes the best hardware GPU, else the CPU, with all that it offers.
#[derive(Debug, Clone)]
pub struct ContextOptions {
    /// `auto`, `cpu`, or a case-insensitive part of an adapter's name, with the backend before a colon where it matters:
    /// `vulkan:llvmpipe`, `gl:llvmpipe`, `swiftshader`.
    pub adapter: String,
    /// Ask for no more than WebGPU's default limits and for no optional feature.
    pub default_limits: bool,
    /// Keep the driver's bounds checks on in every shader, also where the plan proves them needless.
    pub runtime_checks: bool,
    /// Use subgroup operations where the adapter has them.
    pub subgroups: bool,
    /// Directory in which compiled pipelines are kept between processes; `None` keeps nothing.
    pub cache_directory: Option<PathBuf>,
    /// Choices of tiles; `None` takes the defaults for the adapter.
    pub choices: Option<Choices>,
}

impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            adapter: "auto".to_owned(),
            default_limits: false,
            runtime_checks: false,
            subgroups: true,
            cache_directory: None,
            choices: None,
        }
    }
}

impl ContextOptions {
    /// The defaults, with an adapter asked for by name.
    pub fn named(adapter: &str) -> Self {
        Self { adapter: adapter.to_owned(), ..Self::default() }
    }

    fn engine(&self, borrowed: bool) -> EngineOptions {
        EngineOptions {
            choices: self.choices.clone(),
            runtime_checks: self.runtime_checks,
            cache_directory: self.cache_directory.clone(),
            borrowed,
        }
    }
}

impl Context {
    /// The best hardware GPU, else the CPU.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] if there is no GPU and the library was built without the feature `cpu`; the driver's errors.
    ///
    /// # Examples
    /// ```
    /// # pollster::block_on(async {
    /// let context = gristmill::Context::open().await?;
    /// println!("running on {}", context.info());
    /// # Ok::<(), gristmill::Error>(()) }).unwrap();
    /// ```
    pub async fn open() -> Result<Self> {
        Self::with_options(ContextOptions::default()).await
    }

    /// [`open`](Context::open), blocking the thread.
    ///
    /// # Errors
    /// As [`open`](Context::open).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_blocking() -> Result<Self> {
        pollster::block_on(Self::open())
    }

    /// Opens as the options say.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] if nothing fits, with the adapters that are there; the driver's errors.
    pub async fn with_options(options: ContextOptions) -> Result<Self> {
        let selection = Selection::parse(&options.adapter);
        if selection == Selection::Cpu {
            return Self::on_host("asked for by name".to_owned(), &options.adapter, "none");
        }
        let mut adapters = enumerate().await;
        // Discrete before integrated before unknown, software last; the system's order among equals.
        adapters.sort_by_key(|adapter| rank(describe(&adapter.get_info()).kind));
        let found: Vec<AdapterInfo> = adapters.iter().map(|adapter| describe(&adapter.get_info())).collect();
        let listed = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let listed = if listed.is_empty() { "none".to_owned() } else { listed };
        let Some(at) = found.iter().position(|info| selection.matches(info)) else {
            if selection == Selection::Auto {
                return Self::on_host(format!("no hardware GPU was found (found: {listed})"), "auto", &listed);
            }
            let mut names: Vec<String> = found.iter().map(AdapterInfo::selector).collect();
            let words: Vec<String> = names.iter().filter_map(|name| Some(name.split_once(':')?.1.to_owned())).collect();
            names.extend(words.into_iter().chain(["cpu".to_owned()]));
            let nearest = nearest(&options.adapter, names.iter().map(String::as_str));
            return Err(Error::NoAdapter { asked: options.adapter, nearest, found: format!("{listed}, cpu") });
        };
        let opened = open_adapter(&adapters[at], options.default_limits, options.subgroups).await?;
        let reason = match selection {
            Selection::Auto => "the best hardware GPU found".to_owned(),
            _ => format!("asked for as \"{}\"", options.adapter),
        };
        Self::on_device(opened, &options, reason, false)
    }

    /// [`with_options`](Context::with_options), blocking the thread.
    ///
    /// # Errors
    /// As [`with_options`](Context::with_options).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn with_options_blocking(options: ContextOptions) -> Result<Self> {
        pollster::block_on(Self::with_options(options))
    }

    /// Works on a host application's device and queue.
    ///
    /// No callback is installed, nothing blocks except the calls named `…_blocking`, and submissions are kept short. The
    /// application polls its device as it always does; `read().await` finishes when it has.
    ///
    /// # Errors
    /// The driver's errors.
    pub fn from_wgpu(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Self> {
        Self::from_wgpu_with(device, queue, ContextOptions::default())
    }

    /// [`from_wgpu`](Context::from_wgpu) with options; the adapter, the limits and the features are the device's.
    ///
    /// # Errors
    /// The driver's errors.
    pub fn from_wgpu_with(device: &wgpu::Device, queue: &wgpu::Queue, options: ContextOptions) -> Result<Self> {
        let info = device.adapter_info();
        let mut features = device.features();
        if !options.subgroups {
            features.remove(wgpu::Features::SUBGROUP);
        }
        let limits = limits_of(&info, &device.limits(), features);
        let guard = Guard::borrowing(device.clone(), info.name.clone(), info.backend);
        let opened = OpenedDevice { guard, queue: queue.clone(), info, limits, features };
        Self::on_device(opened, &options, "the host application's device".to_owned(), true)
    }

    /// The host's cores.
    #[cfg(feature = "cpu")]
    pub fn cpu() -> Self {
        Self {
            executor: Arc::new(crate::cpu::Cpu::new()),
            engine: None,
            info: AdapterInfo::host(),
            features: Vec::new(),
            reason: "asked for by name".to_owned(),
        }
    }

    /// Every adapter of the system, software ones included, and the CPU last.
    pub async fn adapters() -> Vec<AdapterInfo> {
        let mut found: Vec<AdapterInfo> = enumerate().await.iter().map(|a| describe(&a.get_info())).collect();
        found.sort_by_key(|info| rank(info.kind));
        if cfg!(feature = "cpu") {
            found.push(AdapterInfo::host());
        }
        found
    }

    /// [`adapters`](Context::adapters), blocking the thread.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn adapters_blocking() -> Vec<AdapterInfo> {
        pollster::block_on(Self::adapters())
    }

    fn on_device(opened: OpenedDevice, options: &ContextOptions, reason: String, borrowed: bool) -> Result<Self> {
        let info = describe(&opened.info);
        let used = [
            (wgpu::Features::SUBGROUP, "subgroups"),
            (wgpu::Features::SHADER_INT64, "64-bit integers"),
            (wgpu::Features::TIMESTAMP_QUERY, "timestamp queries"),
            (wgpu::Features::PIPELINE_CACHE, "pipeline cache"),
        ];
        let features =
            used.iter().filter(|(f, _)| opened.features.contains(*f)).map(|(_, name)| (*name).to_owned()).collect();
        let engine = Arc::new(Engine::new(opened, options.engine(borrowed))?);
        Ok(Self { executor: engine.clone(), engine: Some(engine), info, features, reason })
    }

    #[cfg(feature = "cpu")]
    fn on_host(reason: String, _asked: &str, _found: &str) -> Result<Self> {
        Ok(Self { reason, ..Self::cpu() })
    }

    #[cfg(not(feature = "cpu"))]
    fn on_host(_reason: String, asked: &str, found: &str) -> Result<Self> {
        let found = format!("{found} (the library was built without its feature `cpu`)");
        Err(Error::NoAdapter { asked: asked.to_owned(), nearest: None, found })
    }
}

fn rank(kind: DeviceKind) -> u8 {
    match kind {
        DeviceKind::Discrete => 0,
        DeviceKind::Integrated => 1,
        DeviceKind::Other => 2,
        DeviceKind::Software => 3,
        DeviceKind::Host => 4,
    }
}
