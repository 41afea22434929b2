//! Calls and look-ups without a loop: who brings news has it taken in.

use super::*;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;
use std::time::Instant;
use windlass_core::calls::Instance;
use windlass_core::ids::CallId;
use windlass_core::ledger::Entry;
use windlass_core::limits::LOOKUP_SECOND_MS_MIN;
use windlass_core::lookups::LookupAnswer;
use windlass_core::params::Params;
use windlass_core::records::{Condition, GroupAnswer, Query, RecordSet, Rows, StoredShard, Wanted};
use windlass_core::session::{AnswerPiece, ToWorker};
use windlass_core::{BlobId, Epoch, LoadId, LogTime, ShardIndex, TicketId, WorkerName};

const CALLER: CallerId = CallerId(7);

fn switchboard() -> (Arc<Switchboard>, Receiver<Inbox>) {
    let (inbox, told) = sync_channel(4);
    let mut ledger = Ledger::default();
    ledger.epoch = Epoch(1);
    let board = Switchboard::new(&ledger, 1, inbox);
    board.keep_time();
    (Arc::new(board), told)
}

/// A worker with a name by its number.
fn worker(number: u64) -> (SessionId, Guest) {
    let name = WorkerName(format!("w{number}"));
    let operations = ["noop".to_owned()].into();
    let instance = Instance { name, slots: 1, operations, is_draining: false };
    (SessionId(number), Guest { instance, pins: None, in_process: false, is_welcome: true })
}

/// Has it join; what it is sent comes out.
fn join(board: &Switchboard, number: u64) -> Receiver<ToWorker> {
    join_as(board, worker(number))
}

fn join_as(board: &Switchboard, (session, guest): (SessionId, Guest)) -> Receiver<ToWorker> {
    let (tell, heard) = channel();
    let line = move |message| tell.send(message).map_err(|_| Gone);
    board.join(session, &guest, Arc::new(line));
    heard
}

fn request(limit_ms: Option<u64>) -> CallRequest {
    CallRequest { operation: "noop".to_owned(), params: Params::default(), limit_ms }
}

/// Calls; the news come out.
fn ask(board: &Switchboard, caller: CallerId) -> Receiver<CallNews> {
    let (tell, told) = channel();
    let tell = move |news| tell.send(news).map_err(|_| Gone);
    assert!(board.ask(caller, request(None), Arc::new(tell)));
    told
}

/// The call that a worker was sent last.
fn called(heard: &Receiver<ToWorker>) -> CallId {
    let ids = heard.try_iter().filter_map(|message| match message {
        ToWorker::Call { call, .. } => Some(call),
        _ => None,
    });
    ids.last().expect("it was called")
}

fn piece(call: CallId, offset: u64, bytes: &[u8], is_last: bool) -> ToMaster {
    let piece = AnswerPiece { offset, bytes: bytes.to_vec(), is_last };
    ToMaster::CallAnswer { call, answer: Ok(piece) }
}

fn whole(bytes: &[u8]) -> CallNews {
    CallNews::Piece { bytes: bytes.to_vec(), is_last: true }
}

#[test]
fn a_call_is_answered_without_the_loop() {
    let (board, inbox) = switchboard();
    let heard = join(&board, 1);
    let told = ask(&board, CALLER);
    assert_eq!(board.calls().open_count, 1);
    assert_eq!(board.answer(SessionId(1), piece(called(&heard), 0, b"24", true)), None);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [whole(b"24")]);
    assert_eq!(board.calls().open_count, 0);
    assert!(inbox.try_recv().is_err(), "the loop sleeps on");
}

#[test]
fn a_worker_may_answer_within_being_called() {
    let (board, _inbox) = switchboard();
    let (session, guest) = worker(1);
    let back = Arc::downgrade(&board);
    let line = move |message| {
        if let ToWorker::Call { call, .. } = message {
            let board = back.upgrade().expect("it is there");
            assert_eq!(board.answer(session, piece(call, 0, b"24", true)), None);
        }
        Ok(())
    };
    board.join(session, &guest, Arc::new(line));
    assert_eq!(ask(&board, CALLER).try_iter().collect::<Vec<_>>(), [whole(b"24")]);
}

