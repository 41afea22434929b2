//! The sessions in the loop: what workers say and what it means, what they are sent, how they end.

use crate::clock;
use crate::host::Loop;
use std::sync::Arc;
use windlass_core::scheduler::{Effect, Event, SessionId};
use windlass_core::session::{ToMaster, ToWorker};

/// How an ordinary end of a connection is told.
pub(crate) const CLOSED: &str = "its connection is closed";

impl Loop {
    /// What a worker says goes to the scheduler, and to the switchboard what that needs of it.
    pub(crate) fn on_heard(&mut self, session: SessionId, message: ToMaster) {
        let is_leaving = message == ToMaster::Goodbye;
        let mut busy = None;
        match &message {
            ToMaster::Hello(hello) => {
                let known = self.ledger.workers.get(&hello.name);
                let is_draining = known.is_some_and(|known| known.draining);
                self.guests.on_hello(session, hello, is_draining);
            }
            ToMaster::Progress { running, .. } => {
                busy = Some(u32::try_from(running.len()).unwrap_or(u32::MAX));
            }
            ToMaster::Goodbye => {
                if let Some(guest) = self.guests.forget(session).filter(|it| !it.is_welcome) {
                    self.observer.on_newcomer_gone(&guest, "it says goodbye");
                }
            }
            _ => {}
        }
        let worker = self.scheduler.name_of(session);
        self.observer.on_heard(&self.ledger, worker, &message);
        self.tell_scheduler(Event::Heard(session, message));
        if let Some(task_count) = busy {
            self.switchboard.busy(session, task_count);
        }
        if is_leaving {
            self.switchboard.lose(session);
        }
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
        self.switchboard.lose(session);
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
            if let Some(guest) = self.guests.welcomed(session) {
                self.observer.on_welcome(&guest.instance.name);
                // One that is gone already is lost below.
                if let Some(line) = self.sessions.get(&session) {
                    self.switchboard.join(session, guest, Arc::clone(line));
                }
            }
        }
        for session in gone {
            self.tell_scheduler(Event::Closed(session));
            self.on_lost(session, "it does not take what it is sent");
        }
    }
}
