//! The command line of `gristmill reduce`.

use clap::Args;

use super::MetricArgs;

/// What becomes of the values of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    LogSumExp,
    Softmax,
    Min,
    ArgMin,
    Max,
    ArgMax,
    TopK(usize),
    Count,
}

impl Reduction {
    const NAMES: [(&'static str, Self); 9] = [
        ("sum", Self::Sum),
        ("mean", Self::Mean),
        ("logsumexp", Self::LogSumExp),
        ("softmax", Self::Softmax),
        ("min", Self::Min),
        ("argmin", Self::ArgMin),
        ("max", Self::Max),
        ("argmax", Self::ArgMax),
        ("count", Self::Count),
    ];
}

impl std::str::FromStr for Reduction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.trim().to_lowercase();
        if let Some(k) = wanted.strip_prefix("topk") {
            let k = k.strip_prefix('=').and_then(|k| k.parse().ok()).filter(|k| (1..=1024).contains(k));
            return k.map(Self::TopK).ok_or_else(|| "write topk=K with K from 1 to 1024, e.g. topk=10".to_owned());
        }
        let found = Self::NAMES.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, reduction)| *reduction).ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
            format!("use one of {} or topk=K", names.join(", "))
        })
    }
}

impl std::fmt::Display for Reduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, Self::NAMES.iter().find(|(_, reduction)| reduction == self)) {
            (Self::TopK(k), _) => write!(f, "topk={k}"),
            (_, Some((name, _))) => f.write_str(name),
            (_, None) => Ok(()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Reduce {
    /// Points, one per row (.npy, .npz, .csv)
    pub(crate) x: String,
    /// The points that they meet; X where left out
    pub(crate) y: Option<String>,
    /// Kernel with its parameters, e.g. 'matern(nu=2.5)'; see `gristmill gram --list`
    #[arg(long, short, conflicts_with_all = ["metric", "p", "base", "mode", "w", "variances", "inverse_covariance"])]
    pub(crate) kernel: Option<String>,
    /// What becomes of the values of a row; see below
    #[arg(long, short, value_name = "REDUCTION")]
    pub(crate) reduce: Reduction,
    /// What the values are multiplied by (--w weighs columns): one row per row of Y, a vector or up to 1024 columns
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<String>,
    /// Only these columns of X and Y, counted from 0
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(crate) columns: Vec<usize>,
    /// The largest value that counts
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) radius: Option<f32>,
    /// No row meets itself
    #[arg(long)]
    pub(crate) exclude_self: bool,
    /// Sum in two floats: for sums that cancel, or of millions of terms
    #[arg(long)]
    pub(crate) compensated: bool,
    /// With topk: the largest values instead of the smallest
    #[arg(long)]
    pub(crate) largest: bool,
    /// Where the result goes (.npy, .npz, .csv; topk: .npz)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) metric: MetricArgs,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Reduction;

    #[test]
    fn reductions_print_as_they_are_read() {
        for text in ["sum", "logsumexp", "argmax", "topk=7", "count"] {
            assert_eq!(text.parse::<Reduction>().unwrap().to_string(), text);
        }
        for wrong in ["", "topk", "topk=0", "topk=1025", "topk=-1", "median"] {
            assert!(wrong.parse::<Reduction>().is_err(), "{wrong}");
        }
    }
}
