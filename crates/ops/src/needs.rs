//! What operations take of a machine beside this program: what they cannot do without, what they
//! can, and what of it their results depend on.

use crate::{document, embedding, image, ocr};
use std::path::Path;
use std::time::SystemTime;
use windlass_core::media::Media;
use windlass_core::params::Params;

/// Operations that are not named take nothing.
pub(crate) const NEEDS: &[Need] = &[document::NEED, embedding::NEED, image::NEED, ocr::NEED];

/// What an operation takes of a machine.
#[derive(Debug)]
pub(crate) struct Need {
    /// The operation.
    pub(crate) operation: &'static str,
    /// What it cannot do without and is not there; told without opening anything.
    pub(crate) lack: fn() -> Option<Lack>,
    /// What of the machine results from such a file with these parameters depend on, as names and
    /// versions.
    pub(crate) basis: fn(&Params, Media) -> Vec<(String, String)>,
    /// What it can do without.
    pub(crate) extras: fn() -> Vec<Extra>,
}

/// What a machine lacks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lack {
    /// One sentence without a full stop: "Tesseract's library is not installed".
    pub what: String,
    /// The command that gets it.
    pub install: &'static str,
}

/// Something that an operation uses where it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extra {
    /// What it is good for: "HEIC and AVIF".
    pub what_for: &'static str,
    /// Its name and version, or what is missing.
    pub found: Result<String, Lack>,
}

/// A file's name, and what changes when another one takes its place.
pub(crate) fn identity(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let told = std::fs::metadata(path).map(|metadata| {
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        format!("{} bytes of {}", metadata.len(), since.unwrap_or_default().as_secs())
    });
    (name, told.unwrap_or_default())
}
