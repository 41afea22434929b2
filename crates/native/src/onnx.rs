//! ONNX Runtime by its C interface (`onnxruntime_c_api.h`): neural networks as files, numbers in,
//! numbers out.
//!
//! The library is opened once and stays. Each session works on the thread that calls it alone.

mod api;
mod session;

use api::Api;
pub use session::{Session, Tensor};
use std::path::Path;
use std::sync::OnceLock;
use thiserror::Error;

/// File names of the library: as wheels and archives of it have it, and as distributions do.
pub const LIBRARIES: &[&str] = &["libonnxruntime.so", "libonnxruntime.so.1"];

/// Why the library is of no use.
#[derive(Clone, Debug, Error)]
#[error("open ONNX Runtime's library: {0}")]
pub struct LoadError(String);

/// What the library refused to do, in its words.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{act}: {why}")]
pub struct OnnxError {
    /// What was wanted: fits "failed to".
    pub act: &'static str,
    /// Why not.
    pub why: String,
}

/// The library, opened.
#[derive(Clone, Copy, Debug)]
pub struct Onnx {
    api: &'static Api,
    environment: session::Environment,
}

/// Opens the library at `path`, at the first call; later ones are answered with the same.
///
/// # Errors
/// The library is missing, or too old, or one that it needs is missing.
pub fn load(path: &Path) -> Result<Onnx, LoadError> {
    static API: OnceLock<Result<Api, LoadError>> = OnceLock::new();
    static ONNX: OnceLock<Result<Onnx, LoadError>> = OnceLock::new();
    let opened = || {
        let api = API.get_or_init(|| Api::open(path).map_err(LoadError)).as_ref();
        let api = api.map_err(Clone::clone)?;
        let environment = session::Environment::new(api);
        let environment = environment.map_err(|error| LoadError(error.to_string()))?;
        Ok(Onnx { api, environment })
    };
    ONNX.get_or_init(opened).clone()
}

impl Onnx {
    /// Its version: `1.22.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.api.version
    }

    /// A session of the network in `model`, the bytes of an ONNX file.
    ///
    /// # Errors
    /// The bytes are damaged, or hold what this version does not know.
    pub fn session(&self, model: &[u8]) -> Result<Session, OnnxError> {
        Session::new(self.api, self.environment, model)
    }
}
