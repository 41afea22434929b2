//! What happens to a seat, and what it wants done.

use super::message::{Held, ToMaster, ToWorker};
use super::withdrawal::Withdrawal;
use crate::failure::Failure;
use crate::ids::{AttemptId, BlobId};

/// Position of a slot at its worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SlotIndex(pub u32);

/// An attempt that this worker is to make.
pub type Assigned = Held;

/// How a slot's attempt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With a durable manifest, or without any artifact.
    Succeeded(Option<BlobId>),
    /// With a failure.
    Failed(Failure),
    /// It was not made: this worker offers the operation no more, or the task is not for it.
    Unmade,
}

/// What happens to a seat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SeatEvent {
    /// The connection stands; the seat introduces itself.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// The master says something.
    Message(ToWorker),
    /// A slot showed progress.
    Progress(SlotIndex),
    /// The attempt at work in a slot has ended, or was killed; the slot goes on with its next one.
    Finished {
        /// The slot.
        slot: SlotIndex,
        /// How its attempt ended.
        ending: Ending,
        /// How long it was at work, by the slot's own clock.
        took_us: u64,
    },
    /// The attempt at work in a slot has a result, which is not durable yet; the slot goes on with
    /// its next one. [`SeatEvent::Kept`] follows.
    Made {
        /// The slot.
        slot: SlotIndex,
        /// How long it was at work, by the slot's own clock.
        took_us: u64,
    },
    /// The result of a made attempt is durable, or could not be kept.
    Kept {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        ending: Ending,
    },
    /// This worker offers an operation no more.
    Withdrawn(Withdrawal),
    /// Time went on.
    Tick,
}

/// What a seat wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SeatEffect {
    /// Say this to the master.
    Send(ToMaster),
    /// Make this attempt in that slot, after those that it has.
    Start {
        /// The slot.
        slot: SlotIndex,
        /// The attempt.
        assigned: Assigned,
    },
    /// End the attempt at work in that slot; answered by `Finished`.
    Kill(SlotIndex),
    /// Keep or forget what an order message says (`Phase`, `Chunk`, `PhaseClosed`).
    Note(ToWorker),
    /// Answer a call, or do what else a message says of one (`Call`, `CallMore`, `CallCancelled`).
    /// Calls take no slot, and those of a session end with its connection.
    Call(ToWorker),
    /// Serve shards of record sets, or answer a question to one (`Shelves`, `Query`).
    Records(ToWorker),
    /// The master will not have this worker; the reason is for people.
    Refused(String),
}
