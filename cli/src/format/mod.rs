//! What the program reads and writes: a path in, an array out, and the other way round.

mod csv;
#[cfg(test)]
mod hostile;
mod image;
mod npy;
mod npz;
mod wav;
mod write;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ndarray::{ArrayD, Ix2, IxDyn};
use num_complex::Complex32;

pub(crate) use self::csv::read_from as table;
pub(crate) use self::image::{Picture, grey_png};
pub(crate) use self::npy::peek_rows;
pub(crate) use self::wav::{Sound, WavSource, channels_of_wav};
pub(crate) use self::write::{Member, Output};

/// Numbers of a file in the precision that the devices work in.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// Every real type.
    Real(ArrayD<f32>),
    /// complex64 and complex128.
    Complex(ArrayD<Complex32>),
}

impl Values {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Values::Real(a) => a.shape(),
            Values::Complex(a) => a.shape(),
        }
    }

    /// Complex numbers, whatever the file held.
    pub(crate) fn into_complex(self) -> ArrayD<Complex32> {
        match self {
            Values::Real(a) => a.mapv(|v| Complex32::new(v, 0.0)),
            Values::Complex(a) => a,
        }
    }
}

/// An array together with where it came from, for messages.
#[derive(Debug, Clone)]
pub(crate) struct Input<T> {
    pub(crate) path: String,
    pub(crate) array: T,
    /// What was converted on the way in, in one line.
    pub(crate) note: Option<String>,
}

impl<T> Input<T> {
    fn map<U>(self, f: impl FnOnce(T) -> Result<U>) -> Result<Input<U>> {
        let array = f(self.array).with_context(|| self.path.clone())?;
        Ok(Input { path: self.path, array, note: self.note })
    }
}

/// The kinds of files that hold plain arrays, by their endings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Npy,
    Npz,
    Csv,
    Picture,
    Sound,
}

impl Kind {
    /// The kind of file that a path names.
    pub(crate) fn of(path: &str) -> Result<Kind> {
        let lower = split_member(path).0.to_string_lossy().to_lowercase();
        let plain = lower.strip_suffix(".gz").unwrap_or(&lower);
        let extension = plain.rsplit_once('.').map(|(_, e)| e).unwrap_or("");
        let kind = match extension {
            "npy" => Kind::Npy,
            "npz" => Kind::Npz,
            "csv" | "tsv" | "txt" => Kind::Csv,
            "png" | "jpg" | "jpeg" => Kind::Picture,
            "wav" => Kind::Sound,
            _ => bail!("{path}: the ending does not say what it is; .npy, .npz, .csv, .png, .jpg and .wav are known"),
        };
        if plain.len() != lower.len() && kind != Kind::Csv {
            bail!("{path}: only CSV is read through gzip");
        }
        Ok(kind)
    }
}

/// Splits `file.npz:name` into the file and the array's name.
fn split_member(path: &str) -> (PathBuf, Option<&str>) {
    // A file that is really called so wins, and `C:\x.npz` has no member.
    if !Path::new(path).exists() {
        if let Some((file, member)) = path.rsplit_once(':') {
            if file.to_lowercase().ends_with(".npz") {
                return (PathBuf::from(file), Some(member));
            }
        }
    }
    (PathBuf::from(path), None)
}

/// Reads `.npy`, `.npz` or CSV.
pub(crate) fn read(path: &str) -> Result<Input<Values>> {
    let (file, member) = split_member(path);
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_else(|| path.to_owned());
    let (array, was) = match Kind::of(path)? {
        Kind::Npy => npy::read(&file),
        Kind::Npz => npz::read(&file, member),
        Kind::Csv => csv::read(&file).map(|a| (Values::Real(a), None)),
        Kind::Picture | Kind::Sound => bail!("{path}: a picture or a sound does not fit here; give .npy, .npz or CSV"),
    }
    .with_context(|| path.to_owned())?;
    let to = if matches!(array, Values::Real(_)) { "float32" } else { "complex64" };
    let note = was.map(|was| format!("{name}: {was} converted to {to}"));
    Ok(Input { path: path.to_owned(), array, note })
}

