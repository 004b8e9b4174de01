//! One case: its description, its inputs, and where its outputs go.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::ArrayD;
use num_complex::Complex32;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::npy::{self, HostArray};
use crate::error::{Error, Result};

/// The name of an output and its value.
pub type Outputs = Vec<(&'static str, HostArray)>;

/// A case as it is described.
#[derive(Debug, Clone)]
pub struct Case {
    /// `family/name`.
    pub id: String,
    /// What is to be computed.
    pub op: String,
    /// Parameters by name.
    pub attributes: Map<String, Value>,
    directory: PathBuf,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

#[derive(Debug, Clone, Deserialize)]
struct Input {
    name: String,
    /// `None`: an optional input that is absent.
    file: Option<String>,
    /// `None` where the input is absent.
    dtype: Option<String>,
    /// The file holds small integers that stand for `integer · scale`.
    stored_dtype: Option<String>,
    scale: Option<f64>,
    /// The file's last axis holds real and imaginary part.
    #[serde(default)]
    complex_pair: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Output {
    name: String,
    /// `None`: an optional output that the case leaves out.
    file: Option<String>,
}

#[derive(Deserialize)]
struct Description {
    id: String,
    op: String,
    #[serde(default)]
    attributes: Map<String, Value>,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

impl Case {
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let path = directory.join("case.json");
        let text = fs::read_to_string(&path).map_err(|error| io_error(&path, error))?;
        let Description { id, op, attributes, inputs, outputs } =
            serde_json::from_str(&text).map_err(|error| format_error(&path, error.to_string()))?;
        Ok(Self { id, op, attributes, directory: directory.to_owned(), inputs, outputs })
    }

    /// An input by name; `None` where the case has none or leaves it out.
    pub fn optional(&self, name: &str) -> Result<Option<HostArray>> {
        let Some(input) = self.inputs.iter().find(|input| input.name == name) else { return Ok(None) };
        let Some(file) = &input.file else { return Ok(None) };
        let path = self.directory.join(file);
        let array = npy::read(&path)?;
        let dtype = input.dtype.as_deref().unwrap_or("float32");
        let array = match input.stored_dtype {
            Some(_) => array.scaled(input.scale.unwrap_or(1.0), input.complex_pair, dtype),
            None => Some(array),
        };
        array.map(Some).ok_or_else(|| format_error(&path, format!("cannot be read as {dtype}")))
    }

    /// An input by name.
    pub fn input(&self, name: &str) -> Result<HostArray> {
        self.optional(name)?.ok_or_else(|| self.error(format!("there is no input {name}")))
    }

    /// An input of f32 by name.
    pub fn real(&self, name: &str) -> Result<ArrayD<f32>> {
        self.input(name)?.into_f32().ok_or_else(|| self.error(format!("input {name} is not f32")))
    }

    /// An input of complex numbers by name; real ones get imaginary part 0.
    pub fn complex(&self, name: &str) -> Result<ArrayD<Complex32>> {
        self.input(name)?.into_complex().ok_or_else(|| self.error(format!("input {name} is not complex")))
    }

    /// A number among the attributes.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.attributes.get(name).and_then(Value::as_f64)
    }

    /// A number among the attributes that must be there.
    pub fn needed(&self, name: &str) -> Result<f32> {
        let value = self.number(name).ok_or_else(|| self.error(format!("there is no attribute {name}")))?;
        Ok(value as f32)
    }

    /// A text among the attributes.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    /// A truth value among the attributes; absent is false.
    pub fn flag(&self, name: &str) -> bool {
        self.attributes.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whole numbers among the attributes, one or a list; negative ones count from `rank`, as axes do.
    pub fn indices(&self, name: &str, rank: usize) -> Result<Option<Vec<usize>>> {
        let values = match self.attributes.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(values)) => values.clone(),
            Some(value) => vec![value.clone()],
        };
        let index = |value: &Value| {
            let index = value.as_i64()?;
            usize::try_from(if index < 0 { index + i64::try_from(rank).ok()? } else { index }).ok()
        };
        let indices = values.iter().map(index).collect::<Option<Vec<_>>>();
        indices.map(Some).ok_or_else(|| self.error(format!("attribute {name} is not a list of whole numbers")))
    }

    /// Whether an output is asked for.
    pub fn wants(&self, output: &str) -> bool {
        self.outputs.iter().any(|known| known.name == output && known.file.is_some())
    }

    /// What this case asks for and the library does not have.
    pub fn unsupported(&self, message: impl Into<String>) -> Error {
        Error::Unsupported { op: "case", message: message.into() }
    }

    /// Something is wrong with the case itself.
    pub fn error(&self, message: String) -> Error {
        format_error(&self.directory.join("case.json"), message)
    }

    pub(super) fn write(&self, outputs: &Outputs, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).map_err(|error| io_error(directory, error))?;
        for output in &self.outputs {
            let Some(file) = &output.file else { continue };
            let found = outputs.iter().find(|(name, _)| *name == output.name);
            let (_, array) = found.ok_or_else(|| self.error(format!("no value for the output {}", output.name)))?;
            npy::write(&directory.join(file), array)?;
        }
        Ok(())
    }
}

/// The directories in a directory, by name.
pub(super) fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| io_error(directory, error))? {
        let path = entry.map_err(|error| io_error(directory, error))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

pub(super) fn io_error(path: &Path, cause: std::io::Error) -> Error {
    Error::Io { path: path.display().to_string(), cause: Arc::new(cause) }
}

pub(super) fn format_error(path: &Path, message: String) -> Error {
    Error::Format { path: path.display().to_string(), message }
}
