//! Adapters by name, as Gristmill's `--adapter` has them.

/// Whether an adapter is the one asked for: `BACKEND:PART`, or `PART` of its name or its driver's, or an alias.
pub fn is_named(asked: &str, backend: &str, name: &str, driver: &str) -> bool {
    let asked = asked.trim().to_lowercase();
    // Mesa's software Vulkan driver calls its adapter llvmpipe, as its OpenGL driver does.
    let asked = if asked == "lavapipe" { "vulkan:llvmpipe" } else { &asked };
    let (on, part) = asked.split_once(':').map_or((None, asked), |(on, part)| (Some(on), part));
    on.is_none_or(|on| on == backend.to_lowercase())
        && (name.to_lowercase().contains(part) || driver.to_lowercase().contains(part))
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn an_adapter_is_found_by_a_part_of_its_name_on_its_backend() {
        let llvmpipe = |asked| is_named(asked, "vulkan", "llvmpipe (LLVM 15.0.6, 256 bits)", "llvmpipe");
        assert!(llvmpipe("lavapipe") && llvmpipe("vulkan:llvmpipe") && llvmpipe("LLVM"));
        assert!(!llvmpipe("gl:llvmpipe") && !llvmpipe("swiftshader"));
    }
}
