//! NumPy's `.npy` as a source (memory-mapped, never read whole) and as a sink (written under a temporary name and
//! renamed when complete).

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use ndarray::{ArrayView1, ArrayView2, Axis};
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use super::source::check_range;
use super::{Sink, Source};
use crate::error::{Error, Result};

/// Longest header that is parsed: NumPy writes 128 bytes for a matrix.
const LONGEST_HEADER: usize = 1024;

/// Numbers that are converted at a time where a tile cannot be written as it lies in memory: 1 MiB.
const PIECE: usize = 1 << 18;

/// A matrix in a memory-mapped `.npy` file: f32 or f64, little-endian, row-major.
pub struct NpySource {
    path: String,
    map: Mmap,
    start: usize,
    rows: usize,
    columns: usize,
    element_bytes: usize,
}

impl NpySource {
    /// Maps a file. Nothing but its header is read.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not such a matrix or is cut short.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let io = |error| Error::Io { path: name.clone(), cause: Arc::new(error) };
        let wrong = |message: String| Error::Format { path: name.clone(), message };
        let file = File::open(path).map_err(io)?;
        // SAFETY: the map is read only. If another process changes the file meanwhile, numbers change; if it is cut
        // short, the system ends the process, as it does for every program that maps files: the documentation of the
        // program says so.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let start = header_end(&map).map_err(wrong)?;
        let header = NpyHeader::from_reader(&map[..start]).map_err(|error| wrong(error.to_string()))?;
        let DType::Plain(element) = header.dtype() else {
            return Err(wrong("holds records; a matrix of numbers is needed".to_owned()));
        };
        let element_bytes = element.size_field() as usize;
        let plain = element.type_char() == TypeChar::Float && element.endianness() == Endianness::Little;
        if !plain || !matches!(element_bytes, 4 | 8) || header.order() != Order::C {
            let message = format!(
                "holds {element} in {:?} order; streaming takes little-endian float32 or float64 in C order",
                header.order()
            );
            return Err(wrong(message));
        }
        let &[rows, columns] = header.shape() else {
            return Err(wrong(format!("has shape {:?}; a matrix is needed", header.shape())));
        };
        let needed = rows.checked_mul(columns).and_then(|n| n.checked_mul(element_bytes as u64));
        if needed.is_none_or(|bytes| bytes > (map.len() - start) as u64) {
            let message = format!(
                "is cut short: its header promises {rows}×{columns} numbers, {} bytes follow",
                map.len() - start
            );
            return Err(wrong(message));
        }
        Ok(Self { path: name, map, start, rows: rows as usize, columns: columns as usize, element_bytes })
    }
}

