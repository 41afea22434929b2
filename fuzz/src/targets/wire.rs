//! What comes over the network in a session.

use crate::target::Target;
use windlass_core::ledger::{ChunkRef, Results};
use windlass_core::params::Params;
use windlass_core::records::{
    Query, RecordSet, Rows, Shelf, ShelfShard, StoredShard, Value, Wanted,
};
use windlass_core::session::{
    AnswerPiece, AssignRun, EndedRun, EndedWith, Held, Hello, Offer, Running, ToMaster, ToWorker,
    Usage, Withdrawal,
};
use windlass_core::{
    AttemptId, BlobId, CallId, Epoch, Failure, Incarnation, JobId, LoadId, PhaseId, PhaseIndex,
    Round, ShardIndex, TaskIndex, TicketId, WorkerName,
};
use windlass_wire::bytes;

pub(super) const TO_MASTER: Target = Target {
    name: "to_master",
    run: to_master,
    seeds: || conversation().into_iter().map(bytes::of_to_master).collect(),
    fixed_bytes_max: 64 << 10,
    // An empty field of two bytes becomes a message of a hundred, in vectors that double.
    factor_max: 512,
};

pub(super) const TO_WORKER: Target = Target {
    name: "to_worker",
    run: to_worker,
    seeds: orders,
    fixed_bytes_max: 64 << 10,
    factor_max: 512,
};

const PHASE: PhaseId = PhaseId { job: JobId(1), phase: PhaseIndex(0) };
const CALL: CallId = CallId { epoch: Epoch(1), counter: 0 };
pub(super) fn kind(message: &impl std::fmt::Debug) -> String {
    let text = format!("{message:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

fn to_master(bytes: &[u8]) -> String {
    let Some(message) = bytes::to_master(bytes) else { return "refused".to_owned() };
    let again = bytes::to_master(&bytes::of_to_master(message.clone()));
    assert_eq!(again.as_ref(), Some(&message), "a message does not come back");
    kind(&message)
}

fn to_worker(bytes: &[u8]) -> String {
    let Some(message) = bytes::to_worker(bytes) else { return "refused".to_owned() };
    let again = bytes::to_worker(&bytes::of_to_worker(message.clone()));
    assert_eq!(again.as_ref(), Some(&message), "a message does not come back");
    kind(&message)
}

fn hello(name: &str) -> ToMaster {
    ToMaster::Hello(Hello {
        name: WorkerName(name.to_owned()),
        incarnation: Incarnation(5),
        in_process: false,
        slots: 1,
        offers: vec![Offer {
            operation: "noop".to_owned(),
            version: 1,
            attempt_ms_max: 600_000,
            quiet_ms_max: Some(10_000),
        }],
        held: vec![Held {
            attempt: AttemptId { epoch: Epoch(1), counter: 3 },
            task: PHASE.task(TaskIndex(3)),
            round: Round(0),
        }],
        serves: Some(vec!["people:am".parse().expect("a group")]),
    })
}

/// One message of each kind, in an order that makes sense.
pub(super) fn conversation() -> Vec<ToMaster> {
    let attempt = |counter| AttemptId { epoch: Epoch(1), counter };
    let ended = |first, with| EndedRun {
        phase: PHASE,
        round: Round(0),
        first: TaskIndex(first),
        attempt: attempt(u64::from(first)),
        with,
        busy_us: 9,
    };
    let (attempt_2, task) = (attempt(2), PHASE.task(TaskIndex(2)));
    let running = Running { slot: 0, attempt: attempt_2, task, elapsed_ms: 3, quiet_ms: 1 };
    let piece = AnswerPiece { offset: 0, bytes: b"120".to_vec(), is_last: true };
    vec![
        hello("w2"),
        ToMaster::Credit(4),
        ToMaster::Progress {
            running: vec![running],
            usage: Some(Usage { cpu_millicores: 5, resident_bytes: 6 }),
        },
        ToMaster::Ended(vec![
            ended(2, EndedWith::Results(Results::Empty(1))),
            ended(3, EndedWith::Results(Results::Manifests(vec![BlobId::of(b"a")]))),
            ended(4, EndedWith::Failure(Failure::rejected("bad", "it is bad", "Mend it."))),
        ]),
        ToMaster::Returned(vec![attempt(5)]),
        ToMaster::CallAnswer { call: CALL, answer: Ok(piece) },
        ToMaster::CallAnswer { call: CALL, answer: Err(Failure::rejected("no", "no", "")) },
        ToMaster::Withdrawn(Withdrawal {
            operation: "noop".to_owned(),
            cause: "it crashed".to_owned(),
        }),
        ToMaster::Shelved { load: LoadId(1), shard: ShardIndex(0), ready: Ok(()) },
        ToMaster::Shelved { load: LoadId(1), shard: ShardIndex(1), ready: Err("no".to_owned()) },
        ToMaster::Found {
            ticket: TicketId(4),
            answer: Ok(Rows { rows: vec!["{}".to_owned()], total_count: 3 }),
        },
        ToMaster::Found { ticket: TicketId(5), answer: Err("not here".to_owned()) },
        ToMaster::Goodbye,
    ]
}

fn shelf() -> Shelf {
    let set = RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: vec!["year".parse().expect("a name")],
        shards: vec!["am=a-m".parse().expect("a shard")].try_into().expect("fit"),
        replica_count: 2,
    };
    let stored = StoredShard { blob: BlobId::of(b"shard"), size: 9, row_count: 1 };
    Shelf { load: LoadId(1), set, shards: vec![ShelfShard { shard: ShardIndex(0), stored }] }
}

fn shard_query() -> ToWorker {
    let wanted = Wanted::Exact(Value::Number("2002".to_owned()));
    ToWorker::Query {
        ticket: TicketId(4),
        load: LoadId(1),
        shard: ShardIndex(0),
        query: Query::one("year".parse().expect("a name"), wanted),
        skip: 0,
        row_count_max: 10,
        bytes_max: 100,
    }
}

fn orders() -> Vec<Vec<u8>> {
    let attempt = AttemptId { epoch: Epoch(1), counter: 7 };
    let run = AssignRun { phase: PHASE, round: Round(0), first: TaskIndex(7), count: 3, attempt };
    let params = Params([("width".to_owned(), "12".to_owned())].into());
    let operation = "image".to_owned();
    [
        ToWorker::Welcome { cluster: 9, epoch: Epoch(1), keep: vec![attempt] },
        ToWorker::Refused("another one has this name".to_owned()),
        ToWorker::Phase { phase: PHASE, operation, params, fresh: false },
        ToWorker::Chunk {
            phase: PHASE,
            first: TaskIndex(0),
            count: 9,
            chunk: ChunkRef::Blob(BlobId::of(b"chunk")),
        },
        ToWorker::Assign(vec![run]),
        ToWorker::EndedAck(vec![(attempt, 3)]),
        ToWorker::Recall(vec![attempt]),
        ToWorker::CancelJob(JobId(1)),
        ToWorker::PhaseClosed(PHASE),
        ToWorker::Shelves(vec![shelf()]),
        shard_query(),
    ]
    .into_iter()
    .map(bytes::of_to_worker)
    .collect()
}
