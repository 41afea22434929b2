//! What kept jobs refer to in the blob store: the roots of a collection, page by page.

use super::apply::Ledger;
use super::entry::ChunkRef;
use super::job::Job;
use crate::ids::{BlobId, JobId, PhaseIndex, TaskIndex};
use crate::limits::ROOT_PAGE_TASK_COUNT_MAX;

/// How far the roots have been told; the default is the beginning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct RootCursor {
    job: JobId,
    phase: PhaseIndex,
    task: TaskIndex,
}

/// Some of the roots. Between two pages the ledger may change: what is named after the first page
/// was asked for is younger than the grace, so that it needs no mark.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RootPage {
    /// Chunks, memoranda, models and shards of record sets: they name nothing.
    pub blobs: Vec<BlobId>,
    /// Manifests; what they name is kept like they are.
    pub manifests: Vec<BlobId>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<RootCursor>,
}

impl Ledger {
    /// The roots from a cursor on, of about [`ROOT_PAGE_TASK_COUNT_MAX`] tasks.
    #[must_use]
    pub fn roots(&self, from: RootCursor) -> RootPage {
        let mut page = RootPage::default();
        let mut budget = ROOT_PAGE_TASK_COUNT_MAX;
        let mut cursor = from;
        if from == RootCursor::default() {
            page.blobs.extend(self.record_blobs());
        }
        for (id, job) in self.jobs.range(from.job..) {
            if *id != cursor.job {
                cursor = RootCursor { job: *id, ..RootCursor::default() };
            }
            if !job.add_roots(&mut cursor, &mut budget, &mut page) {
                page.next = Some(cursor);
                break;
            }
        }
        page
    }
}

impl Job {
    /// Adds this job's roots from the cursor on; `false`: the page is full, the cursor has moved.
    fn add_roots(&self, cursor: &mut RootCursor, budget: &mut u32, page: &mut RootPage) -> bool {
        if *cursor == (RootCursor { job: self.id, ..RootCursor::default() }) {
            if *budget == 0 {
                return false;
            }
            // A job without tasks must cost something too.
            *budget -= 1;
            page.blobs.extend(self.memorandum);
        }
        for (position, phase) in self.phases.iter().enumerate().skip(usize::from(cursor.phase.0)) {
            let index = PhaseIndex(u16::try_from(position).unwrap_or(u16::MAX));
            if index != cursor.phase {
                *cursor = RootCursor { phase: index, task: TaskIndex(0), ..*cursor };
            }
            if cursor.task.0 == 0 {
                page.blobs.extend(phase.spec.models().map(|model| model.id));
                page.blobs.extend(phase.chunks.iter().filter_map(|stored| match stored.chunk {
                    ChunkRef::Blob(id) => Some(id),
                    ChunkRef::Count | ChunkRef::Inline(_) | ChunkRef::Outputs => None,
                }));
            }
            let end = phase.tasks.len().min(cursor.task.0.saturating_add(*budget));
            let tasks = (cursor.task.0..end).map(TaskIndex);
            page.manifests.extend(tasks.filter_map(|task| phase.tasks.manifest(task)));
            *budget -= end - cursor.task.0;
            cursor.task = TaskIndex(end);
            if end < phase.tasks.len() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AttemptId, PhaseId, RequestId, Round};
    use crate::ledger::{Entry, JobSpec, PhaseSpec, Results, SettledRun};
    use crate::model::ModelRef;
    use crate::time::LogTime;

    fn blob(number: u32) -> BlobId {
        BlobId::of(&number.to_le_bytes())
    }

    /// Two jobs of two phases each, the first of them larger than a page.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        let mut out = Vec::new();
        let phase = PhaseSpec::plain("noop", 1);
        for number in 1..=2_u64 {
            let spec = JobSpec {
                name: String::new(),
                fingerprint: 0,
                phases: vec![phase.clone(), phase.clone()],
                memorandum: Some(BlobId::of(&number.to_le_bytes())),
            };
            let request = RequestId(number.into());
            let mut entries = vec![Entry::JobSubmitted { request, spec }];
            for (position, count) in [(0, 3_000_u32), (1, 3_000)] {
                let phase = PhaseId { job: JobId(number), phase: PhaseIndex(position) };
                let first = TaskIndex(0);
                let chunk = ChunkRef::Blob(blob(u32::from(position)));
                entries.push(Entry::TasksAdded { phase, first, count, chunk });
                let attempt = AttemptId { epoch: crate::Epoch(1), counter: 0 };
                let results = Results::Manifests((0..count).map(blob).collect());
                let run = SettledRun { phase, round: Round(0), first, attempt, results };
                entries.push(Entry::TasksSettled { runs: vec![run] });
            }
            entries.iter().for_each(|entry| ledger.apply(LogTime(1), entry, &mut out));
        }
        ledger
    }

    #[test]
    fn pages_tell_every_root_once() {
        let ledger = ledger();
        let (mut blobs, mut manifests, mut pages) = (Vec::new(), Vec::new(), 0);
        let mut from = Some(RootCursor::default());
        while let Some(cursor) = from {
            let page = ledger.roots(cursor);
            assert!(page.manifests.len() <= ROOT_PAGE_TASK_COUNT_MAX as usize);
            blobs.extend(page.blobs);
            manifests.extend(page.manifests);
            from = page.next;
            pages += 1;
        }
        assert_eq!(pages, 3);
        assert_eq!(blobs.len(), 2 + 4);
        assert_eq!(manifests.len(), 4 * 3_000);
    }

    #[test]
    fn a_job_forgotten_between_two_pages_ends_only_its_own_roots() {
        let mut ledger = ledger();
        let page = ledger.roots(RootCursor::default());
        ledger.jobs.remove(&JobId(1));
        let rest = ledger.roots(page.next.expect("more"));
        assert_eq!(rest.blobs.len(), 3);
    }

    #[test]
    fn a_kept_job_keeps_its_model() {
        let mut ledger = Ledger::default();
        let mut phase = PhaseSpec::plain("embedding", 1);
        let model = ModelRef { name: "small".to_owned(), id: blob(7), size: 1 };
        phase.params.0.insert("model".to_owned(), model.to_string());
        let spec = JobSpec {
            name: String::new(),
            fingerprint: 0,
            phases: vec![PhaseSpec::plain("noop", 1), phase],
            memorandum: None,
        };
        let entry = Entry::JobSubmitted { request: RequestId(1), spec };
        ledger.apply(LogTime(1), &entry, &mut Vec::new());
        assert_eq!(ledger.roots(RootCursor::default()).blobs, [blob(7)]);
    }
}
