//! Handing out what waits, and taking back what waits behind a busy slot.

use super::flights::Flight;
use super::machine::{Effect, Scheduler, SessionId};
use super::worker::Worker;
use crate::ids::{AttemptId, PhaseId};
use crate::ledger::{IndexRange, Ledger};
use crate::session::{AssignRun, ToWorker};
use std::collections::BTreeMap;

impl Scheduler {
    /// Hands out what waits, least loaded worker first, while somebody has credit for it.
    pub(super) fn dispatch(&mut self, ledger: &Ledger, out: &mut Vec<Effect>) {
        let older_too = self.awaited.is_empty();
        let mut assigned: BTreeMap<SessionId, Vec<AssignRun>> = BTreeMap::new();
        for (id, queue) in &mut self.queues {
            let Some(job) = ledger.jobs.get(&id.job).filter(|job| job.is_ready(id.phase)) else {
                continue;
            };
            let Some(phase) = job.phase(id.phase) else { continue };
            while queue.has_next(older_too) {
                let operation = &phase.spec.operation;
                let able = self.workers.iter_mut().filter(|(_, worker)| {
                    worker.free() > 0 && worker.operations.contains(operation)
                });
                let Some((session, worker)) = able.min_by_key(|(_, worker)| worker.load()) else {
                    break;
                };
                // A quarter of what is free at a time keeps equal workers equally loaded.
                let count_max = worker.free().div_ceil(4);
                let Some((range, round)) = queue.take(phase, count_max, older_too) else { break };
                let attempt = AttemptId { epoch: self.epoch, counter: self.attempt_count };
                self.attempt_count += u64::from(range.count);
                tell(*session, worker, *id, phase, range, out);
                for offset in 0..range.count {
                    let task = id.task(crate::TaskIndex(range.first.0 + offset));
                    let attempt = attempt.plus(offset);
                    worker.flights.insert(Flight { attempt, task, round, answered: false });
                }
                let run = AssignRun {
                    phase: *id,
                    round,
                    first: range.first,
                    count: range.count,
                    attempt,
                };
                assigned.entry(*session).or_default().push(run);
            }
        }
        for (session, runs) in assigned {
            out.push(Effect::Send(session, ToWorker::Assign(runs)));
        }
        self.recall(older_too, out);
    }

    /// At the end of the work, attempts that wait behind a busy slot go to an idle one.
    fn recall(&mut self, older_too: bool, out: &mut Vec<Effect>) {
        if self.queues.values().any(|queue| queue.has_next(older_too)) {
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
            let open = worker.flights.iter().rev().filter(|flight| !flight.answered);
            let fresh = open.map(|flight| flight.attempt).filter(|a| !worker.recalled.contains(a));
            let attempts: Vec<AttemptId> = fresh.take(count).collect();
            wanted -= attempts.len();
            worker.recalled.extend(attempts.iter().copied());
            out.push(Effect::Send(*session, ToWorker::Recall(attempts)));
        }
    }
}

/// Tells a worker what it needs to know of tasks before their first assignment.
fn tell(
    session: SessionId,
    worker: &mut Worker,
    id: PhaseId,
    phase: &crate::ledger::Phase,
    range: IndexRange,
    out: &mut Vec<Effect>,
) {
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
        out.push(Effect::Send(session, ToWorker::Chunk { phase: id, first, count, chunk }));
    }
}
