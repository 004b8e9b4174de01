//! NumPy's `.npy`: any float, integer or bool type, either order, either endianness.
//!
//! The header is read by a parser of our own that knows only the dictionary that NumPy writes: a general one would
//! follow nested brackets as deep as a hostile file has them. Sizes are checked against the bytes that are really
//! there before anything is allocated.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use ndarray::{Array2, ArrayD, IxDyn, ShapeBuilder};
use npyz::{Endianness, TypeChar, TypeStr};
use num_complex::Complex32;

use super::Values;

/// NumPy's own limit for headers that it does not trust.
const LONGEST_HEADER: usize = 10_000;
/// Bytes that are decoded at a time; a multiple of every element size.
const BLOCK_BYTES: usize = 1 << 18;

/// What the header says.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    element: TypeStr,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn element_bytes(&self) -> usize {
        self.element.num_bytes().unwrap_or(0)
    }

    /// NumPy's name of the element type.
    fn type_name(&self) -> String {
        let bits = 8 * self.element_bytes();
        match self.element.type_char() {
            TypeChar::Float => format!("float{bits}"),
            TypeChar::Int => format!("int{bits}"),
            TypeChar::Uint => format!("uint{bits}"),
            TypeChar::Complex => format!("complex{bits}"),
            TypeChar::Bool => "bool".to_owned(),
            _ => self.element.to_string(),
        }
    }

    fn is_complex(&self) -> bool {
        self.element.type_char() == TypeChar::Complex
    }
}

/// Reads a file; the second part names the type that it held where that is not already ours.
pub(super) fn read(path: &Path) -> Result<(Values, Option<String>)> {
    let (mut reader, bytes) = open(path)?;
    read_from(&mut reader, bytes)
}

/// Reads real numbers exactly: the shape, and the values in row-major order.
pub(super) fn read_f64(path: &Path) -> Result<(Vec<usize>, Vec<f64>)> {
    let (mut reader, bytes) = open(path)?;
    read_f64_from(&mut reader, bytes)
}

/// Rows, columns and the type's name of a file that can be streamed as it lies: little-endian f32 or f64, row-major,
/// two axes.
pub(crate) fn peek_rows(path: &Path) -> Option<(usize, usize, String)> {
    let (mut reader, bytes) = open(path).ok()?;
    let header = read_header(&mut reader, bytes).ok()?;
    let plain = header.element.type_char() == TypeChar::Float
        && header.element.endianness() == Endianness::Little
        && matches!(header.element_bytes(), 4 | 8)
        && !header.fortran;
    match header.shape[..] {
        [rows, columns] if plain => Some((rows, columns, header.type_name())),
        _ => None,
    }
}

fn open(path: &Path) -> Result<(BufReader<File>, u64)> {
    let file = File::open(path)?;
    let data = file.metadata()?;
    ensure!(!data.is_dir(), "is a directory");
    Ok((BufReader::new(file), data.len()))
}

/// Reads from anything that holds `bytes` bytes.
pub(super) fn read_from(reader: &mut impl Read, bytes: u64) -> Result<(Values, Option<String>)> {
    let header = read_header(reader, bytes)?;
    let ours = if header.is_complex() { 8 } else { 4 };
    let native = matches!(header.element.type_char(), TypeChar::Float | TypeChar::Complex);
    let was = (!native || header.element_bytes() != ours).then(|| header.type_name());
    let values = if header.is_complex() {
        let mut flat = Vec::with_capacity(header.len());
        let mut half = None;
        decode(reader, &header, |index, v| {
            let v = narrow(v, index / 2)?;
            match half.take() {
                None => half = Some(v),
                Some(re) => flat.push(Complex32::new(re, v)),
            }
            Ok(())
        })?;
        Values::Complex(arrange(&header, flat)?)
    } else {
        let mut flat = Vec::with_capacity(header.len());
        decode(reader, &header, |index, v| {
            flat.push(narrow(v, index)?);
            Ok(())
        })?;
        Values::Real(arrange(&header, flat)?)
    };
    Ok((values, was))
}

/// As [`read_f64`], from anything that holds `bytes` bytes.
pub(super) fn read_f64_from(reader: &mut impl Read, bytes: u64) -> Result<(Vec<usize>, Vec<f64>)> {
    let header = read_header(reader, bytes)?;
    ensure!(!header.is_complex(), "holds complex numbers; real ones are needed here");
    let mut flat = Vec::with_capacity(header.len());
    decode(reader, &header, |_, v| {
        flat.push(v);
        Ok(())
    })?;
    let shape = header.shape.clone();
    let values = arrange(&header, flat)?;
    Ok((shape, values.into_iter().collect()))
}

