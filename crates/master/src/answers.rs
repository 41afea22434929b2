//! What the loop answers to questions: copies of its state, taken between two turns.

use crate::clock;
use crate::host::Loop;
use crate::inbox::Question;
use windlass_core::collection::Collection;
use windlass_core::ledger::Setting;
use windlass_core::limits::CHUNK_TASK_COUNT_MAX;
use windlass_core::meters::Gauges;
use windlass_core::view::{
    ClusterView, CollectionView, HistoryView, JobView, MetersView, TaskView, WaitingWorker,
    WorkerView,
};
use windlass_core::{JobId, LogTime, PhaseId, TaskId, TaskIndex};

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
            Question::History { job, from, reply } => {
                let _ = reply.send(self.history(job, from));
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
            Question::Cluster(reply) => {
                let _ = reply.send(self.cluster());
            }
            Question::Overview(reply) => {
                let _ = reply.send(self.overview());
            }
            Question::Meters(reply) => {
                let _ = reply.send(self.meters());
            }
            Question::Watch(tell) => self.watchers.add(tell),
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

    fn history(&mut self, id: JobId, from: u64) -> Option<HistoryView> {
        let stalls = match self.ledger.jobs.get(&id)?.is_open() {
            true => self.stalls(clock::tick(), clock::wall(), Some(id)),
            false => Vec::new(),
        };
        let job = self.ledger.jobs.get(&id)?;
        let events = job.history.since(from).map(|(number, event)| (number, event.clone()));
        // As the log would say now: never before what it says already.
        let told_at = clock::wall().max(self.ledger.time);
        Some(HistoryView { told_at, job: JobView::of(job), events: events.collect(), stalls })
    }

    fn tasks(&self, phase: PhaseId, from: TaskIndex) -> Vec<TaskView> {
        let Some(phase) = self.ledger.phase(phase) else { return Vec::new() };
        (from.0..phase.tasks.len())
            .take(CHUNK_TASK_COUNT_MAX)
            .filter_map(|index| TaskView::of(phase, TaskIndex(index)))
            .collect()
    }

    pub(crate) fn cluster(&mut self) -> ClusterView {
        let (now, wall) = (clock::tick(), clock::wall());
        let calls = self.switchboard.calls();
        let waits_for_room = self.writer.waits_for_room();
        let stalls = self.stalls(now, wall, None);
        let place = |session| self.places.get(&session).cloned().unwrap_or_default();
        let waiting = self.scheduler.waiting_workers(now);
        let waiting =
            waiting.map(|(session, worker)| WaitingWorker { place: place(session), ..worker });
        let workers = self.scheduler.workers(now, &self.ledger).into_iter();
        let workers = workers.map(|(session, worker)| WorkerView {
            place: place(session),
            call_count: calls.given_to(&worker.name),
            held_call_count: u32::try_from(self.switchboard.held_count(session))
                .unwrap_or(u32::MAX),
            ..worker
        });
        ClusterView {
            cluster: self.ledger.cluster.unwrap_or_default(),
            epoch: self.ledger.epoch,
            workers: workers.collect(),
            absent_workers: self.scheduler.absent_workers(now, &self.ledger),
            waiting_workers: waiting.collect(),
            stalls,
            waits_for_room,
            calls,
        }
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
