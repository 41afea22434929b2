//! Writing the log in files: opening after a crash, appending, going on to the next segment.

use super::frame;
use super::reserve::Reserve;
use super::segment::{self, CAPACITY_BYTES_MAX, CAPACITY_BYTES_MIN, Header, Reader, Step};
use super::tail::FileTail;
use crate::disk::{Disk, System, is_full, make_dir, remove_if_there};
use crate::engine::{AppendError, Damage, Head, Room, TailError, TrimError};
use crate::lock::StateLock;
use crate::record::Record;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use windlass_core::{Epoch, Seq};

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
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// First records of all segments, ascending; the last one is written.
    firsts: Vec<Seq>,
    segment: Segment,
    head: Head,
    spare: Option<Spare>,
    reserve: Reserve,
    /// The frame being written, kept for its space.
    frame: Vec<u8>,
    /// A write failed whose fate is unknown: nothing may be said of this log before it is reopened.
    broken: bool,
    _lock: StateLock,
}

/// The next segment in the making.
#[derive(Debug)]
struct Spare {
    capacity: u64,
    filled: Receiver<io::Result<File>>,
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
        FileLog::open_on(Arc::new(System), lock)
    }

    pub(super) fn open_on(disk: Arc<dyn Disk>, lock: &StateLock) -> Result<FileLog, OpenError> {
        let dir = segment::dir(lock.dir());
        let io = |source| failed(&dir, source);
        make_dir(&*disk, &dir).map_err(io)?;
        let mut firsts = segment::list(&dir).map_err(io)?;
        for leftover in [segment::SPARE_NAME, segment::NEW_RESERVE_NAME] {
            remove_if_there(&*disk, &dir.join(leftover)).map_err(io)?;
        }
        if firsts.is_empty() {
            begin(&*disk, &dir).map_err(io)?;
            firsts.push(Seq(1));
        }
        let last = firsts.last().copied().unwrap_or_default();
        let (segment, head) = Segment::recover(&*disk, &dir, last)?;
        disk.sync_dir(&dir).map_err(io)?;
        let mut reserve = Reserve::find(&dir);
        match reserve.restore(&*disk, &dir) {
            // Nothing but what makes room can be written then.
            Err(error) if is_full(&error) => {}
            restored => restored.map_err(io)?,
        }
        Ok(FileLog {
            disk,
            dir,
            firsts,
            segment,
            head,
            spare: None,
            reserve,
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

    /// The oldest record's position, or where the first one will be.
    pub(crate) fn first(&self) -> Seq {
        self.firsts.first().copied().unwrap_or(Seq(1))
    }

    pub(crate) fn tail(&self, from: Seq) -> Result<FileTail, TailError> {
        FileTail::open(&self.dir, &self.firsts, from, self.head()?.seq)
    }

    pub(crate) fn append(&mut self, record: &Record, room: Room) -> Result<Seq, AppendError> {
        if self.broken {
            return Err(self.fatal(io::Error::other("an earlier write failed")));
        }
        self.head.admit(record)?;
        if room == Room::Ordinary {
            let restored = self.reserve.restore(&*self.disk, &self.dir);
            restored.map_err(|error| self.refused(error))?;
        }
        self.clear_remains()?;
        let frame_bytes = frame::frame_bytes(record.body.len()) as u64;
        if self.segment.end + frame_bytes > self.segment.capacity {
            self.begin_segment(room)?;
        }
        frame::encode(record, self.segment.end, &mut self.frame);
        let frame_end = self.segment.end + frame_bytes;
        self.segment.remains_end = frame_end;
        let written = self.disk.write_at(&self.segment.file, &self.frame, self.segment.end);
        written.map_err(|error| self.refused(error))?;
        // After a failed sync the system may call the pages clean although they never reached the
        // disk; a second sync would then succeed and lie.
        self.disk.sync(&self.segment.file).map_err(|error| self.fatal(error))?;
        let hash = frame::payload_hash(&self.frame);
        self.head = Head { seq: record.seq, epoch: record.epoch, hash };
        self.segment.end = frame::align(frame_end);
        self.segment.remains_end = self.segment.end;
        if self.segment.end > self.segment.capacity / 2 {
            self.prepare_spare();
        }
        Ok(record.seq)
    }

    /// Removes the segments that hold no record behind `upto`; the one in use stays.
    pub(crate) fn trim(&mut self, upto: Seq, epoch: Epoch) -> Result<(), TrimError> {
        if self.broken {
            let source = io::Error::other("an earlier write failed");
            return Err(TrimError::Io { file: self.segment.path.clone(), source });
        }
        if epoch != self.head.epoch {
            return Err(TrimError::Fenced { head: self.head.seq });
        }
        while self.firsts.len() > 1 && self.firsts[1] <= upto.next() {
            let path = segment::path(&self.dir, self.firsts[0]);
            // One after the other, oldest first: whatever is cut short leaves a log without gaps.
            let removed = remove_if_there(&*self.disk, &path);
            removed
                .and_then(|()| self.disk.sync_dir(&self.dir))
                .map_err(|source| TrimError::Io { file: path, source })?;
            self.firsts.remove(0);
        }
        Ok(())
    }

    /// Goes on in a new segment.
    fn begin_segment(&mut self, room: Room) -> Result<(), AppendError> {
        let (name, file, capacity) = match self.take_spare() {
            Ok((file, capacity)) => (segment::SPARE_NAME, file, capacity),
            Err(error) if room == Room::Reserve && is_full(&error) && self.reserve.is_there => {
                let path = self.dir.join(segment::RESERVE_NAME);
                let file = self.disk.open(&path).map_err(|error| self.refused(error))?;
                (segment::RESERVE_NAME, file, CAPACITY_BYTES_MIN)
            }
            Err(error) => return Err(self.refused(error)),
        };
        let header = Header { base: self.head, capacity };
        let path = segment::name(&*self.disk, &self.dir, name, &file, header)
            .map_err(|error| self.refused(error))?;
        if name == segment::RESERVE_NAME {
            self.reserve.is_there = false;
        }
        self.firsts.push(self.head.seq.next());
        let end = segment::HEADER_BYTES;
        self.segment = Segment { file, path, capacity, end, remains_end: end };
        self.disk.sync_dir(&self.dir).map_err(|error| self.fatal(error))
    }

    /// A filled file for the next segment: the one made beside, else one made now, as large as the
    /// disk has room for.
    fn take_spare(&mut self) -> io::Result<(File, u64)> {
        if let Some(Spare { capacity, filled }) = self.spare.take()
            && let Ok(Ok(file)) = filled.recv()
        {
            return Ok((file, capacity));
        }
        let mut capacity = self.next_capacity();
        let path = self.dir.join(segment::SPARE_NAME);
        loop {
            let made = self.disk.create(&path);
            match made.and_then(|file| segment::fill(&*self.disk, file, capacity)) {
                Err(error) if is_full(&error) && capacity > CAPACITY_BYTES_MIN => capacity /= 2,
                made => return made.map(|file| (file, capacity)),
            }
        }
    }

    /// Starts to make the next segment while there is still room in this one. Its file is created
    /// here and only filled beside, so that nothing left behind can touch a later spare.
    fn prepare_spare(&mut self) {
        if self.spare.is_some() {
            return;
        }
        let capacity = self.next_capacity();
        // A failure is no loss: the segment is then made when it is needed.
        if let Ok(file) = self.disk.create(&self.dir.join(segment::SPARE_NAME)) {
            let (tell, filled) = sync_channel(1);
            let disk = Arc::clone(&self.disk);
            self.disk.beside(Box::new(move || {
                let _ = tell.send(segment::fill(&*disk, file, capacity));
            }));
            self.spare = Some(Spare { capacity, filled });
        }
    }

    /// What the log holds decides: a log that snapshots keep short has small segments however long
    /// it is written, and one that grows has few.
    fn next_capacity(&self) -> u64 {
        let capacity = match self.firsts.len() {
            0 | 1 => self.segment.capacity / 2,
            2 => self.segment.capacity,
            _ => self.segment.capacity * 2,
        };
        capacity.clamp(CAPACITY_BYTES_MIN, CAPACITY_BYTES_MAX)
    }

    /// Removes what a full disk left of a refused record: a shorter one in its place would
    /// otherwise be followed by bytes that look like damage.
    fn clear_remains(&mut self) -> Result<(), AppendError> {
        let Segment { end, remains_end, .. } = self.segment;
        if remains_end > end {
            let cleared = segment::zero(&*self.disk, &self.segment.file, end, remains_end);
            let synced = cleared.and_then(|()| self.disk.sync(&self.segment.file));
            synced.map_err(|error| self.refused(error))?;
            self.segment.remains_end = end;
        }
        Ok(())
    }

    /// A full disk refuses a write but does no harm; any other error leaves the file unknown.
    fn refused(&mut self, error: io::Error) -> AppendError {
        if is_full(&error) { AppendError::Unavailable(error) } else { self.fatal(error) }
    }

    fn fatal(&mut self, source: io::Error) -> AppendError {
        self.broken = true;
        AppendError::Io { file: self.segment.path.clone(), source }
    }
}

impl Segment {
    /// Reads the last segment to its end, removes a torn record and makes the last whole one
    /// durable.
    fn recover(disk: &dyn Disk, dir: &Path, first: Seq) -> Result<(Segment, Head), OpenError> {
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
        let file = disk.open(&path).map_err(|error| failed(&path, error))?;
        let segment = Segment { file, path, capacity: header.capacity, end, remains_end: end };
        segment.cut_torn(disk)?;
        segment.rewrite(disk, last).map_err(|error| failed(&segment.path, error))?;
        Ok((segment, head))
    }

    /// Restores the zeros after the last whole record.
    fn cut_torn(&self, disk: &dyn Disk) -> Result<(), OpenError> {
        let io = |error| failed(&self.path, error);
        let file_end = self.file.metadata().map_err(io)?.len();
        let rest = segment::rest(&self.file, self.end, file_end).map_err(io)?;
        if !rest.is_empty() {
            if let Err(what) = frame::judge_torn(&rest, self.end, file_end) {
                let damage = Damage { file: self.path.clone(), offset: self.end, what };
                return Err(OpenError::Log(TailError::Corrupt(damage)));
            }
            segment::zero(disk, &self.file, self.end, self.end + rest.len() as u64).map_err(io)?;
        }
        if file_end < self.capacity {
            segment::zero(disk, &self.file, file_end.max(self.end), self.capacity).map_err(io)?;
        }
        Ok(())
    }

    /// Writes the last record once more. Its append may have failed in a process before this one,
    /// with pages that look clean but are not on the disk; all others were followed by an
    /// acknowledged one.
    fn rewrite(&self, disk: &dyn Disk, last: Option<(Record, u64)>) -> io::Result<()> {
        if let Some((record, offset)) = last {
            let mut bytes = Vec::new();
            frame::encode(&record, offset, &mut bytes);
            disk.write_at(&self.file, &bytes, offset)?;
        }
        disk.sync(&self.file)
    }
}

fn failed(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_path_buf(), source }
}

/// Makes the first segment of a new log.
fn begin(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let file = disk.create(&dir.join(segment::SPARE_NAME))?;
    segment::zero(disk, &file, 0, CAPACITY_BYTES_MIN)?;
    let header = Header { base: Head::default(), capacity: CAPACITY_BYTES_MIN };
    segment::name(disk, dir, segment::SPARE_NAME, &file, header)?;
    Ok(())
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
