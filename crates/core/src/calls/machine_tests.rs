//! Scenarios of calls, then many events at random with what must always hold.

use super::super::roster::Instance;
use super::*;
use crate::balance::Strategy;
use crate::limits::{CALL_PIECE_BYTES_MAX, CALL_SLOT_COUNT_MAX};
use crate::params::Params;
use proptest::prelude::*;
use proptest::strategy::Strategy as Draws;

const START: Tick = Tick(1_000_000);

fn instance(name: &str, slots: u32, operations: &[&str]) -> Instance {
    Instance {
        name: WorkerName(name.to_owned()),
        slots,
        operations: operations.iter().map(|name| (*name).to_owned()).collect(),
        is_draining: false,
    }
}

/// Calls, and what they want done since last asked.
struct Primary {
    calls: Calls,
    now: Tick,
}

impl Primary {
    /// Workers w1, w2, … of one slot that offer `factorial`, in sessions 1, 2, ….
    fn with_workers(count: u64) -> Primary {
        let mut primary = Primary { calls: Calls::new(Epoch(3), 1), now: START };
        (1..=count).for_each(|number| {
            let joined = instance(&format!("w{number}"), 1, &["factorial"]);
            assert_eq!(primary.on(CallEvent::Joined(SessionId(number), joined)), []);
        });
        primary
    }

    fn on(&mut self, event: CallEvent) -> Vec<CallEffect> {
        let mut out = Vec::new();
        self.calls.on(self.now, event, &mut out);
        out
    }

    fn ask(&mut self, caller: u64) -> Vec<CallEffect> {
        self.ask_within(caller, None)
    }

    fn ask_within(&mut self, caller: u64, limit_ms: Option<u64>) -> Vec<CallEffect> {
        let request = CallRequest {
            operation: "factorial".to_owned(),
            params: Params([("n".to_owned(), "52".to_owned())].into()),
            limit_ms,
        };
        self.on(CallEvent::Asked(CallerId(caller), request))
    }

    fn answer(&mut self, session: u64, number: u64, answer: Answer) -> Vec<CallEffect> {
        self.on(CallEvent::Answered(SessionId(session), call(number), answer))
    }
}

type Answer = Result<AnswerPiece, Failure>;

fn call(number: u64) -> CallId {
    CallId { epoch: Epoch(3), counter: number }
}

fn piece(offset: u64, bytes: &[u8], is_last: bool) -> Answer {
    Ok(AnswerPiece { offset, bytes: bytes.to_vec(), is_last })
}

fn failed(kind: FailureKind, cause: &str) -> Answer {
    Err(Failure::new(kind, "some_code", cause, "Do better."))
}

/// Effects in a few words each.
fn said(effects: &[CallEffect]) -> Vec<String> {
    let words = |effect: &CallEffect| match effect {
        CallEffect::Send(session, ToWorker::Call { call, .. }) => {
            format!("{} to {}", call.counter, session.0)
        }
        CallEffect::Send(session, ToWorker::CallMore { call, taken_bytes }) => {
            format!("{} more {taken_bytes} to {}", call.counter, session.0)
        }
        CallEffect::Send(session, ToWorker::CallCancelled(call)) => {
            format!("{} cancelled at {}", call.counter, session.0)
        }
        CallEffect::Send(_, other) => panic!("{other:?} is no word of calls"),
        CallEffect::Close(session) => format!("close {}", session.0),
        CallEffect::Pass { caller, bytes, is_last } => {
            let end = if *is_last { "." } else { "…" };
            format!("{} gets {}{end}", caller.0, String::from_utf8_lossy(bytes))
        }
        CallEffect::Fail(caller, error) => format!("{} fails: {error}", caller.0),
    };
    effects.iter().map(words).collect()
}

#[test]
fn a_call_has_so_many_bytes_and_no_more() {
    let mut primary = Primary::with_workers(1);
    let mut refused = |operation: String, value: String| {
        let params = Params([("n".to_owned(), value)].into());
        let request = CallRequest { operation, params, limit_ms: None };
        let effects = primary.on(CallEvent::Asked(CallerId(1), request));
        effects == [CallEffect::Fail(CallerId(1), CallError::TooLarge)]
    };
    assert!(refused("x".repeat(65), "1".to_owned()));
    assert!(refused("factorial".to_owned(), "1".repeat(64 << 10)));
    assert!(!refused("factorial".to_owned(), "1".repeat(63 << 10)));
}

