//! Tells bare MPEG and AAC audio: streams without a file header, known by the rhythm of their
//! frames. One frame's mark is two bytes that occur anywhere; a second one where the first ends is
//! no chance.

use super::Media;

/// Bytes of an ID3v2 tag before its content, and of its footer.
const TAG_HEADER_BYTES: usize = 10;
/// Zero bytes that encoders leave before the first frame.
const PADDING_BYTES_MAX: usize = 4_096;

/// A file without a tag that begins with frames.
pub(super) fn kind(head: &[u8]) -> Option<Media> {
    let padding = head.iter().take(PADDING_BYTES_MAX).take_while(|byte| **byte == 0).count();
    frames(&head[padding..])
}

/// A file that begins with an ID3v2 tag: what follows it decides; where that lies beyond the head,
/// or is damaged, it is taken for what such tags are made for.
pub(super) fn tagged(head: &[u8]) -> Option<Media> {
    let &[b'I', b'D', b'3', 2..=4, minor, flags, s0, s1, s2, s3, ..] = head else { return None };
    let size = [s0, s1, s2, s3];
    if minor == 0xff || size.iter().any(|byte| *byte > 0x7f) {
        return None;
    }
    let length = size.iter().fold(0_usize, |length, byte| length << 7 | usize::from(*byte));
    let footer = if flags & 0x10 == 0 { 0 } else { TAG_HEADER_BYTES };
    let rest = head.get(TAG_HEADER_BYTES + length + footer..).unwrap_or_default();
    if rest.starts_with(b"fLaC") {
        return Some(Media::Flac);
    }
    Some(kind(rest).unwrap_or(Media::Mp3))
}

/// Whether a Windows Media file holds sound alone: its header names the type of each stream.
pub(super) fn is_windows(head: &[u8]) -> bool {
    // The identifiers end alike: ASF_Audio_Media and ASF_Video_Media.
    const END: [u8; 12] = *b"\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    let has = |start: [u8; 4]| {
        let wanted = [&start[..], &END].concat();
        super::sniff::find(head, &wanted).is_some()
    };
    has([0x40, 0x9e, 0x69, 0xf8]) && !has([0xc0, 0xef, 0x19, 0xbc])
}

/// Two frames in a row of one stream.
fn frames(bytes: &[u8]) -> Option<Media> {
    let mpeg = |bytes: &[u8]| bytes.first_chunk().and_then(|header| mpeg_frame(*header));
    let adts = |bytes: &[u8]| bytes.first_chunk().and_then(|header| adts_frame(*header));
    for (media, frame) in
        [(Media::Mp3, &mpeg as &dyn Fn(&[u8]) -> Option<Frame>), (Media::Aac, &adts)]
    {
        if let Some(first) = frame(bytes)
            && let Some(second) = bytes.get(first.length..).and_then(frame)
            && first.stream == second.stream
        {
            return Some(media);
        }
    }
    None
}

/// One frame as its header tells it.
struct Frame {
    /// Bytes to the next one.
    length: usize,
    /// What all frames of a stream share.
    stream: [u8; 2],
}

/// Kilobits a second by (low sampling rates?, layer, index), ISO 11172-3 and 13818-3; index 0
/// ("free") and 15 are not taken.
const KILOBITS: [[[usize; 16]; 3]; 2] = [
    [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
    ],
    [
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
    ],
];

/// An MPEG audio frame's header: 11 bits of sync, version, layer, bit rate, sampling rate, padding.
fn mpeg_frame(header: [u8; 4]) -> Option<Frame> {
    if header[0] != 0xff || header[1] & 0xe0 != 0xe0 {
        return None;
    }
    // Halvings of MPEG-1's sampling rate: 1 for MPEG-2, 2 for MPEG-2.5.
    let halvings = match header[1] >> 3 & 3 {
        0 => 2,
        2 => 1,
        3 => 0,
        _ => return None,
    };
    let layer = match header[1] >> 1 & 3 {
        1 => 3,
        2 => 2,
        3 => 1,
        _ => return None,
    };
    let rate = *[44_100_usize, 48_000, 32_000].get(usize::from(header[2] >> 2 & 3))? >> halvings;
    let low = usize::from(halvings > 0);
    let bits = KILOBITS[low][layer - 1][usize::from(header[2] >> 4)] * 1_000;
    let padding = usize::from(header[2] >> 1 & 1);
    let length = match layer {
        1 => (12 * bits / rate + padding) * 4,
        3 if low == 1 => 72 * bits / rate + padding,
        _ => 144 * bits / rate + padding,
    };
    // Bit 0 of the second byte says whether this frame has a checksum.
    (bits > 0).then_some(Frame { length, stream: [header[1] & 0xfe, header[2] & 0x0c] })
}

/// An ADTS frame's header: 12 bits of sync, layer 0, then profile, rate, channels and length.
fn adts_frame(header: [u8; 7]) -> Option<Frame> {
    const HEADER_BYTES: usize = 7;
    const RATE_INDEX_MAX: u8 = 12;
    if header[0] != 0xff || header[1] & 0xf6 != 0xf0 || header[2] >> 2 & 15 > RATE_INDEX_MAX {
        return None;
    }
    let [_, _, _, high, middle, low, _] = header.map(usize::from);
    let length = (high & 3) << 11 | middle << 3 | low >> 5;
    (length > HEADER_BYTES)
        .then_some(Frame { length, stream: [header[1] & 0xfe, header[2] & 0xfd] })
}
