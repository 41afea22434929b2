//! What a master and a worker say to each other, and the worker's end of it.
//!
//! The same plain types go over channels inside one process and over the wire between machines. The
//! master's end is the scheduler.

mod event;
mod keeping;
mod message;
mod pace;
mod seat;
mod slots;
mod withdrawal;

pub use event::{Assigned, Ending, SeatEffect, SeatEvent, SlotIndex};
pub use keeping::{KEEPING, Keeping};
pub use message::{
    AnswerPiece, AssignRun, EndedRun, EndedWith, Held, Hello, Offer, Running, ToMaster, ToWorker,
    Usage,
};
pub use seat::Seat;
pub use withdrawal::{CrashWatch, Withdrawal};
