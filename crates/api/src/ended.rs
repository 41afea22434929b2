//! What workers say has ended, held against what they have stored.

use windlass_blobs::Blobs;
use windlass_core::ledger::Results;
use windlass_core::session::{EndedRun, EndedWith};
use windlass_core::{BlobId, Failure, TaskIndex};

/// These runs, in which a task whose result is not in the store has none: the ledger names no blob
/// that is not there, since neither readers nor collections could go on.
pub(crate) fn held_against(blobs: &Blobs, runs: Vec<EndedRun>) -> Vec<EndedRun> {
    runs.into_iter().flat_map(|run| held(run, |id| blobs.path(id).exists())).collect()
}

fn held(run: EndedRun, is_there: impl Fn(BlobId) -> bool) -> Vec<EndedRun> {
    let EndedWith::Results(Results::Manifests(manifests)) = &run.with else { return vec![run] };
    let there: Vec<bool> = manifests.iter().map(|id| is_there(*id)).collect();
    if there.iter().all(|there| *there) {
        return vec![run];
    }
    let mut runs = Vec::<EndedRun>::new();
    for ((id, is_there), offset) in manifests.iter().zip(there).zip(0_u32..) {
        let with = match is_there {
            true => EndedWith::Results(Results::Manifests(vec![*id])),
            false => EndedWith::Failure(missing(*id)),
        };
        let first = TaskIndex(run.first.0.saturating_add(offset));
        let attempt = run.attempt.plus(offset);
        let busy_us = if offset == 0 { run.busy_us } else { 0 };
        let one = EndedRun { first, attempt, with, busy_us, ..run };
        let apart = match runs.last_mut() {
            Some(last) => last.join(one),
            None => Some(one),
        };
        runs.extend(apart);
    }
    runs
}

fn missing(id: BlobId) -> Failure {
    let cause = format!("its worker has stored no result: blob {id} is not there");
    Failure::unavailable("result_missing", cause, "Look after the worker: it is to store it first.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::{AttemptId, Epoch, JobId, PhaseId, PhaseIndex, Round};

    fn attempt(counter: u64) -> AttemptId {
        AttemptId { epoch: Epoch(1), counter }
    }

    fn run(manifests: Vec<BlobId>) -> EndedRun {
        EndedRun {
            phase: PhaseId { job: JobId(1), phase: PhaseIndex(0) },
            round: Round(0),
            first: TaskIndex(5),
            attempt: attempt(8),
            with: EndedWith::Results(Results::Manifests(manifests)),
            busy_us: 7,
        }
    }

    #[test]
    fn tasks_whose_results_are_not_there_have_failed_and_the_others_have_not() {
        let [a, b, lost, d] = ["a", "b", "lost", "d"].map(|text| BlobId::of(text.as_bytes()));
        let is_there = |id| id != lost;
        let whole = run(vec![a, b, d]);
        assert_eq!(held(whole.clone(), is_there), [whole]);
        let parts = held(run(vec![a, b, lost, d]), is_there);
        let told: Vec<_> =
            parts.iter().map(|run| (run.first.0, run.attempt, run.count())).collect();
        assert_eq!(told, [(5, attempt(8), 2), (7, attempt(10), 1), (8, attempt(11), 1)]);
        assert_eq!(parts[0].with, EndedWith::Results(Results::Manifests(vec![a, b])));
        assert!(matches!(&parts[1].with, EndedWith::Failure(why) if why.code == "result_missing"));
        assert_eq!(parts[2].with, EndedWith::Results(Results::Manifests(vec![d])));
        assert_eq!(parts.iter().map(|run| run.busy_us).sum::<u64>(), 7);
    }
}
