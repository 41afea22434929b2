//! Damage to the chunks of a WebP: their sizes, their kinds and the head of the bit stream.

use super::bytes::places;
use super::damage::Mutator;

const KINDS: &[&[u8]] =
    &[b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"XMP "];
/// `RIFF`, size, `WEBP`.
const CHUNKS_START: usize = 12;
/// Where a bit stream says its dimensions and transforms.
const STREAM_HEAD_BYTES: usize = 32;

pub(super) fn damage(mutator: &mut Mutator, webp: &mut Vec<u8>) {
    let found: Vec<usize> = KINDS.iter().flat_map(|kind| places(webp, kind)).collect();
    let Some(chunk) = mutator.pick(&found) else { return };
    match mutator.below(6) {
        0 => mutator.number(webp, 4),
        1 if chunk + 4 < webp.len() => mutator.number(webp, chunk + 4),
        2 => {
            let kind = mutator.pick(KINDS).unwrap_or_default();
            webp[chunk..chunk + 4].copy_from_slice(kind);
        }
        3 => {
            let again = webp[CHUNKS_START.min(webp.len())..].to_vec();
            webp.extend(again);
        }
        _ => {
            let at = chunk + 8 + mutator.below(STREAM_HEAD_BYTES);
            if at < webp.len() {
                mutator.number(webp, at);
            }
        }
    }
    // Mostly the file as a whole has the size that it says.
    if mutator.below(4) > 0 && webp.len() >= 8 {
        let size = (webp.len() as u32 - 8).to_le_bytes();
        webp[4..8].copy_from_slice(&size);
    }
}
