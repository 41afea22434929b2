//! `apply`: the only way a ledger changes. Total: a stale or repeated entry is a counted refusal.

use super::applied::{Applied, Refusal};
use super::entry::{ChunkRef, Entry, IndexRange, JobSpec};
use super::history::Happened;
use super::job::{Counts, Job, JoinedWorker, Outcome, Phase, StoredChunk};
use super::settings::Settings;
use super::snapshot::SnapshotId;
use crate::ids::{
    Epoch, Incarnation, JobId, LoadId, PhaseId, PhaseIndex, RequestId, Round, TaskId, TaskIndex,
    WorkerName,
};
use crate::limits::{CHUNK_TASK_COUNT_MAX, JOB_PHASE_COUNT_MAX};
use crate::records::{LoadedSet, SetName};
use crate::time::LogTime;
use crate::tokens::{Token, TokenId, Tokens};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state that entries build.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// The cluster's id; `None` before its genesis.
    pub cluster: Option<u128>,
    /// What the cluster's masters have agreed to do with entries, see [`CLUSTER_VERSION`].
    ///
    /// [`CLUSTER_VERSION`]: super::CLUSTER_VERSION
    pub version: u32,
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
    /// Who may do what from other machines.
    pub tokens: Tokens,
    /// When the roots of the last whole collection were marked; at first, when the cluster was
    /// founded.
    pub swept_at: LogTime,
    /// The newest job there ever was: a forgotten one's number is not used again.
    pub(super) last_job: JobId,
    /// The record sets.
    pub records: BTreeMap<SetName, Arc<LoadedSet>>,
    /// The newest load there ever was.
    pub(super) last_load: LoadId,
}

/// Announced snapshots that are remembered: the log is kept from the older of them on.
pub(super) const ANNOUNCED_SNAPSHOT_COUNT: usize = 2;

impl Ledger {
    /// Applies one entry at its time; what it did is appended to `out`.
    pub fn apply(&mut self, at: LogTime, entry: &Entry, out: &mut Vec<Applied>) {
        self.time = self.time.max(at);
        let done = match entry {
            Entry::Genesis { cluster, .. } => self.found(*cluster, out),
            Entry::Claim { epoch, .. } => self.claim(*epoch, out),
            Entry::VersionRaised { version } => self.raise_version(*version, out),
            Entry::JobSubmitted { request, spec } => self.submit(*request, spec, out),
            Entry::TasksAdded { phase, first, count, chunk } => {
                self.add(*phase, *first, *count, chunk, out)
            }
            Entry::PhaseSealed { phase } => self.seal(*phase, out),
            Entry::TasksSettled { runs } => {
                runs.iter().for_each(|run| self.settle(run, out));
                Ok(())
            }
            Entry::AttemptFailed { task, round, failure, worker, .. } => {
                self.fail_attempt(*task, *round, failure, worker.as_ref(), out)
            }
            Entry::WorkerLost { task, round, worker, .. } => {
                self.lose_attempt(*task, *round, worker, out)
            }
            Entry::TasksReopened { phase, tasks, why } => self.reopen(*phase, tasks, why, out),
            Entry::JobCancelled { job, why } => self.cancel(*job, why, out),
            Entry::JobPaused { job, on, by } => self.pause(*job, *on, by, out),
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
                self.leave(name, *incarnation, out);
                Ok(())
            }
            Entry::WorkerDrained { name, on } => self.drain(name, *on, out),
            Entry::SnapshotTaken(snapshot) => self.announce(*snapshot, out),
            Entry::SettingChanged { name, value } => self.set(name, *value, out),
            Entry::JobForgotten { job } => self.forget(*job, out),
            Entry::SweepBegun(sweep) => self.begin_sweep(sweep, out),
            Entry::TokenAdded { id, hash, role, name, expires_at } => {
                let token = Token {
                    hash: *hash,
                    role: *role,
                    name: name.clone(),
                    added_at: self.time,
                    expires_at: *expires_at,
                    revoked_at: None,
                };
                self.add_token(*id, token, out)
            }
            Entry::TokenRevoked { id } => self.revoke_token(*id, out),
            Entry::RecordsLoaded { set, stored, replaces } => {
                self.load_records(set, stored, *replaces, out)
            }
            Entry::RecordsDropped { name } => self.drop_records(name, out),
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
        self.derive(id, out);
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
        if phase.spec.derived.is_some() || *chunk == ChunkRef::Outputs {
            return Err(Refusal::Derived);
        }
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
        if phase.spec.derived.is_some() {
            return Err(Refusal::Derived);
        }
        if phase.sealed {
            return Err(Refusal::Sealed);
        }
        phase.sealed = true;
        out.push(Applied::PhaseSealed(id));
        self.end_phase_if_done(id, out);
        Ok(())
    }

