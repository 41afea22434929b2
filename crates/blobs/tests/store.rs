//! The store as its users see it: what goes in comes out verified, in spite of crashes and damage.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use windlass_blobs::{BlobError, Blobs};
use windlass_core::BlobId;

const MIB: u64 = 1 << 20;

fn store() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
    (dir, blobs)
}

/// Bytes that differ by seed and do not repeat.
fn sample(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..count).map(|_| next()).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn temp_count(dir: &tempfile::TempDir) -> usize {
    fs::read_dir(dir.path().join("blobs/tmp")).unwrap().count()
}

#[test]
fn what_is_put_is_read() {
    let (dir, blobs) = store();
    for count in [0, 1, 1_000, 300_000] {
        let bytes = sample(7, count);
        let id = blobs.put(&bytes).unwrap();
        assert_eq!(id, BlobId::of(&bytes));
        assert!(blobs.renew(id).unwrap().is_some());
        assert_eq!(blobs.read(id, MIB).unwrap(), bytes);
        let mut copy = Vec::new();
        assert_eq!(blobs.copy_to(id, &mut copy).unwrap(), count as u64);
        assert_eq!(copy, bytes);
        let mut opened = Vec::new();
        blobs.open_verified(id).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(opened, bytes);
    }
    blobs.sync().unwrap();
    assert_eq!(temp_count(&dir), 0);
}

#[test]
fn names_and_modes_are_as_documented() {
    let (dir, blobs) = store();
    let id = blobs.put(b"windlass").unwrap();
    let hex = id.to_hex();
    let expected = dir.path().join("blobs").join(&hex[..2]).join(&hex[2..]);
    assert_eq!(blobs.path(id), expected);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&expected), 0o600);
    assert_eq!(mode(expected.parent().unwrap()), 0o700);
    assert_eq!(mode(&dir.path().join("blobs")), 0o700);
}

#[test]
fn a_missing_blob_is_missing() {
    let (_dir, blobs) = store();
    let id = BlobId::of(b"nobody put this");
    assert!(blobs.renew(id).unwrap().is_none());
    assert!(matches!(blobs.read(id, MIB).unwrap_err(), BlobError::Missing { id: it } if it == id));
    let copied = blobs.copy_to(id, &mut Vec::new()).unwrap_err();
    assert!(matches!(copied, BlobError::Missing { .. }));
    assert!(matches!(blobs.open_verified(id).unwrap_err(), BlobError::Missing { .. }));
}

#[test]
fn a_limit_is_kept_exactly() {
    let (_dir, blobs) = store();
    let id = blobs.put(&[5; 1_000]).unwrap();
    assert_eq!(blobs.read(id, 1_000).unwrap().len(), 1_000);
    let refused = blobs.read(id, 999).unwrap_err();
    assert!(matches!(refused, BlobError::TooLarge { max: 999, .. }), "{refused}");
}

#[test]
fn a_flipped_bit_anywhere_is_damage_and_names_the_file() {
    let (_dir, blobs) = store();
    let bytes = sample(3, 600_000);
    let id = blobs.put(&bytes).unwrap();
    let path = blobs.path(id);
    for at in [0, 1, 262_144, 599_999] {
        flip(&path, at);
        let errors = [
            blobs.read(id, MIB).map(|_| ()).unwrap_err(),
            blobs.copy_to(id, &mut Vec::new()).map(|_| ()).unwrap_err(),
            blobs.open_verified(id).map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert!(matches!(error, BlobError::Damaged { file } if file == path));
        }
        flip(&path, at);
    }
    fs::write(&path, &bytes[..599_999]).unwrap();
    assert!(matches!(blobs.read(id, MIB).unwrap_err(), BlobError::Damaged { .. }));
    fs::write(&path, [bytes.as_slice(), b"more"].concat()).unwrap();
    assert!(matches!(blobs.read(id, MIB).unwrap_err(), BlobError::Damaged { .. }));
}

#[test]
fn putting_again_keeps_an_intact_blob_and_mends_a_damaged_one() {
    use std::os::unix::fs::MetadataExt;
    let (dir, blobs) = store();
    let bytes = sample(4, 5_000);
    let id = blobs.put(&bytes).unwrap();
    let inode = || fs::metadata(blobs.path(id)).unwrap().ino();
    let first = inode();
    let put_streaming = || {
        let mut writer = blobs.writer().unwrap();
        writer.write_all(&bytes).unwrap();
        writer.finish().unwrap()
    };
    blobs.put(&bytes).unwrap();
    assert_eq!(put_streaming(), (id, 5_000));
    assert_eq!(inode(), first, "a durable file is never replaced by one that is not");
    flip(&blobs.path(id), 9);
    blobs.put(&bytes).unwrap();
    assert_eq!(blobs.read(id, MIB).unwrap(), bytes);
    flip(&blobs.path(id), 9);
    put_streaming();
    assert_eq!(blobs.read(id, MIB).unwrap(), bytes);
    blobs.sync().unwrap();
    assert_eq!(temp_count(&dir), 0);
}

