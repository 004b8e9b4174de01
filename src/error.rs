//! The one error type of the library.
//!
//! Every message says what was asked, what the limit was and what to do about it.

use std::sync::Arc;

/// What every fallible function of the library returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong. Cheap to clone, because failed work hands the same error to every tensor that
/// depends on it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shapes that must agree do not.
    #[error("{op}: {message}")]
    ShapeMismatch {
        /// The op that was called.
        op: &'static str,
        /// Both shapes and the rule that they break.
        message: String,
    },
    /// An argument is outside what the op is defined for.
    #[error("{op}: {argument} {message}")]
    InvalidArgument {
        /// The op that was called.
        op: &'static str,
        /// The argument's name, with its value where that helps.
        argument: String,
        /// What is allowed.
        message: String,
    },
    /// A name that nothing carries.
    #[error("no {kind} is called \"{name}\"{}", .nearest.as_ref().map(|n| format!("; did you mean \"{n}\"?")).unwrap_or_default())]
    UnknownName {
        /// What was looked for: `metric`, `kernel`, `adapter` …
        kind: &'static str,
        /// The name as it was given.
        name: String,
        /// The nearest known name, if one is near.
        nearest: Option<String>,
    },
    /// A text (a kernel expression, a file header) that does not parse.
    #[error("cannot read \"{text}\" at character {position}: {message}")]
    Parse {
        /// The text as it was given.
        text: String,
        /// Where reading stopped, counted in characters from 1.
        position: usize,
        /// What was expected there.
        message: String,
    },
    /// A single buffer would be larger than the device allows.
    #[error(
        "{op} needs {requested} bytes in one buffer, but {adapter} allows {limit}; use smaller inputs (pairwise, gram and convolve have a streaming form)"
    )]
    BufferTooLarge {
        /// The op that was called.
        op: &'static str,
        /// Bytes that one buffer would need.
        requested: u64,
        /// Bytes that the device allows in one buffer.
        limit: u64,
        /// The adapter's name.
        adapter: String,
    },
    /// The device or the host has no memory left for this.
    #[error(
        "{op}: out of memory while asking for {requested} bytes; use smaller inputs, or the streaming form where the op has one"
    )]
    OutOfMemory {
        /// The op that was called.
        op: &'static str,
        /// Bytes that were asked for.
        requested: u64,
    },
    /// A shader needs more of something than the device offers.
    #[error("shader {shader} needs {requested} {what}, but {adapter} allows {limit}; choose a smaller tile")]
    LimitExceeded {
        /// The shader's name.
        shader: String,
        /// What is limited, in words.
        what: &'static str,
        /// How much the shader needs.
        requested: u64,
        /// How much the device allows.
        limit: u64,
        /// The adapter's name.
        adapter: String,
    },
    /// WGSL that does not compile, with naga's message against the author's own lines.
    #[error("{label} does not compile:\n{message}")]
    Shader {
        /// Which text.
        label: String,
        /// The compiler's message.
        message: String,
    },
    /// No adapter fits what was asked for.
    #[error("no adapter fits \"{asked}\"{}; found: {found}", .nearest.as_ref().map(|n| format!(" (did you mean \"{n}\"?)")).unwrap_or_default())]
    NoAdapter {
        /// What was asked for.
        asked: String,
        /// The nearest name that would fit one, if one is near.
        nearest: Option<String>,
        /// The adapters that are there.
        found: String,
    },
    /// The device is gone: reset by the system, unplugged or destroyed.
    #[error("{op}: the device was lost ({message}); open a new Context and run the work again")]
    DeviceLost {
        /// The op whose work was lost.
        op: &'static str,
        /// What the driver said.
        message: String,
    },
    /// The driver refused or failed work that should be valid: please report it.
    #[error("{op}: the driver of {adapter} failed: {message}")]
    Driver {
        /// The op whose work failed.
        op: &'static str,
        /// The adapter's name.
        adapter: String,
        /// What the driver said.
        message: String,
    },
    /// Tensors of different Contexts (or of host and device) meet in one op.
    #[error("{op}: its tensors belong to different Contexts; upload all of them through one")]
    DifferentContexts {
        /// The op that was called.
        op: &'static str,
    },
    /// A value does not fit the element type.
    #[error("{value:e} at index {index} does not fit {to}; scale the data first")]
    Overflow {
        /// The value.
        value: f64,
        /// Its flat index, counted in row-major order.
        index: usize,
        /// The element type that it should have become.
        to: &'static str,
    },
    /// The op exists, but not for this.
    #[error("{op}: {message}")]
    Unsupported {
        /// The op that was called.
        op: &'static str,
        /// What is not supported, and what is.
        message: String,
    },
    /// The caller asked for the work to stop.
    #[error("{op}: cancelled")]
    Cancelled {
        /// The op that was stopped.
        op: &'static str,
    },
    /// Reading or writing a file failed.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: String,
        /// The system's own error. The message holds it, so it is no `source` that a chain would print once more.
        cause: Arc<std::io::Error>,
    },
    /// A file is not what its format promises.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong, and where.
        message: String,
    },
}

impl Error {
    /// An [`Error::InvalidArgument`].
    pub(crate) fn argument(op: &'static str, argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidArgument { op, argument: argument.into(), message: message.into() }
    }

    /// An [`Error::ShapeMismatch`].
    pub(crate) fn shape(op: &'static str, message: impl Into<String>) -> Self {
        Self::ShapeMismatch { op, message: message.into() }
    }

    /// The same error, told of another op: a batch fails as a whole, and each of its tensors names its own op.
    pub(crate) fn of(mut self, name: &'static str) -> Self {
        match &mut self {
            Self::DeviceLost { op, .. } | Self::Driver { op, .. } | Self::OutOfMemory { op, .. } => *op = name,
            _ => {}
        }
        self
    }

    /// An [`Error::UnknownName`] that names the nearest of `known`, if one is within a third of the name's length.
    pub(crate) fn unknown<'a>(kind: &'static str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::UnknownName { kind, name: name.to_owned(), nearest: nearest(name, known) }
    }
}

/// The nearest of some known names, if one is within a third of its length.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    let (distance, nearest) = known.into_iter().map(|k| (edit_distance(&name, &k.to_lowercase()), k)).min()?;
    (distance <= 1 + nearest.chars().count() / 3).then(|| nearest.to_owned())
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let message = Error::unknown("metric", "euclidian", ["cosine", "euclidean", "cityblock"]).to_string();
        assert_eq!(message, "no metric is called \"euclidian\"; did you mean \"euclidean\"?");
        let message = Error::unknown("metric", "zzz", ["cosine", "euclidean"]).to_string();
        assert_eq!(message, "no metric is called \"zzz\"");
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = Error::Io { path: "x.npy".to_owned(), cause: Arc::new(std::io::Error::other("gone")) };
        assert_eq!(error.to_string(), "x.npy: gone");
        assert!(std::error::Error::source(&error).is_none());
    }
}