#[test]
fn a_worker_that_does_not_keep_up_is_let_go_and_another_called() {
    let (board, inbox) = switchboard();
    drop(join(&board, 1));
    let heard = join(&board, 2);
    let told = ask(&board, CALLER);
    assert!(matches!(inbox.try_recv(), Ok(Inbox::Wake)));
    assert_eq!(board.take_lost(), [SessionId(1)]);
    board.answer(SessionId(2), piece(called(&heard), 0, b"24", true));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [whole(b"24")]);
    assert_eq!(board.take_lost(), []);
}

#[test]
fn with_a_full_inbox_the_loop_is_told_of_the_lost_all_the_same() {
    let (board, inbox) = switchboard();
    while board.inbox.try_send(Inbox::Stop).is_ok() {}
    drop(join(&board, 1));
    let _told = ask(&board, CALLER);
    assert_eq!(board.take_lost(), [SessionId(1)]);
    assert!(inbox.try_iter().all(|message| matches!(message, Inbox::Stop)));
}

#[test]
fn who_panics_at_what_it_is_told_is_gone_and_nobody_else() {
    let (board, _inbox) = switchboard();
    let (session, guest) = worker(1);
    board.join(session, &guest, Arc::new(|_| panic!("as no line does")));
    let heard = join(&board, 2);
    let told = ask(&board, CALLER);
    assert_eq!(board.take_lost(), [SessionId(1)]);
    board.answer(SessionId(2), piece(called(&heard), 0, b"24", true));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [whole(b"24")]);
}

/// What the loop brings is done on another thread: the loop waits for nobody.
#[test]
fn the_loop_leaves_what_is_to_be_done_to_the_operator() {
    let (board, _inbox) = switchboard();
    let _heard = join(&board, 1);
    let _told = ask(&board, CALLER);
    let (session, guest) = worker(2);
    let (tell, by) = channel();
    let line = move |_| tell.send(thread::current().id()).map_err(|_| Gone);
    board.join(session, &guest, Arc::new(line));
    board.lose(SessionId(1));
    assert!(by.try_recv().is_err(), "nobody is there to do it");
    let operating = Arc::clone(&board);
    let operator = thread::spawn(move || operating.operate());
    assert_eq!(by.recv(), Ok(operator.thread().id()));
    board.end();
    operator.join().expect("it ends");
}

/// A caller that calls again as soon as it is answered, by a worker that answers at once: whoever
/// brought the first call goes its way.
#[test]
fn nobody_works_for_others_for_ever() {
    const CALL_COUNT: u64 = 1_000;
    let (board, _inbox) = switchboard();
    let (session, guest) = worker(1);
    let back = Arc::downgrade(&board);
    let line = move |message| {
        if let (ToWorker::Call { call, .. }, Some(board)) = (message, back.upgrade()) {
            board.answer(session, piece(call, 0, b"24", true));
        }
        Ok(())
    };
    board.join(session, &guest, Arc::new(line));
    let (tell, told) = channel();
    ask_again(&board, 1, CALL_COUNT, &tell);
    let count_before = told.try_iter().count();
    assert!(count_before > 0 && count_before <= DEED_COUNT_MAX, "{count_before}");
    let operating = Arc::clone(&board);
    let operator = thread::spawn(move || operating.operate());
    drop(tell);
    assert_eq!(count_before + told.iter().count(), CALL_COUNT as usize);
    board.end();
    operator.join().expect("it ends");
}

fn ask_again(board: &Arc<Switchboard>, number: u64, count: u64, tell: &Sender<u64>) {
    let (back, telling) = (Arc::downgrade(board), tell.clone());
    let again = move |_| {
        telling.send(number).map_err(|_| Gone)?;
        if let Some(board) = back.upgrade().filter(|_| number < count) {
            ask_again(&board, number + 1, count, &telling);
        }
        Ok(())
    };
    assert!(board.ask(CallerId(number), request(None), Arc::new(again)));
}

