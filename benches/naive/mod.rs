//! The yardstick: a shader with one entry of the result per invocation, run through wgpu on the adapter that the ops use.

use std::time::{Duration, Instant};

use gristmill::wgpu;
use wgpu::util::{BufferInitDescriptor, DeviceExt};

use crate::devices::Device;

/// A shader that is ready to run on its data.
pub struct Naive {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    groups: [u32; 2],
}

impl Naive {
    /// The shader over x and y with `sizes` n, m and d, on the adapter of `device`. `None` on the CPU, and on GL, where
    /// one thread of the library owns the driver.
    pub fn new(device: &Device, shader: &str, x: &[f32], y: &[f32], sizes: [usize; 3]) -> Option<Self> {
        let info = device.context.info();
        if info.backend == "cpu" || info.backend == "gl" {
            return None;
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let backends = wgpu::Backends::all() - wgpu::Backends::GL;
        let adapters = pollster::block_on(instance.enumerate_adapters(backends));
        let same = |adapter: &wgpu::Adapter| adapter.get_info().name == info.name;
        let adapter = adapters.into_iter().find(same)?;
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
        let [n, m, d] = sizes.map(|size| size as u32);
        let buffer =
            |usage, contents: &[u8]| device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage });
        let storage = wgpu::BufferUsages::STORAGE;
        let uniform = buffer(wgpu::BufferUsages::UNIFORM, bytemuck::cast_slice(&[n, m, d, 0]));
        let (x, y) = (buffer(storage, bytemuck::cast_slice(x)), buffer(storage, bytemuck::cast_slice(y)));
        let size = 4 * u64::from(n) * u64::from(m);
        let out = wgpu::BufferDescriptor { label: None, size, usage: storage, mapped_at_creation: false };
        let out = device.create_buffer(&out);
        let module = wgpu::ShaderModuleDescriptor { label: None, source: wgpu::ShaderSource::Wgsl(shader.into()) };
        // SAFETY: the shader reads and writes within the sizes that it is given, and its loop ends. Without checks, as
        // the library's own shaders run.
        let module = unsafe { device.create_shader_module_trusted(module, wgpu::ShaderRuntimeChecks::unchecked()) };
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let buffers = [&uniform, &x, &y, &out].into_iter().enumerate();
        let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
            .map(|(at, buffer)| wgpu::BindGroupEntry { binding: at as u32, resource: buffer.as_entire_binding() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
        Some(Self { device, queue, pipeline, bindings, groups: [m.div_ceil(16), n.div_ceil(16)] })
    }

    /// Runs it and waits.
    pub fn run(&self) {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(self.groups[0], self.groups[1], 1);
        drop(pass);
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }

    /// Prints how many times as fast as this shader `ours` is: the least of a few times each, taken in turn.
    pub fn compare(&self, id: &str, ours: impl Fn()) {
        let time = |run: &dyn Fn()| {
            let start = Instant::now();
            run();
            start.elapsed()
        };
        self.run();
        ours();
        let (mut least, mut naive) = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            naive = naive.min(time(&|| self.run()));
            for _ in 0..3 {
                least = least.min(time(&ours));
            }
        }
        let (least, naive) = (least.as_secs_f64(), naive.as_secs_f64());
        println!("ratio: {id}: {:.1} (naive shader {:.2} ms, ours {:.2} ms)", naive / least, naive * 1e3, least * 1e3);
    }
}
