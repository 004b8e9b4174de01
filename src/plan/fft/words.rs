//! How numbers lie in memory as shaders of transforms see it.
//!
//! llvmpipe goes through the lanes of every access one after the other: there a complex number that is one word of 64 bits
//! takes one such access where two of 32 take two. The bytes are the same.

use crate::plan::stored::Stored;

/// The type `Word` of a complex number and the way there and back; what source and result are, and how an entry of them is
/// loaded and stored.
pub(super) fn storage_text(source: Stored, complex_result: bool, words: bool) -> String {
    let word = if words {
        "alias Word = u64;
fn to_word(value: vec2f) -> Word { return u64(bitcast<u32>(value.x)) | (u64(bitcast<u32>(value.y)) << 32u); }
fn from_word(word: Word) -> vec2f { return vec2f(bitcast<f32>(u32(word)), bitcast<f32>(u32(word >> 32u))); }
"
    } else {
        "alias Word = vec2f;
fn to_word(value: vec2f) -> Word { return value; }
fn from_word(word: Word) -> vec2f { return word; }
"
    };
    let (stored, load) = match source {
        Stored { complex: true, halves: false } => {
            ("Word", "fn load_source(at: u32) -> vec2f { return from_word(source[at]); }\n".to_owned())
        }
        _ => (source.element(), source.load("source")),
    };
    let (result, stored_result, value) =
        if complex_result { ("vec2f", "Word", "to_word(value)") } else { ("f32", "f32", "value") };
    format!(
        "{word}alias Source = {};
alias Stored = {stored};
{load}alias Result = {result};
alias StoredResult = {stored_result};
fn store_result(at: u32, value: Result) {{ result[at] = {value}; }}
",
        source.number()
    )
}
