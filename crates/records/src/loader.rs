//! Loading: files are read row by row, each row goes to the shard of its key, bad ones are told.

use crate::fault::{BadRow, LoadError, RowFault};
use crate::format::Format;
use crate::row::{find, key_text, write_compact};
use crate::rows::{Rows, SHOWN_CHARACTER_COUNT};
use crate::shard::ShardWriter;
use std::io::{self, Read, Write};
use std::path::Path;
use windlass_core::limits::RECORD_BAD_ROW_COUNT_MAX;
use windlass_core::records::{FieldName, GroupName, RecordSet};

/// What came of a load.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Rows that are in the shards.
    pub row_count: u64,
    /// Rows that were left out.
    pub bad_row_count: u64,
    /// The first of these, as they were found.
    pub bad_rows: Vec<BadRow>,
    /// Indexed fields that no row in the shards has, in the set's order.
    pub absent_fields: Vec<FieldName>,
}

/// A shard that is written.
#[derive(Debug)]
pub struct StoredRows<W> {
    /// Whose.
    pub group: GroupName,
    /// Where it was written.
    pub sink: W,
    /// Its length in bytes.
    pub size: u64,
    /// Its number of rows.
    pub row_count: u64,
}

/// Reads files into the shards of one record set; memory holds one row at a time.
#[derive(Debug)]
pub struct Loader<'a, W> {
    set: &'a RecordSet,
    /// In the order of the set's shards.
    writers: Vec<ShardWriter<W>>,
    report: Report,
    compact: Vec<u8>,
}

impl<'a, W: Write> Loader<'a, W> {
    /// Begins a shard for each group, in the sink that `sink_of` makes for it. Sinks should gather
    /// small writes.
    ///
    /// # Errors
    /// `Write`
    pub fn new(
        set: &'a RecordSet,
        mut sink_of: impl FnMut(&GroupName) -> io::Result<W>,
    ) -> Result<Loader<'a, W>, LoadError> {
        let mut begin = |group: &GroupName| {
            let writer = sink_of(group).and_then(ShardWriter::new);
            writer.map_err(|source| LoadError::Write { group: group.clone(), source })
        };
        let shards = set.shards.as_slice().iter();
        let writers = shards.map(|shard| begin(&shard.group)).collect::<Result<_, _>>()?;
        let report = Report { absent_fields: set.indexed.clone(), ..Report::default() };
        Ok(Loader { set, writers, report, compact: Vec::new() })
    }

    /// Reads a file to its end. `file` is what messages call it; `format` is told by its name
    /// where that promises one, else by its first bytes.
    ///
    /// # Errors
    /// `Read`, `Broken`, `Write`, `TooLarge`: the load cannot go on.
    pub fn load(
        &mut self,
        file: &Path,
        format: Option<Format>,
        input: impl Read,
    ) -> Result<(), LoadError> {
        let failed = LoadError::of_file(file);
        let mut rows = Rows::open(file, format, input).map_err(&failed)?;
        rows.check_field(&self.set.key).map_err(&failed)?;
        while let Some((line, row)) = rows.next().map_err(&failed)? {
            self.take(file, line, row)?;
        }
        Ok(())
    }

    /// What came of the files so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Ends the shards, in the order of their ranges. Whoever wants no bad rows at all looks at the
    /// report before and lets nothing of this be known.
    ///
    /// # Errors
    /// `Write`
    pub fn finish(self) -> Result<(Vec<StoredRows<W>>, Report), LoadError> {
        let groups = self.set.shards.as_slice().iter().map(|shard| &shard.group);
        let finish = |(group, writer): (&GroupName, ShardWriter<W>)| {
            let group = group.clone();
            match writer.finish() {
                Ok((sink, size, row_count)) => Ok(StoredRows { group, sink, size, row_count }),
                Err(source) => Err(LoadError::Write { group, source }),
            }
        };
        let shards = groups.zip(self.writers).map(finish).collect::<Result<_, _>>()?;
        Ok((shards, self.report))
    }

    /// Puts a row where it belongs, or among the bad ones.
    fn take(
        &mut self,
        file: &Path,
        line: u64,
        row: Result<&[u8], RowFault>,
    ) -> Result<(), LoadError> {
        match row.and_then(|row| self.place(row)) {
            Ok(shard) => self.write(shard),
            Err(fault) => {
                self.report.bad_row_count += 1;
                if self.report.bad_rows.len() < RECORD_BAD_ROW_COUNT_MAX {
                    let file = file.to_owned();
                    self.report.bad_rows.push(BadRow { file, line, fault });
                }
                Ok(())
            }
        }
    }

    /// Makes the row compact and finds its shard.
    fn place(&mut self, row: &[u8]) -> Result<usize, RowFault> {
        let absent = &mut self.report.absent_fields;
        let mut fields = vec![self.set.key.as_str()];
        fields.extend(absent.iter().map(FieldName::as_str));
        let found = find(row, &fields)?;
        let key = key_text(found[0], &self.set.key)?;
        let shard = self.set.shards.of(&key).ok_or_else(|| RowFault::OutsideRanges {
            key: key.chars().take(SHOWN_CHARACTER_COUNT).collect(),
        })?;
        self.compact.clear();
        write_compact(row, &mut self.compact)?;
        let mut found = found[1..].iter();
        absent.retain(|_| found.next().is_none_or(Option::is_none));
        Ok(shard)
    }

    fn write(&mut self, shard: usize) -> Result<(), LoadError> {
        let group = || self.set.shards.as_slice()[shard].group.clone();
        let writer = &mut self.writers[shard];
        if !writer.fits(self.compact.len()) {
            return Err(LoadError::TooLarge { group: group() });
        }
        let written = writer.push(&self.compact);
        written.map_err(|source| LoadError::Write { group: group(), source })?;
        self.report.row_count += 1;
        Ok(())
    }
}
