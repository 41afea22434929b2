//! Snapshots in files: a header, then the body in blocks with a checksum each.
//!
//! A snapshot is written under another name, synced, renamed, and read back before anybody hears of
//! it. Damage is told with the byte where its block begins.

use super::{Snapshot, SnapshotStoreError};
use crate::disk::{Disk, System, make_dir, remove_if_there};
use crate::engine::{Damage, Head};
use crate::lock::StateLock;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windlass_core::{Epoch, Seq};

/// The directory of the snapshots in the state directory.
const DIR_NAME: &str = "snapshots";
/// A snapshot in the making.
const NEW_NAME: &str = "new";
const MAGIC: &[u8; 8] = b"windsnap";
/// The version of everything in a snapshot's file but the encoded state.
const FORMAT_VERSION: u32 = 1;
/// Magic, version u32, epoch u32, seq u64, chain hash u64, body bytes u64, XXH3 of the body u64,
/// CRC-32C u32 of all these; little endian.
const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 8 + 8 + 8 + 4;
/// Bytes of the body in a block; its CRC-32C stands before them.
const BLOCK_BYTES: usize = 1 << 20;
const CRC_BYTES: usize = 4;

/// Snapshots in a directory beside the log.
#[derive(Clone, Debug)]
pub struct FileSnapshots {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl FileSnapshots {
    /// The store of a state directory; what a crash left half written is removed.
    ///
    /// # Errors
    /// `Io` if its directory cannot be made or cleaned.
    pub fn open(lock: &StateLock) -> Result<FileSnapshots, SnapshotStoreError> {
        FileSnapshots::open_on(Arc::new(System), lock)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        lock: &StateLock,
    ) -> Result<FileSnapshots, SnapshotStoreError> {
        let dir = lock.dir().join(DIR_NAME);
        make_dir(&*disk, &dir).map_err(|source| failed(&dir, source))?;
        let new = dir.join(NEW_NAME);
        remove_if_there(&*disk, &new).map_err(|source| failed(&new, source))?;
        Ok(FileSnapshots { disk, dir })
    }

    /// The store of a state directory that somebody else may hold, to read from.
    #[must_use]
    pub fn look_at(state: &Path) -> FileSnapshots {
        FileSnapshots { disk: Arc::new(System), dir: state.join(DIR_NAME) }
    }

    /// Where a record's snapshot lies.
    #[must_use]
    pub fn path(&self, seq: Seq) -> PathBuf {
        self.dir.join(format!("{:020}.snapshot", seq.0))
    }

    pub(super) fn put(&self, snapshot: &Snapshot) -> Result<(), SnapshotStoreError> {
        let (new, path) = (self.dir.join(NEW_NAME), self.path(snapshot.head.seq));
        if let Err(source) = self.write(&new, &path, &encode(snapshot)) {
            // Its space matters more than this second error.
            let _ = remove_if_there(&*self.disk, &new);
            return Err(failed(&path, source));
        }
        match self.get(snapshot.head.seq) {
            Ok(read) if read == *snapshot => Ok(()),
            read => {
                let _ = remove_if_there(&*self.disk, &path);
                read.and(Err(SnapshotStoreError::ReadBack { file: path }))
            }
        }
    }

    fn write(&self, new: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = self.disk.create(new)?;
        for (number, piece) in bytes.chunks(BLOCK_BYTES).enumerate() {
            self.disk.write_at(&file, piece, (number * BLOCK_BYTES) as u64)?;
        }
        self.disk.sync(&file)?;
        forget_pages(&file);
        self.disk.rename(new, path)?;
        self.disk.sync_dir(&self.dir)
    }

    pub(super) fn seqs(&self) -> Result<Vec<Seq>, SnapshotStoreError> {
        let mut seqs = Vec::new();
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(seqs),
            Err(source) => return Err(failed(&self.dir, source)),
        };
        for entry in entries {
            let name = entry.map_err(|source| failed(&self.dir, source))?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".snapshot"));
            let number = digits.filter(|digits| digits.len() == 20).and_then(|it| it.parse().ok());
            seqs.extend(number.map(Seq));
        }
        seqs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(seqs)
    }

    pub(super) fn get(&self, seq: Seq) -> Result<Snapshot, SnapshotStoreError> {
        let path = self.path(seq);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SnapshotStoreError::Missing(seq));
            }
            Err(source) => return Err(failed(&path, source)),
        };
        match decode(&bytes) {
            Ok(snapshot) if snapshot.head.seq == seq => Ok(snapshot),
            Ok(_) => Err(damaged(path, (0, "its header names another record than its name"))),
            Err(Bad::Version(found)) => {
                Err(SnapshotStoreError::Version { file: path, found, known: FORMAT_VERSION })
            }
            Err(Bad::Damaged(at, what)) => Err(damaged(path, (at, what))),
        }
    }

    pub(super) fn remove_before(&self, seq: Seq) -> Result<(), SnapshotStoreError> {
        // One that a loss of power brings back does no harm: newer ones are looked at first.
        for old in self.seqs()?.into_iter().filter(|kept| *kept < seq) {
            let path = self.path(old);
            remove_if_there(&*self.disk, &path).map_err(|source| failed(&path, source))?;
        }
        Ok(())
    }
}

