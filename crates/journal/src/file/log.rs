//! Writing the log in files: opening after a crash, appending, going on to the next segment.

use super::frame;
use super::segment::{self, CAPACITY_BYTES_MAX, CAPACITY_BYTES_MIN, Header, Reader, Step};
use super::tail::FileTail;
use crate::engine::{AppendError, Damage, Head, TailError};
use crate::lock::{StateLock, make_dir};
use crate::record::Record;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use windlass_core::Seq;

/// The log's directory in the state directory.
const DIR_NAME: &str = "journal";

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log is damaged or in a format of another version; the file is left as it is.
    #[error(transparent)]
    Log(#[from] TailError),
    /// The system refused.
    #[error("open {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A log in a directory of this machine: an acknowledged record survives the loss of power.
#[derive(Debug)]
pub struct FileLog {
    dir: PathBuf,
    /// First records of all segments, ascending; the last one is written.
    firsts: Vec<Seq>,
    segment: Segment,
    head: Head,
    /// The next segment in the making.
    spare: Option<JoinHandle<io::Result<File>>>,
    /// The frame being written, kept for its space.
    frame: Vec<u8>,
    /// A write failed whose fate is unknown: nothing may be said of this log before it is reopened.
    broken: bool,
    _lock: StateLock,
}

/// The segment being written.
#[derive(Debug)]
struct Segment {
    file: File,
    path: PathBuf,
    capacity: u64,
    /// Where the next frame begins.
    end: u64,
    /// Up to here may lie bytes of a record that the full disk refused.
    remains_end: u64,
}

impl FileLog {
    /// Opens the log of a state directory, or begins one. A record whose write was cut short was
    /// never acknowledged and is removed.
    ///
    /// # Errors
    /// `Log` naming file and byte if a record that was complete is damaged.
    pub fn open(lock: &StateLock) -> Result<FileLog, OpenError> {
        let dir = lock.dir().join(DIR_NAME);
        let io = |source| failed(&dir, source);
        make_dir(&dir).map_err(io)?;
        let mut firsts = segment::list(&dir).map_err(io)?;
        if firsts.is_empty() {
            begin(&dir).map_err(io)?;
            firsts.push(Seq(1));
        } else {
            remove_spare(&dir).map_err(io)?;
        }
        let last = firsts.last().copied().unwrap_or_default();
        let (segment, head) = Segment::recover(&dir, last)?;
        File::open(&dir).and_then(|dir| dir.sync_all()).map_err(io)?;
        Ok(FileLog {
            dir,
            firsts,
            segment,
            head,
            spare: None,
            frame: Vec::new(),
            broken: false,
            _lock: lock.clone(),
        })
    }

    pub(crate) fn head(&self) -> Result<Head, TailError> {
        if self.broken {
            let source = io::Error::other("an earlier write failed");
            return Err(TailError::Io { file: self.segment.path.clone(), source });
        }
        Ok(self.head)
    }

    pub(crate) fn tail(&self, from: Seq) -> Result<FileTail, TailError> {
        FileTail::open(&self.dir, &self.firsts, from, self.head()?.seq)
    }

    pub(crate) fn append(&mut self, record: &Record) -> Result<Seq, AppendError> {
        if self.broken {
            return Err(self.fatal(io::Error::other("an earlier write failed")));
        }
        self.head.admit(record)?;
        self.clear_remains()?;
        let frame_bytes = frame::frame_bytes(record.body.len()) as u64;
        if self.segment.end + frame_bytes > self.segment.capacity {
            self.begin_segment()?;
        }
        frame::encode(record, self.segment.end, &mut self.frame);
        let frame_end = self.segment.end + frame_bytes;
        self.segment.remains_end = frame_end;
        let written = self.segment.file.write_all_at(&self.frame, self.segment.end);
        written.map_err(|error| self.refused(error))?;
        // After a failed sync the system may call the pages clean although they never reached the
        // disk; a second sync would then succeed and lie.
        self.segment.file.sync_data().map_err(|error| self.fatal(error))?;
        let hash = frame::payload_hash(&self.frame);
        self.head = Head { seq: record.seq, epoch: record.epoch, hash };
        self.segment.end = frame::align(frame_end);
        self.segment.remains_end = self.segment.end;
        if self.segment.end > self.segment.capacity / 2 {
            self.prepare_spare();
        }
        Ok(record.seq)
    }

    /// Goes on in a new segment.
    fn begin_segment(&mut self) -> Result<(), AppendError> {
        let capacity = self.next_capacity();
        let prepared = self.spare.take().and_then(|thread| thread.join().ok());
        let file = match prepared {
            Some(Ok(file)) => Ok(file),
            // The disk may have been full when it was tried; now is another moment.
            _ => segment::create_spare(&self.dir).and_then(|file| segment::fill(file, capacity)),
        }
        .map_err(AppendError::Unavailable)?;
        let header = Header { base: self.head, capacity };
        let path =
            segment::name_spare(&self.dir, &file, header).map_err(AppendError::Unavailable)?;
        self.firsts.push(self.head.seq.next());
        let end = segment::HEADER_BYTES;
        self.segment = Segment { file, path, capacity, end, remains_end: end };
        let named = File::open(&self.dir).and_then(|dir| dir.sync_all());
        named.map_err(|error| self.fatal(error))
    }

    /// Starts to make the next segment while there is still room in this one. Its file is created
    /// here and only filled by the thread, so that no thread left behind can touch a later spare.
    fn prepare_spare(&mut self) {
        if self.spare.is_some() {
            return;
        }
        let capacity = self.next_capacity();
        // A failure is no loss: the segment is then made when it is needed.
        if let Ok(file) = segment::create_spare(&self.dir) {
            let thread = std::thread::Builder::new().name("journal-spare".to_owned());
            self.spare = thread.spawn(move || segment::fill(file, capacity)).ok();
        }
    }

    fn next_capacity(&self) -> u64 {
        (self.segment.capacity * 2).clamp(CAPACITY_BYTES_MIN, CAPACITY_BYTES_MAX)
    }

    /// Removes what a full disk left of a refused record: a shorter one in its place would
    /// otherwise be followed by bytes that look like damage.
    fn clear_remains(&mut self) -> Result<(), AppendError> {
        let Segment { end, remains_end, .. } = self.segment;
        if remains_end > end {
            let file = &self.segment.file;
            let cleared = segment::zero(file, end, remains_end).and_then(|()| file.sync_data());
            cleared.map_err(|error| self.refused(error))?;
            self.segment.remains_end = end;
        }
        Ok(())
    }

    /// A full disk refuses a write but does no harm; any other error leaves the file unknown.
    fn refused(&mut self, error: io::Error) -> AppendError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                AppendError::Unavailable(error)
            }
            _ => self.fatal(error),
        }
    }

    fn fatal(&mut self, source: io::Error) -> AppendError {
        self.broken = true;
        AppendError::Io { file: self.segment.path.clone(), source }
    }
}

