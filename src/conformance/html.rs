//! The report as one self-contained page.

use std::fmt::Write;

use super::Extent;
use super::compare::Judged;
use super::report::{AdapterReport, OpReport, Report};

const STYLE: &str = "
:root{color-scheme:light dark;--good:#1a7f37;--bad:#c62828;--wait:#9a6700;--line:#8884;--soft:#8882}
@media(prefers-color-scheme:dark){:root{--good:#4cc26a;--bad:#ff7b72;--wait:#d8a13a}}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem;overflow-wrap:anywhere}
.verdict{font-size:2.2rem;font-weight:700;margin:.2rem 0}
.pass{color:var(--good)}.fail{color:var(--bad)}.skip{color:var(--wait)}
tr.family th{padding-top:1rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid var(--line);vertical-align:middle}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}td svg{display:block;width:8rem;height:.8rem}
.good{fill:var(--good)}.bad{fill:var(--bad)}.track{fill:var(--soft)}
details{margin:.6rem 0}summary{cursor:pointer}code{overflow-wrap:anywhere}
p.note{color:GrayText}";

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    let verdict = if report.passed() { "PASS" } else { "FAIL" };
    let class = if report.passed() { "pass" } else { "fail" };
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Gristmill conformance: {verdict}</title>\n<style>{STYLE}\n</style>\n</head>\n<body>\n\
         <h1>Does Gristmill compute correctly on this computer?</h1>\n\
         <p class=\"verdict {class}\">{verdict}</p>\n<p>{}</p>\n",
        summary(report)
    );
    for adapter in &report.adapters {
        section(&mut page, adapter);
    }
    let plot = super::plot::transforms(&report.adapters);
    if !plot.is_empty() {
        let _ = write!(page, "<h2>Fourier transforms: error over length</h2>\n{plot}");
    }
    page.push_str(
        "<h2>How to read this</h2>\n<p>Each operation ran with many sizes, layouts and difficult inputs, and every \
         result was compared with the same formula computed in double precision. How far a single-precision result \
         may be off was worked out on paper beforehand: that is the <em>allowed error</em>, shown \
         with the number at which the largest share of it was used up. The bar shows that share. Anything up to 100 % is correct; a share near 100 % is not a warning.</p>\n",
    );
    let extent = match report.extent {
        Extent::Sample => "a fixed sample of the table, in which every two settings meet",
        Extent::Full => "the full table",
    };
    let _ = write!(
        page,
        "<p class=\"note\">Gristmill {} on {}; {extent}.</p>\n</body>\n</html>\n",
        escape(&report.version),
        escape(&report.system)
    );
    page
}

fn summary(report: &Report) -> String {
    let trials: usize = report.adapters.iter().map(AdapterReport::trials).sum();
    let failed: usize = report.adapters.iter().map(|adapter| adapter.failures.len()).sum();
    let devices = match report.adapters.len() {
        1 => "one device".to_owned(),
        count => format!("{count} devices"),
    };
    match (trials, failed) {
        (0, _) => "Nothing was tested.".to_owned(),
        (_, 0) => format!("All {trials} checks on {devices} gave correct results."),
        _ => format!("{failed} of {trials} checks on {devices} gave wrong results or could not run; see below."),
    }
}

fn section(page: &mut String, adapter: &AdapterReport) {
    let (verdict, class) = if adapter.passed() { ("PASS", "pass") } else { ("FAIL", "fail") };
    let _ = write!(
        page,
        "<h2>{} <span class=\"{class}\">{verdict}</span></h2>\n<p>{} checks in {:.1} s; largest error {} of what is \
         allowed.</p>\n",
        escape(&adapter.adapter),
        adapter.trials(),
        adapter.seconds,
        percent(adapter.worst())
    );
    findings(page, "Wrong results", "fail", &adapter.failures, true);
    page.push_str(
        "<div class=\"wide\"><table>\n<tr><th>operation</th><th></th><th>largest error</th>\
         <th class=\"number\">of allowed</th><th class=\"number\">allowed error</th><th class=\"number\">checks</th><th class=\"number\">numbers</th>\
         <th class=\"number\">seconds</th></tr>\n",
    );
    let mut family = "";
    for op in &adapter.ops {
        let (own, _) = named(&op.op);
        if own != family {
            family = own;
            let _ = writeln!(page, "<tr class=\"family\"><th colspan=\"8\">{}</th></tr>", escape(title(family)));
        }
        row(page, op);
    }
    page.push_str("</table></div>\n");
    findings(page, "Not possible on this device", "skip", &adapter.skipped, false);
    page.push_str("<details><summary>About this device</summary>\n<table>\n");
    let _ = writeln!(page, "<tr><td>driver</td><td>{}</td></tr>", escape(&adapter.driver));
    let _ = writeln!(page, "<tr><td>backend</td><td>{}</td></tr>", escape(&adapter.backend));
    for (name, value) in &adapter.limits {
        let _ = writeln!(page, "<tr><td>{}</td><td>{}</td></tr>", escape(name), escape(value));
    }
    let features = if adapter.features.is_empty() { "none".to_owned() } else { adapter.features.join(", ") };
    let _ = writeln!(page, "<tr><td>optional features in use</td><td>{}</td></tr>", escape(&features));
    page.push_str("</table></details>\n");
}