#[test]
fn a_worker_that_says_what_makes_no_sense_is_let_go() {
    let (board, _inbox) = switchboard();
    let heard = join(&board, 1);
    let told = ask(&board, CALLER);
    board.answer(SessionId(1), piece(called(&heard), 5, b"24", true));
    assert_eq!(board.take_lost(), [SessionId(1)]);
    assert!(matches!(told.try_recv(), Ok(CallNews::Failed(_))), "there is no other worker");
}

#[test]
fn a_caller_that_takes_nothing_is_gone_and_its_worker_told() {
    let (board, _inbox) = switchboard();
    let heard = join(&board, 1);
    drop(ask(&board, CALLER));
    let call = called(&heard);
    board.answer(SessionId(1), piece(call, 0, b"2", false));
    let cancelled = heard.try_iter().any(|message| message == ToWorker::CallCancelled(call));
    assert!(cancelled);
    assert_eq!(board.calls().open_count, 0);
}

#[test]
fn the_loop_is_woken_for_a_call_that_it_would_end_too_late() {
    let (board, inbox) = switchboard();
    let heard = join(&board, 1);
    let _told = ask(&board, CALLER);
    assert!(inbox.try_recv().is_err(), "it looks often enough for that one");
    assert!(board.ask(CallerId(8), request(Some(500)), Arc::new(|_| Ok(()))));
    assert!(matches!(inbox.try_recv(), Ok(Inbox::Wake)));
    assert!(board.ask(CallerId(9), request(Some(600)), Arc::new(|_| Ok(()))));
    assert!(inbox.try_recv().is_err(), "it looks sooner than that");
    assert_eq!(heard.try_iter().count(), 3);
}

#[test]
fn the_answer_of_whoever_is_not_welcome_is_nothing_and_all_else_the_loops_affair() {
    let (board, _inbox) = switchboard();
    let heard = join(&board, 1);
    let told = ask(&board, CALLER);
    let answer = piece(called(&heard), 0, b"24", true);
    assert_eq!(board.answer(SessionId(2), answer.clone()), None);
    assert!(told.try_recv().is_err());
    assert_eq!(board.answer(SessionId(1), ToMaster::Goodbye), Some(ToMaster::Goodbye));
    board.lose(SessionId(1));
    assert_eq!(board.answer(SessionId(1), answer), None);
    assert!(board.take_lost().is_empty());
}

#[test]
fn after_the_end_nobody_waits_and_nobody_calls() {
    let (board, _inbox) = switchboard();
    let heard = join(&board, 1);
    let told = ask(&board, CALLER);
    board.end();
    assert_eq!(told.iter().collect::<Vec<_>>(), [CallNews::Ended]);
    let call = called(&heard);
    assert!(heard.recv().is_err(), "so does the worker");
    assert!(!board.ask(CallerId(8), request(None), Arc::new(|_| Ok(()))));
    assert_eq!(board.answer(SessionId(1), piece(call, 0, b"24", true)), None);
}

/// Two callers of one number are a defect, at which the machine panics.
#[test]
fn a_machine_that_panics_ends_the_loop_and_whoever_waits_is_told() {
    let (board, _inbox) = switchboard();
    let _heard = join(&board, 1);
    let told = ask(&board, CALLER);
    let _other = ask(&board, CallerId(8));
    let again = Arc::clone(&board);
    assert!(thread::spawn(move || ask(&again, CallerId(8))).join().is_err());
    assert!(!board.ask(CallerId(9), request(None), Arc::new(|_| Ok(()))));
    let turning = thread::spawn(move || {
        let ending = Ends(board);
        ending.0.keep_time()
    });
    assert!(turning.join().is_err(), "the loop does not go on");
    assert_eq!(told.iter().collect::<Vec<_>>(), [CallNews::Ended]);
}

#[test]
fn what_was_decided_before_the_end_is_told() {
    let (board, _inbox) = switchboard();
    let _heard = join(&board, 1);
    let told = ask(&board, CALLER);
    // For the operator to tell, who is not there.
    board.lose(SessionId(1));
    board.end();
    let news: Vec<_> = told.iter().collect();
    assert!(matches!(&news[..], [CallNews::Failed(_)]), "{news:?}");
}

