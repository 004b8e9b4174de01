//! numr on wgpu.

use std::rc::Rc;

use anyhow::{Context, Result};
use numr::dtype::Complex64;
use numr::prelude::{
    DistanceMetric, DistanceOps, FftAlgorithms, FftDirection, FftNormalization, MatmulOps, Runtime, RuntimeClient,
    ScalarOps, UnaryOps, WgpuClient, WgpuDevice, WgpuRuntime,
};
use peers::{Peer, Task, Timed, Work};

type Tensor = numr::prelude::Tensor<WgpuRuntime>;

/// Rows of the matrix that are stored at a time where all of it would not fit one binding.
const BLOCK: usize = 1024;

struct Numr {
    device: WgpuDevice,
    client: Rc<WgpuClient>,
    adapter: String,
}

impl Peer for Numr {
    fn version(&self) -> String {
        format!("numr 0.14 on {}", self.adapter)
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        let [n, m, d] = task.dimensions();
        let inputs = task.inputs();
        let upload = |input: usize, shape: [usize; 2]| -> Result<Tensor> {
            Ok(Tensor::from_slice(&inputs[input], &shape, &self.device)?)
        };
        if matches!(task.work, Work::Fft | Work::Fft2) {
            return self.transforms(task);
        }
        let client = self.client.clone();
        let op: Op = match task.work {
            Work::Gemm => {
                let (a, b) = (upload(0, [n, m])?, upload(1, [m, d])?);
                Box::new(move || Ok(vec![client.matmul(&a, &b)?]))
            }
            Work::Sqeuclidean | Work::Euclidean => {
                let (x, y) = (upload(0, [n, d])?, upload(1, [m, d])?);
                let squared = task.work == Work::Sqeuclidean;
                let metric = if squared { DistanceMetric::SquaredEuclidean } else { DistanceMetric::Euclidean };
                Box::new(move || Ok(vec![client.cdist(&x, &y, metric)?]))
            }
            Work::GaussianMatvec => {
                let (x, y, v) = (upload(0, [n, d])?, upload(1, [m, d])?, upload(2, [m, 1])?);
                let gamma = f64::from(task.gamma());
                Box::new(move || {
                    let block = |start: usize| -> Result<Tensor> {
                        let rows = x.narrow(0, start, BLOCK.min(n - start))?.contiguous()?;
                        let distances = client.cdist(&rows, &y, DistanceMetric::SquaredEuclidean)?;
                        let kernel = client.exp(&client.mul_scalar(&distances, -gamma)?)?;
                        Ok(client.matmul(&kernel, &v)?)
                    };
                    (0..n).step_by(BLOCK).map(block).collect()
                })
            }
            // Its topk sorts 512 entries at most; the others are ours, or not among its ops.
            _ => return Ok(Vec::new()),
        };
        let (op, client) = (Rc::new(op), self.client.clone());
        let again = op.clone();
        Ok(vec![Timed {
            name: "numr",
            run: Box::new(move || {
                let _result = op()?;
                client.synchronize();
                Ok(())
            }),
            result: Box::new(move || Ok(again()?.iter().flat_map(|part| part.to_vec::<f32>()).collect())),
        }])
    }
}

impl Numr {
    /// Transforms with the input on the device already, and from the host's memory to the host's memory.
    fn transforms(&self, task: &Task) -> Result<Vec<Timed>> {
        let [n, m, _] = task.dimensions();
        let values: Vec<Complex64> = task.inputs()[0].chunks(2).map(|part| Complex64::new(part[0], part[1])).collect();
        let (client, device) = (self.client.clone(), self.device.clone());
        let load = Rc::new(move || Tensor::from_slice(&values, &[n, m], &device));
        let axes: &[isize] = if task.work == Work::Fft2 { &[1, 0] } else { &[1] };
        let op = Rc::new(move |input: &Tensor| -> Result<Tensor> {
            let transformed = axes.iter().try_fold(input.clone(), |values, &axis| {
                client.fft_dim(&values, axis, FftDirection::Forward, FftNormalization::None)
            })?;
            Ok(transformed.contiguous()?)
        });
        let flat = |values: Vec<Complex64>| values.into_iter().flat_map(|value| [value.re, value.im]).collect();
        let (input, client) = (load()?, self.client.clone());
        let (result, whole, whole_again) = (op.clone(), op.clone(), op.clone());
        let (input_again, load_again) = (input.clone(), load.clone());
        Ok(vec![
            Timed {
                name: "numr",
                run: Box::new(move || {
                    let _result = op(&input)?;
                    client.synchronize();
                    Ok(())
                }),
                result: Box::new(move || Ok(flat(result(&input_again)?.to_vec()))),
            },
            Timed {
                name: "numr end to end",
                run: Box::new(move || {
                    whole(&load()?)?.to_vec::<Complex64>();
                    Ok(())
                }),
                result: Box::new(move || Ok(flat(whole_again(&load_again()?)?.to_vec()))),
            },
        ])
    }
}

/// The work; its result in parts.
type Op = Box<dyn Fn() -> Result<Vec<Tensor>>>;

fn main() -> Result<()> {
    let asked = std::env::args().nth(1).context("which adapter?")?;
    // numr chooses by the place in wgpu's list.
    let adapters = pollster::block_on(wgpu::Instance::default().enumerate_adapters(wgpu::Backends::all()));
    let found = adapters.iter().map(wgpu::Adapter::get_info).enumerate();
    let named = |info: &wgpu::AdapterInfo| peers::is_named(&asked, info.backend.to_str(), &info.name, &info.driver);
    let (index, info) =
        found.into_iter().find(|(_, info)| named(info)).with_context(|| format!("no adapter is called {asked}"))?;
    drop(adapters);
    let device = WgpuDevice::new(index);
    let client = Rc::new(WgpuRuntime::default_client(&device));
    let adapter = format!("{} · {} {}", info.name, info.backend.to_str(), info.driver_info);
    peers::serve(&mut Numr { device, client, adapter })
}
