//! The vocabulary of the journal: one entry is one decision.

use super::snapshot::SnapshotId;
use crate::failure::Failure;
use crate::ids::{
    AttemptId, BlobId, Epoch, Incarnation, JobId, PhaseId, PhaseIndex, RequestId, Round, TaskId,
    TaskIndex, WorkerName,
};
use crate::model::ModelRef;
use crate::params::Params;
use crate::plan::Derived;
use crate::records::{RecordSet, SetName, StoredShard};
use crate::time::LogTime;
use crate::tokens::{Role, TokenId};
use serde::{Deserialize, Serialize};

/// Format of the entries that this build writes; named in `Genesis`.
pub const ENTRY_FORMAT: u32 = 1;

/// One decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The first entry of a cluster.
    Genesis {
        /// The cluster's id, drawn once.
        cluster: u128,
        /// [`ENTRY_FORMAT`] of the build that founded it.
        format: u32,
    },
    /// A master begins its reign; the only entry that raises the epoch.
    Claim {
        /// The head's epoch plus one.
        epoch: Epoch,
        /// Who claims, for people.
        holder: String,
    },
    /// The cluster's masters do with entries what a newer version of `apply` does, from here on;
    /// refused unless it is higher than the one before.
    VersionRaised {
        /// At most the [`super::CLUSTER_VERSION`] of every master that reads on.
        version: u32,
    },
    /// A job begins, without tasks.
    JobSubmitted {
        /// The client's name for this submission.
        request: RequestId,
        /// What is to be done.
        spec: JobSpec,
    },
    /// Tasks join a phase; refused unless `first` is the phase's next index.
    TasksAdded {
        /// The phase.
        phase: PhaseId,
        /// Index of the first.
        first: TaskIndex,
        /// How many.
        count: u32,
        /// Their inputs.
        chunk: ChunkRef,
    },
    /// A phase gets no more tasks.
    PhaseSealed {
        /// The phase.
        phase: PhaseId,
    },
    /// Tasks succeeded.
    TasksSettled {
        /// Grouped by consecutive indexes.
        runs: Vec<SettledRun>,
    },
    /// An attempt failed; the task fails with it, or waits for another attempt.
    AttemptFailed {
        /// The task.
        task: TaskId,
        /// The round that the attempt belonged to.
        round: Round,
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        failure: Failure,
        /// Who made it; `None` where nobody did, and in what earlier versions wrote.
        worker: Option<WorkerName>,
    },
    /// A worker was lost with an attempt in its hands.
    WorkerLost {
        /// The task.
        task: TaskId,
        /// The round that the attempt belonged to.
        round: Round,
        /// The attempt.
        attempt: AttemptId,
        /// The worker.
        worker: WorkerName,
    },
    /// Failed tasks are tried again, as their next round.
    TasksReopened {
        /// The phase.
        phase: PhaseId,
        /// Which of its tasks; those that did not fail are left alone.
        tasks: Vec<IndexRange>,
        /// Why, for people.
        why: String,
    },
    /// A job ends without its open tasks.
    JobCancelled {
        /// The job.
        job: JobId,
        /// Why, for people.
        why: String,
    },
    /// A worker registered.
    WorkerJoined {
        /// Its name.
        name: WorkerName,
        /// Its start.
        incarnation: Incarnation,
        /// Whether it lives inside the primary's own process, and so dies with it.
        in_process: bool,
    },
    /// A worker said goodbye, was given up or forgotten; that it is drained stays known.
    WorkerLeft {
        /// Its name.
        name: WorkerName,
        /// The start that left; a newer one stays.
        incarnation: Incarnation,
    },
    /// A worker takes no new attempts and finishes those it holds, or takes new ones again.
    WorkerDrained {
        /// The worker's name; its later starts are meant too.
        name: WorkerName,
        /// Whether it is drained from now on.
        on: bool,
    },
    /// A snapshot of the state behind a record is written and was read back.
    SnapshotTaken(SnapshotId),
    /// A limit changes; refused where there is no such setting, or the value is out of its bounds.
    SettingChanged {
        /// The setting's name, see [`super::Setting`].
        name: String,
        /// Its new value.
        value: u64,
    },
    /// An ended job is dropped with all that the ledger has of it.
    JobForgotten {
        /// The job.
        job: JobId,
    },
    /// Nothing more of a job is handed out, or its tasks are again.
    JobPaused {
        /// The job.
        job: JobId,
        /// Whether it is held back from now on.
        on: bool,
        /// By whom, for people.
        by: String,
    },
    /// Blobs that nothing refers to are about to be moved; nothing moves before this is durable.
    SweepBegun(Sweep),
    /// A token for other machines; refused where its id is taken or there are too many.
    TokenAdded {
        /// Its id.
        id: TokenId,
        /// SHA-256 of its secret.
        hash: [u8; 32],
        /// What it is for.
        role: Role,
        /// For people.
        name: String,
        /// When it ends.
        expires_at: LogTime,
    },
    /// A token gives no right any more, and what was given for it neither.
    TokenRevoked {
        /// Its id.
        id: TokenId,
    },
    /// A record set is there from now on, all of it at once; its shards are durable.
    RecordsLoaded {
        /// What it is.
        set: RecordSet,
        /// Its shards' rows, in the order of the ranges.
        stored: Vec<StoredShard>,
        /// Whether it takes the place of an earlier one of its name; refused otherwise.
        replaces: bool,
    },
    /// A record set is gone.
    RecordsDropped {
        /// Its name.
        name: SetName,
    },
}

