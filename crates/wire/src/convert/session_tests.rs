//! Messages there and back, and messages that are none.

use super::*;
use proptest::prelude::*;
use prost::Message;
use windlass_core::WorkerName;
use windlass_core::ledger::{ChunkRef, Results};
use windlass_core::params::Params;
use windlass_core::plan::{Outputs, Share, Taken};
use windlass_core::session::{Held, Hello, Offer};
use windlass_core::{BlobId, Failure, FailureKind, Incarnation, PhaseIndex};

const PHASE: PhaseId = PhaseId { job: JobId(7), phase: PhaseIndex(3) };
const CALL: CallId = CallId { epoch: Epoch(2), counter: 3 };
const ATTEMPT: AttemptId = AttemptId { epoch: Epoch(2), counter: 1 << 40 };

fn held() -> Held {
    Held { attempt: ATTEMPT, task: PHASE.task(TaskIndex(9)), round: Round(1) }
}

fn ended(with: EndedWith) -> EndedRun {
    let first = TaskIndex(4);
    EndedRun { phase: PHASE, round: Round(1), first, attempt: ATTEMPT, with, busy_us: 77 }
}

#[test]
fn what_workers_say_arrives_as_it_was_said() {
    let hello = Hello {
        name: WorkerName("a-1.b_2".to_owned()),
        incarnation: Incarnation(5),
        in_process: false,
        slots: 2,
        offers: vec![Offer {
            operation: "text".to_owned(),
            version: 3,
            attempt_ms_max: 600_000,
            quiet_ms_max: Some(10_000),
        }],
        held: vec![held()],
        serves: Some(vec!["people:am".parse().expect("a group")]),
    };
    let running =
        Running { slot: 1, attempt: ATTEMPT, task: held().task, elapsed_ms: 10, quiet_ms: 3 };
    let manifests = Results::Manifests(vec![BlobId::of(b"a"), BlobId::of(b"b")]);
    let failure = Failure::new(FailureKind::TimedOut, "timed_out", "it hung", "Wait.");
    for message in [
        ToMaster::Hello(hello),
        ToMaster::Credit(40),
        ToMaster::Progress { running: vec![running], usage: None },
        ToMaster::Progress {
            running: Vec::new(),
            usage: Some(Usage { cpu_millicores: 1_990, resident_bytes: 1 << 33 }),
        },
        ToMaster::Ended(vec![
            ended(EndedWith::Results(Results::Empty(3))),
            ended(EndedWith::Results(manifests)),
            ended(EndedWith::Failure(Failure { duration_us: 8, ..failure })),
        ]),
        ToMaster::Returned(vec![ATTEMPT]),
        ToMaster::Withdrawn(Withdrawal {
            operation: "text".to_owned(),
            cause: "it crashed on 8 files".to_owned(),
        }),
        ToMaster::CallAnswer {
            call: CALL,
            answer: Ok(AnswerPiece { offset: 9, bytes: vec![1, 2], is_last: true }),
        },
        ToMaster::CallAnswer { call: CALL, answer: Err(Failure::rejected("no", "it cannot", "")) },
        ToMaster::Goodbye,
    ] {
        let bytes = pb::ToMaster::from(message.clone()).encode_to_vec();
        let arrived = pb::ToMaster::decode(bytes.as_slice()).expect("is one");
        assert_eq!(ToMaster::try_from(arrived), Ok(message));
    }
}

