//! A record: one durable batch of entries, chained to the one before it.
//!
//! The encoding is fixed (little endian): epoch u32, seq u64, id u128, hash of the record before
//! u64, body. The chain's hash runs over exactly these bytes, whatever engine stores them.

use windlass_core::limits::RECORD_BYTES_MAX;
use windlass_core::{Epoch, Seq};
use xxhash_rust::xxh3::Xxh3;

/// Bytes of a record's encoding before its body.
pub(crate) const RECORD_HEADER_BYTES: usize = 4 + 8 + 16 + 8;

/// One durable batch of entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its position: dense, the first is 1.
    pub seq: Seq,
    /// The reign that wrote it.
    pub epoch: Epoch,
    /// The writer's name for it, by which the writer knows it again after an unknown answer.
    pub id: u128,
    /// [`Record::hash`] of the record before it, 0 for the first.
    pub prev_hash: u64,
    /// The entries, at most [`RECORD_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

impl Record {
    /// XXH3 (64 bit) of the encoded header and body: what the next record carries as `prev_hash`.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        hasher.update(&self.header());
        hasher.update(&self.body);
        hasher.digest()
    }

    /// The encoding without the body.
    pub(crate) fn header(&self) -> [u8; RECORD_HEADER_BYTES] {
        let mut header = [0; RECORD_HEADER_BYTES];
        header[..4].copy_from_slice(&self.epoch.0.to_le_bytes());
        header[4..12].copy_from_slice(&self.seq.0.to_le_bytes());
        header[12..28].copy_from_slice(&self.id.to_le_bytes());
        header[28..].copy_from_slice(&self.prev_hash.to_le_bytes());
        header
    }

    /// The record that these bytes encode; `None` if they are too few or the body is too long.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Record> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (prev_hash, body) = rest.split_first_chunk()?;
        (body.len() <= RECORD_BYTES_MAX).then(|| Record {
            seq: Seq(u64::from_le_bytes(*seq)),
            epoch: Epoch(u32::from_le_bytes(*epoch)),
            id: u128::from_le_bytes(*id),
            prev_hash: u64::from_le_bytes(*prev_hash),
            body: body.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(record: &Record) -> Vec<u8> {
        [record.header().as_slice(), &record.body].concat()
    }

    proptest! {
        #[test]
        fn encoding_round_trips(
            seq: u64, epoch: u32, id: u128, prev_hash: u64, body in any::<Vec<u8>>()
        ) {
            let record = Record { seq: Seq(seq), epoch: Epoch(epoch), id, prev_hash, body };
            let bytes = encode(&record);
            prop_assert_eq!(record.hash(), xxhash_rust::xxh3::xxh3_64(&bytes));
            prop_assert_eq!(Record::decode(&bytes), Some(record));
        }

        #[test]
        fn decoding_never_panics(bytes in any::<Vec<u8>>()) {
            let decoded = Record::decode(&bytes);
            prop_assert_eq!(decoded.is_some(), bytes.len() >= RECORD_HEADER_BYTES);
        }
    }

    /// The encoding is a stored format: this hash may change only with the format's version.
    #[test]
    fn hash_is_pinned() {
        let body = b"windlass".to_vec();
        let record = Record { seq: Seq(7), epoch: Epoch(2), id: 3, prev_hash: 5, body };
        assert_eq!(record.hash(), 1_529_128_222_286_154_062);
    }
}
