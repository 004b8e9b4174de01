//! Does it work on this GPU? The table of trials, its runner and its report.
//!
//! A trial is one op with one element type, one layout and one shape. It passes where every entry lies within the
//! bound that is derived for the op, measured against a textbook definition in f64 ([`crate::reference`]). The table
//! is written once and goes through three doors: `cargo test`, `gristmill conformance` and a page in the browser;
//! nothing in the runner blocks, so all three can use it.
//!
//! ```no_run
//! # fn main() -> gristmill::Result<()> {
//! use gristmill::{Context, conformance};
//! let context = Context::open_blocking()?;
//! let mut report = conformance::Report::new(conformance::Extent::Sample);
//! let adapter = conformance::run(&context, conformance::Extent::Sample, |_| {});
//! report.adapters.push(pollster::block_on(adapter));
//! std::fs::write("report.html", report.to_html()).expect("the directory is writable");
//! # Ok(())
//! # }
//! ```

pub mod bounds;
#[cfg(not(target_arch = "wasm32"))]
pub mod cases;
mod compare;
mod covering;
mod generator;
mod html;
mod layout;
mod math;
mod plot;
mod report;
mod table;
mod trial;

pub use compare::Judged;
pub use generator::Generator;
pub use report::{AdapterReport, Finding, OpReport, Report, TransformError};
pub use trial::{Extent, Outcome, Trial, run_trial, trials};

use crate::context::Context;

/// How far a run is; handed to the caller after every trial.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Trials done, this one included.
    pub done: usize,
    /// Trials in all.
    pub total: usize,
    /// The trial that has just ended.
    pub trial: &'a Trial,
    /// What came out.
    pub outcome: &'a Outcome,
}

/// Runs the table on one adapter.
pub async fn run(context: &Context, extent: Extent, mut progress: impl FnMut(Progress<'_>)) -> AdapterReport {
    let mut report = AdapterReport::new(context);
    let table = trials(extent);
    for (number, trial) in table.iter().enumerate() {
        let outcome = run_trial(context, trial).await;
        report.add(trial, &outcome);
        progress(Progress { done: number + 1, total: table.len(), trial, outcome: &outcome });
    }
    report
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;
    use crate::kernel::Kernel;
    use crate::metric::Metric;

    /// What a person with a GPU sends us says of everything that there is how far off it may be, and how far it was.
    #[test]
    fn a_plain_report_tells_every_function_reduction_and_rule_with_its_bound() {
        let context = Context::cpu();
        let mut report = Report::new(Extent::Sample);
        report.adapters.push(pollster::block_on(run(&context, Extent::Sample, |_| {})));
        let page = report.to_html();
        let metrics =
            Metric::all().into_iter().flat_map(|m| ["pairwise", "paired"].map(|of| format!("{of}::{}", m.name)));
        let kernels = Kernel::all().iter().flat_map(|k| ["gram", "gram_diag"].map(|of| format!("{of}::{}", k.name)));
        let rules = table::RULES.iter().map(|(rule, text)| format!("gram::{rule}: {text}"));
        let reductions = table::reductions().map(|name| format!("reduce::{name} of sqeuclidean"));
        let full = ["gram::rbf(length_scale per feature)", "gram::rbf(precision)"].map(str::to_owned);
        for op in metrics.chain(kernels).chain(rules).chain(reductions).chain(full) {
            let found = report.adapters.iter().flat_map(|adapter| &adapter.ops).find(|found| found.op == op);
            assert!(found.is_some_and(|found| found.trials > 0 && found.judged.is_some()), "{op}: {found:?}");
            let cell = format!(">{}</td><td", op.split_once("::").map_or("", |(_, name)| name));
            assert!(page.contains(&cell), "{op} is not on the page");
        }
        assert!(report.passed(), "{:?}", report.adapters);
    }
}
