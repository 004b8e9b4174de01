//! Sound, of any length that its file can hold: read, convolved and written window by window.

use anyhow::{Result, bail, ensure};
use gristmill::stream::{self, NpySink, Sink, Source, StreamOptions};
use ndarray::{Array2, ArrayView2, Axis, Ix1, Ix2};

use super::{explain, normalize, options};
use crate::args::{Convolve, ModeName};
use crate::command::Job;
use crate::command::pairs::progress;
use crate::format::{Kind, Output, Sound, Values, WavSource, read_signal};
use crate::stop;

pub(super) fn run(mut job: Job<'_>, args: &Convolve) -> Result<()> {
    let output = Output::create(&args.output, &[Kind::Sound, Kind::Npy, Kind::Npz])?;
    let mut sound = WavSource::open(&args.x)?;
    let kernels = kernels(&mut job, args, sound.rate())?;
    let ((n, channels), (count, taps)) = (sound.shape(), kernels.dim());
    ensure!(
        count == 1 || channels == 1 || count == channels,
        "convolve: {} has {channels} channels, {} has {count}; they must match, or one must be mono",
        args.x,
        args.h
    );
    ensure!(n > 0 && taps > 0, "convolve: there is no sound in {}", if n > 0 { &args.h } else { &args.x });
    let context = job.open()?;
    let options = options(args, ModeName::Full);
    let h = context.upload(&kernels)?.transpose();
    let how = explain(&job, args, || {
        stream::convolve_recipe(&context, (n, channels), h.shape(), &options, job.general.budget())
    })?;
    let bar = progress(&job, "numbers");
    let mut report = |done: stream::Progress| {
        bar.set_length(done.total);
        bar.set_position(done.done);
    };
    let stream = StreamOptions { memory_budget: job.general.budget(), progress: Some(&mut report), cancel: None };
    let mut shape = Vec::new();
    let rate = sound.rate();
    let convolve = |to: &mut dyn Sink, turned: bool| {
        let run = if args.correlate { stream::correlate_blocking } else { stream::convolve_blocking };
        let mut to = Channels { to, turned, shape: &mut shape };
        job.explain(run(&context, &mut sound, &h, &options, &mut to, stream))
    };
    match output.kind() {
        Kind::Sound => {
            let mut sink = output.sound_sink(rate)?;
            convolve(&mut sink, false)?;
            drop(sink);
            output.finish()?;
        }
        Kind::Npy => {
            let mut sink = NpySink::new(output.path());
            stop::remove_when_stopped(sink.temporary_path());
            convolve(&mut sink, true)?;
        }
        _ => {
            job.holds(8 * channels.max(count).saturating_mul(n.saturating_add(taps)))?;
            let mut gathered = Gathered(Array2::zeros((0, 0)));
            convolve(&mut gathered, true)?;
            output.array(&Values::Real(gathered.0.into_dyn()))?;
        }
    }
    bar.finish_and_clear();
    job.done(&context.info().to_string(), &args.output, &shape, how)
}

/// What the sound is convolved with, channels × taps.
fn kernels(job: &mut Job<'_>, args: &Convolve, rate: u32) -> Result<Array2<f32>> {
    let mut kernels = if Kind::of(&args.h)? == Kind::Sound {
        let h = Sound::read(&args.h)?;
        ensure!(
            h.rate == rate,
            "convolve: {} has {rate} samples per second, {} has {}; resample one",
            args.x,
            args.h,
            h.rate
        );
        h.channels
    } else {
        let h = read_signal(&args.h)?;
        job.took("h", &h, h.array.shape());
        match h.array {
            Values::Real(h) if h.ndim() == 1 => h.into_dimensionality::<Ix1>()?.insert_axis(Axis(0)),
            Values::Real(h) if h.ndim() == 2 => h.into_dimensionality::<Ix2>()?,
            _ => bail!("{}: sound is convolved with real numbers of one axis (or channels × samples)", args.h),
        }
    };
    for mut kernel in kernels.outer_iter_mut() {
        let mut scaled = kernel.to_owned().into_dyn();
        normalize(args, &mut scaled)?;
        kernel.assign(&scaled.into_dimensionality::<Ix1>()?);
    }
    Ok(kernels)
}

/// Takes samples × channels, and hands them on as channels × samples where they are `turned`.
struct Channels<'a> {
    to: &'a mut dyn Sink,
    turned: bool,
    /// Channels and samples.
    shape: &'a mut Vec<usize>,
}

impl Sink for Channels<'_> {
    fn begin(&mut self, rows: usize, columns: usize) -> gristmill::Result<()> {
        *self.shape = vec![columns, rows];
        if self.turned { self.to.begin(columns, rows) } else { self.to.begin(rows, columns) }
    }

    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> gristmill::Result<()> {
        if self.turned { self.to.write(column, row, tile.t()) } else { self.to.write(row, column, tile) }
    }

    fn finish(&mut self) -> gristmill::Result<()> {
        self.to.finish()
    }
}

/// All of it in memory, for the formats that are written at once.
struct Gathered(Array2<f32>);

impl Sink for Gathered {
    fn begin(&mut self, rows: usize, columns: usize) -> gristmill::Result<()> {
        self.0 = Array2::zeros((rows, columns));
        Ok(())
    }

    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> gristmill::Result<()> {
        self.0.write(row, column, tile)
    }

    fn finish(&mut self) -> gristmill::Result<()> {
        Ok(())
    }
}
