//! The files of the log: their names, their headers, how they are made and read.
//!
//! A segment begins with a header of one sector, which says what the first record follows, and is
//! filled with zeros to its capacity before its first use: an append then changes no metadata, so
//! that its sync costs one write. Segments are named by their first record.

use super::frame::{self, PREFIX_BYTES, Prefix};
use crate::disk::Disk;
use crate::engine::{Damage, Head, TailError};
use crate::record::Record;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use windlass_core::{Epoch, Seq};

/// Capacity of the first segment; each next one doubles it.
pub(super) const CAPACITY_BYTES_MIN: u64 = 1 << 20;
/// Capacity of the largest segments.
pub(super) const CAPACITY_BYTES_MAX: u64 = 64 << 20;
/// The first frame begins here.
pub(super) const HEADER_BYTES: u64 = 512;
/// The version of everything in a segment.
const FORMAT_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"windlass";
/// The log's directory in the state directory.
const DIR_NAME: &str = "journal";
/// The segment that is being prepared: it becomes one of the log by getting its name.
pub(super) const SPARE_NAME: &str = "spare";
/// Room for records that make room, kept for the day when the disk is full.
pub(super) const RESERVE_NAME: &str = "reserve";
/// The reserve in the making.
pub(super) const NEW_RESERVE_NAME: &str = "reserve.new";
/// One read or write of many frames.
const CHUNK_BYTES: usize = 1 << 20;

/// The first sector of a segment, little endian: magic, version u32, epoch u32, seq u64 and hash
/// u64 of the record before the first one, capacity u64, CRC-32C u32 of all these, zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The log's head when the segment was begun.
    pub base: Head,
    /// The length of the file.
    pub capacity: u64,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BadHeader {
    Damaged,
    Version(u32),
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.base.epoch.0.to_le_bytes());
        bytes.extend_from_slice(&self.base.seq.0.to_le_bytes());
        bytes.extend_from_slice(&self.base.hash.to_le_bytes());
        bytes.extend_from_slice(&self.capacity.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// The version is looked at before the checksum: a later format may place that elsewhere.
    pub(super) fn decode(bytes: &[u8]) -> Result<Header, BadHeader> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(BadHeader::Damaged)?;
        let (version, rest) = rest.split_first_chunk().ok_or(BadHeader::Damaged)?;
        let (epoch, rest) = rest.split_first_chunk().ok_or(BadHeader::Damaged)?;
        let (seq, rest) = rest.split_first_chunk().ok_or(BadHeader::Damaged)?;
        let (hash, rest) = rest.split_first_chunk().ok_or(BadHeader::Damaged)?;
        let (capacity, rest) = rest.split_first_chunk().ok_or(BadHeader::Damaged)?;
        let crc = rest.first_chunk().ok_or(BadHeader::Damaged)?;
        if magic != MAGIC {
            return Err(BadHeader::Damaged);
        }
        let version = u32::from_le_bytes(*version);
        if version != FORMAT_VERSION {
            return Err(BadHeader::Version(version));
        }
        let checked = bytes.len() - rest.len();
        if crc32c::crc32c(&bytes[..checked]) != u32::from_le_bytes(*crc) {
            return Err(BadHeader::Damaged);
        }
        let capacity = u64::from_le_bytes(*capacity);
        let seq = u64::from_le_bytes(*seq);
        // Zeros are written up to the capacity, and positions are counted on from the first: what
        // this program never writes is damage even under a right checksum.
        if capacity > CAPACITY_BYTES_MAX || seq == u64::MAX {
            return Err(BadHeader::Damaged);
        }
        let base = Head {
            seq: Seq(seq),
            epoch: Epoch(u32::from_le_bytes(*epoch)),
            hash: u64::from_le_bytes(*hash),
        };
        Ok(Header { base, capacity })
    }
}

/// The file of the segment whose first record is `first`; zeros make names sort as numbers.
pub(super) fn path(dir: &Path, first: Seq) -> PathBuf {
    dir.join(format!("{:020}.log", first.0))
}

