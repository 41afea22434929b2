//! `apply`: the only way a ledger changes. Total: a stale or repeated entry is a counted refusal.

use super::entry::{ChunkRef, Entry, IndexRange, JobSpec, SettledRun};
use super::job::{FailedTask, Job, JobState, JoinedWorker, Outcome, Phase, StoredChunk};
use super::settings::{Setting, Settings};
use super::snapshot::SnapshotId;
use crate::collection::SweepBatch;
use crate::failure::{Failure, FailureKind};
use crate::ids::{
    BlobId, Epoch, JobId, PhaseId, PhaseIndex, RequestId, Round, TaskId, TaskIndex, WorkerName,
};
use crate::limits::{CHUNK_TASK_COUNT_MAX, JOB_PHASE_COUNT_MAX};
use crate::time::LogTime;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state that entries build.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// The cluster's id; `None` before its genesis.
    pub cluster: Option<u128>,
    /// The newest reign.
    pub epoch: Epoch,
    /// Time of the newest entry.
    pub time: LogTime,
    /// All jobs.
    pub jobs: BTreeMap<JobId, Arc<Job>>,
    /// Workers that registered and have not left.
    pub workers: BTreeMap<WorkerName, JoinedWorker>,
    /// The last announced snapshots, oldest first, at most [`ANNOUNCED_SNAPSHOT_COUNT`].
    pub snapshots: Vec<SnapshotId>,
    pub(super) requests: BTreeMap<RequestId, JobId>,
    /// The limits that can be changed.
    pub settings: Settings,
    /// When the roots of the last collection were marked; at first, when the cluster was founded.
    pub swept_at: LogTime,
    /// The newest job there ever was: a forgotten one's number is not used again.
    pub(super) last_job: JobId,
}

/// Announced snapshots that are remembered: the log is kept from the older of them on.
pub(super) const ANNOUNCED_SNAPSHOT_COUNT: usize = 2;

/// What an entry did. Answers to clients and the scheduler's work are made from these alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied {
    /// The cluster exists.
    Founded,
    /// A reign began.
    Claimed(Epoch),
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
    /// A job is no longer known.
    JobForgotten(JobId),
    /// These blobs may be swept.
    SweepBegun(SweepBatch),
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
    #[error("there is no worker of this name")]
    UnknownWorker,
    /// The task has an outcome in this round already, or another round is open.
    #[error("the task's round has its outcome already")]
    NotOpen,
    /// A snapshot of a state no newer than the last announced one's.
    #[error("a snapshot of this state, or of a newer one, is in place already")]
    SnapshotNotNewer,
    /// Only an ended job can be forgotten.
    #[error("the job has not ended")]
    JobOpen,
    /// No such setting, or not such a value.
    #[error("there is no such setting, or its value is out of bounds")]
    BadSetting,
    /// A sweep of no buckets, or one that was marked in the future.
    #[error("the sweep makes no sense")]
    BadSweep,
}

