//! Arguments of the commands for images and signals.

use clap::{Args, ValueEnum};

use super::parse_count;

/// What lies beyond the edges; SciPy's names.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum BoundaryName {
    /// 0 0 0 | a b c d | 0 0 0
    #[value(alias = "constant")]
    Zero,
    /// c b a | a b c d | d c b
    Reflect,
    /// d c b | a b c d | c b a
    Mirror,
    /// a a a | a b c d | d d d
    Nearest,
    /// b c d | a b c d | a b c
    Wrap,
}

impl From<BoundaryName> for gristmill::Boundary {
    fn from(name: BoundaryName) -> Self {
        match name {
            BoundaryName::Zero => Self::Zero,
            BoundaryName::Reflect => Self::Reflect,
            BoundaryName::Mirror => Self::Mirror,
            BoundaryName::Nearest => Self::Nearest,
            BoundaryName::Wrap => Self::Wrap,
        }
    }
}

/// How a blur is undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, ValueEnum)]
pub(crate) enum DeconvolveMethod {
    /// Wiener's filter with a smooth prior: one step, for pictures with even noise
    #[default]
    Wiener,
    /// Richardson–Lucy: iterations that stay positive, for counted light
    RichardsonLucy,
}

#[derive(Debug, Args)]
pub(crate) struct Deconvolve {
    /// The blurred picture (.png, .jpg), or one grey channel (.npy)
    pub(crate) image: String,
    /// What one point became: a picture or array, scaled to sum 1
    pub(crate) psf: String,
    /// How the blur is undone
    #[arg(long, value_enum, default_value_t)]
    pub(crate) method: DeconvolveMethod,
    /// Wiener: more gives less noise and less sharpness [default: 1e-3]
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) balance: Option<f64>,
    /// Richardson–Lucy: how many steps; more are sharper and noisier [default: 30]
    #[arg(long, allow_negative_numbers = true, value_parser = parse_count)]
    pub(crate) iterations: Option<usize>,
    /// Where the result goes (.png, .jpg, .npy)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}

/// Which filter.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum FilterName {
    /// A bell of --sigma
    Gaussian,
    /// The mean of a box of --size
    Uniform,
    /// Sums weighted by KERNEL
    Correlate,
}

#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Which filter
    #[arg(value_enum)]
    pub(crate) filter: FilterName,
    /// Picture (.png, .jpg), array of 1 to 3 axes (.npy, .npz, .csv) or sound (.wav)
    pub(crate) x: String,
    /// The weights of correlate: an array with as many axes
    pub(crate) kernel: Option<String>,
    /// Standard deviation of gaussian, one for all axes or one each
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) sigma: Option<Vec<f64>>,
    /// Entries of uniform, one number for all axes or one each
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, value_parser = parse_count)]
    pub(crate) size: Option<Vec<usize>>,
    /// Where gaussian ends, in standard deviations
    #[arg(long, default_value_t = 4.0, allow_negative_numbers = true)]
    pub(crate) truncate: f64,
    /// What lies beyond the edges
    #[arg(long, visible_alias = "mode", value_enum, default_value = "reflect")]
    pub(crate) boundary: BoundaryName,
    /// By how many entries the filter is shifted, one number for all axes or one each
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, default_value = "0")]
    pub(crate) origin: Vec<isize>,
    /// Where the result goes: as X, or .npy
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}

#[derive(Debug, Args)]
pub(crate) struct MatchTemplate {
    /// Where to look: a picture (.png, .jpg), or one grey channel (.npy)
    pub(crate) image: String,
    /// What to look for: a smaller one
    pub(crate) template: String,
    /// Where the result goes: .npy for the correlation at every place, .png or .jpg for the picture with the best place marked
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}

#[derive(Debug, Args)]
pub(crate) struct Spectrogram {
    /// Sound (.wav; its channels are averaged), or real numbers of one axis (.npy, .npz, .csv)
    pub(crate) x: String,
    /// Samples of a frame, at most the whole sound; frames are centred on the samples they are for, with silence around the sound
    #[arg(long, default_value_t = 1024, allow_negative_numbers = true, value_parser = parse_count)]
    pub(crate) length: usize,
    /// Samples from one frame to the next [default: a quarter of --length; in a picture at most 2000 columns]
    #[arg(long, allow_negative_numbers = true, value_parser = parse_count)]
    pub(crate) hop: Option<usize>,
    /// Window of a frame: hann, hamming, blackman, blackmanharris, bartlett, boxcar, kaiser(beta)
    #[arg(long, default_value = "hann")]
    pub(crate) window: String,
    /// Decibels from black to white
    #[arg(long, default_value_t = 80.0, allow_negative_numbers = true)]
    pub(crate) range: f32,
    /// Where the result goes: a picture (.png, .jpg), or powers, frequencies × frames (.npy, .npz)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
}
