//! Makes results durable while their slots go on: one thread for all slots of a worker, which syncs
//! together what has come since its last sync. Nobody hears of a result before that.

use crate::host::Inbox;
use crate::memo;
use crate::parcel::Parcel;
use crate::store::Store;
use crate::usage::Threads;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use windlass_core::memo::MemoKey;
use windlass_core::session::{Ending, KEEPING, Keeping};
use windlass_core::{AttemptId, BlobId, Failure};

/// A result whose blobs are not durable yet.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) manifest: BlobId,
    /// Its blobs, where they are not written yet but to be sent.
    pub(crate) parcel: Parcel,
    /// What the memo is to note once they are durable: the key and the result's bytes.
    pub(crate) note: Option<(MemoKey, u64)>,
}

pub(crate) struct Keeper {
    stored: SyncSender<(AttemptId, Stored)>,
    thread: JoinHandle<()>,
}

impl Keeper {
    pub(crate) fn start(store: Store, inbox: SyncSender<Inbox>, threads: Threads) -> Keeper {
        let (stored, to_keep) = sync_channel(store.waiting_count_max());
        let thread = thread::spawn(move || {
            threads.enter();
            keep(&store, &to_keep, &inbox);
        });
        Keeper { stored, thread }
    }

    /// Where a slot hands over what it has stored.
    pub(crate) fn receiver(&self) -> SyncSender<(AttemptId, Stored)> {
        self.stored.clone()
    }

    /// Waits for the thread, once all slots have ended.
    pub(crate) fn join(self) {
        drop(self.stored);
        let _ = self.thread.join();
    }
}

fn keep(store: &Store, to_keep: &Receiver<(AttemptId, Stored)>, inbox: &SyncSender<Inbox>) {
    while let Ok(first) = to_keep.recv() {
        let group: Vec<_> = std::iter::once(first).chain(to_keep.try_iter()).collect();
        let mut kept = Vec::new();
        for step in KEEPING {
            match step {
                // The slots have done that.
                Keeping::Store => {}
                Keeping::Sync => {
                    let parcels: Vec<&Parcel> = group.iter().map(|(_, it)| &it.parcel).collect();
                    kept = store.keep(&parcels);
                }
                Keeping::Tell => {
                    // Before anybody hears of it: what has been told is known to whoever asks next.
                    note(store, &group, &kept);
                    for ((attempt, stored), kept) in group.iter().zip(&kept) {
                        let ending = ending(kept, stored);
                        if inbox.send(Inbox::Kept(*attempt, ending)).is_err() {
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// Has the memo note what is durable.
fn note(store: &Store, group: &[(AttemptId, Stored)], kept: &[Result<(), Failure>]) {
    let durable = group.iter().zip(kept).filter(|(_, kept)| kept.is_ok());
    let notes = durable.filter_map(|((_, stored), _)| {
        stored.note.map(|(key, result_bytes)| (key, stored.manifest, result_bytes))
    });
    memo::remember(store, &notes.collect::<Vec<_>>());
}

fn ending(kept: &Result<(), Failure>, stored: &Stored) -> Ending {
    match kept {
        Ok(()) => Ending::Succeeded(Some(stored.manifest)),
        Err(failure) => Ending::Failed(failure.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_blobs::Blobs;
    use windlass_core::Epoch;

    const ATTEMPT: AttemptId = AttemptId { epoch: Epoch(1), counter: 1 };

    fn told(blobs: &Blobs, stored: Stored) -> Ending {
        let (inbox, heard) = sync_channel(1);
        let keeper = Keeper::start(Store::Shared(blobs.clone()), inbox, Threads::default());
        keeper.receiver().send((ATTEMPT, stored)).unwrap();
        keeper.join();
        match heard.recv().unwrap() {
            Inbox::Kept(ATTEMPT, ending) => ending,
            _ => panic!("something else is told"),
        }
    }

    #[test]
    fn a_durable_result_is_told_and_noted() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
        let manifest = blobs.put(b"manifest").unwrap();
        let key = MemoKey([7; 32]);
        let stored = Stored { manifest, parcel: Parcel::default(), note: Some((key, 8)) };
        assert_eq!(told(&blobs, stored), Ending::Succeeded(Some(manifest)));
        assert_eq!(blobs.recall(key), Some(manifest));
    }

    #[test]
    fn a_result_whose_sync_fails_is_a_failure_and_not_noted() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
        let manifest = blobs.put(b"manifest").unwrap();
        let key = MemoKey([7; 32]);
        let stored = Stored { manifest, parcel: Parcel::default(), note: Some((key, 8)) };
        // A file that is gone cannot be opened to be synced.
        std::fs::remove_file(blobs.path(manifest)).unwrap();
        let ending = told(&blobs, stored);
        let Ending::Failed(failure) = ending else { panic!("{ending:?}") };
        assert_eq!(failure.code, "store_unavailable");
        assert_eq!(blobs.recall(key), None);
    }
}