/// A part of the blob store that is swept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sweep {
    /// When the marking of the roots began.
    pub marked_at: LogTime,
    /// First byte of the names of the first blobs that it is about.
    pub first: u8,
    /// First byte of the last ones' names, included.
    pub last: u8,
    /// Whether the trash is emptied without another grace.
    pub empties_trash: bool,
}

/// What a user submits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// For people.
    pub name: String,
    /// Hash of what the user asked for; the same command has the same one, run after run.
    pub fingerprint: u128,
    /// The phases, in an order where each waits only for earlier ones.
    pub phases: Vec<PhaseSpec>,
    /// A blob of the client's own about the submission; kept as long as the job.
    pub memorandum: Option<BlobId>,
}

/// One operation over its inputs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PhaseSpec {
    /// The operation's name.
    pub operation: String,
    /// The operation's version at submission.
    pub version: u32,
    /// Normalised parameters.
    pub params: Params,
    /// Phases that must end first.
    pub after: Vec<PhaseIndex>,
    /// What a failed task means for the job.
    pub on_failure: OnFailure,
    /// Whether everything is done anew, also what the memo knows.
    pub fresh: bool,
    /// How its tasks follow from earlier phases; `None`: they are added. It has its own place in
    /// what is stored, behind what was stored before there was such a thing.
    #[serde(skip)]
    pub derived: Option<Derived>,
}

/// What a failed task of a phase means for the job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OnFailure {
    /// The others go on: files do not depend on each other.
    Continue,
    /// The job stops: nothing can be made of a part.
    Stop,
}

/// Where the inputs of added tasks are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ChunkRef {
    /// Nowhere: the tasks have no inputs.
    Count,
    /// Here: an encoded [`crate::input::Chunk`].
    Inline(#[serde(with = "crate::input::bytes")] Vec<u8>),
    /// In a blob that holds an encoded [`crate::input::Chunk`].
    Blob(BlobId),
    /// In what earlier phases made: no entry says this, `apply` does (see [`Derived`]).
    Outputs,
}

/// Consecutive tasks of a phase that succeeded in the same round.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SettledRun {
    /// The phase.
    pub phase: PhaseId,
    /// Their round.
    pub round: Round,
    /// Index of the first.
    pub first: TaskIndex,
    /// Attempt of the first; those of the others follow it.
    pub attempt: AttemptId,
    /// Their results, in order.
    pub results: Results,
}

/// Results of consecutive tasks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Results {
    /// So many tasks without any artifact.
    Empty(u32),
    /// One manifest each.
    Manifests(Vec<BlobId>),
}

/// Consecutive task indexes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct IndexRange {
    /// The first.
    pub first: TaskIndex,
    /// How many.
    pub count: u32,
}

impl Entry {
    /// Whether room on the disk can be made once this is recorded: such entries are written even
    /// where the disk is full.
    #[must_use]
    pub fn frees_room(&self) -> bool {
        matches!(
            self,
            Entry::SnapshotTaken(_)
                | Entry::JobForgotten { .. }
                | Entry::SweepBegun(_)
                | Entry::RecordsDropped { .. }
        )
    }
}

impl PhaseSpec {
    /// A phase without parameters or anything else of its own: it begins at once, and the tasks
    /// beside one that fails go on.
    #[must_use]
    pub fn plain(operation: &str, version: u32) -> PhaseSpec {
        PhaseSpec {
            operation: operation.to_owned(),
            version,
            params: Params::default(),
            after: Vec::new(),
            on_failure: OnFailure::Continue,
            fresh: false,
            derived: None,
        }
    }

    /// The models that its tasks work with.
    pub fn models(&self) -> impl Iterator<Item = ModelRef> {
        self.params.0.values().filter_map(|value| ModelRef::parse(value))
    }
}

impl JobSpec {
    /// The rules of its phases, in order; `None` where no phase has one.
    pub(super) fn derivations(&self) -> Option<Vec<Option<&Derived>>> {
        let derivations = || self.phases.iter().map(|phase| phase.derived.as_ref());
        derivations().any(|it| it.is_some()).then(|| derivations().collect())
    }

    /// The reverse of [`JobSpec::derivations`]; `false` where there are not as many as phases.
    pub(super) fn derive(&mut self, derivations: Vec<Option<Derived>>) -> bool {
        let fits = derivations.len() == self.phases.len();
        for (phase, derived) in self.phases.iter_mut().zip(derivations) {
            phase.derived = derived;
        }
        fits
    }
}

impl Results {
    /// How many tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Results::Empty(count) => *count as usize,
            Results::Manifests(manifests) => manifests.len(),
        }
    }

    /// Whether there is no task in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The manifest at a position; `None` for a task without artifacts.
    #[must_use]
    pub fn manifest(&self, position: usize) -> Option<BlobId> {
        match self {
            Results::Empty(_) => None,
            Results::Manifests(manifests) => manifests.get(position).copied(),
        }
    }
}

impl IndexRange {
    /// The indexes, in order.
    pub fn indexes(self) -> impl Iterator<Item = TaskIndex> {
        (self.first.0..self.first.0.saturating_add(self.count)).map(TaskIndex)
    }
}
