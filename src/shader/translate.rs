//! A shader in the languages that the other back ends compile. wgpu translates for itself when it runs; these texts are
//! for checking every shader with tools of those languages, on a machine that has no such back end.

use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{ResourceBinding, ShaderStage};

use super::compose::Shader;
use super::module::{Module, compile};
use super::reflect::BindingKind;
use crate::error::{Error, Result};

/// One shader in every language.
#[derive(Debug, Clone)]
pub struct Translation {
    /// The shader's name.
    pub shader: &'static str,
    /// SPIR-V 1.3, for Vulkan 1.1.
    pub spirv: Vec<u32>,
    /// Metal Shading Language 2.4.
    pub msl: String,
    /// HLSL for shader model 5.1, or 6.0 where the shader uses subgroups.
    pub hlsl: String,
    /// GLSL ES 3.10; it knows neither subgroups nor 64-bit integers, so a shader that uses them has none.
    pub glsl: Option<String>,
}

impl Translation {
    /// Translates a shader with the settings that the engine asks wgpu for: workgroup memory is not zeroed, and indices
    /// are checked where the plan does not prove them.
    ///
    /// # Errors
    /// [`Error::Shader`] where the shader does not compile or a language cannot express it.
    pub fn of(shader: &Shader) -> Result<Self> {
        let compiled = compile(shader)?;
        let checked = !shader.indices_proven;
        Ok(Self {
            shader: compiled.interface.shader,
            spirv: spirv(&compiled, checked)?,
            msl: msl(&compiled, checked)?,
            hlsl: hlsl(&compiled, checked)?,
            glsl: if needs_features(&compiled) { None } else { Some(glsl(&compiled, checked)?) },
        })
    }
}

/// Whether it uses what not every version of a language has.
fn needs_features(compiled: &Module) -> bool {
    compiled.interface.uses_subgroups || compiled.interface.uses_int64
}

fn refused(compiled: &Module, language: &str, error: impl std::fmt::Display) -> Error {
    let label = format!("shaders/{}.wgsl as {language}", compiled.interface.shader);
    Error::Shader { label, message: error.to_string() }
}

fn policies(checked: bool) -> BoundsCheckPolicies {
    let policy = if checked { BoundsCheckPolicy::ReadZeroSkipWrite } else { BoundsCheckPolicy::Unchecked };
    BoundsCheckPolicies { index: policy, buffer: policy, image_load: policy, binding_array: policy }
}

/// The bindings with their places.
fn bindings(compiled: &Module) -> impl Iterator<Item = (ResourceBinding, u32, BindingKind)> {
    let kinds = compiled.interface.bindings.iter().enumerate();
    kinds.map(|(at, &kind)| (ResourceBinding { group: 0, binding: at as u32 }, at as u32, kind))
}

fn spirv(compiled: &Module, checked: bool) -> Result<Vec<u32>> {
    let options = spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: policies(checked),
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        ..spv::Options::default()
    };
    spv::write_vec(&compiled.module, &compiled.info, &options, None).map_err(|error| refused(compiled, "SPIR-V", error))
}

fn msl(compiled: &Module, checked: bool) -> Result<String> {
    let resources = bindings(compiled)
        .map(|(place, slot, kind)| {
            let mutable = kind == BindingKind::StorageReadWrite;
            (place, msl::BindTarget { buffer: Some(slot as u8), mutable, ..msl::BindTarget::default() })
        })
        .collect();
    let resources = msl::EntryPointResources { resources, immediates_buffer: None, sizes_buffer: Some(30) };
    let options = msl::Options {
        lang_version: (2, 4),
        per_entry_point_map: [(compiled.interface.entry_point.clone(), resources)].into_iter().collect(),
        fake_missing_bindings: false,
        bounds_check_policies: policies(checked),
        zero_initialize_workgroup_memory: false,
        ..msl::Options::default()
    };
    let (text, translated) =
        msl::write_string(&compiled.module, &compiled.info, &options, &msl::PipelineOptions::default())
            .map_err(|error| refused(compiled, "MSL", error))?;
    // The writer leaves out an entry point that it cannot write, and says so only here.
    for name in translated.entry_point_names {
        name.map_err(|error| refused(compiled, "MSL", error))?;
    }
    Ok(text)
}

