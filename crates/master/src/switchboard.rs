//! Direct calls and look-ups: who waits for an answer, and who gives it.
//!
//! News of these are taken in where they arrive, on the thread of a connection: waking the loop for
//! each was a large part of what a short one cost. The loop says who is welcome, lost, drained or
//! busy, which record sets there are, and how late it is.

mod news;
mod state;

pub use news::{CallNews, TellLookup};

pub(crate) use news::Tell;

use crate::clock;
use crate::guests::Guest;
use crate::host::TURN_MAX;
use crate::inbox::{Deliver, Gone, Inbox};
use news::News;
use state::{Deed, State};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use windlass_core::Tick;
use windlass_core::balance::Strategy;
use windlass_core::calls::{CallEvent, CallRequest, CallerId, Calls, TooManyStrategies};
use windlass_core::ledger::Ledger;
use windlass_core::lookups::{
    LookupError, LookupEvent, LookupRequest, Lookups, RecordSets, RecordsView,
};
use windlass_core::records::{LoadedSet, SetName};
use windlass_core::scheduler::SessionId;
use windlass_core::session::ToMaster;
use windlass_core::view::{CallsView, Stall};

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

impl Switchboard {
    /// For the reign of this ledger, which begins now; the loop is told through its inbox what is
    /// for it to see.
    pub(crate) fn new(ledger: &Ledger, seed: u64, inbox: SyncSender<Inbox>) -> Switchboard {
        let calls = Calls::new(ledger.epoch, seed);
        let lookups = Lookups::new(clock::tick(), ledger.epoch, ledger.records.clone());
        let (state, changed) = (Mutex::new(State::new(calls, lookups)), Condvar::new());
        Switchboard { state, changed, lost: Mutex::default(), inbox }
    }

    /// Somebody calls; `false`: the master has ended.
    pub(crate) fn ask(&self, caller: CallerId, request: CallRequest, tell: Tell) -> bool {
        let asked = News::OfCall(CallEvent::Asked(caller, request));
        self.open(asked, |state| drop(state.callers.insert(caller, tell)))
    }

    /// Takes in what a caller says.
    pub(crate) fn hear(&self, event: CallEvent) {
        self.take(self.lock(), News::OfCall(event));
    }

    /// Somebody looks rows up; `false`: the master has ended.
    pub(crate) fn look_up(
        &self,
        asker: CallerId,
        request: LookupRequest,
        tell: TellLookup,
    ) -> bool {
        let asked = News::OfLookup(LookupEvent::Asked(asker, request));
        self.open(asked, |state| drop(state.askers.insert(asker, tell)))
    }

    /// Takes what a worker answers, and which shards it has; gives back what is for the loop to
    /// see. The answer of a worker that is not welcome, or no more, is nothing.
    pub(crate) fn answer(&self, session: SessionId, message: ToMaster) -> Option<ToMaster> {
        let news = match message {
            ToMaster::CallAnswer { call, answer } => {
                News::OfCall(CallEvent::Answered(session, call, answer))
            }
            ToMaster::Found { ticket, answer } => {
                News::OfLookup(LookupEvent::Found(session, ticket, answer))
            }
            ToMaster::Shelved { load, shard, ready } => {
                News::OfLookup(LookupEvent::Shelved(session, load, shard, ready))
            }
            other => return Some(other),
        };
        let state = self.lock();
        if state.lines.contains_key(&session) {
            self.take(state, news);
        }
        None
    }

    /// The loop has a worker that may be called and asked.
    pub(crate) fn join(&self, session: SessionId, guest: &Guest, line: Deliver) {
        let mut state = self.lock();
        state.lines.insert(session, line);
        let joined = News::OfCall(CallEvent::Joined(session, guest.instance.clone()));
        state = self.decide(state, joined);
        if let Some(member) = guest.member() {
            state = self.decide(state, News::OfLookup(LookupEvent::Joined(session, member)));
        }
        self.leave(state);
    }

    /// The loop has lost a worker.
    pub(crate) fn lose(&self, session: SessionId) {
        self.leave(self.decide(self.lock(), News::Lost(session)));
    }

    /// A worker is to take nothing new, or takes it again.
    pub(crate) fn drain(&self, session: SessionId, on: bool) {
        self.leave(self.decide(self.lock(), News::Draining(session, on)));
    }

    /// So many tasks a worker has at work.
    pub(crate) fn busy(&self, session: SessionId, task_count: u32) {
        let busy = News::OfCall(CallEvent::Busy(session, task_count));
        self.leave(self.decide(self.lock(), busy));
    }

