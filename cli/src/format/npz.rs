//! NumPy's `.npz`: a zip of `.npy` files, of which one is read.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use ndarray::Array2;
use npyz::npz::{NpzArchive, file_name_from_array_name};

use super::{Values, npy};

/// Reads the only array, or the one that is named.
pub(super) fn read(path: &Path, member: Option<&str>) -> Result<(Values, Option<String>)> {
    with_member(path, member, |reader, bytes| npy::read_from(reader, bytes))
}

/// As [`read`], exactly.
pub(super) fn read_f64(path: &Path, member: Option<&str>) -> Result<(Vec<usize>, Vec<f64>)> {
    with_member(path, member, |reader, bytes| npy::read_f64_from(reader, bytes))
}

/// As [`read`], the bits of whole numbers.
pub(super) fn read_bits(path: &Path, member: Option<&str>) -> Result<Array2<f32>> {
    with_member(path, member, |reader, bytes| npy::read_bits_from(reader, bytes))
}

fn with_member<T>(path: &Path, member: Option<&str>, read: impl FnOnce(&mut &[u8], u64) -> Result<T>) -> Result<T> {
    let mut archive =
        NpzArchive::open(path).map_err(|error| super::plain(error.into())).context("cannot be opened as .npz")?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let name = match (member, &names[..]) {
        (_, []) => bail!("holds no arrays"),
        (Some(name), _) if names.iter().any(|n| n == name) => name.to_owned(),
        (Some(name), _) => bail!("holds no array \"{name}\"; it has {}", names.join(", ")),
        (None, [only]) => only.clone(),
        (None, _) => bail!("holds {} arrays; say which as {}:{}", names.len(), path.display(), names.join(" or :")),
    };
    let file =
        archive.zip_archive().by_name(&file_name_from_array_name(&name)).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
    // The size that the zip states is a claim: what really comes out is what counts, and never more than that.
    let stated = file.size();
    let mut bytes = Vec::new();
    file.take(stated)
        .read_to_end(&mut bytes)
        .map_err(|error| super::plain(error.into()))
        .with_context(|| format!("{name}: the archive is damaged"))?;
    ensure!(bytes.len() as u64 == stated, "{name}: the archive promises {stated} bytes and holds {}", bytes.len());
    read(&mut bytes.as_slice(), stated).with_context(|| name.clone())
}