#[test]
fn a_blob_is_put_again_without_its_bytes_if_it_is_whole() {
    let (_dir, blobs) = store();
    let id = BlobId::of(b"blob");
    assert!(!blobs.put_again(id).unwrap(), "it is not there");
    blobs.put(b"blob").unwrap();
    assert!(blobs.put_again(id).unwrap());
    flip(&blobs.path(id), 1);
    assert!(!blobs.put_again(id).unwrap(), "it is damaged");
}

#[test]
fn a_writer_hashes_what_it_gets_in_any_pieces() {
    let (dir, blobs) = store();
    let bytes = sample(5, 700_000);
    for piece in [1_000, 262_144, 700_000] {
        let mut writer = blobs.writer().unwrap();
        for chunk in bytes.chunks(piece) {
            writer.write_all(chunk).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), (BlobId::of(&bytes), 700_000));
    }
    assert_eq!(blobs.read(BlobId::of(&bytes), MIB).unwrap(), bytes);
    let mut dropped = blobs.writer().unwrap();
    dropped.write_all(b"given up").unwrap();
    assert_eq!(temp_count(&dir), 1);
    drop(dropped);
    assert_eq!(temp_count(&dir), 0);
    assert!(blobs.renew(BlobId::of(b"given up")).unwrap().is_none());
}

#[test]
fn a_section_of_a_file_becomes_a_blob() {
    let (dir, blobs) = store();
    let bytes = sample(6, 800_000);
    let path = dir.path().join("output");
    fs::write(&path, &bytes).unwrap();
    let file = File::open(&path).unwrap();
    for (offset, len) in [(0, 0), (0, 800_000), (17, 600_000), (799_999, 1)] {
        let (start, end) =
            (usize::try_from(offset).unwrap(), usize::try_from(offset + len).unwrap());
        let id = blobs.put_from(&file, offset, len).unwrap();
        assert_eq!(id, BlobId::of(&bytes[start..end]));
        assert_eq!(blobs.read(id, MIB).unwrap(), bytes[start..end]);
    }
    assert!(matches!(blobs.put_from(&file, 799_999, 2).unwrap_err(), BlobError::Io { .. }));
    assert_eq!(temp_count(&dir), 0);
}

#[test]
fn threads_that_put_the_same_bytes_agree() {
    let (dir, blobs) = store();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for seed in 0..40 {
                    let bytes = sample(seed, 3_000);
                    let id = blobs.put(&bytes).unwrap();
                    blobs.sync().unwrap();
                    assert_eq!(blobs.read(id, MIB).unwrap(), bytes);
                }
            });
        }
    });
    assert_eq!(temp_count(&dir), 0);
}

/// More blobs than are synced one by one at first.
#[test]
fn a_large_group_is_synced_as_a_whole() {
    let (_dir, blobs) = store();
    let ids: Vec<_> = (0..500).map(|seed| blobs.put(&sample(seed, 100)).unwrap()).collect();
    blobs.sync().unwrap();
    for (seed, id) in (0..).zip(ids) {
        assert_eq!(blobs.read(id, MIB).unwrap(), sample(seed, 100));
    }
}

#[test]
fn a_sync_that_cannot_find_its_blob_fails_for_good() {
    let (_dir, blobs) = store();
    let lost = blobs.put(b"lost before its sync").unwrap();
    fs::remove_file(blobs.path(lost)).unwrap();
    let error = blobs.clone().sync().unwrap_err();
    assert!(matches!(error, BlobError::Sync { .. }), "{error}");
    blobs.put(b"later").unwrap();
    assert!(blobs.sync().is_err());
}

#[test]
fn leftovers_of_a_crash_are_removed_when_asked() {
    let (dir, blobs) = store();
    let id = blobs.put(b"kept").unwrap();
    let mut writer = blobs.writer().unwrap();
    writer.write_all(&[1; 1_000]).unwrap();
    std::mem::forget(writer);
    drop(blobs);
    let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
    assert_eq!(temp_count(&dir), 1, "opening alone removes nothing: another process may write it");
    assert_eq!(blobs.remove_leftovers().unwrap(), 1);
    assert_eq!(temp_count(&dir), 0);
    assert_eq!(blobs.read(id, MIB).unwrap(), b"kept");
}

#[test]
fn a_receiver_that_fails_is_told_apart() {
    let (_dir, blobs) = store();
    let id = blobs.put(&[1; 1_000]).unwrap();
    let mut full = File::options().write(true).open("/dev/full").unwrap();
    let error = blobs.copy_to(id, &mut full).unwrap_err();
    assert!(matches!(error, BlobError::Receiver { .. }), "{error}");
}
