//! What is submitted, and what the ledger holds of it.

use super::words::{Malformed, needed, phase_index};
use crate::generated as pb;
use prost::bytes::Bytes;
use windlass_core::ledger::{
    Counts, FailedTask, IndexRange, JobState, OnFailure, Paused, PhaseSpec, StoredChunk, TaskState,
};
use windlass_core::limits::JOB_PHASE_COUNT_MAX;
use windlass_core::plan::Derived;
use windlass_core::view::{JobView, PhaseView, TaskView};
use windlass_core::{BlobId, Epoch, JobId, LogTime, Round, TaskIndex};

impl From<PhaseSpec> for pb::PhaseSpec {
    fn from(spec: PhaseSpec) -> pb::PhaseSpec {
        pb::PhaseSpec {
            operation: spec.operation,
            version: spec.version,
            params: Some(spec.params.into()),
            after: spec.after.into_iter().map(|phase| phase.0.into()).collect(),
            stops_on_failure: spec.on_failure == OnFailure::Stop,
            fresh: spec.fresh,
            derived: spec.derived.map(pb::Derived::from),
        }
    }
}

impl TryFrom<pb::PhaseSpec> for PhaseSpec {
    type Error = Malformed;

    fn try_from(spec: pb::PhaseSpec) -> Result<PhaseSpec, Malformed> {
        Ok(PhaseSpec {
            operation: spec.operation,
            version: spec.version,
            params: spec.params.unwrap_or_default().into(),
            after: spec.after.into_iter().map(phase_index).collect::<Result<_, _>>()?,
            on_failure: if spec.stops_on_failure { OnFailure::Stop } else { OnFailure::Continue },
            fresh: spec.fresh,
            derived: spec.derived.map(Derived::try_from).transpose()?,
        })
    }
}

/// The phases of a submission.
pub(crate) fn phases(specs: Vec<pb::PhaseSpec>) -> Result<Vec<PhaseSpec>, Malformed> {
    if specs.len() > JOB_PHASE_COUNT_MAX {
        return Err(Malformed("more than 64 phases"));
    }
    specs.into_iter().map(PhaseSpec::try_from).collect()
}

/// A blob's name that may be absent: no bytes.
pub(crate) fn optional_id(bytes: &[u8]) -> Result<Option<BlobId>, Malformed> {
    if bytes.is_empty() { Ok(None) } else { super::blob_id(bytes).map(Some) }
}

pub(crate) fn bytes_of(id: Option<BlobId>) -> Bytes {
    id.map_or_else(Bytes::new, |id| Bytes::copy_from_slice(&id.0))
}

impl From<IndexRange> for pb::IndexRange {
    fn from(range: IndexRange) -> pb::IndexRange {
        pb::IndexRange { first: range.first.0, count: range.count }
    }
}

impl From<pb::IndexRange> for IndexRange {
    fn from(range: pb::IndexRange) -> IndexRange {
        IndexRange { first: TaskIndex(range.first), count: range.count }
    }
}

impl From<JobView> for pb::Job {
    fn from(job: JobView) -> pb::Job {
        let state = pb::job::State::from(job.state);
        pb::Job {
            id: job.id.0,
            name: job.name,
            fingerprint: Bytes::copy_from_slice(&job.fingerprint.to_be_bytes()),
            memorandum: bytes_of(job.memorandum),
            submitted_at_ms: job.submitted_at.0,
            state: state.into(),
            phases: job.phases.into_iter().map(pb::JobPhase::from).collect(),
            ended_at_ms: job.ended_at.unwrap_or_default().0,
            paused: job.paused.map(pb::Paused::from),
        }
    }
}

impl TryFrom<pb::Job> for JobView {
    type Error = Malformed;

