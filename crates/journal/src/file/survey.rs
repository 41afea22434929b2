//! Reading a whole log without holding it: nothing is written or repaired, everything is told.
//!
//! Opening a log stops at the first damage; a survey goes on behind it, segment by segment.

use super::frame;
use super::segment::{self, Reader, Step};
use crate::engine::{Damage, Head, TailError};
use crate::record::Record;
use std::io;
use std::path::{Path, PathBuf};
use windlass_core::Seq;

/// What a log was found to hold.
#[derive(Debug, Default)]
pub struct Survey {
    /// Its segments, oldest first.
    pub segments: Vec<SegmentSurvey>,
    /// The last sound record.
    pub head: Head,
    /// Everything that is not as it was written; the first one makes the log unusable.
    pub damages: Vec<TailError>,
    /// What lies behind the last record: a write that was cut short, or is under way. It was never
    /// acknowledged, and the next start removes it.
    pub unfinished: Option<Damage>,
}

/// One file of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentSurvey {
    /// Where it lies.
    pub path: PathBuf,
    /// Its first record, by its name.
    pub first: Seq,
    /// Sound records in it.
    pub record_count: u64,
    /// Bytes used of it.
    pub used_bytes: u64,
    /// Bytes that it has.
    pub file_bytes: u64,
}

/// Reads the log of a state directory; every sound record is shown to `visit`, in order.
///
/// With `held`, another process may be writing: what lies behind the last record is then told as
/// unfinished, whatever it looks like.
///
/// # Errors
/// `Io` if the directory is there and cannot be read. Everything else is told in the survey.
pub fn survey(
    state: &Path,
    held: bool,
    visit: &mut dyn FnMut(Record),
) -> Result<Survey, TailError> {
    let dir = segment::dir(state);
    let firsts = match segment::list(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        firsts => firsts.map_err(|source| TailError::Io { file: dir.clone(), source })?,
    };
    let mut survey = Survey::default();
    // What the next segment must follow; unknown at the oldest one and behind damage.
    let mut before: Option<Head> = None;
    for (position, first) in firsts.iter().enumerate() {
        let mut reader = match Reader::open(&dir, *first) {
            Ok(reader) => reader,
            // Whoever holds the log has trimmed it meanwhile.
            Err(TailError::Io { source, .. })
                if held && position == 0 && source.kind() == io::ErrorKind::NotFound =>
            {
                continue;
            }
            Err(error) => {
                before = None;
                survey.damages.push(error);
                continue;
            }
        };
        if let Some(error) = before.and_then(|before| broken_joint(before, reader.header.base)) {
            survey.damages.push(error);
        }
        let is_last = position + 1 == firsts.len();
        before = survey.read_segment(&mut reader, *first, is_last, held, visit);
    }
    Ok(survey)
}

/// Why a segment that begins behind `base` does not follow the one that ends with `before`.
fn broken_joint(before: Head, base: Head) -> Option<TailError> {
    if base.seq != before.seq {
        let (expected, found) = (before.seq.next(), base.seq.next());
        return Some(TailError::Gap { expected, found });
    }
    (base != before).then(|| TailError::HashMismatch { seq: base.seq.next() })
}

impl Survey {
    /// Reads one segment; answers its end, unless there is damage before it.
    fn read_segment(
        &mut self,
        reader: &mut Reader,
        first: Seq,
        is_last: bool,
        held: bool,
        visit: &mut dyn FnMut(Record),
    ) -> Option<Head> {
        let mut head = reader.header.base;
        let mut record_count = 0;
        let ended = loop {
            let offset = reader.offset;
            match reader.step() {
                Ok(Step::Record(record, hash)) => {
                    if let Err(error) = head.check(&record, || (reader.path.clone(), offset)) {
                        break Err(error);
                    }
                    head = Head { seq: record.seq, epoch: record.epoch, hash };
                    record_count += 1;
                    visit(record);
                }
                Ok(Step::End) => break self.read_rest(reader, is_last, held),
                Ok(Step::Bad(_)) if is_last => break self.read_rest(reader, is_last, held),
                Ok(Step::Bad(what)) => break Err(reader.damage(what)),
                Err(source) => break Err(TailError::Io { file: reader.path.clone(), source }),
            }
        };
        self.segments.push(SegmentSurvey {
            path: reader.path.clone(),
            first,
            record_count,
            used_bytes: reader.offset,
            file_bytes: reader.file_bytes().unwrap_or(reader.offset),
        });
        if head.seq > self.head.seq {
            self.head = head;
        }
        match ended {
            Ok(()) => Some(head),
            Err(error) => {
                self.damages.push(error);
                None
            }
        }
    }

    /// Judges what lies behind the last whole record of a segment.
    fn read_rest(&mut self, reader: &Reader, is_last: bool, held: bool) -> Result<(), TailError> {
        let io = |source| TailError::Io { file: reader.path.clone(), source };
        let (rest, file_end) = reader.rest().map_err(io)?;
        if rest.is_empty() {
            return Ok(());
        }
        let damage = |what| Damage { file: reader.path.clone(), offset: reader.offset, what };
        if !is_last {
            return Err(TailError::Corrupt(damage("data follows the last record of a segment")));
        }
        match frame::judge_torn(&rest, reader.offset, file_end) {
            Ok(()) => self.unfinished = Some(damage("a write was cut short")),
            Err(what) if held => self.unfinished = Some(damage(what)),
            Err(what) => return Err(TailError::Corrupt(damage(what))),
        }
        Ok(())
    }
}
