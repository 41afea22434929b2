//! Tasks that follow from what earlier phases made: they come into being when those phases have
//! ended, and open again with the tasks that they build on.

use super::applied::{Applied, Refusal};
use super::apply::{Ledger, phase_mut};
use super::entry::{ChunkRef, IndexRange};
use super::history::{Happened, indexes_within, short};
use super::job::{Counts, FailedTask, Job, JobState, Outcome, Phase, StoredChunk};
use super::table::TaskState;
use crate::ids::{Epoch, JobId, PhaseId, PhaseIndex, TaskIndex};
use crate::limits::CHUNK_TASK_COUNT_MAX;
use crate::plan::{Derived, TaskCount, nothing_to_work_on};
use crate::time::LogTime;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Ledger {
    /// Gives the phases whose earlier phases have ended their tasks, and ends those that have
    /// nothing to work on. A phase waits only for earlier ones: one walk does for all.
    pub(super) fn derive(&mut self, id: JobId, out: &mut Vec<Applied>) {
        let (at, epoch) = (self.time, self.epoch);
        let phase_count = self.jobs.get(&id).map_or(0, |job| job.phases.len());
        for index in (0..phase_count).filter_map(|it| u16::try_from(it).ok().map(PhaseIndex)) {
            let Some(job) = self.jobs.get_mut(&id) else { return };
            let waits = job.phase(index).is_some_and(Phase::waits_for_others);
            if !waits || !job.has_ended_before(index) || job.outcome().is_some() {
                continue;
            }
            let job = Arc::make_mut(job);
            job.add_derived(index, epoch, out);
            job.end_without_inputs(index, at, out);
            let Some(phase) = job.phase(index).filter(|phase| phase.has_ended()) else { continue };
            let Counts { succeeded, failed, .. } = phase.counts;
            out.push(Applied::PhaseEnded(PhaseId { job: id, phase: index }));
            self.note(id, Happened::PhaseEnded { phase: index, succeeded, failed });
        }
    }

    /// Opens failed tasks again, and with them all that builds on their results: whatever came of
    /// those was made of something else.
    pub(super) fn reopen(
        &mut self,
        id: PhaseId,
        tasks: &[IndexRange],
        why: &str,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        let job = Arc::make_mut(self.jobs.get_mut(&id.job).ok_or(Refusal::UnknownJob)?);
        if job.state == JobState::Ended(Outcome::Cancelled) {
            return Err(Refusal::JobEnded);
        }
        let reopened = job.builds_on(id.phase, job.failed_among(id.phase, tasks)?);
        let can_reopen = |(phase, tasks): (&PhaseIndex, &Vec<TaskIndex>)| {
            let table = job.phase(*phase).map(|phase| &phase.tasks);
            table.is_some_and(|table| tasks.iter().all(|index| table.can_reopen(*index)))
        };
        if !reopened.iter().all(can_reopen) {
            return Err(Refusal::RoundsUsedUp);
        }
        for (index, tasks) in &reopened {
            let phase = phase_mut(job, *index)?;
            for task in tasks {
                phase.reopen(*task);
                let round = phase.tasks.round(*task);
                let task = PhaseId { job: id.job, phase: *index }.task(*task);
                out.push(Applied::TaskReopened { task, round });
            }
        }
        if !job.is_open() && reopened.values().any(|tasks| !tasks.is_empty()) {
            job.state = JobState::Open;
            job.ended_at = None;
            out.push(Applied::JobReopened(id.job));
        }
        for (phase, tasks) in reopened.into_iter().filter(|(_, tasks)| !tasks.is_empty()) {
            let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
            self.note(id.job, Happened::Reopened { phase, count, why: short(why) });
        }
        Ok(())
    }
}

impl Job {
    /// Adds a derived phase's tasks and seals it, unless that was done before.
    fn add_derived(&mut self, index: PhaseIndex, epoch: Epoch, out: &mut Vec<Applied>) {
        let id = PhaseId { job: self.id, phase: index };
        let source_count = |phase| self.phase(phase).map_or(0, |phase| phase.tasks.len());
        let derived = self.phase(index).and_then(|phase| phase.spec.derived.as_ref());
        let count = match derived.map(|derived| derived.count) {
            Some(TaskCount::Fixed(count)) => count,
            Some(TaskCount::EachOf(source)) => source_count(source),
            None => return,
        };
        let Ok(phase) = phase_mut(self, index) else { return };
        if phase.sealed {
            return;
        }
        phase.tasks.add(count);
        phase.counts.pending += count;
        phase.sealed = true;
        for first in (0..count).step_by(CHUNK_TASK_COUNT_MAX) {
            let count = (count - first).min(CHUNK_TASK_COUNT_MAX as u32);
            let (first, chunk) = (TaskIndex(first), ChunkRef::Outputs);
            phase.chunks.push(StoredChunk { first, count, chunk, epoch });
            out.push(Applied::TasksAdded { phase: id, range: IndexRange { first, count } });
        }
        out.push(Applied::PhaseSealed(id));
    }

