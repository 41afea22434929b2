//! Compressed streams that unpack to more than any document needs are found before that happens.
//!
//! The PDF's bytes are searched for streams, whatever its tables say, and what could pass the limit
//! is unpacked piece by piece into nothing.

use flate2::read::ZlibDecoder;
use memchr::memmem;
use std::io::{Read, copy, sink};

/// One stream, unpacked; a dense map page has 50 MB. Six bytes of drawing make a path element of
/// 56, so this much becomes 780 MB at worst, less than half of the address space.
pub(super) const STREAM_BYTES_MAX: u64 = 80 << 20;
/// Deflate packs 1,032 bytes into one at best (RFC 1951: a match of 258 bytes in two bits).
const RATIO_MAX: u64 = 1_032;
/// Filters upon filters that are followed; one is usual.
const LAYER_COUNT_MAX: usize = 4;
/// How far before its data a stream's dictionary is looked for.
const DICTIONARY_BYTES_MAX: usize = 1_024;

/// Whether some stream unpacks to more than [`STREAM_BYTES_MAX`].
pub(super) fn holds_bomb(pdf: &[u8]) -> bool {
    let end_finder = memmem::Finder::new(b"endstream");
    let mut position = 0;
    for found in memmem::find_iter(pdf, b"stream") {
        // Matches inside data that was looked at, and the ends of streams.
        if found < position || pdf[..found].ends_with(b"end") {
            continue;
        }
        let data = &pdf[found + b"stream".len()..];
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let data = data.strip_prefix(b"\n").unwrap_or(data);
        let data = &data[..end_finder.find(data).unwrap_or(data.len())];
        position = found + data.len();
        let head = &pdf[found.saturating_sub(DICTIONARY_BYTES_MAX)..found];
        let dictionary = &head[memmem::rfind(head, b"obj").unwrap_or(0)..];
        let layer_count = layer_count(dictionary);
        // Images are never unpacked here.
        let is_image = memmem::find(dictionary, b"/Image").is_some();
        let is_able = layer_count > 1 || data.len() as u64 * RATIO_MAX > STREAM_BYTES_MAX;
        if layer_count > 0 && !is_image && is_able && unpacks_too_far(data, layer_count) {
            return true;
        }
    }
    false
}

/// How often a stream's data is deflated.
fn layer_count(dictionary: &[u8]) -> usize {
    memmem::find_iter(dictionary, b"/FlateDecode").count()
        + memmem::find_iter(dictionary, b"/Fl ").count()
}

fn unpacks_too_far(data: &[u8], layer_count: usize) -> bool {
    (1..=layer_count.min(LAYER_COUNT_MAX)).any(|depth| {
        let mut reader: Box<dyn Read + '_> = Box::new(data);
        for _ in 0..depth {
            reader = Box::new(ZlibDecoder::new(reader));
        }
        let mut counted = reader.take(STREAM_BYTES_MAX + 1);
        // A damaged stream ends in an error; what came before it counts.
        let _ = copy(&mut counted, &mut sink());
        counted.limit() == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn packed(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn stream(filters: &str, data: &[u8]) -> Vec<u8> {
        let mut pdf = format!("%PDF-1.4\n1 0 obj\n<</Filter {filters}>>\nstream\n").into_bytes();
        pdf.extend_from_slice(data);
        pdf.extend_from_slice(b"\nendstream\nendobj\n");
        pdf
    }

    #[test]
    fn one_layer_and_two_are_seen_and_ordinary_streams_pass() {
        let zeros = vec![0; usize::try_from(STREAM_BYTES_MAX).unwrap() + 2];
        let once = packed(&zeros);
        assert!(holds_bomb(&stream("/FlateDecode", &once)));
        assert!(holds_bomb(&stream("[/FlateDecode /FlateDecode]", &packed(&once))));
        assert!(!holds_bomb(&stream("/FlateDecode", &packed(&zeros[..1 << 20]))));
        assert!(!holds_bomb(&stream("/FlateDecode", b"not deflated")));
    }
}