    /// These record sets there are now.
    pub(crate) fn change_sets(&self, sets: RecordSets) {
        let changed = News::OfLookup(LookupEvent::SetsChanged(sets));
        self.leave(self.decide(self.lock(), changed));
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

    /// The loop tells the time, and is told when it is to do so again.
    ///
    /// # Panics
    /// A machine has panicked: the master cannot go on.
    pub(crate) fn keep_time(&self) -> Tick {
        let mut state = self.state.lock().expect("a machine of calls or look-ups has panicked");
        let now = clock::tick();
        if state.next_deadline().is_some_and(|at| at <= now) {
            state.decide(now, News::Tick);
        }
        let turn_end = Tick(now.0 + TURN_MAX.as_micros() as u64);
        let mut looks_at = state.next_deadline().map_or(turn_end, |at| at.min(turn_end));
        // What it was woken for may be done: the next one that is due soon need not wake it again.
        if state.loop_looks_at > now {
            looks_at = looks_at.min(state.loop_looks_at);
        }
        state.loop_looks_at = looks_at;
        self.leave(state);
        looks_at
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

    pub(crate) fn calls(&self) -> CallsView {
        CallsView::of(&self.lock().calls)
    }

    /// A record set as the look-ups know it.
    pub(crate) fn record_set(&self, name: &SetName) -> Option<Arc<LoadedSet>> {
        self.lock().lookups.set(name).cloned()
    }

    /// The record sets and who serves them; `None`: the master has ended.
    pub(crate) fn records(&self) -> Option<Vec<RecordsView>> {
        let state = self.lock();
        (!state.is_over).then(|| state.lookups.view())
    }

    /// What look-ups wait for.
    pub(crate) fn stalls(&self, now: Tick) -> Vec<Stall> {
        self.lock().lookups.stalls(now)
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
        let askers = std::mem::take(&mut state.askers);
        let lines = std::mem::take(&mut state.lines);
        let to_do = std::mem::take(&mut state.to_do);
        drop(state);
        self.changed.notify_all();
        for deed in to_do {
            match deed {
                Deed::Tell(_, tell, news) => done(|| tell(news)),
                Deed::Answer(tell, answer) => done(|| tell(answer)),
                _ => {}
            }
        }
        for tell in callers.into_values() {
            done(|| tell(CallNews::Ended));
        }
        for tell in askers.into_values() {
            done(|| tell(Err(LookupError::Ended)));
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

    /// Takes in what somebody asks, who waits from now on; `false`: the master has ended.
    fn open(&self, asked: News, wait: impl FnOnce(&mut State)) -> bool {
        let mut state = self.lock();
        if state.is_over {
            return false;
        }
        wait(&mut state);
        self.take(state, asked);
        true
    }

    /// Takes in what somebody brings, who does a little of what follows.
    fn take(&self, state: MutexGuard<'_, State>, news: News) {
        self.work_off(self.decide(state, news), DEED_COUNT_MAX);
    }

    /// Decides what follows, and wakes the loop where it would look too late.
    fn decide<'a>(&'a self, mut state: MutexGuard<'a, State>, news: News) -> MutexGuard<'a, State> {
        if state.is_over {
            return state;
        }
        state.decide(clock::tick(), news);
        if let Some(at) = state.next_deadline().filter(|at| *at < state.loop_looks_at) {
            state.loop_looks_at = at;
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
            if matches!(&deed, Deed::Deliver(session, ..) if !state.lines.contains_key(session)) {
                continue;
            }
            state.is_at_work = true;
            drop(state);
            let news = self.act(deed);
            state = self.lock();
            state.is_at_work = false;
            if let Some(news) = news {
                state = self.decide(state, news);
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
    fn act(&self, deed: Deed) -> Option<News> {
        match deed {
            // A peer that does not keep up is dropped, never waited for.
            Deed::Deliver(session, line, message) => told(|| line(message)).is_err().then(|| {
                self.let_go(session);
                News::Lost(session)
            }),
            Deed::Tell(caller, tell, news) => {
                let is_last = news.is_last();
                let is_gone = told(|| tell(news)).is_err() && !is_last;
                is_gone.then_some(News::OfCall(CallEvent::Abandoned(caller)))
            }
            Deed::Answer(tell, answer) => {
                done(|| tell(answer));
                None
            }
            Deed::LetGo(session) => {
                self.let_go(session);
                None
            }
            Deed::HangUp(line) => {
                done(|| drop(line));
                None
            }
            Deed::Forget(tell) => {
                done(|| drop(tell));
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

/// Ends the calls and look-ups of a master whose loop ends in whatever way.
pub(crate) struct Ends(pub(crate) Arc<Switchboard>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Whoever panics at what it is told is gone.
fn told(tell: impl FnOnce() -> Result<(), Gone>) -> Result<(), Gone> {
    catch_unwind(AssertUnwindSafe(tell)).unwrap_or(Err(Gone))
}

/// Of whoever panics at this nothing more is expected.
fn done<T>(act: impl FnOnce() -> T) {
    let _ = catch_unwind(AssertUnwindSafe(act));
}

#[cfg(test)]
#[path = "switchboard_tests.rs"]
mod tests;
