//! burn on wgpu, with fused and tuned kernels, in WGSL.

use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use burn_tensor::wgpu::{WgpuSetup, wgpu};
use burn_tensor::{Device, Tensor, TensorData};
use peers::{NEIGHBOURS, Peer, Task, Timed, Work};

/// Rows of the matrix that are stored at a time where all of it would not fit one binding.
const BLOCK: usize = 1024;

struct Burn {
    device: Device,
    adapter: String,
}

impl Peer for Burn {
    fn version(&self) -> String {
        format!("burn 0.22 on {}", self.adapter)
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        let [n, m, d] = task.dimensions();
        let inputs = task.inputs();
        let upload = |input: usize, shape: [usize; 2]| -> Tensor<2> {
            Tensor::from_data(TensorData::new(inputs[input].clone(), shape), &self.device)
        };
        let op: Op = match task.work {
            Work::Gemm => {
                let (a, b) = (upload(0, [n, m]), upload(1, [m, d]));
                Box::new(move || vec![a.clone().matmul(b.clone())])
            }
            Work::Sqeuclidean | Work::Euclidean => {
                let (x, y) = (upload(0, [n, d]), upload(1, [m, d]));
                let root = task.work == Work::Euclidean;
                Box::new(move || {
                    let squared = norm_trick(x.clone(), y.clone());
                    vec![if root { squared.sqrt() } else { squared }]
                })
            }
            Work::GaussianMatvec => {
                let (x, y, v) = (upload(0, [n, d]), upload(1, [m, d]), upload(2, [m, 1]));
                let gamma = task.gamma();
                Box::new(move || {
                    let block = |start: usize| {
                        let rows = x.clone().slice([start..(start + BLOCK).min(n), 0..d]);
                        (norm_trick(rows, y.clone()) * -gamma).exp().matmul(v.clone())
                    };
                    (0..n).step_by(BLOCK).map(block).collect()
                })
            }
            Work::Argkmin => {
                let (x, y) = (upload(0, [n, d]), upload(1, [m, d]));
                Box::new(move || {
                    let block = |start: usize| {
                        let rows = x.clone().slice([start..(start + BLOCK).min(n), 0..d]);
                        (-norm_trick(rows, y.clone())).argtopk(NEIGHBOURS, 1).float()
                    };
                    (0..n).step_by(BLOCK).map(block).collect()
                })
            }
            // It has no complex transform; the others are ours, or about transforms too.
            _ => return Ok(Vec::new()),
        };
        let (op, device) = (Rc::new(op), self.device.clone());
        let again = op.clone();
        Ok(vec![Timed {
            name: "burn",
            run: Box::new(move || {
                // What nobody holds any more is not computed.
                let _result = op();
                device.sync().map_err(|error| anyhow!("{error:?}"))
            }),
            result: Box::new(move || {
                let read = |part: Tensor<2>| -> Result<Vec<f32>> {
                    let data = part.try_into_data().map_err(|error| anyhow!("{error:?}"))?;
                    data.try_to_vec().map_err(|error| anyhow!("{error:?}"))
                };
                Ok(again().into_iter().map(read).collect::<Result<Vec<_>>>()?.concat())
            }),
        }])
    }
}

/// The work; its result in parts.
type Op = Box<dyn Fn() -> Vec<Tensor<2>>>;

/// Squared distances as ‖x‖² + ‖y‖² − 2x·y: the direct form would store n × m × d differences.
fn norm_trick(x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    let squares = |rows: &Tensor<2>| (rows.clone() * rows.clone()).sum_dim(1);
    let (xx, yy) = (squares(&x), squares(&y).transpose());
    (xx + yy - x.matmul(y.transpose()) * 2.0).clamp_min(0.0)
}

/// The adapter asked for, opened as burn opens one that it finds itself: all features and its own limits.
async fn open(asked: &str) -> Result<(WgpuSetup, String)> {
    let instance = wgpu::Instance::default();
    let adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
    let named = |info: &wgpu::AdapterInfo| peers::is_named(asked, info.backend.to_str(), &info.name, &info.driver);
    let adapter = adapters
        .into_iter()
        .find(|adapter| named(&adapter.get_info()))
        .with_context(|| format!("no adapter is called {asked}"))?;
    let (device, queue) = adapter
        .request_device(&wgpu::DeviceDescriptor {
            required_features: adapter.features()
                - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS
                - wgpu::Features::all_experimental_mask(),
            required_limits: adapter.limits(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        })
        .await?;
    let info = adapter.get_info();
    let name = format!("{} · {} {}", info.name, info.backend.to_str(), info.driver_info);
    Ok((WgpuSetup { instance, adapter, device, queue, backend: info.backend }, name))
}

fn main() -> Result<()> {
    let asked = std::env::args().nth(1).context("which adapter?")?;
    let (setup, adapter) = pollster::block_on(open(&asked))?;
    let device = Device::wgpu_options().setup(setup).init().map_err(|error| anyhow!("{error:?}"))?;
    peers::serve(&mut Burn { device, adapter })
}
