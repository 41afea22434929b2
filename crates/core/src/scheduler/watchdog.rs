//! Why something does not move: every reason with its numbers and what can be done.
//!
//! It looks and tells; it changes nothing.

use super::abandoned;
use super::machine::Scheduler;
use super::worker::Worker;
use crate::ids::{JobId, PhaseId, TaskId, WorkerName};
use crate::ledger::{Ledger, Phase};
use crate::limits::{LEASE_MS, PROGRESS_TIMEOUT_MS, STALL_COUNT_MAX, WORKER_SILENT_MS};
use crate::older;
use crate::session::Running;
use crate::time::{LogTime, Tick};
use crate::view::{Stall, StallKind, listed};
use crate::words::counted;
use std::collections::BTreeMap;

/// Tasks of one operation that wait to be handed out.
#[derive(Clone, Copy, Default)]
struct Waiting {
    task_count: u32,
    /// Of these, tasks that workers of the reign before may hold.
    older_count: u32,
    /// Of these, tasks that are for workers of older systems too.
    shared_count: u32,
    /// Of these, tasks that came back from every worker that offers their operation.
    refused_count: u32,
}

impl Scheduler {
    /// Why something does not move, the gravest first, at most [`STALL_COUNT_MAX`] reasons. What
    /// the disk and the wall clock do the host adds.
    #[must_use]
    pub fn stalls(&self, now: Tick, ledger: &Ledger) -> Vec<Stall> {
        self.stalls_of(now, ledger, None)
    }

    /// The same of one job: with its own numbers, without what holds only others.
    #[must_use]
    pub fn stalls_of(&self, now: Tick, ledger: &Ledger, of: Option<JobId>) -> Vec<Stall> {
        let is_meant = |job: JobId| of.is_none_or(|of| of == job);
        let waiting = self.waiting(ledger, of);
        let mut stalls = Vec::new();
        let task_count = waiting.values().map(|waiting| waiting.task_count).sum();
        if task_count > 0 && self.workers.is_empty() && self.awaited.is_empty() {
            stalls.push(no_worker(task_count));
        } else {
            let of = |(operation, it): (&String, &Waiting)| self.why_waiting(operation, *it);
            stalls.extend(waiting.iter().filter_map(of));
        }
        stalls.extend(self.awaited_stall(now, &waiting));
        stalls.extend(self.paused_stall(now, ledger, of));
        for worker in self.workers.values() {
            let running = || worker.running.iter().filter(|it| is_meant(it.task.job));
            stalls.extend(running().filter_map(|it| quiet(worker, it, ledger)));
            if of.is_none() || running().next().is_some() {
                stalls.extend(silent(worker, now));
            }
        }
        stalls.extend(unsealed(ledger, of));
        stalls.sort_by_key(|stall| stall.kind);
        stalls.truncate(STALL_COUNT_MAX);
        stalls
    }

    /// How many tasks wait to be handed out, by operation; those of phases that wait for others are
    /// left out.
    pub(crate) fn waiting_counts(&self, ledger: &Ledger) -> impl Iterator<Item = (String, u64)> {
        let waiting = self.waiting(ledger, None).into_iter();
        waiting.map(|(operation, waiting)| (operation, waiting.task_count.into()))
    }

    /// What waits to be handed out, of all jobs or of one, by operation; phases that wait for
    /// others are left out.
    fn waiting(&self, ledger: &Ledger, of: Option<JobId>) -> BTreeMap<String, Waiting> {
        let mut by_operation = BTreeMap::<String, Waiting>::new();
        for (id, queue) in self.queues.iter().filter(|(id, _)| of.is_none_or(|of| of == id.job)) {
            let Some(phase) = ready_phase(ledger, *id) else { continue };
            let (older_count, later_count) = queue.waiting_counts();
            let elsewhere = self.elsewhere.waiting_of(*id);
            let task_count =
                older_count.saturating_add(later_count).saturating_add(count(&elsewhere));
            if task_count > 0 {
                let waiting = by_operation.entry(phase.spec.operation.clone()).or_default();
                waiting.task_count = waiting.task_count.saturating_add(task_count);
                waiting.older_count = waiting.older_count.saturating_add(older_count);
                if older::may_take(&phase.spec) {
                    waiting.shared_count = waiting.shared_count.saturating_add(task_count);
                }
                let offering = || self.workers.values().filter(|it| it.offers(&phase.spec));
                let refused = |task: &&TaskId| self.elsewhere.is_for_nobody(**task, offering());
                let refused: Vec<&TaskId> = elsewhere.iter().filter(refused).collect();
                waiting.refused_count = waiting.refused_count.saturating_add(count(&refused));
            }
        }
        by_operation
    }

