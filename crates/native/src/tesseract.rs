//! Tesseract 5 by its C interface (`tesseract/capi.h`): pixels in, words with their places out.
//!
//! The library is opened once and stays: it has threads and tables of its own. It counts its OpenMP
//! threads when it is opened, and with more than one it is several times slower on small lines:
//! `OMP_THREAD_LIMIT=1` must stand in the environment of a process before it calls [`load`].

mod api;
mod engine;
mod words;

use crate::library;
use api::Api;
pub use engine::{Engine, Pixels, Turned};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use thiserror::Error;
pub use words::Word;

/// Names of the library: Debian, Fedora, Arch and most others have the first one.
const LIBRARIES: &[&str] = &["libtesseract.so.5", "libtesseract.so.5.0", "libtesseract.so"];
/// Where the trained data of languages lies: Debian and Ubuntu, older ones, Fedora and Arch, and
/// what is built by hand.
const DATA_FOLDERS: &[&str] = &[
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
];
/// The variable by which Tesseract is told the one folder to look into.
pub const DATA_VARIABLE: &str = "TESSDATA_PREFIX";
const DATA_SUFFIX: &str = "traineddata";
/// Data that knows orientations and scripts, no language.
const ORIENTATION: &str = "osd";

/// Why the library is of no use.
#[derive(Clone, Debug, Error)]
#[error("open Tesseract's library: {0}")]
pub struct LoadError(String);

/// Why an engine did not come up, or gave no words.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EngineError {
    /// The trained data does not load.
    #[error("load the trained data {languages} of {}", folder.display())]
    Data {
        /// What was asked for: `eng`, `eng+deu`.
        languages: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Tesseract gave up on the picture.
    #[error("recognise the page")]
    Recognise,
    /// The watcher did not want to go on.
    #[error("go on after the end was asked for")]
    Cancelled,
}

/// The library, opened.
#[derive(Clone, Copy, Debug)]
pub struct Tesseract {
    api: &'static Api,
}

/// What of Tesseract is installed, told without opening it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installed {
    /// The library.
    pub library: PathBuf,
    /// The folder of trained data.
    pub data: PathBuf,
    /// Languages there, sorted; `osd` is not among them.
    pub languages: Vec<String>,
    /// Whether orientations can be told.
    pub has_orientation: bool,
}

/// What is missing for [`Installed`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Missing {
    /// No library.
    #[error("Tesseract's library is not installed")]
    Library,
    /// No trained data of any language.
    #[error("Tesseract has no trained data of any language")]
    Languages,
}

/// Looks for library and languages.
///
/// # Errors
/// What is missing.
pub fn installed() -> Result<Installed, Missing> {
    let library = library::find(LIBRARIES).ok_or(Missing::Library)?;
    let given = std::env::var_os(DATA_VARIABLE).map(PathBuf::from);
    let folders = match given {
        // Tesseract before 5 took the folder above for it.
        Some(folder) => vec![folder.join("tessdata"), folder],
        None => DATA_FOLDERS.iter().map(PathBuf::from).collect(),
    };
    for data in folders {
        let mut languages = languages(&data);
        let count = languages.len();
        languages.retain(|name| name != ORIENTATION);
        if !languages.is_empty() {
            let has_orientation = languages.len() < count;
            return Ok(Installed { library, data, languages, has_orientation });
        }
    }
    Err(Missing::Languages)
}

/// Names of the trained data in a folder, and of its subfolder of scripts (`script/Latin`), sorted.
fn languages(data: &Path) -> Vec<String> {
    let in_folder = |folder: &Path, prefix: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let data = paths.filter(|path| path.extension().is_some_and(|it| it == DATA_SUFFIX));
        data.filter_map(|path| Some(format!("{prefix}{}", path.file_stem()?.to_str()?))).collect()
    };
    let mut names = in_folder(data, "");
    names.extend(in_folder(&data.join("script"), "script/"));
    names.sort();
    names
}

/// Opens the library, at the first call; later ones are answered with the same.
///
/// # Errors
/// The library, one that it needs or one of its functions is missing.
pub fn load() -> Result<Tesseract, LoadError> {
    static API: OnceLock<Result<Api, LoadError>> = OnceLock::new();
    let api = API.get_or_init(open);
    api.as_ref().map(|api| Tesseract { api }).map_err(Clone::clone)
}

#[expect(unsafe_code, reason = "a library's constructors run when it is opened")]
fn open() -> Result<Api, LoadError> {
    let path = library::find(LIBRARIES).ok_or_else(|| LoadError(Missing::Library.to_string()))?;
    // SAFETY: the types in `api` are those of the header, where these functions have not changed
    // since version 4; the constructors register variables and choose instructions.
    unsafe { Api::open(&path) }.map_err(|error| LoadError(error.to_string()))
}

impl Tesseract {
    /// Its version: `5.3.0`.
    #[must_use]
    #[expect(unsafe_code, reason = "a call into C")]
    pub fn version(self) -> String {
        // SAFETY: the function takes nothing and returns a text that lives as long as the library.
        let version = unsafe { CStr::from_ptr((self.api.version)()) };
        version.to_string_lossy().into_owned()
    }

    /// An engine for languages (`eng`, or several as `eng+deu`) whose trained data lies in `data`.
    ///
    /// # Errors
    /// The data is missing or damaged.
    pub fn engine(self, data: &Path, languages: &str) -> Result<Engine, EngineError> {
        Engine::new(self.api, data, languages, engine::Mode::Words)
    }

    /// An engine that tells orientations.
    ///
    /// # Errors
    /// The data is missing or damaged.
    pub fn orientation_engine(self, data: &Path) -> Result<Engine, EngineError> {
        Engine::new(self.api, data, ORIENTATION, engine::Mode::Orientation)
    }
}
