//! Calls: operations that need no file, answered by threads of their own, beside the tasks, or
//! where they arrive, if they take no time. A call's answer is the operation's main artifact, in
//! pieces; nothing is stored. Short ones, which are nearly all, come and go past the seat's thread:
//! waking one thread after another is most of what they cost.

mod hands;
mod make;

pub(crate) use hands::Made;

use crate::host::{Inbox, Send};
use crate::usage::Threads;
use hands::{Hands, Job};
use make::is_instant;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use windlass_core::Failure;
use windlass_core::ids::CallId;
use windlass_core::limits::CALL_RUNNING_COUNT_MIN;
use windlass_core::session::{ToMaster, ToWorker};

/// The calls in this worker's hands.
pub(crate) struct Calls {
    slots: u32,
    inbox: SyncSender<Inbox>,
    /// Where its threads enter.
    threads: Threads,
    /// Started with the first call for them: most workers never get one.
    pool: Mutex<Vec<JoinHandle<()>>>,
    hands: Arc<Hands>,
}

impl Calls {
    pub(crate) fn new(slots: u32, inbox: SyncSender<Inbox>, threads: Threads) -> Calls {
        let hands = Arc::new(Hands::new(slots));
        Calls { slots, inbox, threads, pool: Mutex::default(), hands }
    }

    /// The master has welcomed this worker: its calls are taken as they come, and answered there.
    pub(crate) fn welcome(&self, line: Send) {
        // The one before goes without the lock: it may say its end to a master that waits for it.
        let _before = self.hands.lock().line.replace(line);
    }

    /// Where answers go, while the worker is welcome there.
    pub(crate) fn line(&self) -> Option<Send> {
        self.hands.lock().line.clone()
    }

    /// Takes a call that has come over the connection, without ever waiting; gives back what is for
    /// the seat to see, as is a first call: threads are started by the seat's.
    pub(crate) fn take(&self, message: ToWorker) -> Option<ToWorker> {
        let ToWorker::Call { call, operation, params } = message else { return Some(message) };
        let job = Job::new(call, operation, params);
        if is_instant(&job) && self.hands.answer_here(&job) {
            return None;
        }
        let unbegun = self.hands.begin(job, |state| state.is_started && state.line.is_some());
        unbegun.map(|Job { call, operation, params, .. }| ToWorker::Call {
            call,
            operation,
            params,
        })
    }

