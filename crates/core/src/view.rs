//! What a master tells of its state: plain copies, taken between two turns of its loop.

mod stall;

pub(crate) use stall::listed;
pub use stall::{Stall, StallKind};

use crate::balance::Strategy;
use crate::calls::Calls;
use crate::ledger::{
    Applied, Counts, FailedTask, Job, JobEvent, JobState, Paused, Phase, PhaseSpec, TaskState,
};
use crate::meters::{Gauges, Meters};
use crate::plan;
use crate::session::{Offer, Running, Usage, Withdrawal};
use crate::{BlobId, Epoch, JobId, LogTime, Round, TaskId, TaskIndex, WorkerName};
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
    /// When it last ended.
    pub ended_at: Option<LogTime>,
    /// Where it stands.
    pub state: JobState,
    /// Who holds it back.
    pub paused: Option<Paused>,
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

/// What has happened to a job, as far as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryView {
    /// When this was told, by the master's wall.
    pub told_at: LogTime,
    /// The job then.
    pub job: JobView,
    /// Events that were asked for, oldest first, each with its number.
    pub events: Vec<(u64, JobEvent)>,
    /// Why it does not move, where something is in its way.
    pub stalls: Vec<Stall>,
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

/// The cluster at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterView {
    /// The cluster's id.
    pub cluster: u128,
    /// The primary's reign.
    pub epoch: Epoch,
    /// Who is connected, by name.
    pub workers: Vec<WorkerView>,
    /// Who is known and not connected, by name.
    pub absent_workers: Vec<AbsentWorker>,
    /// Who is connected and waits for a name that another one has, by name.
    pub waiting_workers: Vec<WaitingWorker>,
    /// Why something does not move, the gravest first.
    pub stalls: Vec<Stall>,
    /// Whether the journal's disk is full.
    pub waits_for_room: bool,
    /// Direct calls.
    pub calls: CallsView,
}

/// A connected worker at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerView {
    /// Its name.
    pub name: WorkerName,
    /// Where it is, for people.
    pub place: String,
    /// Its slots.
    pub slots: u32,
    /// Whether it takes no new attempts and no calls.
    pub draining: bool,
    /// How long ago it was last heard; it is lost after [`crate::limits::LEASE_MS`].
    pub heard_ms_ago: u64,
    /// Attempts in its hands, at work or waiting for a slot.
    pub held_count: u32,
    /// Calls in its hands.
    pub held_call_count: u32,
    /// Attempts that it wants to hold at once.
    pub credit: u32,
    /// What its slots do, as last heard.
    pub running: Vec<SlotWork>,
    /// What it uses of its machine, as last heard; `None`: it does not know.
    pub usage: Option<Usage>,
    /// What it can do.
    pub offers: Vec<Offer>,
    /// What it offers no more.
    pub withdrawn: Vec<Withdrawal>,
    /// Tasks that it has settled since it connected.
    pub task_count: u64,
    /// Calls that it was given since it connected.
    pub call_count: u64,
}

/// What a slot does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotWork {
    /// As the worker tells it.
    pub running: Running,
    /// The operation; `None`: the task is not known any more, its job is forgotten.
    pub operation: Option<String>,
}

/// A worker that is known and not connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AbsentWorker {
    /// Its name.
    pub name: WorkerName,
    /// Whether it gets nothing once it comes back.
    pub draining: bool,
    /// How long ago it was last heard; `None`: not by this master.
    pub seen_ms_ago: Option<u64>,
}

/// A worker whose name another one has: it is welcome once that one is gone, and refused once that
/// one is heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingWorker {
    /// The name.
    pub name: WorkerName,
    /// Where it is, for people.
    pub place: String,
    /// How long it has waited.
    pub waits_ms: u64,
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
    /// Calls given to a worker since it connected.
    #[must_use]
    pub fn given_to(&self, worker: &WorkerName) -> u64 {
        self.operations.values().filter_map(|calls| calls.served.get(worker)).sum()
    }

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
            ended_at: job.ended_at,
            state: job.state.clone(),
            paused: job.paused.clone(),
            phases: job.phases.iter().map(PhaseView::of).collect(),
        }
    }

    /// Where its files stand, see [`plan::file_counts`].
    #[must_use]
    pub fn file_counts(&self) -> Counts {
        plan::file_counts(&self.standings(), &self.state)
    }

    /// Where the tasks of its phases stand, those that are still to come being open; and whether
    /// other phases build on them.
    #[must_use]
    pub fn expected(&self) -> Vec<(&PhaseView, Counts, bool)> {
        let standings = self.standings();
        let specs: Vec<&PhaseSpec> = self.phases.iter().map(|phase| &phase.spec).collect();
        let of = |(position, phase)| {
            let counts = plan::expected_counts(&standings, position);
            (phase, counts, plan::is_intermediate(&specs, position))
        };
        self.phases.iter().enumerate().map(of).collect()
    }

    fn standings(&self) -> Vec<(&PhaseSpec, Counts)> {
        self.phases.iter().map(|phase| (&phase.spec, phase.counts)).collect()
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
