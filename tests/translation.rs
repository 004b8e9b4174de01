//! Every shader × specialization, in the languages of every back end and through their tools.
//!
//! naga validates and writes all of them; `spirv-val` checks the SPIR-V and `glslangValidator` the GLSL ES 3.10. GLSL ES has
//! neither subgroups nor 64-bit integers, so a shader that uses them is checked in the other languages only. HLSL and MSL are
//! written; their compilers are not asked here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use gristmill::translate::{Needed, Translation, compile, every_shader};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let shaders = match every_shader() {
        Ok(shaders) => shaders,
        Err(error) => {
            eprintln!("no plan for work that should have one: {error}");
            std::process::exit(1);
        }
    };
    let tools = [("spirv-val", "spirv-tools"), ("glslangValidator", "glslang-tools")];
    let required = std::env::var("GRISTMILL_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    let mut trials = Vec::new();
    for (tool, package) in tools {
        let there = is_there(tool);
        let name = if there { tool.to_owned() } else { format!("{tool} is not installed (Debian: {package})") };
        trials.push(
            Trial::test(name, move || if there { Ok(()) } else { Err(format!("install {package}").into()) })
                .with_ignored_flag(!there && !required),
        );
    }
    let (spirv_val, glslang) = (is_there("spirv-val"), is_there("glslangValidator"));
    for (number, needed) in shaders.into_iter().enumerate() {
        let interface = compile(&needed.shader).map(|module| module.interface);
        let without = match interface {
            Ok(interface) if interface.uses_subgroups => ", no GLSL ES: it has no subgroups",
            Ok(interface) if interface.uses_int64 => ", no GLSL ES: it has no 64-bit integers",
            _ => "",
        };
        let name = format!("{} {number} ({}{without})", needed.shader.file.name, needed.by);
        trials.push(Trial::test(name, move || check(&needed, spirv_val, glslang)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(needed: &Needed, spirv_val: bool, glslang: bool) -> Result<(), Failed> {
    let module = compile(&needed.shader)?;
    module.interface.check(&needed.limits)?;
    let translation = Translation::of(&needed.shader)?;
    for (language, text, landmark) in
        [("HLSL", &translation.hlsl, "[numthreads("), ("MSL", &translation.msl, "kernel void")]
    {
        if !text.contains(landmark) {
            return Err(format!("the {language} has no entry point:\n{text}").into());
        }
    }
    let folder = tempfile::tempdir()?;
    if spirv_val {
        let file = folder.path().join("shader.spv");
        let bytes: Vec<u8> = translation.spirv.iter().flat_map(|word| word.to_le_bytes()).collect();
        std::fs::write(&file, bytes)?;
        run("spirv-val", &["--target-env", "vulkan1.1"], &file, &module.text)?;
    }
    if let (true, Some(text)) = (glslang, &translation.glsl) {
        let file = folder.path().join("shader.comp");
        std::fs::write(&file, text)?;
        run("glslangValidator", &["-S", "comp"], &file, text)?;
    }
    Ok(())
}

fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn run(tool: &str, arguments: &[&str], file: &Path, source: &str) -> Result<(), Failed> {
    let output = Command::new(tool).args(arguments).arg(file).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{tool} says:\n{}\nof\n{source}", String::from_utf8_lossy(&said)).into())
}
