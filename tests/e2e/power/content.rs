//! What lies on a disk.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 4_096;

/// The bytes of a disk by blocks, those never written read as zeros. A copy shares what is equal.
#[derive(Clone, Default)]
pub(crate) struct Content {
    blocks: BTreeMap<u64, Arc<[u8; BLOCK_BYTES]>>,
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Content {
        let mut content = Content::default();
        for (index, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
            if block.iter().any(|byte| *byte != 0) {
                content.write((index * BLOCK_BYTES) as u64, block);
            }
        }
        content
    }

    pub(crate) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for (block, within, part) in pieces(offset, length) {
            if let Some(block) = self.blocks.get(&block) {
                let length = part.len();
                bytes[part].copy_from_slice(&block[within..within + length]);
            }
        }
        bytes
    }

    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        for (block, within, part) in pieces(offset, bytes.len()) {
            let block = self.blocks.entry(block).or_insert_with(|| Arc::new([0; BLOCK_BYTES]));
            let length = part.len();
            Arc::make_mut(block)[within..within + length].copy_from_slice(&bytes[part]);
        }
    }

    /// Writes what is not zero into an empty file.
    pub(crate) fn save(&self, file: &std::fs::File) -> std::io::Result<()> {
        use std::os::unix::fs::FileExt;
        let mut blocks = self.blocks.iter();
        blocks.try_for_each(|(at, block)| file.write_all_at(&block[..], at * BLOCK_BYTES as u64))
    }
}

/// The blocks that a range touches: number, where in the block, and which part of the range.
fn pieces(
    offset: u64,
    length: usize,
) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let within = (at % BLOCK_BYTES as u64) as usize;
        let count = (BLOCK_BYTES - within).min(length - done);
        let part = done..done + count;
        done += count;
        (count > 0).then_some((at / BLOCK_BYTES as u64, within, part))
    })
}
