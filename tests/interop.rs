//! What an application brings along: its buffers and command encoders, shared without copies, and its WGSL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use gristmill::wgpu::{self, BufferUsages};
use gristmill::{Complex16, Complex32, Context, FftOptions, Metric, Tensor, f16, fft, ifft, pairwise};
use libtest_mimic::{Completion, Trial};
use ndarray::{Array2, array};

type Check = fn(&Context) -> gristmill::Result<()>;

const CHECKS: [(&str, Check); 5] = [
    ("broken WGSL of a user's is told against its own lines", broken_wgsl),
    ("a buffer of the application is a tensor", adopted_buffer),
    ("a tensor's buffer can be copied by the application", lent_buffer),
    ("recorded work goes into the application's encoder", encoded_work),
    ("work beside an encoder that waits is not disturbed", work_beside_an_encoder),
];

fn main() {
    adapters::run(|adapter| {
        let checks = CHECKS.into_iter().filter(|_| adapter.name != "cpu");
        let trial = |(name, check): (&str, Check)| {
            adapters::trial(adapter, name, move |context| check(context).map_err(|error| error.to_string()))
        };
        let mut trials: Vec<Trial> = checks.map(trial).collect();
        if adapter.name != "cpu" {
            trials.push(small_bindings(&adapter.name));
        }
        trials
    })
}

/// A device that binds little at once transforms lines that no binding holds, to what the host has.
fn small_bindings(name: &str) -> Trial {
    let owned = name.to_owned();
    Trial::ignorable_test(format!("{name}::a line longer than a binding is transformed"), move || {
        if owned.starts_with("gl:") {
            return Ok(Completion::ignored_with("OpenGL allows a process one instance, and it has the library's"));
        }
        // With little memory, columns of 1024 points take several passes too.
        let shapes =
            [(16_384, [1, 1 << 18], 1), (16_384, [2, 180_000], 1), (16_384, [180_000, 2], 0), (2048, [1, 1 << 20], 1)];
        for (memory, shape, axis) in shapes {
            let limits = wgpu::Limits {
                max_storage_buffer_binding_size: 1 << 20,
                max_compute_workgroup_storage_size: memory,
                ..Default::default()
            };
            let (device, queue) = adapters::device(&owned, limits)?;
            let run = || -> gristmill::Result<()> {
                let (context, host) = (Context::from_wgpu(&device, &queue)?, Context::cpu());
                let part = |i: usize| (i * 7919 % 1013) as f32 / 512.0 - 1.0;
                let x = Array2::from_shape_fn(shape, |(i, j)| Complex32::new(part(i + 3 * j), part(5 * i + j)));
                let options = FftOptions::axes(&[axis]);
                let got = fft(&context.upload(&x)?, &options)?.read_blocking()?;
                let want = fft(&host.upload(&x)?, &options)?.read_blocking()?;
                let norm = |values: &mut dyn Iterator<Item = Complex32>| -> f64 {
                    values.map(|z| f64::from(z.norm_sqr())).sum::<f64>().sqrt()
                };
                let error = norm(&mut got.iter().zip(&want).map(|(got, want)| got - want));
                // Both keep the bound of transforms, 1.5e-7 √log₂N.
                let bound = 2.0 * 1.5e-7 * (shape[axis] as f64).log2().sqrt() * norm(&mut want.iter().copied());
                assert!(error <= bound, "{shape:?}: {error} is above {bound}");
                let halves = x.mapv(|z| Complex16::new(f16::from_f32(z.re), f16::from_f32(z.im)));
                let stored = fft(&context.upload(&halves)?, &options)?.read_blocking()?;
                let want_of = halves.mapv(|z| Complex32::new(z.re.to_f32(), z.im.to_f32()));
                let want_of = fft(&host.upload(&want_of)?, &options)?.read_blocking()?;
                let error = norm(&mut stored.iter().zip(&want_of).map(|(got, want)| got - want));
                assert!(error <= bound, "f16 {shape:?}: {error} is above {bound}");
                let back = ifft(&context.upload(&got)?, &options)?.read_blocking()?;
                let error = norm(&mut back.iter().zip(&x).map(|(got, want)| got - want));
                assert!(error <= bound / norm(&mut want.iter().copied()) * norm(&mut x.iter().copied()), "{error}");
                Ok(())
            };
            run().map_err(|error| error.to_string())?;
        }
        Ok(Completion::Completed)
    })
}

fn buffer(context: &Context, entries: &[f32], usage: BufferUsages) -> wgpu::Buffer {
    let device = context.device().unwrap();
    let size = 4 * entries.len() as u64;
    let descriptor = wgpu::BufferDescriptor { label: Some("host"), size, usage, mapped_at_creation: true };
    let buffer = device.create_buffer(&descriptor);
    buffer.get_mapped_range_mut(..).unwrap().copy_from_slice(bytemuck::cast_slice(entries));
    buffer.unmap();
    buffer
}

