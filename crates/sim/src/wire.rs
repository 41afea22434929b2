//! Everything that can happen, and who is meant.

use crate::client::Answered;
use crate::executors::Defect;
use crate::lookups::Enquiry;
use std::fmt;
use windlass_core::ledger::{Entry, Ledger};
use windlass_core::reign::{CellAnswer, RequestNumber, Revision};
use windlass_core::scheduler::SessionId;
use windlass_core::session::{SlotIndex, ToMaster, ToWorker};
use windlass_core::writer::Answer;
use windlass_core::{BlobId, Epoch, Seq};
use windlass_journal::{Head, Record, Room};
use windlass_master::snapshots::Written;

/// Position of a worker in the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct WorkerIndex(pub(crate) usize);

/// Position of a master in the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct MasterIndex(pub(crate) usize);

/// One start of a master's process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct MasterLife {
    pub(crate) master: MasterIndex,
    pub(crate) life: u64,
}

/// One connection, from the worker's attempt to connect until both sides know that it is gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Connection {
    pub(crate) id: SessionId,
    pub(crate) worker: WorkerIndex,
    pub(crate) master: MasterLife,
}

/// Something that will happen at its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Happening {
    MasterStarts(MasterIndex),
    MasterDies(MasterIndex),
    /// The whole process stands still for so many microseconds.
    MasterPauses(MasterIndex, u64),
    /// Only its loop stands still; `None`: for ever.
    LoopHangs(MasterIndex, Option<u64>),
    WallJumps(MasterIndex, i64),
    /// A bit of what this master has applied flips in memory, while it is a standby.
    StateRots(MasterIndex),
    /// What this master sends to the engine is lost for so long.
    CutFromEngine(MasterIndex, u64),
    /// The engine does nothing for anybody.
    EngineAway(u64),
    /// The engine takes no appends and no swaps.
    DiskFull(u64),
    /// The engine loses what it has not synced.
    EngineCrashes,
    /// A writer of an earlier reign, which has read the log to its end, appends.
    GhostWrites,
    /// The newest announced snapshot is damaged where it lies.
    SnapshotRots,
    /// A decision is made a second time, with another result.
    DecisionRepeats,
    /// A collection begins.
    Collects,
    ToMaster(MasterLife, MasterEvent),
    ToEngine(MasterLife, Ask),

    WorkerStarts(WorkerIndex),
    WorkerDies(WorkerIndex),
    WorkerPauses(WorkerIndex, u64),
    /// A worker's machine has a defect until it is mended.
    MachineBreaks(WorkerIndex, Defect),
    /// It is mended; a worker that has withdrawn something is started anew.
    MachineMended(WorkerIndex),
    /// The connection of a worker is cut.
    Cut(WorkerIndex),
    /// Messages in one direction do not come through for so long.
    OneWayCut {
        worker: WorkerIndex,
        to_worker: bool,
        us: u64,
    },
    /// A program says what nobody understands, over the connection of a worker.
    Garbles {
        worker: WorkerIndex,
        to_worker: bool,
    },
    /// A worker is gone without a word: its master does not learn of it from the network.
    HalfOpen(WorkerIndex),
    ToWorker(WorkerIndex, u64, WorkerEvent),

    /// The client's deadline.
    ClientActs(u64),
    ClientHears(Answered),
    /// Drains a worker, or ends that.
    OperatorDrains(WorkerIndex, bool),
    /// Pauses some open job, or lets all paused ones go on.
    OperatorPauses(bool),
    /// Has a limit changed, until that is recorded.
    OperatorSets(&'static str, u64),
    /// Issues a token or revokes one.
    OperatorTokens,
    OperatorHears(Answered),
    /// Whoever has a token shows it.
    TokensShown,
    /// Ends every drain and pause that is still on.
    OperatorTidies,
    /// Loads records; for so many instances of each group.
    OperatorLoads(u32),
    OperatorDrops,
    /// Loads records where there are none, again and again.
    OperatorKeepsRecords,
    /// Somebody looks something up, again and again.
    ReaderAsks,
}

/// What a master's process meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum MasterEvent {
    /// The contender's deadline.
    ContenderTicks(u64),
    CellAnswered(RequestNumber, CellAnswer),
    /// The loop's deadline.
    Turns(u64),
    /// The contender tells the loop.
    Won,
    Lost,
    /// The answer to that sending of the record of that id.
    Appended {
        id: u128,
        sending: u64,
        answer: Answer,
    },
    /// A snapshot was stored, or not.
    Stored(Written),
    /// The pause after a full disk is over.
    ResendDue(u128),
    Heard(Connection, ToMaster),
    /// What it hears is no message.
    HeardGarbage(Connection),
    Gone(Connection),
    /// A client's step.
    Requested(u64, Entry),
    /// A look-up.
    Enquired(Enquiry),
}

impl MasterEvent {
    /// Whether the loop takes it; the contender lives beside the loop.
    pub(crate) fn is_for_loop(&self) -> bool {
        !matches!(self, MasterEvent::ContenderTicks(_) | MasterEvent::CellAnswered(..))
    }
}

/// What a master asks of the engine.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Read(RequestNumber),
    Swap(RequestNumber, Revision),
    Append {
        sending: u64,
        record: Box<Record>,
        room: Room,
    },
    /// The state behind this head is stored as a snapshot, and read back.
    Store(Head, Box<Ledger>),
    /// The log up to here has served.
    Trim(Seq, Epoch),
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Read(request) => write!(f, "Read({request:?})"),
            Ask::Swap(request, expected) => write!(f, "Swap({request:?}, {expected:?})"),
            // Its entries say more than its bytes.
            Ask::Store(head, _) => write!(f, "Store({})", head.seq),
            Ask::Trim(upto, epoch) => write!(f, "Trim({upto}, epoch {epoch})"),
            Ask::Append { sending, record, .. } => {
                let Record { seq, epoch, id, .. } = record.as_ref();
                write!(f, "Append {{ sending {sending}, {seq}, epoch {epoch}, id {id} }} ")?;
                write!(f, "{:?}", crate::master::entries_of(record))
            }
        }
    }
}

/// What a worker's process meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum WorkerEvent {
    Ticks(u64),
    Connects,
    /// Nobody has answered the Hello.
    GivesUp(Connection),
    Hears(Connection, ToWorker),
    HearsGarbage(Connection),
    Gone(Connection),
    /// The operation in a slot ends, or the next step of keeping its result is done.
    Keeps {
        slot: SlotIndex,
        serial: u64,
        step: usize,
    },
    /// A killed attempt ends.
    Killed {
        slot: SlotIndex,
        serial: u64,
    },
    /// A shard of a record set is fetched, or cannot be.
    Fetched(BlobId, bool),
    /// It says once more what it said long ago, over whatever connection it has now.
    Repeats(ToMaster),
}
