//! Where coefficients lie in the exchange, and what is done to them there, whichever way the stages are written.

use super::line::LinePass;
use super::recipe::LineShape;

/// The function `place`: the position of coefficient k.
pub(super) fn place(shape: &LineShape) -> String {
    let mut terms = Vec::new();
    let mut done = 1;
    for &radix in &shape.radices {
        let step = shape.length / (done * radix);
        let digit = if done == 1 { format!("k % {radix}u") } else { format!("k / {done}u % {radix}u") };
        terms.push(if step == 1 { digit } else { format!("{digit} * {step}u") });
        done *= radix;
    }
    format!("fn place(k: u32) -> u32 {{ return {}; }}\n", terms.join(" + "))
}

/// Half the spectrum of twice as many real numbers, which were taken two as one.
pub(super) fn untangle(pass: &LinePass<'_>) -> String {
    let half = pass.shape.length;
    let sign = if pass.conjugate_result { "-" } else { "" };
    format!(
        "    for (var k = thread; k <= {}u; k += THREADS) {{
        let z = take(lane, place(k));
        let mirrored = take(lane, place(({half}u - k) % {half}u)) * vec2f(1.0, -1.0);
        let even = 0.5 * (z + mirrored);
        let odd = 0.5 * (z - mirrored);
        let turned = times(turn(k), vec2f(odd.y, -odd.x));
        if line.present {{
            finish(line, k, result_place(line, k), (even + turned) * vec2f(1.0, {sign}1.0));
            let m = {half}u - k;
            if k != m {{ finish(line, m, result_place(line, m), (even - turned) * vec2f(1.0, -({sign}1.0))); }}
        }}
    }}
",
        half / 2
    )
}

/// Half the spectrum of twice as many real numbers, untangled as above, times another, and tangled again for the way
/// back, with real and imaginary part exchanged; four times as large, which the scale takes back.
pub(super) fn half_product(pass: &LinePass<'_>) -> String {
    let half = pass.shape.length;
    format!(
        "    for (var k = thread; k <= {}u; k += THREADS) {{
        let at = place(k);
        let mirror = place(({half}u - k) % {half}u);
        let z = take(lane, at);
        let mirrored = take(lane, mirror) * vec2f(1.0, -1.0);
        let root = turn(k);
        let turned = times(root, vec2f(z.y - mirrored.y, mirrored.x - z.x));
        let low = times(z + mirrored + turned, between_factor(line, k));
        let high = times(z + mirrored - turned, between_factor(line, {half}u - k) * vec2f(1.0, -1.0));
        let even = low + high;
        let odd = times(low - high, root * vec2f(1.0, -1.0));
        put(lane, at, vec2f(even.y + odd.x, even.x - odd.y));
        put(lane, mirror, vec2f(odd.x - even.y, even.x + odd.y));
    }}
",
        half / 2
    )
}
