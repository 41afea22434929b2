//! Numbers, names and failures.

use crate::generated as pb;
use prost::bytes::Bytes;
use thiserror::Error;
use windlass_core::input::{Chunk, Input};
use windlass_core::ledger::{ChunkRef, Results};
use windlass_core::limits::{CHUNK_TASK_COUNT_MAX, ENDED_RUN_TASK_COUNT_MAX};
use windlass_core::params::Params;
use windlass_core::{
    AttemptId, BadWorkerName, BlobId, Epoch, Failure, FailureKind, JobId, PhaseId, PhaseIndex,
    TaskId, TaskIndex, WorkerName,
};

/// A message that a peer may not send; what is wrong with it, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("read a message: {0}")]
pub struct Malformed(pub &'static str);

/// A field of a message that must be there.
pub(crate) fn needed<T>(field: Option<T>, what: &'static str) -> Result<T, Malformed> {
    field.ok_or(Malformed(what))
}

pub(crate) fn u128_of(bytes: &[u8]) -> Result<u128, Malformed> {
    let bytes = bytes.try_into().map_err(|_| Malformed("an id that has not 16 bytes"))?;
    Ok(u128::from_be_bytes(bytes))
}

pub(crate) fn worker_name(name: &str) -> Result<WorkerName, Malformed> {
    name.parse().map_err(|BadWorkerName| {
        Malformed("a worker's name that is not 1 to 64 of A-Z a-z 0-9 . _ -")
    })
}

pub(crate) fn blob_id(bytes: &[u8]) -> Result<BlobId, Malformed> {
    let bytes = bytes.try_into().map_err(|_| Malformed("a blob's name that has not 32 bytes"))?;
    Ok(BlobId(bytes))
}

pub(crate) fn blob_ids(bytes: &[u8]) -> Result<Vec<BlobId>, Malformed> {
    let (ids, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(Malformed("names of blobs that have not 32 bytes each"));
    }
    Ok(ids.iter().map(|id| BlobId(*id)).collect())
}

pub(crate) fn ids_of(ids: &[BlobId]) -> Bytes {
    let mut bytes = Vec::with_capacity(ids.len() * 32);
    ids.iter().for_each(|id| bytes.extend_from_slice(&id.0));
    bytes.into()
}

pub(crate) fn phase_index(phase: u32) -> Result<PhaseIndex, Malformed> {
    u16::try_from(phase).map(PhaseIndex).map_err(|_| Malformed("a phase above 65535"))
}

impl From<PhaseId> for pb::PhaseId {
    fn from(id: PhaseId) -> pb::PhaseId {
        pb::PhaseId { job: id.job.0, phase: id.phase.0.into() }
    }
}

impl TryFrom<pb::PhaseId> for PhaseId {
    type Error = Malformed;

    fn try_from(id: pb::PhaseId) -> Result<PhaseId, Malformed> {
        Ok(PhaseId { job: JobId(id.job), phase: phase_index(id.phase)? })
    }
}

impl From<TaskId> for pb::TaskId {
    fn from(id: TaskId) -> pb::TaskId {
        pb::TaskId { job: id.job.0, phase: id.phase.0.into(), index: id.index.0 }
    }
}

impl TryFrom<pb::TaskId> for TaskId {
    type Error = Malformed;

    fn try_from(id: pb::TaskId) -> Result<TaskId, Malformed> {
        let phase = phase_index(id.phase)?;
        Ok(TaskId { job: JobId(id.job), phase, index: TaskIndex(id.index) })
    }
}

impl From<AttemptId> for pb::AttemptId {
    fn from(id: AttemptId) -> pb::AttemptId {
        pb::AttemptId { epoch: id.epoch.0, counter: id.counter }
    }
}

impl From<pb::AttemptId> for AttemptId {
    fn from(id: pb::AttemptId) -> AttemptId {
        AttemptId { epoch: Epoch(id.epoch), counter: id.counter }
    }
}

impl From<Params> for pb::Params {
    fn from(params: Params) -> pb::Params {
        pb::Params { values: params.0.into_iter().collect() }
    }
}

impl From<pb::Params> for Params {
    fn from(params: pb::Params) -> Params {
        Params(params.values.into_iter().collect())
    }
}

impl From<Failure> for pb::Failure {
    fn from(failure: Failure) -> pb::Failure {
        let kind = match failure.kind {
            FailureKind::Rejected => pb::failure::Kind::Rejected,
            FailureKind::Crashed => pb::failure::Kind::Crashed,
            FailureKind::TimedOut => pb::failure::Kind::TimedOut,
            FailureKind::OutOfMemory => pb::failure::Kind::OutOfMemory,
            FailureKind::Unavailable => pb::failure::Kind::Unavailable,
        };
        let Failure { code, cause, next_step, duration_us, .. } = failure;
        pb::Failure { kind: kind.into(), code, cause, next_step, duration_us }
    }
}

/// Bytes of a failure's code.
const CODE_BYTES_MAX: usize = 64;

impl TryFrom<pb::Failure> for Failure {
    type Error = Malformed;

    fn try_from(failure: pb::Failure) -> Result<Failure, Malformed> {
        let kind = match failure.kind() {
            pb::failure::Kind::Unspecified => return Err(Malformed("a failure without a kind")),
            pb::failure::Kind::Rejected => FailureKind::Rejected,
            pb::failure::Kind::Crashed => FailureKind::Crashed,
            pb::failure::Kind::TimedOut => FailureKind::TimedOut,
            pb::failure::Kind::OutOfMemory => FailureKind::OutOfMemory,
            pb::failure::Kind::Unavailable => FailureKind::Unavailable,
        };
        if failure.code.len() > CODE_BYTES_MAX {
            return Err(Malformed("a failure's code of more than 64 bytes"));
        }
        let made = Failure::new(kind, &failure.code, failure.cause, failure.next_step);
        Ok(Failure { duration_us: failure.duration_us, ..made })
    }
}

impl From<Input> for pb::Input {
    fn from(input: Input) -> pb::Input {
        pb::Input {
            path: input.path.into(),
            size: input.size,
            hash: Bytes::copy_from_slice(&input.hash.0),
            media: super::media::name(input.media).to_owned(),
            base: input.base.into(),
        }
    }
}

impl TryFrom<pb::Input> for Input {
    type Error = Malformed;

    fn try_from(input: pb::Input) -> Result<Input, Malformed> {
        if input.base.is_empty() || input.base.contains(&b'/') {
            return Err(Malformed("an input without a name for its results"));
        }
        Ok(Input {
            path: input.path.into(),
            size: input.size,
            hash: blob_id(&input.hash)?,
            media: super::media::named(&input.media)?,
            base: input.base.into(),
        })
    }
}

impl From<Chunk> for pb::Inputs {
    fn from(chunk: Chunk) -> pb::Inputs {
        pb::Inputs { inputs: chunk.inputs.into_iter().map(pb::Input::from).collect() }
    }
}

impl TryFrom<pb::Inputs> for Chunk {
    type Error = Malformed;

    fn try_from(inputs: pb::Inputs) -> Result<Chunk, Malformed> {
        if inputs.inputs.len() > CHUNK_TASK_COUNT_MAX {
            return Err(Malformed("more than 4096 inputs in a chunk"));
        }
        let inputs = inputs.inputs.into_iter().map(Input::try_from);
        Ok(Chunk { inputs: inputs.collect::<Result<_, _>>()? })
    }
}

impl From<ChunkRef> for pb::Chunk {
    fn from(chunk: ChunkRef) -> pb::Chunk {
        use pb::chunk::Stored;
        let stored = match chunk {
            ChunkRef::Count => Stored::Count(true),
            // One that cannot be read has no inputs, and whoever needs them says which are missing.
            ChunkRef::Inline(bytes) => {
                Stored::Inputs(Chunk::decode(&bytes).unwrap_or_default().into())
            }
            ChunkRef::Blob(id) => Stored::Blob(Bytes::copy_from_slice(&id.0)),
            ChunkRef::Outputs => Stored::Outputs(true),
        };
        pb::Chunk { stored: Some(stored) }
    }
}

impl TryFrom<pb::Chunk> for ChunkRef {
    type Error = Malformed;

    fn try_from(chunk: pb::Chunk) -> Result<ChunkRef, Malformed> {
        use pb::chunk::Stored;
        Ok(match needed(chunk.stored, "a chunk that says nothing")? {
            Stored::Count(_) => ChunkRef::Count,
            Stored::Inputs(inputs) => ChunkRef::Inline(Chunk::try_from(inputs)?.encode()),
            Stored::Blob(id) => ChunkRef::Blob(blob_id(&id)?),
            Stored::Outputs(_) => ChunkRef::Outputs,
        })
    }
}

impl From<Results> for pb::Results {
    fn from(results: Results) -> pb::Results {
        use pb::results::Made;
        let made = match results {
            Results::Empty(count) => Made::Empty(count),
            Results::Manifests(ids) => Made::Manifests(pb::Manifests { ids: ids_of(&ids) }),
        };
        pb::Results { made: Some(made) }
    }
}

impl TryFrom<pb::Results> for Results {
    type Error = Malformed;

    fn try_from(results: pb::Results) -> Result<Results, Malformed> {
        use pb::results::Made;
        match needed(results.made, "results that say nothing")? {
            Made::Empty(0) => Err(Malformed("results of no task")),
            Made::Empty(count) => Ok(Results::Empty(count)),
            Made::Manifests(manifests) => match blob_ids(&manifests.ids)? {
                ids if ids.is_empty() => Err(Malformed("results of no task")),
                ids if ids.len() > ENDED_RUN_TASK_COUNT_MAX => {
                    Err(Malformed("results of more than 4,096 tasks in one run"))
                }
                ids => Ok(Results::Manifests(ids)),
            },
        }
    }
}
