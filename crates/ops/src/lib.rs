//! The operations: functions from an input and parameters to artifacts, one file each.
//!
//! An operation knows its input and its output, nothing of masters, workers or the network.

mod audio;
pub mod command;
mod document;
mod earlier;
mod embedding;
mod encoding;
pub mod factorial;
mod image;
#[cfg(test)]
mod kept;
pub mod models;
mod needs;
mod noop;
mod ocr;
mod text;
mod word_count;
mod work;

pub use earlier::Earlier;
pub use needs::{Extra, Lack};
pub use windlass_native::library::{FOLDER_VARIABLE as LIBRARY_VARIABLE, folder as library_folder};
pub use work::{Model, Output, Source, SourceReader, Work, input_changed};

use needs::{NEEDS, Need};
use windlass_core::Failure;
use windlass_core::catalogue::OperationSpec;
use windlass_core::media::Media;
use windlass_core::params::Params;

/// An operation's function.
pub type Function = fn(&mut Work<'_>) -> Result<(), Failure>;

/// One operation: its declaration, its help page and its function.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Name, parameters, limits.
    pub spec: &'static OperationSpec,
    /// Source text whose leading `//!` lines are the help page.
    pub source: &'static str,
    /// The function; `None` for an operation whose work is the user's own program.
    pub run: Option<Function>,
    /// Whether a call with these parameters, not normalised yet, takes less than waking a thread
    /// for it would, some tens of microseconds; `None`: none does.
    pub is_instant: Option<fn(&Params) -> bool>,
}

/// Every operation of this build, by name.
pub const OPERATIONS: &[Operation] = &[
    audio::OPERATION,
    command::OPERATION,
    document::OPERATION,
    embedding::OPERATION,
    factorial::OPERATION,
    image::OPERATION,
    noop::OPERATION,
    ocr::OPERATION,
    text::OPERATION,
    word_count::OPERATION,
];

/// Plain names of operations, as people know them from the older systems; a user may write either.
pub const PLAIN_NAMES: &[(&str, &str)] =
    &[("pdf-to-text", "document"), ("word-count", "word_count")];

/// The operation of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.spec.name == name)
}

/// The operation that a user means by a name, its own one or a plain one.
#[must_use]
pub fn named(name: &str) -> Option<&'static Operation> {
    let plain = PLAIN_NAMES.iter().find(|(plain, _)| *plain == name);
    find(plain.map_or(name, |(_, own)| own))
}

impl Operation {
    /// The plain names that mean it.
    pub fn plain_names(&self) -> impl Iterator<Item = &'static str> {
        PLAIN_NAMES.iter().filter(|(_, own)| *own == self.spec.name).map(|(plain, _)| *plain)
    }

    /// What this machine lacks for it, by a look that opens nothing.
    #[must_use]
    pub fn lack(&self) -> Option<Lack> {
        self.need().and_then(|need| (need.lack)())
    }

    /// What of this machine, beside the program, results from a file of this kind with these
    /// parameters depend on.
    #[must_use]
    pub fn basis(&self, params: &Params, media: Media) -> Vec<(String, String)> {
        self.need().map(|need| (need.basis)(params, media)).unwrap_or_default()
    }

    /// What it uses of this machine where that is there. Opens libraries: not for every start.
    #[must_use]
    pub fn extras(&self) -> Vec<Extra> {
        self.need().map(|need| (need.extras)()).unwrap_or_default()
    }

    fn need(&self) -> Option<&'static Need> {
        NEEDS.iter().find(|need| need.operation == self.spec.name)
    }

    /// The help page: the module's doc comment as Markdown text.
    #[must_use]
    pub fn doc(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }
}
