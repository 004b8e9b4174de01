//! What a run of the table found, as data.

use serde::Serialize;

use super::compare::Judged;
use super::{Extent, Outcome, Trial};
use crate::context::Context;
use crate::plan::Limits;

/// The findings of one op on one adapter.
#[derive(Debug, Clone, Serialize)]
pub struct OpReport {
    /// The op, `pairwise::euclidean`.
    pub op: String,
    /// Trials run.
    pub trials: usize,
    /// Trials that failed.
    pub failed: usize,
    /// Trials that this adapter cannot run; they are not among `trials`.
    pub skipped: usize,
    /// Result entries compared.
    pub entries: usize,
    /// Largest error as a fraction of its bound; above 1 is a failure, `null` in JSON is infinite.
    pub worst: f64,
    /// The entry that `worst` comes from, with its bound; `None` where nothing ran.
    pub judged: Option<Judged>,
    /// The trial that `worst` comes from.
    pub worst_trial: String,
    /// Wall time in seconds, making pipelines included.
    pub seconds: f64,
}

/// One trial that failed or could not run.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The trial's name.
    pub trial: String,
    /// What was wrong, with the worst entry.
    pub detail: String,
}

/// How far off a Fourier transform along one axis was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TransformError {
    /// Points of the transform.
    pub points: usize,
    /// Relative L2 error against f64; of several lines the worst.
    pub relative: f64,
}

/// One adapter's findings.
#[derive(Debug, Clone, Serialize)]
pub struct AdapterReport {
    /// Name, driver and backend in one line.
    pub adapter: String,
    /// `vulkan`, `metal`, `dx12`, `gl`, `webgpu` or `cpu`.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
    /// Limits that plans are made from, by name.
    pub limits: Vec<(String, String)>,
    /// Optional features in use.
    pub features: Vec<String>,
    /// One entry per op, in the table's order.
    pub ops: Vec<OpReport>,
    /// The error of every complex transform forwards along one axis.
    pub transforms: Vec<TransformError>,
    /// Trials that failed.
    pub failures: Vec<Finding>,
    /// Trials that this adapter cannot run, with the reason.
    pub skipped: Vec<Finding>,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl AdapterReport {
    /// An empty report that names the adapter, its limits and its features.
    pub fn new(context: &Context) -> Self {
        let info = context.info();
        let named = |name: &str, value: String| (name.to_owned(), value);
        let of_device = |limits: &Limits| {
            let subgroups = limits.subgroup_size.map_or("not used".to_owned(), |size| size.to_string());
            vec![
                named("largest binding in bytes", limits.max_binding_bytes.to_string()),
                named("largest buffer in bytes", limits.max_buffer_bytes.to_string()),
                named("offset alignment in bytes", limits.offset_alignment.to_string()),
                named("workgroups per dimension", limits.max_workgroups.to_string()),
                named("invocations per workgroup", limits.max_invocations.to_string()),
                named("workgroup memory in bytes", limits.workgroup_bytes.to_string()),
                named("storage buffers per shader", limits.max_storage_buffers.to_string()),
                named("subgroup size", subgroups),
            ]
        };
        let mut limits = vec![named("kind of processor", format!("{:?}", info.kind))];
        limits.extend(context.limits().map(of_device).unwrap_or_default());
        Self {
            adapter: info.to_string(),
            backend: info.backend.clone(),
            driver: info.driver.clone(),
            limits,
            features: context.features().to_vec(),
            ops: Vec::new(),
            transforms: Vec::new(),
            failures: Vec::new(),
            skipped: Vec::new(),
            seconds: 0.0,
        }
    }

    /// Takes in one outcome.
    pub fn add(&mut self, trial: &Trial, outcome: &Outcome) {
        if !self.ops.iter().any(|op| op.op == trial.op) {
            self.ops.push(OpReport {
                op: trial.op.clone(),
                trials: 0,
                failed: 0,
                skipped: 0,
                entries: 0,
                worst: 0.0,
                judged: None,
                worst_trial: trial.name(),
                seconds: 0.0,
            });
        }
        self.seconds += outcome.seconds;
        if let (Some(points), Some(judged)) = (trial.body.transform_points(), outcome.judged) {
            if judged.value > 0.0 {
                self.transforms.push(TransformError { points, relative: judged.error / judged.value });
            }
        }
        let Some(op) = self.ops.iter_mut().find(|op| op.op == trial.op) else { return };
        op.trials += usize::from(outcome.skipped.is_none());
        op.entries += outcome.entries;
        op.seconds += outcome.seconds;
        // Where all are exact, an entry whose bound is not 0 says more.
        let tells = op.judged.is_none_or(|known| known.bound == 0.0 && op.worst == 0.0);
        if outcome.worst > op.worst || (tells && outcome.judged.is_some()) {
            op.judged = outcome.judged.or(op.judged);
        }
        if outcome.worst > op.worst {
            op.worst = outcome.worst;
            op.worst_trial = trial.name();
        }
        if let Some(detail) = &outcome.failure {
            op.failed += 1;
            self.failures.push(Finding { trial: trial.name(), detail: detail.clone() });
        }
        if let Some(detail) = &outcome.skipped {
            op.skipped += 1;
            self.skipped.push(Finding { trial: trial.name(), detail: detail.clone() });
        }
    }

    /// Whether no trial failed and at least one ran.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.trials() > 0
    }

    /// Number of trials run.
    pub fn trials(&self) -> usize {
        self.ops.iter().map(|op| op.trials).sum()
    }

    /// Largest error as a fraction of its bound over all ops.
    pub fn worst(&self) -> f64 {
        self.ops.iter().map(|op| op.worst).fold(0.0, f64::max)
    }
}

/// The findings of a whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The library's version.
    pub version: String,
    /// The operating system and the processor architecture.
    pub system: String,
    /// How much of the table was run.
    pub extent: Extent,
    /// One entry per adapter.
    pub adapters: Vec<AdapterReport>,
}

impl Report {
    /// A report without adapters yet.
    pub fn new(extent: Extent) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            extent,
            adapters: Vec::new(),
        }
    }

    /// Whether every adapter passed and there was one.
    pub fn passed(&self) -> bool {
        !self.adapters.is_empty() && self.adapters.iter().all(AdapterReport::passed)
    }

    /// The report as JSON, one object.
    pub fn to_json(&self) -> String {
        // Numbers, texts and lists cannot fail to serialize; an infinite `worst` becomes null.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The errors of Fourier transforms over their length as a picture (SVG); empty where none ran.
    pub fn to_svg(&self) -> String {
        super::plot::transforms(&self.adapters)
    }

    /// The report as one self-contained page, readable on a phone.
    pub fn to_html(&self) -> String {
        super::html::page(self)
    }
}