    fn why_waiting(&self, operation: &str, waiting: Waiting) -> Option<Stall> {
        let task_count = waiting.task_count;
        let waits = wait(task_count);
        let is_shared = waiting.shared_count == task_count;
        let offering = || self.workers.values().filter(|it| it.can(operation, is_shared));
        let stall = |kind, told, next_step: String| {
            Some(Stall { kind, about: operation.to_owned(), task_count, told, next_step })
        };
        if offering().next().is_none() {
            // Who offers it may be among those who are still to come back.
            if !self.awaited.is_empty() {
                return None;
            }
            let nobody = format!("{waits}: no connected worker offers {operation}");
            let (told, next_step) = match abandoned::withdrawn(operation, &self.workers) {
                None => (nobody, "start a worker that offers it"),
                Some(cause) => (
                    format!("{nobody}: withdrawn after {cause}"),
                    "mend the cause and restart the worker",
                ),
            };
            return stall(StallKind::NotOffered, told, next_step.to_owned());
        }
        let taking = || offering().filter(|worker| !worker.draining);
        let Some(first) = taking().next() else {
            let all = names(offering().map(|worker| &worker.name));
            let told = format!("{waits}: every worker that offers {operation} is drained ({all})");
            let first = offering().next().map_or("NAME", |worker| worker.name.0.as_str());
            let next_step = format!("`windlass worker resume {first}`, or start another worker");
            return stall(StallKind::Drained, told, next_step);
        };
        if waiting.refused_count > 0 {
            let told = format!(
                "{}: for the workers of older systems that offer {operation} it is too large, or \
                 not text that they can take",
                wait(waiting.refused_count)
            );
            return stall(StallKind::NotOffered, told, "start a worker of this system".to_owned());
        }
        // What is older is told of below.
        let is_held = task_count == waiting.older_count && !self.awaited.is_empty();
        if is_held || taking().any(|worker| worker.free() > 0) {
            return None;
        }
        let slots: u32 = taking().map(|worker| worker.slots).sum();
        let slots = counted(slots.into(), "slot");
        let what = match taking().count() {
            1 => format!("{slots} of {}", first.name),
            count => format!("{slots} of {count} workers"),
        };
        let told = format!("{waits} for {operation}: all that take it are at work ({what})");
        stall(StallKind::Busy, told, "more workers or slots make it faster".to_owned())
    }

    fn awaited_stall(&self, now: Tick, waiting: &BTreeMap<String, Waiting>) -> Option<Stall> {
        let task_count = waiting.values().map(|waiting| waiting.older_count).sum();
        if task_count == 0 || self.awaited.is_empty() {
            return None;
        }
        let left_ms = self.awaited_until.map_or(0, |until| until.ms_since(now));
        let told = format!(
            "{} up to {} s for workers that may hold them since before this master began: {}",
            wait(task_count),
            left_ms.div_ceil(1_000),
            names(self.awaited.iter()),
        );
        let next_step = "wait: then they are given to others".to_owned();
        Some(Stall { kind: StallKind::Awaited, about: String::new(), task_count, told, next_step })
    }

    fn paused_stall(&self, now: Tick, ledger: &Ledger, of: Option<JobId>) -> Option<Stall> {
        let meant = || self.paused.iter().filter(|(_, task)| of.is_none_or(|of| of == task.job));
        let (at, task) = meant().next()?;
        let task_count = match of {
            None => self.paused.len(),
            Some(_) => meant().count(),
        };
        let task_count = u32::try_from(task_count).unwrap_or(u32::MAX);
        let phase = ledger.phase(task.phase_id())?;
        let failure = phase.tasks.failure(task.index).map(|failed| &failed.failure);
        let cause = failure.map_or("something is unavailable", |it| it.cause.as_str());
        let told = format!(
            "{} to be tried again, the next of {} in {} s: {cause}",
            wait(task_count),
            phase.spec.operation,
            at.ms_since(now).div_ceil(1_000),
        );
        let next_step = failure.map_or("", |failure| failure.next_step.as_str());
        let next_step = if next_step.is_empty() { "mend what is unavailable" } else { next_step };
        Some(Stall {
            kind: StallKind::Paused,
            about: String::new(),
            task_count,
            told,
            next_step: next_step.to_owned(),
        })
    }
}

