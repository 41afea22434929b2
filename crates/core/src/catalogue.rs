//! What operations exist, as data: the master plans from specs alone and never links the functions.

use crate::media::Media;
use crate::params::{ParamSpec, Params};
use crate::plan::Step;

/// Where an operation's function runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Home {
    /// In a confined child process: it parses what may be hostile.
    Executor,
    /// In the worker itself: it parses nothing.
    Worker,
    /// The user's own program, in a profile of its own.
    Command,
}

/// What an operation is fed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepts {
    /// Files of these kinds.
    Media(&'static [Media]),
    /// Any file.
    AnyFile,
    /// Any file, or no files at all: `count` tasks without input.
    FilesOrCount,
    /// No file: one task, whose parameters say everything.
    Nothing,
}

/// Whether an earlier result may answer for a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cacheable {
    /// Never: doing it is the point.
    Never,
    /// Always: equal inputs and parameters give equal results.
    Always,
    /// With the parameter `memo=true`, by which the user says so.
    Asked,
    /// With this parameter, which makes the work costly; its results hold their input's name.
    With(&'static str),
}

/// One operation, declared.
#[derive(Clone, Debug)]
pub struct OperationSpec {
    /// snake_case name: the `--op` value and the folder of its results.
    pub name: &'static str,
    /// Raised whenever the same input gives another result.
    pub version: u32,
    /// One line for lists.
    pub summary: &'static str,
    /// What it is fed.
    pub accepts: Accepts,
    /// Declared parameters.
    pub params: &'static [ParamSpec],
    /// Where its function runs.
    pub home: Home,
    /// Whether a memo may answer.
    pub cacheable: Cacheable,
    /// Total time of an attempt in milliseconds.
    pub attempt_ms_max: u64,
    /// An attempt without progress for so long is killed; `None`: only the total limit holds.
    pub progress_ms_max: Option<u64>,
    /// Address space of the executor in bytes.
    pub memory_bytes_max: u64,
    /// All artifacts of one attempt together, in bytes.
    pub output_bytes_max: u64,
    /// The phases that its work is divided into, each building on the one before; empty where a
    /// task does all of its work.
    pub steps: &'static [Step],
}

impl OperationSpec {
    /// Whether results with these parameters are looked up and kept in the memo.
    #[must_use]
    pub fn uses_memo(&self, params: &Params) -> bool {
        match self.cacheable {
            Cacheable::Never => false,
            Cacheable::Always => true,
            Cacheable::Asked => params.is_true("memo"),
            Cacheable::With(name) => params.text(name).is_some(),
        }
    }

    /// Whether it can run without files.
    #[must_use]
    pub fn runs_without_files(&self) -> bool {
        matches!(self.accepts, Accepts::FilesOrCount | Accepts::Nothing)
    }

    /// Whether it can be called: it runs in the worker itself, and without a file.
    #[must_use]
    pub fn is_callable(&self) -> bool {
        self.home == Home::Worker && self.runs_without_files()
    }

    /// Whether a file of this kind can be fed to it.
    #[must_use]
    pub fn accepts_media(&self, media: Media) -> bool {
        match &self.accepts {
            Accepts::Media(kinds) => kinds.contains(&media),
            Accepts::AnyFile | Accepts::FilesOrCount => true,
            Accepts::Nothing => false,
        }
    }
}
