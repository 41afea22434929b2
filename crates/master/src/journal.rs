//! The thread that owns the log: one record after the other, and the removal of old ones.

use crate::inbox::Inbox;
use crate::recovery::found;
use std::sync::mpsc::{Receiver, SyncSender};
use windlass_core::reign::Found;
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

fn append(journal: &mut Engine, record: &Record, room: Room) -> Result<Seq, AppendError> {
    loop {
        match journal.append_in(record, room) {
            // The identical record again: the engine or `record_at` tells what became of it.
            Err(AppendError::Unknown(_)) => {}
            Err(AppendError::Fenced { head }) => {
                return match found(journal, record) {
                    Ok(Found::Own) => Ok(record.seq),
                    _ => Err(AppendError::Fenced { head }),
                };
            }
            answer => return answer,
        }
    }
}
