//! The stages of a line as WGSL in loops: little to compile, for drivers that compile slowly and for work so small that any
//! compiler takes longer than the device.
//!
//! The order of entries, the roots of unity and the way back are those of [`super::stages`]. Here the line is loaded into the
//! exchange and stored from it in loops of their own, and one loop goes through all stages, there and, where a product lies
//! between, back: the text has one load, one store, one barrier between stages, and a butterfly for each different radix.

use std::fmt::Write;

use super::butterfly::write_butterfly;
use super::coefficients::{half_product, place, untangle};
use super::line::{Between, LinePass};
use super::sections::{Section, Table, factored};

/// Every entry of the line, an invocation at a time.
const EVERY: &str = "    for (var n = thread; n < LENGTH; n += THREADS)";

/// The text of `transform` and of `place`.
pub(super) fn write(pass: &LinePass<'_>, table: &mut Table) -> String {
    let mut code = place(pass.shape);
    let stages = pass.shape.radices.len();
    let two_ways = pass.between.is_some();
    code.push_str("fn transform(line: Line, lane: u32, thread: u32) {\n");
    if pass.between == Some(Between::Rader) {
        code.push_str("    let own = load_entry(line, 0u, line.source_at);\n");
    }
    let _ = writeln!(code, "{EVERY} {{ put(lane, n, {}); }}", rotated("load(line, n)", pass.rotates_source));
    let turns = if two_ways { 2 * stages } else { stages };
    let _ = writeln!(code, "    for (var i = 0u; i < {turns}u; i++) {{\n    workgroupBarrier();");
    if let Some(between) = pass.between {
        let _ = writeln!(code, "    if i == {stages}u {{\n{}    workgroupBarrier();\n    }}", product(pass, between));
        let _ = writeln!(code, "    let back = i >= {stages}u;");
        let _ = writeln!(code, "    let stage = select(i, {}u - i, back);", turns - 1);
    } else {
        code.push_str("    let stage = i;\n");
    }
    code.push_str(&choose_stage(pass, table));
    let mut radices = pass.shape.radices.clone();
    radices.dedup();
    for radix in radices {
        write_stage(&mut code, radix, stages > 1, two_ways);
    }
    code.push_str("    }\n    workgroupBarrier();\n");
    if pass.untangled {
        code.push_str(&untangle(pass));
    } else {
        // A second transform leaves its results in order.
        let value = if two_ways { "take(lane, n)" } else { "take(lane, place(n))" };
        let value = rotated(value, pass.rotate.is_some() && !pass.rotates_source);
        let _ = writeln!(code, "    if line.present {{\n{EVERY} {{ store(line, n, {value}); }}\n    }}");
    }
    code.push_str("}\n");
    code
}

/// Entry or coefficient n times what a transform that is split over passes rotates it by.
fn rotated(value: &str, rotates: bool) -> String {
    if rotates { format!("times({value}, rotation(line.rotation * n))") } else { value.to_owned() }
}

/// The spectrum times the factors between the two transforms, real and imaginary part exchanged for the way back.
fn product(pass: &LinePass<'_>, between: Between) -> String {
    let (first, own) = match between {
        Between::HalfProduct => return half_product(pass),
        Between::Rader => (
            "        if (n == 0u) & line.present { finish(line, 0u, result_place(line, 0u), value + own); }\n",
            " + select(vec2f(0.0), own.yx, n == 0u)",
        ),
        Between::Factor(_) | Between::Product => ("", ""),
    };
    format!(
        "{EVERY} {{
        let at = place(n);
        let value = take(lane, at);
{first}        put(lane, at, times(value, between_factor(line, n)).yx{own});
    }}
"
    )
}

/// The radix of a stage, how far its entries lie apart and where its roots of unity begin in the table.
fn choose_stage(pass: &LinePass<'_>, table: &mut Table) -> String {
    let mut code = "    var radix = 0u;\n    var step = 0u;\n    var roots = 0u;\n    switch stage {\n".to_owned();
    let mut rest = pass.shape.length;
    let last = pass.shape.radices.len() - 1;
    for (stage, &radix) in pass.shape.radices.iter().enumerate() {
        let case = if stage == last { "default".to_owned() } else { format!("case {stage}u") };
        let roots = if last > 0 { table.section(Section::Twiddle { rest, radix }) } else { 0 };
        let step = rest / radix;
        let _ = writeln!(code, "    {case}: {{ radix = {radix}u; step = {step}u; roots = {roots}u; }}");
        rest = step;
    }
    code.push_str("    }\n");
    code
}

/// A stage of this radix: rotated after the butterfly, or, on the way back, before. A single one has nothing to rotate.
fn write_stage(code: &mut String, radix: usize, rotates: bool, two_ways: bool) {
    let _ = writeln!(code, "    if radix == {radix}u {{");
    let _ = writeln!(code, "    for (var n = thread; n < LENGTH / {radix}u; n += THREADS) {{");
    let _ = writeln!(code, "    let inner = n % step;\n    let base = (n - inner) * {radix}u + inner;");
    let (low, _) = factored(radix);
    for k in (1..radix).filter(|_| rotates) {
        let root = match (k % low, k / low) {
            (a, 0) => format!("table_entry(roots + {}u * step + inner)", a - 1),
            (0, b) => format!("table_entry(roots + {}u * step + inner)", low + b - 2),
            (a, b) => format!("times(root{a}, root{})", b * low),
        };
        let _ = writeln!(code, "    let root{k} = {root};");
    }
    let turned = |value: String, k: usize, factor: String| match rotates && k > 0 {
        true => format!("times({value}, {factor})"),
        false => value,
    };
    for k in 0..radix {
        let value = format!("take(lane, base + {k}u * step)");
        let before = format!("select(vec2f(1.0, 0.0), root{k}, back)");
        let value = if two_ways { turned(value, k, before) } else { value };
        let _ = writeln!(code, "    let v{k} = {value};");
    }
    let values: Vec<String> = (0..radix).map(|k| format!("v{k}")).collect();
    for (k, value) in write_butterfly(code, &values, &mut 0).into_iter().enumerate() {
        let after = if two_ways { format!("select(root{k}, vec2f(1.0, 0.0), back)") } else { format!("root{k}") };
        let _ = writeln!(code, "    put(lane, base + {k}u * step, {});", turned(value, k, after));
    }
    code.push_str("    }\n    }\n");
}