fn hlsl(compiled: &Module, checked: bool) -> Result<String> {
    let binding_map = bindings(compiled)
        .map(|(place, register, _)| {
            (place, hlsl::BindTarget { register, restrict_indexing: checked, ..hlsl::BindTarget::default() })
        })
        .collect();
    let options = hlsl::Options {
        shader_model: if needs_features(compiled) { hlsl::ShaderModel::V6_0 } else { hlsl::ShaderModel::V5_1 },
        binding_map,
        fake_missing_bindings: false,
        zero_initialize_workgroup_memory: false,
        restrict_indexing: checked,
        ..hlsl::Options::default()
    };
    let mut text = String::new();
    let pipeline = hlsl::PipelineOptions::default();
    let translated = hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(&compiled.module, &compiled.info, None)
        .map_err(|error| refused(compiled, "HLSL", error))?;
    for name in translated.entry_point_names {
        name.map_err(|error| refused(compiled, "HLSL", error))?;
    }
    Ok(text)
}

fn glsl(compiled: &Module, checked: bool) -> Result<String> {
    // The writer wants a module that was validated without what the language lacks.
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&compiled.module)
        .map_err(|error| refused(compiled, "GLSL ES", error))?;
    let mut binding_map = glsl::BindingMap::default();
    for (place, slot, _) in bindings(compiled) {
        binding_map.insert(place, slot as u8);
    }
    let options = glsl::Options {
        version: glsl::Version::new_gles(310),
        binding_map,
        zero_initialize_workgroup_memory: false,
        ..glsl::Options::default()
    };
    let pipeline = glsl::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: compiled.interface.entry_point.clone(),
        multiview: None,
    };
    let mut text = String::new();
    glsl::Writer::new(&mut text, &compiled.module, &info, &options, &pipeline, policies(checked))
        .and_then(|mut writer| writer.write())
        .map_err(|error| refused(compiled, "GLSL ES", error))?;
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::compose::{ShaderFile, Tail};
    use super::*;

    const REVERSE: ShaderFile = ShaderFile {
        name: "reverse",
        text: "struct Parameters { n: u32, a: u32, b: u32, c: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
var<workgroup> tile: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    tile[lane] = change(x[lane]);
    workgroupBarrier();
    out[lane] = tile[63u - lane];
}
",
    };

    fn reverse(change: &str, indices_proven: bool) -> Shader {
        Shader { file: REVERSE, tail: Tail::new().code(change), math: true, indices_proven }
    }

    #[test]
    fn bounds_are_checked_only_where_the_plan_does_not_prove_them() {
        let checked = Translation::of(&reverse("fn change(x: f32) -> f32 { return x; }", false)).unwrap();
        let proven = Translation::of(&reverse("fn change(x: f32) -> f32 { return x; }", true)).unwrap();
        assert!(checked.spirv.len() > proven.spirv.len());
        assert!(checked.msl.len() > proven.msl.len());
        assert_eq!(proven.spirv[0], 0x0723_0203);
        assert!(proven.hlsl.contains("groupshared") && proven.msl.contains("threadgroup"));
        assert!(proven.glsl.unwrap().starts_with("#version 310 es"));
    }

    #[test]
    fn only_glsl_lacks_subgroups() {
        let shader = reverse("fn change(x: f32) -> f32 { return subgroupAdd(x); }", true);
        let translation = Translation::of(&shader).unwrap();
        assert!(translation.glsl.is_none());
        assert!(translation.hlsl.contains("WaveActiveSum"));
    }
}
