//! Direct calls in the loop: who waits for an answer, and what the sessions mean to the calls.

use crate::clock;
use crate::host::Loop;
use crate::inbox::Gone;
use std::collections::BTreeMap;
use windlass_core::calls::{CallEffect, CallError, CallEvent, CallerId, Calls, Instance};
use windlass_core::scheduler::SessionId;
use windlass_core::session::Hello;
use windlass_core::{Epoch, WorkerName};

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
}

impl CallNews {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self, CallNews::Failed(_) | CallNews::Piece { is_last: true, .. })
    }
}

/// Hands news to a caller; must not block. No more than
/// [`windlass_core::limits::CALL_WINDOW_BYTES`] come before the caller has said that it took some.
pub type Tell = Box<dyn Fn(CallNews) -> Result<(), Gone> + Send>;

/// The open calls, and who waits for them.
pub(crate) struct Desk {
    pub(crate) calls: Calls,
    pub(crate) callers: BTreeMap<CallerId, Tell>,
    /// Workers that have introduced themselves.
    greeted: BTreeMap<SessionId, Greeted>,
}

/// A worker that has introduced itself.
pub(crate) struct Greeted {
    pub(crate) instance: Instance,
    /// Whether it lives in this process.
    pub(crate) in_process: bool,
    /// Whether it has been welcomed; otherwise it waits for its name.
    pub(crate) is_welcome: bool,
}

impl Desk {
    pub(crate) fn new(epoch: Epoch, seed: u64) -> Desk {
        let calls = Calls::new(epoch, seed);
        Desk { calls, callers: BTreeMap::new(), greeted: BTreeMap::new() }
    }

    /// A worker says who it is; the scheduler decides whether it is welcome.
    pub(crate) fn on_hello(&mut self, session: SessionId, hello: &Hello, is_draining: bool) {
        let operations = hello.offers.iter().map(|offer| offer.operation.clone()).collect();
        let (name, slots) = (hello.name.clone(), hello.slots);
        let instance = Instance { name, slots, operations, is_draining };
        let greeted = Greeted { instance, in_process: hello.in_process, is_welcome: false };
        self.greeted.insert(session, greeted);
    }

    /// What is known of a worker that is welcome now.
    pub(crate) fn welcomed(&mut self, session: SessionId) -> Option<Instance> {
        let greeted = self.greeted.get_mut(&session)?;
        greeted.is_welcome = true;
        Some(greeted.instance.clone())
    }

    /// A connection means nothing any longer; answers who was at its other end.
    pub(crate) fn forget(&mut self, session: SessionId) -> Option<Greeted> {
        self.greeted.remove(&session)
    }

    /// A worker of this name is drained, or is no longer; answers its connections. One that waits
    /// for its name will be welcomed as that.
    pub(crate) fn drain(&mut self, name: &WorkerName, on: bool) -> Vec<SessionId> {
        let of_name = self.greeted.iter_mut().filter(|(_, it)| it.instance.name == *name);
        let drained = of_name.map(|(session, greeted)| {
            greeted.instance.is_draining = on;
            *session
        });
        drained.collect()
    }

    /// Tells a caller; one that is gone is forgotten, and `false` says so.
    pub(crate) fn tell(&mut self, caller: CallerId, news: CallNews) -> bool {
        let is_over = news.is_last();
        let told = self.callers.get(&caller).is_some_and(|tell| tell(news).is_ok());
        if is_over || !told {
            self.callers.remove(&caller);
        }
        told || is_over
    }
}

impl Loop {
    /// Has the calls take in what has happened, and does what they want.
    pub(crate) fn tell_calls(&mut self, event: CallEvent) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let mut effects = Vec::new();
            self.desk.calls.on(clock::tick(), event, &mut effects);
            for effect in effects {
                match effect {
                    CallEffect::Send(session, message) => {
                        if !self.deliver(session, message) {
                            self.close(session);
                        }
                    }
                    CallEffect::Close(session) => self.close(session),
                    CallEffect::Pass { caller, bytes, is_last } => {
                        if !self.desk.tell(caller, CallNews::Piece { bytes, is_last }) {
                            events.push(CallEvent::Abandoned(caller));
                        }
                    }
                    CallEffect::Fail(caller, error) => {
                        self.desk.tell(caller, CallNews::Failed(error));
                    }
                }
            }
        }
    }
}