/// Why bytes are no snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bad {
    Version(u32),
    /// Where, and how it shows.
    Damaged(usize, &'static str),
}

fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let Snapshot { head, body } = snapshot;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len() + body.len() / 1_000 + 64);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&head.epoch.0.to_le_bytes());
    bytes.extend_from_slice(&head.seq.0.to_le_bytes());
    bytes.extend_from_slice(&head.hash.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(body).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    for block in body.chunks(BLOCK_BYTES) {
        bytes.extend_from_slice(&crc32c::crc32c(block).to_le_bytes());
        bytes.extend_from_slice(block);
    }
    bytes
}

/// The version is looked at before the checksums: a later format may place those elsewhere.
fn decode(bytes: &[u8]) -> Result<Snapshot, Bad> {
    let short = Bad::Damaged(0, "its header is cut short");
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(short)?;
    let (version, rest) = rest.split_first_chunk().ok_or(short)?;
    if magic != MAGIC {
        return Err(Bad::Damaged(0, "it does not begin as a snapshot does"));
    }
    let version = u32::from_le_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(Bad::Version(version));
    }
    let (epoch, rest) = rest.split_first_chunk().ok_or(short)?;
    let (seq, rest) = rest.split_first_chunk().ok_or(short)?;
    let (hash, rest) = rest.split_first_chunk().ok_or(short)?;
    let (body_bytes, rest) = rest.split_first_chunk().ok_or(short)?;
    let (body_hash, rest) = rest.split_first_chunk().ok_or(short)?;
    let (crc, blocks) = rest.split_first_chunk().ok_or(short)?;
    if crc32c::crc32c(&bytes[..HEADER_BYTES - CRC_BYTES]) != u32::from_le_bytes(*crc) {
        return Err(Bad::Damaged(0, "the checksum of its header is wrong"));
    }
    let mut body = Vec::with_capacity(blocks.len());
    let mut at = HEADER_BYTES;
    for block in blocks.chunks(CRC_BYTES + BLOCK_BYTES) {
        let (crc, content) =
            block.split_first_chunk().ok_or(Bad::Damaged(at, "a block is cut short"))?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
            return Err(Bad::Damaged(at, "the checksum of a block is wrong"));
        }
        body.extend_from_slice(content);
        at += block.len();
    }
    let is_whole = body.len() as u64 == u64::from_le_bytes(*body_bytes);
    if !is_whole || xxhash_rust::xxh3::xxh3_64(&body) != u64::from_le_bytes(*body_hash) {
        return Err(Bad::Damaged(at, "its blocks are not those that were written"));
    }
    let head = Head {
        seq: Seq(u64::from_le_bytes(*seq)),
        epoch: Epoch(u32::from_le_bytes(*epoch)),
        hash: u64::from_le_bytes(*hash),
    };
    Ok(Snapshot { head, body })
}

/// Makes the reading back come from the disk where the system can: it is durable already.
fn forget_pages(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

fn damaged(file: PathBuf, (at, what): (usize, &'static str)) -> SnapshotStoreError {
    SnapshotStoreError::Corrupt(Damage { file, offset: at as u64, what })
}

fn failed(file: &Path, source: io::Error) -> SnapshotStoreError {
    SnapshotStoreError::Io { file: file.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(body: Vec<u8>) -> Snapshot {
        Snapshot { head: Head { seq: Seq(7), epoch: Epoch(2), hash: 5 }, body }
    }

    fn store(state: &Path) -> FileSnapshots {
        FileSnapshots::open(&StateLock::acquire(state).unwrap()).unwrap()
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_told() {
        let bytes = encode(&snapshot(vec![9; 300]));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn damage_is_told_with_file_and_block() {
        let state = tempfile::tempdir().unwrap();
        let store = store(state.path());
        let whole = snapshot((0..2_500_000_u32).map(|n| (n / 7) as u8).collect());
        store.put(&whole).unwrap();
        assert_eq!(store.get(Seq(7)).unwrap(), whole);
        let mut bytes = std::fs::read(store.path(Seq(7))).unwrap();
        bytes[2_200_000] ^= 4;
        std::fs::write(store.path(Seq(7)), &bytes).unwrap();
        let Err(SnapshotStoreError::Corrupt(damage)) = store.get(Seq(7)) else { panic!("sound?") };
        assert_eq!(damage.offset, (HEADER_BYTES + 2 * (CRC_BYTES + BLOCK_BYTES)) as u64);
        assert_eq!(damage.file, store.path(Seq(7)));
        bytes[8] = 9;
        std::fs::write(store.path(Seq(7)), &bytes).unwrap();
        assert!(matches!(store.get(Seq(7)), Err(SnapshotStoreError::Version { found: 9, .. })));
        std::fs::rename(store.path(Seq(7)), store.path(Seq(8))).unwrap();
        assert!(store.get(Seq(8)).is_err());
        assert!(matches!(store.get(Seq(7)), Err(SnapshotStoreError::Missing(Seq(7)))));
    }

    #[test]
    fn what_a_crash_left_is_no_snapshot() {
        let state = tempfile::tempdir().unwrap();
        let left = state.path().join("snapshots/new");
        drop(store(state.path()));
        std::fs::write(&left, b"half").unwrap();
        assert_eq!(store(state.path()).seqs().unwrap(), []);
        assert!(!left.exists());
    }
}