#[test]
fn a_call_is_answered_by_the_worker_it_was_given_to() {
    let mut primary = Primary::with_workers(2);
    assert_eq!(said(&primary.ask(1)), ["1 to 1"]);
    assert_eq!(said(&primary.ask(2)), ["2 to 2"]);
    // Only the one that has a call answers it.
    assert_eq!(said(&primary.answer(2, 1, piece(0, b"x", true))), [""; 0]);
    assert_eq!(said(&primary.answer(1, 1, piece(0, b"24", true))), ["1 gets 24."]);
    assert_eq!(said(&primary.answer(1, 1, piece(0, b"24", true))), [""; 0]);
    assert_eq!(primary.calls.open_count(), 1);
}

#[test]
fn a_call_that_nobody_serves_fails_at_once_with_who_is_there() {
    let mut primary = Primary { calls: Calls::new(Epoch(3), 1), now: START };
    assert_eq!(said(&primary.ask(1)), ["1 fails: no worker offers factorial; none is connected"]);
    primary.on(CallEvent::Joined(SessionId(1), instance("w2", 1, &["image"])));
    primary.on(CallEvent::Joined(SessionId(2), instance("w1", 1, &["factorial"])));
    primary.on(CallEvent::Draining(SessionId(2), true));
    assert_eq!(
        said(&primary.ask(2)),
        ["2 fails: no worker offers factorial; 2 workers are connected: w1 (draining), w2"]
    );
    primary.on(CallEvent::Draining(SessionId(2), false));
    assert_eq!(said(&primary.ask(3)), ["1 to 2"]);
}

#[test]
fn a_lost_workers_call_goes_to_another_one() {
    let mut primary = Primary::with_workers(2);
    primary.ask(1);
    assert_eq!(said(&primary.on(CallEvent::Lost(SessionId(1)))), ["2 to 2"]);
    // The first one comes back and answers late.
    primary.on(CallEvent::Joined(SessionId(3), instance("w1", 1, &["factorial"])));
    assert_eq!(said(&primary.answer(3, 1, piece(0, b"24", true))), [""; 0]);
    assert_eq!(said(&primary.answer(2, 2, piece(0, b"24", true))), ["1 gets 24."]);
}

#[test]
fn it_is_never_the_same_again_while_there_is_another() {
    let mut primary = Primary::with_workers(2);
    // w2 is full.
    primary.on(CallEvent::Draining(SessionId(1), true));
    let full = u64::from(CALL_SLOT_COUNT_MAX);
    (1..=full).for_each(|caller| assert_eq!(primary.ask(caller).len(), 1));
    primary.on(CallEvent::Draining(SessionId(1), false));
    assert_eq!(said(&primary.ask(100)), [format!("{} to 1", full + 1)]);
    // w1 has room, but has failed.
    let crashed = failed(FailureKind::Crashed, "signal 11");
    assert_eq!(said(&primary.answer(1, full + 1, crashed.clone())), [""; 0]);
    let waiting: Vec<_> = primary.calls.waiting().collect();
    assert_eq!(waiting, [("factorial", 1)]);
    // It goes to w2 as soon as that has room, and back to w1 when w2 is gone.
    let answered = primary.answer(2, 1, piece(0, b"1", true));
    assert_eq!(said(&answered), ["1 gets 1.".to_owned(), format!("{} to 2", full + 2)]);
    primary.on(CallEvent::Draining(SessionId(2), true));
    assert_eq!(said(&primary.answer(2, full + 2, crashed)), [format!("{} to 1", full + 3)]);
}

#[test]
fn what_waits_for_a_lost_worker_alone_goes_back_to_one_that_failed() {
    let mut primary = Primary::with_workers(2);
    primary.on(CallEvent::Draining(SessionId(1), true));
    let full = u64::from(CALL_SLOT_COUNT_MAX);
    (1..=full).for_each(|caller| assert_eq!(primary.ask(caller).len(), 1));
    primary.on(CallEvent::Draining(SessionId(1), false));
    primary.ask(100);
    primary.answer(1, full + 1, failed(FailureKind::Crashed, "signal 11"));
    let effects = said(&primary.on(CallEvent::Draining(SessionId(2), true)));
    assert_eq!(effects, [format!("{} to 1", full + 2)]);
}

