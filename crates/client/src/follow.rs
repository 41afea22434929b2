//! Follows the jobs of a run: exports each result as it settles, keeps the report's rows.

mod ended;
mod settled;
mod steps;

use crate::cluster::Cluster;
use crate::export::Exporter;
use crate::report::text::printable;
use crate::report::{Outcome, Row, Withdrawn};
use crate::run::RunError;
use crate::submitted::{Submission, SubmittedPhase};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use windlass_core::ledger::FailedTask;
use windlass_core::manifest::Manifest;
use windlass_core::session::Withdrawal;
use windlass_core::view::{JobView, Notice, SlotWork, TaskView};
use windlass_core::{JobId, PhaseId, TaskId, TaskIndex};

/// Records whose settled tasks are taken between two looks at the clock.
const RECORD_COUNT_AT_ONCE: usize = 64;

/// How far the jobs of a run are.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Files in all; tasks on whose results others build are none.
    pub file_count: u64,
    /// Files with an outcome.
    pub done_count: u64,
    /// Of those, failed.
    pub failed_count: u64,
    /// Bytes of all inputs.
    pub bytes_total: u64,
    /// Bytes of the inputs of done tasks.
    pub bytes_done: u64,
    /// Every slot of every worker.
    pub slots: Vec<SlotStanding>,
    /// Why nothing moves, where that is so.
    pub note: Option<String>,
    /// Whether the disk of the state is full: nothing is recorded until there is room.
    pub waits_for_room: bool,
}

/// What a slot is doing.
#[derive(Clone, Debug)]
pub struct SlotStanding {
    /// Its worker's name.
    pub worker: String,
    /// The attempt in it.
    pub doing: Option<Doing>,
}

/// An attempt in progress.
#[derive(Clone, Debug)]
pub struct Doing {
    /// The input's path, or the task's number.
    pub name: Vec<u8>,
    /// The operation.
    pub operation: String,
    /// How long it has run.
    pub elapsed: Duration,
    /// How long ago it last showed progress.
    pub quiet: Duration,
}

/// Follows the jobs of one run.
pub(crate) struct Follower<'a> {
    cluster: &'a Cluster,
    exporter: Exporter<'a>,
    stop: &'a AtomicBool,
    submission: Submission,
    /// Inputs whose file changed between two jobs of the run: the newer task stands for them.
    superseded: BTreeSet<TaskId>,
    notices: Receiver<Vec<Notice>>,
    /// Phases whose tasks have to be looked at, from which on.
    unread: VecDeque<(PhaseId, TaskIndex)>,
    /// Settled tasks whose results are to be exported.
    settled: VecDeque<(TaskId, TaskView)>,
    /// Of these, those that are better exported one by one.
    alone: VecDeque<(TaskId, Manifest)>,
    /// Whether all was taken in that had settled when it began.
    has_caught_up: bool,
    /// Whether jobs may have ended since they were last asked about.
    may_have_ended: bool,
    /// Jobs whose tasks were looked at once more after their end.
    read_to_end: BTreeSet<JobId>,
    rows: BTreeMap<TaskId, Row>,
    standing: Standing,
    /// By operation: what workers offer no more.
    withdrawn: BTreeMap<String, Withdrawn>,
}

