//! Connections in the world: how they are cut, end in order, stay half open, and carry garbage.

use super::run::World;
use crate::frames::is_garbage;
use crate::wire::{Connection, Happening, MasterEvent, WorkerEvent, WorkerIndex};
use windlass_core::Tick;

/// A direction that is cut for longer ends the connection.
const ONE_WAY_US_MAX: u64 = 5_000_000;

impl World {
    /// Cuts a connection: what is under way in it is lost, both sides learn of it later.
    pub(super) fn cut(&mut self, connection: Option<Connection>) {
        let Some(connection) = connection else { return };
        self.tally.bite("network: a connection is cut");
        self.network.cut(connection);
        let (one, other) = (self.random.below(2_000_000), self.random.below(2_000_000));
        let gone = MasterEvent::Gone(connection);
        self.queue_in(one, Happening::ToMaster(connection.master, gone));
        self.tell_gone(connection, Tick(self.now.0 + other));
    }

    /// The worker's end is closed in order: its master hears all that was said before.
    pub(super) fn end(&mut self, connection: Option<Connection>) {
        let Some(connection) = connection else { return };
        self.tally.bite("network: a connection ends, all said is heard");
        self.end_at_worker(connection);
        self.network.close(connection, true);
    }

    pub(super) fn end_at_worker(&mut self, connection: Connection) {
        let at = self.network.arrival(self.now, connection, false, &mut self.random);
        let gone = MasterEvent::Gone(connection);
        self.queue_at(at, Happening::ToMaster(connection.master, gone));
    }

    /// The master's end is closed in order.
    pub(super) fn close_at_master(&mut self, connection: Connection) {
        self.network.close(connection, false);
        let at = self.network.arrival(self.now, connection, true, &mut self.random);
        self.tell_gone(connection, at);
    }

    fn tell_gone(&mut self, connection: Connection, at: Tick) {
        let life = self.workers[connection.worker.0].life;
        let gone = WorkerEvent::Gone(connection);
        self.queue_at(at, Happening::ToWorker(connection.worker, life, gone));
    }

    /// The worker is done with its connection, and nothing tells its master.
    pub(super) fn leave_half_open(&mut self, index: WorkerIndex) -> Result<(), String> {
        let Some(connection) = self.workers[index.0].connection else { return Ok(()) };
        self.tally.bite("network: a connection is half open");
        self.network.cut(connection);
        self.disconnect(index, connection)
    }

    /// Messages of one direction come through later, in order; after a while nobody waits for them.
    pub(super) fn cut_one_way(&mut self, index: WorkerIndex, to_worker: bool, us: u64) {
        let Some(connection) = self.workers[index.0].connection else { return };
        self.tally.bite("network: one direction is cut");
        self.network.hold(connection, to_worker, Tick(self.now.0 + us));
        if us > ONE_WAY_US_MAX {
            self.cut(Some(connection));
        }
    }

    pub(super) fn garble(&mut self, index: WorkerIndex, to_worker: bool) {
        let Some(connection) = self.workers[index.0].connection else { return };
        if !is_garbage(to_worker, &mut self.random) {
            return;
        }
        let at = self.network.arrival(self.now, connection, to_worker, &mut self.random);
        let happening = if to_worker {
            let life = self.workers[index.0].life;
            Happening::ToWorker(index, life, WorkerEvent::HearsGarbage(connection))
        } else {
            Happening::ToMaster(connection.master, MasterEvent::HeardGarbage(connection))
        };
        self.queue_at(at, happening);
    }

    /// A master hears what is no message: it drops that peer and nobody else; `false`: it does not
    /// hear it.
    pub(super) fn hear_garbage(&mut self, connection: Connection) -> bool {
        if !self.network.delivers(connection, false) {
            return false;
        }
        self.tally.bite("network: a master hears garbage");
        self.close_at_master(connection);
        true
    }
}
