//! The tasks and their inputs, which are the same numbers on every side.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};

/// How many neighbours `argkmin` looks for.
pub const NEIGHBOURS: usize = 10;

/// What is to be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// C = A B; the shape is m × k × n.
    Gemm,
    /// Squared distances of all pairs of rows of x (n × d) and y (m × d); the shape of this and the next four is
    /// n × m × d.
    Sqeuclidean,
    /// Distances of all pairs.
    Euclidean,
    /// `out[i] = Σⱼ exp(−‖xᵢ − yⱼ‖² / d) v[j]`.
    GaussianMatvec,
    /// The [`NEIGHBOURS`] rows of y that are nearest to each row of x.
    Argkmin,
    /// [`Work::GaussianMatvec`] over a range of sizes, with the memory that it takes.
    Cost,
    /// Forward complex transforms of the rows of a matrix; the shape is rows × length.
    Fft,
    /// The forward complex transform of a matrix along both axes.
    Fft2,
    /// [`Work::Fft`] over a range of lengths, of about 2²⁰ points together.
    FftLengths,
    /// The first transform that a process does, with nothing compiled before.
    FirstCall,
    /// Circular convolutions of the rows of x with the rows of h; the shape is rows × points.
    Circular,
    /// Full convolutions of the rows of x with one h; the shape is rows × points × taps.
    Fftconvolve,
    /// Correlations of the channels of an image with a square window each, as large as the image; the shape is channels ×
    /// side × window.
    Depthwise,
}

/// Powers of 2, 3 and 5, and primes beside powers of two.
const LENGTHS: [usize; 34] = [
    256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131_072, 262_144, 524_288, 1_048_576, 243, 729, 2187, 6561,
    19683, 59049, 177_147, 531_441, 125, 625, 3125, 15625, 78125, 390_625, 257, 1021, 4099, 16411, 65537, 262_147,
    1_048_573,
];

impl Work {
    const ALL: [(Self, &'static str, &'static [&'static [usize]]); 13] = [
        (Self::Gemm, "gemm", &[&[512, 512, 512], &[1024, 1024, 1024]]),
        (Self::Sqeuclidean, "sqeuclidean", &[&[4096, 4096, 64]]),
        (Self::Euclidean, "euclidean", &[&[4096, 4096, 64]]),
        (Self::GaussianMatvec, "gaussian_matvec", &[&[16384, 16384, 3], &[16384, 16384, 50]]),
        (Self::Argkmin, "argkmin", &[&[16384, 16384, 3], &[16384, 16384, 64]]),
        (Self::Fft, "fft", &[&[1024, 1024], &[1, 1 << 20], &[256, 1009], &[32, 10007]]),
        (Self::Fft2, "fft2", &[&[1024, 1024]]),
        (Self::Circular, "circular", &[&[256, 4096]]),
        (Self::Fftconvolve, "fftconvolve", &[&[256, 4096, 4096], &[1, 1 << 20, 1023]]),
        (Self::Depthwise, "depthwise", &[&[64, 56, 31], &[64, 56, 7]]),
        (
            Self::Cost,
            "cost",
            &[&[1000, 1000, 3], &[3162, 3162, 3], &[10000, 10000, 3], &[31623, 31623, 3], &[100_000, 100_000, 3]],
        ),
        (Self::FftLengths, "fft_lengths", &[]), // of LENGTHS
        (
            Self::FirstCall,
            "first_call",
            &[
                &[1, 1024],
                &[1, 1009],
                &[1, 1 << 20],
                &[1, 10007],
                &[1, 65537],
                &[1, 262_147],
                &[1, 720_720],
                &[1, 1_048_573],
            ],
        ),
    ];

    /// The name in commands and records.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(work, ..)| *work == self).map_or("", |(_, name, _)| name)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, name, _)| *name)
    }

    /// Whether it compares sizes more than implementations, and is in no chart.
    pub fn compares_sizes(self) -> bool {
        matches!(self, Self::Cost | Self::FftLengths | Self::FirstCall)
    }

    fn rank(self) -> usize {
        match self {
            Self::Fft | Self::Fft2 | Self::FftLengths | Self::FirstCall | Self::Circular => 2,
            _ => 3,
        }
    }
}

/// Work of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is to be computed.
    pub work: Work,
    /// Its dimensions, as the work says.
    pub shape: Vec<usize>,
}

impl Task {
    /// Every task of the record.
    pub fn all() -> Vec<Self> {
        let tasks = |&(work, _, shapes): &(Work, &str, &[&[usize]])| -> Vec<Self> {
            let task = |shape: &[usize]| Self { work, shape: shape.to_vec() };
            match work {
                Work::FftLengths => LENGTHS.iter().map(|&length| task(&[(1 << 20) / length, length])).collect(),
                _ => shapes.iter().map(|shape| task(shape)).collect(),
            }
        };
        Work::ALL.iter().flat_map(tasks).collect()
    }

