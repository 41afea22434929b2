//! Direct calls: who waits for an answer, and who gives it.
//!
//! News of calls are taken in where they arrive, on the thread of a caller's or a worker's
//! connection: waking the loop for each and being woken by it was a large part of what a short call
//! cost. The loop says who is welcome, lost, drained or busy, and how late it is.

use crate::clock;
use crate::host::TURN_MAX;
use crate::inbox::{Deliver, Gone, Inbox};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use windlass_core::balance::Strategy;
use windlass_core::calls::{
    CallEffect, CallError, CallEvent, CallRequest, CallerId, Calls, Instance, TooManyStrategies,
};
use windlass_core::scheduler::SessionId;
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::view::CallsView;
use windlass_core::{Epoch, Tick};

/// What a caller is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallNews {
    /// The next bytes of the answer.
    Piece {
        /// They follow those told before.
        bytes: Vec<u8>,
        /// Whether the answer ends with them.
        is_last: bool,
    },
    /// There is no answer, or no more of it.
    Failed(CallError),
    /// The master has ended, and the call with it.
    Ended,
}

impl CallNews {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        !matches!(self, CallNews::Piece { is_last: false, .. })
    }
}

/// Hands news to a caller; must not block. No more than
/// [`windlass_core::limits::CALL_WINDOW_BYTES`] come before the caller has said that it took some.
pub(crate) type Tell = Arc<dyn Fn(CallNews) -> Result<(), Gone> + Send + Sync>;

/// Deeds that one who brings news works off before it goes its way.
const DEED_COUNT_MAX: usize = 64;

/// Whoever brings news decides what follows under a lock, and then, without it, does what is to be
/// done by anybody: things are done in the order in which they were decided, by one thread at a
/// time, and what they do may bring news again. Where there is more than a little to do, and where
/// the loop brings the news, the [operator](Switchboard::operate) does it.
pub(crate) struct Switchboard {
    state: Mutex<State>,
    /// There is something for the operator to do, or nothing any more.
    changed: Condvar,
    /// Workers that the loop is to let go: they do not keep up, or say what makes no sense.
    lost: Mutex<Vec<SessionId>>,
    inbox: SyncSender<Inbox>,
}

struct State {
    calls: Calls,
    callers: BTreeMap<CallerId, Tell>,
    /// To the workers that are welcome.
    lines: BTreeMap<SessionId, Deliver>,
    effects: Vec<CallEffect>,
    /// A few for each open call at most: of answers no more is on its way than callers have said
    /// that they take.
    to_do: VecDeque<Deed>,
    /// Whether somebody is at what is to be done.
    is_at_work: bool,
    /// Whether the master has ended.
    is_over: bool,
}

/// What is to be done without the lock.
enum Deed {
    Deliver(SessionId, Deliver, ToWorker),
    Tell(CallerId, Tell, CallNews),
    LetGo(SessionId),
    /// Of a worker that is gone.
    HangUp(Deliver),
    /// Of a caller that is gone.
    Forget(Tell),
}

