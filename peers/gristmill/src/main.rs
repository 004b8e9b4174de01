//! Gristmill's side: every op with its inputs on the device already, and from the host's memory back to it.

mod reductions;

use std::rc::Rc;

use anyhow::{Context as _, Result};
use gristmill::{Complex32, Context, ContextOptions, Element, FftOptions, Metric, Tensor};
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
        Ok(match task.work {
            Work::Gemm => both(real(&[&[n, m], &[m, d]]), |t| gristmill::gemm(1.0, &t[0], &t[1], 0.0, None))?,
            Work::Sqeuclidean => {
                both(real(&[&[n, d], &[m, d]]), |t| gristmill::pairwise(&t[0], &t[1], &Metric::SQEUCLIDEAN))?
            }
            Work::Euclidean => {
                both(real(&[&[n, d], &[m, d]]), |t| gristmill::pairwise(&t[0], &t[1], &Metric::EUCLIDEAN))?
            }
            Work::GaussianMatvec => {
                let gamma = task.gamma();
                both(real(&[&[n, d], &[m, d], &[m]]), move |t| reductions::gaussian_matvec(t, gamma))?
            }
            Work::Cost => {
                let gamma = task.gamma();
                let mut timed = both(real(&[&[n, d], &[m, d], &[m]]), move |t| reductions::gaussian_matvec(t, gamma))?;
                timed.truncate(1);
                timed
            }
            Work::Argkmin => both(real(&[&[n, d], &[m, d]]), |t| reductions::argkmin(t, peers::NEIGHBOURS))?,
            Work::Fft => {
                let values: Vec<Complex32> = inputs[0].chunks(2).map(|part| Complex32::new(part[0], part[1])).collect();
                let context = context.clone();
                let load: Load<Complex32> = Box::new(move || Ok(vec![context.upload_slice(&values, &[n, m])?]));
                both(load, |t| gristmill::fft(&t[0], &FftOptions::default()))?
            }
        })
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
    let on_device = {
        let op = op.clone();
        Rc::new(move || op(&inputs))
    };
    let whole = Rc::new(move || op(&load()?)?.read_blocking());
    let (on_device_again, whole_again) = (on_device.clone(), whole.clone());
    Ok(vec![
        Timed {
            name: "gristmill",
            run: Box::new(move || wait(on_device()?)),
            result: Box::new(move || Ok(R::flat(on_device_again()?.read_blocking()?.into_iter().collect()))),
        },
        Timed {
            name: "gristmill end to end",
            run: Box::new(move || Ok(drop(whole()?))),
            result: Box::new(move || Ok(R::flat(whole_again()?.into_iter().collect()))),
        },
    ])
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
