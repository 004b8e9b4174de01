//! The command line, as clap sees it.

mod metric;
mod pairs;
mod reduce;
mod signal;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use metric::{FormName, MetricArgs};
pub(crate) use pairs::{Gram, Knn, Pairwise};
pub(crate) use reduce::{Reduce, Reduction};
pub(crate) use signal::{BoundaryName, Deconvolve, DeconvolveMethod, Filter, FilterName, MatchTemplate, Spectrogram};

/// Pairwise distances, kernel matrices, GEMM, FFT and convolution on any GPU.
#[derive(Debug, Parser)]
#[command(name = "gristmill", version, about, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  gristmill demo                                             see it work, on bundled data
  gristmill pairwise points.npy --metric cosine -o d.npy
  gristmill convolve photo.jpg psf.png --normalize -o blurred.png

Without --adapter the best hardware GPU is used, or the CPU where there is none.
Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) general: General,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "General options")]
pub(crate) struct General {
    /// Where to run: auto, cpu, all (demo, conformance), or part of an adapter's name, e.g. vulkan:llvmpipe
    #[arg(long, global = true, env = "GRISTMILL_ADAPTER", default_value = "auto", value_name = "NAME")]
    pub(crate) adapter: String,
    /// Memory that arrays may take at a time, by default 512MiB where results are streamed to the file (pairwise, gram,
    /// convolve with sound) or refused (knn); the other commands work in memory, and refuse what a budget given here does not hold
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) memory_budget: Option<u64>,
    /// Say what was done as one line of JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

impl General {
    /// The memory budget of what is streamed.
    pub(crate) fn budget(&self) -> u64 {
        self.memory_budget.unwrap_or(512 << 20)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the adapters of this machine, and what they can do
    #[command(after_help = "Example:\n  gristmill info --adapter all")]
    Info,
    /// Distances between the rows of X and the rows of Y (or of X)
    #[command(after_help = "\
Examples:
  gristmill pairwise train.npy test.csv --metric minkowski --p 3 -o distances.npy
  gristmill pairwise points.npy --metric cosine --condensed -o distances.npy
  gristmill pairwise points.npy --metric mahalanobis --VI inverse.npy -o distances.npy
  gristmill pairwise points.npy --mode expanded -o distances.npy
  gristmill pairwise counts.npy --metric jensenshannon --base 2 -o distances.npy")]
    Pairwise(Pairwise),
    /// Kernel (Gram) matrix of the rows of X and the rows of Y (or of X)
    #[command(
        after_help = "Example:\n  gristmill gram points.npy --kernel 'matern(nu=1.5, length_scale=0.7)' -o k.npy"
    )]
    Gram(Gram),
    /// A metric or kernel reduced over the rows of Y (or of X), its matrix never stored
    #[command(after_help = "\
Examples:
  gristmill reduce x.npy y.npy --kernel 'rbf(0.5)' --weights v.npy --reduce sum -o kv.npy
  gristmill reduce x.npy y.npy --metric cityblock --reduce topk=10 -o nearest.npz
  gristmill reduce x.npy y.npy --metric seuclidean --V variances.npy --reduce min -o nearest.npy
  gristmill reduce x.npy --metric euclidean --reduce count --radius 0.1 --exclude-self -o near.npy

Reductions over all rows of Y, for each row of X:
  sum, mean       of the values, times --weights where given (a vector, or a column each)
  logsumexp       log of the sum of exp(value), times --weights
  softmax         --weights (or the rows of Y) averaged by the soft-max of the values
  min, max        the smallest or largest value        argmin, argmax  where it is (the lowest index of equals)
  topk=K          the K smallest values (--largest: largest) and where they are, in order (.npz)
  count           how many values are at most --radius")]
    Reduce(Reduce),
    /// Nearest rows of TRAIN for every row of QUERY, and their vote where labels are given
    #[command(after_help = "\
