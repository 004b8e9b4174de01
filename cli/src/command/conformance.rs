//! `gristmill conformance`: does it work on this GPU?

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use gristmill::conformance::{self, AdapterReport, Extent, Report, cases};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::args::{Conformance, General};
use crate::format::Output;
use crate::{device, say, usage};

pub(super) fn run(general: &General, args: &Conformance) -> Result<()> {
    if let (Some(cases), Some(out)) = (&args.cases, &args.out) {
        return run_cases(general, cases, out, args.family.as_deref());
    }
    if let Some(path) = &args.report {
        let known = path.extension().is_some_and(|e| e == "html" || e == "json" || e == "svg");
        if !known {
            return Err(usage(format!("--report {}: .html, .json or .svg is written", path.display())));
        }
        Output::check(path)?;
    }
    let everything = general.adapter.trim().eq_ignore_ascii_case("all");
    let adapters = if everything { device::all() } else { vec![general.adapter.clone()] };
    let extent = if args.full { Extent::Full } else { Extent::Sample };
    let mut report = Report::new(extent);
    for name in &adapters {
        let context = if everything { device::open_named(name)? } else { device::open(general)? };
        let bar = bar(general);
        let found = pollster::block_on(conformance::run(&context, extent, |progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(progress.trial.op.clone());
        }));
        bar.finish_and_clear();
        if !general.quiet && !general.json {
            write!(std::io::stdout(), "{}", text(&found))?;
        }
        report.adapters.push(found);
    }
    if let Some(path) = &args.report {
        let text = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => report.to_html(),
            Some("svg") => report.to_svg(),
            _ => report.to_json(),
        };
        Output::bytes(path, text.as_bytes())?;
        if !general.quiet {
            say(&format!("report: {}", path.display()));
        }
    }
    if general.json {
        writeln!(std::io::stdout(), "{}", report.to_json())?;
    }
    if !report.passed() {
        let failed: usize = report.adapters.iter().map(|adapter| adapter.failures.len()).sum();
        bail!("{failed} trials failed");
    }
    Ok(())
}

fn bar(general: &General) -> ProgressBar {
    if general.quiet {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

/// One adapter's findings: a line per op, and what failed.
fn text(found: &AdapterReport) -> String {
    let mut text = format!("\n{}\n{:<34}{:>7}{:>8}{:>13}\n", found.adapter, "op", "trials", "failed", "error/bound");
    for op in found.ops.iter().filter(|op| op.trials > 0) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<34}{:>7}{:>8}{:>13.3}", op.op, op.trials, op.failed, op.worst);
    }
    for finding in &found.failures {
        let _ = writeln!(text, "failed: {}: {}", finding.trial, finding.detail);
    }
    // Reasons repeat: each is told once, with the number of trials that it keeps out.
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &found.skipped {
        *reasons.entry(&finding.detail).or_default() += 1;
    }
    for (reason, trials) in reasons {
        let _ = writeln!(text, "not run: {trials} trials: {reason}");
    }
    let verdict = if found.passed() { "pass" } else { "FAIL" };
    let _ = writeln!(
        text,
        "{verdict}: {} trials in {:.1} s, worst error {:.3} of its bound",
        found.trials(),
        found.seconds,
        found.worst()
    );
    text
}

fn run_cases(general: &General, cases: &Path, out: &Path, family: Option<&str>) -> Result<()> {
    let context = device::open(general)?;
    let summary = cases::run(cases, out, family, &context)?;
    if general.json {
        let record = json!({ "command": "conformance", "device": context.info().to_string(), "summary": summary });
        writeln!(std::io::stdout(), "{record}")?;
    } else if !general.quiet {
        let mut out = std::io::stdout();
        writeln!(out, "{} of {} cases written in {:.1} s", summary.written, summary.total(), summary.seconds)?;
        for (what, count) in &summary.unsupported {
            writeln!(out, "unsupported: {count} × {what}")?;
        }
    }
    for (case, error) in &summary.failed {
        say(&format!("failed: {case}: {error}"));
    }
    if !summary.failed.is_empty() {
        bail!("{} cases failed", summary.failed.len());
    }
    Ok(())
}
