//! Compiler messages against the lines that somebody wrote, not against the text that we put together.

use std::error::Error as _;
use std::fmt::Write;

use naga::front::wgsl::ParseError;
use naga::valid::ValidationError;
use naga::{Span, WithSpan};

use super::compose::Segment;
use crate::error::Error;

/// What naga's parser says about `text`.
pub(super) fn parse_error(text: &str, segments: &[Segment], error: &ParseError) -> Error {
    let labels: Vec<(Span, &str)> = error.labels().collect();
    let notes: Vec<String> = error.notes().map(str::to_owned).collect();
    message(text, segments, error.message(), &labels, &notes)
}

/// What naga's validator says about `text`.
pub(super) fn validation_error(text: &str, segments: &[Segment], error: &WithSpan<ValidationError>) -> Error {
    // Spans name naga's own arenas ("naga::ir::Expression [12]"), which tells an author nothing: only the places count.
    // The shortest span is the offending expression, the longer ones are what it lies in.
    let mut labels: Vec<(Span, &str)> = error.spans().map(|(span, _)| (*span, "")).collect();
    labels.sort_by_key(|(span, _)| span.to_range().map_or(usize::MAX, |range| range.len()));
    // The causes go from the entry point down to the offending expression; the last one says what is wrong.
    let mut causes = vec![error.as_inner().to_string()];
    let mut cause = error.as_inner().source();
    while let Some(next) = cause {
        causes.push(next.to_string());
        cause = next.source();
    }
    let headline = causes.pop().unwrap_or_default();
    message(text, segments, &headline, &labels, &causes)
}

fn message(text: &str, segments: &[Segment], headline: &str, labels: &[(Span, &str)], notes: &[String]) -> Error {
    let places: Vec<(Place<'_>, &str)> =
        labels.iter().filter_map(|(span, label)| Some((Place::of(text, segments, *span)?, *label))).collect();
    let author = match places.first() {
        Some((place, _)) => place.author.to_owned(),
        None => segments.first().map(|s| s.label.clone()).unwrap_or_default(),
    };
    let mut message = match places.first() {
        Some((place, _)) => format!("line {}: {headline}", place.line),
        None => headline.to_owned(),
    };
    for (place, label) in &places {
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        if place.author != author {
            let _ = write!(message, "\n{margin} in {}:", place.author);
        }
        let before: String =
            place.source.chars().take(place.column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marks = "^".repeat(place.width);
        let _ = write!(
            message,
            "\n{number} | {}\n{margin} | {}",
            place.source,
            format!("{before}{marks} {label}").trim_end()
        );
    }
    for note in notes {
        let _ = write!(message, "\nnote: {note}");
    }
    Error::Shader { label: author, message }
}

/// Where a span lies, as its author counts.
struct Place<'a> {
    author: &'a str,
    /// From 1, in the author's own text.
    line: usize,
    /// The whole line.
    source: &'a str,
    /// Characters of the line before the span.
    column: usize,
    /// Characters of the line in the span, at least 1.
    width: usize,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, segments: &'a [Segment], span: Span) -> Option<Self> {
        let range = span.to_range()?;
        // An error at the very end of the text belongs to its last character.
        let at = range.start.min(text.len().saturating_sub(1));
        let segment = segments.iter().rev().find(|s| s.start <= at)?;
        let line = segment.lines_before + text.get(segment.start..at)?.matches('\n').count() + 1;
        let line_start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let source = text.get(line_start..)?.lines().next()?;
        let column = text.get(line_start..at)?.chars().count();
        let line_end = line_start + source.len();
        let width =
            text.get(at..range.end.clamp(at, line_end.max(at))).map_or(0, |marked| marked.chars().count()).max(1);
        Some(Self { author: &segment.label, line, source, column, width })
    }
}
