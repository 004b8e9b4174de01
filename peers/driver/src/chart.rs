//! The chart: for every task a panel of bars, each the time of one implementation relative to Gristmill's, on one
//! logarithmic axis.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use peers::{Task, Work};

use crate::record::Record;

const WIDTH: f64 = 920.0;
/// The bars' field, between the names and the figures.
const LEFT: f64 = 270.0;
const RIGHT: f64 = 730.0;
const BAR: f64 = 20.0;
const TITLE: f64 = 46.0;
const HEAD: f64 = 76.0;

struct Panel {
    task: Task,
    /// Label, milliseconds, and whether it is ours; the fastest first.
    bars: Vec<(String, f64, bool)>,
    ours_ms: f64,
    conditions: String,
}

/// Writes `latest.svg` beside the record. What is compared with is Gristmill on the first of the adapters that has
/// figures, with its inputs on the device.
///
/// # Errors
/// A file that cannot be written.
pub fn draw(record: &Record, adapters: &[String]) -> Result<()> {
    let panels: Vec<Panel> = Task::all().into_iter().filter_map(|task| panel(record, task, adapters)).collect();
    let path = record.directory().join("latest.svg");
    fs::write(&path, svg(&panels, adapters)).with_context(|| format!("cannot write {}", path.display()))
}

fn panel(record: &Record, task: Task, adapters: &[String]) -> Option<Panel> {
    if task.work.compares_sizes() {
        return None;
    }
    let rows = record.rows(&task);
    let ours = |adapter: &String| rows.iter().find(|(on, name, _)| on == adapter && *name == "gristmill");
    let ours_ms = adapters.iter().find_map(ours).or_else(|| rows.iter().find(|row| row.1 == "gristmill"))?.2;
    let mut bars: Vec<(String, f64, bool)> = rows
        .iter()
        .map(|(adapter, name, ms)| (format!("{name} · {adapter}"), *ms, name.starts_with("gristmill")))
        .collect();
    bars.sort_by(|a, b| a.1.total_cmp(&b.1));
    let conditions = record.conditions_of(&task).unwrap_or_default();
    Some(Panel { task, bars, ours_ms, conditions })
}

fn svg(panels: &[Panel], adapters: &[String]) -> String {
    let ratios = || panels.iter().flat_map(|panel| panel.bars.iter().map(|bar| (bar.1 / panel.ours_ms).log10()));
    let low = ratios().fold(-1.0, f64::min).floor();
    let high = ratios().fold(1.0, f64::max).ceil();
    let x = |log: f64| LEFT + (log - low) / (high - low) * (RIGHT - LEFT);
    let height = HEAD + panels.iter().map(|panel| TITLE + BAR * panel.bars.len() as f64).sum::<f64>() + 20.0;

    let mut body = String::new();
    let mut text = |x: f64, y: f64, style: &str, words: &str| {
        let words = words.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(body, r#"<text x="{x:.1}" y="{y:.1}" {style}>{words}</text>"#);
    };
    text(
        20.0,
        28.0,
        r#"font-size="17" font-weight="600""#,
        "Time relative to Gristmill's: left of 1× is faster, right of it slower",
    );
    let first = adapters.first().map_or("", String::as_str);
    let note = format!(
        "Gristmill on {first} with its inputs on the device is 1×; medians of interleaved rounds; logarithmic axis"
    );
    text(20.0, 48.0, r##"fill="#555""##, &note);

    let mut top = HEAD;
    let mut marks = String::new();
    for panel in panels {
        let bottom = top + TITLE + BAR * panel.bars.len() as f64;
        text(20.0, top + 20.0, r#"font-size="14" font-weight="600""#, &title(&panel.task));
        text(WIDTH - 20.0, top + 20.0, r##"font-size="11" text-anchor="end" fill="#777""##, &panel.conditions);
        for decade in low as i32..=high as i32 {
            let at = x(f64::from(decade));
            let colour = if decade == 0 { "#222" } else { "#ddd" };
            let _ = writeln!(
                marks,
                r#"<line x1="{at:.1}" x2="{at:.1}" y1="{:.1}" y2="{:.1}" stroke="{colour}"/>"#,
                top + TITLE - 4.0,
                bottom - 2.0
            );
            let label = if decade < 0 {
                format!("1/{}×", 10_i32.pow(decade.unsigned_abs()))
            } else {
                format!("{}×", 10_i32.pow(decade.unsigned_abs()))
            };
            text(at, top + TITLE - 8.0, r##"font-size="11" text-anchor="middle" fill="#777""##, &label);
        }
        for (place, (label, ms, ours)) in panel.bars.iter().enumerate() {
            let y = top + TITLE + BAR * place as f64;
            let (from, to) = (x(0.0), x((ms / panel.ours_ms).log10()));
            // A bar of no length would not be seen.
            let (start, length) = (from.min(to) - 1.0, (to - from).abs() + 2.0);
            let colour = if *ours { "#c2541b" } else { "#5b7f95" };
            let _ = writeln!(
                marks,
                r#"<rect x="{start:.1}" y="{y:.1}" width="{length:.1}" height="{:.1}" fill="{colour}"/>"#,
                BAR - 6.0
            );
            text(LEFT - 10.0, y + 11.0, r#"text-anchor="end""#, label);
            text(RIGHT + 82.0, y + 11.0, r#"text-anchor="end""#, &format!("{} ms", short(*ms)));
            text(RIGHT + 150.0, y + 11.0, r#"text-anchor="end""#, &format!("{}×", short(ms / panel.ours_ms)));
        }
        top = bottom;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{marks}{body}</svg>\n"
    )
}

fn title(task: &Task) -> String {
    let shape: Vec<String> = task.shape.iter().map(usize::to_string).collect();
    let shape = shape.join(" × ");
    match task.work {
        Work::Gemm => format!("Matrix product, {shape}"),
        Work::Sqeuclidean => format!("Squared distances of all pairs, {shape}"),
        Work::Euclidean => format!("Distances of all pairs, {shape}"),
        Work::GaussianMatvec => format!("Gaussian kernel times a vector, {shape}"),
        Work::Argkmin => format!("{} nearest neighbours, {shape}", peers::NEIGHBOURS),
        Work::Fft => format!("Complex transforms, {shape}"),
        Work::Fft2 => format!("Complex transform along both axes, {shape}"),
        Work::Circular => format!("Circular convolutions, {shape}"),
        Work::Fftconvolve => format!("Convolutions with one kernel, {shape}"),
        Work::Depthwise => format!("Depthwise convolution: channels, side, window, {shape}"),
        Work::Cost => format!("Cost, {shape}"),
        Work::FftLengths => format!("Lengths, {shape}"),
        Work::FirstCall => format!("First call, {shape}"),
    }
}

/// Three digits.
fn short(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
