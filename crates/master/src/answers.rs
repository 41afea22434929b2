//! What the loop answers to questions: copies of its state, taken between two turns.

use crate::clock;
use crate::host::Loop;
use crate::inbox::Question;
use windlass_core::collection::Collection;
use windlass_core::ledger::Setting;
use windlass_core::limits::CHUNK_TASK_COUNT_MAX;
use windlass_core::meters::Gauges;
use windlass_core::session::Withdrawal;
use windlass_core::view::{CallsView, CollectionView, JobView, MetersView, TaskView, WorkerView};
use windlass_core::{LogTime, PhaseId, TaskId, TaskIndex, WorkerName};

impl Loop {
    /// Answers a question; whoever asked may be gone by now.
    pub(crate) fn answer(&mut self, question: Question) {
        match question {
            Question::Reign(reply) => {
                let cluster = self.ledger.cluster.unwrap_or_default();
                let _ = reply.send((cluster, self.ledger.epoch));
            }
            Question::Jobs(reply) => {
                let _ = reply.send(self.ledger.jobs.values().map(|job| JobView::of(job)).collect());
            }
            Question::Job(id, reply) => {
                let _ = reply.send(self.ledger.jobs.get(&id).map(|job| JobView::of(job)));
            }
            Question::Chunks(phase, reply) => {
                let phase = self.ledger.phase(phase);
                let _ = reply.send(phase.map(|phase| phase.chunks.clone()).unwrap_or_default());
            }
            Question::Tasks { phase, from, reply } => {
                let _ = reply.send(self.tasks(phase, from));
            }
            Question::TaskViews(tasks, reply) => {
                let view = |task: &TaskId| {
                    let phase = self.ledger.phase(task.phase_id())?;
                    TaskView::of(phase, task.index)
                };
                let _ = reply.send(tasks.iter().map(view).collect());
            }
            Question::Workers(reply) => {
                let _ = reply.send(self.workers());
            }
            Question::Calls(reply) => {
                let _ = reply.send(CallsView::of(&self.desk.calls));
            }
            Question::Meters(reply) => {
                let _ = reply.send(self.meters());
            }
            Question::Unserved(reply) => {
                let _ = reply.send(self.scheduler.unserved(&self.ledger));
            }
            Question::Watch(watcher) => self.watchers.push(watcher),
            Question::Settings(reply) => {
                let _ = reply.send(self.ledger.settings.clone());
            }
            Question::Roots(from, reply) => {
                let _ = reply.send(self.ledger.roots(from));
            }
            Question::Collection(now, reply) => {
                let _ = reply.send(self.collection(now));
            }
            Question::Snapshot(reply) => {
                self.take_snapshot(reply);
            }
        }
    }

    fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Vec<TaskView> {
        let Some(phase) = self.ledger.phase(phase) else { return Vec::new() };
        (from.0..phase.tasks.len())
            .take(CHUNK_TASK_COUNT_MAX)
            .filter_map(|index| TaskView::of(phase, TaskIndex(index)))
            .collect()
    }

    fn workers(&self) -> Vec<WorkerView> {
        let running = self.scheduler.running();
        let withdrawn = |of: &WorkerName| {
            let all = self.scheduler.withdrawn().filter(|(name, ..)| *name == of);
            all.map(|(_, operation, cause)| Withdrawal {
                operation: operation.to_owned(),
                cause: cause.to_owned(),
            })
            .collect()
        };
        running
            .map(|(name, slots, running)| WorkerView {
                name: name.clone(),
                slots,
                running: running.to_vec(),
                withdrawn: withdrawn(name),
            })
            .collect()
    }

    fn meters(&self) -> MetersView {
        let mut gauges = Gauges::of(&self.ledger, &self.scheduler, clock::tick());
        gauges.undurable_count = self.writer.undurable_count() as u64;
        MetersView { meters: self.observer.meters.clone(), gauges }
    }

    fn collection(&self, now: LogTime) -> CollectionView {
        let settings = &self.ledger.settings;
        CollectionView {
            is_due: Collection::is_due(&self.ledger, now),
            turn_ms: Collection::turn_ms(&self.ledger, now),
            memo_bytes_max: settings.get(Setting::MemoMbMax).saturating_mul(1_000_000),
        }
    }
}
