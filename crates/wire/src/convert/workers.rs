//! Workers as people see them, and why something does not move.

use super::words::{Malformed, needed};
use crate::generated as pb;
use windlass_core::WorkerName;
use windlass_core::session::{Offer, Running, Usage, Withdrawal};
use windlass_core::view::{AbsentWorker, SlotWork, Stall, StallKind, WaitingWorker, WorkerView};

impl From<WorkerView> for pb::Worker {
    fn from(worker: WorkerView) -> pb::Worker {
        let work = |work: SlotWork| pb::SlotWork {
            running: Some(work.running.into()),
            operation: work.operation,
        };
        pb::Worker {
            name: worker.name.0,
            slots: worker.slots,
            running: worker.running.into_iter().map(work).collect(),
            usage: worker.usage.map(pb::Usage::from),
            withdrawn: worker.withdrawn.into_iter().map(pb::Withdrawn::from).collect(),
            place: worker.place,
            draining: worker.draining,
            heard_ms_ago: worker.heard_ms_ago,
            held: worker.held_count,
            held_calls: worker.held_call_count,
            credit: worker.credit,
            offers: worker.offers.into_iter().map(pb::Offer::from).collect(),
            settled_tasks: worker.task_count,
            calls: worker.call_count,
        }
    }
}

impl TryFrom<pb::Worker> for WorkerView {
    type Error = Malformed;

    fn try_from(worker: pb::Worker) -> Result<WorkerView, Malformed> {
        let work = |work: pb::SlotWork| {
            let running: Running = needed(work.running, "a slot without its work")?.try_into()?;
            Ok(SlotWork { running, operation: work.operation })
        };
        let offers = worker.offers.into_iter().map(Offer::try_from);
        let withdrawn = worker.withdrawn.into_iter().map(Withdrawal::try_from);
        Ok(WorkerView {
            name: WorkerName(worker.name),
            place: worker.place,
            slots: worker.slots,
            draining: worker.draining,
            heard_ms_ago: worker.heard_ms_ago,
            held_count: worker.held,
            held_call_count: worker.held_calls,
            credit: worker.credit,
            running: worker.running.into_iter().map(work).collect::<Result<_, Malformed>>()?,
            usage: worker.usage.map(Usage::from),
            offers: offers.collect::<Result<_, _>>()?,
            withdrawn: withdrawn.collect::<Result<_, _>>()?,
            task_count: worker.settled_tasks,
            call_count: worker.calls,
        })
    }
}

impl From<Usage> for pb::Usage {
    fn from(Usage { cpu_millicores, resident_bytes }: Usage) -> pb::Usage {
        pb::Usage { cpu_millicores, resident_bytes }
    }
}

impl From<pb::Usage> for Usage {
    fn from(pb::Usage { cpu_millicores, resident_bytes }: pb::Usage) -> Usage {
        Usage { cpu_millicores, resident_bytes }
    }
}

impl From<AbsentWorker> for pb::AbsentWorker {
    fn from(worker: AbsentWorker) -> pb::AbsentWorker {
        let AbsentWorker { name, draining, seen_ms_ago } = worker;
        pb::AbsentWorker { name: name.0, draining, seen_ms_ago }
    }
}

impl From<pb::AbsentWorker> for AbsentWorker {
    fn from(worker: pb::AbsentWorker) -> AbsentWorker {
        let pb::AbsentWorker { name, draining, seen_ms_ago } = worker;
        AbsentWorker { name: WorkerName(name), draining, seen_ms_ago }
    }
}

impl From<WaitingWorker> for pb::WaitingWorker {
    fn from(worker: WaitingWorker) -> pb::WaitingWorker {
        let WaitingWorker { name, place, waits_ms } = worker;
        pb::WaitingWorker { name: name.0, place, waits_ms }
    }
}

impl From<pb::WaitingWorker> for WaitingWorker {
    fn from(worker: pb::WaitingWorker) -> WaitingWorker {
        let pb::WaitingWorker { name, place, waits_ms } = worker;
        WaitingWorker { name: WorkerName(name), place, waits_ms }
    }
}

impl From<Stall> for pb::Stall {
    fn from(stall: Stall) -> pb::Stall {
        pb::Stall {
            kind: stall.kind.label().to_owned(),
            tasks: stall.task_count,
            told: stall.told,
            next_step: stall.next_step,
            about: stall.about,
        }
    }
}

impl TryFrom<pb::Stall> for Stall {
    type Error = Malformed;

    fn try_from(stall: pb::Stall) -> Result<Stall, Malformed> {
        let kind = StallKind::ALL.into_iter().find(|kind| kind.label() == stall.kind);
        Ok(Stall {
            kind: needed(kind, "a reason of a kind that is not known here")?,
            task_count: stall.tasks,
            told: stall.told,
            next_step: stall.next_step,
            about: stall.about,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::view::ClusterView;
    use windlass_core::{AttemptId, Epoch, JobId, PhaseIndex, TaskId, TaskIndex};

    #[test]
    fn all_that_is_known_of_workers_is_seen_in_the_status() {
        let withdrawn = Withdrawal { operation: "text".to_owned(), cause: "it crashed".to_owned() };
        let task = TaskId { job: JobId(1), phase: PhaseIndex(2), index: TaskIndex(3) };
        let attempt = AttemptId { epoch: Epoch(4), counter: 5 };
        let running = Running { slot: 1, attempt, task, elapsed_ms: 6, quiet_ms: 7 };
        let offer = |quiet_ms_max| Offer {
            operation: "image".to_owned(),
            version: 2,
            attempt_ms_max: 8_000,
            quiet_ms_max,
        };
        let worker = WorkerView {
            name: WorkerName("w".to_owned()),
            place: "10.0.0.7:4711".to_owned(),
            slots: 2,
            draining: true,
            heard_ms_ago: 9,
            held_count: 10,
            held_call_count: 15,
            credit: 11,
            running: vec![
                SlotWork { running, operation: Some("image".to_owned()) },
                SlotWork { running, operation: None },
            ],
            usage: Some(Usage { cpu_millicores: 16, resident_bytes: 17 }),
            offers: vec![offer(None), offer(Some(10_000))],
            withdrawn: vec![withdrawn],
            task_count: 12,
            call_count: 13,
        };
        let absent = |seen_ms_ago: Option<u64>| AbsentWorker {
            name: WorkerName("x".to_owned()),
            draining: seen_ms_ago.is_none(),
            seen_ms_ago,
        };
        let stall = |kind| Stall {
            kind,
            about: "ocr".to_owned(),
            task_count: 14,
            told: "12 tasks wait".to_owned(),
            next_step: "do something".to_owned(),
        };
        let view = ClusterView {
            workers: vec![worker],
            absent_workers: vec![absent(None), absent(Some(0))],
            waiting_workers: vec![WaitingWorker {
                name: WorkerName("w".to_owned()),
                place: "10.0.0.8:4712".to_owned(),
                waits_ms: 18,
            }],
            stalls: StallKind::ALL.map(stall).into(),
            ..ClusterView::default()
        };
        assert_eq!(ClusterView::try_from(pb::ClusterStatus::from(view.clone())), Ok(view));
    }
}