Examples:
  gristmill knn train.npy query.npy -k 5 --labels labels.npy -o neighbours.npz
  gristmill knn train.npy query.npy -k 1 --metric mahalanobis -o neighbours.npz")]
    Knn(Knn),
    /// Matrix product alpha·A·B + beta·C, also of batches
    #[command(after_help = "Example:\n  gristmill gemm a.npy b.npy --trans-b -o c.npy")]
    Gemm(Gemm),
    /// Discrete Fourier transform along chosen axes
    #[command(
        after_help = "Examples:\n  gristmill fft signal.npy -o spectrum.npy\n  gristmill fft image.npy --axes 0,1 --real --norm ortho -o spectrum.npy\n  gristmill fft signal.npy --n 1009 --explain -o spectrum.npy"
    )]
    Fft(Fft),
    /// Convolution (or correlation) of X with H: arrays, pictures per channel, sound per channel
    #[command(
        after_help = "Examples:\n  gristmill convolve signal.npy taps.npy --mode same -o filtered.npy\n  gristmill convolve photo.jpg psf.png --normalize --mode same -o blurred.png\n  gristmill convolve dry.wav hall.wav --explain -o wet.wav"
    )]
    Convolve(Convolve),
    /// Undo a known blur of a picture
    #[command(after_help = "\
Examples:
  gristmill deconvolve blurred.png psf.png --balance 1e-3 -o restored.png
  gristmill deconvolve stars.png psf.npy --method richardson-lucy --iterations 50 -o sharper.png")]
    Deconvolve(Deconvolve),
    /// Smooth an array, a picture or sound, or sum its neighbours with any weights
    #[command(after_help = "\
Examples:
  gristmill filter gaussian photo.jpg --sigma 2 -o smooth.png
  gristmill filter uniform heights.npy --size 5 --boundary nearest -o means.npy
  gristmill filter correlate photo.jpg sobel.csv -o edges.npy")]
    Filter(Filter),
    /// Find a small picture in a large one (normalized cross-correlation)
    #[command(after_help = "\
Examples:
  gristmill match-template street.jpg sign.png -o found.png
  gristmill match-template street.jpg sign.png -o map.npy --json")]
    MatchTemplate(MatchTemplate),
    /// Which frequencies a sound has when, as a picture or as numbers
    #[command(
        after_help = "Examples:\n  gristmill spectrogram song.wav -o song.png\n  gristmill spectrogram song.wav --length 2048 --hop 512 -o power.npy"
    )]
    Spectrogram(Spectrogram),
    /// Do real work on bundled data, on every suitable device, and show that they agree
    #[command(after_help = "Examples:\n  gristmill demo\n  gristmill demo --adapter all --out pictures")]
    Demo(Demo),
    /// Test every op against f64 on this machine's adapters
    #[command(
        after_help = "Examples:\n  gristmill conformance --adapter all --report report.html\n  gristmill conformance --cases cases/open --out results --family fft"
    )]
    Conformance(Conformance),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  gristmill completions bash > ~/.local/share/bash-completion/completions/gristmill"
    )]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Gemm {
    /// Left factor, … × m × k (.npy, .npz, .csv)
    pub(crate) a: String,
    /// Right factor, … × k × n
    pub(crate) b: String,
    /// Swap the last two axes of A
    #[arg(long)]
    pub(crate) trans_a: bool,
    /// Swap the last two axes of B
    #[arg(long)]
    pub(crate) trans_b: bool,
    /// Factor of the product
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) alpha: f32,
    /// Factor of C
    #[arg(long, default_value_t = 0.0, requires = "c", allow_negative_numbers = true)]
    pub(crate) beta: f32,
    /// What is added, times beta
    #[arg(long, value_name = "FILE", requires = "beta")]
    pub(crate) c: Option<String>,
    /// Where the product goes (.npy, .npz, .csv)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}

/// Where the factor 1/n goes.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum NormName {
    /// 1/n on the inverse
    #[default]
    Backward,
    /// 1/√n on both
    Ortho,
    /// 1/n on the forward transform
    Forward,
}

