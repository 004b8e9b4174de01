//! Source + tail: how a shader's text is put together.

use std::borrow::Cow;
use std::fmt::Write;

use crate::metric::{LABEL, labelled};

/// A file of `shaders/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShaderFile {
    /// The file's name without `.wgsl`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The accurate functions that every shader may call; appended where a shader asks for them.
pub const MATH: ShaderFile = ShaderFile { name: "math", text: include_str!("../../shaders/math.wgsl") };

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
}

/// A shader with its tail: the structured key of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shader {
    /// The file.
    pub file: ShaderFile,
    /// What is appended.
    pub tail: Tail,
    /// Whether the accurate functions of `math.wgsl` are appended too.
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
        push_file(&mut text, &mut segments, &self.file);
        if self.math {
            push_file(&mut text, &mut segments, &MATH);
        }
        segments.push(Segment { label: format!("the tail of shaders/{}.wgsl", self.file.name), start: text.len() });
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
            segments.push(Segment { label, start: text.len() });
        }
        (text, segments)
    }
}

fn push_file(text: &mut String, segments: &mut Vec<Segment>, file: &ShaderFile) {
    segments.push(Segment { label: format!("shaders/{}.wgsl", file.name), start: text.len() });
    text.push_str(file.text);
    if !file.text.ends_with('\n') {
        text.push('\n');
    }
}
