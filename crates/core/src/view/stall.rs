//! Reasons why something does not move, as a master tells them.

use crate::limits::STALL_NAME_COUNT_MAX;

/// A reason why something does not move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stall {
    /// Which.
    pub kind: StallKind,
    /// An operation, a worker, a slot with its task, or a job; empty: the cluster as a whole.
    pub about: String,
    /// Tasks that wait for this.
    pub task_count: u32,
    /// What is so, with its numbers, for people.
    pub told: String,
    /// What can be done.
    pub next_step: String,
}

/// Reasons why something does not move, the gravest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StallKind {
    /// The disk of the state is full.
    DiskFull,
    /// The wall clock is not believed.
    Clock,
    /// No worker is connected.
    NoWorker,
    /// No connected worker offers an operation.
    NotOffered,
    /// All workers that offer an operation are drained.
    Drained,
    /// Workers of the reign before may still hold tasks.
    Awaited,
    /// Tasks wait before they are tried again.
    Paused,
    /// Groups of a record set have no worker, or a worker waits for one that there is not.
    Unserved,
    /// A slot shows no progress.
    Quiet,
    /// A worker is not heard.
    Silent,
    /// A job waits for whoever submits it.
    Unsealed,
    /// All slots that may take tasks are at work.
    Busy,
}

impl StallKind {
    /// All of them, the gravest first.
    pub const ALL: [StallKind; 12] = [
        StallKind::DiskFull,
        StallKind::Clock,
        StallKind::NoWorker,
        StallKind::NotOffered,
        StallKind::Drained,
        StallKind::Awaited,
        StallKind::Paused,
        StallKind::Unserved,
        StallKind::Quiet,
        StallKind::Silent,
        StallKind::Unsealed,
        StallKind::Busy,
    ];

    /// Its name, for programs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            StallKind::DiskFull => "disk_full",
            StallKind::Clock => "clock",
            StallKind::NoWorker => "no_worker",
            StallKind::NotOffered => "not_offered",
            StallKind::Drained => "drained",
            StallKind::Awaited => "awaited",
            StallKind::Paused => "paused",
            StallKind::Unserved => "unserved",
            StallKind::Quiet => "quiet",
            StallKind::Silent => "silent",
            StallKind::Unsealed => "unsealed",
            StallKind::Busy => "busy",
        }
    }

    /// Whether something stands still; otherwise it only waits for its turn.
    #[must_use]
    pub fn stands_still(self) -> bool {
        self != StallKind::Busy
    }

    /// Whether tasks wait because nobody may take them now.
    #[must_use]
    pub fn holds_tasks(self) -> bool {
        use StallKind::{Awaited, Drained, NoWorker, NotOffered, Paused};
        matches!(self, NoWorker | NotOffered | Drained | Awaited | Paused)
    }
}

/// The first of these names, and how many more there are.
pub(crate) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let (told, more) = names.split_at(names.len().min(STALL_NAME_COUNT_MAX));
    let told = told.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if more.is_empty() { told } else { format!("{told} and {} more", more.len()) }
}