#[test]
fn what_the_master_says_arrives_as_it_was_said() {
    let run = AssignRun {
        phase: PHASE,
        round: Round(0),
        first: TaskIndex(4),
        count: 12,
        attempt: ATTEMPT,
    };
    let params = Params([("a".to_owned(), "b".to_owned())].into());
    let chunk = |chunk| ToWorker::Chunk { phase: PHASE, first: TaskIndex(0), count: 1, chunk };
    for message in [
        ToWorker::Welcome { cluster: 1 << 100, epoch: Epoch(2), keep: vec![ATTEMPT] },
        ToWorker::Refused("no".to_owned()),
        ToWorker::Phase { phase: PHASE, operation: "text".to_owned(), params, fresh: true },
        chunk(ChunkRef::Count),
        chunk(ChunkRef::Blob(BlobId::of(b"c"))),
        chunk(ChunkRef::Inline(windlass_core::input::Chunk::default().encode())),
        ToWorker::Assign(vec![run]),
        ToWorker::EndedAck(vec![(ATTEMPT, 4)]),
        ToWorker::Recall(vec![ATTEMPT]),
        ToWorker::CancelJob(JobId(7)),
        ToWorker::Outputs {
            phase: PHASE,
            first: TaskIndex(4_096),
            count: 2,
            outputs: Outputs {
                own: vec![Some(BlobId::of(b"a")), None],
                taken: vec![
                    Taken { share: Share::Whole, manifests: vec![BlobId::of(b"b")] },
                    Taken { share: Share::Part, manifests: Vec::new() },
                ],
            },
        },
        ToWorker::PhaseClosed(PHASE),
        ToWorker::Call {
            call: CALL,
            operation: "factorial".to_owned(),
            params: Params([("n".to_owned(), "5".to_owned())].into()),
        },
        ToWorker::CallMore { call: CALL, taken_bytes: 1 << 40 },
        ToWorker::CallCancelled(CALL),
    ] {
        let bytes = pb::ToWorker::from(message.clone()).encode_to_vec();
        let arrived = pb::ToWorker::decode(bytes.as_slice()).expect("is one");
        assert_eq!(ToWorker::try_from(arrived), Ok(message));
    }
}

#[test]
fn a_message_has_so_much_of_everything_and_no_more() {
    let one = ended(EndedWith::Results(Results::Empty(1)));
    let manifests = |count| Results::Manifests(vec![BlobId::of(b"a"); count]);
    let results = |count| vec![ended(EndedWith::Results(manifests(count)))];
    let running =
        Running { slot: 0, attempt: ATTEMPT, task: held().task, elapsed_ms: 1, quiet_ms: 1 };
    let beat = |count| ToMaster::Progress { running: vec![running; count], usage: None };
    let withdrawn = |bytes| Withdrawal { operation: "x".repeat(bytes), cause: String::new() };
    for (most, one_more) in [
        (ToMaster::Ended(vec![one.clone(); 4_096]), ToMaster::Ended(vec![one; 4_097])),
        (ToMaster::Ended(results(4_096)), ToMaster::Ended(results(4_097))),
        (beat(4_096), beat(4_097)),
        (ToMaster::Withdrawn(withdrawn(64)), ToMaster::Withdrawn(withdrawn(65))),
    ] {
        assert_eq!(ToMaster::try_from(pb::ToMaster::from(most.clone())), Ok(most));
        assert!(ToMaster::try_from(pb::ToMaster::from(one_more)).is_err());
    }
}

#[test]
fn a_worker_of_another_protocol_or_name_is_refused() {
    let sound = pb::Hello { protocol: 1, name: "w".to_owned(), slots: 1, ..pb::Hello::default() };
    assert!(Hello::try_from(sound.clone()).is_ok());
    let names = ["", "a b", "../x", &"x".repeat(65)];
    let mut unsound: Vec<pb::Hello> =
        names.iter().map(|name| pb::Hello { name: (*name).to_owned(), ..sound.clone() }).collect();
    unsound.push(pb::Hello { protocol: 2, ..sound.clone() });
    unsound.push(pb::Hello { slots: 0, ..sound.clone() });
    unsound.push(pb::Hello { incarnation: u64::MAX, ..sound.clone() });
    let offer =
        |operation: &str| pb::Offer { operation: operation.to_owned(), ..Default::default() };
    unsound.push(pb::Hello { offers: vec![offer("")], ..sound.clone() });
    unsound.push(pb::Hello { offers: vec![offer(&"x".repeat(65))], ..sound.clone() });
    unsound.push(pb::Hello { offers: vec![offer("text"); 1_025], ..sound });
    for hello in unsound {
        assert!(Hello::try_from(hello.clone()).is_err(), "{hello:?}");
    }
}

#[test]
fn a_cause_without_end_is_cut() {
    let said = pb::Withdrawn { operation: "text".to_owned(), cause: "é".repeat(400) };
    let cause = Withdrawal::try_from(said).map(|it| it.cause);
    assert_eq!(cause, Ok("é".repeat(254) + "…"));
}

proptest! {
    #[test]
    fn whatever_arrives_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = pb::ToMaster::decode(bytes.as_slice()) {
            let _ = ToMaster::try_from(message);
        }
        if let Ok(message) = pb::ToWorker::decode(bytes.as_slice()) {
            let _ = ToWorker::try_from(message);
        }
    }
}
