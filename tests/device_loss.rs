//! The device is destroyed under every op: whoever asks for a result gets a typed error, never a panic, never zeros.
//!
//! The device is the host application's own, as in an embedded context; on OpenGL, which allows a process one instance,
//! it is the library's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use adapters::Adapter;
use gristmill::{
    Complex32, Context, ContextOptions, ConvolveOptions, Error, FftOptions, Kernel, LazyKernel, Metric, ReduceOptions,
    Tensor, convolve, correlate, count_within, fft, gemm, gram, ifft, irfft, largest, log_sum_exp, pair_mean, pair_sum,
    paired_distances, pairwise, rfft, smallest, softmax_sum, sum_within, wgpu,
};
use libtest_mimic::Trial;
use ndarray::Array2;

/// Inputs on the device.
struct Inputs {
    real: Tensor,
    complex: Tensor<Complex32>,
}

/// An op on the inputs; its result is read by the caller of the closure.
type Op = fn(&Inputs) -> gristmill::Result<Outcome>;

/// A result still on the device.
enum Outcome {
    Real(Tensor),
    Complex(Tensor<Complex32>),
    Whole(Tensor<u32>),
}

impl Outcome {
    fn read(&self) -> gristmill::Result<usize> {
        match self {
            Self::Real(tensor) => tensor.read_blocking().map(|array| array.len()),
            Self::Complex(tensor) => tensor.read_blocking().map(|array| array.len()),
            Self::Whole(tensor) => tensor.read_blocking().map(|array| array.len()),
        }
    }
}

/// How the reductions of this file reduce.
fn options() -> ReduceOptions {
    ReduceOptions { exclude_self: true, ..ReduceOptions::default() }
}

const OPS: [(&str, Op); 23] = [
    ("upload and read", |inputs| Ok(Outcome::Real(inputs.real.clone()))),
    ("copy", |inputs| Ok(Outcome::Real(inputs.real.transpose().contiguous()?))),
    ("pairwise", |inputs| Ok(Outcome::Real(pairwise(&inputs.real, &inputs.real, &Metric::EUCLIDEAN)?))),
    ("paired_distances", |inputs| Ok(Outcome::Real(paired_distances(&inputs.real, &inputs.real, &Metric::COSINE)?))),
    ("gram", |inputs| Ok(Outcome::Real(gram(&inputs.real, &inputs.real, &Kernel::rbf(0.5))?))),
    ("gemm", |inputs| {
        Ok(Outcome::Real(gemm(1.0, &inputs.real, &inputs.real.transpose(), 1.0, Some(&inputs.real.columns(0..1)?))?))
    }),
    ("fft", |inputs| Ok(Outcome::Complex(fft(&inputs.complex, &FftOptions::default())?))),
    ("ifft", |inputs| Ok(Outcome::Complex(ifft(&inputs.complex, &FftOptions::default())?))),
    ("rfft", |inputs| Ok(Outcome::Complex(rfft(&inputs.real, &FftOptions::default())?))),
    ("irfft", |inputs| Ok(Outcome::Real(irfft(&inputs.complex, &FftOptions::default())?))),
    ("convolve", |inputs| Ok(Outcome::Real(convolve(&inputs.real, &inputs.real, &ConvolveOptions::default())?))),
    ("correlate", |inputs| {
        Ok(Outcome::Complex(correlate(&inputs.complex, &inputs.complex, &ConvolveOptions::default())?))
    }),
    ("pair_sum", |inputs| {
        let (x, kernel) = (&inputs.real, Kernel::rbf(0.5));
        Ok(Outcome::Real(pair_sum(x, x, &kernel, Some(x), &options())?))
    }),
    ("pair_sum, compensated", |inputs| {
        let options = ReduceOptions { compensated: true, ..options() };
        Ok(Outcome::Real(pair_sum(&inputs.real, &inputs.real, &Metric::EUCLIDEAN, None, &options)?))
    }),
    ("pair_mean", |inputs| {
        Ok(Outcome::Real(pair_mean(&inputs.real, &inputs.real, &Metric::EUCLIDEAN, None, &options())?))
    }),
    ("log_sum_exp", |inputs| {
        Ok(Outcome::Real(log_sum_exp(&inputs.real, &inputs.real, &Kernel::rbf(0.5), None, &options())?))
    }),
    ("softmax_sum", |inputs| {
        let (x, kernel) = (&inputs.real, Kernel::rbf(0.5));
        Ok(Outcome::Real(softmax_sum(x, x, &kernel, x, &options())?))
    }),
    ("smallest", |inputs| {
        Ok(Outcome::Whole(smallest(&inputs.real, &inputs.real, &Metric::EUCLIDEAN, 3, &options())?.indices))
    }),
    ("largest", |inputs| {
        Ok(Outcome::Real(largest(&inputs.real, &inputs.real, &Metric::CITYBLOCK, 3, &options())?.values))
    }),
    ("count_within", |inputs| {
        Ok(Outcome::Whole(count_within(&inputs.real, &inputs.real, &Metric::EUCLIDEAN, 9.0, &options())?))
    }),
    ("sum_within", |inputs| {
        Ok(Outcome::Real(sum_within(&inputs.real, &inputs.real, &Metric::EUCLIDEAN, 9.0, None, &options())?))
    }),
    ("a lazy kernel", |inputs| {
        Ok(Outcome::Real(LazyKernel::new(Kernel::rbf(0.5), &inputs.real, &inputs.real)?.diag()?))
    }),
    ("a chain", |inputs| {
        let distances = pairwise(&inputs.real, &inputs.real, &Metric::EUCLIDEAN)?;
        Ok(Outcome::Real(gemm(1.0, &distances, &distances, 0.0, None)?))
    }),
];