/// Reads the bits of whole numbers: two axes, rows as halves of 16 bits.
pub(super) fn read_bits(path: &Path) -> Result<Array2<f32>> {
    let (mut reader, bytes) = open(path)?;
    read_bits_from(&mut reader, bytes)
}

/// As [`read_bits`], from anything that holds `bytes` bytes.
pub(super) fn read_bits_from(reader: &mut impl Read, bytes: u64) -> Result<Array2<f32>> {
    let header = read_header(reader, bytes)?;
    let (width, kind) = (header.element_bytes(), header.element.type_char());
    ensure!(
        matches!(kind, TypeChar::Int | TypeChar::Uint) && width <= 4,
        "holds {}; the bits of whole numbers of 1, 2 or 4 bytes are compared here, e.g. those of np.packbits",
        header.type_name()
    );
    let &[rows, columns] = header.shape.as_slice() else {
        bail!("has shape {}; two axes are needed here (rows are points)", super::shape_text(&header.shape));
    };
    let row_bytes = columns.checked_mul(width).filter(|bytes| bytes % 2 == 0).with_context(|| {
        format!("has rows of {columns}×{width} bytes; bits are compared two bytes at a time: pack them into words of 16 or 32")
    })?;
    let mut flat = Vec::with_capacity(header.len());
    decode(reader, &header, |_, value| {
        flat.push(value as i64);
        Ok(())
    })?;
    let words = arrange(&header, flat)?;
    let all: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes().into_iter().take(width)).collect();
    let halves = all.chunks_exact(2).map(|two| f32::from(u16::from_le_bytes([two[0], two[1]]))).collect();
    Ok(Array2::from_shape_vec((rows, row_bytes / 2), halves)?)
}

fn narrow(value: f64, index: usize) -> Result<f32> {
    let narrowed = value as f32;
    ensure!(
        !(narrowed.is_infinite() && value.is_finite()),
        "{value:e} at index {index} does not fit float32; scale the data first"
    );
    Ok(narrowed)
}

/// Row-major, whatever order the file has.
fn arrange<T: Clone>(header: &Header, flat: Vec<T>) -> Result<ArrayD<T>> {
    let array = ArrayD::from_shape_vec(IxDyn(&header.shape).set_f(header.fortran), flat)?;
    Ok(if header.fortran { array.as_standard_layout().into_owned() } else { array })
}

/// Hands every number to `take` with its index; a complex number counts as two.
fn decode(reader: &mut impl Read, header: &Header, mut take: impl FnMut(usize, f64) -> Result<()>) -> Result<()> {
    let parts = if header.is_complex() { 2 } else { 1 };
    let width = header.element_bytes() / parts;
    let big = header.element.endianness() == Endianness::Big;
    let convert: fn([u8; 8]) -> f64 = match (header.element.type_char(), width) {
        (TypeChar::Float, 2) => |b| npyz::half::f16::from_le_bytes([b[0], b[1]]).to_f64(),
        (TypeChar::Float | TypeChar::Complex, 4) => |b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        (TypeChar::Float | TypeChar::Complex, 8) => f64::from_le_bytes,
        (TypeChar::Int, 1) => |b| f64::from(b[0] as i8),
        (TypeChar::Int, 2) => |b| f64::from(i16::from_le_bytes([b[0], b[1]])),
        (TypeChar::Int, 4) => |b| f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        (TypeChar::Int, 8) => |b| i64::from_le_bytes(b) as f64,
        (TypeChar::Bool, 1) => |b| f64::from(u8::from(b[0] != 0)),
        // The unused bytes are 0.
        (TypeChar::Uint, 1 | 2 | 4 | 8) => |b| u64::from_le_bytes(b) as f64,
        _ => bail!(
            "element type {} is not supported; floats, integers, bool and complex numbers of up to 8 bytes are",
            header.type_name()
        ),
    };
    let mut left = header.len() * header.element_bytes();
    let mut block = vec![0u8; left.min(BLOCK_BYTES)];
    let mut index = 0;
    while left > 0 {
        let Some(now) = block.get_mut(..left.min(BLOCK_BYTES)) else { break };
        fill(reader, now, "is cut short: it ends before its numbers do")?;
        for number in now.chunks_exact(width) {
            let mut eight = [0u8; 8];
            for (place, &byte) in eight.iter_mut().zip(number) {
                *place = byte;
            }
            if big {
                eight[..width].reverse();
            }
            take(index, convert(eight))?;
            index += 1;
        }
        left -= left.min(BLOCK_BYTES);
    }
    Ok(())
}

