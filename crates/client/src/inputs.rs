//! The inputs of a job's tasks, as they were submitted.

use crate::cluster::Cluster;
use crate::run::RunError;
use crate::submitted::name_without_input;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, StoredChunk};
use windlass_core::limits::CHUNK_BYTES_MAX;
use windlass_core::plan::{STEP_PARAM, TaskCount};
use windlass_core::view::JobView;
use windlass_core::{PhaseId, PhaseIndex, TaskId, TaskIndex};

/// The inputs of a phase, in task order; empty where tasks have none.
///
/// # Errors
/// The cluster cannot tell, or a stored list cannot be read.
pub(crate) fn inputs_of(cluster: &Cluster, phase: PhaseId) -> Result<Vec<Input>, RunError> {
    let mut inputs = Vec::new();
    for stored in cluster.chunks(phase)? {
        inputs.extend(inputs_in(cluster, &stored.chunk)?);
    }
    Ok(inputs)
}

/// The inputs in one list.
fn inputs_in(cluster: &Cluster, chunk: &ChunkRef) -> Result<Vec<Input>, RunError> {
    Ok(match chunk {
        ChunkRef::Count | ChunkRef::Outputs => Vec::new(),
        ChunkRef::Inline(bytes) => Chunk::decode(bytes)?.inputs,
        ChunkRef::Blob(id) => Chunk::decode(&cluster.read_blob(*id, CHUNK_BYTES_MAX)?)?.inputs,
    })
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

/// What tasks at work are called, for whoever looks again and again: of a phase with a million
/// inputs only the lists are kept that such tasks are in.
#[derive(Debug, Default)]
pub struct NamesAtWork {
    phases: BTreeMap<PhaseId, Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    stored: Vec<StoredChunk>,
    /// Paths of the inputs in a list, by the first task of the list.
    paths: BTreeMap<TaskIndex, Vec<Vec<u8>>>,
}

impl NamesAtWork {
    /// The input's path of each of these tasks; those that have none, or whose list cannot be had,
    /// are left out.
    pub fn of(&mut self, cluster: &Cluster, tasks: &[TaskId]) -> BTreeMap<TaskId, Vec<u8>> {
        let mut names = BTreeMap::new();
        let mut used: BTreeMap<PhaseId, BTreeSet<TaskIndex>> = BTreeMap::new();
        for task in tasks {
            let used = used.entry(task.phase_id()).or_default();
            let lists = self.phases.entry(task.phase_id()).or_default();
            let Some(first) = lists.read(cluster, *task) else { continue };
            used.insert(first);
            let path =
                &lists.paths.get(&first).and_then(|it| it.get((task.index.0 - first.0) as usize));
            names.extend(path.map(|path| (*task, path.clone())));
        }
        self.phases.retain(|phase, lists| {
            let used = used.get(phase);
            lists.paths.retain(|first, _| used.is_some_and(|used| used.contains(first)));
            used.is_some()
        });
        names
    }
}

impl Lists {
    /// Has the list that a task is in, if there is one; answers its first task.
    fn read(&mut self, cluster: &Cluster, task: TaskId) -> Option<TaskIndex> {
        if self.find(task.index).is_none() {
            // More was added since.
            self.stored = cluster.chunks(task.phase_id()).ok()?;
        }
        let StoredChunk { first, chunk, .. } = self.find(task.index)?.clone();
        if let Entry::Vacant(unread) = self.paths.entry(first) {
            let inputs = inputs_in(cluster, &chunk).ok()?;
            unread.insert(inputs.into_iter().map(|input| input.path).collect());
        }
        Some(first)
    }

    fn find(&self, index: TaskIndex) -> Option<&StoredChunk> {
        let at = self.stored.partition_point(|chunk| chunk.first <= index).checked_sub(1)?;
        self.stored.get(at).filter(|chunk| index.0 - chunk.first.0 < chunk.count)
    }
}
