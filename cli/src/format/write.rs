//! Output files: found unwritable before the work begins, complete or not there at all afterwards.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use gristmill::stream::Sink;
use ndarray::{ArrayD, Ix2};
use npyz::WriterBuilder;
use npyz::npz::NpzWriter;
use npyz::zip::write::FileOptions;
use tempfile::NamedTempFile;

use super::wav::WavSink;
use super::{Kind, Picture, Sound, Values};
use crate::{stop, usage};

/// A place for a result: a temporary file beside the wanted one, renamed when all is written.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    name: String,
    kind: Kind,
    file: NamedTempFile,
}

impl Output {
    /// Makes sure that the path can be written, as one of `kinds`.
    pub(crate) fn create(path: &str, kinds: &[Kind]) -> Result<Self> {
        let kind = Kind::of(path).map_err(|error| usage(format!("{error:#}")))?;
        if !kinds.contains(&kind) {
            let endings: Vec<&str> = kinds.iter().map(|&kind| ending(kind)).collect();
            return Err(usage(format!("{path}: this command writes {}", endings.join(" or "))));
        }
        if [".tsv", ".txt"].iter().any(|ending| path.to_lowercase().ends_with(ending)) {
            return Err(usage(format!("{path}: tables are written as .csv")));
        }
        if path.to_lowercase().ends_with(".gz") {
            return Err(usage(format!("{path}: gzip is read, not written")));
        }
        let target = PathBuf::from(path);
        ensure!(!target.is_dir(), "{path}: is a directory");
        if fs::metadata(&target).is_ok_and(|data| data.permissions().readonly()) {
            bail!("{path}: exists and is read-only");
        }
        let folder = folder_of(&target);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".gristmill-").suffix(".part");
        #[cfg(unix)]
        {
            // As a file that was opened plainly would have: the umask takes its part.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // The error's own text would name the temporary file.
        let refused = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => anyhow::anyhow!("{path}: there is no folder {}", folder.display()),
            kind => anyhow::anyhow!("{path}: cannot be written ({kind})"),
        };
        let file = builder.tempfile_in(&folder).map_err(refused)?;
        stop::remove_when_stopped(file.path());
        Ok(Self { path: target, name: path.to_owned(), kind, file })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the result will be, for whoever brings a temporary file of their own.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one array.
    pub(crate) fn array(mut self, values: &Values) -> Result<()> {
        match self.kind {
            Kind::Npy => self.buffered(|to| write_npy(to, values))?,
            Kind::Npz => return self.arrays(&[("arr_0", Member::Values(values))]),
            Kind::Csv => self.buffered(|to| write_csv(to, values))?,
            Kind::Picture | Kind::Sound => bail!("{}: an array is not a picture or sound", self.name),
        }
        self.finish()
    }

    /// Writes one array of whole numbers.
    pub(crate) fn whole_numbers(mut self, values: &ArrayD<i64>) -> Result<()> {
        match self.kind {
            Kind::Npy => self.buffered(|to| fill(npyz::WriteOptions::new(), values, to))?,
            Kind::Npz => return self.arrays(&[("arr_0", Member::Indices(values))]),
            Kind::Csv => self.buffered(|to| values.iter().try_for_each(|value| Ok(writeln!(to, "{value}")?)))?,
            Kind::Picture | Kind::Sound => bail!("{}: an array is not a picture or sound", self.name),
        }
        self.finish()
    }

