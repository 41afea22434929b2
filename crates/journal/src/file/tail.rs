//! Reading the log in files: segment after segment, every record checked against the one before.

use super::segment::{Reader, Step};
use crate::engine::{Head, TailError};
use crate::record::Record;
use std::path::{Path, PathBuf};
use windlass_core::Seq;

/// The records of a log in files up to the head at the time of opening.
#[derive(Debug)]
pub(crate) struct FileTail {
    dir: PathBuf,
    /// Segments still to be opened, the next one last.
    segments: Vec<Seq>,
    reader: Option<Reader>,
    /// The record read last; `None` until the first segment tells what it follows.
    before: Option<Head>,
    from: Seq,
    until: Seq,
}

impl FileTail {
    pub(super) fn open(
        dir: &Path,
        firsts: &[Seq],
        from: Seq,
        until: Seq,
    ) -> Result<FileTail, TailError> {
        let from = from.max(Seq(1));
        if from > until.next() {
            return Err(TailError::Gap { expected: until.next(), found: from });
        }
        let start = firsts.partition_point(|first| *first <= from);
        if start == 0 {
            let first = firsts.first().copied().unwrap_or(until.next());
            return Err(TailError::Trimmed { first });
        }
        let segments = firsts[start - 1..].iter().rev().copied().collect();
        Ok(FileTail { dir: dir.to_path_buf(), segments, reader: None, before: None, from, until })
    }

    /// The next record from `from` on; `None` at the end.
    fn read(&mut self) -> Result<Option<Record>, TailError> {
        while self.from <= self.until && self.before.is_none_or(|head| head.seq < self.until) {
            let Some(reader) = &mut self.reader else {
                let first = self.segments.pop().expect("the loop ends before the segments do");
                self.reader = Some(Reader::open(&self.dir, first)?);
                continue;
            };
            // Where reading begins, the header tells what came before; later only what was read.
            let before = self.before.get_or_insert(reader.header.base);
            let offset = reader.offset;
            let step = reader.step();
            let file = &reader.path;
            match step.map_err(|source| TailError::Io { file: file.clone(), source })? {
                Step::Record(record, hash) => {
                    before.check(&record, || (file.clone(), offset))?;
                    *before = Head { seq: record.seq, epoch: record.epoch, hash };
                    if record.seq >= self.from {
                        return Ok(Some(record));
                    }
                }
                Step::End if self.segments.is_empty() => {
                    return Err(reader.damage("the log ends before its last record"));
                }
                Step::End => self.reader = None,
                Step::Bad(what) => return Err(reader.damage(what)),
            }
        }
        Ok(None)
    }
}

impl Iterator for FileTail {
    type Item = Result<Record, TailError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.until = Seq(0);
        }
        read.transpose()
    }
}
