//! Workers that have introduced themselves, welcome or not.

use std::collections::BTreeMap;
use windlass_core::WorkerName;
use windlass_core::calls::Instance;
use windlass_core::lookups::Member;
use windlass_core::records::Pin;
use windlass_core::scheduler::SessionId;
use windlass_core::session::Hello;

/// By their connections.
#[derive(Default)]
pub(crate) struct Guests(BTreeMap<SessionId, Guest>);

/// A worker that has introduced itself.
pub(crate) struct Guest {
    pub(crate) instance: Instance,
    /// Groups of record sets that it serves alone, where it serves any.
    pub(crate) pins: Option<Vec<Pin>>,
    /// Whether it lives in this process.
    pub(crate) in_process: bool,
    /// Whether it has been welcomed; otherwise it waits for its name.
    pub(crate) is_welcome: bool,
}

impl Guests {
    /// A worker says who it is; the scheduler decides whether it is welcome.
    pub(crate) fn on_hello(&mut self, session: SessionId, hello: &Hello, is_draining: bool) {
        let operations = hello.offers.iter().map(|offer| offer.operation.clone()).collect();
        let (name, slots) = (hello.name.clone(), hello.slots);
        let instance = Instance { name, slots, operations, is_draining };
        let (pins, in_process) = (hello.serves.clone(), hello.in_process);
        self.0.insert(session, Guest { instance, pins, in_process, is_welcome: false });
    }

    /// What is known of a worker that is welcome now.
    pub(crate) fn welcomed(&mut self, session: SessionId) -> Option<&Guest> {
        let guest = self.0.get_mut(&session)?;
        guest.is_welcome = true;
        Some(guest)
    }

    /// A connection means nothing any longer; answers who was at its other end.
    pub(crate) fn forget(&mut self, session: SessionId) -> Option<Guest> {
        self.0.remove(&session)
    }

    /// A worker of this name is drained, or is no longer; answers its connections. One that waits
    /// for its name will be welcomed as that.
    pub(crate) fn drain(&mut self, name: &WorkerName, on: bool) -> Vec<SessionId> {
        let of_name = self.0.iter_mut().filter(|(_, it)| it.instance.name == *name);
        let drained = of_name.map(|(session, guest)| {
            guest.instance.is_draining = on;
            *session
        });
        drained.collect()
    }
}

impl Guest {
    /// What it is to look-ups; `None`: it serves no record sets.
    pub(crate) fn member(&self) -> Option<Member> {
        let Instance { name, is_draining, .. } = &self.instance;
        let (name, is_draining) = (name.clone(), *is_draining);
        self.pins.clone().map(|pins| Member { name, pins, is_draining })
    }
}
