//! Sound: WAV of any length and number of channels that the format holds, as numbers from −1 to 1.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use gristmill::Error;
use gristmill::stream::{Sink, Source};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use ndarray::{Array2, ArrayView2};

/// Bytes that a WAV file may have, whose lengths are 32-bit words: its samples and the longest header.
const MOST_BYTES: u64 = u32::MAX as u64 - 128;

/// Channels × samples.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) channels: Array2<f32>,
    pub(crate) rate: u32,
}

impl Sound {
    pub(crate) fn read(path: &str) -> Result<Self> {
        let mut file = WavSource::open(path)?;
        let mut samples = Vec::new();
        file.read_rows(0..file.length, &mut samples)?;
        let channels = Array2::from_shape_vec(file.shape(), samples)?.reversed_axes();
        Ok(Self { channels: channels.as_standard_layout().into_owned(), rate: file.rate() })
    }
}

/// A WAV file that is read a few samples at a time: its rows are samples, its columns channels.
#[derive(Debug)]
pub(crate) struct WavSource {
    path: String,
    file: BufReader<File>,
    spec: WavSpec,
    /// Samples of each channel.
    length: usize,
    /// Where the samples begin, in bytes.
    start: u64,
    /// Bytes of a number: those of its container, which may be wider than its bits.
    width: usize,
    bytes: Vec<u8>,
}

impl WavSource {
    /// Reads the header, and makes sure that all samples that it promises are there.
    pub(crate) fn open(path: &str) -> Result<Self> {
        Self::of(path).map_err(super::plain).with_context(|| path.to_owned())
    }

    fn of(path: &str) -> Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let sound = WavReader::new(&mut file)?;
        let (spec, length) = (sound.spec(), sound.duration() as usize);
        let start = sound.into_inner().stream_position()?;
        // The reader does not tell how wide its numbers are stored, nor whether it knows them, but by reading one.
        file.rewind()?;
        let mut sound = WavReader::new(&mut file)?;
        match spec.sample_format {
            SampleFormat::Float => sound.samples::<f32>().next().transpose()?.is_some(),
            SampleFormat::Int => sound.samples::<i32>().next().transpose()?.is_some(),
        };
        let width = (sound.into_inner().stream_position()? - start) as usize;
        let row = width as u64 * u64::from(spec.channels);
        let there = (file.get_ref().metadata()?.len() - start).checked_div(row).unwrap_or(0);
        ensure!(
            there >= length as u64,
            "is cut short: its header promises {length} samples a channel, {there} are there; copy it once more"
        );
        Ok(Self { path: path.to_owned(), file, spec, length, start, width, bytes: Vec::new() })
    }

    /// Samples per second.
    pub(crate) fn rate(&self) -> u32 {
        self.spec.sample_rate
    }

    fn fill(&mut self, range: &Range<usize>) -> std::io::Result<()> {
        let row = self.width * usize::from(self.spec.channels);
        self.bytes.resize(range.len() * row, 0);
        self.file.seek(SeekFrom::Start(self.start + (range.start * row) as u64))?;
        self.file.read_exact(&mut self.bytes)
    }

    /// A number as it is stored, little-endian; whole numbers of 8 bits have no sign.
    fn number(&self, bytes: &[u8]) -> f32 {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        match self.spec.sample_format {
            SampleFormat::Float => f32::from_le_bytes(word),
            SampleFormat::Int => {
                word[0] ^= if bytes.len() == 1 { 0x80 } else { 0 };
                let unused = 32 - u32::from(self.spec.bits_per_sample);
                let full = 2f32.powi(i32::from(self.spec.bits_per_sample) - 1);
                (i32::from_le_bytes(word) << unused >> unused) as f32 / full
            }
        }
    }
}

impl Source for WavSource {
    fn shape(&self) -> (usize, usize) {
        (self.length, usize::from(self.spec.channels))
    }

    fn read_rows(&mut self, range: Range<usize>, rows: &mut Vec<f32>) -> gristmill::Result<()> {
        self.fill(&range).map_err(|error| Error::Io { path: self.path.clone(), cause: Arc::new(error) })?;
        rows.clear();
        rows.extend(self.bytes.chunks_exact(self.width.max(1)).map(|bytes| self.number(bytes)));
        Ok(())
    }
}

/// The channels of a file of so many samples, where WAV can hold them.
pub(crate) fn channels_of_wav(path: &str, samples: usize, channels: usize) -> gristmill::Result<u16> {
    let bytes = (samples as u64).saturating_mul(channels as u64).saturating_mul(4);
    u16::try_from(channels).ok().filter(|_| bytes <= MOST_BYTES).ok_or_else(|| {
        let message = format!(
            "{samples} samples in each of {channels} channels take {bytes} bytes as 32-bit floats; WAV holds 4 GiB and 65535 \
             channels: write .npy, or do it in parts"
        );
        Error::Format { path: path.to_owned(), message }
    })
}

/// A WAV file of 32-bit floats, so that nothing is cut off, that is written from its first sample to its last.
pub(super) struct WavSink {
    path: String,
    rate: u32,
    file: Option<File>,
    writer: Option<WavWriter<BufWriter<File>>>,
    written: usize,
}

impl WavSink {
    pub(super) fn new(path: &str, file: File, rate: u32) -> Self {
        Self { path: path.to_owned(), rate, file: Some(file), writer: None, written: 0 }
    }

    fn told(&self, error: hound::Error) -> Error {
        match error {
            hound::Error::IoError(error) => Error::Io { path: self.path.clone(), cause: Arc::new(error) },
            other => self.refused(other.to_string()),
        }
    }

    fn refused(&self, message: String) -> Error {
        Error::Format { path: self.path.clone(), message }
    }
}

impl Sink for WavSink {
    fn begin(&mut self, rows: usize, columns: usize) -> gristmill::Result<()> {
        let channels = channels_of_wav(&self.path, rows, columns)?;
        let (sample_rate, sample_format) = (self.rate, SampleFormat::Float);
        let spec = WavSpec { channels, sample_rate, bits_per_sample: 32, sample_format };
        let file = self.file.take().map(|file| WavWriter::new(BufWriter::with_capacity(1 << 20, file), spec));
        self.writer = file.transpose().map_err(|error| self.told(error))?;
        Ok(())
    }

    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> gristmill::Result<()> {
        let Some(writer) = self.writer.as_mut().filter(|_| (row, column) == (self.written, 0)) else {
            return Err(self.refused(format!("sample {row} of channel {column} does not follow the one before")));
        };
        self.written += tile.nrows();
        let all = tile.iter().try_for_each(|&value| writer.write_sample(value));
        all.map_err(|error| self.told(error))
    }

    fn finish(&mut self) -> gristmill::Result<()> {
        self.writer.take().map_or(Ok(()), WavWriter::finalize).map_err(|error| self.told(error))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::channels_of_wav;

    /// Floats take twice what samples of 16 bits do, so that not every file that was read can be written.
    #[test]
    fn what_wav_cannot_hold_is_refused() {
        assert_eq!(channels_of_wav("y.wav", 500_000_000, 2).unwrap(), 2);
        let complaint = |samples, channels| channels_of_wav("y.wav", samples, channels).unwrap_err().to_string();
        assert!(complaint(600_000_000, 2).contains("take 4800000000 bytes as 32-bit floats; WAV holds 4 GiB"));
        assert!(complaint(1, 65_536).contains("write .npy"));
        assert!(complaint(usize::MAX, 2).contains("write .npy"));
    }
}