/// Every caller gets its own answer, once, whichever thread is at work.
#[test]
fn callers_of_many_threads_get_their_answers_in_order() {
    const CALLER_COUNT: u64 = 8;
    const CALL_COUNT: u64 = 200;
    let (board, _inbox) = switchboard();
    let workers: Vec<_> = (1..=2)
        .map(|number| {
            let (heard, board) = (join(&board, number), Arc::clone(&board));
            thread::spawn(move || {
                for message in heard {
                    if let ToWorker::Call { call, .. } = message {
                        let digits = format!("{:04}", call.counter);
                        let (head, rest) = digits.as_bytes().split_at(2);
                        board.answer(SessionId(number), piece(call, 0, head, false));
                        let offset = head.len() as u64;
                        board.answer(SessionId(number), piece(call, offset, rest, true));
                    }
                }
            })
        })
        .collect();
    let answers: Vec<u64> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLER_COUNT)
            .map(|caller| {
                let board = &board;
                scope.spawn(move || {
                    let call = |number| {
                        let told = ask(board, CallerId(caller * CALL_COUNT + number));
                        let bytes = told.iter().flat_map(|news| match news {
                            CallNews::Piece { bytes, .. } => bytes,
                            news => panic!("{news:?}"),
                        });
                        let digits = String::from_utf8(bytes.collect()).expect("digits");
                        digits.parse::<u64>().expect("a number")
                    };
                    (0..CALL_COUNT).map(call).collect::<Vec<_>>()
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("answered")).collect()
    });
    let mut sorted = answers;
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=CALLER_COUNT * CALL_COUNT).collect::<Vec<_>>());
    board.end();
    workers.into_iter().for_each(|worker| worker.join().expect("it ends"));
}

/// Loads a set of one group, and has worker 1 serve it; what that is sent comes out.
fn serve(board: &Switchboard) -> Receiver<ToWorker> {
    let shards = vec!["all=*".parse().expect("a shard")];
    let set = RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: Vec::new(),
        shards: shards.try_into().expect("fit"),
        replica_count: 1,
    };
    let stored = vec![StoredShard { blob: BlobId::of(b"rows"), size: 4, row_count: 1 }];
    let mut ledger = Ledger::default();
    let entry = Entry::RecordsLoaded { set, stored, replaces: false };
    ledger.apply(LogTime(1), &entry, &mut Vec::new());
    board.change_sets(ledger.records);
    serve_by(board, 1)
}

/// Has a worker join that has the only group of the only set ready.
fn serve_by(board: &Switchboard, number: u64) -> Receiver<ToWorker> {
    let (session, guest) = worker(number);
    let heard = join_as(board, (session, Guest { pins: Some(Vec::new()), ..guest }));
    let (load, shard) = (LoadId(1), ShardIndex(0));
    assert_eq!(board.answer(session, ToMaster::Shelved { load, shard, ready: Ok(()) }), None);
    heard
}

type Looked = Result<LookupAnswer, LookupError>;

fn look_up(board: &Switchboard, asker: CallerId, limit_ms: Option<u64>) -> Receiver<Looked> {
    let field = "name".parse().expect("a name");
    let condition = Condition { field, wanted: Wanted::Written("alice".to_owned()) };
    let request = LookupRequest {
        set: "people".parse().expect("a name"),
        query: Query { conditions: vec![condition] },
        load: None,
        group: None,
        skip: 0,
        limit_ms,
    };
    let (tell, told) = channel();
    let tell = Box::new(move |answer| drop(tell.send(answer)));
    assert!(board.look_up(asker, request, tell));
    told
}

/// The question that a worker was asked last.
fn asked(heard: &Receiver<ToWorker>) -> TicketId {
    let tickets = heard.try_iter().filter_map(|message| match message {
        ToWorker::Query { ticket, .. } => Some(ticket),
        _ => None,
    });
    tickets.last().expect("it was asked")
}

fn found(ticket: TicketId) -> ToMaster {
    let rows = Rows { rows: vec!["{}".to_owned()], total_count: 1 };
    ToMaster::Found { ticket, answer: Ok(rows) }
}

