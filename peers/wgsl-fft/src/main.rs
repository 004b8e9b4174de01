//! wgsl-fft on wgpu.

use std::rc::Rc;

use anyhow::{Context, Result};
use num_complex::Complex32;
use peers::{Peer, Task, Timed, Work};
use wgsl_fft::GpuFft;

struct WgslFft {
    transforms: Rc<GpuFft>,
    adapter: String,
}

impl Peer for WgslFft {
    fn version(&self) -> String {
        format!("wgsl-fft 0.5 on {}", self.adapter)
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        if task.work != Work::Fft {
            return Ok(Vec::new());
        }
        let [_, length, _] = task.dimensions();
        let values: Vec<Complex32> = task.inputs()[0].chunks(2).map(|part| Complex32::new(part[0], part[1])).collect();
        let lines: Rc<Vec<Vec<Complex32>>> = Rc::new(values.chunks(length).map(<[_]>::to_vec).collect());
        let mut timed = vec![self.end_to_end(lines.clone())];
        // Other lengths leave the device in between.
        if length.is_power_of_two() {
            timed.push(self.on_device(&lines, length));
        }
        Ok(timed)
    }
}

impl WgslFft {
    fn end_to_end(&self, lines: Rc<Vec<Vec<Complex32>>>) -> Timed {
        let transforms = self.transforms.clone();
        let whole = Rc::new(move || transforms.fft(&lines));
        let again = whole.clone();
        Timed {
            name: "wgsl-fft end to end",
            run: Box::new(move || {
                whole()?;
                Ok(())
            }),
            result: Box::new(move || Ok(flat(&again()?.concat()))),
        }
    }

    /// Its passes alone and the copy that it ends them with. They write over their input, so every call transforms what
    /// the last one left, as the crate's own benchmark does.
    fn on_device(&self, lines: &[Vec<Complex32>], length: usize) -> Timed {
        let buffers = self.transforms.get_or_build_size_cache(length, length.trailing_zeros());
        let bytes: Vec<u8> = flat(&lines.concat()).into_iter().flat_map(f32::to_le_bytes).collect();
        let count = lines.len() as u32;
        let upload = {
            let (transforms, buffer) = (self.transforms.clone(), buffers.buf_a.clone());
            move || transforms.queue.write_buffer(&buffer, 0, &bytes)
        };
        upload();
        let pass = {
            let (transforms, buffers) = (self.transforms.clone(), buffers.clone());
            Rc::new(move || -> Result<()> {
                transforms.execute_compute_pass(&buffers, count, length);
                transforms.device.poll(wgpu::PollType::wait_indefinitely())?;
                Ok(())
            })
        };
        let (transforms, again) = (self.transforms.clone(), pass.clone());
        Timed {
            name: "wgsl-fft",
            run: Box::new(move || pass()),
            result: Box::new(move || {
                upload();
                again()?;
                Ok(flat(&transforms.readback_results(&buffers, count, length)?))
            }),
        }
    }
}

fn flat(values: &[Complex32]) -> Vec<f32> {
    values.iter().flat_map(|value| [value.re, value.im]).collect()
}

/// The adapter asked for, opened as wgsl-fft opens one that it finds itself: no features, WebGPU's default limits.
async fn open(asked: &str) -> Result<WgslFft> {
    let adapters = wgpu::Instance::default().enumerate_adapters(wgpu::Backends::all()).await;
    let named = |info: &wgpu::AdapterInfo| peers::is_named(asked, info.backend.to_str(), &info.name, &info.driver);
    let adapter = adapters
        .into_iter()
        .find(|adapter| named(&adapter.get_info()))
        .with_context(|| format!("no adapter is called {asked}"))?;
    let (device, queue) = adapter.request_device(&wgpu::DeviceDescriptor::default()).await?;
    let info = adapter.get_info();
    let adapter = format!("{} · {} {}", info.name, info.backend.to_str(), info.driver_info);
    Ok(WgslFft { transforms: Rc::new(GpuFft::from_device_queue(device, queue)?), adapter })
}

fn main() -> Result<()> {
    let asked = std::env::args().nth(1).context("which adapter?")?;
    peers::serve(&mut pollster::block_on(open(&asked))?)
}