fn findings(page: &mut String, title: &str, class: &str, found: &[super::Finding], open: bool) {
    if found.is_empty() {
        return;
    }
    let open = if open { " open" } else { "" };
    let _ = write!(page, "<details{open}><summary class=\"{class}\">{title}: {}</summary>\n<ul>\n", found.len());
    for finding in found {
        let _ = writeln!(page, "<li><code>{}</code><br>{}</li>", escape(&finding.trial), escape(&finding.detail));
    }
    page.push_str("</ul></details>\n");
}

fn row(page: &mut String, op: &OpReport) {
    let (verdict, class) = match (op.failed, op.trials == 0) {
        (0, true) => ("not run", "skip"),
        (0, false) => ("ok", "pass"),
        _ => ("wrong", "fail"),
    };
    let _ = writeln!(
        page,
        "<tr><td title=\"{}\">{}</td><td class=\"{class}\">{verdict}</td><td>{}</td><td class=\"number\">{}</td>\
         <td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{:.2}</td></tr>",
        escape(&op.worst_trial),
        escape(named(&op.op).1),
        bar(op.worst),
        percent(op.worst),
        op.judged.map_or("–".to_owned(), allowed),
        op.trials,
        op.entries,
        op.seconds
    );
}

/// What an op belongs to, and its name there: `pairwise::cosine`, `reduce::mean of cosine`.
fn named(op: &str) -> (&str, &str) {
    op.split_once("::").unwrap_or((op, op))
}

/// The name of a family of ops in words.
fn title(family: &str) -> &str {
    match family {
        "pairwise" => "Distances between all rows, by metric",
        "paired" => "Distances between rows in step, by metric",
        "gram" => "Kernel matrices, by kernel and by how kernels are composed",
        "gram_diag" => "Diagonals of kernel matrices",
        "reduce" => "Reductions over all pairs, without their matrix",
        "gradient" => "Gradients of kernel sums",
        "formula" => "Formulas",
        "math" => "Functions of single numbers",
        other => other,
    }
}

/// How far off an entry may be, and what it is.
fn allowed(judged: Judged) -> String {
    match judged.bound {
        0.0 => "exact".to_owned(),
        bound => format!("{bound:.1e} at {:.3e}", judged.value),
    }
}

/// A bar of 100 units; an error past its bound fills it in the other colour.
fn bar(worst: f64) -> String {
    let width = (100.0 * worst).clamp(0.0, 100.0);
    let class = if worst > 1.0 { "bad" } else { "good" };
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\
         <rect class=\"track\" width=\"100\" height=\"10\"/>\
         <rect class=\"{class}\" width=\"{width:.1}\" height=\"10\"/></svg>",
        percent(worst)
    )
}

fn percent(fraction: f64) -> String {
    if fraction.is_infinite() || fraction.is_nan() {
        "more than 100 %".to_owned()
    } else if fraction == 0.0 {
        "0 % (exact)".to_owned()
    } else if fraction < 0.01 {
        "below 1 %".to_owned()
    } else {
        format!("{:.0} %", 100.0 * fraction)
    }
}

pub(super) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Finding;

    fn report(failures: Vec<Finding>) -> Report {
        let op = OpReport {
            op: "pairwise::euclidean".to_owned(),
            trials: 3,
            failed: failures.len(),
            skipped: 0,
            entries: 100,
            worst: 0.25,
            judged: Some(Judged { value: 5.0, error: 1e-7, bound: 4e-7 }),
            worst_trial: "pairwise::euclidean 3x4x5".to_owned(),
            seconds: 0.1,
        };
        let adapter = AdapterReport {
            adapter: "A <GPU> & more".to_owned(),
            backend: "vulkan".to_owned(),
            driver: "1.0".to_owned(),
            limits: vec![("subgroup size".to_owned(), "8".to_owned())],
            features: Vec::new(),
            ops: vec![op],
            transforms: Vec::new(),
            failures,
            skipped: Vec::new(),
            seconds: 0.1,
        };
        let mut report = Report::new(Extent::Sample);
        report.adapters.push(adapter);
        report
    }

    #[test]
    fn the_page_says_pass_or_fail_and_escapes() {
        let page = report(Vec::new()).to_html();
        assert!(page.contains(">PASS<") && page.contains("A &lt;GPU&gt; &amp; more") && page.contains("25 %"));
        assert!(page.contains("4.0e-7 at 5.000e0") && page.contains("Distances between all rows"));
        let failure = Finding { trial: "t".to_owned(), detail: "got 1, want 2".to_owned() };
        let page = report(vec![failure]).to_html();
        assert!(page.contains(">FAIL<") && page.contains("got 1, want 2"));
    }

    #[test]
    fn json_names_the_adapter() {
        let json = report(Vec::new()).to_json();
        assert!(json.contains("\"adapter\": \"A <GPU> & more\"") && json.contains("\"extent\": \"sample\""));
    }
}
