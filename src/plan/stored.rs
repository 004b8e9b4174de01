//! How a shader reads what a user stored: f32 as it is; f16 two to a word, each widened as it is read.

use std::fmt::Write;

use crate::shader::Tail;

/// Bytes of an f16.
pub(super) const HALF_BYTES: usize = 2;

/// Adds `alias Stored`, the type of what the bindings hold, and `load_x(at)` for each binding `x`: its entry number `at` as
/// f32. Of halves, the shader must be given the accurate functions.
pub(super) fn loads(tail: Tail, bindings: &[&str], element_bytes: usize) -> Tail {
    let halves = element_bytes == HALF_BYTES;
    let mut text = String::new();
    for name in bindings {
        let value = match halves {
            true => format!("from_half_({name}[at / 2u] >> (16u * (at % 2u)))"),
            false => format!("{name}[at]"),
        };
        let _ = writeln!(text, "fn load_{name}(at: u32) -> f32 {{\n    return {value};\n}}");
    }
    tail.alias("Stored", if halves { "u32" } else { "f32" }).code(&text)
}
