//! What the master has said of phases and their inputs: what an assigned task is, in full.

use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::ChunkRef;
use windlass_core::limits::CHUNK_BYTES_MAX;
use windlass_core::params::Params;
use windlass_core::plan::{Output, Outputs};
use windlass_core::session::ToWorker;
use windlass_core::{Failure, PhaseId, TaskId, TaskIndex};

/// Chunks kept decoded; attempts of few chunks are in hand at once.
const DECODED_CHUNK_COUNT_MAX: usize = 8;

/// A task in full.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) operation: Arc<str>,
    pub(crate) params: Arc<Params>,
    /// Whether earlier results do not count.
    pub(crate) fresh: bool,
    pub(crate) input: Option<Input>,
    /// The results of earlier phases that it builds on, in order.
    pub(crate) outputs: Vec<Output>,
}

#[derive(Debug, Default)]
pub(crate) struct Orders {
    phases: BTreeMap<PhaseId, (Arc<str>, Arc<Params>, bool)>,
    chunks: BTreeMap<(PhaseId, TaskIndex), (u32, ChunkRef)>,
    outputs: BTreeMap<(PhaseId, TaskIndex), (u32, Outputs)>,
    /// Newest last.
    decoded: Vec<((PhaseId, TaskIndex), Chunk)>,
}

impl Orders {
    /// Keeps or forgets what a message says.
    pub(crate) fn note(&mut self, message: ToWorker) {
        match message {
            ToWorker::Phase { phase, operation, params, fresh } => {
                self.phases.insert(phase, (operation.into(), Arc::new(params), fresh));
            }
            ToWorker::Chunk { phase, first, count, chunk } => {
                self.chunks.insert((phase, first), (count, chunk));
            }
            ToWorker::Outputs { phase, first, count, outputs } => {
                self.outputs.insert((phase, first), (count, outputs));
            }
            ToWorker::PhaseClosed(phase) => {
                self.phases.remove(&phase);
                self.chunks.retain(|(of, _), _| *of != phase);
                self.outputs.retain(|(of, _), _| *of != phase);
                self.decoded.retain(|((of, _), _)| *of != phase);
            }
            _ => {}
        }
    }

    /// The task in full.
    pub(crate) fn order(&mut self, store: &Store, task: TaskId) -> Result<Order, Failure> {
        let phase = task.phase_id();
        let Some((operation, params, fresh)) = self.phases.get(&phase).cloned() else {
            return Err(unknown("its phase"));
        };
        if let Some(outputs) = self.outputs_of(task) {
            return Ok(Order { operation, params, fresh, input: None, outputs });
        }
        let before = self.chunks.range(..=(phase, task.index)).next_back();
        let Some((key, (count, stored))) = before
            .filter(|((of, first), (count, _))| *of == phase && task.index.0 - first.0 < *count)
        else {
            return Err(unknown("its inputs"));
        };
        let (key, count) = (*key, *count);
        let position = (task.index.0 - key.1.0) as usize;
        let input = match stored.clone() {
            ChunkRef::Count => None,
            ChunkRef::Outputs => return Err(unknown("what it builds on")),
            stored => {
                let chunk = self.decode(store, key, &stored)?;
                if chunk.inputs.len() != count as usize {
                    return Err(unknown("its inputs"));
                }
                chunk.inputs.get(position).cloned()
            }
        };
        Ok(Order { operation, params, fresh, input, outputs: Vec::new() })
    }

    /// What a task builds on; `None`: it is of a phase that builds on nothing.
    fn outputs_of(&self, task: TaskId) -> Option<Vec<Output>> {
        let before = self.outputs.range(..=(task.phase_id(), task.index)).next_back();
        let ((phase, first), (count, outputs)) = before?;
        let is_among = *phase == task.phase_id() && task.index.0 - first.0 < *count;
        is_among.then(|| outputs.of_task(*first, task.index))
    }

    fn decode(
        &mut self,
        store: &Store,
        key: (PhaseId, TaskIndex),
        stored: &ChunkRef,
    ) -> Result<&Chunk, Failure> {
        if let Some(position) = self.decoded.iter().position(|(known, _)| *known == key) {
            return Ok(&self.decoded[position].1);
        }
        let chunk = match stored {
            ChunkRef::Count | ChunkRef::Outputs => Ok(Chunk::default()),
            ChunkRef::Inline(bytes) => Chunk::decode(bytes).map_err(|error| error.to_string()),
            ChunkRef::Blob(id) => {
                let bytes = store.read(*id, CHUNK_BYTES_MAX)?;
                Chunk::decode(&bytes).map_err(|error| error.to_string())
            }
        };
        let chunk = chunk.map_err(|error| {
            Failure::unavailable(
                "inputs_unreadable",
                format!("the list of inputs cannot be read: {error}"),
                "Check the state directory's disk.",
            )
        })?;
        if self.decoded.len() == DECODED_CHUNK_COUNT_MAX {
            self.decoded.remove(0);
        }
        self.decoded.push((key, chunk));
        let (_, chunk) = self.decoded.last().expect("just added");
        Ok(chunk)
    }
}

fn unknown(what: &str) -> Failure {
    Failure::unavailable(
        "order_incomplete",
        format!("the master assigned the task without telling {what}"),
        "It is tried again by itself.",
    )
}