impl Segment {
    /// Reads the last segment to its end, removes a torn record and makes the last whole one
    /// durable.
    fn recover(dir: &Path, first: Seq) -> Result<(Segment, Head), OpenError> {
        let mut reader = Reader::open(dir, first)?;
        let path = reader.path.clone();
        let mut head = reader.header.base;
        let mut last = None;
        loop {
            let offset = reader.offset;
            let step = reader.step().map_err(|error| failed(&path, error))?;
            let Step::Record(record, hash) = step else { break };
            head.check(&record, || (path.clone(), offset))?;
            head = Head { seq: record.seq, epoch: record.epoch, hash };
            last = Some((record, offset));
        }
        let Reader { header, offset: end, .. } = reader;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| failed(&path, error))?;
        let segment = Segment { file, path, capacity: header.capacity, end, remains_end: end };
        segment.cut_torn()?;
        segment.rewrite(last).map_err(|error| failed(&segment.path, error))?;
        Ok((segment, head))
    }

    /// Restores the zeros after the last whole record.
    fn cut_torn(&self) -> Result<(), OpenError> {
        let io = |error| failed(&self.path, error);
        let file_end = self.file.metadata().map_err(io)?.len();
        let rest = self.rest(file_end).map_err(io)?;
        if !rest.is_empty() {
            if let Err(what) = frame::judge_torn(&rest, self.end, file_end) {
                let damage = Damage { file: self.path.clone(), offset: self.end, what };
                return Err(OpenError::Log(TailError::Corrupt(damage)));
            }
            segment::zero(&self.file, self.end, self.end + rest.len() as u64).map_err(io)?;
        }
        if file_end < self.capacity {
            segment::zero(&self.file, file_end.max(self.end), self.capacity).map_err(io)?;
        }
        Ok(())
    }

    /// What lies after the last whole record, up to the last byte that is not zero.
    fn rest(&self, file_end: u64) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        let mut zero_count = 0;
        let mut chunk = vec![0; 1 << 16];
        let mut at = self.end;
        while at < file_end {
            let read = self.file.read_at(&mut chunk, at)?;
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

    /// Writes the last record once more. Its append may have failed in a process before this one,
    /// with pages that look clean but are not on the disk; all others were followed by an
    /// acknowledged one.
    fn rewrite(&self, last: Option<(Record, u64)>) -> io::Result<()> {
        if let Some((record, offset)) = last {
            let mut bytes = Vec::new();
            frame::encode(&record, offset, &mut bytes);
            self.file.write_all_at(&bytes, offset)?;
        }
        self.file.sync_data()
    }
}

