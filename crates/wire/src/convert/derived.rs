//! Tasks that follow from what earlier phases made: the rule, and what they work on.

use super::ledger::{bytes_of, optional_id};
use super::words::{Malformed, blob_ids, ids_of, needed, phase_index};
use crate::generated as pb;
use windlass_core::limits::{CHUNK_TASK_COUNT_MAX, JOB_PHASE_COUNT_MAX};
use windlass_core::plan::{Derived, Outputs, Share, Take, Taken, TaskCount};
use windlass_core::session::ToWorker;
use windlass_core::{PhaseId, TaskIndex};

impl From<Derived> for pb::Derived {
    fn from(derived: Derived) -> pb::Derived {
        use pb::derived::Count;
        let count = match derived.count {
            TaskCount::Fixed(count) => Count::Fixed(count),
            TaskCount::EachOf(phase) => Count::EachOf(phase.0.into()),
        };
        let take = |Take { phase, share }| pb::Take {
            phase: u32::from(phase.0),
            parts: share == Share::Part,
        };
        pb::Derived { count: Some(count), takes: derived.takes.into_iter().map(take).collect() }
    }
}

impl TryFrom<pb::Derived> for Derived {
    type Error = Malformed;

    fn try_from(derived: pb::Derived) -> Result<Derived, Malformed> {
        use pb::derived::Count;
        if derived.takes.len() > JOB_PHASE_COUNT_MAX {
            return Err(Malformed("a rule that takes from more than 64 phases"));
        }
        let count = match needed(derived.count, "a rule without a number of tasks")? {
            Count::Fixed(count) => TaskCount::Fixed(count),
            Count::EachOf(phase) => TaskCount::EachOf(phase_index(phase)?),
        };
        let take = |take: pb::Take| {
            Ok(Take { phase: phase_index(take.phase)?, share: share_of(take.parts) })
        };
        let takes = derived.takes.into_iter().map(take).collect::<Result<_, Malformed>>()?;
        Ok(Derived { count, takes })
    }
}

fn share_of(parts: bool) -> Share {
    if parts { Share::Part } else { Share::Whole }
}

/// The message that tells what tasks work on.
pub(super) fn phase_outputs(
    phase: PhaseId,
    first: TaskIndex,
    count: u32,
    outputs: Outputs,
) -> pb::PhaseOutputs {
    let taken = |taken: Taken| pb::Taken {
        parts: taken.share == Share::Part,
        manifests: Some(pb::Manifests { ids: ids_of(&taken.manifests) }),
    };
    pb::PhaseOutputs {
        phase: Some(phase.into()),
        first: first.0,
        count,
        own: outputs.own.into_iter().map(bytes_of).collect(),
        taken: outputs.taken.into_iter().map(taken).collect(),
    }
}

/// The reverse of [`phase_outputs`].
pub(super) fn outputs(message: pb::PhaseOutputs) -> Result<ToWorker, Malformed> {
    let pb::PhaseOutputs { phase, first, count, own, taken } = message;
    let is_sound = own.is_empty() || own.len() == count as usize;
    if count as usize > CHUNK_TASK_COUNT_MAX || !is_sound || taken.len() > JOB_PHASE_COUNT_MAX {
        return Err(Malformed("outputs for other tasks than it names, or for too many"));
    }
    let read = |taken: pb::Taken| {
        let manifests = blob_ids(&taken.manifests.unwrap_or_default().ids)?;
        Ok(Taken { share: share_of(taken.parts), manifests })
    };
    let outputs = Outputs {
        own: own.iter().map(|id| optional_id(id)).collect::<Result<_, _>>()?,
        taken: taken.into_iter().map(read).collect::<Result<_, Malformed>>()?,
    };
    let phase = needed(phase, "a message without its phase")?.try_into()?;
    Ok(ToWorker::Outputs { phase, first: TaskIndex(first), count, outputs })
}