#[test]
fn a_look_up_is_answered_without_the_loop() {
    let (board, inbox) = switchboard();
    let heard = serve(&board);
    while inbox.try_recv().is_ok() {}
    let told = look_up(&board, CALLER, None);
    assert_eq!(board.answer(SessionId(1), found(asked(&heard))), None);
    let answer = told.recv().expect("it is told").expect("there is one");
    assert!(
        matches!(&answer.answer.parts[..], [(_, GroupAnswer::Rows(rows))] if rows.total_count == 1)
    );
    assert_eq!(board.records().expect("it goes on").len(), 1);
}

#[test]
fn a_look_up_goes_to_whoever_serves_the_group_next() {
    let (board, _inbox) = switchboard();
    let heard = serve(&board);
    let told = look_up(&board, CALLER, None);
    let late = found(asked(&heard));
    board.lose(SessionId(1));
    let heard = serve_by(&board, 2);
    assert_eq!(board.answer(SessionId(1), late), None);
    assert!(told.try_recv().is_err());
    assert_eq!(board.answer(SessionId(2), found(asked(&heard))), None);
    assert!(told.recv().expect("it is told").is_ok());
}

/// Each look-up wants a second instance asked soon, and is answered long before.
#[test]
fn look_ups_wake_the_loop_once_before_it_looks() {
    let (board, inbox) = switchboard();
    let heard = serve(&board);
    while inbox.try_recv().is_ok() {}
    let (mut wake_count, began) = (0, Instant::now());
    for number in 1..100 {
        let told = look_up(&board, CallerId(number), None);
        board.answer(SessionId(1), found(asked(&heard)));
        assert!(told.recv().expect("it is told").is_ok());
        for _ in inbox.try_iter() {
            wake_count += 1;
            board.keep_time();
        }
    }
    let most = 2 * (1 + began.elapsed().as_millis() / u128::from(LOOKUP_SECOND_MS_MIN));
    assert!(wake_count > 0 && wake_count <= most, "{wake_count} of {most}");
}

#[test]
fn a_look_up_that_nobody_answers_ends_when_the_loop_tells_the_time() {
    let (board, inbox) = switchboard();
    let _heard = serve(&board);
    while inbox.try_recv().is_ok() {}
    let told = look_up(&board, CALLER, Some(1));
    assert!(matches!(inbox.try_recv(), Ok(Inbox::Wake)));
    let operating = Arc::clone(&board);
    let operator = thread::spawn(move || operating.operate());
    let answer = loop {
        match told.try_recv() {
            Ok(answer) => break answer.expect("an answer that says what is missing"),
            Err(_) => {
                board.keep_time();
            }
        }
    };
    assert!(matches!(&answer.answer.parts[..], [(_, GroupAnswer::Missing(_))]), "{answer:?}");
    board.end();
    operator.join().expect("it ends");
}

#[test]
fn a_look_up_that_was_decided_before_the_end_is_told() {
    let (board, _inbox) = switchboard();
    let _heard = serve(&board);
    let told = look_up(&board, CALLER, None);
    // For the operator to tell, who is not there.
    board.lose(SessionId(1));
    board.change_sets(RecordSets::new());
    board.end();
    let answer = told.recv().expect("it is told");
    assert!(matches!(&answer, Err(LookupError::Replaced(_))), "{answer:?}");
}

#[test]
fn a_worker_that_is_drained_is_asked_only_where_there_is_no_other() {
    let (board, _inbox) = switchboard();
    let first = serve(&board);
    board.drain(SessionId(1), true);
    let second = serve_by(&board, 2);
    while first.try_recv().is_ok() {}
    (10..20).for_each(|number| drop(look_up(&board, CallerId(number), None)));
    let is_query = |message: &ToWorker| matches!(message, ToWorker::Query { .. });
    assert_eq!(first.try_iter().filter(is_query).count(), 0);
    assert_eq!(second.try_iter().filter(is_query).count(), 10);
}

#[test]
fn whoever_looks_up_is_told_of_the_end() {
    let (board, _inbox) = switchboard();
    let _heard = serve(&board);
    let told = look_up(&board, CALLER, None);
    board.end();
    assert_eq!(told.recv(), Ok(Err(LookupError::Ended)));
    assert!(board.records().is_none());
}
