//! Source + tail: how a shader's text is put together.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use crate::metric::{LABEL, labelled};

/// A file of `shaders/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShaderFile {
    /// The file's name without `.wgsl`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The accurate functions that every shader may call; where a shader asks for them, those that it names are appended.
pub static MATH: [ShaderFile; 3] = [
    ShaderFile { name: "math", text: include_str!("../../shaders/math.wgsl") },
    ShaderFile { name: "special", text: include_str!("../../shaders/special.wgsl") },
    ShaderFile { name: "trigonometry", text: include_str!("../../shaders/trigonometry.wgsl") },
];

/// A function or a structure of a file, with the comment above it.
struct Declaration {
    file: &'static ShaderFile,
    name: &'static str,
    text: &'static str,
    /// Lines of the file above it.
    lines_before: usize,
}

/// What [`MATH`] declares, in order.
static MATH_DECLARATIONS: LazyLock<Vec<Declaration>> = LazyLock::new(|| {
    let mut declarations = Vec::new();
    for file in &MATH {
        let mut lines_before = 0;
        // Blank lines separate the declarations and occur nowhere else.
        for block in file.text.split_inclusive("\n\n") {
            let name = block.lines().find_map(|line| {
                let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("struct "))?;
                words(rest).next()
            });
            if let Some(name) = name {
                declarations.push(Declaration { file, name, text: block, lines_before });
            }
            lines_before += block.matches('\n').count();
        }
    }
    declarations
});

/// Whether each of [`MATH_DECLARATIONS`] is needed by `text` or by another one that is. Drivers translate and optimize
/// every function they are given, called or not: the whole file would take most of the time that a small shader does.
fn needed(text: &str) -> Vec<bool> {
    let declarations = MATH_DECLARATIONS.as_slice();
    let mut needed = vec![false; declarations.len()];
    let mut waiting = vec![text];
    while let Some(text) = waiting.pop() {
        for word in words(text).filter(|word| word.ends_with('_')) {
            let found = declarations.iter().zip(needed.iter_mut()).find(|(declaration, _)| declaration.name == word);
            if let Some((declaration, needed)) = found {
                if !*needed {
                    *needed = true;
                    waiting.push(declaration.text);
                }
            }
        }
    }
    needed
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// A constant of the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Printed as `5u`.
    U32(u32),
    /// Printed as `true` or `false`.
    Bool(bool),
}

/// What is appended to a shader's file: constants, type aliases and the functions that its skeleton calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tail {
    /// `const NAME = value;`, in order.
    pub constants: Vec<(&'static str, Scalar)>,
    /// `alias NAME = type;`, in order.
    pub aliases: Vec<(&'static str, Cow<'static, str>)>,
    /// Declarations printed as they are.
    pub code: String,
}

impl Tail {
    /// An empty tail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `const name = value;`, an unsigned integer.
    pub fn constant(mut self, name: &'static str, value: u32) -> Self {
        self.constants.push((name, Scalar::U32(value)));
        self
    }

    /// Adds `const name = value;`, a boolean.
    pub fn flag(mut self, name: &'static str, value: bool) -> Self {
        self.constants.push((name, Scalar::Bool(value)));
        self
    }

    /// Adds `alias name = target;`.
    pub fn alias(mut self, name: &'static str, target: impl Into<Cow<'static, str>>) -> Self {
        self.aliases.push((name, target.into()));
        self
    }

    /// Adds declarations.
    pub fn code(mut self, text: &str) -> Self {
        self.code.push_str(text);
        if !text.ends_with('\n') {
            self.code.push('\n');
        }
        self
    }

    /// Adds text under a name, such as the body of a function that a caller wrote; see [`labelled`].
    pub fn code_labelled(self, label: &str, text: &str) -> Self {
        self.code(&labelled(label, text))
    }
}

