//! The operations: functions from an input and parameters to artifacts, one file each.
//!
//! An operation knows its input and its output, nothing of masters, workers or the network.

pub mod command;
mod document;
mod earlier;
mod encoding;
pub mod factorial;
mod image;
mod noop;
mod text;
mod word_count;
mod work;

pub use earlier::{Earlier, EarlierArtifact};
pub use work::{Output, Source, Work, input_changed};

use windlass_core::Failure;
use windlass_core::catalogue::OperationSpec;

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
}

/// Every operation of this build, by name.
pub const OPERATIONS: &[Operation] = &[
    command::OPERATION,
    document::OPERATION,
    factorial::OPERATION,
    image::OPERATION,
    noop::OPERATION,
    text::OPERATION,
    word_count::OPERATION,
];

/// The operation of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.spec.name == name)
}

impl Operation {
    /// The help page: the module's doc comment as Markdown text.
    #[must_use]
    pub fn doc(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }
}