fn failed(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_path_buf(), source }
}

/// Makes the first segment of a new log.
fn begin(dir: &Path) -> io::Result<()> {
    let file = segment::create_spare(dir)?;
    segment::zero(&file, 0, CAPACITY_BYTES_MIN)?;
    let header = Header { base: Head::default(), capacity: CAPACITY_BYTES_MIN };
    segment::name_spare(dir, &file, header)?;
    Ok(())
}

fn remove_spare(dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(dir.join(segment::SPARE_NAME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::Epoch;

    fn log(state: &Path) -> FileLog {
        FileLog::open(&StateLock::acquire(state).unwrap()).unwrap()
    }

    fn device(name: &str) -> File {
        OpenOptions::new().read(true).write(true).open(name).unwrap()
    }

    /// `/dev/null` takes every write and cannot be synced.
    #[test]
    fn a_failed_sync_ends_the_log_until_it_is_reopened() {
        let state = tempfile::tempdir().unwrap();
        let mut log = log(state.path());
        let record = log.head.record(Epoch(1), 1, vec![1]);
        let file = std::mem::replace(&mut log.segment.file, device("/dev/null"));
        let failed = log.append(&record).unwrap_err();
        assert!(matches!(failed, AppendError::Io { .. }) && failed.is_fatal(), "{failed}");
        log.segment.file = file;
        assert!(log.append(&record).unwrap_err().is_fatal(), "no second try may succeed");
        assert!(log.head().is_err());
        assert!(log.tail(Seq(1)).is_err());
        drop(log);
        let mut log = self::log(state.path());
        log.append(&record).unwrap();
    }

    /// `/dev/full` refuses every write as a full disk does.
    #[test]
    fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
        let state = tempfile::tempdir().unwrap();
        let mut log = log(state.path());
        let first = log.head.record(Epoch(1), 1, vec![1; 100]);
        log.append(&first).unwrap();
        let second = log.head.record(Epoch(1), 2, vec![2; 5_000]);
        let file = std::mem::replace(&mut log.segment.file, device("/dev/full"));
        assert!(matches!(log.append(&second).unwrap_err(), AppendError::Unavailable(_)));
        assert!(matches!(log.append(&second).unwrap_err(), AppendError::Unavailable(_)));
        assert_eq!(log.head().unwrap(), Head::of(&first), "reading goes on");
        // What a disk that fills up during the write leaves behind: the frame's first page.
        frame::encode(&second, log.segment.end, &mut log.frame);
        file.write_all_at(&log.frame[..4_000], log.segment.end).unwrap();
        log.segment.file = file;
        let shorter = log.head.record(Epoch(1), 3, vec![3; 10]);
        log.append(&shorter).unwrap();
        drop(log);
        let log = self::log(state.path());
        let read: Vec<_> = log.tail(Seq(1)).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(read, [first, shorter]);
    }

    /// The segment is made when it is needed if it could not be made ahead.
    #[test]
    fn a_spare_that_failed_is_made_again() {
        let state = tempfile::tempdir().unwrap();
        let mut log = log(state.path());
        let failing = || Err(io::Error::from(io::ErrorKind::StorageFull));
        log.spare = Some(std::thread::spawn(failing));
        for _ in 0..8 {
            let record = log.head.record(Epoch(1), 1, vec![1; 200_000]);
            log.append(&record).unwrap();
        }
        assert_eq!(log.firsts.len(), 2);
        assert_eq!(log.segment.capacity, 2 * CAPACITY_BYTES_MIN);
    }
}