impl Switchboard {
    /// For a reign; the loop is told through its inbox what is for it to see.
    pub(crate) fn new(epoch: Epoch, seed: u64, inbox: SyncSender<Inbox>) -> Switchboard {
        let state = State {
            calls: Calls::new(epoch, seed),
            callers: BTreeMap::new(),
            lines: BTreeMap::new(),
            effects: Vec::new(),
            to_do: VecDeque::new(),
            is_at_work: false,
            is_over: false,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Switchboard { state, changed, lost: Mutex::default(), inbox }
    }

    /// Somebody calls; `false`: the master has ended.
    pub(crate) fn ask(&self, caller: CallerId, request: CallRequest, tell: Tell) -> bool {
        let mut state = self.lock();
        if state.is_over {
            return false;
        }
        state.callers.insert(caller, tell);
        self.work_off(self.decide(state, CallEvent::Asked(caller, request)), DEED_COUNT_MAX);
        true
    }

    /// Takes in what a caller says.
    pub(crate) fn hear(&self, event: CallEvent) {
        self.work_off(self.decide(self.lock(), event), DEED_COUNT_MAX);
    }

    /// Takes a worker's answer; gives back what is for the loop to see, as is all that a worker
    /// says that is not welcome.
    pub(crate) fn answer(&self, session: SessionId, message: ToMaster) -> Option<ToMaster> {
        let ToMaster::CallAnswer { call, answer } = message else { return Some(message) };
        let state = self.lock();
        if !state.lines.contains_key(&session) {
            return Some(ToMaster::CallAnswer { call, answer });
        }
        let event = CallEvent::Answered(session, call, answer);
        self.work_off(self.decide(state, event), DEED_COUNT_MAX);
        None
    }

    /// The loop has a worker that may be called.
    pub(crate) fn join(&self, session: SessionId, instance: Instance, line: Deliver) {
        let mut state = self.lock();
        state.lines.insert(session, line);
        self.leave(self.decide(state, CallEvent::Joined(session, instance)));
    }

    /// Takes in what the loop says.
    pub(crate) fn on(&self, event: CallEvent) {
        self.leave(self.decide(self.lock(), event));
    }

    /// The operator's life, which ends with the master.
    pub(crate) fn operate(&self) {
        let is_idle =
            |state: &mut State| !state.is_over && (state.is_at_work || state.to_do.is_empty());
        loop {
            let state = self.changed.wait_while(self.lock(), is_idle);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            if state.is_over {
                return;
            }
            self.work_off(state, usize::MAX);
        }
    }

    /// Workers that the loop is to let go.
    pub(crate) fn take_lost(&self) -> Vec<SessionId> {
        std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the loop is to tell the time.
    ///
    /// # Panics
    /// The machine has panicked: the master cannot go on.
    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        self.state.lock().expect("the machine of calls has panicked").calls.next_deadline()
    }

    /// How workers are chosen; `None`: the master has ended.
    pub(crate) fn set_strategy(
        &self,
        operation: &str,
        strategy: Strategy,
    ) -> Option<Result<(), TooManyStrategies>> {
        let mut state = self.lock();
        (!state.is_over).then(|| state.calls.set_strategy(operation, strategy))
    }

    pub(crate) fn view(&self) -> CallsView {
        CallsView::of(&self.lock().calls)
    }

    /// Calls in a worker's hands.
    pub(crate) fn held_count(&self, session: SessionId) -> usize {
        self.lock().calls.held_count(session)
    }

    /// The master has ended: whoever waits is told so, and nobody anything any more.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        let callers = std::mem::take(&mut state.callers);
        let lines = std::mem::take(&mut state.lines);
        let to_do = std::mem::take(&mut state.to_do);
        drop(state);
        self.changed.notify_all();
        for deed in to_do {
            if let Deed::Tell(_, tell, news) = deed {
                let _ = told(|| tell(news));
            }
        }
        for tell in callers.into_values() {
            let _ = told(|| tell(CallNews::Ended));
        }
        drop(lines);
    }