/// A stretch of a shader's text with one author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose text it is: a path, or the name that the tail gave it.
    pub label: String,
    /// First byte in the whole text.
    pub start: usize,
    /// Lines of the author's text that come before it.
    pub lines_before: usize,
}

/// A shader with its tail: the structured key of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shader {
    /// The file.
    pub file: ShaderFile,
    /// What is appended.
    pub tail: Tail,
    /// Whether the accurate functions of `MATH` are appended too, as far as they are called.
    pub math: bool,
    /// Whether the plan proves every index in range, so that the driver's own bounds checks may be left out.
    pub indices_proven: bool,
}

impl Shader {
    /// The whole text: the file first, so that its line numbers hold, then the functions, then the tail.
    pub fn text(&self) -> String {
        self.text_and_segments().0
    }

    /// The whole text, and who wrote which part of it, in order.
    pub fn text_and_segments(&self) -> (String, Vec<Segment>) {
        let mut text = String::with_capacity(self.file.text.len() + self.tail.code.len() + 256);
        let mut segments = Vec::new();
        push(&mut text, &mut segments, &self.file, self.file.text, 0);
        if self.math {
            let mut needed = needed(&[self.file.text, &self.tail.code].concat());
            for declaration in MATH_DECLARATIONS.iter().filter(|_| needed.remove(0)) {
                push(&mut text, &mut segments, declaration.file, declaration.text, declaration.lines_before);
            }
        }
        segments.push(Segment {
            label: format!("the tail of shaders/{}.wgsl", self.file.name),
            start: text.len(),
            lines_before: 0,
        });
        for (name, value) in &self.tail.constants {
            let _ = match value {
                Scalar::U32(v) => writeln!(text, "const {name} = {v}u;"),
                Scalar::Bool(v) => writeln!(text, "const {name} = {v};"),
            };
        }
        for (name, target) in &self.tail.aliases {
            let _ = writeln!(text, "alias {name} = {target};");
        }
        for line in self.tail.code.split_inclusive('\n') {
            text.push_str(line);
            let label = match line.strip_prefix(LABEL).map(str::trim_end) {
                None => continue,
                Some("") => format!("the tail of shaders/{}.wgsl, further on", self.file.name),
                Some(label) => label.to_owned(),
            };
            segments.push(Segment { label, start: text.len(), lines_before: 0 });
        }
        (text, segments)
    }
}

fn push(text: &mut String, segments: &mut Vec<Segment>, file: &ShaderFile, part: &str, lines_before: usize) {
    segments.push(Segment { label: format!("shaders/{}.wgsl", file.name), start: text.len(), lines_before });
    text.push_str(part);
    if !part.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_math_is_found() {
        let names: Vec<&str> = MATH_DECLARATIONS.iter().map(|declaration| declaration.name).collect();
        let lines = MATH.iter().flat_map(|file| file.text.lines());
        let written = lines.filter(|line| line.starts_with("fn ") || line.starts_with("struct ")).count();
        assert_eq!(names.len(), written);
        assert!(names.iter().all(|name| name.ends_with('_')), "{names:?}");
        for declaration in MATH_DECLARATIONS.iter() {
            let line = declaration.file.text.lines().nth(declaration.lines_before);
            assert_eq!(line, declaration.text.lines().next(), "{}", declaration.name);
        }
    }

    #[test]
    fn only_what_is_called_is_appended() {
        let file = ShaderFile { name: "none", text: "" };
        let text = |code| Shader { file, tail: Tail::new().code(code), math: true, indices_proven: true }.text();
        assert!(!text("fn f(x: f32) -> f32 { return x; }").contains("fn exp_"));
        let exp = text("fn f(x: f32) -> f32 { return exp_(x); }");
        assert!(
            ["fn exp_(", "fn exp_tail_(", "fn exp_rest_(", "fn fenced_("].iter().all(|name| exp.contains(name)),
            "{exp}"
        );
        assert!(!exp.contains("fn pow_(") && !exp.contains("fn sin_("), "{exp}");
    }
}