/// Reads real numbers of any shape.
pub(crate) fn read_real(path: &str) -> Result<Input<ArrayD<f32>>> {
    read(path)?.map(|values| match values {
        Values::Real(array) => Ok(array),
        Values::Complex(_) => bail!("holds complex numbers; real ones are needed here"),
    })
}

/// Reads points: one per row.
pub(crate) fn read_points(path: &str) -> Result<Input<ndarray::Array2<f32>>> {
    read_real(path)?.map(|array| {
        let shape = shape_text(array.shape());
        array.into_dimensionality::<Ix2>().map_err(|_| {
            anyhow::anyhow!("has shape {shape}; two axes are needed here (rows are points, columns are features)")
        })
    })
}

/// Reads points whose features are the bits of whole numbers, as halves of 16 bits each.
pub(crate) fn read_bits(path: &str) -> Result<Input<ndarray::Array2<f32>>> {
    let (file, member) = split_member(path);
    let array = match Kind::of(path)? {
        Kind::Npy => npy::read_bits(&file),
        Kind::Npz => npz::read_bits(&file, member),
        _ => bail!("{path}: the bits of whole numbers are read from .npy and .npz"),
    }
    .with_context(|| path.to_owned())?;
    Ok(Input { path: path.to_owned(), array, note: None })
}

/// Reads one number per point: a vector, or a single row or column.
pub(crate) fn read_labels(path: &str) -> Result<Input<Vec<f64>>> {
    read_exact(path)?.map(|(shape, values)| {
        if shape.iter().filter(|&&n| n != 1).count() > 1 {
            bail!("has shape {}; a vector is needed here", shape_text(&shape));
        }
        Ok(values)
    })
}

/// Reads real numbers without rounding them to float32: the shape, and the values in row-major order.
pub(crate) fn read_exact(path: &str) -> Result<Input<(Vec<usize>, Vec<f64>)>> {
    let (file, member) = split_member(path);
    let array = match Kind::of(path)? {
        Kind::Npy => npy::read_f64(&file),
        Kind::Npz => npz::read_f64(&file, member),
        Kind::Csv => csv::read(&file).map(|a| (a.shape().to_vec(), a.iter().map(|&v| f64::from(v)).collect())),
        Kind::Picture | Kind::Sound => bail!("{path}: numbers are read from .npy, .npz and CSV"),
    }
    .with_context(|| path.to_owned())?;
    Ok(Input { path: path.to_owned(), array, note: None })
}

/// A signal for transforms and convolutions: a CSV of one column or one row is a signal of one axis.
pub(crate) fn read_signal(path: &str) -> Result<Input<Values>> {
    let mut input = read(path)?;
    if Kind::of(path)? == Kind::Csv {
        if let Values::Real(array) = input.array {
            let lone = array.ndim() == 2 && array.shape().contains(&1);
            let length = array.len();
            input.array = Values::Real(if lone { array.into_shape_with_order(IxDyn(&[length]))? } else { array });
        }
    }
    Ok(input)
}

/// The error of a reader; where the file ended too early, that in plain words.
fn plain(error: anyhow::Error) -> anyhow::Error {
    let early = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref().map(std::io::Error::kind);
        // The readers of WAV and PNG have texts of their own for it.
        kind == Some(std::io::ErrorKind::UnexpectedEof)
            || ["Failed to read enough bytes.", "unexpected end of file"].contains(&cause.to_string().as_str())
    };
    if error.chain().any(early) { anyhow::anyhow!("is cut short; copy it once more") } else { error }
}

/// `1000×64`; `scalar` where there is no axis.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    if let [n] = shape {
        return format!("({n},)");
    }
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn endings_name_kinds() {
        assert_eq!(Kind::of("a.NPY").unwrap(), Kind::Npy);
        assert_eq!(Kind::of("b.npz:weights").unwrap(), Kind::Npz);
        assert_eq!(Kind::of("c.csv.gz").unwrap(), Kind::Csv);
        assert!(Kind::of("d.npy.gz").is_err());
        assert!(Kind::of("e").is_err());
    }
}
