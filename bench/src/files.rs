//! Input files opened as the operations want them, and where their artifacts go.

use crate::LoopError;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use windlass_core::media::{Media, SAMPLE_HEAD_BYTES_MAX, Sample, sniff};
use windlass_core::{Failure, FailureKind};
use windlass_ops::{Output, Source};

/// An input file with its kind and size, which a cluster tells before the operation begins: that is
/// no part of what is measured.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// Without its folders.
    name: String,
    pub(crate) media: Media,
    /// Size in bytes.
    pub(crate) size: u64,
}

impl Input {
    /// Looks at the file's content for its kind.
    pub(crate) fn of(path: PathBuf) -> Result<Input, LoopError> {
        match sniffed(&path) {
            Ok((media, size)) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Ok(Input { path, name, media, size })
            }
            Err(source) => Err(LoopError::File { act: "read", path, source }),
        }
    }

    /// The file as the operations want it.
    pub(crate) fn open(&self) -> io::Result<Source> {
        let file = File::open(&self.path)?;
        Ok(Source::new(file, self.name.clone(), self.media, self.size, None))
    }
}

/// The kind of a file, and its size in bytes.
fn sniffed(path: &Path) -> io::Result<(Media, u64)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut head = Vec::new();
    (&file).take(SAMPLE_HEAD_BYTES_MAX as u64).read_to_end(&mut head)?;
    let mut tail = Vec::new();
    if size > head.len() as u64 {
        file.seek(SeekFrom::Start(size.saturating_sub(SAMPLE_HEAD_BYTES_MAX as u64)))?;
        (&file).take(SAMPLE_HEAD_BYTES_MAX as u64).read_to_end(&mut tail)?;
    }
    Ok((sniff(&Sample { head: &head, tail: &tail, size }), size))
}

/// Writes artifacts into a folder, or drops them.
pub(crate) struct Outlet {
    folder: Option<PathBuf>,
    base: String,
}

impl Outlet {
    /// With a folder, which is made if absent; without one, artifacts are dropped.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Outlet, LoopError> {
        if let Some(path) = folder {
            std::fs::create_dir_all(path).map_err(|source| LoopError::File {
                act: "make folder",
                path: path.to_owned(),
                source,
            })?;
        }
        Ok(Outlet { folder: folder.map(Path::to_owned), base: String::new() })
    }

    /// What comes next belongs to this input.
    pub(crate) fn turn_to(&mut self, path: &Path) {
        if self.folder.is_none() {
            return;
        }
        self.base = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
}

impl Output for Outlet {
    fn artifact(&mut self, name: &str, _media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        let Some(folder) = &self.folder else {
            std::hint::black_box(bytes);
            return Ok(());
        };
        let path = folder.join(name.replace("{base}", &self.base));
        std::fs::write(&path, bytes).map_err(|error| {
            let cause = format!("{} cannot be written: {error}", path.display());
            Failure::new(FailureKind::Unavailable, "output_unwritable", cause, "")
        })
    }

    fn note(&mut self, _note: String) {}

    fn progress(&mut self, _done: u64, _total: u64) {}
}