/// The log's directory in a state directory.
pub(super) fn dir(state: &Path) -> PathBuf {
    state.join(DIR_NAME)
}

/// The first records of all segments, ascending; other files are left alone.
pub(super) fn list(dir: &Path) -> io::Result<Vec<Seq>> {
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(".log"));
        let number = digits.filter(|digits| digits.len() == 20).and_then(|it| it.parse().ok());
        firsts.extend(number.map(Seq));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Fills a file with zeros and makes them durable; a file that does not fit gives its space back.
pub(super) fn fill(disk: &dyn Disk, file: File, capacity: u64) -> io::Result<File> {
    match zero(disk, &file, 0, capacity).and_then(|()| disk.sync(&file)) {
        Ok(()) => Ok(file),
        Err(error) => {
            // The space matters more than this second error: the caller hears the first.
            let _ = file.set_len(0);
            Err(error)
        }
    }
}

/// Writes zeros over a part of a file; the caller syncs them. Between the pieces of a large part it
/// is synced here, so that a segment in the making does not hold up the appends to the one in use.
pub(super) fn zero(disk: &dyn Disk, file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; CHUNK_BYTES];
    let mut at = from;
    while at < to {
        let count = usize::try_from(to - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        disk.write_at(file, &zeros[..count], at)?;
        at += count as u64;
        if at < to {
            disk.sync(file)?;
        }
    }
    Ok(())
}

/// What lies in a part of a file, up to the last byte that is not zero.
pub(super) fn rest(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    let mut zero_count = 0;
    let mut chunk = vec![0; 1 << 16];
    let mut at = from;
    while at < to {
        let read = file.read_at(&mut chunk, at)?;
        if read == 0 {
            break;
        }
        at += read as u64;
        match chunk[..read].iter().rposition(|byte| *byte != 0) {
            None => zero_count += read,
            Some(last) => {
                rest.resize(rest.len() + zero_count, 0);
                rest.extend_from_slice(&chunk[..=last]);
                zero_count = read - last - 1;
            }
        }
    }
    Ok(rest)
}

/// Makes a filled file of the directory the log's next segment. Until the rename nothing of the log
/// has changed.
pub(super) fn name(
    disk: &dyn Disk,
    dir: &Path,
    filled: &str,
    file: &File,
    header: Header,
) -> io::Result<PathBuf> {
    disk.write_at(file, &header.encode(), 0)?;
    disk.sync(file)?;
    let path = path(dir, header.base.seq.next());
    disk.rename(&dir.join(filled), &path)?;
    Ok(path)
}

/// What a reader finds next.
#[derive(Debug)]
pub(super) enum Step {
    /// A record that checks, and its hash.
    Record(Record, u64),
    /// Zeros or the end of the file where a record could begin.
    End,
    /// Something else.
    Bad(&'static str),
}

/// Reads a segment from its first frame on, in large pieces.
#[derive(Debug)]
pub(super) struct Reader {
    file: File,
    /// Where the file lies.
    pub path: PathBuf,
    /// What the segment says of itself.
    pub header: Header,
    /// Bytes of the file from `offset` on, those before `used` given out already.
    buffer: Vec<u8>,
    used: usize,
    /// Where the next frame begins.
    pub offset: u64,
}

impl Reader {
    /// Opens the segment whose first record is `first`.
    pub(super) fn open(dir: &Path, first: Seq) -> Result<Reader, TailError> {
        let path = path(dir, first);
        let io = |source| TailError::Io { file: path.clone(), source };
        let file = File::open(&path).map_err(io)?;
        let mut reader = Reader {
            file,
            path: path.clone(),
            header: Header { base: Head::default(), capacity: 0 },
            buffer: Vec::new(),
            used: 0,
            offset: 0,
        };
        let header_bytes = usize::try_from(HEADER_BYTES).expect("it is 512");
        reader.fill(header_bytes).map_err(io)?;
        match Header::decode(&reader.buffer) {
            Ok(header) => reader.header = header,
            Err(BadHeader::Damaged) => return Err(reader.damage("its header is damaged")),
            Err(BadHeader::Version(found)) => {
                return Err(TailError::Version { file: path, found, known: FORMAT_VERSION });
            }
        }
        if reader.header.base.seq.next() != first {
            return Err(reader.damage("its header names another first record than its name"));
        }
        reader.used = header_bytes.min(reader.buffer.len());
        reader.offset = HEADER_BYTES;
        Ok(reader)
    }

