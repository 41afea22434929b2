//! What is too large for the journal: it is refused or divided, and the master goes on.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::mpsc::channel;
use windlass_core::ledger::{ChunkRef, JobSpec, PhaseSpec, Refusal, Results};
use windlass_core::limits::{ENDED_RUN_TASK_COUNT_MAX, RECORD_BYTES_MAX};
use windlass_core::session::{AssignRun, EndedRun, EndedWith, Hello, Offer, ToMaster, ToWorker};
use windlass_core::{
    BlobId, Incarnation, JobId, PhaseId, PhaseIndex, RequestId, TaskIndex, WorkerName,
};
use windlass_journal::{Engine, Memory, MemorySnapshots, Snapshots};
use windlass_master::{Gone, Handle, Master, MasterError, Options};

fn master() -> Master {
    let journal = Engine::Memory(Memory::new());
    let snapshots = Snapshots::Memory(MemorySnapshots::new());
    Master::start(Options { journal, snapshots, holder: "test".to_owned(), seed: 1 }).unwrap()
}

fn spec(name: &str) -> JobSpec {
    let phases = vec![PhaseSpec::plain("noop", 1)];
    JobSpec { name: name.to_owned(), fingerprint: 0, phases, memorandum: None }
}

/// A job of one phase that may get tasks.
fn job(handle: &Handle) -> PhaseId {
    let (job, _) = handle.submit(RequestId(1), spec("a job")).unwrap();
    PhaseId { job, phase: PhaseIndex(0) }
}

#[test]
fn what_does_not_fit_a_record_is_refused() {
    let master = master();
    let handle = master.handle();
    let phase = job(&handle);
    let long = "x".repeat(RECORD_BYTES_MAX);
    let chunk = ChunkRef::Inline(long.clone().into_bytes());
    for refused in [
        handle.submit(RequestId(2), spec(&long)).map(drop),
        handle.cancel(JobId(77), &long),
        handle.pause(phase.job, true, &long),
        handle.set(&long, 1),
        handle.add_tasks(phase, TaskIndex(0), 1, chunk),
        handle.add_tasks(phase, TaskIndex(0), u32::MAX, ChunkRef::Count),
    ] {
        assert!(matches!(refused, Err(MasterError::Refused(Refusal::TooLarge))), "{refused:?}");
    }
    handle.add_tasks(phase, TaskIndex(0), 3, ChunkRef::Count).unwrap();
    master.stop();
}

#[test]
fn what_a_worker_ends_at_once_is_recorded_however_much_it_is() {
    const COUNT: u32 = 20_000;
    let master = master();
    let handle = master.handle();
    let phase = job(&handle);
    handle.add_tasks(phase, TaskIndex(0), COUNT, ChunkRef::Count).unwrap();
    handle.seal(phase).unwrap();
    let (tell, told) = channel();
    let deliver = move |message| tell.send(message).map_err(|_| Gone);
    let session = handle.connect(deliver).unwrap();
    let offer = Offer {
        operation: "noop".to_owned(),
        version: 1,
        attempt_ms_max: 1_000_000,
        quiet_ms_max: None,
    };
    let hello = Hello {
        name: WorkerName("w1".to_owned()),
        incarnation: Incarnation(1),
        in_process: true,
        slots: COUNT,
        offers: vec![offer],
        held: Vec::new(),
        serves: None,
    };
    session.send(ToMaster::Hello(hello)).unwrap();
    let mut assigned: Vec<AssignRun> = Vec::new();
    while assigned.iter().map(|run| run.count).sum::<u32>() < COUNT {
        if let ToWorker::Assign(runs) = told.recv().unwrap() {
            assigned.extend(runs);
        }
    }
    session.send(ToMaster::Ended(assigned.into_iter().flat_map(ended).collect())).unwrap();
    let mut acknowledged = 0;
    while acknowledged < COUNT {
        if let ToWorker::EndedAck(runs) = told.recv().unwrap() {
            acknowledged += runs.iter().map(|(_, count)| count).sum::<u32>();
        }
    }
    let counts = handle.job(phase.job).unwrap().unwrap().phases[0].counts;
    assert_eq!(counts.succeeded, COUNT);
    master.stop();
}

/// All of a run with a result each, as long as runs may be.
fn ended(run: AssignRun) -> Vec<EndedRun> {
    let most = u32::try_from(ENDED_RUN_TASK_COUNT_MAX).unwrap();
    let part = |offset: u32| {
        let count = most.min(run.count - offset) as usize;
        EndedRun {
            phase: run.phase,
            round: run.round,
            first: TaskIndex(run.first.0 + offset),
            attempt: run.attempt.plus(offset),
            with: EndedWith::Results(Results::Manifests(vec![BlobId::of(b"a"); count])),
            busy_us: 1,
        }
    };
    (0..run.count).step_by(ENDED_RUN_TASK_COUNT_MAX).map(part).collect()
}
