//! The arguments that choose a metric, the same for every command that takes one.

use clap::{Args, ValueEnum};

/// A metric with what SciPy's of the same name takes. A flag that the metric does not take is refused.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metric")]
pub(crate) struct MetricArgs {
    /// How two rows are compared [default: euclidean]; see `gristmill pairwise --list`
    #[arg(long, short, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// The power of minkowski, above 0 [default: 2]
    #[arg(long, value_name = "POWER", allow_negative_numbers = true)]
    pub(crate) p: Option<f32>,
    /// The base of jensenshannon's logarithm, above 1 [default: e]
    #[arg(long, value_name = "BASE", allow_negative_numbers = true)]
    pub(crate) base: Option<f32>,
    /// How euclidean and sqeuclidean are computed [default: direct]
    #[arg(long, value_enum)]
    pub(crate) mode: Option<FormName>,
    /// One weight per column, at or above 0
    #[arg(long, value_name = "FILE")]
    pub(crate) w: Option<String>,
    /// The variances of seuclidean, one per column [default: those of the rows of X and Y]
    #[arg(long = "V", value_name = "FILE")]
    pub(crate) variances: Option<String>,
    /// The inverse covariance matrix of mahalanobis [default: that of the rows of X and Y]
    #[arg(long = "VI", value_name = "FILE")]
    pub(crate) inverse_covariance: Option<String>,
}

/// How a sum of squared differences is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormName {
    /// Differences, squared and summed
    Direct,
    /// ‖x‖² + ‖y‖² − 2 x·y: fastest, but near rows far from 0 lose their digits
    Expanded,
    /// Differences, with sums in two floats: as if computed in twice the precision
    Compensated,
}

impl FormName {
    /// The metric of this name in this form.
    pub(crate) fn of(self, name: &str) -> String {
        match self {
            Self::Direct => name.to_owned(),
            Self::Expanded => format!("{name}_expanded"),
            Self::Compensated => format!("{name}_compensated"),
        }
    }
}
