//! The bundled data, inside the program: it works wherever it is installed.

use anyhow::Result;
use ndarray::{Array1, Array2, Axis, Ix2, s};

use crate::format::{Picture, table};

const DIGITS: &[u8] = include_bytes!("../../../examples/data/digits.csv");
const DIABETES: &[u8] = include_bytes!("../../../examples/data/diabetes_data_raw.csv");
const DIABETES_TARGET: &[u8] = include_bytes!("../../../examples/data/diabetes_target.csv");
const CAMERA: &[u8] = include_bytes!("../../../examples/data/camera.png");

/// 1797 handwritten digits of 8×8 grey levels, and what they are.
pub(super) fn digits() -> Result<(Array2<f32>, Vec<usize>)> {
    let all = table(DIGITS)?.into_dimensionality::<Ix2>()?;
    let labels = all.column(64).iter().map(|&v| v as usize).collect();
    Ok((all.slice(s![.., ..64]).to_owned(), labels))
}

/// 442 patients × 10 features, each scaled to mean 0 and deviation 1, and the progression of the disease a year later.
pub(super) fn diabetes() -> Result<(Array2<f32>, Array1<f32>)> {
    let mut x = table(DIABETES)?.into_dimensionality::<Ix2>()?;
    for mut column in x.axis_iter_mut(Axis(1)) {
        let n = column.len() as f32;
        let mean = column.sum() / n;
        let deviation = (column.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
        column.mapv_inplace(|v| (v - mean) / deviation);
    }
    let y = table(DIABETES_TARGET)?.into_dimensionality::<Ix2>()?.column(0).to_owned();
    Ok((x, y))
}

/// A photograph of 512×512 pixels.
pub(super) fn camera() -> Result<Array2<f32>> {
    Ok(Picture::from_bytes(CAMERA)?.to_grey())
}