    /// Ends the open tasks of a derived phase for which the phases before have made nothing.
    fn end_without_inputs(&mut self, index: PhaseIndex, at: LogTime, out: &mut Vec<Applied>) {
        let id = PhaseId { job: self.id, phase: index };
        let Some(phase) = self.phase(index) else { return };
        let Some(derived) = &phase.spec.derived else { return };
        let open = (0..phase.tasks.len()).map(TaskIndex);
        let open = open.filter(|task| phase.tasks.state(*task) == Some(TaskState::Pending));
        let failed: Vec<_> = open
            .filter_map(|task| Some((task, nothing_to_work_on(self, derived, task)?)))
            .collect();
        let Ok(phase) = phase_mut(self, index) else { return };
        for (task, failure) in failed {
            let failed = FailedTask { failure, attempt_count: 0, since: at };
            phase.tasks.keep_failure(task, failed);
            phase.tasks.fail(task);
            phase.counts.pending -= 1;
            phase.counts.failed += 1;
            let round = phase.tasks.round(task);
            out.push(Applied::TaskFailed { task: id.task(task), round });
        }
    }

    /// The tasks of these ranges that failed and can be tried again: not those that had nothing to
    /// work on, which wait for other tasks to be opened, nor those whose rounds are used up.
    fn failed_among(
        &self,
        index: PhaseIndex,
        ranges: &[IndexRange],
    ) -> Result<Vec<TaskIndex>, Refusal> {
        let phase = self.phase(index).ok_or(Refusal::UnknownTask)?;
        let derived = phase.spec.derived.as_ref();
        let has_inputs =
            |task| derived.is_none_or(|derived| nothing_to_work_on(self, derived, task).is_none());
        let can_be_tried = |task: &TaskIndex| {
            phase.tasks.state(*task) == Some(TaskState::Failed)
                && phase.tasks.can_reopen(*task)
                && has_inputs(*task)
        };
        let mut failed: Vec<TaskIndex> =
            indexes_within(ranges, phase.tasks.len()).filter(can_be_tried).collect();
        failed.sort_unstable();
        failed.dedup();
        Ok(failed)
    }

    /// These tasks of a phase, and by phase all tasks there are that build on their results.
    fn builds_on(
        &self,
        index: PhaseIndex,
        tasks: Vec<TaskIndex>,
    ) -> BTreeMap<PhaseIndex, Vec<TaskIndex>> {
        let mut found = BTreeMap::from([(index, tasks)]);
        let later = self.phases.iter().enumerate().skip(usize::from(index.0) + 1);
        for (position, phase) in later {
            let Some(derived) = &phase.spec.derived else { continue };
            let tasks = phase.builds_on(derived, &found);
            let position = u16::try_from(position).unwrap_or(u16::MAX);
            found.insert(PhaseIndex(position), tasks);
        }
        found
    }
}

impl Phase {
    /// Whether tasks of it may still come from earlier phases, or end with them.
    fn waits_for_others(&self) -> bool {
        self.spec.derived.is_some() && !self.has_ended()
    }

    /// Its tasks that build on these ones.
    fn builds_on(
        &self,
        derived: &Derived,
        changed: &BTreeMap<PhaseIndex, Vec<TaskIndex>>,
    ) -> Vec<TaskIndex> {
        let changed_of = |phase: PhaseIndex| changed.get(&phase).map_or(&[][..], Vec::as_slice);
        if derived.takes.iter().any(|take| !changed_of(take.phase).is_empty()) {
            return (0..self.tasks.len()).map(TaskIndex).collect();
        }
        match derived.count {
            TaskCount::Fixed(_) => Vec::new(),
            TaskCount::EachOf(phase) => {
                let there = |task: &&TaskIndex| task.0 < self.tasks.len();
                changed_of(phase).iter().filter(there).copied().collect()
            }
        }
    }

    /// Opens a task's next round.
    fn reopen(&mut self, task: TaskIndex) {
        match self.tasks.state(task) {
            Some(TaskState::Succeeded) => self.counts.succeeded -= 1,
            Some(TaskState::Failed) => self.counts.failed -= 1,
            Some(TaskState::Pending) => self.counts.pending -= 1,
            None => return,
        }
        self.counts.pending += 1;
        self.tasks.reopen(task);
    }
}

#[cfg(test)]
#[path = "derive_tests.rs"]
mod tests;