fn broken_wgsl(context: &Context) -> gristmill::Result<()> {
    let x = context.upload(&array![[0.0, 0.0], [3.0, 4.0]])?;
    let accumulate = "let difference = x - y;\n(*state).sum += differense * difference;";
    let broken = Metric { name: "mine".into(), accumulate: accumulate.into(), ..Metric::SQEUCLIDEAN };
    // The compiler speaks when the work is recorded, before anything runs.
    let message = pairwise(&x, &x, &broken).unwrap_err().to_string();
    for part in ["accumulate of the metric \"mine\"", "line 2", "differense", "^"] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert_eq!(pairwise(&x, &x, &Metric::EUCLIDEAN)?.read_blocking()?, array![[0.0, 5.0], [5.0, 0.0]].into_dyn());
    Ok(())
}

fn adopted_buffer(context: &Context) -> gristmill::Result<()> {
    let buffer = buffer(context, &[9.0, 0.0, 0.0, 3.0, 4.0], BufferUsages::STORAGE | BufferUsages::COPY_SRC);
    let points: Tensor = context.from_buffer(&buffer, &[2, 2], 4)?;
    let distances = pairwise(&points, &points, &Metric::EUCLIDEAN)?.read_blocking()?;
    assert_eq!(distances, array![[0.0, 5.0], [5.0, 0.0]].into_dyn());
    for (shape, offset) in [(&[3, 2][..], 0), (&[2, 2], 8), (&[1 << 62, 4], 0), (&[2, 2], 2)] {
        assert!(context.from_buffer::<f32>(&buffer, shape, offset).is_err(), "{shape:?} from {offset}");
    }
    // The upper halves of 9, 3 and 4 as f32, from within a word to within a word.
    let halves = context.from_buffer::<f16>(&buffer, &[9], 2)?.step_by(0, 2)?;
    let upper = [9.0_f32, 0.0, 0.0, 3.0, 4.0].map(|value| f16::from_bits((value.to_bits() >> 16) as u16));
    assert_eq!(halves.read_blocking()?, array![upper[0], upper[1], upper[2], upper[3], upper[4]].into_dyn());
    let last = context.from_buffer::<f16>(&buffer, &[3], 14)?;
    assert_eq!(last.read_blocking()?, array![upper[3], f16::ZERO, upper[4]].into_dyn());
    assert!(context.from_buffer::<f16>(&buffer, &[10], 2).is_err());
    Ok(())
}

fn lent_buffer(context: &Context) -> gristmill::Result<()> {
    let distances = line(context, 5)?;
    let (lent, offset) = distances.buffer().expect("a device tensor has a buffer");
    let copy = buffer(context, &[0.0; 25], BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST);
    context.flush()?;
    let mut encoder = context.device().unwrap().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(lent, offset, &copy, 0, 100);
    context.queue().unwrap().submit([encoder.finish()]);
    let copied: Tensor = context.from_buffer(&copy, &[5, 5], 0)?;
    assert_eq!(copied.read_blocking()?, distances.read_blocking()?);
    Ok(())
}

fn encoded_work(context: &Context) -> gristmill::Result<()> {
    let distances = line(context, 7)?;
    let mut encoder = context.device().unwrap().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    distances.encode_into(&mut encoder)?;
    context.queue().unwrap().submit([encoder.finish()]);
    assert_eq!(distances.read_blocking()?[[0, 6]], 6.0);
    Ok(())
}

/// The encoder holds the upload of the transform's table; a second transform that runs before it must not rely on that.
fn work_beside_an_encoder(context: &Context) -> gristmill::Result<()> {
    let signal = ndarray::Array1::from_shape_fn(243, |i| Complex32::new(i as f32, 0.0));
    let first = fft(&context.upload(&signal)?, &FftOptions::default())?;
    let mut encoder = context.device().unwrap().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    first.encode_into(&mut encoder)?;
    let second = fft(&context.upload(&signal)?, &FftOptions::default())?.read_blocking()?;
    context.queue().unwrap().submit([encoder.finish()]);
    assert_eq!(first.read_blocking()?, second);
    assert!((second[0].re - 29_403.0).abs() < 0.1, "{}", second[0]);
    Ok(())
}

/// Distances between 0, 1, 2 … on a line.
fn line(context: &Context, n: usize) -> gristmill::Result<Tensor> {
    let x = context.upload(&Array2::from_shape_fn((n, 1), |(i, _)| i as f32))?;
    pairwise(&x, &x, &Metric::EUCLIDEAN)
}
