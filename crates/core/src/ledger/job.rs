//! Jobs and phases as the ledger holds them; reading them is public, changing them is `apply`'s.

use super::entry::{ChunkRef, JobSpec, OnFailure, PhaseSpec};
use super::history::History;
use super::table::TaskTable;
use crate::failure::Failure;
use crate::ids::{Epoch, Incarnation, JobId, PhaseIndex, RequestId, TaskIndex};
use crate::time::LogTime;
use serde::{Deserialize, Serialize};

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// Every task succeeded.
    Succeeded,
    /// At least one task failed; the results of the others are kept.
    Failed,
    /// It was cancelled before its tasks had ended.
    Cancelled,
}

/// Where a job stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum JobState {
    /// Has open tasks, or waits for more of them.
    Open,
    /// Ended; a reopening makes it open again.
    Ended(Outcome),
}

/// What a user submitted, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The submission's name.
    pub request: RequestId,
    /// For people.
    pub name: String,
    /// See [`JobSpec::fingerprint`].
    pub fingerprint: u128,
    /// See [`JobSpec::memorandum`].
    pub memorandum: Option<crate::BlobId>,
    /// When it was submitted.
    pub submitted_at: LogTime,
    /// When it last ended.
    pub ended_at: Option<LogTime>,
    /// Where it stands.
    pub state: JobState,
    /// Who holds it back, while it is open.
    pub paused: Option<Paused>,
    /// What has happened to it.
    pub history: History,
    /// Its phases.
    pub phases: Vec<Phase>,
}

/// Why nothing of an open job is handed out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Paused {
    /// Since when.
    pub since: LogTime,
    /// By whom, for people.
    pub by: String,
}

/// One operation over its inputs, and how far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phase {
    /// What is done.
    pub spec: PhaseSpec,
    /// The tasks.
    pub tasks: TaskTable,
    /// Where their inputs are, by first index.
    pub chunks: Vec<StoredChunk>,
    /// Whether it gets no more tasks.
    pub sealed: bool,
    /// How many tasks stand where.
    pub counts: Counts,
}

/// The inputs of consecutive tasks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredChunk {
    /// Index of the first.
    pub first: TaskIndex,
    /// How many.
    pub count: u32,
    /// Where they are.
    pub chunk: ChunkRef,
    /// The reign in which they were added.
    pub epoch: Epoch,
}

/// How many tasks of a phase stand where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Added and not settled.
    pub pending: u32,
    /// Succeeded.
    pub succeeded: u32,
    /// Failed.
    pub failed: u32,
}

/// Why a task failed, or why its last attempt did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailedTask {
    /// The last attempt's failure.
    pub failure: Failure,
    /// Attempts that failed or were lost in the round.
    pub attempt_count: u8,
    /// When the round's first attempt failed.
    pub since: LogTime,
}

/// A worker that registered and has not left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JoinedWorker {
    /// Its newest start; [`Incarnation::NONE`] where that has left and the drain alone is kept.
    pub incarnation: Incarnation,
    /// Whether it lives inside the primary's own process.
    pub in_process: bool,
    /// Whether it takes no new attempts.
    pub draining: bool,
}

impl JoinedWorker {
    /// Whether a start of it has joined and not left; it may hold attempts.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.incarnation != Incarnation::NONE
    }
}

impl Job {
    pub(super) fn new(id: JobId, request: RequestId, spec: JobSpec, at: LogTime) -> Job {
        Job {
            id,
            request,
            name: spec.name,
            fingerprint: spec.fingerprint,
            memorandum: spec.memorandum,
            submitted_at: at,
            ended_at: None,
            state: JobState::Open,
            paused: None,
            history: History::default(),
            phases: spec.phases.into_iter().map(Phase::new).collect(),
        }
    }

    /// Whether it can still change by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == JobState::Open
    }

    /// The phase at a position.
    #[must_use]
    pub fn phase(&self, index: PhaseIndex) -> Option<&Phase> {
        self.phases.get(usize::from(index.0))
    }

    /// Whether the tasks of a phase may be handed out: the job is open, nobody holds it back, and
    /// every phase it waits for has ended.
    #[must_use]
    pub fn is_ready(&self, index: PhaseIndex) -> bool {
        self.is_open() && self.paused.is_none() && self.has_ended_before(index)
    }

    /// Whether every phase that this one waits for has ended.
    pub(super) fn has_ended_before(&self, index: PhaseIndex) -> bool {
        let Some(phase) = self.phase(index) else { return false };
        let ended = |before: &PhaseIndex| self.phase(*before).is_some_and(Phase::has_ended);
        phase.spec.after.iter().all(ended)
    }

    /// The counts of all phases together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.phases.iter().fold(Counts::default(), |sum, phase| Counts {
            pending: sum.pending + phase.counts.pending,
            succeeded: sum.succeeded + phase.counts.succeeded,
            failed: sum.failed + phase.counts.failed,
        })
    }

    /// The outcome that its phases have come to; `None` while something is open.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        let stopped = self
            .phases
            .iter()
            .any(|phase| phase.spec.on_failure == OnFailure::Stop && phase.counts.failed > 0);
        if !stopped && !self.phases.iter().all(Phase::has_ended) {
            return None;
        }
        let failed = self.phases.iter().any(|phase| phase.counts.failed > 0);
        Some(if failed { Outcome::Failed } else { Outcome::Succeeded })
    }
}

impl Phase {
    fn new(spec: PhaseSpec) -> Phase {
        Phase {
            spec,
            tasks: TaskTable::default(),
            chunks: Vec::new(),
            sealed: false,
            counts: Counts::default(),
        }
    }

    /// Whether every task has settled and no more can come.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.sealed && self.counts.pending == 0
    }

    /// The chunk that holds a task's input.
    #[must_use]
    pub fn chunk_of(&self, index: TaskIndex) -> Option<&StoredChunk> {
        let position = self.chunks.partition_point(|chunk| chunk.first <= index).checked_sub(1)?;
        let chunk = &self.chunks[position];
        (index.0 - chunk.first.0 < chunk.count).then_some(chunk)
    }
}
