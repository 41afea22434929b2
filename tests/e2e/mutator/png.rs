//! Damage to the chunks of a PNG, under right lengths and checksums.

use super::bytes::{crc32, deflate, inflate};
use super::damage::Mutator;

const SIGNATURE_BYTES: usize = 8;

/// Type and data of a chunk.
type Chunk = ([u8; 4], Vec<u8>);

pub(super) fn damage(mutator: &mut Mutator, png: &mut Vec<u8>) {
    let mut chunks = chunks(png);
    if chunks.is_empty() {
        return;
    }
    let index = mutator.below(chunks.len());
    match mutator.below(8) {
        0 => drop(chunks.remove(index)),
        1 => {
            let to = mutator.below(chunks.len());
            chunks.swap(index, to);
        }
        2 => {
            let again = chunks[index].clone();
            chunks.insert(index, again);
        }
        3 => {
            let lender = chunks[mutator.below(chunks.len())].1.clone();
            mutator.damage(&mut chunks[index].1, &lender);
        }
        4 => {
            let kinds = [b"IDAT", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"zTXt"];
            chunks[index].0 = *mutator.pick(&kinds).unwrap_or(b"IDAT");
        }
        5 | 6 => header(mutator, &mut chunks),
        _ => pixels(mutator, &mut chunks),
    }
    png.truncate(SIGNATURE_BYTES);
    for (kind, data) in &chunks {
        let checked = [kind.as_slice(), data].concat();
        let length = (data.len() as u32).to_be_bytes();
        png.extend([&length, checked.as_slice(), &crc32(&checked).to_be_bytes()].concat());
    }
}

/// Width, height, depth, colour type, compression, filter, interlacing.
fn header(mutator: &mut Mutator, chunks: &mut [Chunk]) {
    let Some((_, header)) = chunks.iter_mut().find(|(kind, _)| kind == b"IHDR") else { return };
    let at = mutator.below(header.len());
    match mutator.below(2) {
        0 => mutator.number(header, at),
        _ => {
            if let Some(byte) = header.get_mut(8 + mutator.below(5)) {
                *byte = [0, 1, 2, 3, 4, 6, 8, 16][mutator.below(8)];
            }
        }
    }
}

/// Damages the filtered rows, so that the stream of pixels still unpacks.
fn pixels(mutator: &mut Mutator, chunks: &mut [Chunk]) {
    let Some((_, data)) = chunks.iter_mut().find(|(kind, _)| kind == b"IDAT") else { return };
    if let Some(mut rows) = inflate(data) {
        let lender = rows.clone();
        mutator.damage(&mut rows, &lender);
        *data = deflate(&rows);
    }
}

fn chunks(png: &[u8]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = png.get(SIGNATURE_BYTES..).unwrap_or_default();
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(data) = body.get(..length) else { break };
        chunks.push((kind, data.to_vec()));
        rest = body.get(length + 4..).unwrap_or_default();
    }
    chunks
}
