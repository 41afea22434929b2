//! The thread that writes snapshots beside the running loop.
//!
//! It is handed copies of the ledger that share their pages with the living one, so the loop never
//! waits for it.

use crate::inbox::Inbox;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use windlass_core::ledger::{Digest, Ledger, SnapshotId};
use windlass_journal::{Head, Snapshot, Snapshots};

/// A state to be written.
pub(crate) struct Request {
    /// The last record in it.
    pub(crate) head: Head,
    /// The state.
    pub(crate) ledger: Ledger,
}

/// A snapshot as the thread left it.
pub(crate) struct Written {
    /// What was to be written.
    pub(crate) snapshot: SnapshotId,
    /// Why it is not there; the next one may succeed.
    pub(crate) failed: Option<String>,
}

/// Starts the thread; it ends when the sender is dropped. A second request waits for no one: while
/// the channel is full, its point is passed over.
pub(crate) fn start(
    store: Snapshots,
    inbox: SyncSender<Inbox>,
) -> (SyncSender<Request>, JoinHandle<()>) {
    let (requests, asked) = sync_channel(1);
    (requests, thread::spawn(move || write_all(&store, &asked, &inbox)))
}

fn write_all(store: &Snapshots, asked: &Receiver<Request>, inbox: &SyncSender<Inbox>) {
    while let Ok(Request { head, ledger }) = asked.recv() {
        let body = ledger.encode_snapshot();
        drop(ledger);
        let digest = Digest::of(&body);
        let snapshot = Snapshot { head, body };
        // An earlier process may have written it and ended before it was announced.
        let is_there = store.get(head.seq).is_ok_and(|there| there == snapshot);
        let stored = if is_there { Ok(()) } else { store.put(&snapshot) };
        let written = Written {
            snapshot: SnapshotId { seq: head.seq, hash: head.hash, digest },
            failed: stored.err().map(|error| error.to_string()),
        };
        if inbox.send(Inbox::SnapshotWritten(written)).is_err() {
            return;
        }
    }
}