    fn cancel(&mut self, id: JobId, why: &str, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        let at = self.time;
        let ended = self.open_job(id)?.end(at, Outcome::Cancelled, why);
        self.note(id, ended);
        out.push(Applied::JobEnded { job: id, outcome: Outcome::Cancelled });
        Ok(())
    }

    fn pause(
        &mut self,
        id: JobId,
        on: bool,
        by: &str,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let at = self.time;
        if let Some(happened) = self.open_job(id)?.pause(at, on, by) {
            self.note(id, happened);
        }
        out.push(Applied::JobPaused(id, on));
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
        if !worker.has_joined() && !on {
            self.workers.remove(name);
        }
        out.push(Applied::WorkerDrained(name.clone(), on));
        Ok(())
    }

    fn add_token(
        &mut self,
        id: TokenId,
        token: Token,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        if !self.tokens.add(id, token) {
            return Err(Refusal::BadToken);
        }
        out.push(Applied::TokensChanged);
        Ok(())
    }

    fn revoke_token(&mut self, id: TokenId, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        if !self.tokens.revoke(id, self.time) {
            return Err(Refusal::UnknownToken);
        }
        out.push(Applied::TokensChanged);
        Ok(())
    }

    /// A start of a worker is gone. That the worker is drained holds for its later ones too.
    fn leave(&mut self, name: &WorkerName, incarnation: Incarnation, out: &mut Vec<Applied>) {
        let Some(known) = self.workers.get_mut(name) else { return };
        if known.incarnation > incarnation {
            return;
        }
        if known.draining {
            known.incarnation = Incarnation::NONE;
        } else {
            self.workers.remove(name);
        }
        out.push(Applied::WorkerLeft(name.clone()));
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

    fn open_job(&mut self, id: JobId) -> Result<&mut Job, Refusal> {
        let job = self.jobs.get_mut(&id).ok_or(Refusal::UnknownJob)?;
        if !job.is_open() {
            return Err(Refusal::JobEnded);
        }
        Ok(Arc::make_mut(job))
    }

    pub(super) fn open_phase(&mut self, id: PhaseId) -> Result<&mut Phase, Refusal> {
        phase_mut(self.open_job(id.job)?, id.phase)
    }

    pub(super) fn open_task(&mut self, task: TaskId, round: Round) -> Result<&mut Phase, Refusal> {
        let phase = self.open_phase(task.phase_id())?;
        match phase.tasks.state(task.index) {
            None => Err(Refusal::UnknownTask),
            Some(_) if !phase.tasks.is_open(task.index, round) => Err(Refusal::NotOpen),
            Some(_) => Ok(phase),
        }
    }

    pub(super) fn end_phase_if_done(&mut self, id: PhaseId, out: &mut Vec<Applied>) {
        if let Some(phase) = self.phase(id).filter(|phase| phase.has_ended()) {
            let Counts { succeeded, failed, .. } = phase.counts;
            out.push(Applied::PhaseEnded(id));
            // With its only phase the job ends, and that tells the same.
            if self.jobs.get(&id.job).is_some_and(|job| job.phases.len() > 1) {
                let ended = Happened::PhaseEnded { phase: id.phase, succeeded, failed };
                self.note(id.job, ended);
            }
            self.derive(id.job, out);
        }
        self.end_if_done(id.job, out);
    }

    fn end_if_done(&mut self, id: JobId, out: &mut Vec<Applied>) {
        let at = self.time;
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.is_open()) else { return };
        if let Some(outcome) = job.outcome() {
            let ended = Arc::make_mut(job).end(at, outcome, "");
            self.note(id, ended);
            out.push(Applied::JobEnded { job: id, outcome });
        }
    }
}

pub(super) fn phase_mut(job: &mut Job, index: PhaseIndex) -> Result<&mut Phase, Refusal> {
    job.phases.get_mut(usize::from(index.0)).ok_or(Refusal::UnknownTask)
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