/// When the device goes.
#[derive(Clone, Copy)]
enum Moment {
    /// Before the op is called.
    Before,
    /// After the op has recorded its work, before anything is read.
    After,
}

fn main() {
    adapters::run(|adapter| if adapter.name == "cpu" { Vec::new() } else { losses(adapter) })
}

fn losses(adapter: &Adapter) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, op) in OPS {
        for (moment, word) in [(Moment::Before, "before"), (Moment::After, "after")] {
            let adapter = adapter.clone();
            trials.push(Trial::test(format!("{}::{name}, lost {word} the op", adapter.name), move || {
                lose(&adapter.name, op, moment).map_err(Into::into)
            }));
        }
    }
    let gone = adapter.clone();
    trials.push(Trial::test(format!("{}::a new context works after a loss", adapter.name), move || {
        lose(&gone.name, OPS[2].1, Moment::After)?;
        let host = Host::open(&gone.name)?;
        let inputs = host.inputs().map_err(|error| error.to_string())?;
        let read = OPS[2].1(&inputs).and_then(|result| result.read());
        read.map(|_| ()).map_err(|error| error.to_string().into())
    }));
    trials
}

/// A device and a context on it.
struct Host {
    device: wgpu::Device,
    context: Context,
}

impl Host {
    fn open(name: &str) -> Result<Self, String> {
        if name.starts_with("gl:") {
            let options = ContextOptions::named(name);
            let context = Context::with_options_blocking(options).map_err(|error| error.to_string())?;
            let device = context.device().ok_or("no device")?.clone();
            return Ok(Self { device, context });
        }
        let (device, queue) = adapters::device(name, wgpu::Limits::default())?;
        let context = Context::from_wgpu(&device, &queue).map_err(|error| error.to_string())?;
        Ok(Self { device, context })
    }

    fn inputs(&self) -> gristmill::Result<Inputs> {
        let real = Array2::from_shape_fn((9, 9), |(i, j)| 1.0 + (i * 9 + j) as f32);
        let complex = real.mapv(|value| Complex32::new(value, -value));
        Ok(Inputs { real: self.context.upload(&real)?, complex: self.context.upload(&complex)? })
    }
}

fn lose(name: &str, op: Op, moment: Moment) -> Result<(), String> {
    let host = Host::open(name)?;
    let inputs = host.inputs().map_err(|error| error.to_string())?;
    let result = match moment {
        Moment::Before => {
            host.device.destroy();
            op(&inputs).and_then(|result| result.read())
        }
        Moment::After => {
            let result = op(&inputs).map_err(|error| format!("before the loss: {error}"))?;
            host.device.destroy();
            result.read()
        }
    };
    match result {
        Err(Error::DeviceLost { .. }) => {}
        Err(other) => return Err(format!("the error is not DeviceLost: {other:?}")),
        Ok(entries) => return Err(format!("{entries} entries were read from a device that is gone")),
    }
    // What comes later says the same.
    match op(&inputs).and_then(|result| result.read()) {
        Err(Error::DeviceLost { .. }) => Ok(()),
        Err(other) => Err(format!("the second error is not DeviceLost: {other:?}")),
        Ok(_) => Err("the second call read something".to_owned()),
    }
}