impl Stall {
    /// The disk of the state is full, and the drains of these workers wait to be recorded.
    #[must_use]
    pub fn full_disk<'a>(drains: impl Iterator<Item = &'a WorkerName>) -> Stall {
        let drains = names(drains);
        let and = if drains.is_empty() {
            String::new()
        } else {
            format!(", and these workers still get work although they are to be drained: {drains}")
        };
        Stall {
            kind: StallKind::DiskFull,
            about: String::new(),
            task_count: 0,
            told: format!(
                "the disk of the state is full: nothing is recorded until there is room{and}"
            ),
            next_step:
                "free space on it, it goes on by itself; `windlass state compact` makes the \
                        state smaller"
                    .to_owned(),
        }
    }

    /// The wall clock shows `wall`, and the log's time is `believed`.
    #[must_use]
    pub fn clock(wall: LogTime, believed: LogTime) -> Stall {
        let ahead_minutes = wall.0.saturating_sub(believed.0) / 60_000;
        let (hours, minutes) = (ahead_minutes / 60, ahead_minutes % 60);
        Stall {
            kind: StallKind::Clock,
            about: String::new(),
            task_count: 0,
            told: format!(
                "the clock of the master's machine has jumped {hours} h {minutes} min ahead and is \
                 not believed: no result is collected, jobs are dated by the time that has passed"
            ),
            next_step: "set the clock right; or, if it is right now, `windlass cluster \
                        confirm-clock`"
                .to_owned(),
        }
    }

    /// In one line: what is so, and what can be done.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}; {}", self.told, self.next_step)
    }
}

fn count<T>(of: &[T]) -> u32 {
    u32::try_from(of.len()).unwrap_or(u32::MAX)
}

fn ready_phase(ledger: &Ledger, id: PhaseId) -> Option<&Phase> {
    ledger.jobs.get(&id.job).filter(|job| job.is_ready(id.phase))?.phase(id.phase)
}

fn no_worker(task_count: u32) -> Stall {
    Stall {
        kind: StallKind::NoWorker,
        about: String::new(),
        task_count,
        told: format!("{}: no worker is connected", wait(task_count)),
        next_step: "`windlass worker --join HOST:PORT` brings one".to_owned(),
    }
}

/// A slot that is half-way to being cancelled for showing no progress.
fn quiet(worker: &Worker, running: &Running, ledger: &Ledger) -> Option<Stall> {
    let operation = &ledger.phase(running.task.phase_id())?.spec.operation;
    let offer = worker.offers.iter().find(|offer| offer.operation == *operation)?;
    let limit_ms = offer.quiet_ms_max?;
    if running.quiet_ms < (limit_ms / 2).min(PROGRESS_TIMEOUT_MS) {
        return None;
    }
    let TaskId { job, index, .. } = running.task;
    let told = format!(
        "{} slot {}: job {job} task {index} ({operation}) shows no progress for {} s, is cancelled \
         at {} s",
        worker.name,
        running.slot,
        running.quiet_ms / 1_000,
        limit_ms / 1_000,
    );
    let next_step = "nothing: it is tried again, elsewhere where it can be".to_owned();
    let about = format!("{} slot {}, task {}", worker.name, running.slot, running.task);
    Some(Stall { kind: StallKind::Quiet, about, task_count: 1, told, next_step })
}

fn silent(worker: &Worker, now: Tick) -> Option<Stall> {
    let silent_ms = now.ms_since(worker.heard_at);
    if silent_ms < WORKER_SILENT_MS {
        return None;
    }
    let task_count = worker.flights.open_count();
    let told = format!(
        "{} was last heard {:.1} s ago, holds {}, is given up at {} s",
        worker.name,
        silent_ms as f64 / 1_000.0,
        counted(task_count.into(), "task"),
        LEASE_MS / 1_000,
    );
    let next_step = "look at its machine and the network to it".to_owned();
    let about = worker.name.0.clone();
    Some(Stall { kind: StallKind::Silent, about, task_count, told, next_step })
}

/// Open jobs that have nothing to do and may get more; one of them, or all.
fn unsealed(ledger: &Ledger, of: Option<JobId>) -> impl Iterator<Item = Stall> {
    let waits = |id: JobId| Stall {
        kind: StallKind::Unsealed,
        about: format!("job {id}"),
        task_count: 0,
        told: format!(
            "job {id} waits for files: its command is still sending or naming them, or has ended \
             before it was done"
        ),
        next_step: format!("if it has ended, run it again, or `windlass job cancel {id}`"),
    };
    let meant = ledger.jobs.values().filter(move |job| of.is_none_or(|of| of == job.id));
    let open = meant.filter(|job| job.is_open() && job.counts().pending == 0);
    open.filter(|job| job.phases.iter().any(|phase| !phase.sealed)).map(move |job| waits(job.id))
}

/// `1 task waits`, `12 tasks wait`.
fn wait(task_count: u32) -> String {
    if task_count == 1 { "1 task waits".to_owned() } else { format!("{task_count} tasks wait") }
}

fn names<'a>(names: impl Iterator<Item = &'a WorkerName>) -> String {
    listed(&names.map(|name| name.0.as_str()).collect::<Vec<_>>())
}

#[cfg(test)]
#[path = "watchdog_tests.rs"]
mod tests;
