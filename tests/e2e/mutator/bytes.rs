//! What several formats need: places of a pattern, checksums, packed streams.

/// No mutant grows beyond this, so that a heap of them stays small.
pub(super) const MUTANT_BYTES_MAX: usize = 1 << 20;

/// All places of a pattern.
pub(super) fn places(bytes: &[u8], pattern: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(pattern.len()).enumerate();
    windows.filter(|(_, window)| *window == pattern).map(|(at, _)| at).collect()
}

/// The CRC-32 of PNG and ZIP.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(super) fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let reader = flate2::read::ZlibDecoder::new(packed);
    let mut limited = std::io::Read::take(reader, MUTANT_BYTES_MAX as u64);
    std::io::Read::read_to_end(&mut limited, &mut unpacked).ok()?;
    Some(unpacked)
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::fast();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
    std::io::Write::write_all(&mut encoder, bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
