//! The inputs of a job's tasks, as they were submitted.

use crate::cluster::Cluster;
use crate::export::base_of_task;
use crate::run::RunError;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::ChunkRef;
use windlass_core::limits::CHUNK_BYTES_MAX;
use windlass_core::{PhaseId, TaskId};

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
    /// The input's path, or of a task without one its number.
    ///
    /// # Errors
    /// The cluster cannot tell, or a stored list cannot be read.
    pub fn name(&mut self, cluster: &Cluster, task: TaskId) -> Result<Vec<u8>, RunError> {
        let phase = task.phase_id();
        let inputs = match self.phases.entry(phase) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(inputs_of(cluster, phase)?),
        };
        let input = inputs.get(task.index.0 as usize);
        Ok(input.map_or_else(|| base_of_task(task.index), |input| input.path.clone()))
    }
}
