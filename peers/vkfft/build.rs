//! Compiles VkFFT where `VKFFT_INCLUDE` names the folder of its headers. Elsewhere the program is built without it, and says so.

use std::error::Error;
use std::path::{Path, PathBuf};

/// glslang and what it stands on, the dependents first. Releases differ in how they divide it: those that are there are linked.
const GLSLANG: [&str; 9] = [
    "glslang",
    "HLSL",
    "MachineIndependent",
    "OSDependent",
    "GenericCodeGen",
    "OGLCompiler",
    "SPIRV",
    "SPIRV-Tools-opt",
    "SPIRV-Tools",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rustc-check-cfg=cfg(vkfft)");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=vkfft.cpp");
    println!("cargo:rerun-if-env-changed=VKFFT_INCLUDE");
    let Some(headers) = std::env::var_os("VKFFT_INCLUDE").filter(|folder| !folder.is_empty()) else { return Ok(()) };

    println!("cargo:rerun-if-changed={}", Path::new(&headers).join("vkFFT.h").display());

    // VkFFT asks for it by its bare name, which is not how it is installed.
    let made = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let forward = "#include <glslang/Include/glslang_c_interface.h>\n";
    std::fs::write(made.join("glslang_c_interface.h"), forward)?;

    let mut build = cc::Build::new();
    // It plans and writes shaders, before anything is timed; its many warnings are not ours to mend.
    build.cpp(true).std("c++17").opt_level(1).flag("-w").include(headers).include(&made);
    build.file("vkfft.cpp").try_compile("vkfft")?;

    let compiler = build.try_get_compiler()?;
    let is_there = |file: String| -> std::io::Result<bool> {
        let said = compiler.to_command().arg(format!("-print-file-name={file}")).output()?.stdout;
        // The bare name comes back where there is no such file.
        Ok(Path::new(String::from_utf8_lossy(&said).trim()).is_absolute())
    };
    for name in GLSLANG {
        if is_there(format!("lib{name}.a"))? || is_there(format!("lib{name}.so"))? {
            println!("cargo:rustc-link-lib={name}");
        }
    }
    println!("cargo:rustc-link-lib=vulkan");
    println!("cargo:rustc-link-lib=stdc++");
    println!("cargo:rustc-cfg=vkfft");
    Ok(())
}
