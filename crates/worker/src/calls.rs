//! Calls: operations that need no file, answered by threads of their own, beside the tasks.
//!
//! Nothing is stored. A call's answer is the operation's main artifact, sent in pieces.

use crate::host::Inbox;
use crate::usage::Threads;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use windlass_core::calls::Answering;
use windlass_core::catalogue::{Home, OperationSpec};
use windlass_core::ids::CallId;
use windlass_core::limits::{CALL_RUNNING_COUNT_MIN, CALL_SLOT_COUNT_MAX};
use windlass_core::params::Params;
use windlass_core::session::{AnswerPiece, ToMaster, ToWorker};
use windlass_core::{Failure, FailureKind};
use windlass_ops::{Operation, Output, Work};
use windlass_sandbox::Cancel;

/// An answer, or why there is none.
pub(crate) type Made = Result<Vec<u8>, Failure>;

/// The calls in this worker's hands.
pub(crate) struct Calls {
    slots: u32,
    inbox: SyncSender<Inbox>,
    /// Started with the first call: most workers never get one.
    pool: Option<Pool>,
    open: BTreeMap<CallId, Open>,
    /// Where its threads enter.
    threads: Threads,
}

struct Open {
    cancel: Cancel,
    answering: Answering,
    bytes: Vec<u8>,
}

struct Pool {
    jobs: SyncSender<Job>,
    threads: Vec<JoinHandle<()>>,
}

struct Job {
    call: CallId,
    operation: String,
    params: Params,
    cancel: Cancel,
}

impl Calls {
    pub(crate) fn new(slots: u32, inbox: SyncSender<Inbox>, threads: Threads) -> Calls {
        Calls { slots, inbox, pool: None, open: BTreeMap::new(), threads }
    }

