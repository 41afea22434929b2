//! What a switchboard decides upon, and what is to be done then.

use super::news::{CallNews, News, Tell, TellLookup};
use crate::inbox::Deliver;
use std::collections::{BTreeMap, VecDeque};
use windlass_core::Tick;
use windlass_core::calls::{CallEffect, CallEvent, CallerId, Calls};
use windlass_core::lookups::{LookupAnswer, LookupEffect, LookupError, LookupEvent, Lookups};
use windlass_core::scheduler::SessionId;
use windlass_core::session::ToWorker;

/// All of it is behind the switchboard's lock.
pub(super) struct State {
    pub(super) calls: Calls,
    pub(super) lookups: Lookups,
    pub(super) callers: BTreeMap<CallerId, Tell>,
    pub(super) askers: BTreeMap<CallerId, TellLookup>,
    /// To the workers that are welcome.
    pub(super) lines: BTreeMap<SessionId, Deliver>,
    /// A few for each call and look-up that somebody waits for: of a call's answer no more is on
    /// its way than its caller has said that it takes.
    pub(super) to_do: VecDeque<Deed>,
    /// Whether somebody is at what is to be done.
    pub(super) is_at_work: bool,
    /// Whether the master has ended.
    pub(super) is_over: bool,
    /// When the loop tells the time next, unless it is woken.
    pub(super) loop_looks_at: Tick,
    call_effects: Vec<CallEffect>,
    lookup_effects: Vec<LookupEffect>,
}

/// What is to be done without the lock.
pub(super) enum Deed {
    Deliver(SessionId, Deliver, ToWorker),
    Tell(CallerId, Tell, CallNews),
    Answer(TellLookup, Result<LookupAnswer, LookupError>),
    LetGo(SessionId),
    /// Of a worker that is gone.
    HangUp(Deliver),
    /// Of a caller that is gone.
    Forget(Tell),
}

impl State {
    pub(super) fn new(calls: Calls, lookups: Lookups) -> State {
        State {
            calls,
            lookups,
            callers: BTreeMap::new(),
            askers: BTreeMap::new(),
            lines: BTreeMap::new(),
            to_do: VecDeque::new(),
            is_at_work: false,
            is_over: false,
            loop_looks_at: Tick(0),
            call_effects: Vec::new(),
            lookup_effects: Vec::new(),
        }
    }

    /// When time is to be told.
    pub(super) fn next_deadline(&self) -> Option<Tick> {
        let deadlines = [self.calls.next_deadline(), self.lookups.next_deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Decides what follows.
    pub(super) fn decide(&mut self, now: Tick, news: News) {
        match news {
            News::OfCall(event) => self.on_call(now, event),
            News::OfLookup(event) => self.on_lookup(now, event),
            News::Lost(session) => {
                self.to_do.extend(self.lines.remove(&session).map(Deed::HangUp));
                self.on_call(now, CallEvent::Lost(session));
                self.on_lookup(now, LookupEvent::Lost(session));
            }
            News::Draining(session, is_draining) => {
                self.on_call(now, CallEvent::Draining(session, is_draining));
                self.on_lookup(now, LookupEvent::Draining(session, is_draining));
            }
            News::Tick => {
                self.on_call(now, CallEvent::Tick);
                self.on_lookup(now, LookupEvent::Tick);
            }
        }
    }

    fn on_call(&mut self, now: Tick, event: CallEvent) {
        if let CallEvent::Abandoned(caller) = &event {
            self.to_do.extend(self.callers.remove(caller).map(Deed::Forget));
        }
        let mut effects = std::mem::take(&mut self.call_effects);
        self.calls.on(now, event, &mut effects);
        for effect in effects.drain(..) {
            let deed = match effect {
                CallEffect::Send(session, message) => self.deliver(session, message),
                CallEffect::Close(session) => Some(Deed::LetGo(session)),
                CallEffect::Pass { caller, bytes, is_last } => {
                    self.tell(caller, CallNews::Piece { bytes, is_last })
                }
                CallEffect::Fail(caller, error) => self.tell(caller, CallNews::Failed(error)),
            };
            self.to_do.extend(deed);
        }
        self.call_effects = effects;
    }

    fn on_lookup(&mut self, now: Tick, event: LookupEvent) {
        let mut effects = std::mem::take(&mut self.lookup_effects);
        self.lookups.on(now, event, &mut effects);
        for effect in effects.drain(..) {
            let deed = match effect {
                LookupEffect::Send(session, message) => self.deliver(session, message),
                LookupEffect::Answer(caller, answer) => {
                    self.askers.remove(&caller).map(|tell| Deed::Answer(tell, answer))
                }
            };
            self.to_do.extend(deed);
        }
        self.lookup_effects = effects;
    }

    /// One that is known to be gone misses nothing.
    fn deliver(&self, session: SessionId, message: ToWorker) -> Option<Deed> {
        let line = self.lines.get(&session)?;
        Some(Deed::Deliver(session, line.clone(), message))
    }

    fn tell(&mut self, caller: CallerId, news: CallNews) -> Option<Deed> {
        let tell = match news.is_last() {
            true => self.callers.remove(&caller),
            false => self.callers.get(&caller).cloned(),
        };
        tell.map(|tell| Deed::Tell(caller, tell, news))
    }
}