#[test]
fn tries_are_used_up_in_the_end() {
    let mut primary = Primary::with_workers(4);
    primary.ask(1);
    let away = failed(FailureKind::Unavailable, "no memory");
    assert_eq!(said(&primary.answer(1, 1, away.clone())), ["2 to 2"]);
    assert_eq!(said(&primary.on(CallEvent::Lost(SessionId(2)))), ["3 to 3"]);
    assert_eq!(
        said(&primary.answer(3, 3, away)),
        ["1 fails: 3 tries of factorial have failed: w1 (unavailable: no memory), \
          w2 (connection lost), w3 (unavailable: no memory)"]
    );
    assert_eq!((primary.calls.open_count(), primary.calls.next_deadline()), (0, None));
}

#[test]
fn the_loss_of_the_only_worker_is_told() {
    let mut primary = Primary::with_workers(1);
    primary.ask(1);
    assert_eq!(
        said(&primary.on(CallEvent::Lost(SessionId(1)))),
        ["1 fails: the only try of factorial has failed, and no other worker offers it: \
          w1 (connection lost)"]
    );
}

#[test]
fn bad_input_is_not_tried_again() {
    let mut primary = Primary::with_workers(2);
    primary.ask(1);
    let refused = failed(FailureKind::Rejected, "n is too large");
    assert_eq!(said(&primary.answer(1, 1, refused)), ["1 fails: factorial: n is too large"]);
}

#[test]
fn time_is_up_while_waiting_and_while_at_work() {
    let mut primary = Primary::with_workers(1);
    let full = u64::from(CALL_SLOT_COUNT_MAX);
    (1..full).for_each(|caller| assert_eq!(primary.ask(caller).len(), 1));
    primary.ask_within(full, Some(1_000));
    primary.ask_within(full + 1, Some(500));
    assert_eq!(primary.calls.next_deadline(), Some(START.after_ms(500)));
    primary.now = START.after_ms(500);
    assert_eq!(
        said(&primary.on(CallEvent::Tick)),
        [format!("{} fails: every worker that offers factorial was busy for 500 ms", full + 1)]
    );
    primary.now = START.after_ms(1_000);
    assert_eq!(
        said(&primary.on(CallEvent::Tick)),
        [
            format!("{full} fails: w1 has not answered factorial within 1 s"),
            format!("{full} cancelled at 1"),
        ]
    );
}

#[test]
fn a_caller_that_goes_away_makes_room() {
    let mut primary = Primary::with_workers(1);
    let full = u64::from(CALL_SLOT_COUNT_MAX);
    (1..=full + 1).for_each(|caller| {
        primary.ask(caller);
    });
    assert_eq!(
        said(&primary.on(CallEvent::Abandoned(CallerId(3)))),
        ["3 cancelled at 1".to_owned(), format!("{} to 1", full + 1)]
    );
    assert_eq!(primary.on(CallEvent::Abandoned(CallerId(3))), []);
}

#[test]
fn a_large_answer_flows_as_the_caller_takes_it() {
    let mut primary = Primary::with_workers(2);
    primary.ask(1);
    assert_eq!(said(&primary.answer(1, 1, piece(0, b"abc", false))), ["1 gets abc…"]);
    assert_eq!(said(&primary.on(CallEvent::Taken(CallerId(1), 2))), ["1 more 2 to 1"]);
    // The next worker begins anew, knows what was taken, and repeats nothing to the caller.
    assert_eq!(said(&primary.on(CallEvent::Lost(SessionId(1)))), ["2 to 2", "2 more 2 to 2"]);
    assert_eq!(said(&primary.answer(2, 2, piece(0, b"abcd", false))), ["1 gets d…"]);
    assert_eq!(said(&primary.answer(2, 2, piece(4, b"e", true))), ["1 gets e."]);
}

#[test]
fn a_second_worker_that_answers_otherwise_is_told_and_cancelled() {
    let mut primary = Primary::with_workers(2);
    primary.ask(1);
    primary.answer(1, 1, piece(0, b"abc", false));
    primary.on(CallEvent::Lost(SessionId(1)));
    assert_eq!(
        said(&primary.answer(2, 2, piece(0, b"abx", false))),
        [
            "1 fails: factorial: w2 answers otherwise than the worker before it, that was lost",
            "2 cancelled at 2"
        ]
    );
}

