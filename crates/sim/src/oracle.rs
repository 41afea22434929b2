//! What must hold at every moment, whatever happens: of what was told to somebody, and of what
//! masters do.

use crate::client::Script;
use crate::crashes::Crashes;
use crate::reader::Reader;
use crate::store::Store;
use crate::task::{Kind, digest_of, kind_of, maker_of, seen_of};
use crate::wire::MasterLife;
use crate::withdrawals::Withdrawals;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::ledger::{Applied, IndexRange, JobState, Ledger, Outcome, Phase, TaskState};
use windlass_core::plan::{Outputs, Take, TaskCount, nothing_to_work_on};
use windlass_core::session::AssignRun;
use windlass_core::{
    AttemptId, BlobId, Epoch, JobId, PhaseId, PhaseIndex, Round, TaskId, TaskIndex,
};

/// Everything that was ever said aloud and must stay true.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// Outcomes that somebody was told.
    pub(crate) outcomes: BTreeMap<(TaskId, Round), Option<BlobId>>,
    /// Attempts handed out, for ever.
    attempts: BTreeSet<AttemptId>,
    /// Tasks that a client was told exist.
    promised_tasks: BTreeMap<PhaseId, u32>,
    /// Who worked in which epoch.
    epochs: BTreeMap<Epoch, MasterLife>,
    cancelled: BTreeSet<JobId>,
    /// Open jobs that somebody was told are paused.
    paused: BTreeSet<JobId>,
    /// Some wall clock has jumped: an hour of the log may be a moment.
    pub(crate) clocks_jumped: bool,
    /// Where tasks crashed.
    pub(crate) crashes: Crashes,
    /// Blobs that no crash takes.
    pub(crate) durable: Store,
    /// What workers offer no more.
    pub(crate) withdrawals: Withdrawals,
    /// Who looks something up.
    pub(crate) reader: Reader,
}

impl Oracle {
    /// A master works in an epoch.
    pub(crate) fn on_epoch(&mut self, epoch: Epoch, master: MasterLife) -> Result<(), String> {
        let first = *self.epochs.entry(epoch).or_insert(master);
        if first == master {
            return Ok(());
        }
        Err(format!("epoch {epoch} is used by {master:?} and by {first:?}"))
    }

    /// A client was told that these tasks exist.
    pub(crate) fn on_promised(&mut self, phase: PhaseId, count: u32) {
        self.promised_tasks.insert(phase, count);
    }

    /// An entry is in the log, and this is what it did.
    pub(crate) fn on_applied(
        &mut self,
        ledger: &Ledger,
        applied: &[Applied],
    ) -> Result<(), String> {
        for done in applied {
            let (task, round, outcome) = match done {
                Applied::TaskSucceeded { task, round, manifest } => {
                    let manifest = manifest.ok_or("a result is missing")?;
                    let made = maker_of(manifest);
                    if made.task != *task || made.round != *round {
                        return Err(format!("task {task} has the result of {made:?}"));
                    }
                    if !self.durable.contains(manifest) {
                        return Err(format!("the result of task {task} is not durable"));
                    }
                    check_built(ledger, *task, manifest)?;
                    (*task, *round, Some(manifest))
                }
                Applied::TaskFailed { task, round } => (*task, *round, None),
                Applied::JobEnded { job, outcome } => {
                    self.paused.remove(job);
                    if *outcome == Outcome::Cancelled {
                        self.cancelled.insert(*job);
                    }
                    continue;
                }
                Applied::JobPaused(job, on) => {
                    if *on {
                        self.paused.insert(*job)
                    } else {
                        self.paused.remove(job)
                    };
                    continue;
                }
                _ => continue,
            };
            if self.cancelled.contains(&task.job) {
                return Err(format!("task {task} of a cancelled job got an outcome"));
            }
            if self.outcomes.insert((task, round), outcome).is_some() {
                return Err(format!("task {task} round {round} has two outcomes"));
            }
        }
        Ok(())
    }

    /// Exactly the jobs are paused of which somebody was told so.
    pub(crate) fn check_paused(&self, ledger: &Ledger) -> Result<(), String> {
        let paused = ledger.jobs.values().filter(|job| job.paused.is_some()).map(|job| job.id);
        if paused.eq(self.paused.iter().copied()) {
            return Ok(());
        }
        Err(format!("other jobs are paused than {:?}", self.paused))
    }

    /// Attempts are handed out: an id is never used twice.
    pub(crate) fn on_assigned(&mut self, runs: &[AssignRun]) -> Result<(), String> {
        for run in runs {
            for attempt in (0..run.count).map(|offset| run.attempt.plus(offset)) {
                if !self.attempts.insert(attempt) {
                    return Err(format!("{attempt:?} was handed out twice"));
                }
            }
        }
        Ok(())
    }

