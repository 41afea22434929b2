//! A shard as it is stored: one blob, whose name vouches for its bytes.
//!
//! Version u8; then each row as its length (LEB128, 1 to 5 bytes) and its compact JSON; then a
//! zero and the number of rows (u64, little-endian). Rows lie in the order of their files.

use std::io::{self, Write};
use thiserror::Error;
use windlass_core::limits::RECORD_SHARD_BYTES_MAX;

const SHARD_VERSION: u8 = 1;
/// The zero and the number of rows.
const END_BYTES: usize = 1 + 8;

/// A stored shard that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ShardFault {
    /// Written by another version.
    #[error("shard format {0} is not known to this version of windlass; use a newer one")]
    Version(u8),
    /// The bytes end, or go on, where they should not.
    #[error("shard is damaged at byte {0}")]
    Damaged(usize),
    /// Positions would not fit.
    #[error("shard of {0} bytes is too large")]
    TooLarge(usize),
}

/// Writes a shard row by row.
#[derive(Debug)]
pub struct ShardWriter<W> {
    sink: W,
    size: u64,
    row_count: u64,
}

impl<W: Write> ShardWriter<W> {
    /// Begins a shard.
    ///
    /// # Errors
    /// The sink's own.
    pub fn new(mut sink: W) -> io::Result<ShardWriter<W>> {
        sink.write_all(&[SHARD_VERSION])?;
        Ok(ShardWriter { sink, size: 1, row_count: 0 })
    }

    /// Whether one more row of so many bytes fits.
    #[must_use]
    pub fn fits(&self, row_bytes: usize) -> bool {
        self.size + row_bytes as u64 + 5 + END_BYTES as u64 <= RECORD_SHARD_BYTES_MAX
    }

    /// Appends a row: a JSON object in compact form, which is never empty.
    ///
    /// # Errors
    /// The sink's own.
    pub fn push(&mut self, row: &[u8]) -> io::Result<()> {
        let mut length = [0; 5];
        let count = write_length(row.len(), &mut length);
        self.sink.write_all(&length[..count])?;
        self.sink.write_all(row)?;
        self.size += (count + row.len()) as u64;
        self.row_count += 1;
        Ok(())
    }

    /// Ends the shard; returns the sink, the shard's length in bytes and its number of rows.
    ///
    /// # Errors
    /// The sink's own.
    pub fn finish(mut self) -> io::Result<(W, u64, u64)> {
        self.sink.write_all(&[0])?;
        self.sink.write_all(&self.row_count.to_le_bytes())?;
        Ok((self.sink, self.size + END_BYTES as u64, self.row_count))
    }
}

fn write_length(mut length: usize, out: &mut [u8; 5]) -> usize {
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            return index + 1;
        }
        *byte |= 0x80;
    }
    out.len()
}

/// The rows of a stored shard, one after another; ends with the first fault.
#[derive(Clone, Debug)]
pub struct ShardRows<'a> {
    bytes: &'a [u8],
    at: usize,
    row_count: u64,
    is_done: bool,
}

impl<'a> ShardRows<'a> {
    /// Looks at the version.
    ///
    /// # Errors
    /// `Version`, `TooLarge`, or `Damaged` where there is nothing.
    pub fn new(bytes: &'a [u8]) -> Result<ShardRows<'a>, ShardFault> {
        match bytes.first() {
            None => Err(ShardFault::Damaged(0)),
            Some(_) if bytes.len() as u64 > RECORD_SHARD_BYTES_MAX => {
                Err(ShardFault::TooLarge(bytes.len()))
            }
            Some(&SHARD_VERSION) => Ok(ShardRows { bytes, at: 1, row_count: 0, is_done: false }),
            Some(&version) => Err(ShardFault::Version(version)),
        }
    }

    fn read(&mut self) -> Option<Option<(u32, &'a [u8])>> {
        let start = self.at;
        let (row, end) = row_at(self.bytes, start)?;
        if row.is_empty() {
            return (self.bytes[end..] == self.row_count.to_le_bytes()).then_some(None);
        }
        self.at = end;
        self.row_count += 1;
        Some(Some((u32::try_from(start).ok()?, row)))
    }
}

/// The row that begins, with its length, at this position, and the position behind it; empty for
/// the zero at the end.
pub(crate) fn row_at(bytes: &[u8], start: usize) -> Option<(&[u8], usize)> {
    let (length, header_bytes) = read_length(bytes.get(start..)?)?;
    let start = start + header_bytes;
    let end = start.checked_add(length)?;
    Some((bytes.get(start..end)?, end))
}

fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // A length has one spelling: its last byte is not a zero too many.
            return (byte != 0 || index == 0).then_some((length, index + 1));
        }
    }
    None
}

/// Where each row begins with its length, and its bytes.
impl<'a> Iterator for ShardRows<'a> {
    type Item = Result<(u32, &'a [u8]), ShardFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        match self.read() {
            Some(Some(row)) => Some(Ok(row)),
            Some(None) => {
                self.is_done = true;
                None
            }
            None => {
                self.is_done = true;
                Some(Err(ShardFault::Damaged(self.at)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(rows: &[&[u8]]) -> Vec<u8> {
        let mut writer = ShardWriter::new(Vec::new()).expect("memory");
        rows.iter().for_each(|row| writer.push(row).expect("memory"));
        let (bytes, size, row_count) = writer.finish().expect("memory");
        assert_eq!((size, row_count), (bytes.len() as u64, rows.len() as u64));
        bytes
    }

    fn rows(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ShardFault> {
        ShardRows::new(bytes)?.map(|row| row.map(|(_, row)| row.to_vec())).collect()
    }

    #[test]
    fn rows_come_back_in_their_order() {
        let long = vec![b'x'; 70_000];
        let all: [&[u8]; 4] = [b"{}", &long, &long[..127], &long[..128]];
        assert_eq!(rows(&shard(&all)).expect("reads"), all);
        assert_eq!(rows(&shard(&[])).expect("reads"), Vec::<Vec<u8>>::new());
        let bytes = shard(&all);
        for row in ShardRows::new(&bytes).expect("reads") {
            let (start, row) = row.expect("reads");
            assert_eq!(row_at(&bytes, start as usize).map(|(row, _)| row), Some(row));
        }
    }

    #[test]
    fn the_first_format_is_read_for_ever() {
        let bytes = b"\x01\x0f{\"name\":\"alice\"\x02{}\x00\x02\0\0\0\0\0\0\0";
        assert_eq!(rows(bytes).expect("reads"), [b"{\"name\":\"alice\"".as_slice(), b"{}"]);
        assert_eq!(shard(&[b"{\"name\":\"alice\"", b"{}"]), bytes);
    }

    #[test]
    fn every_cut_and_every_byte_too_many_is_noticed() {
        let bytes = shard(&[b"{\"a\":1}", b"{}"]);
        for length in 0..bytes.len() {
            assert!(rows(&bytes[..length]).is_err(), "cut at {length}");
        }
        assert!(rows(&[bytes.as_slice(), b"\0"].concat()).is_err());
        assert_eq!(rows(b"\x02"), Err(ShardFault::Version(2)));
        assert!(rows(b"\x01\xff\xff\xff\xff\xff\x7f").is_err());
        // The length 2, spelled with a byte too many.
        assert!(rows(b"\x01\x82\x00{}\x00\x01\0\0\0\0\0\0\0").is_err());
    }
}
