//! What the threads that answer calls share with whoever brings them.

use super::make::make;
use crate::host::{Inbox, Send};
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use windlass_core::Failure;
use windlass_core::calls::Answering;
use windlass_core::ids::CallId;
use windlass_core::limits::CALL_SLOT_COUNT_MAX;
use windlass_core::params::Params;
use windlass_core::session::{AnswerPiece, ToMaster};
use windlass_sandbox::Cancel;

/// An answer, or why there is none.
pub(crate) type Made = Result<Vec<u8>, Failure>;

/// What the threads share with whoever brings calls. Nothing is said under its lock: a master in
/// this process may wait for that.
pub(super) struct Hands {
    waiting_count_max: usize,
    state: Mutex<State>,
    /// There is something to do, or nothing any more.
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    /// Where the answers go, while the worker is welcome there.
    pub(super) line: Option<Send>,
    pub(super) open: BTreeMap<CallId, Open>,
    to_do: VecDeque<Job>,
    /// The threads are there.
    pub(super) is_started: bool,
    is_over: bool,
}

pub(super) struct Open {
    pub(super) cancel: Cancel,
    pub(super) answering: Answering,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct Job {
    pub(super) call: CallId,
    pub(super) operation: String,
    pub(super) params: Params,
    pub(super) cancel: Cancel,
}

impl Job {
    pub(super) fn new(call: CallId, operation: String, params: Params) -> Job {
        Job { call, operation, params, cancel: Cancel::new() }
    }
}

impl Hands {
    /// For a worker of so many slots.
    pub(super) fn new(slots: u32) -> Hands {
        let waiting_count_max = slots.max(1).saturating_mul(CALL_SLOT_COUNT_MAX) as usize;
        Hands { waiting_count_max, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Has a call made; gives it back where it may not be, or where there are more than this worker
    /// was to be given.
    pub(super) fn begin(&self, job: Job, may: impl Fn(&State) -> bool) -> Option<Job> {
        let mut state = self.lock();
        if state.is_over || state.to_do.len() >= self.waiting_count_max || !may(&state) {
            return Some(job);
        }
        let (cancel, answering) = (job.cancel.clone(), Answering::new());
        state.open.insert(job.call, Open { cancel, answering, bytes: Vec::new() });
        state.to_do.push_back(job);
        drop(state);
        self.changed.notify_one();
        None
    }

    /// Nobody waits for this call any more.
    pub(super) fn cancel(&self, call: CallId) {
        let mut state = self.lock();
        state.to_do.retain(|job| job.call != call);
        let open = state.open.remove(&call);
        drop(state);
        open.iter().for_each(|open| open.cancel.cancel());
    }

    /// Nobody waits for any, and none comes any more where it is over.
    pub(super) fn end_all(&self, is_over: bool) {
        let mut state = self.lock();
        let (line, open) = (state.line.take(), std::mem::take(&mut state.open));
        state.to_do.clear();
        state.is_over |= is_over;
        drop(state);
        self.changed.notify_all();
        open.values().for_each(|open| open.cancel.cancel());
        drop(line);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers on this thread; `false`: the worker is welcome nowhere, or nobody hears it.
    pub(super) fn answer_here(&self, job: &Job) -> bool {
        let Some(line) = self.lock().line.clone() else { return false };
        line(whole(job.call, make(job))).is_ok()
    }

    /// One thread's life: call after call.
    pub(super) fn work_off(&self, inbox: &SyncSender<Inbox>) {
        while let Some(job) = self.next() {
            if let Some(news) = self.answer(&job, make(&job))
                && inbox.send(news).is_err()
            {
                return;
            }
        }
    }

    /// Waits for the next call; `None`: none comes any more.
    fn next(&self) -> Option<Job> {
        let is_idle = |state: &mut State| state.to_do.is_empty() && !state.is_over;
        let waited = self.changed.wait_while(self.lock(), is_idle);
        waited.unwrap_or_else(PoisonError::into_inner).to_do.pop_front()
    }

    /// Says an answer of one piece at once; returns what the seat's thread has to do.
    fn answer(&self, job: &Job, made: Made) -> Option<Inbox> {
        let (call, mut state) = (job.call, self.lock());
        // Nobody waits for one that was cancelled; another master may have one of the same number.
        let open = state.open.get(&call).filter(|_| !job.cancel.is_cancelled())?;
        let is_short = made.as_ref().map_or(true, |bytes| open.is_answered_by(bytes));
        let Some(line) = state.line.clone().filter(|_| is_short) else {
            return Some(Inbox::Call(call, made));
        };
        state.open.remove(&call);
        drop(state);
        let said = line(whole(call, made));
        said.is_err().then_some(Inbox::Unheard(line))
    }
}

/// An answer of one piece.
fn whole(call: CallId, made: Made) -> ToMaster {
    let piece = |bytes| AnswerPiece { offset: 0, bytes, is_last: true };
    ToMaster::CallAnswer { call, answer: made.map(piece) }
}

impl State {
    pub(super) fn pieces(&mut self, call: CallId) -> Vec<ToMaster> {
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

impl Open {
    /// Whether one piece is the whole answer.
    fn is_answered_by(&self, bytes: &[u8]) -> bool {
        let mut answering = self.answering;
        answering.on_made(bytes.len() as u64);
        answering.next_piece().is_some_and(|(_, is_last)| is_last)
    }
}
