//! What is asked at the door and not where entries are applied: how long an entry may be, and how
//! many tasks a phase may have. What is recorded holds, whatever it is.

use super::apply::Ledger;
use super::entry::{Entry, JobSpec, PhaseSpec, Results, SettledRun};
use crate::limits::{
    ENTRY_BYTES_MAX, JOB_NAME_BYTES_MAX, JOB_PHASE_COUNT_MAX, OPERATION_NAME_BYTES_MAX,
    PARAMS_BYTES_MAX, PHASE_TASK_COUNT_MAX,
};

impl Entry {
    /// Whether it fits no record.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        let mut body = Vec::new();
        self.encode(&mut body);
        body.len() > ENTRY_BYTES_MAX
    }
}

impl JobSpec {
    /// Whether its name, or something of a phase, is longer than it may be.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        let is_too_large = |phase: &PhaseSpec| {
            phase.operation.len() > OPERATION_NAME_BYTES_MAX
                || phase.params.byte_count() > PARAMS_BYTES_MAX
                || phase.after.len() > JOB_PHASE_COUNT_MAX
        };
        self.name.len() > JOB_NAME_BYTES_MAX || self.phases.iter().any(is_too_large)
    }
}

impl Ledger {
    /// Whether no phase would have more tasks than it may.
    #[must_use]
    pub fn has_room_for(&self, entry: &Entry) -> bool {
        let Entry::TasksAdded { phase, count, .. } = entry else { return true };
        let has_count = self.phase(*phase).map_or(0, |phase| phase.tasks.len());
        has_count.checked_add(*count).is_some_and(|count| count <= PHASE_TASK_COUNT_MAX)
    }
}

/// Runs for one entry after another, each of which fits a record; no run is longer than half of
/// one.
pub(crate) fn in_entries(runs: Vec<SettledRun>) -> Vec<Entry> {
    let mut parts: Vec<Vec<SettledRun>> = Vec::new();
    let mut bytes = ENTRY_BYTES_MAX;
    for run in runs {
        bytes += bytes_max(&run);
        if bytes > ENTRY_BYTES_MAX {
            parts.push(Vec::new());
            bytes = bytes_max(&run);
        }
        parts.last_mut().expect("the first run begins one").push(run);
    }
    parts.into_iter().map(|runs| Entry::TasksSettled { runs }).collect()
}

/// Bytes of a run in an entry, at most: numbers of up to ten bytes, and 32 for each manifest.
fn bytes_max(run: &SettledRun) -> usize {
    let manifest_count = match &run.results {
        Results::Empty(_) => 0,
        Results::Manifests(ids) => ids.len(),
    };
    100 + 32 * manifest_count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{
        AttemptId, BlobId, Epoch, JobId, PhaseId, PhaseIndex, RequestId, Round, TaskIndex,
    };
    use crate::ledger::ChunkRef;
    use crate::limits::ENDED_RUN_TASK_COUNT_MAX;
    use crate::params::Params;
    use crate::time::LogTime;

    const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };

    fn run(results: Results) -> SettledRun {
        let attempt = AttemptId { epoch: Epoch(u32::MAX), counter: u64::MAX };
        let phase = PhaseId { job: JobId(u64::MAX), phase: PhaseIndex(u16::MAX) };
        SettledRun { phase, round: Round(u16::MAX), first: TaskIndex(u32::MAX), attempt, results }
    }

    #[test]
    fn what_ended_at_once_is_recorded_in_entries_that_fit() {
        let longest = run(Results::Manifests(vec![BlobId([255; 32]); ENDED_RUN_TASK_COUNT_MAX]));
        let runs = [vec![longest; 9], vec![run(Results::Empty(u32::MAX)); 30_000]].concat();
        let entries = in_entries(runs.clone());
        assert!(entries.iter().all(|entry| !entry.is_too_large()));
        let recorded = entries.into_iter().flat_map(|entry| match entry {
            Entry::TasksSettled { runs } => runs,
            other => panic!("{other:?}"),
        });
        assert!(recorded.eq(runs));
        assert!(in_entries(Vec::new()).is_empty());
    }

    fn spec(name: &str, operation: &str, value: &str) -> JobSpec {
        let params = Params([("cmd".to_owned(), value.to_owned())].into());
        let phase = PhaseSpec { params, ..PhaseSpec::plain(operation, 1) };
        JobSpec { name: name.to_owned(), fingerprint: 0, phases: vec![phase], memorandum: None }
    }

    #[test]
    fn texts_have_an_end() {
        let long = |bytes: usize| "x".repeat(bytes);
        assert!(!spec("a name", "command", "cat").is_too_large());
        assert!(spec(&long(JOB_NAME_BYTES_MAX + 1), "command", "cat").is_too_large());
        assert!(spec("a name", &long(OPERATION_NAME_BYTES_MAX + 1), "cat").is_too_large());
        assert!(spec("a name", "command", &long(PARAMS_BYTES_MAX)).is_too_large());
        let mut waiting = spec("a name", "command", "cat");
        waiting.phases[0].after = vec![PhaseIndex(0); JOB_PHASE_COUNT_MAX + 1];
        assert!(waiting.is_too_large());
        let cancelled = |bytes| Entry::JobCancelled { job: JobId(1), why: long(bytes) };
        assert!(!cancelled(ENTRY_BYTES_MAX / 2).is_too_large());
        assert!(cancelled(ENTRY_BYTES_MAX).is_too_large());
    }

    #[test]
    fn a_phase_has_so_many_tasks_and_no_more() {
        let mut ledger = Ledger::default();
        let spec = spec("a name", "noop", "");
        let submitted = Entry::JobSubmitted { request: RequestId(1), spec };
        let added = |first, count| {
            let first = TaskIndex(first);
            Entry::TasksAdded { phase: PHASE, first, count, chunk: ChunkRef::Count }
        };
        for entry in [submitted, added(0, 1)] {
            assert!(ledger.has_room_for(&entry));
            ledger.apply(LogTime(0), &entry, &mut Vec::new());
        }
        assert!(ledger.has_room_for(&added(1, PHASE_TASK_COUNT_MAX - 1)));
        assert!(!ledger.has_room_for(&added(1, PHASE_TASK_COUNT_MAX)));
        assert!(!ledger.has_room_for(&added(1, u32::MAX)));
    }
}
