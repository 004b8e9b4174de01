//! Gristmill's side: every op with its inputs on the device already, and from the host's memory back to it.

mod convolutions;
mod reductions;

use std::rc::Rc;

use anyhow::{Context as _, Result};
use gristmill::{Complex32, Context, ContextOptions, ConvMethod, Element, FftOptions, Metric, Tensor};
use peers::{Peer, Task, Timed, Work};

struct Gristmill(Context);

impl Peer for Gristmill {
    fn version(&self) -> String {
        let info = self.0.info();
        format!("gristmill on {info} {}", info.driver)
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        let context = &self.0;
        let [n, m, d] = task.dimensions();
        let inputs = task.inputs();
        let real = |shapes: &[&[usize]]| -> Load<f32> {
            let shapes: Vec<Vec<usize>> = shapes.iter().map(|shape| shape.to_vec()).collect();
            let (context, inputs) = (context.clone(), inputs.clone());
            Box::new(move || {
                inputs.iter().zip(&shapes).map(|(input, shape)| context.upload_slice(input, shape)).collect()
            })
        };
        let mut timed = match task.work {
            Work::Gemm => both(real(&[&[n, m], &[m, d]]), |t| gristmill::gemm(1.0, &t[0], &t[1], 0.0, None))?,
            Work::Sqeuclidean => {
                both(real(&[&[n, d], &[m, d]]), |t| gristmill::pairwise(&t[0], &t[1], &Metric::SQEUCLIDEAN))?
            }
            Work::Euclidean => {
                both(real(&[&[n, d], &[m, d]]), |t| gristmill::pairwise(&t[0], &t[1], &Metric::EUCLIDEAN))?
            }
            Work::GaussianMatvec | Work::Cost => {
                let gamma = task.gamma();
                both(real(&[&[n, d], &[m, d], &[m]]), move |t| reductions::gaussian_matvec(t, gamma))?
            }
            Work::Argkmin => both(real(&[&[n, d], &[m, d]]), |t| reductions::argkmin(t, peers::NEIGHBOURS))?,
            Work::Fft | Work::Fft2 | Work::FftLengths | Work::FirstCall => {
                let axes: &[usize] = if task.work == Work::Fft2 { &[0, 1] } else { &[1] };
                let options = FftOptions::axes(axes);
                let values: Vec<Complex32> = inputs[0].chunks(2).map(|part| Complex32::new(part[0], part[1])).collect();
                let context = context.clone();
                let load: Load<Complex32> = Box::new(move || Ok(vec![context.upload_slice(&values, &[n, m])?]));
                both(load, move |t| gristmill::fft(&t[0], &options))?
            }
            Work::Circular => {
                let load = real(&[&[n, m], &[n, m]]);
                let unfused = convolutions::unfused(context, &load()?)?;
                let mut timed = both(load, convolutions::circular)?;
                timed.push(unfused);
                timed
            }
            Work::Fftconvolve => both(real(&[&[n, m], &[d]]), convolutions::full)?,
            Work::Depthwise => {
                let load = real(&[&[1, n, m, m], &[n, 1, d, d]]);
                let inputs = load()?;
                let direct = move || convolutions::depthwise(&inputs, ConvMethod::Direct);
                let mut timed = both(load, |t| convolutions::depthwise(t, ConvMethod::Auto))?;
                timed.extend([on_device("gristmill direct", direct), convolutions::unfolded(context, task)?]);
                timed
            }
        };
        if task.work.compares_sizes() {
            timed.truncate(1);
        }
        Ok(timed)
    }

    fn device_bytes(&self) -> u64 {
        self.0.pool_statistics().total_bytes
    }
}

/// Brings the inputs to the device.
type Load<E> = Box<dyn Fn() -> gristmill::Result<Vec<Tensor<E>>>>;

/// Entries as the checks want them.
trait Flat: Element {
    fn flat(entries: Vec<Self>) -> Vec<f32>;
}

impl Flat for f32 {
    fn flat(entries: Vec<Self>) -> Vec<f32> {
        entries
    }
}

impl Flat for u32 {
    fn flat(entries: Vec<Self>) -> Vec<f32> {
        entries.into_iter().map(|entry| entry as f32).collect()
    }
}

impl Flat for Complex32 {
    fn flat(entries: Vec<Self>) -> Vec<f32> {
        entries.into_iter().flat_map(|entry| [entry.re, entry.im]).collect()
    }
}

/// The op with its inputs in place, and the same with upload and read-back.
fn both<E: Element + 'static, R: Flat + 'static>(
    load: Load<E>,
    op: impl Fn(&[Tensor<E>]) -> gristmill::Result<Tensor<R>> + 'static,
) -> Result<Vec<Timed>> {
    let op = Rc::new(op);
    let inputs = load()?;
    let in_place = {
        let op = op.clone();
        move || op(&inputs)
    };
    let whole = Rc::new(move || op(&load()?)?.read_blocking());
    let whole_again = whole.clone();
    Ok(vec![
        on_device("gristmill", in_place),
        Timed {
            name: "gristmill end to end",
            run: Box::new(move || {
                whole()?;
                Ok(())
            }),
            result: Box::new(move || Ok(R::flat(whole_again()?.into_iter().collect()))),
        },
    ])
}

/// The op, whose inputs are in place.
fn on_device<R: Flat + 'static>(name: &'static str, op: impl Fn() -> gristmill::Result<Tensor<R>> + 'static) -> Timed {
    let op = Rc::new(op);
    let again = op.clone();
    Timed {
        name,
        run: Box::new(move || wait(op()?)),
        result: Box::new(move || Ok(R::flat(again()?.read_blocking()?.into_iter().collect()))),
    }
}

/// Waits for the work, without bringing more than its first entry to the host.
fn wait<R: Element>(result: Tensor<R>) -> Result<()> {
    let mut entry = result;
    for axis in 0..entry.shape().len() {
        entry = entry.slice(axis, 0..1)?;
    }
    entry.read_blocking()?;
    Ok(())
}

fn main() -> Result<()> {
    let adapter = std::env::args().nth(1).context("which adapter?")?;
    peers::serve(&mut Gristmill(Context::with_options_blocking(ContextOptions::named(&adapter))?))
}