    /// The next frame; after anything but a record the reader stays where it is.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        if !self.fill(PREFIX_BYTES)? {
            return Ok(Step::End);
        }
        let Some(bytes) = self.buffer[self.used..].first_chunk::<PREFIX_BYTES>() else {
            return Ok(Step::End);
        };
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(Step::End);
        }
        let Some(prefix) = Prefix::decode(*bytes) else {
            return Ok(Step::Bad("the prefix of a record is damaged"));
        };
        if !self.fill(prefix.frame_bytes())? {
            return Ok(Step::Bad("the file ends inside a record"));
        }
        let frame_end = self.used + prefix.frame_bytes();
        let Some((record, hash)) = prefix.record(&self.buffer[self.used..frame_end]) else {
            return Ok(Step::Bad("the checksum of a record is wrong"));
        };
        let next = frame::align(self.offset + prefix.frame_bytes() as u64);
        let step = usize::try_from(next - self.offset).expect("about the bytes of a frame");
        self.used = (self.used + step).min(self.buffer.len());
        self.offset = next;
        Ok(Step::Record(record, hash))
    }

    /// The file's length.
    pub(super) fn file_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// What lies behind the last whole record up to the last byte that is not zero, and where the
    /// file ends.
    pub(super) fn rest(&self) -> io::Result<(Vec<u8>, u64)> {
        let file_end = self.file_bytes()?;
        Ok((rest(&self.file, self.offset, file_end)?, file_end))
    }

    /// Damage where the reader stands.
    pub(super) fn damage(&self, what: &'static str) -> TailError {
        TailError::Corrupt(Damage { file: self.path.clone(), offset: self.offset, what })
    }

    /// Makes `count` unread bytes available; `false` if the file has fewer.
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        while self.buffer.len() - self.used < count {
            self.buffer.drain(..self.used);
            self.used = 0;
            let have = self.buffer.len();
            self.buffer.resize(have + CHUNK_BYTES, 0);
            let read = self.file.read_at(&mut self.buffer[have..], self.offset + have as u64);
            self.buffer.truncate(have + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk was filled with zeros up to the capacity that a header claimed.
    #[test]
    fn numbers_that_no_log_reaches_are_damage() {
        let base = Head { seq: Seq(3), epoch: Epoch(2), hash: 9 };
        let largest = Header { base, capacity: CAPACITY_BYTES_MAX };
        assert_eq!(Header::decode(&largest.encode()), Ok(largest));
        let endless = Header { base, capacity: CAPACITY_BYTES_MAX + 1 };
        assert_eq!(Header::decode(&endless.encode()), Err(BadHeader::Damaged));
        let last = Header { base: Head { seq: Seq(u64::MAX), ..base }, ..largest };
        assert_eq!(Header::decode(&last.encode()), Err(BadHeader::Damaged));
    }

    #[test]
    fn header_round_trips_and_names_its_version() {
        let base = Head { seq: Seq(3), epoch: Epoch(2), hash: 9 };
        let header = Header { base, capacity: 4_096 };
        let mut bytes = header.encode();
        assert!(bytes.len() as u64 <= HEADER_BYTES);
        assert_eq!(Header::decode(&bytes), Ok(header));
        for at in 12..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Header::decode(&flipped), Err(BadHeader::Damaged), "byte {at}");
        }
        bytes[8] = 2;
        assert_eq!(Header::decode(&bytes), Err(BadHeader::Version(2)));
        assert_eq!(Header::decode(&bytes[..20]), Err(BadHeader::Damaged));
    }
}
