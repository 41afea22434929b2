//! What a master tells of its state: plain copies, taken between two turns of its loop.

use crate::balance::Strategy;
use crate::calls::Calls;
use crate::ledger::{Applied, Counts, FailedTask, Job, JobState, Phase, PhaseSpec, TaskState};
use crate::meters::{Gauges, Meters};
use crate::session::{Running, Withdrawal};
use crate::{BlobId, JobId, LogTime, Round, TaskId, TaskIndex, WorkerName};
use std::collections::BTreeMap;

/// A job at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobView {
    /// Its number.
    pub id: JobId,
    /// For people.
    pub name: String,
    /// See [`crate::ledger::JobSpec::fingerprint`].
    pub fingerprint: u128,
    /// See [`crate::ledger::JobSpec::memorandum`].
    pub memorandum: Option<BlobId>,
    /// When it was submitted.
    pub submitted_at: LogTime,
    /// Where it stands.
    pub state: JobState,
    /// Its phases.
    pub phases: Vec<PhaseView>,
}

/// A phase at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhaseView {
    /// What is done.
    pub spec: PhaseSpec,
    /// How many tasks there are.
    pub task_count: u32,
    /// Where they stand.
    pub counts: Counts,
    /// Whether it gets no more tasks.
    pub sealed: bool,
}

/// A task at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskView {
    /// Its position.
    pub index: TaskIndex,
    /// Where it stands.
    pub state: TaskState,
    /// Its round.
    pub round: Round,
    /// Its result.
    pub manifest: Option<BlobId>,
    /// Its last failure.
    pub failure: Option<FailedTask>,
}

/// A worker at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerView {
    /// Its name.
    pub name: WorkerName,
    /// Its slots.
    pub slots: u32,
    /// What they do, as last heard.
    pub running: Vec<Running>,
    /// What it offers no more.
    pub withdrawn: Vec<Withdrawal>,
}

/// Direct calls at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallsView {
    /// Calls without a whole answer.
    pub open_count: usize,
    /// By operation, those that connected workers offer or that were called.
    pub operations: BTreeMap<String, OperationCalls>,
}

/// How the calls of an operation are shared out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OperationCalls {
    /// How a worker is chosen.
    pub strategy: Strategy,
    /// Calls that wait because every worker that offers it is full.
    pub waiting_count: usize,
    /// Calls given to each connected worker, by name.
    pub served: BTreeMap<WorkerName, u64>,
}

impl CallsView {
    /// The calls as they stand.
    #[must_use]
    pub fn of(calls: &Calls) -> CallsView {
        let mut operations: BTreeMap<String, OperationCalls> = BTreeMap::new();
        for served in calls.served() {
            let operation = operations.entry(served.operation).or_default();
            *operation.served.entry(served.worker).or_default() += served.count;
        }
        for (name, count) in calls.waiting() {
            operations.entry(name.to_owned()).or_default().waiting_count = count;
        }
        for (name, operation) in &mut operations {
            operation.strategy = calls.strategy(name);
        }
        CallsView { open_count: calls.open_count(), operations }
    }
}

/// What a master counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetersView {
    /// Since it began to reign.
    pub meters: Meters,
    /// At this moment.
    pub gauges: Gauges,
}

/// What there is to know before a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectionView {
    /// Whether it is time for one.
    pub is_due: bool,
    /// See [`crate::collection::Collection::turn_ms`].
    pub turn_ms: u64,
    /// What the results kept for the memo may take.
    pub memo_bytes_max: u64,
}

/// Something that has happened, durably.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A task has its outcome for this round.
    TaskSettled(TaskId),
    /// A job has ended.
    JobEnded(JobId),
}

impl Notice {
    /// What watchers are told of something that was done.
    #[must_use]
    pub fn of(done: &Applied) -> Option<Notice> {
        match done {
            Applied::TaskSucceeded { task, .. } | Applied::TaskFailed { task, .. } => {
                Some(Notice::TaskSettled(*task))
            }
            Applied::JobEnded { job, .. } => Some(Notice::JobEnded(*job)),
            _ => None,
        }
    }
}

impl JobView {
    /// The job as it stands.
    #[must_use]
    pub fn of(job: &Job) -> JobView {
        JobView {
            id: job.id,
            name: job.name.clone(),
            fingerprint: job.fingerprint,
            memorandum: job.memorandum,
            submitted_at: job.submitted_at,
            state: job.state.clone(),
            phases: job.phases.iter().map(PhaseView::of).collect(),
        }
    }
}

impl PhaseView {
    fn of(phase: &Phase) -> PhaseView {
        PhaseView {
            spec: phase.spec.clone(),
            task_count: phase.tasks.len(),
            counts: phase.counts,
            sealed: phase.sealed,
        }
    }
}

impl TaskView {
    /// The task at a position of a phase; `None`: there is none.
    #[must_use]
    pub fn of(phase: &Phase, index: TaskIndex) -> Option<TaskView> {
        Some(TaskView {
            index,
            state: phase.tasks.state(index)?,
            round: phase.tasks.round(index),
            manifest: phase.tasks.manifest(index),
            failure: phase.tasks.failure(index).cloned(),
        })
    }
}
