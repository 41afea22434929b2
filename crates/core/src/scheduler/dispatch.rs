//! Handing out what waits, and taking back what waits behind a busy slot.

use super::flights::Flight;
use super::machine::{Effect, Scheduler, SessionId};
use super::worker::Worker;
use crate::ids::{AttemptId, PhaseId, Round};
use crate::ledger::{IndexRange, Job, Ledger};
use crate::plan::Outputs;
use crate::session::{AssignRun, ToWorker};
use std::collections::BTreeMap;

impl Scheduler {
    /// Hands out what waits, least loaded worker first, while somebody has credit for it.
    pub(super) fn dispatch(&mut self, ledger: &Ledger, out: &mut Vec<Effect>) {
        let older_too = self.awaited.is_empty();
        let mut assigned: BTreeMap<SessionId, Vec<AssignRun>> = BTreeMap::new();
        self.dispatch_elsewhere(ledger, &mut assigned, out);
        let is_roomy = self.elsewhere.is_roomy();
        for (id, queue) in &mut self.queues {
            let Some(job) = ledger.jobs.get(&id.job).filter(|job| job.is_ready(id.phase)) else {
                continue;
            };
            let Some(phase) = job.phase(id.phase) else { continue };
            while queue.has_next(older_too) {
                let able = self.workers.iter_mut();
                let able = able.filter(|(_, it)| it.free() > 0 && it.offers(&phase.spec));
                let able = able.filter(|(_, it)| is_roomy || !it.offers_as_older(&phase.spec));
                let Some((session, worker)) = able.min_by_key(|(_, worker)| worker.load()) else {
                    break;
                };
                // A quarter of what is free at a time keeps equal workers equally loaded.
                let count_max = worker.free().div_ceil(4);
                let Some((range, round)) = queue.take(phase, count_max, older_too) else { break };
                let attempt = AttemptId { epoch: self.epoch, counter: self.attempt_count };
                self.attempt_count += u64::from(range.count);
                tell(*session, worker, *id, job, range, out);
                let run = hand_over(worker, *id, round, range, attempt);
                assigned.entry(*session).or_default().push(run);
            }
        }
        for (session, runs) in assigned {
            out.push(Effect::Send(session, ToWorker::Assign(runs)));
        }
        self.recall(ledger, older_too, out);
    }

    /// Hands out tasks that failed somewhere, each to a worker of its own choice.
    fn dispatch_elsewhere(
        &mut self,
        ledger: &Ledger,
        assigned: &mut BTreeMap<SessionId, Vec<AssignRun>>,
        out: &mut Vec<Effect>,
    ) {
        for task in self.elsewhere.waiting() {
            let id = task.phase_id();
            let job = ledger.jobs.get(&id.job).filter(|job| job.is_ready(id.phase));
            let Some(job) = job else { continue };
            let Some(phase) = job.phase(id.phase) else { continue };
            let chosen = self.elsewhere.worker_for(task, &phase.spec, &self.workers);
            let Some(session) = chosen else { continue };
            let Some(worker) = self.workers.get_mut(&session) else { continue };
            self.elsewhere.take(task);
            let attempt = AttemptId { epoch: self.epoch, counter: self.attempt_count };
            self.attempt_count += 1;
            let range = IndexRange { first: task.index, count: 1 };
            tell(session, worker, id, job, range, out);
            let run = hand_over(worker, id, phase.tasks.round(task.index), range, attempt);
            assigned.entry(session).or_default().push(run);
        }
    }

    /// At the end of the work, attempts that wait behind a busy slot go to an idle one.
    fn recall(&mut self, ledger: &Ledger, older_too: bool, out: &mut Vec<Effect>) {
        let is_paused = |job| ledger.jobs.get(&job).is_some_and(|job| job.paused.is_some());
        let mut queues = self.queues.iter();
        if queues.any(|(id, queue)| queue.has_next(older_too) && !is_paused(id.job)) {
            return;
        }
        let idle: u32 = self.workers.values().map(Worker::idle_slots).sum();
        let asked: usize = self.workers.values().map(|worker| worker.recalled.len()).sum();
        let mut wanted = (idle as usize).saturating_sub(asked);
        for (session, worker) in &mut self.workers {
            let waiting = worker.flights.open_count().saturating_sub(worker.slots) as usize;
            let count = waiting.saturating_sub(worker.recalled.len()).min(wanted);
            if count == 0 {
                continue;
            }
            let open = worker.flights.iter().rev().filter(|flight| !flight.answered).take(waiting);
            // An idle worker may be one that such a task is not for.
            let open = open.filter(|flight| !self.elsewhere.knows(flight.task));
            let fresh = open.map(|flight| flight.attempt).filter(|a| !worker.recalled.contains(a));
            let attempts: Vec<AttemptId> = fresh.take(count).collect();
            if attempts.is_empty() {
                continue;
            }
            wanted -= attempts.len();
            worker.recalled.extend(attempts.iter().copied());
            out.push(Effect::Send(*session, ToWorker::Recall(attempts)));
        }
    }
}

/// Puts tasks into a worker's hands, under ids from `attempt` on.
fn hand_over(
    worker: &mut Worker,
    phase: PhaseId,
    round: Round,
    range: IndexRange,
    attempt: AttemptId,
) -> AssignRun {
    for (offset, index) in (0..).zip(range.indexes()) {
        let (attempt, task) = (attempt.plus(offset), phase.task(index));
        worker.flights.insert(Flight { attempt, task, round, answered: false });
    }
    AssignRun { phase, round, first: range.first, count: range.count, attempt }
}

/// Tells a worker what it needs to know of tasks before their first assignment.
fn tell(
    session: SessionId,
    worker: &mut Worker,
    id: PhaseId,
    job: &Job,
    range: IndexRange,
    out: &mut Vec<Effect>,
) {
    let Some(phase) = job.phase(id.phase) else { return };
    if worker.told_phases.insert(id) {
        let operation = phase.spec.operation.clone();
        let params = phase.spec.params.clone();
        let fresh = phase.spec.fresh;
        out.push(Effect::Send(session, ToWorker::Phase { phase: id, operation, params, fresh }));
    }
    if let Some(stored) = phase.chunk_of(range.first)
        && worker.told_chunks.insert((id, stored.first))
    {
        let (first, count, chunk) = (stored.first, stored.count, stored.chunk.clone());
        let message = match &phase.spec.derived {
            None => ToWorker::Chunk { phase: id, first, count, chunk },
            Some(derived) => {
                let outputs = Outputs::of(job, derived, IndexRange { first, count });
                ToWorker::Outputs { phase: id, first, count, outputs }
            }
        };
        out.push(Effect::Send(session, message));
    }
}
