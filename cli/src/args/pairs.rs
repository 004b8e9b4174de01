//! The command lines of `gristmill pairwise`, `gristmill gram` and `gristmill knn`.

use clap::Args;

use super::MetricArgs;

#[derive(Debug, Args)]
pub(crate) struct Pairwise {
    /// Points, one per row (.npy, .npz, .csv)
    #[arg(required_unless_present = "list")]
    pub(crate) x: Option<String>,
    /// Other points; X where left out
    pub(crate) y: Option<String>,
    /// The same as --w
    #[arg(long, value_name = "FILE", conflicts_with = "w")]
    pub(crate) weights: Option<String>,
    /// Only these columns of X and Y, counted from 0
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(crate) columns: Vec<usize>,
    /// Every two rows of X once, as a vector: (0,1), (0,2) … (1,2) …
    #[arg(long, conflicts_with_all = ["y", "paired"])]
    pub(crate) condensed: bool,
    /// Only row i of X with row i of Y, as a vector
    #[arg(long, requires = "y")]
    pub(crate) paired: bool,
    /// Show the metrics and leave
    #[arg(long)]
    pub(crate) list: bool,
    /// Where the distances go (.npy, .npz, .csv)
    #[arg(long, short, value_name = "FILE", required_unless_present = "list")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) metric: MetricArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Gram {
    /// Points, one per row (.npy, .npz, .csv)
    #[arg(required_unless_present = "list")]
    pub(crate) x: Option<String>,
    /// Other points; X where left out
    pub(crate) y: Option<String>,
    /// Kernel with its parameters, e.g. 'rbf(gamma=0.5)'; see --list
    #[arg(long, short, required_unless_present = "list")]
    pub(crate) kernel: Option<String>,
    /// Only these columns of X and Y, counted from 0
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(crate) columns: Vec<usize>,
    /// Show the kernels and leave
    #[arg(long)]
    pub(crate) list: bool,
    /// Where the matrix goes (.npy, .npz, .csv)
    #[arg(long, short, value_name = "FILE", required_unless_present = "list")]
    pub(crate) output: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Knn {
    /// Known points, one per row (.npy, .npz, .csv)
    pub(crate) train: String,
    /// Points whose neighbours are wanted
    pub(crate) query: String,
    /// How many neighbours
    #[arg(short, default_value_t = 5)]
    pub(crate) k: usize,
    /// One number per row of TRAIN; the majority of the neighbours' labels is written too
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<String>,
    /// Where indices, distances and labels go (.npz)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) metric: MetricArgs,
}
