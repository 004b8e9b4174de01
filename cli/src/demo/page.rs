//! One page with everything on it: no other file is needed to read it.

use std::fmt::Write;

use super::task::Outcome;
use super::{Row, table};
use crate::command::time_text;

const STYLE: &str = "\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: auto; padding: 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin-top: 2rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; white-space: nowrap }
td.n { text-align: right } .bad { color: #d33 } .good { color: #2a8 }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)) }
figure { margin: 0 } img { width: 100%; height: auto; border-radius: 4px } .fixed img { max-width: 540px }
svg { max-width: 24rem; width: 100% } figcaption, small { opacity: .75 }";

const CAPTIONS: [(&str, &str); 3] = [
    ("original.png", "The photograph"),
    ("blurred.png", "After a motion of 71 pixels: convolution by FFT"),
    ("restored.png", "Wiener deconvolution of the picture above, which was rounded to 256 levels"),
];

pub(super) fn page(
    rows: &[Row],
    names: &[(String, String)],
    first: &[Option<Outcome>],
    verdict: &Result<String, String>,
) -> String {
    let mut html = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>gristmill demo</title>";
    html += &format!("<style>{STYLE}</style><h1>Gristmill demo</h1>");
    let (class, words) = match verdict {
        Ok(words) => ("good", words),
        Err(words) => ("bad", words),
    };
    html += &format!("<p class=\"{class}\">{}</p><div class=\"wide\"><table><tr>", escape(words));
    for head in ["device", "task", "size", "time", "throughput", "error / bound", "score"] {
        html += &format!("<th>{head}</th>");
    }
    html += "</tr>";
    for row in rows {
        let (device, task, size) = (escape(&row.device), escape(row.task), escape(&row.size));
        html += &format!("<tr><td>{device}</td><td>{task}</td><td>{size}</td>");
        html += &match &row.failure {
            Some(failure) => format!("<td class=\"bad\" colspan=\"4\">{}</td></tr>", escape(failure)),
            None => format!(
                "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n {}\">{}</td><td>{}</td></tr>",
                time_text(row.seconds),
                escape(&row.throughput),
                if row.error.is_some_and(|e| e > 1.0) { "bad" } else { "good" },
                table::fraction(row.error),
                escape(&row.score)
            ),
        };
    }
    html += "</table></div><p><small>";
    for (short, long) in names {
        html += &format!("{} is {}.<br>", escape(short), escape(long));
    }
    html += "Time is from host memory to host memory, pipelines warm; error is the largest against f64 over a sample of \
             entries, as a fraction of the bound that is promised.</small></p>";
    let picture = |name: &str| {
        let mut all = first.iter().flatten().flat_map(|outcome| &outcome.pictures);
        all.find(|(n, _)| *n == name)
            .map(|(_, bytes)| format!("<img alt=\"\" src=\"data:image/png;base64,{}\">", base64(bytes)))
    };
    html += "<h2>Blurred and restored</h2><div class=\"pictures\">";
    for (name, caption) in CAPTIONS {
        if let Some(image) = picture(name) {
            html += &format!("<figure>{image}<figcaption>{caption}</figcaption></figure>");
        }
    }
    html += "</div>";
    if let Some(image) = picture("mistakes.png") {
        html += &format!("<h2>Digits taken for others</h2><figure class=\"fixed\">{image}</figure>");
    }
    for drawing in first.iter().flatten().filter_map(|outcome| outcome.drawing.as_ref()) {
        html += &format!("<h2>Progression of diabetes, predicted by kernel ridge regression</h2>{drawing}");
    }
    html + "</html>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "<br>")
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            // n bytes make n + 1 letters.
            let _ = text.write_char(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_pads() {
        assert_eq!(
            ["", "f", "fo", "foo", "foobar"].map(|t| base64(t.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]
        );
    }
}
