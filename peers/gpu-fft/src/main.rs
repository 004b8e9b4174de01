//! gpu-fft on wgpu. Its forward transform takes real numbers, its inverse complex ones, and with real and imaginary
//! parts exchanged before and after it the inverse is the forward transform, divided by the length.

use std::rc::Rc;

use anyhow::{Context, Result};
use cubecl::wgpu::{RuntimeOptions, WgpuDevice, WgpuRuntime, WgpuSetup, init_device};
use peers::{Peer, Task, Timed, Work};

struct GpuFft {
    device: WgpuDevice,
    adapter: String,
}

impl Peer for GpuFft {
    fn version(&self) -> String {
        format!("gpu-fft 1.2 on {}", self.adapter)
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        let [_, length, _] = task.dimensions();
        if task.work != Work::Fft || !length.is_power_of_two() {
            return Ok(Vec::new());
        }
        let values = &task.inputs()[0];
        let part = |line: &[f32], part: usize| -> Vec<f32> { line.chunks(2).map(|value| value[part]).collect() };
        let exchanged: Vec<(Vec<f32>, Vec<f32>)> =
            values.chunks(2 * length).map(|line| (part(line, 1), part(line, 0))).collect();
        let device = self.device.clone();
        let whole = Rc::new(move || gpu_fft::ifft::ifft_batch::<WgpuRuntime>(&device, &exchanged));
        let again = whole.clone();
        Ok(vec![Timed {
            name: "gpu-fft end to end",
            run: Box::new(move || {
                std::hint::black_box(whole());
                Ok(())
            }),
            result: Box::new(move || {
                let entries = |line: Vec<f32>| -> Vec<f32> {
                    let (im, re) = line.split_at(length);
                    re.iter().zip(im).flat_map(|(re, im)| [re * length as f32, im * length as f32]).collect()
                };
                Ok(again().into_iter().flat_map(entries).collect())
            }),
        }])
    }
}

/// The adapter asked for, opened as CubeCL opens one that it finds itself: all features and its own limits.
async fn open(asked: &str) -> Result<GpuFft> {
    let instance = wgpu::Instance::default();
    let adapters = instance.enumerate_adapters(wgpu::Backends::all());
    let named = |info: &wgpu::AdapterInfo| peers::is_named(asked, info.backend.to_str(), &info.name, &info.driver);
    let adapter = adapters
        .into_iter()
        .find(|adapter| named(&adapter.get_info()))
        .with_context(|| format!("no adapter is called {asked}"))?;
    let (device, queue) = adapter
        .request_device(&wgpu::DeviceDescriptor {
            required_features: adapter.features() - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS,
            required_limits: adapter.limits(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        })
        .await?;
    let info = adapter.get_info();
    let name = format!("{} · {} {}", info.name, info.backend.to_str(), info.driver_info);
    let setup = WgpuSetup { instance, adapter, device, queue, backend: info.backend };
    Ok(GpuFft { device: init_device(setup, RuntimeOptions::default()), adapter: name })
}

fn main() -> Result<()> {
    let asked = std::env::args().nth(1).context("which adapter?")?;
    peers::serve(&mut pollster::block_on(open(&asked))?)
}
