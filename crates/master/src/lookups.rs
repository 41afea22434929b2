//! Look-ups in the loop: who waits for an answer, and what sessions and entries mean to them.

use crate::clock;
use crate::host::Loop;
use std::collections::BTreeMap;
use windlass_core::calls::CallerId;
use windlass_core::ledger::{Applied, Ledger};
use windlass_core::lookups::{
    LookupAnswer, LookupEffect, LookupError, LookupEvent, Lookups, Member, RecordsView,
};
use windlass_core::scheduler::SessionId;
use windlass_core::session::{Hello, ToMaster};

/// Hands an answer to whoever asked; must not block.
pub type TellLookup = Box<dyn FnOnce(Result<LookupAnswer, LookupError>) + Send>;

/// The open look-ups, and who waits for them.
pub(crate) struct Enquiries {
    pub(crate) lookups: Lookups,
    pub(crate) askers: BTreeMap<CallerId, TellLookup>,
    /// Workers that have introduced themselves and serve record sets.
    greeted: BTreeMap<SessionId, Member>,
    effects: Vec<LookupEffect>,
}

impl Enquiries {
    pub(crate) fn new() -> Enquiries {
        Enquiries {
            lookups: Lookups::new(clock::tick()),
            askers: BTreeMap::new(),
            greeted: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    /// A worker says who it is; the scheduler decides whether it is welcome.
    pub(crate) fn on_hello(&mut self, session: SessionId, hello: &Hello, is_draining: bool) {
        if let Some(pins) = hello.serves.clone() {
            let name = hello.name.clone();
            self.greeted.insert(session, Member { name, pins, is_draining });
        }
    }

    pub(crate) fn view(&self, ledger: &Ledger) -> Vec<RecordsView> {
        self.lookups.view(&ledger.records)
    }
}

impl Loop {
    /// Whether a message of a worker is of record sets alone. Such messages come by ten thousands a
    /// second, and the scheduler, which hears of the worker often enough, is spared them.
    pub(crate) fn on_record_message(
        &mut self,
        session: SessionId,
        message: ToMaster,
    ) -> Option<ToMaster> {
        let event = match message {
            ToMaster::Found { ticket, answer } => LookupEvent::Found(session, ticket, answer),
            ToMaster::Shelved { load, shard, ready } => {
                LookupEvent::Shelved(session, load, shard, ready)
            }
            other => return Some(other),
        };
        self.tell_lookups(event);
        None
    }

    /// A worker is welcome.
    pub(crate) fn on_member(&mut self, session: SessionId) {
        if let Some(mut member) = self.enquiries.greeted.get(&session).cloned() {
            // It may have waited for its name, and been drained meanwhile.
            let known = self.ledger.workers.get(&member.name);
            member.is_draining = known.is_some_and(|known| known.draining);
            self.tell_lookups(LookupEvent::Joined(session, member));
        }
    }

    /// A worker is gone.
    pub(crate) fn on_member_lost(&mut self, session: SessionId) {
        self.enquiries.greeted.remove(&session);
        self.tell_lookups(LookupEvent::Lost(session));
    }

    /// Follows what an entry did to the record sets.
    pub(crate) fn on_sets(&mut self, applied: &[Applied]) {
        let is_of_sets = |done: &Applied| {
            matches!(done, Applied::RecordsLoaded(..) | Applied::RecordsDropped(_))
        };
        if applied.iter().any(is_of_sets) {
            self.tell_lookups(LookupEvent::SetsChanged);
        }
    }

    pub(crate) fn tell_lookups(&mut self, event: LookupEvent) {
        let mut effects = std::mem::take(&mut self.enquiries.effects);
        self.enquiries.lookups.on(clock::tick(), &self.ledger.records, event, &mut effects);
        let mut gone = Vec::new();
        for effect in effects.drain(..) {
            match effect {
                LookupEffect::Send(session, message) => {
                    // A peer that does not keep up is dropped, never waited for.
                    if !self.deliver(session, message) {
                        gone.push(session);
                    }
                }
                LookupEffect::Answer(caller, answer) => {
                    if let Some(tell) = self.enquiries.askers.remove(&caller) {
                        tell(answer);
                    }
                }
            }
        }
        self.enquiries.effects = effects;
        gone.into_iter().for_each(|session| self.close(session));
    }
}