impl Ledger {
    /// Applies one entry at its time; what it did is appended to `out`.
    pub fn apply(&mut self, at: LogTime, entry: &Entry, out: &mut Vec<Applied>) {
        self.time = self.time.max(at);
        let done = match entry {
            Entry::Genesis { cluster, .. } => self.found(*cluster, out),
            Entry::Claim { epoch, .. } => self.claim(*epoch, out),
            Entry::JobSubmitted { request, spec } => self.submit(*request, spec, out),
            Entry::TasksAdded { phase, first, count, chunk } => {
                self.add(*phase, *first, *count, chunk, out)
            }
            Entry::PhaseSealed { phase } => self.seal(*phase, out),
            Entry::TasksSettled { runs } => {
                runs.iter().for_each(|run| self.settle(run, out));
                Ok(())
            }
            Entry::AttemptFailed { task, round, failure, .. } => {
                self.fail_attempt(*task, *round, failure, out)
            }
            Entry::WorkerLost { task, round, worker, .. } => {
                self.lose_attempt(*task, *round, worker, out)
            }
            Entry::TasksReopened { phase, tasks, .. } => self.reopen(*phase, tasks, out),
            Entry::JobCancelled { job, .. } => self.cancel(*job, out),
            Entry::WorkerJoined { name, incarnation, in_process } => {
                // A drained worker that starts again stays drained.
                let draining = self.workers.get(name).is_some_and(|known| known.draining);
                let (incarnation, in_process) = (*incarnation, *in_process);
                let worker = JoinedWorker { incarnation, in_process, draining };
                self.workers.insert(name.clone(), worker);
                out.push(Applied::WorkerJoined(name.clone()));
                Ok(())
            }
            Entry::WorkerLeft { name, incarnation } => {
                if self.workers.get(name).is_some_and(|known| known.incarnation <= *incarnation) {
                    self.workers.remove(name);
                    out.push(Applied::WorkerLeft(name.clone()));
                }
                Ok(())
            }
            Entry::WorkerDrained { name, on } => self.drain(name, *on, out),
            Entry::SnapshotTaken(snapshot) => self.announce(*snapshot, out),
            Entry::SettingChanged { name, value } => self.set(name, *value, out),
            Entry::JobForgotten { job } => self.forget(*job, out),
            Entry::SweepBegun(sweep) => self.begin_sweep(sweep, out),
        };
        if let Err(refusal) = done {
            out.push(Applied::Refused(refusal));
        }
    }

    /// The job of a request.
    #[must_use]
    pub fn job_of(&self, request: RequestId) -> Option<&Job> {
        self.jobs.get(self.requests.get(&request)?).map(Arc::as_ref)
    }

    /// A phase.
    #[must_use]
    pub fn phase(&self, id: PhaseId) -> Option<&Phase> {
        self.jobs.get(&id.job)?.phase(id.phase)
    }

    /// Whether a task of this round still waits for an outcome and its job for its tasks.
    #[must_use]
    pub fn is_open(&self, task: TaskId, round: Round) -> bool {
        self.jobs.get(&task.job).is_some_and(|job| job.is_open())
            && self.phase(task.phase_id()).is_some_and(|p| p.tasks.is_open(task.index, round))
    }

    fn found(&mut self, cluster: u128, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        if self.cluster.is_some() {
            return Err(Refusal::SecondGenesis);
        }
        self.cluster = Some(cluster);
        self.swept_at = self.time;
        out.push(Applied::Founded);
        Ok(())
    }

    fn claim(&mut self, epoch: Epoch, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        if Some(epoch.0) != self.epoch.0.checked_add(1) {
            return Err(Refusal::EpochNotNext);
        }
        self.epoch = epoch;
        // They lived inside the process of the primary before, which is gone.
        self.workers.retain(|_, worker| !worker.in_process);
        out.push(Applied::Claimed(epoch));
        Ok(())
    }

    fn submit(
        &mut self,
        request: RequestId,
        spec: &JobSpec,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        if let Some(job) = self.requests.get(&request) {
            out.push(Applied::JobSubmitted { job: *job, fresh: false });
            return Ok(());
        }
        if !crate::plan::is_in_order(&spec.phases) || spec.phases.len() > JOB_PHASE_COUNT_MAX {
            return Err(Refusal::BadGraph);
        }
        let id = JobId(self.last_job.0 + 1);
        self.last_job = id;
        self.jobs.insert(id, Arc::new(Job::new(id, request, spec.clone(), self.time)));
        self.requests.insert(request, id);
        out.push(Applied::JobSubmitted { job: id, fresh: true });
        self.end_if_done(id, out);
        Ok(())
    }

    fn add(
        &mut self,
        id: PhaseId,
        first: TaskIndex,
        count: u32,
        chunk: &ChunkRef,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let epoch = self.epoch;
        let phase = self.open_phase(id)?;
        if phase.sealed {
            return Err(Refusal::Sealed);
        }
        let too_many = *chunk != ChunkRef::Count && count as usize > CHUNK_TASK_COUNT_MAX;
        let overflows = first.0.checked_add(count).is_none();
        if first.0 != phase.tasks.len() || count == 0 || too_many || overflows {
            return Err(Refusal::NotNext);
        }
        phase.tasks.add(count);
        phase.counts.pending += count;
        phase.chunks.push(StoredChunk { first, count, chunk: chunk.clone(), epoch });
        out.push(Applied::TasksAdded { phase: id, range: IndexRange { first, count } });
        Ok(())
    }

