//! The thread that owns the log: one record after the other, and the removal of old ones.

use crate::error::MasterError;
use crate::inbox::Inbox;
use crate::recovery::found;
use crate::snapshots::trim;
use std::sync::mpsc::{Receiver, SyncSender};
use windlass_core::writer::Answer;
use windlass_core::{Epoch, Seq};
use windlass_journal::{AppendError, Engine, Record, Room, Snapshots};

/// What the loop asks of the log.
pub(crate) enum ToJournal {
    /// Append; the answer comes as [`Inbox::Appended`].
    Append(Record, Room),
    /// Remove what a snapshot of this record makes needless.
    Trim(Seq, Epoch),
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
                if inbox.send(Inbox::Appended(record, answer)).is_err() {
                    return;
                }
            }
            // What stays only takes room; the next trim tries again.
            ToJournal::Trim(seq, epoch) => {
                let _ = trim(&mut journal, snapshots, seq, epoch);
            }
        }
    }
}

/// One sending of a record; what follows from the answer is the writer's to say.
fn append(journal: &mut Engine, record: &Record, room: Room) -> Result<Answer, MasterError> {
    match journal.append_in(record, room) {
        Ok(_) => Ok(Answer::Durable),
        Err(AppendError::Unknown(_)) => Ok(Answer::Unknown),
        Err(AppendError::Unavailable(_)) => Ok(Answer::Unavailable),
        Err(AppendError::Fenced { .. }) => found(journal, record).map(Answer::Fenced),
        Err(error) => Err(MasterError::Journal(error.to_string())),
    }
}