    /// Writes several arrays by name.
    pub(crate) fn arrays(mut self, members: &[(&str, Member<'_>)]) -> Result<()> {
        let name = self.name.clone();
        let mut archive = NpzWriter::new(BufWriter::new(self.file.as_file_mut()));
        for (member, values) in members {
            write_member(&mut archive, member, values).with_context(|| name.clone())?;
        }
        archive.zip_writer().finish().with_context(|| name.clone())?.flush().with_context(|| name.clone())?;
        drop(archive);
        self.finish()
    }

    pub(crate) fn picture(mut self, picture: &Picture) -> Result<()> {
        let name = self.name.clone();
        self.buffered(|to| picture.write(&name, to))?;
        self.finish()
    }

    pub(crate) fn sound(self, sound: &Sound) -> Result<()> {
        let (channels, length) = sound.channels.dim();
        let mut sink = self.sound_sink(sound.rate)?;
        sink.begin(length, channels)?;
        sink.write(0, 0, sound.channels.t())?;
        sink.finish()?;
        drop(sink);
        self.finish()
    }

    /// Takes sound, samples × channels, from its start to its end; [`Output::finish`] puts it in its place.
    pub(crate) fn sound_sink(&self, rate: u32) -> Result<impl Sink + use<>> {
        let file = self.file.as_file().try_clone().with_context(|| self.name.clone())?;
        Ok(WavSink::new(&self.name, file, rate))
    }

    /// Whether a file can be made at this path; an existing one stays as it is.
    pub(crate) fn check(path: &Path) -> Result<()> {
        ensure!(!path.is_dir(), "{}: is a directory", path.display());
        NamedTempFile::new_in(folder_of(path)).with_context(|| format!("{}: cannot be written", path.display()))?;
        Ok(())
    }

    /// Writes text or bytes as they are.
    pub(crate) fn bytes(path: &Path, bytes: &[u8]) -> Result<()> {
        let name = || path.display().to_string();
        let mut file = NamedTempFile::new_in(folder_of(path)).with_context(name)?;
        stop::remove_when_stopped(file.path());
        file.write_all(bytes).with_context(name)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).with_context(name)?;
        }
        file.persist(path).map_err(|e| e.error).with_context(name)?;
        Ok(())
    }

    fn buffered(&mut self, write: impl FnOnce(&mut BufWriter<&mut fs::File>) -> Result<()>) -> Result<()> {
        let mut to = BufWriter::with_capacity(1 << 20, self.file.as_file_mut());
        write(&mut to).and_then(|()| Ok(to.flush()?)).with_context(|| self.name.clone())
    }

    /// Puts the finished file in its place.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { path, name, file, .. } = self;
        file.persist(path).map_err(|e| e.error).with_context(|| format!("{name}: cannot be put in place"))?;
        Ok(())
    }
}

/// One array of an `.npz`.
#[derive(Debug)]
pub(crate) enum Member<'a> {
    Values(&'a Values),
    Indices(&'a ArrayD<i64>),
    Labels(&'a [f64]),
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn ending(kind: Kind) -> &'static str {
    match kind {
        Kind::Npy => ".npy",
        Kind::Npz => ".npz",
        Kind::Csv => ".csv",
        Kind::Picture => ".png, .jpg",
        Kind::Sound => ".wav",
    }
}

fn write_npy(to: &mut impl Write, values: &Values) -> Result<()> {
    match values {
        Values::Real(array) => fill(npyz::WriteOptions::new(), array, to),
        Values::Complex(array) => fill(npyz::WriteOptions::new(), array, to),
    }
}

fn write_member<W: Write + std::io::Seek>(archive: &mut NpzWriter<W>, name: &str, member: &Member<'_>) -> Result<()> {
    archive
        .zip_writer()
        .start_file(npyz::npz::file_name_from_array_name(name), FileOptions::default().large_file(true))?;
    let to = archive.zip_writer();
    match member {
        Member::Values(values) => write_npy(to, values),
        Member::Indices(array) => fill(npyz::WriteOptions::new(), array, to),
        // Whole numbers are written as what they are.
        Member::Labels(labels) if labels.iter().all(|v| v.fract() == 0.0 && v.abs() < 9e15) => {
            fill(npyz::WriteOptions::new(), &ndarray::arr1(labels).mapv(|v| v as i64).into_dyn(), to)
        }
        Member::Labels(labels) => fill(npyz::WriteOptions::new(), &ndarray::arr1(labels).into_dyn(), to),
    }
}

fn fill<T: npyz::AutoSerialize + Copy>(
    options: npyz::WriteOptions<T>,
    array: &ArrayD<T>,
    to: &mut impl Write,
) -> Result<()> {
    let shape: Vec<u64> = array.shape().iter().map(|&n| n as u64).collect();
    let mut writer = options.default_dtype().shape(&shape).writer(to).begin_nd()?;
    writer.extend(array.iter().copied())?;
    writer.finish()?;
    Ok(())
}

fn write_csv(to: &mut impl Write, values: &Values) -> Result<()> {
    let Values::Real(array) = values else { bail!("complex numbers are written as .npy or .npz") };
    match array.ndim() {
        1 => {
            for value in array {
                writeln!(to, "{value}")?;
            }
        }
        2 => {
            for row in array.view().into_dimensionality::<Ix2>()?.outer_iter() {
                let cells: Vec<String> = row.iter().map(f32::to_string).collect();
                writeln!(to, "{}", cells.join(","))?;
            }
        }
        _ => bail!("CSV holds one or two axes; write {} as .npy", super::shape_text(array.shape())),
    }
    Ok(())
}
