//! A word too long to be kept: it is counted under a shortened name.

/// How much of a shortened word is shown.
const WORD_START_BYTES: usize = 64;

/// A word above `WORD_BYTES_MAX`, seen piece by piece.
#[derive(Default)]
pub(crate) struct LongWord {
    start: Vec<u8>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl LongWord {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let missing = WORD_START_BYTES - self.start.len();
        self.start.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Its start, its length and its hash.
    pub(crate) fn name(&self) -> String {
        let start = self.start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let hash = self.hasher.finalize().to_hex();
        format!("{start}… ({} bytes, blake3 {})", self.bytes, &hash[..16])
    }
}
