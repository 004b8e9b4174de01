//! `.npy` files of cases: any number type in; f32, complex64 and i32 out.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use npyz::{AutoSerialize, DType, Deserialize, NpyFile, Order, TypeChar, WriterBuilder};
use num_complex::{Complex, Complex32};

use super::case::{format_error, io_error};
use crate::error::Result;

/// An array of one of the types that cases hold.
#[derive(Debug, Clone)]
pub enum HostArray {
    /// Single precision (also what half precision is read as, exactly).
    F32(ArrayD<f32>),
    /// Complex numbers in single precision.
    Complex32(ArrayD<Complex32>),
    /// Whole numbers and truth values.
    I64(ArrayD<i64>),
    /// Double precision.
    F64(ArrayD<f64>),
}

impl HostArray {
    /// As f32; whole numbers and doubles are rounded. `None` for complex numbers.
    pub fn into_f32(self) -> Option<ArrayD<f32>> {
        match self {
            Self::F32(array) => Some(array),
            Self::I64(array) => Some(array.mapv(|value| value as f32)),
            Self::F64(array) => Some(array.mapv(|value| value as f32)),
            Self::Complex32(_) => None,
        }
    }

    /// As complex numbers.
    pub fn into_complex(self) -> Option<ArrayD<Complex32>> {
        match self {
            Self::Complex32(array) => Some(array),
            other => other.into_f32().map(|array| array.mapv(|re| Complex32::new(re, 0.0))),
        }
    }

    /// Whether the numbers are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex32(_))
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F32(array) => array.shape(),
            Self::Complex32(array) => array.shape(),
            Self::I64(array) => array.shape(),
            Self::F64(array) => array.shape(),
        }
    }

    /// What the stored integers stand for; `None` where a pair of parts has no last axis of 2.
    pub(super) fn scaled(self, scale: f64, complex_pair: bool, dtype: &str) -> Option<Self> {
        let stored = match self {
            Self::I64(array) => array,
            other => return Some(other),
        };
        let value = |stored: i64| stored as f64 * scale;
        if complex_pair {
            let (pairs, shape) = (stored.shape().last() == Some(&2), stored.shape().to_vec());
            let flat: Vec<i64> = stored.into_iter().collect();
            let parts = flat.chunks_exact(2).filter_map(|pair| match pair {
                [re, im] => Some(Complex32::new(value(*re) as f32, value(*im) as f32)),
                _ => None,
            });
            let shape = shape.split_last().filter(|_| pairs).map(|(_, front)| front.to_vec())?;
            return ArrayD::from_shape_vec(IxDyn(&shape), parts.collect()).ok().map(Self::Complex32);
        }
        match dtype {
            "float64" => Some(Self::F64(stored.mapv(value))),
            "float16" | "float32" => Some(Self::F32(stored.mapv(|stored| value(stored) as f32))),
            _ => Some(Self::I64(stored)),
        }
    }
}

/// Reads a file of any supported type.
pub(super) fn read(path: &Path) -> Result<HostArray> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    let npy = NpyFile::new(BufReader::new(file)).map_err(|error| format_error(path, error.to_string()))?;
    let DType::Plain(kind) = npy.dtype() else {
        return Err(format_error(path, format!("records are not supported ({:?})", npy.dtype())));
    };
    let bytes = kind.num_bytes().unwrap_or(0);
    match (kind.type_char(), bytes) {
        (TypeChar::Float, 2) => Ok(HostArray::F32(array::<npyz::half::f16, _>(npy, path)?.mapv(f32::from))),
        (TypeChar::Float, 4) => Ok(HostArray::F32(array(npy, path)?)),
        (TypeChar::Float, 8) => Ok(HostArray::F64(array(npy, path)?)),
        (TypeChar::Complex, 8) => Ok(HostArray::Complex32(array(npy, path)?)),
        (TypeChar::Complex, 16) => {
            let wide: ArrayD<Complex<f64>> = array(npy, path)?;
            Ok(HostArray::Complex32(wide.mapv(|value| Complex32::new(value.re as f32, value.im as f32))))
        }
        (TypeChar::Bool, _) => Ok(HostArray::I64(array::<bool, _>(npy, path)?.mapv(i64::from))),
        (TypeChar::Int, 1) => Ok(HostArray::I64(array::<i8, _>(npy, path)?.mapv(i64::from))),
        (TypeChar::Int, 2) => Ok(HostArray::I64(array::<i16, _>(npy, path)?.mapv(i64::from))),
        (TypeChar::Int, 4) => Ok(HostArray::I64(array::<i32, _>(npy, path)?.mapv(i64::from))),
        (TypeChar::Int, 8) => Ok(HostArray::I64(array(npy, path)?)),
        (TypeChar::Uint, 1) => Ok(HostArray::I64(array::<u8, _>(npy, path)?.mapv(i64::from))),
        (TypeChar::Uint, 2) => Ok(HostArray::I64(array::<u16, _>(npy, path)?.mapv(i64::from))),
        (TypeChar::Uint, 4) => Ok(HostArray::I64(array::<u32, _>(npy, path)?.mapv(i64::from))),
        _ => Err(format_error(path, format!("numbers of type {kind} are not supported"))),
    }
}

fn array<T: Deserialize, R: std::io::Read>(npy: NpyFile<R>, path: &Path) -> Result<ArrayD<T>> {
    let shape: Vec<usize> = npy.shape().iter().map(|&n| n as usize).collect();
    let columns_first = npy.order() == Order::Fortran;
    let values = npy.into_vec().map_err(|error| format_error(path, error.to_string()))?;
    ArrayD::from_shape_vec(IxDyn(&shape).set_f(columns_first), values)
        .map_err(|error| format_error(path, error.to_string()))
}

/// Writes an array, row by row.
pub(super) fn write(path: &Path, array: &HostArray) -> Result<()> {
    match array {
        HostArray::F32(array) => write_array(path, array),
        HostArray::Complex32(array) => write_array(path, array),
        HostArray::I64(array) => write_array(path, array),
        HostArray::F64(array) => write_array(path, array),
    }
}

fn write_array<T: AutoSerialize + Clone>(path: &Path, array: &ArrayD<T>) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let shape: Vec<u64> = array.shape().iter().map(|&n| n as u64).collect();
        let mut file = BufWriter::new(File::create(path)?);
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut file).begin_nd()?;
        writer.extend(array.iter())?;
        writer.finish()?;
        file.flush()
    };
    write().map_err(|error| io_error(path, error))
}