#[derive(Debug, Args)]
pub(crate) struct Fft {
    /// Real or complex numbers (.npy, .npz, .csv)
    pub(crate) x: String,
    /// Axes to transform, counted from 0, or back from -1
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, default_value = "-1")]
    pub(crate) axes: Vec<i64>,
    /// Length per axis: X is cropped or padded with zeros
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, value_parser = parse_count)]
    pub(crate) n: Option<Vec<usize>>,
    /// Transform back
    #[arg(long)]
    pub(crate) inverse: bool,
    /// Real numbers on one side, half of the spectrum on the other
    #[arg(long)]
    pub(crate) real: bool,
    /// Where the factor 1/n goes
    #[arg(long, value_enum, default_value_t)]
    pub(crate) norm: NormName,
    /// Say how each axis is transformed: radices, passes, and whose algorithm
    #[arg(long)]
    pub(crate) explain: bool,
    /// Where the result goes (.npy, .npz)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}

/// How much of a convolution is kept.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum ModeName {
    /// Everything
    Full,
    /// As large as X, the centre
    Same,
    /// Only where the shorter one lies whole within the longer one
    Valid,
    /// As large as X, from its first entry on: nothing depends on what comes later
    Causal,
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum MethodName {
    /// Whichever should be faster
    #[default]
    Auto,
    /// By the sum itself: every entry accurate on its own
    Direct,
    /// By Fourier transforms: accurate relative to the largest entry
    Fft,
}

#[derive(Debug, Args)]
pub(crate) struct Convolve {
    /// Array (.npy, .npz, .csv), picture (.png, .jpg) or sound (.wav)
    pub(crate) x: String,
    /// What it is convolved with; sound too is read whole, while sound in X is read window by window
    pub(crate) h: String,
    /// How much is kept [default: full, same for pictures]
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeName>,
    /// What lies beyond the edges of X
    #[arg(long, value_enum, default_value = "zero")]
    pub(crate) boundary: BoundaryName,
    /// How it is computed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) method: MethodName,
    /// Correlate: H is not flipped
    #[arg(long)]
    pub(crate) correlate: bool,
    /// Divide H by its sum first, so that brightness or loudness stays
    #[arg(long)]
    pub(crate) normalize: bool,
    /// Say by which algorithm it is computed, why, and what each would cost
    #[arg(long)]
    pub(crate) explain: bool,
    /// Where the result goes: as X, or .npy; .wav holds 4 GiB of 32-bit floats, longer results need .npy
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder for the pictures and the page
    #[arg(long, value_name = "DIR", default_value = "gristmill-demo")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// Every trial, not a sample that covers all pairs
    #[arg(long, conflicts_with = "cases")]
    pub(crate) full: bool,
    /// Also write the report, as .html or .json, or its plot of the transforms' errors, as .svg
    #[arg(long, value_name = "FILE", conflicts_with = "cases")]
    pub(crate) report: Option<PathBuf>,
    /// Run the cases of this folder instead
    #[arg(long, value_name = "DIR", requires = "out")]
    pub(crate) cases: Option<PathBuf>,
    /// Where the cases' results go
    #[arg(long, value_name = "DIR", requires = "cases")]
    pub(crate) out: Option<PathBuf>,
    /// Only this family of cases
    #[arg(long, requires = "cases")]
    pub(crate) family: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// How many of something, one at least.
fn parse_count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("it must be a whole number from 1 to {}", usize::MAX))
}

/// `512MiB`, `2GB`, `65536`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: f64 = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1_048_576.0,
        "mb" => 1e6,
        "g" | "gib" => 1_073_741_824.0,
        "gb" => 1e9,
        _ => return Err("use bytes, KiB, MiB or GiB, e.g. 512MiB".to_owned()),
    };
    let bytes = number.parse::<f64>().map_err(|_| "use a number with a unit, e.g. 512MiB".to_owned())? * factor;
    if bytes < 1_048_576.0 {
        return Err("at least 1MiB is needed".to_owned());
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_bytes("512MiB").unwrap(), 512 << 20);
        assert_eq!(parse_bytes("2GB").unwrap(), 2_000_000_000);
        assert_eq!(parse_bytes("1.5 GiB").unwrap(), 3 << 29);
        for wrong in ["", "MiB", "5 parsecs", "12", "-4MiB", "1.2.3MiB"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
