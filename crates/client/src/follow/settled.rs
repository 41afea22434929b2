//! Settled tasks: their results exported, their rows made.

use super::{Follower, failed_row, path_of, size_of};
use crate::cluster::{Cluster, ClusterError};
use crate::export::{ExportError, Exporter};
use crate::parallel::try_map_until;
use crate::report::text::printable;
use crate::report::{Outcome, Row};
use crate::run::RunError;
use crate::submitted::SubmittedPhase;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use windlass_core::ledger::TaskState;
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;
use windlass_core::view::TaskView;
use windlass_core::{FailureKind, PhaseId, TaskId};

/// Tasks whose lists of artifacts are in memory at once.
const COUNT_AT_ONCE: usize = 256;

impl Follower<'_> {
    /// Has these taken next; tasks that are open, or have a row, are none of them.
    pub(super) fn queue(&mut self, tasks: impl Iterator<Item = (TaskId, TaskView)>) {
        let is_new = |(task, view): &(TaskId, TaskView)| {
            view.state != TaskState::Pending && !self.rows.contains_key(task)
        };
        self.settled.extend(tasks.filter(is_new));
    }

    /// Exports what is queued and makes its rows; some stays queued when it is late or stopped.
    pub(super) fn take_queued(&mut self, until: Option<Instant>) -> Result<(), RunError> {
        let Follower { cluster, exporter, submission, superseded, stop, .. } = self;
        let Follower { settled, alone, rows, standing, .. } = self;
        let maker = RowMaker { cluster, exporter, phases: &submission.phases, superseded };
        let is_late = || until.is_some_and(|until| Instant::now() >= until);
        let is_over = || stop.load(Ordering::Relaxed) || is_late();
        let mut add = |task: TaskId, row: Row| {
            standing.done_count += 1;
            standing.failed_count += u64::from(row.outcome == Outcome::Failed);
            standing.bytes_done += row.bytes;
            rows.insert(task, row);
        };
        loop {
            while let Some((task, manifest)) = alone.pop_front() {
                match maker.exported(task, &manifest)? {
                    Some(row) => add(task, row),
                    None => alone.push_front((task, manifest)),
                }
                if is_over() {
                    return Ok(());
                }
            }
            let queued = settled.make_contiguous();
            let first = &queued[..queued.len().min(COUNT_AT_ONCE)];
            let made = try_map_until(&is_over, first, |(task, view)| maker.made(*task, view))?;
            let taken: Vec<_> = settled.drain(..made.len()).collect();
            for (entry, made) in taken.into_iter().zip(made).rev() {
                match made {
                    Made::Row(row) => add(entry.0, row),
                    Made::Alone(manifest) => alone.push_front((entry.0, manifest)),
                    Made::Left => settled.push_front(entry),
                }
            }
            if is_over() || (settled.is_empty() && alone.is_empty()) {
                return Ok(());
            }
        }
    }
}

/// What came of a settled task.
enum Made {
    Row(Row),
    /// Its bytes are better fetched alone.
    Alone(Manifest),
    /// It was stopped before its results were there.
    Left,
}

/// Makes rows of settled tasks, on any thread.
struct RowMaker<'f> {
    cluster: &'f Cluster,
    exporter: &'f Exporter<'f>,
    phases: &'f BTreeMap<PhaseId, SubmittedPhase>,
    superseded: &'f BTreeSet<TaskId>,
}

impl RowMaker<'_> {
    fn made(&self, task: TaskId, view: &TaskView) -> Result<Made, RunError> {
        if view.state != TaskState::Succeeded {
            return Ok(Made::Row(failed_row(self.row(task, Outcome::Failed), view)));
        }
        let manifest = match view.manifest {
            Some(id) => match self.cluster.read_blob(id, MANIFEST_BYTES_MAX) {
                Err(error) if error.is_lost() => return Ok(Made::Row(self.lost_row(task, &error))),
                bytes => Manifest::decode(&bytes?)?,
            },
            None => Manifest::default(),
        };
        if !self.superseded.contains(&task) && self.exporter.is_better_alone(&manifest) {
            return Ok(Made::Alone(manifest));
        }
        Ok(self.exported(task, &manifest)?.map_or(Made::Left, Made::Row))
    }

    /// The row of a succeeded task whose results are in place; `None`: it was stopped before.
    fn exported(&self, task: TaskId, manifest: &Manifest) -> Result<Option<Row>, RunError> {
        let phase = &self.phases[&task.phase_id()];
        let outputs = match self.superseded.contains(&task) {
            true => Ok(Vec::new()),
            false => self.exporter.export(&phase.operation, &phase.base(task.index), manifest),
        };
        let outputs = match outputs {
            Err(ExportError::Left { .. }) => return Ok(None),
            Err(ExportError::Lost { source, .. }) => return Ok(Some(self.lost_row(task, &source))),
            Err(ExportError::Name { path }) => {
                let name = path.file_name().unwrap_or_default().as_bytes();
                let cause = format!("its result cannot be a file called {}", printable(name));
                let next_step = "`windlass result get` with `--out -` writes it to stdout.";
                return Ok(Some(self.unusable_row(task, "result_unnamed", cause, next_step)));
            }
            outputs => outputs?,
        };
        let seconds = Duration::from_micros(manifest.duration_us).as_secs_f64();
        let (notes, memo) = (manifest.notes.clone(), manifest.from_memo);
        let attempts = u32::from(!memo);
        let row = self.row(task, Outcome::Succeeded);
        Ok(Some(Row { notes, seconds, outputs, attempts, memo, ..row }))
    }

    /// The row of a task whose result the state no longer has; the others are none the worse.
    fn lost_row(&self, task: TaskId, error: &ClusterError) -> Row {
        let cause = format!("its result is lost: failed to {error}");
        let next_step = "Run it again with --fresh, which makes it anew.";
        self.unusable_row(task, "result_lost", cause, next_step)
    }

    fn unusable_row(&self, task: TaskId, code: &str, cause: String, next_step: &str) -> Row {
        let kind = FailureKind::Unavailable.label().to_owned();
        let (code, next_step) = (code.to_owned(), next_step.to_owned());
        Row { kind, code, cause, next_step, ..self.row(task, Outcome::Failed) }
    }

    fn row(&self, task: TaskId, outcome: Outcome) -> Row {
        let phase = &self.phases[&task.phase_id()];
        let row = Row::new(path_of(phase, task.index), &phase.operation, outcome);
        Row { bytes: size_of(phase, task.index), ..row }
    }
}
