//! What the cluster as a whole tells.

use super::ledger::{bytes_of, optional_id, phases};
use super::words::{Malformed, blob_id, needed, u128_of};
use crate::generated as pb;
use prost::bytes::Bytes;
use windlass_core::balance::Strategy;
use windlass_core::calls::CallRequest;
use windlass_core::ledger::JobSpec;
use windlass_core::limits::{ARTIFACT_INLINE_BYTES_MAX, NOTE_COUNT_MAX, OPERATION_NAME_BYTES_MAX};
use windlass_core::manifest::{Artifact, Content, Manifest, is_file_name};
use windlass_core::view::{
    AbsentWorker, CallsView, ClusterView, Notice, OperationCalls, Stall, WorkerView,
};
use windlass_core::{Epoch, JobId, RequestId, WorkerName};

/// A submission as it travels.
pub(crate) fn submission(request: RequestId, spec: JobSpec) -> pb::SubmitRequest {
    pb::SubmitRequest {
        request: Bytes::copy_from_slice(&request.0.to_be_bytes()),
        name: spec.name,
        fingerprint: Bytes::copy_from_slice(&spec.fingerprint.to_be_bytes()),
        phases: spec.phases.into_iter().map(pb::PhaseSpec::from).collect(),
        memorandum: bytes_of(spec.memorandum),
    }
}

/// A submission as it arrived.
pub(crate) fn submitted(asked: pb::SubmitRequest) -> Result<(RequestId, JobSpec), Malformed> {
    let spec = JobSpec {
        name: asked.name,
        fingerprint: u128_of(&asked.fingerprint)?,
        phases: phases(asked.phases)?,
        memorandum: optional_id(&asked.memorandum)?,
    };
    Ok((RequestId(u128_of(&asked.request)?), spec))
}

impl From<CallRequest> for pb::CallRequest {
    fn from(request: CallRequest) -> pb::CallRequest {
        let CallRequest { operation, params, limit_ms } = request;
        let limit_ms = limit_ms.unwrap_or(0);
        pb::CallRequest { operation, params: Some(params.into()), limit_ms }
    }
}

impl From<pb::CallRequest> for CallRequest {
    fn from(asked: pb::CallRequest) -> CallRequest {
        let pb::CallRequest { operation, params, limit_ms } = asked;
        let params = params.unwrap_or_default().into();
        CallRequest { operation, params, limit_ms: (limit_ms > 0).then_some(limit_ms) }
    }
}

impl From<ClusterView> for pb::ClusterStatus {
    fn from(view: ClusterView) -> pb::ClusterStatus {
        pb::ClusterStatus {
            cluster: Bytes::copy_from_slice(&view.cluster.to_be_bytes()),
            epoch: view.epoch.0,
            workers: view.workers.into_iter().map(pb::Worker::from).collect(),
            absent_workers: view.absent_workers.into_iter().map(pb::AbsentWorker::from).collect(),
            waiting_workers: view.waiting_workers.into_iter().map(Into::into).collect(),
            stalls: view.stalls.into_iter().map(pb::Stall::from).collect(),
            waits_for_room: view.waits_for_room,
            open_calls: view.calls.open_count as u64,
            calls: view.calls.operations.into_iter().map(operation_calls_of).collect(),
        }
    }
}

fn operation_calls_of(
    (operation, calls): (String, OperationCalls),
) -> (String, pb::OperationCalls) {
    let served = calls.served.into_iter().map(|(worker, count)| (worker.0, count)).collect();
    let strategy = calls.strategy.name().to_owned();
    (operation, pb::OperationCalls { strategy, waiting: calls.waiting_count as u64, served })
}

fn operation_calls(
    (operation, calls): (String, pb::OperationCalls),
) -> Result<(String, OperationCalls), Malformed> {
    let served = calls.served.into_iter().map(|(worker, count)| (WorkerName(worker), count));
    let calls = OperationCalls {
        strategy: strategy(&calls.strategy)?,
        waiting_count: usize::try_from(calls.waiting).unwrap_or(usize::MAX),
        served: served.collect(),
    };
    Ok((operation, calls))
}

