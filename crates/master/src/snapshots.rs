//! Snapshots: the thread that writes them beside the running loop, and what goes when one is there.
//!
//! It is handed copies of the ledger that share their pages with the living one, so the loop never
//! waits for it.

use crate::inbox::Inbox;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use windlass_core::ledger::{Digest, Ledger, SnapshotId};
use windlass_core::{Epoch, Seq};
use windlass_journal::{Engine, Head, Snapshot, Snapshots, TrimError};

/// A state to be written.
#[derive(Debug)]
pub(crate) struct Request {
    /// The last record in it.
    pub(crate) head: Head,
    /// The state.
    pub(crate) ledger: Ledger,
}

/// A snapshot as it was left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// What was to be written.
    pub snapshot: SnapshotId,
    /// Why it is not there; the next one may succeed.
    pub failed: Option<String>,
}

/// Starts the thread; it ends when the sender is dropped. One request is under way at most, so
/// that nobody waits for the channel.
pub(crate) fn start(
    store: Snapshots,
    inbox: SyncSender<Inbox>,
) -> (SyncSender<Request>, JoinHandle<()>) {
    let (requests, asked) = sync_channel(1);
    (requests, thread::spawn(move || write_all(&store, &asked, &inbox)))
}

fn write_all(store: &Snapshots, asked: &Receiver<Request>, inbox: &SyncSender<Inbox>) {
    while let Ok(Request { head, ledger }) = asked.recv() {
        let written = store_snapshot(store, head, ledger);
        if inbox.send(Inbox::SnapshotWritten(written)).is_err() {
            return;
        }
    }
}

/// Stores the state behind this head, unless an earlier process did and ended before it was
/// announced.
#[must_use]
pub fn store_snapshot(store: &Snapshots, head: Head, ledger: Ledger) -> Written {
    let body = ledger.encode_snapshot();
    drop(ledger);
    let digest = Digest::of(&body);
    let snapshot = Snapshot { head, body };
    let is_there = store.get(head.seq).is_ok_and(|there| there == snapshot);
    let stored = if is_there { Ok(()) } else { store.put(&snapshot) };
    Written {
        snapshot: SnapshotId { seq: head.seq, hash: head.hash, digest },
        failed: stored.err().map(|error| error.to_string()),
    }
}

/// Removes what a snapshot of this record makes needless: the log up to it, then older snapshots.
///
/// # Errors
/// Another reign has begun, or the system could not. What stays only takes room; the next trim
/// tries again.
pub fn trim(
    journal: &mut Engine,
    store: &Snapshots,
    upto: Seq,
    epoch: Epoch,
) -> Result<(), TrimError> {
    journal.trim(upto, epoch)?;
    // One that stays is removed by the next trim.
    let _ = store.remove_before(upto);
    Ok(())
}
