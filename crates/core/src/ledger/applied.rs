//! What an entry did, or why it did nothing.

use super::entry::IndexRange;
use super::job::Outcome;
use super::snapshot::SnapshotId;
use crate::collection::SweepBatch;
use crate::ids::{BlobId, Epoch, JobId, LoadId, PhaseId, Round, TaskId, WorkerName};
use crate::records::SetName;

/// What an entry did. Answers to clients and the scheduler's work are made from these alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied {
    /// The cluster exists.
    Founded,
    /// A reign began.
    Claimed(Epoch),
    /// The cluster does what this version does.
    VersionRaised(u32),
    /// A job exists; `fresh` is false where the request had made it before.
    JobSubmitted {
        /// The job.
        job: JobId,
        /// Whether this entry made it.
        fresh: bool,
    },
    /// Tasks were added.
    TasksAdded {
        /// The phase.
        phase: PhaseId,
        /// Which.
        range: IndexRange,
    },
    /// A phase gets no more tasks.
    PhaseSealed(PhaseId),
    /// A task succeeded.
    TaskSucceeded {
        /// The task.
        task: TaskId,
        /// Its round.
        round: Round,
        /// Its result; `None` without artifacts.
        manifest: Option<BlobId>,
    },
    /// A task failed for good in its round.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// Its round.
        round: Round,
    },
    /// A task waits for another attempt.
    TaskWaits {
        /// The task.
        task: TaskId,
        /// Its round.
        round: Round,
        /// Whether the failed attempt asked for a pause before the next one.
        backoff: bool,
    },
    /// A task was opened again.
    TaskReopened {
        /// The task.
        task: TaskId,
        /// Its new round.
        round: Round,
    },
    /// An ended job is open again; what had no outcome in it when it ended waits for one again.
    JobReopened(JobId),
    /// Every task of a phase has settled; phases that waited for it may go.
    PhaseEnded(PhaseId),
    /// A job ended.
    JobEnded {
        /// The job.
        job: JobId,
        /// How.
        outcome: Outcome,
    },
    /// A worker registered.
    WorkerJoined(WorkerName),
    /// A worker left.
    WorkerLeft(WorkerName),
    /// A worker takes no new attempts from now on, or takes them again.
    WorkerDrained(WorkerName, bool),
    /// A snapshot is in place; what it replaces may go.
    SnapshotTaken(SnapshotId),
    /// A limit has another value.
    SettingChanged,
    /// Nothing more of a job is handed out from now on, or its tasks are again.
    JobPaused(JobId, bool),
    /// A job is no longer known.
    JobForgotten(JobId),
    /// These blobs may be swept.
    SweepBegun(SweepBatch),
    /// A token was added or revoked.
    TokensChanged,
    /// A record set is there; an earlier one of its name is gone.
    RecordsLoaded(SetName, LoadId),
    /// A record set is gone.
    RecordsDropped(SetName),
    /// The entry changed nothing.
    Refused(Refusal),
}

/// Why an entry changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is a cluster already.
    #[error("the cluster exists already")]
    SecondGenesis,
    /// A claim that is not the next epoch.
    #[error("the claim is not the next epoch")]
    EpochNotNext,
    /// A version that the cluster has already.
    #[error("the cluster has this version already")]
    VersionNotHigher,
    /// No such job.
    #[error("there is no such job")]
    UnknownJob,
    /// No such phase or task.
    #[error("there is no such phase or task")]
    UnknownTask,
    /// The job has ended.
    #[error("the job has ended")]
    JobEnded,
    /// A job with too many phases, or a phase that waits for a later one.
    #[error("the job's phases are not in order, or too many")]
    BadGraph,
    /// Tasks that are not the phase's next, too many of them, or none.
    #[error("the tasks are not the phase's next ones")]
    NotNext,
    /// The phase gets no more tasks.
    #[error("the phase is sealed")]
    Sealed,
    /// No worker of this name has registered.
    #[error("there is no worker of this name; `windlass worker list` shows which there are")]
    UnknownWorker,
    /// A connected worker cannot be forgotten.
    #[error(
        "it is connected; `windlass worker drain NAME --wait` lets it finish, then stop it where it \
         runs and forget it"
    )]
    WorkerConnected,
    /// The task has an outcome in this round already, or another round is open.
    #[error("the task's round has its outcome already")]
    NotOpen,
    /// A snapshot of a state no newer than the last announced one's.
    #[error("a snapshot of this state, or of a newer one, is in place already")]
    SnapshotNotNewer,
    /// An entry that does not fit a record, or something in it that is longer than it may be.
    #[error("it is longer than it may be, or names too much at once; ask for less at a time")]
    TooLarge,
    /// Only an ended job can be forgotten.
    #[error("the job has not ended")]
    JobOpen,
    /// No such setting, or not such a value.
    #[error("there is no such setting, or its value is out of bounds")]
    BadSetting,
    /// The phase's tasks follow from earlier phases.
    #[error("the phase's tasks follow from earlier phases; nobody adds them")]
    Derived,
    /// A task that builds on one of these has been opened as often as can be.
    #[error("a task that builds on these cannot be opened again")]
    RoundsUsedUp,
    /// A sweep of no buckets, or one that was marked in the future.
    #[error("the sweep makes no sense")]
    BadSweep,
    /// A token's id is taken, there are too many, or it ends before it begins.
    #[error("the token is not added: there are too many, or it would have expired already")]
    BadToken,
    /// No token of this id that is not revoked.
    #[error("there is no such token, or it is revoked already")]
    UnknownToken,
    /// There is one already, and it was not to be replaced.
    #[error("there is a record set of this name; --replace puts the new one in its place")]
    RecordsExist,
    /// No such record set.
    #[error("there is no record set of this name; `windlass records list` shows those there are")]
    UnknownRecords,
    /// A description that does not hold together, or other shards than it says.
    #[error("the record set's description does not fit its shards")]
    BadRecords,
    /// No more record sets are taken.
    #[error(
        "there are as many record sets as there may be; drop one, or raise record_set_count_max"
    )]
    TooManyRecords,
}