    /// Nothing that was told may be missing or different.
    pub(crate) fn check_kept(&self, ledger: &Ledger) -> Result<(), String> {
        for ((task, round), manifest) in &self.outcomes {
            let phase = ledger.phase(task.phase_id());
            let phase = phase.ok_or_else(|| format!("the phase of task {task} is lost"))?;
            if phase.tasks.round(task.index) > *round {
                continue;
            }
            let kept = match phase.tasks.state(task.index) {
                Some(TaskState::Succeeded) => {
                    manifest.is_some() && phase.tasks.manifest(task.index) == *manifest
                }
                Some(TaskState::Failed) => manifest.is_none(),
                _ => false,
            };
            if !kept {
                return Err(format!("the outcome of task {task} round {round} is lost"));
            }
            if manifest.is_some_and(|manifest| !self.durable.contains(manifest)) {
                return Err(format!("the result of task {task} was collected"));
            }
        }
        let shards = ledger.records.values().flat_map(|loaded| &loaded.stored);
        if let Some(lost) = shards.into_iter().find(|it| !self.durable.contains(it.blob)) {
            return Err(format!("a shard of a record set was collected: {lost:?}"));
        }
        for (phase, count) in &self.promised_tasks {
            let there = ledger.phase(*phase).map_or(0, |phase| phase.tasks.len());
            if there < *count {
                return Err(format!("{count} tasks of {phase:?} were promised, {there} are there"));
            }
        }
        Ok(())
    }

    /// After healing everything has ended, and each task as its kind demands.
    pub(crate) fn check_end(
        &self,
        ledger: &Ledger,
        jobs: &[(JobId, Script)],
    ) -> Result<(), String> {
        if ledger.jobs.len() != jobs.len() {
            return Err(format!("{} jobs came of {} requests", ledger.jobs.len(), jobs.len()));
        }
        for (id, script) in jobs {
            let job = ledger.jobs.get(id).ok_or_else(|| format!("job {id} is lost"))?;
            let JobState::Ended(outcome) = job.state else {
                return Err(format!("job {id} did not end: {:?}", job.counts()));
            };
            if !script.may_end(outcome) {
                return Err(format!("job {id} ended as {outcome:?}"));
            }
            let may_be_open =
                outcome == Outcome::Cancelled || (script.stops() && outcome == Outcome::Failed);
            for (position, phase) in job.phases.iter().enumerate() {
                let id = PhaseId { job: *id, phase: PhaseIndex(position as u16) };
                if !phase.sealed && !may_be_open {
                    return Err(format!("the tasks of {id:?} never came"));
                }
                for index in (0..phase.tasks.len()).map(TaskIndex) {
                    let task = id.task(index);
                    let failure = phase.tasks.failure(index);
                    let lost = failure.is_some_and(|failed| failed.failure.code == "worker_lost");
                    let away = failure.is_some_and(|failed| failed.failure.code == "away");
                    let round = phase.tasks.round(index);
                    let excused = failure.is_some_and(|failed| {
                        self.withdrawals.excuses(task, round, &failed.failure.code)
                    });
                    let derived = phase.spec.derived.as_ref();
                    let has_nothing = derived
                        .is_some_and(|derived| nothing_to_work_on(job, derived, index).is_some());
                    if let Some(manifest) = phase.tasks.manifest(index) {
                        check_built(ledger, task, manifest)?;
                    }
                    let right = match (kind_of(task), phase.tasks.state(index)) {
                        (_, Some(TaskState::Pending)) => may_be_open,
                        (_, state) if has_nothing => state == Some(TaskState::Failed),
                        (_, Some(TaskState::Failed)) if excused => true,
                        (Kind::Poison | Kind::Bad, Some(TaskState::Failed)) => true,
                        (Kind::Poison | Kind::Bad, _) => false,
                        (Kind::Mended, state) if round.0 == 0 => state == Some(TaskState::Failed),
                        (_, Some(TaskState::Succeeded)) => true,
                        // What is away for an hour of the log's time is given up.
                        (Kind::Flaky, Some(TaskState::Failed)) if away => self.clocks_jumped,
                        (_, state) => state == Some(TaskState::Failed) && lost,
                    };
                    if !right {
                        let state = phase.tasks.state(index);
                        let why = failure.map(|failed| &failed.failure);
                        return Err(format!("task {task} ended as {state:?}: {why:?}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A result that builds on others was made of exactly those that the ledger has, and these stand.
fn check_built(ledger: &Ledger, task: TaskId, manifest: BlobId) -> Result<(), String> {
    let job = ledger.jobs.get(&task.job).ok_or_else(|| format!("job {} is lost", task.job))?;
    let phase = job.phase(task.phase).ok_or_else(|| format!("the phase of {task} is lost"))?;
    let Some(derived) = &phase.spec.derived else { return Ok(()) };
    // Its own result stands although that phase may be open again because of another task.
    let stands = match derived.count {
        TaskCount::Fixed(_) => true,
        TaskCount::EachOf(source) => job
            .phase(source)
            .is_some_and(|it| it.tasks.state(task.index) == Some(TaskState::Succeeded)),
    };
    let ended = |take: &Take| job.phase(take.phase).is_some_and(Phase::has_ended);
    if !stands || !derived.takes.iter().all(ended) {
        return Err(format!("task {task} was made before what it builds on"));
    }
    let outputs = Outputs::of(job, derived, IndexRange { first: task.index, count: 1 });
    let expected = outputs.of_task(task.index, task.index);
    if seen_of(manifest) != digest_of(&expected) {
        return Err(format!("task {task} was made of other results than {expected:?}"));
    }
    Ok(())
}