/// Where the numbers start, by the file's first bytes.
fn header_end(bytes: &[u8]) -> std::result::Result<usize, String> {
    let (prefix, length) = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => {
            (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return Err("is not a .npy file (its first bytes are not NumPy's)".to_owned()),
    };
    if length > LONGEST_HEADER {
        return Err(format!("has a header of {length} bytes; at most {LONGEST_HEADER} are taken"));
    }
    if prefix + length > bytes.len() {
        return Err("is cut short inside its header".to_owned());
    }
    Ok(prefix + length)
}

impl Source for NpySource {
    fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    fn read_rows(&mut self, range: Range<usize>, rows: &mut Vec<f32>) -> Result<()> {
        check_range(&range, self.rows)?;
        let row_bytes = self.columns * self.element_bytes;
        let bytes = &self.map[self.start + range.start * row_bytes..self.start + range.end * row_bytes];
        rows.clear();
        if self.element_bytes == 4 {
            rows.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
            return Ok(());
        }
        for (index, b) in bytes.chunks_exact(8).enumerate() {
            let value = f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
            let narrowed = value as f32;
            if narrowed.is_infinite() && value.is_finite() {
                let index = range.start * self.columns + index;
                let message = format!("{value:e} at index {index} does not fit float32; scale the data first");
                return Err(Error::Format { path: self.path.clone(), message });
            }
            rows.push(narrowed);
        }
        Ok(())
    }
}

/// A `.npy` file of f32 that is written tile by tile. It appears under its name only when it is complete; a job that
/// fails or is cancelled leaves nothing behind.
pub struct NpySink {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
    start: u64,
    columns: usize,
    piece: Vec<u8>,
}

impl NpySink {
    /// A sink that will write `path`. The file system is first touched when the job begins.
    pub fn new(path: &Path) -> Self {
        let mut name = path.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_default();
        name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(name);
        Self { path: path.to_owned(), temporary, file: None, start: 0, columns: 0, piece: Vec::new() }
    }

    /// The file that holds the tiles until all are there.
    pub fn temporary_path(&self) -> &Path {
        &self.temporary
    }

    fn io(&self, error: std::io::Error) -> Error {
        Error::Io { path: self.path.display().to_string(), cause: Arc::new(error) }
    }
}

/// Version 1.0 of the format: magic, header length, a Python dictionary padded so that the numbers start at a multiple
/// of 64.
fn header(rows: usize, columns: usize) -> Vec<u8> {
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', padded - 1 - text.len()));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(padded as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

impl Sink for NpySink {
    fn begin(&mut self, rows: usize, columns: usize) -> Result<()> {
        let bytes = header(rows, columns);
        self.start = bytes.len() as u64;
        self.columns = columns;
        let mut file = File::create(&self.temporary).map_err(|error| self.io(error))?;
        // Most file systems claim no room for a length: this finds one that no file may have, not a full disk.
        let numbers = (rows as u64).saturating_mul(columns as u64).saturating_mul(4);
        let length = numbers.saturating_add(self.start);
        if let Err(error) = file.write_all(&bytes).and_then(|()| file.set_len(length)) {
            drop(file);
            // Nothing is left behind; the error that matters is the first.
            let _ = std::fs::remove_file(&self.temporary);
            return Err(self.io(error));
        }
        self.file = Some(file);
        Ok(())
    }

    fn write(&mut self, row: usize, column: usize, tile: ArrayView2<'_, f32>) -> Result<()> {
        let Some(mut file) = self.file.take() else {
            return Err(self.io(std::io::Error::other("writing began before the shape was known")));
        };
        let whole = column == 0 && tile.ncols() == self.columns;
        let mut put = |at: usize, entries: ArrayView1<'_, f32>| -> std::io::Result<()> {
            file.seek(SeekFrom::Start(self.start + 4 * at as u64))?;
            match entries.as_slice() {
                Some(entries) if cfg!(target_endian = "little") => file.write_all(bytemuck::cast_slice(entries)),
                _ => entries.axis_chunks_iter(Axis(0), PIECE).try_for_each(|entries| {
                    self.piece.clear();
                    self.piece.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
                    file.write_all(&self.piece)
                }),
            }
        };
        let outcome = match tile.as_slice() {
            Some(entries) if whole => put(row * self.columns, ArrayView1::from(entries)),
            _ => {
                let mut rows = tile.outer_iter().enumerate();
                rows.try_for_each(|(i, entries)| put((row + i) * self.columns + column, entries))
            }
        };
        self.file = Some(file);
        outcome.map_err(|error| self.io(error))
    }

    fn finish(&mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let outcome = file.sync_all().and_then(|()| std::fs::rename(&self.temporary, &self.path));
        outcome.map_err(|error| {
            // Nothing is left behind; the error that matters is the first.
            let _ = std::fs::remove_file(&self.temporary);
            self.io(error)
        })
    }
}

impl Drop for NpySink {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_the_sink_wrote_the_source_reads() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("k.npy");
        let mut sink = NpySink::new(&path);
        sink.begin(2, 3).unwrap();
        sink.write(0, 0, array![[1.0f32, 2.0], [4.0, 5.0]].view()).unwrap();
        sink.write(0, 2, array![[3.0f32], [6.0]].view()).unwrap();
        assert!(!path.exists());
        sink.finish().unwrap();
        let mut source = NpySource::open(&path).unwrap();
        assert_eq!(source.shape(), (2, 3));
        let mut rows = Vec::new();
        source.read_rows(1..2, &mut rows).unwrap();
        assert_eq!(rows, [4.0, 5.0, 6.0]);
        assert!(source.read_rows(1..3, &mut rows).is_err());
    }

    #[test]
    fn tiles_that_lie_otherwise_in_memory_are_written_row_by_row() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("k.npy");
        let mut sink = NpySink::new(&path);
        sink.begin(2, 3).unwrap();
        sink.write(0, 0, array![[1.0f32, 4.0], [2.0, 5.0], [3.0, 6.0]].t()).unwrap();
        sink.finish().unwrap();
        let mut rows = Vec::new();
        NpySource::open(&path).unwrap().read_rows(0..2, &mut rows).unwrap();
        assert_eq!(rows, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_length_that_no_file_may_have_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = NpySink::new(&directory.path().join("k.npy"));
        assert!(sink.begin(usize::MAX, usize::MAX).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_job_that_stops_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = NpySink::new(&directory.path().join("k.npy"));
        sink.begin(2, 3).unwrap();
        drop(sink);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn damaged_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npy");
        let whole = [header(2, 2), vec![0; 16]].concat();
        for cut in [0, 5, 9, 40, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(NpySource::open(&path).is_err(), "{cut} bytes");
        }
        let mut huge = whole.clone();
        huge[6] = 2;
        huge[8..12].fill(0xff);
        std::fs::write(&path, &huge).unwrap();
        assert!(NpySource::open(&path).is_err());
    }
}