/// Fills `bytes`, or says in plain words that there are too few.
fn fill(reader: &mut impl Read, bytes: &mut [u8], too_few: &'static str) -> Result<()> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => anyhow::anyhow!(too_few),
        _ => anyhow::Error::new(error).context("cannot be read"),
    })
}

/// Reads the header and checks it against the size of the file.
fn read_header(reader: &mut impl Read, bytes: u64) -> Result<Header> {
    let mut start = [0u8; 8];
    fill(reader, &mut start, "is too short for a .npy file")?;
    ensure!(start.starts_with(b"\x93NUMPY"), "not a .npy file (it does not start with \\x93NUMPY)");
    let (length, before) = match start[6] {
        1 => {
            let mut length = [0u8; 2];
            fill(reader, &mut length, "is cut short inside its header")?;
            (usize::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0u8; 4];
            fill(reader, &mut length, "is cut short inside its header")?;
            (u32::from_le_bytes(length) as usize, 12)
        }
        version => bail!("version {version} of the .npy format is not known; 1, 2 and 3 are"),
    };
    ensure!(
        length <= LONGEST_HEADER,
        "the header claims {length} bytes; more than {LONGEST_HEADER} is not a plain array"
    );
    let mut text = vec![0u8; length];
    fill(reader, &mut text, "is cut short inside its header")?;
    let text = std::str::from_utf8(&text).context("the header is not text")?;
    let (descr, fortran, shape) = Dictionary::parse(text)?;
    let element: TypeStr = descr.parse().map_err(|_| anyhow::anyhow!("element type \"{descr}\" is not known"))?;
    ensure!(
        element.type_char() != TypeChar::Object,
        "holds Python objects, not numbers; save it with a numeric dtype, e.g. np.save(path, a.astype(np.float32))"
    );
    let width = element.num_bytes().filter(|&n| n > 0).context("its elements have no size")?;
    // Every partial product fits, zeros or not: nothing downstream can overflow.
    let claimed = shape.iter().map(|&n| n.max(1)).try_fold(width, usize::checked_mul);
    let offset = (before + length) as u64;
    let present = bytes.saturating_sub(offset);
    let empty = shape.contains(&0);
    match claimed {
        Some(claimed) if empty || claimed as u64 <= present => Ok(Header { element, fortran, shape }),
        _ => bail!(
            "the header promises {} elements of {width} bytes, but {present} bytes follow it; the file is cut short or damaged",
            super::shape_text(&shape)
        ),
    }
}

/// The dictionary `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
struct Dictionary<'a> {
    rest: &'a str,
}

impl<'a> Dictionary<'a> {
    fn parse(text: &'a str) -> Result<(&'a str, bool, Vec<usize>)> {
        let mut reader = Dictionary { rest: text };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        reader.expect('{')?;
        while !reader.take('}') {
            let key = reader.quoted()?;
            reader.expect(':')?;
            match key {
                "descr" if reader.peek() == Some('[') => {
                    bail!("holds records (a structured dtype); one number per element is needed")
                }
                "descr" => descr = Some(reader.quoted()?),
                "fortran_order" => fortran = Some(reader.boolean()?),
                "shape" => shape = Some(reader.shape()?),
                _ => bail!("the header has an unknown entry \"{key}\""),
            }
            if !reader.take(',') {
                reader.expect('}')?;
                break;
            }
        }
        ensure!(
            reader.rest.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty(),
            "the header goes on after its end"
        );
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) => Ok((descr, fortran, shape)),
            _ => bail!("the header lacks one of descr, fortran_order and shape"),
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        ensure!(self.take(wanted), "the header is damaged: \"{wanted}\" is missing");
        Ok(())
    }

    fn quoted(&mut self) -> Result<&'a str> {
        let quote = self
            .peek()
            .filter(|c| matches!(c, '\'' | '"'))
            .context("the header is damaged: a quoted word is missing")?;
        let (word, rest) = self.rest[1..].split_once(quote).context("the header is damaged: a quote does not close")?;
        self.rest = rest;
        Ok(word)
    }

    fn boolean(&mut self) -> Result<bool> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        bail!("the header is damaged: fortran_order is neither True nor False")
    }

    fn shape(&mut self) -> Result<Vec<usize>> {
        self.expect('(')?;
        let (inside, rest) = self.rest.split_once(')').context("the header is damaged: the shape does not close")?;
        self.rest = rest;
        let lengths: Vec<&str> = inside.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
        ensure!(lengths.len() <= 32, "the header claims {} axes; NumPy knows at most 32", lengths.len());
        lengths
            .into_iter()
            .map(|t| {
                t.trim_end_matches('L')
                    .parse()
                    .map_err(|_| anyhow::anyhow!("the header is damaged: \"{t}\" is no length"))
            })
            .collect()
    }
}