    /// Takes what the master says of calls; returns what is to be said to it.
    pub(crate) fn on(&self, message: ToWorker) -> Vec<ToMaster> {
        match message {
            ToWorker::Call { call, operation, params } => {
                let unbegun = self.hands.begin(Job::new(call, operation, params), |_| true);
                if unbegun.is_none() {
                    self.start();
                }
                unbegun.map(|job| refused(job.call)).into_iter().collect()
            }
            ToWorker::CallMore { call, taken_bytes } => {
                let mut state = self.hands.lock();
                let Some(open) = state.open.get_mut(&call) else { return Vec::new() };
                open.answering.on_taken(taken_bytes);
                state.pieces(call)
            }
            ToWorker::CallCancelled(call) => {
                self.hands.cancel(call);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A thread has an answer that it did not give; returns what is to be said of it.
    pub(crate) fn on_made(&self, call: CallId, made: Made) -> Vec<ToMaster> {
        let mut state = self.hands.lock();
        let Some(open) = state.open.get_mut(&call) else { return Vec::new() };
        match made {
            Ok(bytes) => {
                open.answering.on_made(bytes.len() as u64);
                open.bytes = bytes;
                state.pieces(call)
            }
            Err(failure) => {
                state.open.remove(&call);
                vec![ToMaster::CallAnswer { call, answer: Err(failure) }]
            }
        }
    }

    /// Nobody waits for any answer any more.
    pub(crate) fn end_all(&self) {
        self.hands.end_all(false);
    }

    /// Ends all for good, and gives back the threads to be waited for: they end after what they
    /// are at.
    pub(crate) fn stop(&self) -> Vec<JoinHandle<()>> {
        self.hands.end_all(true);
        std::mem::take(&mut self.pool.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts the threads, the first time.
    fn start(&self) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if !pool.is_empty() {
            return;
        }
        let start = |_| {
            let (hands, inbox) = (Arc::clone(&self.hands), self.inbox.clone());
            let threads = self.threads.clone();
            thread::spawn(move || {
                threads.enter();
                hands.work_off(&inbox);
            })
        };
        pool.extend((0..self.slots.max(CALL_RUNNING_COUNT_MIN)).map(start));
        self.hands.lock().is_started = true;
    }
}

/// Ends the calls when the seat's thread ends.
pub(crate) struct EndsCalls(pub(crate) Arc<Calls>);

impl Drop for EndsCalls {
    fn drop(&mut self) {
        drop(self.0.stop());
    }
}

fn refused(call: CallId) -> ToMaster {
    let cause = "the worker has more calls than it was to be given";
    let failure = Failure::unavailable("too_many_calls", cause, "");
    ToMaster::CallAnswer { call, answer: Err(failure) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Gone;
    use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
    use windlass_core::Epoch;
    use windlass_core::limits::CALL_SLOT_COUNT_MAX;
    use windlass_core::params::Params;
    use windlass_core::session::AnswerPiece;

    fn id(counter: u64) -> CallId {
        CallId { epoch: Epoch(1), counter }
    }

    fn call(counter: u64, operation: &str, given: &[(&str, &str)]) -> ToWorker {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (operation, params) = (operation.to_owned(), Params(given.collect()));
        ToWorker::Call { call: id(counter), operation, params }
    }

    /// Calls of a worker of one slot, and what its threads say.
    fn calls() -> (Calls, Receiver<Inbox>) {
        let (inbox, messages) = sync_channel(64);
        (Calls::new(1, inbox, Threads::default()), messages)
    }

    fn made(messages: &Receiver<Inbox>) -> (CallId, Made) {
        match messages.recv().expect("a thread says something") {
            Inbox::Call(call, made) => (call, made),
            _ => panic!("calls say nothing else"),
        }
    }

    fn answer(operation: &str, given: &[(&str, &str)]) -> Made {
        let (calls, messages) = calls();
        assert_eq!(calls.on(call(1, operation, given)), []);
        made(&messages).1
    }

    #[test]
    fn a_call_is_answered_by_the_main_artifact() {
        assert_eq!(answer("factorial", &[("n", "20")]), Ok(b"2432902008176640000\n".to_vec()));
        assert_eq!(answer("noop", &[]), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        let cause = |operation, given: &[_]| answer(operation, given).expect_err("refused").cause;
        assert_eq!(cause("image", &[]), "image works on files and cannot be called");
        assert_eq!(
            cause("command", &[("cmd", "true")]),
            "command works on files and cannot be called"
        );
        assert_eq!(cause("pancake", &[]), "this worker does not know the operation pancake");
        assert_eq!(
            cause("factorial", &[("n", "-1")]),
            "parameter n=-1: a whole number from 0 to 10000000 is wanted"
        );
    }

    #[test]
    fn a_large_answer_comes_in_pieces_as_it_is_taken() {
        let (calls, messages) = calls();
        calls.on(call(1, "noop", &[]));
        let (call, _) = made(&messages);
        let answer: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        let mut got = Vec::new();
        let mut said = calls.on_made(call, Ok(answer.clone()));
        while !said.is_empty() {
            for message in said {
                let ToMaster::CallAnswer { answer: Ok(piece), .. } = message else { panic!() };
                assert_eq!(piece.offset, got.len() as u64);
                got.extend(piece.bytes);
                assert_eq!(piece.is_last, got.len() == answer.len());
            }
            said = calls.on(ToWorker::CallMore { call, taken_bytes: got.len() as u64 });
        }
        assert_eq!(got, answer);
        assert!(calls.hands.lock().open.is_empty());
    }

    /// A line to a master, and what is said there.
    fn line() -> (Send, Receiver<ToMaster>) {
        let (line, said) = sync_channel(64);
        (Arc::new(move |message| line.try_send(message).map_err(|_| Gone)), said)
    }

    #[test]
    fn a_short_answer_does_not_wait_for_the_seat() {
        let (calls, messages) = calls();
        let (line, said) = line();
        // Threads are woken for it.
        let asked = |counter| call(counter, "factorial", &[("n", "600")]);
        // Whether it is welcome the seat knows.
        assert_eq!(calls.take(asked(1)), Some(asked(1)));
        calls.welcome(line);
        // The threads are the seat's to start.
        assert_eq!(calls.take(asked(1)), Some(asked(1)));
        assert_eq!(calls.on(asked(1)), []);
        assert!(said.recv().is_ok());
        assert_eq!(calls.take(asked(2)), None);
        let answer = said.recv().expect("it is said");
        assert!(matches!(answer, ToMaster::CallAnswer { call, answer: Ok(_) } if call == id(2)));
        assert_eq!(calls.take(call(3, "pancake", &[])), None);
        let unknown = said.recv().expect("it is said");
        assert!(matches!(unknown, ToMaster::CallAnswer { answer: Err(_), .. }), "{unknown:?}");
        assert!(calls.hands.lock().open.is_empty());
        calls.end_all();
        assert_eq!(calls.take(asked(4)), Some(asked(4)));
        assert!(messages.try_recv().is_err());
    }

    #[test]
    fn a_call_that_takes_no_time_is_answered_where_it_arrives() {
        let (calls, messages) = calls();
        let asked = call(1, "factorial", &[("n", "5")]);
        assert_eq!(calls.take(asked.clone()), Some(asked.clone()), "it is welcome nowhere");
        let (line, said) = line();
        calls.welcome(line);
        assert_eq!(calls.take(asked.clone()), None);
        let piece = AnswerPiece { offset: 0, bytes: b"120\n".to_vec(), is_last: true };
        let answer = ToMaster::CallAnswer { call: id(1), answer: Ok(piece) };
        assert_eq!(said.try_recv(), Ok(answer));
        drop(said);
        assert_eq!(calls.take(asked.clone()), Some(asked), "nobody hears it: the seat is to see");
        assert!(calls.pool.lock().expect("nobody panics").is_empty());
        assert!(messages.try_recv().is_err());
    }

    #[test]
    fn a_long_answer_goes_by_the_seat() {
        let (calls, messages) = calls();
        calls.welcome(line().0);
        assert_eq!(calls.on(call(1, "factorial", &[("n", "100000")])), []);
        let (call, answer) = made(&messages);
        assert!(calls.on_made(call, answer).len() > 1);
    }

    #[test]
    fn a_line_that_nobody_hears_is_told_to_the_seat() {
        let (calls, messages) = calls();
        let (line, said) = line();
        drop(said);
        calls.welcome(Arc::clone(&line));
        assert_eq!(calls.on(call(1, "noop", &[])), []);
        let told = messages.recv().expect("it is told");
        assert!(matches!(told, Inbox::Unheard(dead) if Arc::ptr_eq(&dead, &line)));
    }

    #[test]
    fn when_the_seats_thread_panics_nobody_keeps_its_line() {
        let (calls, _messages) = calls();
        let (line, said) = line();
        let calls = Arc::new(calls);
        calls.welcome(line);
        let ending = EndsCalls(Arc::clone(&calls));
        let seat = thread::spawn(move || {
            let _ending = ending;
            panic!("as a seat would");
        });
        assert!(seat.join().is_err());
        assert_eq!(said.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(calls.on(call(1, "noop", &[])).len(), 1);
    }

    #[test]
    fn a_cancelled_call_ends_and_says_nothing() {
        let (calls, messages) = calls();
        calls.on(call(1, "noop", &[("sleep_ms", "600000")]));
        calls.on(ToWorker::CallCancelled(id(1)));
        calls.stop().into_iter().for_each(|thread| thread.join().expect("it ends"));
        assert!(messages.try_recv().is_err());
        assert_eq!(calls.on_made(id(1), Ok(b"late".to_vec())), []);
    }

    #[test]
    fn a_short_call_does_not_wait_for_a_long_one() {
        let (calls, messages) = calls();
        calls.on(call(1, "noop", &[("sleep_ms", "600000")]));
        calls.on(call(2, "factorial", &[("n", "3")]));
        assert_eq!(made(&messages), (id(2), Ok(b"6\n".to_vec())));
        calls.stop().into_iter().for_each(|thread| thread.join().expect("it ends"));
    }

    #[test]
    fn more_than_a_worker_is_to_be_given_is_refused() {
        let (calls, _messages) = calls();
        let most = u64::from(CALL_SLOT_COUNT_MAX + CALL_RUNNING_COUNT_MIN);
        let sleep = [("sleep_ms", "600000")];
        let said: Vec<ToMaster> =
            (0..=most).flat_map(|number| calls.on(call(number, "noop", &sleep))).collect();
        assert!(matches!(&said[..], [.., ToMaster::CallAnswer { answer: Err(failure), .. }]
            if failure.code == "too_many_calls"));
        // One that waits and that nobody waits for any more takes no room.
        calls.on(ToWorker::CallCancelled(id(u64::from(CALL_SLOT_COUNT_MAX) - 1)));
        assert_eq!(calls.on(call(most + 1, "noop", &sleep)), []);
        calls.stop().into_iter().for_each(|thread| thread.join().expect("it ends"));
        assert_eq!(calls.on(call(most + 2, "noop", &sleep)).len(), 1);
    }
}