impl<'a> Follower<'a> {
    /// The first [`Follower::wait`] begins with what has settled already. Once it is stopped,
    /// nothing more is exported, and what is under way is left.
    pub(crate) fn new(
        cluster: &'a Cluster,
        out: &Path,
        submission: Submission,
        stop: &'a AtomicBool,
    ) -> Result<Follower<'a>, RunError> {
        let inputs = submission.shown().flat_map(|(_, phase)| &phase.inputs);
        let standing = Standing {
            file_count: submission.file_count(),
            bytes_total: inputs.map(|input| input.size).sum(),
            ..Standing::default()
        };
        let superseded = superseded(&submission.phases);
        let mut follower = Follower {
            cluster,
            exporter: Exporter::new(cluster.origin(), out, stop, submission.bases()),
            stop,
            submission,
            superseded,
            notices: cluster.watch()?,
            unread: VecDeque::new(),
            settled: VecDeque::new(),
            alone: VecDeque::new(),
            has_caught_up: false,
            may_have_ended: false,
            read_to_end: BTreeSet::new(),
            rows: BTreeMap::new(),
            standing,
            withdrawn: BTreeMap::new(),
        };
        follower.read_anew(None);
        Ok(follower)
    }

    /// Whether every file has its outcome.
    pub(crate) fn is_done(&self) -> bool {
        self.standing.done_count == self.standing.file_count
    }

    /// Whether all was taken in that had settled when it began.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.has_caught_up
    }

    /// Files whose outcome is known in the cluster, and not here.
    pub(crate) fn untaken_count(&self) -> Result<u64, RunError> {
        let mut untaken_count = 0;
        for id in self.submission.jobs() {
            let counts = self.cluster.job(id)?.map(|job| job.file_counts()).unwrap_or_default();
            let settled_count = u64::from(counts.succeeded) + u64::from(counts.failed);
            // Another task stands for the superseded ones, whether they are settled or not.
            let superseded = self.superseded.iter().filter(|task| !self.rows.contains_key(task));
            let known = self.rows.keys().chain(superseded).filter(|task| task.job == id);
            untaken_count += settled_count.saturating_sub(known.count() as u64);
        }
        Ok(untaken_count)
    }

    /// Takes in what happens, for about so long at most.
    pub(crate) fn wait(&mut self, at_most: Duration) -> Result<(), RunError> {
        let until = Instant::now() + at_most;
        while self.catch_up(Some(until))? && !self.is_done() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match self.notices.recv_timeout(left) {
                Ok(notices) => self.hear(notices)?,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    // Fell behind, or the master has ended: the questions tell which.
                    self.notices = self.cluster.watch()?;
                    self.read_anew(None);
                }
            }
        }
        Ok(())
    }

    /// Takes in what is known to have happened. `false`: there is more, and it is late.
    pub(crate) fn catch_up(&mut self, until: Option<Instant>) -> Result<bool, RunError> {
        loop {
            self.take_queued(until)?;
            if !self.settled.is_empty() || !self.alone.is_empty() {
                return Ok(false);
            }
            if let Some((phase, from)) = self.unread.pop_front() {
                self.read_page(phase, from)?;
            } else if std::mem::take(&mut self.may_have_ended) {
                self.take_ended()?;
            } else {
                self.has_caught_up = true;
                return Ok(true);
            }
        }
    }

    /// Queues the settled tasks of these notices and of those that have come since: the master is
    /// asked once for all of them.
    fn hear(&mut self, notices: Vec<Notice>) -> Result<(), RunError> {
        let since = std::iter::from_fn(|| self.notices.try_recv().ok());
        let batches = std::iter::once(notices).chain(since).take(RECORD_COUNT_AT_ONCE);
        let mut tasks = BTreeSet::new();
        for notice in batches.flatten() {
            match notice {
                Notice::TaskSettled(task) => {
                    let phase = self.submission.phases.get(&task.phase_id());
                    if phase.is_some_and(|phase| !phase.is_intermediate) {
                        tasks.insert(task);
                    }
                }
                Notice::JobEnded(_) => self.may_have_ended = true,
            }
        }
        if tasks.is_empty() {
            return Ok(());
        }
        let tasks: Vec<TaskId> = tasks.into_iter().collect();
        let views = self.cluster.task_views(tasks.clone())?;
        let known = |(task, view): (TaskId, Option<TaskView>)| {
            view.map(|view| (task, view)).ok_or(RunError::Forgotten(task.job))
        };
        let known: Result<Vec<_>, _> = tasks.into_iter().zip(views).map(known).collect();
        self.queue(known?.into_iter());
        Ok(())
    }

    /// Has all tasks looked at, of one job or of all, and then whether jobs have ended.
    fn read_anew(&mut self, job: Option<JobId>) {
        let phases = self.submission.shown().map(|(id, _)| *id);
        let phases = phases.filter(|id| job.is_none_or(|job| id.job == job));
        self.unread.extend(phases.map(|id| (id, TaskIndex(0))));
        self.may_have_ended = true;
    }

    /// Queues some of what has settled of a phase, and the look at the rest.
    fn read_page(&mut self, id: PhaseId, from: TaskIndex) -> Result<(), RunError> {
        let tasks = self.cluster.tasks(id, from)?;
        let Some(last) = tasks.last() else {
            let phase = &self.submission.phases[&id];
            // Tasks that follow from others may not be there yet.
            let is_all = from.0 >= phase.task_count || phase.derived.is_some();
            return if is_all { Ok(()) } else { Err(RunError::Forgotten(id.job)) };
        };
        self.unread.push_front((id, TaskIndex(last.index.0 + 1)));
        self.queue(tasks.into_iter().map(|view| (id.task(view.index), view)));
        Ok(())
    }

    /// How far it is now.
    pub(crate) fn standing(&mut self) -> Result<Standing, RunError> {
        let mut standing = self.standing.clone();
        let cluster = self.cluster.status()?;
        for worker in cluster.workers {
            for slot in 0..worker.slots {
                let running = worker.running.iter().find(|work| work.running.slot == slot);
                let doing = running.and_then(|SlotWork { running, .. }| {
                    let phase = self.submission.phases.get(&running.task.phase_id())?;
                    Some(Doing {
                        name: phase.name(running.task.index),
                        operation: phase.operation.clone(),
                        elapsed: Duration::from_millis(running.elapsed_ms),
                        quiet: Duration::from_millis(running.quiet_ms),
                    })
                });
                standing.slots.push(SlotStanding { worker: worker.name.to_string(), doing });
            }
            let name = worker.name.to_string();
            worker.withdrawn.into_iter().for_each(|it| self.note_withdrawn(&name, it));
        }
        standing.waits_for_room = cluster.waits_for_room;
        let waits = cluster.stalls.into_iter().find(|stall| stall.kind.holds_tasks());
        standing.note = self.paused()?.or(waits.map(|stall| stall.line()));
        if standing.note.is_none() {
            standing.note = self.withdrawn.values().next().map(Withdrawn::told);
        }
        Ok(standing)
    }

    /// Who holds a job of the run back, and how it goes on.
    fn paused(&self) -> Result<Option<String>, RunError> {
        for id in self.submission.jobs() {
            if let Some(told) = self.cluster.job(id)?.as_ref().and_then(paused_told) {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    /// What workers offer no more of what this run asks for.
    pub(crate) fn withdrawn(&self) -> Vec<Withdrawn> {
        let is_asked_for = |withdrawn: &&Withdrawn| {
            self.submission.shown().any(|(_, phase)| phase.operation == withdrawn.operation)
        };
        self.withdrawn.values().filter(is_asked_for).cloned().collect()
    }

    fn note_withdrawn(&mut self, worker: &str, withdrawal: Withdrawal) {
        let Withdrawal { operation, cause } = withdrawal;
        let new = || Withdrawn { operation: operation.clone(), workers: Vec::new(), cause };
        let known = self.withdrawn.entry(operation.clone()).or_insert_with(new);
        if !known.workers.iter().any(|name| name == worker) {
            known.workers.push(worker.to_owned());
        }
    }

    /// One row for every task; those without an outcome are unfinished.
    pub(crate) fn into_rows(mut self) -> Vec<Row> {
        for (id, phase) in self.submission.shown() {
            for index in (0..phase.task_count).map(TaskIndex) {
                let task = id.task(index);
                self.rows.entry(task).or_insert_with(|| {
                    let row =
                        Row::new(path_of(phase, index), &phase.operation, Outcome::Unfinished);
                    Row { bytes: size_of(phase, index), ..row }
                });
            }
        }
        let superseded = self.superseded;
        self.rows.retain(|task, _| !superseded.contains(task));
        self.rows.into_values().collect()
    }
}

/// Who holds a job back, if somebody does, and how it goes on.
#[must_use]
pub fn paused_told(job: &JobView) -> Option<String> {
    let by = printable(job.paused.as_ref()?.by.as_bytes());
    Some(format!("paused by {by}: `windlass job resume {}` lets it go on", job.id))
}

/// Tasks whose input file is, in a later job of the run, an input again.
fn superseded(phases: &BTreeMap<PhaseId, SubmittedPhase>) -> BTreeSet<TaskId> {
    let mut newest: BTreeMap<(&str, &[u8]), TaskId> = BTreeMap::new();
    let mut superseded = BTreeSet::new();
    for (id, phase) in phases {
        for (position, input) in phase.inputs.iter().enumerate() {
            let index = TaskIndex(u32::try_from(position).expect("indexes are u32"));
            let key = (phase.operation.as_str(), input.path.as_slice());
            superseded.extend(newest.insert(key, id.task(index)));
        }
    }
    superseded
}

/// Fills in why a task failed.
fn failed_row(row: Row, view: &TaskView) -> Row {
    let Some(FailedTask { failure, attempt_count, .. }) = view.failure.clone() else { return row };
    let tried = match attempt_count {
        0 | 1 => failure.cause,
        count => format!("{} (attempts used up: {count})", failure.cause),
    };
    Row {
        kind: failure.kind.label().to_owned(),
        code: failure.code,
        cause: tried,
        next_step: failure.next_step,
        seconds: Duration::from_micros(failure.duration_us).as_secs_f64(),
        attempts: u32::from(attempt_count),
        ..row
    }
}

/// The input's path; empty for a task without input.
fn path_of(phase: &SubmittedPhase, index: TaskIndex) -> Vec<u8> {
    phase.inputs.get(index.0 as usize).map(|input| input.path.clone()).unwrap_or_default()
}

fn size_of(phase: &SubmittedPhase, index: TaskIndex) -> u64 {
    phase.inputs.get(index.0 as usize).map_or(0, |input| input.size)
}
