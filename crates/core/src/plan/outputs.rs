//! What tasks of a derived phase work on: the recorded results of earlier tasks, by name.

use super::{Derived, Share, TaskCount};
use crate::failure::Failure;
use crate::ids::{BlobId, PhaseIndex, TaskIndex};
use crate::ledger::{IndexRange, Job, TaskState};

/// What consecutive tasks work on; this is what a worker is told of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outputs {
    /// The result that each of these tasks has for itself, in task order; empty where they have
    /// none for themselves. `None`: that task made nothing, or failed.
    pub own: Vec<Option<BlobId>>,
    /// What all of them get.
    pub taken: Vec<Taken>,
}

/// The results of one phase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// What of each.
    pub share: Share,
    /// In task order; what failed or made nothing is not among them.
    pub manifests: Vec<BlobId>,
}

/// A result that a task works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
    /// What lists its artifacts.
    pub manifest: BlobId,
    /// The one artifact that is meant; `None`: all.
    pub part: Option<u32>,
}

impl Outputs {
    /// What the ledger has for tasks of a phase whose earlier phases have ended.
    #[must_use]
    pub fn of(job: &Job, derived: &Derived, range: IndexRange) -> Outputs {
        let manifests = |phase: PhaseIndex| {
            let tasks = job.phase(phase).map(|phase| &phase.tasks);
            move |index| tasks.and_then(|tasks| tasks.manifest(index))
        };
        let own = match derived.count {
            TaskCount::Fixed(_) => Vec::new(),
            TaskCount::EachOf(phase) => range.indexes().map(manifests(phase)).collect(),
        };
        let taken = derived.takes.iter().map(|take| {
            let count = job.phase(take.phase).map_or(0, |phase| phase.tasks.len());
            let all = IndexRange { first: TaskIndex(0), count };
            let manifests = all.indexes().filter_map(manifests(take.phase)).collect();
            Taken { share: take.share, manifests }
        });
        Outputs { own, taken: taken.collect() }
    }

    /// What one of the tasks works on, in order; `first` is the index of the first one.
    #[must_use]
    pub fn of_task(&self, first: TaskIndex, index: TaskIndex) -> Vec<Output> {
        let position = index.0.saturating_sub(first.0) as usize;
        let own = self.own.get(position).copied().flatten();
        let own = own.map(|manifest| Output { manifest, part: None });
        let taken = self.taken.iter().flat_map(|taken| {
            let part = (taken.share == Share::Part).then_some(index.0);
            taken.manifests.iter().map(move |manifest| Output { manifest: *manifest, part })
        });
        own.into_iter().chain(taken).collect()
    }
}

/// Why a task of a phase whose earlier phases have ended cannot begin; `None`: it can. Where one
/// task's failure is the reason, it is this task's failure too.
#[must_use]
pub fn nothing_to_work_on(job: &Job, derived: &Derived, index: TaskIndex) -> Option<Failure> {
    if let TaskCount::EachOf(source) = derived.count {
        let tasks = &job.phase(source)?.tasks;
        if tasks.state(index) == Some(TaskState::Failed) {
            let failure = tasks.failure(index).map(|failed| failed.failure.clone());
            return Some(failure.unwrap_or_else(|| nothing_made(source)));
        }
    }
    let mut takes = derived.takes.iter().map(|take| take.phase);
    let is_empty =
        |phase: &PhaseIndex| job.phase(*phase).is_none_or(|phase| phase.counts.succeeded == 0);
    takes.find(is_empty).map(nothing_made)
}

fn nothing_made(phase: PhaseIndex) -> Failure {
    Failure::rejected(
        "inputs_failed",
        format!("no task of the job's phase {phase}, on which this one builds, succeeded"),
        "See why those failed; then run the same command again with --failed.",
    )
}