    /// After a panic of the machine nothing more is decided; the loop ends when it looks.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = poisoned.into_inner();
            state.is_over = true;
            state
        })
    }

    /// Decides what follows, and wakes the loop where it would look too late.
    fn decide<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        event: CallEvent,
    ) -> MutexGuard<'a, State> {
        if state.is_over {
            return state;
        }
        let before = state.calls.next_deadline();
        state.decide(event);
        let deadline = state.calls.next_deadline();
        let is_sooner = deadline.is_some_and(|at| before.is_none_or(|before| at < before));
        // The loop looks that often anyway.
        let turn_end = Tick(clock::tick().0 + TURN_MAX.as_micros() as u64);
        if is_sooner && deadline.is_some_and(|at| at < turn_end) {
            self.wake_loop();
        }
        state
    }

    /// Does what is to be done, this much of it at most, unless somebody is at it.
    fn work_off<'a>(&'a self, mut state: MutexGuard<'a, State>, deed_count_max: usize) {
        if state.is_at_work {
            return;
        }
        for _ in 0..deed_count_max {
            let Some(deed) = state.to_do.pop_front() else { return };
            state.is_at_work = true;
            drop(state);
            let news = self.act(deed);
            state = self.lock();
            state.is_at_work = false;
            if let Some(event) = news {
                state = self.decide(state, event);
            }
        }
        self.leave(state);
    }

    /// Leaves what is to be done to the operator.
    fn leave(&self, state: MutexGuard<'_, State>) {
        let is_left = !state.is_at_work && !state.to_do.is_empty();
        drop(state);
        if is_left {
            self.changed.notify_one();
        }
    }

    /// Does something; what comes of it is news again.
    fn act(&self, deed: Deed) -> Option<CallEvent> {
        match deed {
            // A peer that does not keep up is dropped, never waited for.
            Deed::Deliver(session, line, message) => told(|| line(message)).is_err().then(|| {
                self.let_go(session);
                CallEvent::Lost(session)
            }),
            Deed::Tell(caller, tell, news) => {
                let is_last = news.is_last();
                let is_gone = told(|| tell(news)).is_err() && !is_last;
                is_gone.then_some(CallEvent::Abandoned(caller))
            }
            Deed::LetGo(session) => {
                self.let_go(session);
                None
            }
            Deed::HangUp(line) => {
                let _ = told(move || {
                    drop(line);
                    Ok(())
                });
                None
            }
            Deed::Forget(tell) => {
                let _ = told(move || {
                    drop(tell);
                    Ok(())
                });
                None
            }
        }
    }

    fn let_go(&self, session: SessionId) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        self.wake_loop();
    }

    /// The loop looks at what has changed here before it sleeps again. Where its inbox is full it
    /// is awake.
    fn wake_loop(&self) {
        let _ = self.inbox.try_send(Inbox::Wake);
    }
}

/// Ends the calls of a master whose loop ends in whatever way.
pub(crate) struct EndsCalls(pub(crate) Arc<Switchboard>);

impl Drop for EndsCalls {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Whoever panics at what it is told is gone.
fn told(tell: impl FnOnce() -> Result<(), Gone>) -> Result<(), Gone> {
    catch_unwind(AssertUnwindSafe(tell)).unwrap_or(Err(Gone))
}

impl State {
    fn decide(&mut self, event: CallEvent) {
        let gone = match &event {
            CallEvent::Lost(session) => self.lines.remove(session).map(Deed::HangUp),
            CallEvent::Abandoned(caller) => self.callers.remove(caller).map(Deed::Forget),
            _ => None,
        };
        self.to_do.extend(gone);
        let mut effects = std::mem::take(&mut self.effects);
        self.calls.on(clock::tick(), event, &mut effects);
        for effect in effects.drain(..) {
            let deed = match effect {
                CallEffect::Send(session, message) => {
                    // One that is known to be gone misses nothing.
                    let line = self.lines.get(&session);
                    line.map(|line| Deed::Deliver(session, Arc::clone(line), message))
                }
                CallEffect::Close(session) => Some(Deed::LetGo(session)),
                CallEffect::Pass { caller, bytes, is_last } => {
                    self.deed_for(caller, CallNews::Piece { bytes, is_last })
                }
                CallEffect::Fail(caller, error) => self.deed_for(caller, CallNews::Failed(error)),
            };
            self.to_do.extend(deed);
        }
        self.effects = effects;
    }

    fn deed_for(&mut self, caller: CallerId, news: CallNews) -> Option<Deed> {
        let tell = match news.is_last() {
            true => self.callers.remove(&caller),
            false => self.callers.get(&caller).cloned(),
        };
        tell.map(|tell| Deed::Tell(caller, tell, news))
    }
}

#[cfg(test)]
#[path = "switchboard_tests.rs"]
mod tests;
