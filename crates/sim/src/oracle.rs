//! What must hold at every moment, whatever happens.

use crate::worker::{Kind, kind_of, manifest_of};
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::ledger::{Applied, Entry, Ledger, TaskState};
use windlass_core::session::AssignRun;
use windlass_core::{AttemptId, BlobId, Epoch, JobId, PhaseId, Round, TaskId};

/// Everything that was ever said aloud and must stay true.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// Outcomes that somebody was told.
    outcomes: BTreeMap<(TaskId, Round), Option<BlobId>>,
    /// Attempts handed out, for ever.
    attempts: BTreeMap<AttemptId, (TaskId, Round)>,
    /// Attempts recorded as lost or failed in this reign; the next one may adopt what it finds
    /// running.
    ended: BTreeSet<AttemptId>,
    /// Tasks that a client was told exist.
    promised_tasks: BTreeMap<PhaseId, u32>,
    /// Epochs that a master worked in.
    epochs: BTreeSet<Epoch>,
}

impl Oracle {
    /// A master begins its reign over this ledger: nothing that was told may be missing in it.
    pub(crate) fn on_reign(&mut self, ledger: &Ledger) -> Result<(), String> {
        if !self.epochs.insert(ledger.epoch) {
            return Err(format!("epoch {} was used twice", ledger.epoch));
        }
        self.ended.clear();
        self.check_kept(ledger)
    }

    /// Nothing that was told may be missing or different.
    pub(crate) fn check_kept(&self, ledger: &Ledger) -> Result<(), String> {
        for ((task, round), manifest) in &self.outcomes {
            let phase = ledger.phase(task.phase_id());
            let phase = phase.ok_or_else(|| format!("the phase of task {task} is lost"))?;
            if phase.tasks.round(task.index) != *round {
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
                return Err(format!(
                    "the outcome of task {task} round {round} was told and is lost"
                ));
            }
        }
        for (phase, count) in &self.promised_tasks {
            let there = ledger.phase(*phase).map_or(0, |phase| phase.tasks.len());
            if there < *count {
                return Err(format!("{count} tasks of {phase:?} were promised, {there} are there"));
            }
        }
        Ok(())
    }

    /// A client was told that these tasks exist.
    pub(crate) fn on_promised(&mut self, phase: PhaseId, count: u32) {
        self.promised_tasks.insert(phase, count);
    }

    /// An entry was applied by the primary, which tells everybody.
    pub(crate) fn on_applied(&mut self, entry: &Entry, applied: &[Applied]) -> Result<(), String> {
        match entry {
            Entry::AttemptFailed { attempt, .. } | Entry::WorkerLost { attempt, .. } => {
                self.ended.insert(*attempt);
            }
            Entry::TasksSettled { runs } => {
                for run in runs {
                    let count = u32::try_from(run.results.len()).unwrap_or(u32::MAX);
                    for attempt in (0..count).map(|offset| run.attempt.plus(offset)) {
                        if self.ended.contains(&attempt) {
                            return Err(format!(
                                "{attempt:?} had ended when its result was recorded"
                            ));
                        }
                    }
                }
            }
            _ => {}
        }
        for done in applied {
            let (key, outcome) = match done {
                Applied::TaskSucceeded { task, round, manifest } => {
                    if *manifest != Some(manifest_of(*task)) {
                        return Err(format!("task {task} has the result of another"));
                    }
                    ((*task, *round), *manifest)
                }
                Applied::TaskFailed { task, round } => ((*task, *round), None),
                _ => continue,
            };
            if self.outcomes.insert(key, outcome).is_some() {
                return Err(format!("task {} round {} has two outcomes", key.0, key.1));
            }
        }
        Ok(())
    }

    /// Attempts were handed out: an id is never used twice.
    pub(crate) fn on_assigned(&mut self, runs: &[AssignRun]) -> Result<(), String> {
        for run in runs {
            for offset in 0..run.count {
                let task = run.phase.task(windlass_core::TaskIndex(run.first.0 + offset));
                let attempt = run.attempt.plus(offset);
                if self.attempts.insert(attempt, (task, run.round)).is_some() {
                    return Err(format!("{attempt:?} was handed out twice"));
                }
            }
        }
        Ok(())
    }

    /// After healing everything has ended, and each task as its kind demands.
    pub(crate) fn check_end(&self, ledger: &Ledger, jobs: &[JobId]) -> Result<(), String> {
        if ledger.jobs.len() != jobs.len() {
            return Err(format!("{} jobs came of {} requests", ledger.jobs.len(), jobs.len()));
        }
        for id in jobs {
            let job = ledger.jobs.get(id).ok_or_else(|| format!("job {id} is lost"))?;
            if job.is_open() {
                return Err(format!("job {id} did not end: {:?}", job.counts()));
            }
            let phase = PhaseId { job: *id, phase: windlass_core::PhaseIndex(0) };
            let tasks = &job.phases[0].tasks;
            for index in (0..tasks.len()).map(windlass_core::TaskIndex) {
                let task = phase.task(index);
                let failure = tasks.failure(index);
                let lost = failure.is_some_and(|failed| failed.failure.code == "worker_lost");
                let right = match (kind_of(task), tasks.state(index)) {
                    (Kind::Sound | Kind::Flaky, Some(TaskState::Succeeded)) => true,
                    (Kind::Poison | Kind::Bad, Some(TaskState::Failed)) => true,
                    (_, Some(TaskState::Failed)) => lost,
                    _ => false,
                };
                if !right {
                    return Err(format!("task {task} ended as {:?}", tasks.state(index)));
                }
            }
        }
        Ok(())
    }
}