#[test]
fn a_worker_that_breaks_the_protocol_is_dropped_and_its_calls_go_on() {
    let mut primary = Primary::with_workers(2);
    primary.ask(1);
    let large = vec![0; 1 + usize::try_from(CALL_PIECE_BYTES_MAX).expect("small")];
    assert_eq!(said(&primary.answer(1, 1, piece(0, &large, true))), ["close 1", "2 to 2"]);
}

#[test]
fn no_more_calls_are_taken_than_there_is_room_for() {
    let mut primary = Primary::with_workers(1);
    let most = CALL_OPEN_COUNT_MAX as u64;
    (1..=most).for_each(|caller| {
        primary.ask(caller);
    });
    assert_eq!(
        said(&primary.ask(most + 1)),
        [format!("{} fails: 10000 calls are open, no more are taken", most + 1)]
    );
}

#[test]
fn a_strategy_changes_while_calls_run_and_newcomers_are_not_flooded() {
    let mut primary = Primary::with_workers(2);
    // The least loaded: w1 answers each before the next one comes.
    for number in 1..=6 {
        assert_eq!(said(&primary.ask(number)), [format!("{number} to 1")]);
        primary.answer(1, number, piece(0, b"", true));
    }
    assert_eq!(primary.calls.set_strategy("factorial", Strategy::LeastServed), Ok(()));
    assert_eq!(said(&primary.ask(7)), ["7 to 2"]);
    primary.on(CallEvent::Joined(SessionId(3), instance("w3", 1, &["factorial"])));
    // Level with w2, which has one.
    assert_eq!(said(&primary.ask(8)), ["8 to 2"]);
    assert_eq!(said(&primary.ask(9)), ["9 to 3"]);
    let counts = primary.calls.served().into_iter().map(|served| (served.worker.0, served.count));
    let expected = [("w1", 6), ("w2", 2), ("w3", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counts.collect::<Vec<_>>(), expected);
}

#[test]
fn strategies_are_bounded() {
    let mut calls = Calls::new(Epoch(1), 1);
    for number in 0..CALL_STRATEGY_COUNT_MAX {
        assert_eq!(calls.set_strategy(&format!("op{number}"), Strategy::Random), Ok(()));
    }
    assert_eq!(calls.set_strategy("another", Strategy::Random), Err(TooManyStrategies));
    assert_eq!(calls.set_strategy("op0", Strategy::RoundRobin), Ok(()));
    assert_eq!(calls.strategy("op0"), Strategy::RoundRobin);
}

/// Something that happens, by positions in what is there.
#[derive(Clone, Debug)]
enum Happens {
    Joins(u8),
    IsLost(u8),
    Drains(u8, bool),
    IsAsked(bool),
    IsAbandoned(u8),
    Answers(u8, u8),
    Passes(u16),
}

fn happens() -> impl Draws<Value = Happens> {
    prop_oneof![
        2 => (0..4_u8).prop_map(Happens::Joins),
        2 => (0..4_u8).prop_map(Happens::IsLost),
        1 => (0..4_u8, any::<bool>()).prop_map(|(of, is)| Happens::Drains(of, is)),
        12 => any::<bool>().prop_map(Happens::IsAsked),
        1 => any::<u8>().prop_map(Happens::IsAbandoned),
        8 => (any::<u8>(), 0..8_u8).prop_map(|(of, how)| Happens::Answers(of, how)),
        1 => (0..400_u16).prop_map(Happens::Passes),
    ]
}

/// What an outsider knows of the calls.
struct Witness {
    primary: Primary,
    sessions: BTreeMap<u8, SessionId>,
    session_count: u64,
    caller_count: u64,
    open: BTreeSet<CallerId>,
    /// Tries that workers have.
    held: BTreeMap<CallId, SessionId>,
}

impl Witness {
    fn happens(&mut self, what: &Happens) {
        let event = match what {
            Happens::Joins(of) => {
                self.session_count += 1;
                let session = SessionId(self.session_count);
                if let Some(before) = self.sessions.insert(*of, session) {
                    self.loses(before);
                }
                let operations: &[&str] = if *of == 0 { &["a"] } else { &["a", "b"] };
                CallEvent::Joined(session, instance(&format!("w{of}"), 1, operations))
            }
            Happens::IsLost(of) => {
                let Some(session) = self.sessions.remove(of) else { return };
                return self.loses(session);
            }
            Happens::Drains(of, is_draining) => {
                let Some(session) = self.sessions.get(of) else { return };
                CallEvent::Draining(*session, *is_draining)
            }
            Happens::IsAsked(is_a) => {
                self.caller_count += 1;
                let caller = CallerId(self.caller_count);
                self.open.insert(caller);
                let operation = if *is_a { "a" } else { "b" }.to_owned();
                let params = Params::default();
                CallEvent::Asked(caller, CallRequest { operation, params, limit_ms: Some(1_000) })
            }
            Happens::IsAbandoned(of) => {
                let Some(caller) = self.open.iter().nth(usize::from(*of)).copied() else { return };
                self.open.remove(&caller);
                CallEvent::Abandoned(caller)
            }
            Happens::Answers(of, how) => {
                let held = self.held.iter().cycle().nth(usize::from(*of));
                let Some((call, session)) = held.map(|(call, session)| (*call, *session)) else {
                    return;
                };
                self.held.remove(&call);
                let answer = match how {
                    0 => failed(FailureKind::Crashed, "signal 11"),
                    1 => failed(FailureKind::Rejected, "no"),
                    _ => piece(0, b"x", true),
                };
                CallEvent::Answered(session, call, answer)
            }
            Happens::Passes(ms) => {
                self.primary.now = self.primary.now.after_ms(u64::from(*ms));
                CallEvent::Tick
            }
        };
        self.tell(event);
    }

    fn loses(&mut self, session: SessionId) {
        self.held.retain(|_, of| *of != session);
        self.tell(CallEvent::Lost(session));
    }

    fn tell(&mut self, event: CallEvent) {
        for effect in self.primary.on(event) {
            match effect {
                CallEffect::Send(session, ToWorker::Call { call, operation, .. }) => {
                    let seated = self.primary.calls.roster.get(session).expect("is connected");
                    assert!(seated.offers(&operation), "only who offers it");
                    assert!(self.held.insert(call, session).is_none(), "an id is used once");
                }
                CallEffect::Send(session, ToWorker::CallCancelled(call)) => {
                    assert_eq!(self.held.remove(&call), Some(session));
                }
                CallEffect::Pass { caller, is_last, .. } => {
                    assert!(is_last && self.open.remove(&caller), "one answer");
                }
                CallEffect::Fail(caller, _) => assert!(self.open.remove(&caller), "one end"),
                other => panic!("{other:?}"),
            }
        }
        self.check();
    }

    fn check(&self) {
        let calls = &self.primary.calls;
        assert!(calls.calls.keys().eq(&self.open), "what is open is known to both");
        assert!(calls.tries.keys().eq(self.held.keys()), "and what workers have");
        for session in self.sessions.values() {
            let count = self.held.values().filter(|of| *of == session).count();
            assert!(count <= CALL_SLOT_COUNT_MAX as usize, "no worker has too many");
            assert_eq!(calls.next_for(*session), None, "nobody idles while something waits");
        }
        let waiting: BTreeSet<CallerId> = calls.waiting.values().flatten().copied().collect();
        let is_waiting =
            |(caller, open): (&CallerId, &OpenCall)| open.at.is_none().then_some(*caller);
        assert_eq!(waiting, calls.calls.iter().filter_map(is_waiting).collect());
        let later = |at: Tick| at > self.primary.now;
        assert!(calls.next_deadline().is_none_or(later), "what is overdue has ended");
    }
}

proptest! {
    #[test]
    fn every_call_ends_once_whatever_happens(
        strategy in prop::sample::select(&Strategy::ALL[..]),
        seed in any::<u64>(),
        events in prop::collection::vec(happens(), 1..200),
    ) {
        let mut calls = Calls::new(Epoch(3), seed);
        calls.set_strategy("a", strategy).unwrap();
        let mut witness = Witness {
            primary: Primary { calls, now: START },
            sessions: BTreeMap::new(),
            session_count: 0,
            caller_count: 0,
            open: BTreeSet::new(),
            held: BTreeMap::new(),
        };
        events.iter().for_each(|event| witness.happens(event));
        witness.happens(&Happens::Passes(1_000));
        prop_assert!(witness.open.is_empty());
        prop_assert!(witness.held.is_empty());
        prop_assert_eq!(witness.primary.calls.next_deadline(), None);
    }
}
