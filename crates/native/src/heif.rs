//! libheif 1 by its C interface (`libheif/heif.h`): a HEIC or AVIF file in, rows of pixels out,
//! turned, mirrored and cropped as the file says.
//!
//! The library is opened once and stays. It brings its decoders with it or loads them from a folder
//! of its own, and those have threads.

mod api;
mod picture;

use crate::library::{self, LoadError};
use api::{Api, COMPRESSION_AV1, COMPRESSION_HEVC};
pub use picture::{Channels, Picture};
use std::ffi::CStr;
use std::path::PathBuf;
use std::sync::OnceLock;
use thiserror::Error;

/// Names of the library: all distributions have the first one.
const LIBRARIES: &[&str] = &["libheif.so.1", "libheif.so"];

/// What the pixels are coded by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// H.265, in HEIC.
    Hevc,
    /// AV1, in AVIF.
    Av1,
}

/// Why a file gives no pixels, with libheif's own words.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum HeifError {
    /// The file is broken, or its end is missing.
    #[error("{0}")]
    Damaged(String),
    /// It uses something that this version does not know.
    #[error("{0}")]
    Unsupported(String),
    /// No decoder for its coding is installed.
    #[error("{0}")]
    NoDecoder(String),
    /// Something of it is larger than is believed.
    #[error("{0}")]
    TooLarge(String),
    /// There was not enough memory.
    #[error("{0}")]
    Memory(String),
}

/// The library, opened.
#[derive(Clone, Copy, Debug)]
pub struct Heif {
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
/// It is not there, one that it needs is missing, or one of its functions.
pub fn load() -> Result<Heif, LoadError> {
    static API: OnceLock<Result<Api, LoadError>> = OnceLock::new();
    let api = API.get_or_init(|| open(installed().ok_or(LoadError::Missing("libheif"))?));
    api.as_ref().map(|api| Heif { api }).map_err(Clone::clone)
}

#[expect(unsafe_code, reason = "a library's constructors run when it is opened")]
fn open(path: PathBuf) -> Result<Api, LoadError> {
    // SAFETY: the types in `api` are those of libheif's header, where these functions have not
    // changed since version 1.13; its constructors set up tables of its own.
    unsafe { Api::open(&path) }.map_err(|error| LoadError::Broken { path, why: error.to_string() })
}

impl Heif {
    /// Its version: `1.15.1`.
    #[must_use]
    #[expect(unsafe_code, reason = "a call into C")]
    pub fn version(self) -> String {
        // SAFETY: the function takes nothing and returns a text that lives as long as the library.
        let version = unsafe { CStr::from_ptr((self.api.version)()) };
        version.to_string_lossy().into_owned()
    }

    /// Whether it has a decoder for this coding.
    #[must_use]
    #[expect(unsafe_code, reason = "a call into C")]
    pub fn decodes(self, coding: Coding) -> bool {
        let format = match coding {
            Coding::Hevc => COMPRESSION_HEVC,
            Coding::Av1 => COMPRESSION_AV1,
        };
        // SAFETY: the function takes a number of which it knows some.
        unsafe { (self.api.have_decoder)(format) != 0 }
    }

    /// Opens a file at its main picture, of which nothing is decoded yet. `side_max` is the largest
    /// side that is believed.
    ///
    /// # Errors
    /// The file is damaged, or holds no picture that this version knows.
    pub fn open(self, bytes: &[u8], side_max: u32) -> Result<Picture<'_>, HeifError> {
        Picture::open(self.api, bytes, side_max)
    }
}
