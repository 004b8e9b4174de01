//! How a shader reads what a user stored: f32 as they are; f16 two to a word, each widened as it is read.

use crate::shader::Tail;

/// Bytes of an f16.
pub(super) const HALF_BYTES: usize = 2;

/// What a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stored {
    /// Numbers have a real and an imaginary part.
    pub(super) complex: bool,
    /// In f16.
    pub(super) halves: bool,
}

impl Stored {
    /// Real or complex numbers of so many bytes.
    pub(super) fn new(complex: bool, element_bytes: usize) -> Self {
        Self { complex, halves: element_bytes == HALF_BYTES * (1 + usize::from(complex)) }
    }

    /// Bytes of a number.
    pub(super) fn bytes(self) -> u64 {
        (if self.complex { 8 } else { 4 }) / (if self.halves { 2 } else { 1 })
    }

    /// What the binding is an array of.
    pub(super) fn element(self) -> &'static str {
        if self.halves { "u32" } else { self.number() }
    }

    /// What a number is in a shader.
    pub(super) fn number(self) -> &'static str {
        if self.complex { "vec2f" } else { "f32" }
    }

    /// `load_x(at)`: number `at` of binding `x`. Of halves, the shader must be given the accurate functions.
    pub(super) fn load(self, binding: &str) -> String {
        let value = match (self.halves, self.complex) {
            (false, _) => format!("{binding}[at]"),
            (true, false) => format!("from_half_({binding}[at / 2u] >> (16u * (at % 2u)))"),
            (true, true) => format!("vec2f(from_half_({binding}[at]), from_half_({binding}[at] >> 16u))"),
        };
        format!("fn load_{binding}(at: u32) -> {} {{\n    return {value};\n}}\n", self.number())
    }
}

/// Adds `alias Stored`, the type of what the bindings hold, and `load_x(at)` for each binding `x`: its entry number `at` as
/// f32. Of halves, the shader must be given the accurate functions.
pub(super) fn loads(tail: Tail, bindings: &[&str], element_bytes: usize) -> Tail {
    let stored = Stored::new(false, element_bytes);
    let text: String = bindings.iter().map(|binding| stored.load(binding)).collect();
    tail.alias("Stored", stored.element()).code(&text)
}
