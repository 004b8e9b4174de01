//! The house as ARCHITECTURE.md draws it: imports between the modules of `src/` go one way, and wgpu stays in its rooms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module may import from the ones before it.
const ORDER: [&str; 19] = [
    "error",
    "memory",
    "expr",
    "metric",
    "kernel",
    "reference",
    "shader",
    "work",
    "plan",
    "tensor",
    "device",
    "engine",
    "cpu",
    "context",
    "ops",
    "stream",
    "methods",
    "tune",
    "conformance",
];

/// Modules that stand side by side although the order has one before the other.
const APART: [(&str, &str); 2] = [("cpu", "engine"), ("cpu", "device")];

/// Where types of wgpu may be named.
const ROOMS_OF_WGPU: [&str; 4] = ["device", "engine", "tensor", "context"];

struct Source {
    path: PathBuf,
    /// Names of the modules from the root down; empty for `lib.rs`.
    module: Vec<String>,
    /// Without comments and unit tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap().with_extension("");
                let mut module: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
                    module.pop();
                }
                // `tests.rs` beside a module is its unit tests.
                if module.last().is_none_or(|name| name != "tests") {
                    let code = code(&fs::read_to_string(&path).unwrap());
                    sources.push(Source { path, module, code });
                }
            }
        }
    }
    sources
}

/// The text without line comments and without what follows `#[cfg(test)]` before an inline module, which by our habit
/// ends the file.
fn code(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .iter()
        .position(|line| line.trim_start().starts_with("mod tests {") || line.trim_start().starts_with("mod test {"));
    let lines = &lines[..tests.unwrap_or(lines.len())];
    lines.iter().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The top-level modules, or names of the root, that the source imports.
fn imports(source: &Source) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in source.code.match_indices("crate::") {
        if !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            found.extend(first_names(&source.code[at + "crate::".len()..]));
        }
    }
    // `super::` as often as the module is deep is the root.
    let to_root = "super::".repeat(source.module.len().max(1));
    for (at, _) in source.code.match_indices(&to_root) {
        let deeper = source.code[..at].ends_with("super::");
        let rest = &source.code[at + to_root.len()..];
        if !source.module.is_empty() && !deeper && !rest.starts_with("super::") {
            found.extend(first_names(rest));
        }
    }
    found
}

/// `a` of `a::b`, or of every entry of `{a::b, c}`.
fn first_names(text: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = text.strip_prefix('{') else { return vec![name(text)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(group[start..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(group[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn imports_go_one_way() {
    let place = |name: &str| ORDER.iter().position(|module| *module == name);
    let mut complaints = Vec::new();
    for source in sources() {
        // The root only re-exports.
        let Some(own) = source.module.first() else { continue };
        let path = source.path.display();
        let Some(own_place) = place(own) else {
            complaints.push(format!("{path}: the order of modules does not know {own}"));
            continue;
        };
        for other in imports(&source) {
            let apart = APART.iter().any(|(a, b)| (*own == *a && other == *b) || (*own == *b && other == *a));
            match place(&other) {
                None => complaints.push(format!("{path}: imports crate::{other}; name the module that it comes from")),
                Some(other_place) if other_place > own_place || apart => {
                    complaints.push(format!("{path}: {own} may not import {other}"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn wgpu_stays_in_its_rooms() {
    let outside: Vec<String> = sources()
        .iter()
        .filter(|source| source.module.first().is_some_and(|own| !ROOMS_OF_WGPU.contains(&own.as_str())))
        .filter(|source| source.code.contains("wgpu::"))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(outside.is_empty(), "these name types of wgpu: {}", outside.join(", "));
}

#[test]
fn the_parser_of_imports_reads_what_we_write() {
    let code = "use crate::error::Result;\nuse crate::{plan::{Limits, lower}, work};\nsuper::engine::run();\nsuper::super::x();";
    let source = Source { path: PathBuf::new(), module: vec!["device".to_owned()], code: code.to_owned() };
    let found: Vec<String> = imports(&source).into_iter().collect();
    assert_eq!(found, ["engine", "error", "plan", "work"]);
}
