//! Damage to the headers of sounds: lengths, counts and codings behind the marks of their parts.

use super::bytes::places;
use super::damage::Mutator;

/// What stands before numbers that decoders rely on, in all formats.
const MARKS: &[&[u8]] = &[
    b"RIFF",
    b"fmt ",
    b"data",
    b"LIST", // WAV
    b"FORM",
    b"COMM",
    b"SSND", // AIFF
    b"caff",
    b"desc",
    b"pakt",
    b"chan", // CAF
    b"fLaC",
    b"\xff\xf8",
    b"\xff\xf9", // FLAC and its frames
    b"ID3",
    b"TIT2",
    b"\xff\xfb",
    b"\xff\xf3",
    b"Xing",
    b"Info",
    b"LAME",     // MP3
    b"\xff\xf1", // ADTS
    b"ftyp",
    b"moov",
    b"mvhd",
    b"mdhd",
    b"stsd",
    b"mp4a",
    b"alac",
    b"esds",
    b"stts",
    b"stsc",
    b"stsz",
    b"stco",
    b"elst",
    b"ilst",
    b"mdat", // MPEG-4
    b"OggS",
    b"\x01vorbis",
    b"\x03vorbis",
    b"\x05vorbis", // Ogg
];
/// Bytes behind a mark that its numbers stand in.
const NUMBERS_BYTES: usize = 48;

pub(super) fn damage(mutator: &mut Mutator, sound: &mut [u8]) {
    let found: Vec<usize> = MARKS.iter().flat_map(|mark| places(sound, mark)).collect();
    let Some(mark) = mutator.pick(&found) else { return };
    // Some lengths stand before the mark.
    let at = (mark + mutator.below(NUMBERS_BYTES)).saturating_sub(4);
    if at < sound.len() {
        mutator.number(sound, at);
    }
}

/// The same in pages whose checksums are right, or the decoder would see none of it.
pub(super) fn damage_ogg(mutator: &mut Mutator, sound: &mut [u8]) {
    damage(mutator, sound);
    for page in places(sound, b"OggS") {
        let Some(count) = sound.get(page + 26).map(|count| usize::from(*count)) else { continue };
        let Some(lengths) = sound.get(page + 27..page + 27 + count) else { continue };
        let length = 27 + count + lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
        let Some(bytes) = sound.get_mut(page..page + length) else { continue };
        bytes[22..26].fill(0);
        let sum = checksum(bytes).to_le_bytes();
        bytes[22..26].copy_from_slice(&sum);
    }
}

/// The CRC-32 of Ogg (RFC 3533): polynomial 0x04c11db7, not reflected, from 0.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc: u32, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 }
        })
    })
}