    /// Takes what the master says of calls; returns what is to be said to it.
    pub(crate) fn on(&mut self, message: ToWorker) -> Vec<ToMaster> {
        match message {
            ToWorker::Call { call, operation, params } => self.begin(call, operation, params),
            ToWorker::CallMore { call, taken_bytes } => {
                let Some(open) = self.open.get_mut(&call) else { return Vec::new() };
                open.answering.on_taken(taken_bytes);
                self.pieces(call)
            }
            ToWorker::CallCancelled(call) => {
                if let Some(open) = self.open.remove(&call) {
                    open.cancel.cancel();
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A thread has an answer; returns what is to be said of it.
    pub(crate) fn on_made(&mut self, call: CallId, made: Made) -> Vec<ToMaster> {
        let Some(open) = self.open.get_mut(&call) else { return Vec::new() };
        match made {
            Ok(bytes) => {
                open.answering.on_made(bytes.len() as u64);
                open.bytes = bytes;
                self.pieces(call)
            }
            Err(failure) => {
                self.open.remove(&call);
                vec![ToMaster::CallAnswer { call, answer: Err(failure) }]
            }
        }
    }

    /// Nobody waits for any answer any more.
    pub(crate) fn end_all(&mut self) {
        std::mem::take(&mut self.open).values().for_each(|open| open.cancel.cancel());
    }

    /// Ends all, and gives back the threads to be waited for.
    pub(crate) fn stop(&mut self) -> Vec<JoinHandle<()>> {
        self.end_all();
        // Without the channel's other end, the threads end after what they are at.
        self.pool.take().map(|pool| pool.threads).unwrap_or_default()
    }

    fn begin(&mut self, call: CallId, operation: String, params: Params) -> Vec<ToMaster> {
        let cancel = Cancel::new();
        let job = Job { call, operation, params, cancel: cancel.clone() };
        let pool =
            self.pool.get_or_insert_with(|| Pool::start(self.slots, &self.inbox, &self.threads));
        match pool.jobs.try_send(job) {
            Ok(()) => {
                let (answering, bytes) = (Answering::new(), Vec::new());
                self.open.insert(call, Open { cancel, answering, bytes });
                Vec::new()
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                let failure = Failure::unavailable(
                    "too_many_calls",
                    "the worker has more calls than it was to be given",
                    "",
                );
                vec![ToMaster::CallAnswer { call, answer: Err(failure) }]
            }
        }
    }

    fn pieces(&mut self, call: CallId) -> Vec<ToMaster> {
        let Some(open) = self.open.get_mut(&call) else { return Vec::new() };
        let mut said = Vec::new();
        while let Some((range, is_last)) = open.answering.next_piece() {
            let part = |at: u64| usize::try_from(at).expect("within an answer in memory");
            let bytes = open.bytes[part(range.start)..part(range.end)].to_vec();
            let piece = AnswerPiece { offset: range.start, bytes, is_last };
            said.push(ToMaster::CallAnswer { call, answer: Ok(piece) });
        }
        if open.answering.is_ended() {
            self.open.remove(&call);
        }
        said
    }
}

impl Pool {
    fn start(slots: u32, inbox: &SyncSender<Inbox>, threads: &Threads) -> Pool {
        let slots = slots.max(1);
        let (jobs, to_do) = sync_channel(slots.saturating_mul(CALL_SLOT_COUNT_MAX) as usize);
        let to_do = Arc::new(Mutex::new(to_do));
        let threads = (0..slots.max(CALL_RUNNING_COUNT_MIN))
            .map(|_| {
                let (to_do, inbox) = (Arc::clone(&to_do), inbox.clone());
                let threads = threads.clone();
                thread::spawn(move || {
                    threads.enter();
                    work_off(&to_do, &inbox);
                })
            })
            .collect();
        Pool { jobs, threads }
    }
}

/// One thread's life: call after call.
fn work_off(to_do: &Mutex<Receiver<Job>>, inbox: &SyncSender<Inbox>) {
    loop {
        // One thread waits for the next call, the others for their turn to wait.
        let next = to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let made = make(&job);
        if inbox.send(Inbox::Call(job.call, made)).is_err() {
            return;
        }
    }
}

fn make(job: &Job) -> Made {
    if job.cancel.is_cancelled() {
        return Err(crate::attempt::cancelled());
    }
    let operation = windlass_ops::find(&job.operation).ok_or_else(|| {
        Failure::unavailable(
            "operation_unknown",
            format!("this worker does not know the operation {}", job.operation),
            "Run the same version of windlass everywhere.",
        )
    })?;
    let function = operation.run.filter(|_| is_callable(operation.spec));
    let function = function.ok_or_else(|| not_callable(operation))?;
    // What a caller says has been checked by nobody before.
    let params = Params::normalise(operation.spec.name, operation.spec.params, &job.params.0)
        .map_err(|error| Failure::rejected("bad_parameter", error.to_string(), ""))?;
    let mut output = MainArtifact { cancel: &job.cancel, bytes: None };
    let mut work = Work::new(None, &params, &mut output);
    catch_unwind(AssertUnwindSafe(|| function(&mut work))).unwrap_or_else(|_| {
        let cause = format!("the {} operation panicked", job.operation);
        Err(Failure::new(FailureKind::Crashed, "operation_crashed", cause, "Report it."))
    })?;
    Ok(output.bytes.unwrap_or_default())
}

/// Whether an operation runs in the worker itself and without a file.
fn is_callable(spec: &OperationSpec) -> bool {
    spec.home == Home::Worker && spec.runs_without_files()
}

fn not_callable(operation: &Operation) -> Failure {
    let name = operation.spec.name;
    Failure::rejected(
        "not_callable",
        format!("{name} works on files and cannot be called"),
        format!("Run it over files: `windlass run FILES --op {name}`."),
    )
}

/// Keeps an operation's first artifact, in memory.
struct MainArtifact<'a> {
    cancel: &'a Cancel,
    bytes: Option<Vec<u8>>,
}

impl Output for MainArtifact<'_> {
    fn artifact(&mut self, _name: &str, _media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        if self.bytes.is_none() {
            self.bytes = Some(bytes.to_vec());
        }
        Ok(())
    }

    fn note(&mut self, _note: String) {}

    fn progress(&mut self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::Epoch;

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
        let (mut calls, messages) = calls();
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
        let (mut calls, messages) = calls();
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
        assert!(calls.open.is_empty());
    }

    #[test]
    fn a_cancelled_call_ends_and_says_nothing() {
        let (mut calls, messages) = calls();
        calls.on(call(1, "noop", &[("sleep_ms", "600000")]));
        calls.on(ToWorker::CallCancelled(id(1)));
        let (call, made) = made(&messages);
        assert_eq!(calls.on_made(call, made), []);
    }

    #[test]
    fn a_short_call_does_not_wait_for_a_long_one() {
        let (mut calls, messages) = calls();
        calls.on(call(1, "noop", &[("sleep_ms", "600000")]));
        calls.on(call(2, "factorial", &[("n", "3")]));
        assert_eq!(made(&messages), (id(2), Ok(b"6\n".to_vec())));
        let threads = calls.stop();
        assert_eq!(made(&messages).0, id(1));
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    }

    #[test]
    fn more_than_a_worker_is_to_be_given_is_refused() {
        let (mut calls, _messages) = calls();
        let most = u64::from(CALL_SLOT_COUNT_MAX + CALL_RUNNING_COUNT_MIN);
        let sleep = [("sleep_ms", "600000")];
        let said: Vec<ToMaster> =
            (0..=most).flat_map(|number| calls.on(call(number, "noop", &sleep))).collect();
        assert!(matches!(&said[..], [.., ToMaster::CallAnswer { answer: Err(failure), .. }]
            if failure.code == "too_many_calls"));
        calls.end_all();
    }
}