    fn seal(&mut self, id: PhaseId, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        let phase = self.open_phase(id)?;
        if phase.sealed {
            return Err(Refusal::Sealed);
        }
        phase.sealed = true;
        out.push(Applied::PhaseSealed(id));
        self.end_phase_if_done(id, out);
        Ok(())
    }

    fn settle(&mut self, run: &SettledRun, out: &mut Vec<Applied>) {
        let phase = match self.open_phase(run.phase) {
            Ok(phase) => phase,
            Err(refusal) => return out.push(Applied::Refused(refusal)),
        };
        let mut settled = false;
        for position in 0..run.results.len() {
            let index = u32::try_from(position).ok().and_then(|p| run.first.0.checked_add(p));
            // A run may claim more tasks than there are.
            let Some(index) = index.filter(|index| *index < phase.tasks.len()).map(TaskIndex)
            else {
                out.push(Applied::Refused(Refusal::UnknownTask));
                break;
            };
            if !phase.tasks.is_open(index, run.round) {
                out.push(Applied::Refused(Refusal::NotOpen));
                continue;
            }
            let manifest = run.results.manifest(position);
            phase.tasks.succeed(index, manifest);
            phase.counts.pending -= 1;
            phase.counts.succeeded += 1;
            settled = true;
            let task = run.phase.task(index);
            out.push(Applied::TaskSucceeded { task, round: run.round, manifest });
        }
        if settled {
            self.end_phase_if_done(run.phase, out);
        }
    }

    fn fail_attempt(
        &mut self,
        task: TaskId,
        round: Round,
        failure: &Failure,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let count_max = self.settings.get(Setting::TaskFailureCountMax);
        let unavailable_ms_max = self.settings.get(Setting::UnavailableMinutesMax) * 60_000;
        let phase = self.open_task(task, round)?;
        let count = u64::from(phase.tasks.count_failure(task.index));
        let since = self.keep_failure(task, failure.clone());
        let last = match failure.kind {
            FailureKind::Rejected => true,
            FailureKind::Unavailable => self.time.0 - since.0 >= unavailable_ms_max,
            FailureKind::Crashed | FailureKind::TimedOut | FailureKind::OutOfMemory => {
                count >= count_max
            }
        };
        let backoff = failure.kind == FailureKind::Unavailable;
        self.conclude(task, round, last, backoff, out);
        Ok(())
    }

    fn lose_attempt(
        &mut self,
        task: TaskId,
        round: Round,
        worker: &WorkerName,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let count_max = self.settings.get(Setting::TaskWorkerLostCountMax);
        let phase = self.open_task(task, round)?;
        let last = u64::from(phase.tasks.count_lost(task.index)) >= count_max;
        let failure = Failure::new(
            FailureKind::Crashed,
            "worker_lost",
            format!("worker {worker} was lost while it held this task"),
            "See whether this input brings workers down, then retry it.",
        );
        self.keep_failure(task, failure);
        self.conclude(task, round, last, false, out);
        Ok(())
    }

    /// Keeps a task's newest failure; answers when the round's first one was.
    fn keep_failure(&mut self, task: TaskId, failure: Failure) -> LogTime {
        let now = self.time;
        let Ok(phase) = self.open_phase(task.phase_id()) else { return now };
        let attempt_count =
            phase.tasks.failure_count(task.index) + phase.tasks.lost_count(task.index);
        let since = phase.tasks.failure(task.index).map_or(now, |earlier| earlier.since);
        phase.tasks.keep_failure(task.index, FailedTask { failure, attempt_count, since });
        since
    }

    fn conclude(
        &mut self,
        task: TaskId,
        round: Round,
        last: bool,
        backoff: bool,
        out: &mut Vec<Applied>,
    ) {
        if !last {
            out.push(Applied::TaskWaits { task, round, backoff });
            return;
        }
        let Ok(phase) = self.open_phase(task.phase_id()) else { return };
        phase.tasks.fail(task.index);
        phase.counts.pending -= 1;
        phase.counts.failed += 1;
        out.push(Applied::TaskFailed { task, round });
        self.end_phase_if_done(task.phase_id(), out);
    }

