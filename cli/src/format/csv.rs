//! Tables of numbers as text: CSV, also tab-, semicolon- or space-separated, also gzipped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use ndarray::{ArrayD, IxDyn};

/// Reads a table; one row per line.
pub(super) fn read(path: &Path) -> Result<ArrayD<f32>> {
    let file = File::open(path)?;
    ensure!(!file.metadata()?.is_dir(), "is a directory");
    let zipped = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    if zipped { read_from(flate2::read::MultiGzDecoder::new(BufReader::new(file))) } else { read_from(file) }
}

/// Reads a table from anything. A first line without any number is a header; lines that start with `#` are comments.
pub(crate) fn read_from(source: impl Read) -> Result<ArrayD<f32>> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let separator = separator(source.fill_buf().map_err(|error| super::plain(error.into())).context("cannot be read")?);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(separator)
        .trim(::csv::Trim::All)
        .from_reader(source);
    let (mut values, mut rows, mut columns) = (Vec::new(), 0, None);
    let mut record = ::csv::StringRecord::new();
    let mut first = true;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => match error.kind() {
                ::csv::ErrorKind::Utf8 { pos, .. } => {
                    bail!("line {}: is not text", pos.as_ref().map_or(0, ::csv::Position::line))
                }
                _ => return Err(super::plain(error.into())).context("cannot be read"),
            },
        }
        let line = record.position().map_or(0, ::csv::Position::line);
        // Spaces separate in runs, so empty cells between them mean nothing.
        let cells = || record.iter().enumerate().filter(|(_, cell)| separator != b' ' || !cell.is_empty());
        if std::mem::take(&mut first) && cells().all(|(_, cell)| cell.parse::<f64>().is_err()) {
            columns = Some(cells().count());
            continue;
        }
        for (column, cell) in cells() {
            values.push(number(cell).with_context(|| format!("line {line}, column {}", column + 1))?);
        }
        let found = cells().count();
        let expected = *columns.get_or_insert(found);
        ensure!(found == expected, "line {line}: has {found} cells, the lines before it have {expected}");
        rows += 1;
    }
    let Some(columns) = columns else { bail!("is empty: it has no line with numbers and no header") };
    Ok(ArrayD::from_shape_vec(IxDyn(&[rows, columns]), values)?)
}

fn number(cell: &str) -> Result<f32> {
    ensure!(!cell.is_empty(), "the cell is empty");
    let value: f64 = cell
        .parse()
        .map_err(|_| anyhow::anyhow!("\"{}\" is not a number", cell.chars().take(40).collect::<String>()))?;
    let narrowed = value as f32;
    ensure!(!(narrowed.is_infinite() && value.is_finite()), "{value:e} does not fit float32; scale the data first");
    Ok(narrowed)
}

/// The first of comma, semicolon, tab and space that the first line of content has.
fn separator(start: &[u8]) -> u8 {
    let mut lines =
        start.split(|&b| b == b'\n').filter(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty());
    let line = lines.next().unwrap_or_default().trim_ascii();
    [b',', b';', b'\t', b' '].into_iter().find(|separator| line.contains(separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn complaint(text: &str) -> String {
        format!("{:#}", read_from(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn headers_comments_and_separators_are_found() {
        let plain = read_from("1,2\n3,4\n".as_bytes()).unwrap();
        for text in
            ["a,b\n1,2\n3,4", "# made by hand\n1;2\n3;4\n", "1\t2\n3\t4\n", " 1  2\n3 4 \n", "a;b\r\n1;2\r\n3;4\r\n"]
        {
            assert_eq!(read_from(text.as_bytes()).unwrap(), plain, "{text:?}");
        }
        assert!(complaint("").contains("is empty") && complaint("\n\n").contains("is empty"));
        assert_eq!(read_from("a,b,c\n".as_bytes()).unwrap().shape(), [0, 3]);
    }

    #[test]
    fn complaints_name_line_and_column() {
        assert_eq!(complaint("1,2\n3\n"), "line 2: has 1 cells, the lines before it have 2");
        assert_eq!(complaint("a,b\n1,2\n3,four\n"), "line 3, column 2: \"four\" is not a number");
        assert_eq!(complaint("1,\n"), "line 1, column 2: the cell is empty");
        assert!(complaint("1e39\n").contains("does not fit float32"));
    }
}
