//! A row of the table and what comes out when it is run.

use serde::Serialize;
use web_time::Instant;

use super::compare::{Comparison, Judged};
use super::table::{self, Body};
use crate::context::Context;
use crate::error::{Error, Result};

/// How much of the table is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// A fixed sample in which every two settings of an op meet at least once; for every change.
    #[default]
    Sample,
    /// Everything, large arrays included; by hand, once per release.
    Full,
}

/// One row of the table: an op, its parameters, an element type, a layout and a shape.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The op, `pairwise::euclidean`.
    pub op: String,
    /// Shape, layouts and values in words: `17x33x130 rows×transposed bell`.
    pub setting: String,
    pub(super) body: Body,
}

impl Trial {
    pub(super) fn new(op: impl Into<String>, setting: impl Into<String>, body: Body) -> Self {
        Self { op: op.into(), setting: setting.into(), body }
    }

    /// Op and setting.
    pub fn name(&self) -> String {
        format!("{} {}", self.op, self.setting)
    }
}

/// What came out of one trial.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Largest error as a fraction of its bound; above 1 is a failure.
    pub worst: f64,
    /// The entry with the largest error for its bound; `None` where no bound was finite.
    pub judged: Option<Judged>,
    /// Result entries compared.
    pub entries: usize,
    /// Why the trial failed.
    pub failure: Option<String>,
    /// Why this adapter cannot run the trial (it would need a larger buffer than the device has).
    pub skipped: Option<String>,
    /// Wall time in seconds, making pipelines included.
    pub seconds: f64,
}

impl Outcome {
    /// Whether the trial ran and every entry was within its bound.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.skipped.is_none()
    }
}

/// The table of trials.
pub fn trials(extent: Extent) -> Vec<Trial> {
    table::all(extent)
}

/// Runs one trial; every error of the library is a failure with its message, except that a device may be too small.
pub async fn run_trial(context: &Context, trial: &Trial) -> Outcome {
    let start = Instant::now();
    let result = trial.body.run(context, &trial.name()).await;
    judge(result, start.elapsed().as_secs_f64())
}

fn judge(result: Result<Comparison>, seconds: f64) -> Outcome {
    match result {
        Ok(found) => {
            let failure = (found.failed > 0).then(|| {
                let detail = found.detail.unwrap_or_default();
                format!("{} of {} entries outside their bound; worst {detail}", found.failed, found.entries.max(1))
            });
            Outcome {
                worst: found.worst,
                judged: found.judged,
                entries: found.entries,
                failure,
                skipped: None,
                seconds,
            }
        }
        Err(
            error @ (Error::BufferTooLarge { .. } | Error::OutOfMemory { .. } | Error::Unsupported { op: "math", .. }),
        ) => Outcome { worst: 0.0, judged: None, entries: 0, failure: None, skipped: Some(error.to_string()), seconds },
        Err(error) => Outcome {
            worst: f64::INFINITY,
            judged: None,
            entries: 0,
            failure: Some(error.to_string()),
            skipped: None,
            seconds,
        },
    }
}
