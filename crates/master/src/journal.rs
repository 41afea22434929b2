//! The thread that owns the log: one record after the other, and the removal of old ones.

use crate::error::MasterError;
use crate::inbox::Inbox;
use crate::recovery::found;
use std::sync::mpsc::{Receiver, SyncSender};
use windlass_core::writer::{Answer, Then};
use windlass_core::{Epoch, Seq};
use windlass_journal::{AppendError, Engine, Record, Room, Snapshots};

/// What the loop asks of the log.
pub(crate) enum ToJournal {
    /// Append; the answer comes as [`Inbox::Appended`].
    Append(Record, Room),
    /// Remove what a snapshot of this record makes needless.
    Trim(Seq, Epoch),
}

/// What became of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Appended {
    /// It is in the log.
    Durable,
    /// It is not, for want of room.
    Refused,
}

/// Does what is asked until nobody asks any longer.
pub(crate) fn serve(
    mut journal: Engine,
    snapshots: &Snapshots,
    asked: &Receiver<ToJournal>,
    inbox: &SyncSender<Inbox>,
) {
    while let Ok(order) = asked.recv() {
        match order {
            ToJournal::Append(record, room) => {
                let answer = append(&mut journal, &record, room);
                if inbox.send(Inbox::Appended(answer)).is_err() {
                    return;
                }
            }
            // What stays only takes room; the next trim tries again.
            ToJournal::Trim(seq, epoch) => {
                if journal.trim(seq, epoch).is_ok() {
                    let _ = snapshots.remove_before(seq);
                }
            }
        }
    }
}

fn append(journal: &mut Engine, record: &Record, room: Room) -> Result<Appended, MasterError> {
    loop {
        let answer = match journal.append_in(record, room) {
            Ok(_) => Answer::Durable,
            Err(AppendError::Unknown(_)) => Answer::Unknown,
            Err(AppendError::Unavailable(_)) => Answer::Unavailable,
            Err(AppendError::Fenced { .. }) => Answer::Fenced(found(journal, record)?),
            Err(error) => return Err(MasterError::Journal(error.to_string())),
        };
        match answer.then() {
            Then::Done => return Ok(Appended::Durable),
            // The engine or `record_at` tells what became of it.
            Then::Resend => {}
            // The loop waits: by then something may be decided that makes room.
            Then::ResendLater => return Ok(Appended::Refused),
            Then::Fenced(_) => return Err(MasterError::Deposed),
        }
    }
}