    fn reopen(
        &mut self,
        id: PhaseId,
        tasks: &[IndexRange],
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let job = Arc::make_mut(self.jobs.get_mut(&id.job).ok_or(Refusal::UnknownJob)?);
        if job.state == JobState::Ended(Outcome::Cancelled) {
            return Err(Refusal::JobEnded);
        }
        let phase = phase_mut(job, id.phase)?;
        let mut reopened = false;
        for range in tasks {
            // A range may claim more tasks than there are.
            let end = range.first.0.saturating_add(range.count).min(phase.tasks.len());
            for index in (range.first.0..end).map(TaskIndex) {
                if phase.tasks.reopen(index) {
                    reopened = true;
                    phase.counts.failed -= 1;
                    phase.counts.pending += 1;
                    let round = phase.tasks.round(index);
                    out.push(Applied::TaskReopened { task: id.task(index), round });
                }
            }
        }
        if reopened {
            job.state = JobState::Open;
            job.ended_at = None;
        }
        Ok(())
    }

    fn cancel(&mut self, id: JobId, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        let at = self.time;
        let job = Arc::make_mut(self.jobs.get_mut(&id).ok_or(Refusal::UnknownJob)?);
        if !job.is_open() {
            return Err(Refusal::JobEnded);
        }
        job.state = JobState::Ended(Outcome::Cancelled);
        job.ended_at = Some(at);
        out.push(Applied::JobEnded { job: id, outcome: Outcome::Cancelled });
        Ok(())
    }

    fn drain(
        &mut self,
        name: &WorkerName,
        on: bool,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let worker = self.workers.get_mut(name).ok_or(Refusal::UnknownWorker)?;
        worker.draining = on;
        out.push(Applied::WorkerDrained(name.clone(), on));
        Ok(())
    }

    fn announce(&mut self, snapshot: SnapshotId, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        if self.snapshots.last().is_some_and(|newest| newest.seq >= snapshot.seq) {
            return Err(Refusal::SnapshotNotNewer);
        }
        self.snapshots.push(snapshot);
        if self.snapshots.len() > ANNOUNCED_SNAPSHOT_COUNT {
            self.snapshots.remove(0);
        }
        out.push(Applied::SnapshotTaken(snapshot));
        Ok(())
    }

    fn open_phase(&mut self, id: PhaseId) -> Result<&mut Phase, Refusal> {
        let job = self.jobs.get_mut(&id.job).ok_or(Refusal::UnknownJob)?;
        if !job.is_open() {
            return Err(Refusal::JobEnded);
        }
        phase_mut(Arc::make_mut(job), id.phase)
    }

    fn open_task(&mut self, task: TaskId, round: Round) -> Result<&mut Phase, Refusal> {
        let phase = self.open_phase(task.phase_id())?;
        match phase.tasks.state(task.index) {
            None => Err(Refusal::UnknownTask),
            Some(_) if !phase.tasks.is_open(task.index, round) => Err(Refusal::NotOpen),
            Some(_) => Ok(phase),
        }
    }

    fn end_phase_if_done(&mut self, id: PhaseId, out: &mut Vec<Applied>) {
        if self.phase(id).is_some_and(Phase::has_ended) {
            out.push(Applied::PhaseEnded(id));
        }
        self.end_if_done(id.job, out);
    }

    fn end_if_done(&mut self, id: JobId, out: &mut Vec<Applied>) {
        let at = self.time;
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.is_open()) else { return };
        if let Some(outcome) = job.outcome() {
            let job = Arc::make_mut(job);
            job.state = JobState::Ended(outcome);
            job.ended_at = Some(at);
            out.push(Applied::JobEnded { job: id, outcome });
        }
    }
}

fn phase_mut(job: &mut Job, index: PhaseIndex) -> Result<&mut Phase, Refusal> {
    job.phases.get_mut(usize::from(index.0)).ok_or(Refusal::UnknownTask)
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
