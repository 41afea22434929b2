//! The sessions in the loop: what workers say and what it means, what they are sent, how they end.

use crate::clock;
use crate::host::Loop;
use std::sync::Arc;
use windlass_core::calls::CallEvent;
use windlass_core::scheduler::{Effect, Event, SessionId};
use windlass_core::session::{ToMaster, ToWorker};

/// How an ordinary end of a connection is told.
pub(crate) const CLOSED: &str = "its connection is closed";

impl Loop {
    /// What a worker says goes to the scheduler, and to the calls what they need of it.
    pub(crate) fn on_heard(&mut self, session: SessionId, message: ToMaster) {
        let for_calls = match &message {
            ToMaster::Hello(hello) => {
                let known = self.ledger.workers.get(&hello.name);
                let is_draining = known.is_some_and(|known| known.draining);
                self.guests.on_hello(session, hello, is_draining);
                self.enquiries.on_hello(session, hello, is_draining);
                None
            }
            ToMaster::Progress { running, .. } => {
                let count = u32::try_from(running.len()).unwrap_or(u32::MAX);
                Some(CallEvent::Busy(session, count))
            }
            ToMaster::Goodbye => {
                if let Some(guest) = self.guests.forget(session).filter(|it| !it.is_welcome) {
                    self.observer.on_newcomer_gone(&guest, "it says goodbye");
                }
                Some(CallEvent::Lost(session))
            }
            _ => None,
        };
        let worker = self.scheduler.name_of(session);
        self.observer.on_heard(&self.ledger, worker, &message);
        self.tell_scheduler(Event::Heard(session, message));
        if let Some(event) = for_calls {
            self.switchboard.on(event);
        }
    }

    /// Says something to a worker; `false`: its connection is gone, or does not keep up. One that
    /// is known to be gone misses nothing.
    pub(crate) fn deliver(&self, session: SessionId, message: ToWorker) -> bool {
        let deliver = self.sessions.get(&session);
        deliver.is_none_or(|deliver| deliver(message).is_ok())
    }

    /// A worker's connection is over.
    pub(crate) fn close(&mut self, session: SessionId) {
        if self.sessions.remove(&session).is_some() {
            self.tell_scheduler(Event::Closed(session));
            self.on_lost(session, CLOSED);
        }
    }

    fn on_lost(&mut self, session: SessionId, why: &str) {
        self.places.remove(&session);
        match self.guests.forget(session) {
            Some(guest) if !guest.is_welcome => self.observer.on_newcomer_gone(&guest, why),
            Some(guest) => self.observer.on_lost(&guest, why),
            None => {}
        }
        self.switchboard.on(CallEvent::Lost(session));
        self.on_member_lost(session);
    }

    pub(crate) fn tell_scheduler(&mut self, event: Event<'_>) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut gone = Vec::new();
        let mut welcomed = Vec::new();
        let mut closed = Vec::new();
        self.scheduler.on(clock::tick(), &self.ledger, event, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(session, message) => {
                    match &message {
                        ToWorker::Welcome { .. } => welcomed.push(session),
                        ToWorker::Refused(why) => {
                            if let Some(guest) = self.guests.forget(session) {
                                self.observer.on_refused(&guest, why);
                            }
                        }
                        _ => {}
                    }
                    // A peer that does not keep up is dropped, never waited for.
                    let deliver = self.sessions.get(&session);
                    if deliver.is_some_and(|deliver| deliver(message).is_err()) {
                        self.sessions.remove(&session);
                        gone.push(session);
                    }
                }
                Effect::Close(session) => {
                    self.sessions.remove(&session);
                    closed.push(session);
                }
                Effect::Propose(entry) => self.writer.propose(entry, None),
            }
        }
        self.effects = effects;
        for session in closed {
            self.on_lost(session, "it gave no sign of life, or another start of it came");
        }
        for session in welcomed {
            if let Some(instance) = self.guests.welcomed(session) {
                self.observer.on_welcome(&instance.name);
                // One that is gone already is lost below.
                if let Some(line) = self.sessions.get(&session) {
                    self.switchboard.join(session, instance, Arc::clone(line));
                }
            }
            self.on_member(session);
        }
        for session in gone {
            self.tell_scheduler(Event::Closed(session));
            self.on_lost(session, "it does not take what it is sent");
        }
    }
}