    fn try_from(job: pb::Job) -> Result<JobView, Malformed> {
        let state = JobState::try_from(job.state())?;
        Ok(JobView {
            id: JobId(job.id),
            name: job.name,
            fingerprint: super::u128_of(&job.fingerprint)?,
            memorandum: optional_id(&job.memorandum)?,
            submitted_at: LogTime(job.submitted_at_ms),
            ended_at: Some(job.ended_at_ms).filter(|at| *at > 0).map(LogTime),
            state,
            paused: job.paused.map(Paused::from),
            phases: job.phases.into_iter().map(PhaseView::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<PhaseView> for pb::JobPhase {
    fn from(phase: PhaseView) -> pb::JobPhase {
        pb::JobPhase {
            spec: Some(phase.spec.into()),
            tasks: phase.task_count,
            pending: phase.counts.pending,
            succeeded: phase.counts.succeeded,
            failed: phase.counts.failed,
            sealed: phase.sealed,
        }
    }
}

impl TryFrom<pb::JobPhase> for PhaseView {
    type Error = Malformed;

    fn try_from(phase: pb::JobPhase) -> Result<PhaseView, Malformed> {
        let pb::JobPhase { pending, succeeded, failed, .. } = phase;
        Ok(PhaseView {
            spec: needed(phase.spec, "a phase that says nothing")?.try_into()?,
            task_count: phase.tasks,
            counts: Counts { pending, succeeded, failed },
            sealed: phase.sealed,
        })
    }
}

impl From<StoredChunk> for pb::StoredChunk {
    fn from(stored: StoredChunk) -> pb::StoredChunk {
        let StoredChunk { first, count, chunk, epoch } = stored;
        pb::StoredChunk { first: first.0, count, chunk: Some(chunk.into()), epoch: epoch.0 }
    }
}

impl TryFrom<pb::StoredChunk> for StoredChunk {
    type Error = Malformed;

    fn try_from(stored: pb::StoredChunk) -> Result<StoredChunk, Malformed> {
        Ok(StoredChunk {
            first: TaskIndex(stored.first),
            count: stored.count,
            chunk: needed(stored.chunk, "a chunk that says nothing")?.try_into()?,
            epoch: Epoch(stored.epoch),
        })
    }
}

impl From<Option<TaskView>> for pb::Task {
    fn from(task: Option<TaskView>) -> pb::Task {
        let Some(task) = task else { return pb::Task::default() };
        let state = match task.state {
            TaskState::Pending => pb::task::State::Pending,
            TaskState::Succeeded => pb::task::State::Succeeded,
            TaskState::Failed => pb::task::State::Failed,
        };
        pb::Task {
            index: task.index.0,
            state: state.into(),
            round: task.round.0.into(),
            manifest: bytes_of(task.manifest),
            failure: task.failure.map(pb::FailedAttempt::from),
        }
    }
}

impl TryFrom<pb::Task> for Option<TaskView> {
    type Error = Malformed;

    fn try_from(task: pb::Task) -> Result<Option<TaskView>, Malformed> {
        let state = match task.state() {
            pb::task::State::Unspecified => return Ok(None),
            pb::task::State::Pending => TaskState::Pending,
            pb::task::State::Succeeded => TaskState::Succeeded,
            pb::task::State::Failed => TaskState::Failed,
        };
        let round = u16::try_from(task.round).map_err(|_| Malformed("a round above 65535"))?;
        Ok(Some(TaskView {
            index: TaskIndex(task.index),
            state,
            round: Round(round),
            manifest: optional_id(&task.manifest)?,
            failure: task.failure.map(FailedTask::try_from).transpose()?,
        }))
    }
}

impl From<FailedTask> for pb::FailedAttempt {
    fn from(failed: FailedTask) -> pb::FailedAttempt {
        pb::FailedAttempt {
            failure: Some(failed.failure.into()),
            attempts: failed.attempt_count.into(),
            since_ms: failed.since.0,
        }
    }
}

impl TryFrom<pb::FailedAttempt> for FailedTask {
    type Error = Malformed;

    fn try_from(failed: pb::FailedAttempt) -> Result<FailedTask, Malformed> {
        Ok(FailedTask {
            failure: needed(failed.failure, "a failed task without its cause")?.try_into()?,
            attempt_count: u8::try_from(failed.attempts).unwrap_or(u8::MAX),
            since: LogTime(failed.since_ms),
        })
    }
}
