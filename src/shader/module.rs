//! Parsing and validating.

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use super::compose::Shader;
use super::message;
use super::reflect::Interface;
use crate::error::Result;

/// A shader that naga accepts.
#[derive(Debug)]
pub struct Module {
    /// What the host must know of it.
    pub interface: Interface,
    /// The whole WGSL text; wgpu is given this, never a module of ours.
    pub text: String,
    /// Read by the translation to other languages.
    #[cfg_attr(not(feature = "translate"), expect(dead_code, reason = "only translation reads it"))]
    pub(super) module: naga::Module,
    /// Read by the translation to other languages.
    #[cfg_attr(not(feature = "translate"), expect(dead_code, reason = "only translation reads it"))]
    pub(super) info: ModuleInfo,
}

/// Parses and validates a shader and reads its interface.
///
/// # Errors
/// [`Error::Shader`](crate::Error::Shader) with naga's message against the author's own lines, and where the interface
/// is not one that the engine can bind.
pub fn compile(shader: &Shader) -> Result<Module> {
    let (text, segments) = shader.text_and_segments();
    let module = naga::front::wgsl::parse_str(&text).map_err(|error| message::parse_error(&text, &segments, &error))?;
    // Which device a shader may run on is asked of its interface, not of the validator.
    let info = Validator::new(ValidationFlags::all(), Capabilities::SUBGROUP | Capabilities::SHADER_INT64)
        .validate(&module)
        .map_err(|error| message::validation_error(&text, &segments, &error))?;
    let interface = Interface::of(shader.file.name, &module, &info)?;
    Ok(Module { interface, text, module, info })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::compose::{ShaderFile, Tail};
    use super::super::reflect::BindingKind;
    use super::*;

    const SQUARES: ShaderFile = ShaderFile {
        name: "squares",
        text: "// out[i] = f(x[i])
struct Parameters { n: u32, a: u32, b: u32, c: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
var<workgroup> shared_x: array<f32, WIDTH>;
var<workgroup> unused: array<f32, 1000>;
@compute @workgroup_size(WIDTH)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    shared_x[lane] = f32(lane);
    workgroupBarrier();
    if at.x < parameters.n { out[at.x] = f(x[at.x]) + shared_x[WIDTH - 1u - lane]; }
}",
    };

    fn squares(body: &str) -> Shader {
        let tail = Tail::new()
            .constant("WIDTH", 60)
            .code("fn f(x: f32) -> f32 {")
            .code_labelled("the body of f", body)
            .code("}");
        Shader { file: SQUARES, tail, math: true, indices_proven: true }
    }

    #[test]
    fn the_interface_is_read_from_the_text() {
        let interface = compile(&squares("return x * x;")).unwrap().interface;
        assert_eq!(interface.bindings, [BindingKind::Uniform, BindingKind::StorageRead, BindingKind::StorageReadWrite]);
        assert_eq!(interface.workgroup_size, [60, 1, 1]);
        assert_eq!(interface.workgroup_bytes, 240);
        assert_eq!(interface.parameter_bytes, 16);
        assert!(!interface.uses_subgroups);
        assert!(compile(&squares("return subgroupAdd(x);")).unwrap().interface.uses_subgroups);
        assert!(!interface.uses_int64);
        for text in ["return f32(u64(x));", "var two = array<u64, 2>(); return x;", "var at: i64; return x;"] {
            assert!(compile(&squares(text)).unwrap().interface.uses_int64, "{text}");
        }
    }

    #[test]
    fn an_error_is_told_against_the_snippet_s_own_lines() {
        let message = compile(&squares("let y = x * x;\nreturn y + lenght(x);")).unwrap_err().to_string();
        assert_eq!(
            message,
            "the body of f does not compile:\n\
             line 2: no definition in scope for identifier: `lenght`\n\
             2 | return y + lenght(x);\n  |            ^^^^^^ unknown identifier"
        );
        let message = compile(&squares("let y = 2.0;\n\nreturn vec2<f32>(x, y);")).unwrap_err().to_string();
        assert!(message.starts_with("the body of f does not compile:\nline 3: "), "{message}");
        assert!(message.contains("3 | return vec2<f32>(x, y);"), "{message}");
    }

    #[test]
    fn an_error_in_a_file_has_the_file_s_line_number() {
        const BROKEN: ShaderFile =
            ShaderFile { name: "broken", text: "// a comment\nfn g() -> u32 { return 1.5f; }\n" };
        let shader = Shader { file: BROKEN, tail: Tail::new(), math: false, indices_proven: false };
        let message = compile(&shader).unwrap_err().to_string();
        assert!(message.starts_with("shaders/broken.wgsl does not compile:\nline 2: "), "{message}");
    }

    #[test]
    fn text_that_ends_too_early_or_is_no_ascii_does_not_panic() {
        for body in
            ["return x", "{", "return ü;", "/*", "}", "", "\u{1f980}", "return x; } fn f(x: f32) -> f32 { return x;"]
        {
            assert!(compile(&squares(body)).is_err(), "{body}");
        }
    }
}
