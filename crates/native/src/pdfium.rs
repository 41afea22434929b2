//! PDFium by its C interface (`fpdfview.h`, `fpdf_text.h`): a PDF file in, the characters of a page
//! with their places out.
//!
//! The library is opened once and stays. It is made for one thread: a document holds it for itself
//! until it is dropped.

mod api;
mod document;

use crate::library::{self, LoadError};
use api::Api;
pub use document::{Character, Document};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use thiserror::Error;

/// Its file, also as it lies in the package `pypdfium2` that was installed into the user's folder.
/// No distribution has it.
const LIBRARIES: &[&str] = &["libpdfium.so", "pypdfium2/pypdfium2_raw/libpdfium.so"];

/// One document at a time.
static IN_USE: Mutex<()> = Mutex::new(());

/// PDFium cannot open the file, or a page of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PdfiumError {
    /// It is damaged beyond what PDFium mends, or locked.
    #[error("open the file by PDFium (its error {0})")]
    Document(u64),
    /// The page is not there, or damaged.
    #[error("open page {0} by PDFium")]
    Page(usize),
}

/// The library, opened.
#[derive(Clone, Copy, Debug)]
pub struct Pdfium {
    api: &'static Api,
}

/// Where the library lies, told without opening it.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    library::find(LIBRARIES)
}

/// Opens the library, at the first call; later ones are answered with the same.
///
/// # Errors
/// It is not there, or lacks a function.
pub fn load() -> Result<Pdfium, LoadError> {
    static API: OnceLock<Result<Api, LoadError>> = OnceLock::new();
    let api = API.get_or_init(|| open(installed().ok_or(LoadError::Missing("PDFium"))?));
    api.as_ref().map(|api| Pdfium { api }).map_err(Clone::clone)
}

#[expect(unsafe_code, reason = "a library's constructors run when it is opened")]
fn open(path: PathBuf) -> Result<Api, LoadError> {
    // SAFETY: the types in `api` are those of PDFium's headers, whose functions do not change; its
    // constructors expect nothing of their process.
    let api = unsafe { Api::open(&path) }
        .map_err(|error| LoadError::Broken { path, why: error.to_string() })?;
    // SAFETY: called once, before all other functions.
    unsafe { (api.init)() };
    Ok(api)
}

impl Pdfium {
    /// Opens a file, which may ask for no password but the empty one. Waits until the document
    /// that was opened before is dropped.
    ///
    /// # Errors
    /// The file is damaged or locked.
    pub fn open(self, bytes: &[u8]) -> Result<Document<'_>, PdfiumError> {
        // Whoever panicked with it has closed its document.
        let alone = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        Document::open(self.api, bytes, alone)
    }
}
