//! Which pairs meet, in WGSL.

use std::fmt::Write;

use crate::work::PairMask;

/// `columns_of_tile`: the rows of y, from the first to one past the last, that any of these rows of x may meet.
pub(super) fn columns_of_tile(mask: Option<&PairMask>) -> String {
    let mut text = String::from(
        "fn columns_of_tile(first_row: u32, last_row: u32) -> vec2<u32> {\n    var first = parameters.begin_column;\n    \
         var end = parameters.end_column;\n",
    );
    text.push_str(&diagonal(mask, "first_row", "last_row"));
    text.push_str("    return vec2<u32>(first, end);\n}\n");
    text
}

/// Narrows `first` and `end` to what rows `low` to `high` see beside the diagonal.
fn diagonal(mask: Option<&PairMask>, low: &str, high: &str) -> String {
    let mut text = String::new();
    if mask.is_some_and(|mask| mask.causal) {
        let _ = writeln!(text, "    end = u32(clamp(i32({high}) + parameters.shift + 1, i32(first), i32(end)));");
    }
    if mask.is_some_and(|mask| mask.window.is_some()) {
        let _ = writeln!(
            text,
            "    let seen = i32({low}) + parameters.shift + 1 - i32(parameters.window);\n    \
             first = u32(clamp(seen, i32(first), i32(end)));"
        );
    }
    text
}

/// `pair_bits`: one bit for each of the rows of y from `column` on that meets the row; and `bias_entry`.
pub(super) fn pair_bits(mask: &PairMask) -> String {
    let mut text = String::from(
        "fn pair_bits(row: u32, column: u32) -> u32 {\n    var first = parameters.begin_column;\n    \
         var end = parameters.end_column;\n",
    );
    text.push_str(&diagonal(Some(mask), "row", "row"));
    text.push_str(
        "    let low = clamp(first, column, column + PANEL) - column;\n    \
         let high = clamp(end, column, column + PANEL) - column;\n    \
         var bits = select((1u << high) - 1u, 0xffffffffu, high > 31u);\n    \
         bits = select(0u, bits & ~((1u << low) - 1u), high > low);\n",
    );
    if mask.exclude_self {
        text.push_str("    bits &= select(0xffffffffu, ~(1u << ((row - column) & 31u)), row - column < PANEL);\n");
    }
    text.push_str("    return bits;\n}\n");
    if mask.bias.is_some() {
        text.push_str(
            "fn bias_entry(batch: u32, row: u32, column: u32) -> u32 {\n    \
             return bias[parameters.bias_offset + batch * parameters.bias_batch\n        \
             + min(row, parameters.last_row) * parameters.bias_row\n        \
             + clamp(column, parameters.begin_column, parameters.end_column - 1u) * parameters.bias_column];\n}\n",
        );
    }
    text
}
