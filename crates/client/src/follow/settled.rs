//! Settled tasks: their results exported, their rows made.

use super::{Follower, failed_row, path_of, size_of};
use crate::cluster::Cluster;
use crate::export::Exporter;
use crate::parallel::try_map_until;
use crate::report::{Outcome, Row};
use crate::run::RunError;
use crate::submitted::SubmittedPhase;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use windlass_core::ledger::TaskState;
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;
use windlass_core::view::TaskView;
use windlass_core::{PhaseId, TaskId};

impl Follower<'_> {
    /// Has these taken next; tasks that are open, or have a row, are none of them.
    pub(super) fn queue(&mut self, tasks: impl Iterator<Item = (TaskId, TaskView)>) {
        let is_new = |(task, view): &(TaskId, TaskView)| {
            view.state != TaskState::Pending && !self.rows.contains_key(task)
        };
        self.settled.extend(tasks.filter(is_new));
    }

    /// Exports what is queued and makes its rows; some stays queued when it is late.
    pub(super) fn take_queued(&mut self, until: Option<Instant>) -> Result<(), RunError> {
        let maker = RowMaker {
            exporter: &self.exporter,
            cluster: self.cluster,
            phases: &self.submission.phases,
            superseded: &self.superseded,
        };
        let is_over = || until.is_some_and(|until| Instant::now() >= until);
        let rows = try_map_until(&is_over, &self.settled, |(task, view)| maker.row(*task, view))?;
        let taken = self.settled.drain(..rows.len());
        for ((task, _), row) in taken.zip(rows) {
            self.standing.done_count += 1;
            self.standing.failed_count += u64::from(row.outcome == Outcome::Failed);
            self.standing.bytes_done += row.bytes;
            self.rows.insert(task, row);
        }
        Ok(())
    }
}

/// Makes rows of settled tasks, on any thread.
struct RowMaker<'f> {
    cluster: &'f Cluster,
    exporter: &'f Exporter<'f>,
    phases: &'f BTreeMap<PhaseId, SubmittedPhase>,
    superseded: &'f BTreeSet<TaskId>,
}

impl RowMaker<'_> {
    fn row(&self, task: TaskId, view: &TaskView) -> Result<Row, RunError> {
        let phase = &self.phases[&task.phase_id()];
        let row = |outcome| {
            let row = Row::new(path_of(phase, task.index), &phase.operation, outcome);
            Row { bytes: size_of(phase, task.index), ..row }
        };
        if view.state != TaskState::Succeeded {
            return Ok(failed_row(row(Outcome::Failed), view));
        }
        let manifest = match view.manifest {
            Some(id) => {
                let bytes = self.cluster.read_blob(id, MANIFEST_BYTES_MAX);
                Manifest::decode(&bytes.map_err(RunError::of_result)?)?
            }
            None => Manifest::default(),
        };
        let outputs = match self.superseded.contains(&task) {
            true => Vec::new(),
            false => self.exporter.export(&phase.operation, &phase.base(task.index), &manifest)?,
        };
        let seconds = Duration::from_micros(manifest.duration_us).as_secs_f64();
        let (notes, memo) = (manifest.notes, manifest.from_memo);
        let attempts = u32::from(!memo);
        Ok(Row { notes, seconds, outputs, attempts, memo, ..row(Outcome::Succeeded) })
    }
}
