//! Sound: WAV, any number of channels, as numbers from −1 to 1.

use std::io::{Cursor, Write};

use anyhow::{Context as _, Result, ensure};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use ndarray::Array2;

/// Channels × samples.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) channels: Array2<f32>,
    pub(crate) rate: u32,
}

impl Sound {
    pub(crate) fn read(path: &str) -> Result<Self> {
        Self::open(path).map_err(super::plain).with_context(|| path.to_owned())
    }

    fn open(path: &str) -> Result<Self> {
        let reader = WavReader::open(path)?;
        let spec = reader.spec();
        let count = usize::from(spec.channels);
        ensure!(count > 0, "has no channels");
        let samples: Vec<f32> = match spec.sample_format {
            SampleFormat::Float => reader.into_samples::<f32>().collect::<Result<_, _>>()?,
            SampleFormat::Int => {
                let full = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
                reader.into_samples::<i32>().map(|v| v.map(|v| v as f32 / full)).collect::<Result<_, _>>()?
            }
        };
        let length = samples.len() / count;
        let channels =
            Array2::from_shape_fn((count, length), |(c, t)| samples.get(t * count + c).copied().unwrap_or(0.0));
        Ok(Self { channels, rate: spec.sample_rate })
    }

    /// Writes 32-bit floats, so that nothing is cut off.
    pub(crate) fn write(&self, to: &mut impl Write) -> Result<()> {
        let (count, length) = self.channels.dim();
        let spec = WavSpec {
            channels: u16::try_from(count).context("too many channels for WAV")?,
            sample_rate: self.rate,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        ensure!((length as u64) * (count as u64) * 4 < u64::from(u32::MAX), "too long for WAV (4 GiB)");
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec)?;
        for t in 0..length {
            for c in 0..count {
                writer.write_sample(self.channels[[c, t]])?;
            }
        }
        writer.finalize()?;
        to.write_all(bytes.get_ref())?;
        Ok(())
    }
}
