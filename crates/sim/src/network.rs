//! Connections between workers and masters: messages arrive in order after a delay; a cut loses
//! what is under way, and each side learns of it in its own time.

use crate::wire::{Connection, MasterLife, WorkerIndex};
use std::collections::BTreeMap;
use windlass_core::Tick;
use windlass_core::random::SplitMix64;
use windlass_core::scheduler::SessionId;

/// A connection that some side still believes in.
#[derive(Clone, Copy, Debug)]
struct Link {
    connection: Connection,
    /// When the last message to the master, to the worker arrives.
    arrivals: [Tick; 2],
    cut: bool,
    open: [bool; 2],
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Network {
    links: BTreeMap<SessionId, Link>,
    count: u64,
}

impl Network {
    pub(crate) fn connect(&mut self, worker: WorkerIndex, master: MasterLife) -> Connection {
        self.count += 1;
        let connection = Connection { id: SessionId(self.count), worker, master };
        let link = Link { connection, arrivals: [Tick(0); 2], cut: false, open: [true; 2] };
        self.links.insert(connection.id, link);
        connection
    }

    /// When a message sent now arrives: after a delay, but never before an earlier one.
    pub(crate) fn arrival(
        &mut self,
        now: Tick,
        connection: Connection,
        to_worker: bool,
        random: &mut SplitMix64,
    ) -> Tick {
        let at = Tick(now.0 + 50 + random.below(5_000));
        let Some(link) = self.links.get_mut(&connection.id) else { return at };
        let last = &mut link.arrivals[usize::from(to_worker)];
        *last = at.max(*last);
        *last
    }

    /// Messages in this direction arrive no earlier than then.
    pub(crate) fn hold(&mut self, connection: Connection, to_worker: bool, until: Tick) {
        if let Some(link) = self.links.get_mut(&connection.id) {
            let last = &mut link.arrivals[usize::from(to_worker)];
            *last = until.max(*last);
        }
    }

    /// Whether a message that arrives now is heard.
    pub(crate) fn delivers(&self, connection: Connection, to_worker: bool) -> bool {
        let link = self.links.get(&connection.id);
        link.is_some_and(|link| !link.cut && link.open[usize::from(to_worker)])
    }

    /// Everything under way is lost.
    pub(crate) fn cut(&mut self, connection: Connection) {
        if let Some(link) = self.links.get_mut(&connection.id) {
            link.cut = true;
        }
    }

    /// One side is done with it; `false` if it was before.
    pub(crate) fn close(&mut self, connection: Connection, at_worker: bool) -> bool {
        let Some(link) = self.links.get_mut(&connection.id) else { return false };
        let was_open = std::mem::take(&mut link.open[usize::from(at_worker)]);
        if link.open == [false; 2] {
            self.links.remove(&connection.id);
        }
        was_open
    }

    /// The connection of this number, while the master believes in it.
    pub(crate) fn at_master(&self, id: SessionId) -> Option<Connection> {
        self.links.get(&id).filter(|link| link.open[0]).map(|link| link.connection)
    }

    pub(crate) fn of_master(&self, master: MasterLife) -> Vec<Connection> {
        let links = self.links.values().filter(|link| link.connection.master == master);
        links.map(|link| link.connection).collect()
    }
}