/// The strategy of a name.
pub(crate) fn strategy_asked(asked: &pb::SetStrategyRequest) -> Result<Strategy, Malformed> {
    if asked.operation.len() > OPERATION_NAME_BYTES_MAX {
        return Err(Malformed("an operation's name of more than 64 bytes"));
    }
    strategy(&asked.strategy)
}

fn strategy(name: &str) -> Result<Strategy, Malformed> {
    name.parse().map_err(|_| Malformed("a strategy that is not known here"))
}

impl TryFrom<pb::ClusterStatus> for ClusterView {
    type Error = Malformed;

    fn try_from(status: pb::ClusterStatus) -> Result<ClusterView, Malformed> {
        let calls = status.calls.into_iter().map(operation_calls);
        let calls = CallsView {
            open_count: usize::try_from(status.open_calls).unwrap_or(usize::MAX),
            operations: calls.collect::<Result<_, _>>()?,
        };
        let workers = status.workers.into_iter().map(WorkerView::try_from);
        let stalls = status.stalls.into_iter().map(Stall::try_from);
        Ok(ClusterView {
            cluster: u128_of(&status.cluster)?,
            epoch: Epoch(status.epoch),
            workers: workers.collect::<Result<_, _>>()?,
            absent_workers: status.absent_workers.into_iter().map(AbsentWorker::from).collect(),
            waiting_workers: status.waiting_workers.into_iter().map(Into::into).collect(),
            stalls: stalls.collect::<Result<_, _>>()?,
            waits_for_room: status.waits_for_room,
            calls,
        })
    }
}

impl From<Notice> for pb::Notice {
    fn from(notice: Notice) -> pb::Notice {
        use pb::notice::Happened;
        let happened = match notice {
            Notice::TaskSettled(task) => Happened::TaskSettled(task.into()),
            Notice::JobEnded(job) => Happened::JobEnded(job.0),
        };
        pb::Notice { happened: Some(happened) }
    }
}

impl TryFrom<pb::Notice> for Notice {
    type Error = Malformed;

    fn try_from(notice: pb::Notice) -> Result<Notice, Malformed> {
        use pb::notice::Happened;
        Ok(match needed(notice.happened, "a notice that says nothing")? {
            Happened::TaskSettled(task) => Notice::TaskSettled(task.try_into()?),
            Happened::JobEnded(job) => Notice::JobEnded(JobId(job)),
        })
    }
}

/// A result as a worker in any language describes it.
pub(crate) fn manifest(made: pb::Manifest) -> Result<Manifest, Malformed> {
    if made.notes.len() > NOTE_COUNT_MAX {
        return Err(Malformed("more than 20 notes"));
    }
    let artifacts = made.artifacts.into_iter().map(artifact).collect::<Result<_, _>>()?;
    Ok(Manifest { artifacts, notes: made.notes, duration_us: made.duration_us, from_memo: false })
}

fn artifact(artifact: pb::Artifact) -> Result<Artifact, Malformed> {
    use pb::artifact::Content as Sent;
    if !is_file_name(artifact.name.as_bytes()) {
        return Err(Malformed("an artifact's name that is no file name"));
    }
    let content = match needed(artifact.content, "an artifact without content")? {
        Sent::Inline(bytes) if bytes.len() > ARTIFACT_INLINE_BYTES_MAX => {
            return Err(Malformed("more than 16 KiB inline"));
        }
        Sent::Inline(bytes) => Content::Inline(bytes.into()),
        Sent::Blob(blob) => Content::Blob { id: blob_id(&blob.id)?, size: blob.size },
    };
    Ok(Artifact { name: artifact.name, media_type: artifact.media_type, content })
}
