//! Connections: messages arrive in order after a delay; a cut loses what is under way, and each
//! side learns of it in its own time.

use windlass_core::scheduler::SessionId;
use windlass_core::session::{SlotIndex, ToMaster, ToWorker};

/// Position of a worker in the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct WorkerIndex(pub(crate) usize);

/// One connection, from the worker's attempt to connect until both sides know that it is gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Connection {
    pub(crate) id: SessionId,
    pub(crate) worker: WorkerIndex,
}

/// Something that will happen at its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Happening {
    /// The master process starts.
    PrimaryStarts,
    /// The master process dies.
    PrimaryDies,
    /// The append in flight is answered, to the process that asked.
    Appended { life: u64 },
    /// The master's next deadline.
    PrimaryTicks { life: u64 },
    /// A worker process starts, as its next incarnation.
    WorkerStarts(WorkerIndex),
    /// A worker process dies.
    WorkerDies(WorkerIndex),
    /// A worker's next deadline.
    WorkerTicks(WorkerIndex),
    /// A worker tries to connect.
    WorkerConnects(WorkerIndex),
    /// A slot's attempt ends, of the start that began it.
    SlotEnds { worker: WorkerIndex, life: u64, slot: SlotIndex, serial: u64 },
    /// A message reaches the master.
    ToMaster(Connection, ToMaster),
    /// A message reaches a worker.
    ToWorker(Connection, ToWorker),
    /// The connection of a worker is cut.
    Cut(WorkerIndex),
    /// The master learns that a connection is gone.
    GoneAtMaster(Connection),
    /// A worker learns that its connection is gone.
    GoneAtWorker(Connection),
    /// A worker says once more what it said long ago, over whatever connection it has now.
    Repeats(WorkerIndex, ToMaster),
    /// The client takes its next step, or repeats one that was not answered.
    ClientActs,
}