    /// The shape as commands and records write it, `512x512x512`.
    pub fn shape_text(&self) -> String {
        self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
    }

    /// Three dimensions, of which the last is 0 where the shape has two.
    pub fn dimensions(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.shape.get(axis).copied().unwrap_or(0))
    }

    /// The Gaussian's γ in exp(−γ‖x − y‖²): one over the features, scikit-learn's default.
    pub fn gamma(&self) -> f32 {
        1.0 / self.dimensions()[2] as f32
    }

    /// The inputs, row-major: A and B; x and y, and the weights v where there are any; x and h; or the interleaved complex
    /// rows.
    pub fn inputs(&self) -> Vec<Vec<f32>> {
        let [n, m, d] = self.dimensions();
        let counts = match self.work {
            Work::Gemm => vec![n * m, m * d],
            Work::Sqeuclidean | Work::Euclidean | Work::Argkmin => vec![n * d, m * d],
            Work::GaussianMatvec | Work::Cost => vec![n * d, m * d, m],
            Work::Fft | Work::Fft2 | Work::FftLengths | Work::FirstCall => vec![n * m * 2],
            Work::Circular => vec![n * m; 2],
            Work::Fftconvolve => vec![n * m, d],
            Work::Depthwise => vec![n * m * m, n * d * d],
        };
        counts.iter().enumerate().map(|(seed, &count)| numbers(seed as u64 + 1, count)).collect()
    }

    /// The entries of the flat result that are looked at.
    pub fn probes(&self) -> Vec<usize> {
        let [n, m, d] = self.dimensions();
        let spread = |rows: usize| (0..8).map(move |i| ((2 * i + 1) * rows / 16, i * 7919));
        match self.work {
            Work::Gemm => spread(n).map(|(row, column)| row * d + column % d).collect(),
            Work::Sqeuclidean | Work::Euclidean => spread(n).map(|(row, column)| row * m + column % m).collect(),
            Work::GaussianMatvec | Work::Cost => spread(n).map(|(row, _)| row).collect(),
            Work::Argkmin => spread(n).flat_map(|(row, _)| row * NEIGHBOURS..(row + 1) * NEIGHBOURS).collect(),
            Work::Circular => spread(n).map(|(row, at)| row * m + at % m).collect(),
            Work::Fftconvolve => spread(n).map(|(row, at)| row * (m + d - 1) + at % (m + d - 1)).collect(),
            Work::Depthwise => spread(n).map(|(channel, at)| channel * m * m + at % (m * m)).collect(),
            Work::Fft | Work::Fft2 | Work::FftLengths | Work::FirstCall => {
                let parts = |(line, bin): (usize, usize)| [0, 1].map(|part| (line * m + bin % m) * 2 + part);
                spread(n).flat_map(parts).collect()
            }
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.work.name(), self.shape_text())
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, shape) = text.split_once(' ').context("a task is a name and a shape")?;
        let (work, ..) = Work::ALL.iter().find(|(_, known, _)| *known == name).context("no such work")?;
        let shape = shape.split('x').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        ensure!(shape.len() == work.rank(), "{text}: wrong number of dimensions");
        Ok(Self { work: *work, shape })
    }
}

/// Numbers in −1 … 1 that are the same everywhere (SplitMix64, its upper 24 bits); `python/peers.py` has them too.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let number = |i: u64| {
        let mut bits = ((seed << 32) + i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..count as u64).map(number).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_task_reads_back_as_it_is_written() {
        for task in Task::all() {
            assert_eq!(task.to_string().parse::<Task>().unwrap(), task);
        }
        assert!("gemm 3x4".parse::<Task>().is_err());
        assert!("gem 3x4x5".parse::<Task>().is_err());
    }

    #[test]
    fn the_probes_lie_in_the_result() {
        for task in Task::all() {
            let [n, m, d] = task.dimensions();
            let entries = match task.work {
                Work::Gemm => n * d,
                Work::Sqeuclidean | Work::Euclidean => n * m,
                Work::GaussianMatvec | Work::Cost => n,
                Work::Argkmin => n * NEIGHBOURS,
                Work::Fft | Work::Fft2 | Work::FftLengths | Work::FirstCall => n * m * 2,
                Work::Circular => n * m,
                Work::Fftconvolve => n * (m + d - 1),
                Work::Depthwise => n * m * m,
            };
            assert!(task.probes().iter().all(|&probe| probe < entries), "{task}");
        }
    }
}
