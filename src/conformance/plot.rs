//! The errors of Fourier transforms over their length, as a picture.

use std::fmt::Write;

use super::bounds;
use super::report::AdapterReport;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 28.0;

/// Relative errors from 10⁻⁹ to 10⁻⁵.
const DECADES: std::ops::RangeInclusive<i32> = -9..=-5;

/// Longest transform that the axis reaches to, as a power of two.
const BITS: u32 = 20;

const COLOURS: [&str; 4] = ["#3b82c4", "#c4703b", "#4a9b57", "#9b59b6"];

/// A picture with the bounds and one point for each transform along one axis; empty where none ran.
pub(super) fn transforms(adapters: &[AdapterReport]) -> String {
    if adapters.iter().all(|adapter| adapter.transforms.is_empty()) {
        return String::new();
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"sans-serif\" \
         font-size=\"12\" style=\"width:100%;height:auto\" fill=\"#777\">\n<title>Relative error of Fourier transforms over their \
         length</title>\n"
    );
    for decade in DECADES {
        let at = down(10f64.powi(decade));
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{WIDTH}\" stroke=\"#8884\"/><text x=\"8\" y=\"{:.1}\">10<tspan dy=\"-4\" font-size=\"9\">{decade}</tspan></text>",
            at + 4.0
        );
    }
    for bits in (0..=BITS).step_by(4) {
        let at = along(f64::from(1u32 << bits));
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP}V{:.1}\" stroke=\"#8884\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 16.0,
            1u32 << bits
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">points; relative L2 error against f64; lines: allowed, \
         dashed where a prime factor is above 13</text>",
        (LEFT + WIDTH) / 2.0,
        HEIGHT - 6.0
    );
    // 16 is smooth and 17 is not: their bounds over √log₂ of their lengths are those of all lengths.
    for (of, dashes) in [(16usize, ""), (17, " stroke-dasharray=\"6 4\"")] {
        let factor = bounds::fft(&[of]) / (of as f64).log2().sqrt();
        let points = (0..=BITS * 4).map(|quarter| {
            let n = f64::from(quarter).mul_add(0.25, 0.0).exp2();
            format!("{:.1},{:.1}", along(n), down(factor * n.log2().max(1.0).sqrt()))
        });
        let points: Vec<String> = points.collect();
        let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#c62828\"{dashes}/>", points.join(" "));
    }
    for (number, adapter) in adapters.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"16\" fill=\"{colour}\">● {}</text>",
            LEFT + 160.0 * number as f64,
            super::html::escape(&short(&adapter.adapter))
        );
        let _ = write!(svg, "<g fill=\"{colour}\" fill-opacity=\"0.6\">");
        for error in &adapter.transforms {
            let (x, y) = (along(error.points as f64), down(error.relative));
            let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.6\"/>");
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn along(points: f64) -> f64 {
    LEFT + points.max(1.0).log2() / f64::from(BITS) * (WIDTH - LEFT - 12.0)
}

/// Errors below the picture, 0 among them, lie on its lower edge.
fn down(error: f64) -> f64 {
    let (low, high) = (f64::from(*DECADES.start()), f64::from(*DECADES.end()));
    let part = (error.max(1e-300).log10().clamp(low, high) - low) / (high - low);
    HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
}

/// The adapter's name up to its first bracket, at most 20 letters.
fn short(name: &str) -> String {
    name.split(['(', ',']).next().unwrap_or(name).trim().chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_errors_and_longer_transforms_lie_further_up_and_right() {
        assert!(down(1e-7) < down(1e-8) && along(64.0) < along(1024.0));
        assert_eq!(down(0.0), HEIGHT - BOTTOM);
        assert_eq!(transforms(&[]), "");
    }
}
