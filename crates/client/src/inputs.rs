//! The inputs of a job's tasks, as they were submitted.

use crate::cluster::Cluster;
use crate::run::RunError;
use crate::submitted::name_without_input;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::ChunkRef;
use windlass_core::limits::CHUNK_BYTES_MAX;
use windlass_core::plan::{STEP_PARAM, TaskCount};
use windlass_core::view::JobView;
use windlass_core::{PhaseId, PhaseIndex, TaskId};

/// The inputs of a phase, in task order; empty where tasks have none.
///
/// # Errors
/// The cluster cannot tell, or a stored list cannot be read.
pub(crate) fn inputs_of(cluster: &Cluster, phase: PhaseId) -> Result<Vec<Input>, RunError> {
    let mut inputs = Vec::new();
    for stored in cluster.chunks(phase)? {
        match stored.chunk {
            ChunkRef::Count | ChunkRef::Outputs => {}
            ChunkRef::Inline(bytes) => inputs.extend(Chunk::decode(&bytes)?.inputs),
            ChunkRef::Blob(id) => {
                let bytes = cluster.read_blob(id, CHUNK_BYTES_MAX)?;
                inputs.extend(Chunk::decode(&bytes)?.inputs);
            }
        }
    }
    Ok(inputs)
}

/// What tasks are called for people; the inputs of a phase are asked for once.
#[derive(Debug, Default)]
pub struct TaskNames {
    phases: BTreeMap<PhaseId, Vec<Input>>,
}

impl TaskNames {
    /// A task of a job: its input's path, or of a task without one which one of its step it is, or
    /// its number.
    ///
    /// # Errors
    /// The cluster cannot tell, or a stored list cannot be read.
    pub fn name(
        &mut self,
        cluster: &Cluster,
        job: &JobView,
        task: TaskId,
    ) -> Result<Vec<u8>, RunError> {
        let phase = PhaseId { job: job.id, phase: with_inputs(job, task.phase) };
        let inputs = match self.phases.entry(phase) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(inputs_of(cluster, phase)?),
        };
        if let Some(input) = inputs.get(task.index.0 as usize) {
            return Ok(input.path.clone());
        }
        let phase = job.phases.get(usize::from(task.phase.0));
        let step = phase.and_then(|phase| phase.spec.params.text(STEP_PARAM));
        let count = phase.map_or(0, |phase| phase.task_count);
        Ok(name_without_input(step, task.index, count))
    }
}

/// The phase that has the inputs of a phase's tasks: one whose tasks work on the results of another
/// one's is about the same files.
fn with_inputs(job: &JobView, mut phase: PhaseIndex) -> PhaseIndex {
    let source = |phase: PhaseIndex| {
        let spec = &job.phases.get(usize::from(phase.0))?.spec;
        match spec.derived.as_ref()?.count {
            TaskCount::EachOf(source) => Some(source),
            TaskCount::Fixed(_) => None,
        }
    };
    while let Some(earlier) = source(phase).filter(|earlier| *earlier < phase) {
        phase = earlier;
    }
    phase
}
