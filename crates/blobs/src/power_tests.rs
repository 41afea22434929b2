//! The loss of power, on a disk that keeps nothing but what was synced by itself.

use crate::disk::forgetful::ForgetfulDisk;
use crate::store::Blobs;
use std::path::Path;
use std::sync::Arc;
use windlass_core::BlobId;

fn open(disk: &Arc<ForgetfulDisk>, root: &Path) -> Blobs {
    Blobs::open_on(disk.clone(), root.join("blobs")).unwrap()
}

/// Puts so many blobs, most in a directory of their own, and makes them durable.
fn put_synced(blobs: &Blobs, name: &str, count: usize) -> Vec<BlobId> {
    let put = |number| blobs.put(format!("{name} {number}").as_bytes()).unwrap();
    let ids = (0..count).map(put).collect();
    blobs.sync().unwrap();
    ids
}

#[track_caller]
fn all_are_there(blobs: &Blobs, ids: &[BlobId]) {
    for (index, id) in ids.iter().enumerate() {
        let read = blobs.read(*id, 100);
        assert!(read.is_ok(), "blob {index} of {}: {read:?}", ids.len());
    }
}

/// Each batch is lost if one of its files, of its directories or the store's own is not synced.
#[test]
fn what_was_synced_survives_the_loss_of_power_with_its_names() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(ForgetfulDisk::default());
    let blobs = open(&disk, root.path());
    let mut ids = put_synced(&blobs, "first", 40);
    disk.lose_power(root.path());
    all_are_there(&open(&disk, root.path()), &ids);
    // The same process goes on: it knows some directories already.
    let blobs = open(&disk, root.path());
    for name in ["second", "third"] {
        ids.extend(put_synced(&blobs, name, 40));
        disk.lose_power(root.path());
        all_are_there(&blobs, &ids);
    }
}

/// A blob that a put has found is as durable as one that it has written.
#[test]
fn what_was_found_and_synced_survives_the_loss_of_power() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(ForgetfulDisk::default());
    let first = open(&disk, root.path());
    let id = first.put(b"found").unwrap();
    let second = open(&disk, root.path());
    assert_eq!(second.put(b"found").unwrap(), id);
    second.sync().unwrap();
    disk.lose_power(root.path());
    all_are_there(&open(&disk, root.path()), &[id]);
}

/// The disk forgets what nobody has synced; else the tests above would show nothing.
#[test]
fn what_was_not_synced_is_lost() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(ForgetfulDisk::default());
    let id = open(&disk, root.path()).put(b"lost").unwrap();
    disk.lose_power(root.path());
    assert!(open(&disk, root.path()).read(id, 100).is_err());
}
