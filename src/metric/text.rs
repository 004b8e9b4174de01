//! Reading and renaming in the WGSL bodies of metrics, word by word.

/// Names that every body sees, or that WGSL keeps; a parameter may not take them.
const TAKEN: [&str; 34] = [
    "x",
    "y",
    "w",
    "a",
    "b",
    "state",
    "State",
    "param",
    "parameters",
    "let",
    "var",
    "const",
    "fn",
    "if",
    "else",
    "for",
    "while",
    "loop",
    "switch",
    "case",
    "return",
    "break",
    "continue",
    "true",
    "false",
    "struct",
    "alias",
    "f32",
    "u32",
    "i32",
    "bool",
    "default",
    "override",
    "enable",
];

/// Starts the line before a text that somebody wrote, with the text's name behind it; alone on a line it ends the text.
pub(crate) const LABEL: &str = "//# ";

/// `text` between two comments that name it: errors in it are told against `label` and the text's own line numbers.
pub(crate) fn labelled(label: &str, text: &str) -> String {
    // A label of several lines would leave the comment.
    let label: String =
        label.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    format!("{LABEL}{label}\n{}\n{LABEL}\n", text.trim_end_matches('\n'))
}

/// Whether this can name a parameter in WGSL.
pub(super) fn is_free_name(name: &str) -> bool {
    is_name(name) && !TAKEN.contains(&name) && !name.starts_with("pair_")
}

fn is_name(text: &str) -> bool {
    let starts_well = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    starts_well && !text.contains("__") && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The fields of a state, and whether each is a `u32`; empty where the text is no list of them.
pub(crate) fn fields(state: &str) -> Vec<(String, bool)> {
    let read = |field: &str| {
        let (name, kind) = field.split_once(':')?;
        let (name, kind) = (name.trim(), kind.trim());
        (is_name(name) && (kind == "f32" || kind == "u32")).then(|| (name.to_owned(), kind == "u32"))
    };
    state.trim().trim_end_matches(',').split(',').map(read).collect::<Option<_>>().unwrap_or_default()
}

/// Whether the word occurs in the text.
pub(crate) fn mentions(text: &str, word: &str) -> bool {
    let mut found = false;
    map_words(text, |candidate, _| {
        found |= candidate == word;
        None
    });
    found
}

/// The text with every word replaced for which `to` gives another.
pub(crate) fn rename_words(text: &str, to: impl Fn(&str) -> Option<String>) -> String {
    map_words(text, |word, is_member| if is_member { None } else { to(word) })
}

/// The text with `.field` written as `.{prefix}field` for each of these fields.
pub(crate) fn rename_fields(text: &str, fields: &[(String, bool)], prefix: &str) -> String {
    map_words(text, |word, is_member| {
        (is_member && fields.iter().any(|(name, _)| name == word)).then(|| format!("{prefix}{word}"))
    })
}

/// Walks the words (names and numbers) of the text; the flag says whether a dot stands before the word.
fn map_words(text: &str, mut to: impl FnMut(&str, bool) -> Option<String>) -> String {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if is_inside(first) { rest.find(|c| !is_inside(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (piece, after) = rest.split_at(end);
        match is_inside(first).then(|| to(piece, out.ends_with('.'))).flatten() {
            Some(other) => out.push_str(&other),
            None => out.push_str(piece),
        }
        rest = after;
    }
    out
}
