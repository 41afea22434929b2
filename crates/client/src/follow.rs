//! Follows the jobs of a run: exports each result as it settles, keeps the report's rows.

mod ended;
mod steps;

use crate::cluster::Cluster;
use crate::export::export;
use crate::report::text::printable;
use crate::report::{Outcome, Row, Withdrawn};
use crate::run::RunError;
use crate::submitted::{Submission, SubmittedPhase};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use windlass_core::ledger::{FailedTask, TaskState};
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;
use windlass_core::session::Withdrawal;
use windlass_core::view::{Notice, SlotWork, TaskView};
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
    out: PathBuf,
    submission: Submission,
    /// Inputs whose file changed between two jobs of the run: the newer task stands for them.
    superseded: BTreeSet<TaskId>,
    notices: Receiver<Vec<Notice>>,
    rows: BTreeMap<TaskId, Row>,
    standing: Standing,
    /// By operation: what workers offer no more.
    withdrawn: BTreeMap<String, Withdrawn>,
}

impl<'a> Follower<'a> {
    /// Begins with what has settled already.
    pub(crate) fn new(
        cluster: &'a Cluster,
        out: &std::path::Path,
        submission: Submission,
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
            out: out.to_path_buf(),
            submission,
            superseded,
            notices: cluster.watch()?,
            rows: BTreeMap::new(),
            standing,
            withdrawn: BTreeMap::new(),
        };
        follower.read_all()?;
        Ok(follower)
    }

    /// Whether every file has its outcome.
    pub(crate) fn is_done(&self) -> bool {
        self.standing.done_count == self.standing.file_count
    }

    /// Takes in what happens, for at most this long.
    pub(crate) fn wait(&mut self, at_most: Duration) -> Result<(), RunError> {
        let until = Instant::now() + at_most;
        while !self.is_done() {
            let left = until.saturating_duration_since(Instant::now());
            match self.notices.recv_timeout(left) {
                Ok(notices) => self.take_settled(notices)?,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    // Fell behind, or the master has ended: the questions tell which.
                    self.notices = self.cluster.watch()?;
                    self.read_all()?;
                }
            }
        }
        Ok(())
    }

    /// Takes the settled tasks of these notices and of those that have come since: the master is
    /// asked once for all of them.
    fn take_settled(&mut self, notices: Vec<Notice>) -> Result<(), RunError> {
        let since = std::iter::from_fn(|| self.notices.try_recv().ok());
        let batches = std::iter::once(notices).chain(since).take(RECORD_COUNT_AT_ONCE);
        let mut has_ended = false;
        let tasks = batches.flatten().filter_map(|notice| match notice {
            Notice::TaskSettled(task) => Some(task),
            Notice::JobEnded(_) => {
                has_ended = true;
                None
            }
        });
        let ours = |task: &TaskId| {
            let phase = self.submission.phases.get(&task.phase_id());
            phase.is_some_and(|phase| !phase.is_intermediate)
        };
        let tasks: Vec<TaskId> = tasks.filter(ours).collect();
        let views = self.cluster.task_views(tasks.clone())?;
        for (task, view) in tasks.into_iter().zip(views) {
            self.take(task, &view.ok_or(RunError::Forgotten(task.job))?)?;
        }
        if has_ended { self.take_ended() } else { Ok(()) }
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
            if let Some(paused) = self.cluster.job(id)?.and_then(|job| job.paused) {
                let by = printable(paused.by.as_bytes());
                return Ok(Some(format!(
                    "paused by {by}: `windlass job resume {id}` lets it go on"
                )));
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

    fn read_all(&mut self) -> Result<(), RunError> {
        for job in self.submission.jobs() {
            self.read_job(job)?;
        }
        self.take_ended()
    }

    /// Takes in what has settled of a job.
    fn read_job(&mut self, job: JobId) -> Result<(), RunError> {
        let phases = self.submission.shown().map(|(id, _)| *id);
        let phases: Vec<PhaseId> = phases.filter(|id| id.job == job).collect();
        for id in phases {
            let mut from = TaskIndex(0);
            loop {
                let tasks = self.cluster.tasks(id, from)?;
                let Some(last) = tasks.last() else { break };
                from = TaskIndex(last.index.0 + 1);
                for view in &tasks {
                    self.take(id.task(view.index), view)?;
                }
            }
            let phase = &self.submission.phases[&id];
            // Tasks that follow from others may not be there yet.
            if from.0 < phase.task_count && phase.derived.is_none() {
                return Err(RunError::Forgotten(id.job));
            }
        }
        Ok(())
    }

    /// Exports a settled task and makes its row; a task seen before changes nothing.
    fn take(&mut self, task: TaskId, view: &TaskView) -> Result<(), RunError> {
        if view.state == TaskState::Pending || self.rows.contains_key(&task) {
            return Ok(());
        }
        let phase = &self.submission.phases[&task.phase_id()];
        let path = path_of(phase, task.index);
        let bytes = size_of(phase, task.index);
        let row = if view.state == TaskState::Succeeded {
            let manifest = match view.manifest {
                Some(id) => {
                    let bytes = self.cluster.read_blob(id, MANIFEST_BYTES_MAX);
                    Manifest::decode(&bytes.map_err(RunError::of_result)?)?
                }
                None => Manifest::default(),
            };
            let outputs = if self.superseded.contains(&task) {
                Vec::new()
            } else {
                let base = phase.base(task.index);
                export(self.cluster.origin(), &self.out, &phase.operation, &base, &manifest)?
            };
            let seconds = Duration::from_micros(manifest.duration_us).as_secs_f64();
            let row = Row::new(path, &phase.operation, Outcome::Succeeded);
            let (notes, memo) = (manifest.notes, manifest.from_memo);
            let attempts = u32::from(!memo);
            Row { notes, seconds, outputs, attempts, bytes, memo, ..row }
        } else {
            self.standing.failed_count += 1;
            let row = Row::new(path, &phase.operation, Outcome::Failed);
            failed_row(Row { bytes, ..row }, view)
        };
        self.standing.done_count += 1;
        self.standing.bytes_done += bytes;
        self.rows.insert(task, row);
        Ok(())
    }
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
