//! What containers say beside their packets: whether they end, what is in them, why they are
//! refused.

use super::codecs::{CODINGS, DECODERS, named_in};
use super::shared::Shared;
use super::sound::{Facts, damaged, fill, rewind, unsupported, weights_of_mask};
use super::tags::Tags;
use crate::SourceReader;
use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_PCM_ALAW, CODEC_ID_PCM_MULAW};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, CODEC_ID_NULL_AUDIO};
use symphonia::core::errors::Error;
use symphonia::core::formats::Track;
use windlass_core::Failure;
use windlass_core::media::Media;

/// Whether a file of this kind ends before its own end, as far as that shows. The reader is at the
/// start again.
pub(super) fn ends_within(reader: &mut SourceReader, media: Media) -> Result<bool, Failure> {
    let ends_within = match media {
        Media::Aiff => form_ends_within(reader)?,
        Media::Ogg => stream_ends_within(reader)?,
        Media::M4a => box_ends_within(reader)?,
        _ => return Ok(false),
    };
    rewind(reader, 0)?;
    Ok(ends_within)
}

/// The form of an AIFF file says how long it is.
fn form_ends_within(reader: &mut SourceReader) -> Result<bool, Failure> {
    const HEAD_BYTES: u64 = 8;
    let mut head = [0; HEAD_BYTES as usize];
    if reader.size() < HEAD_BYTES {
        return Ok(true);
    }
    fill(reader, &mut head)?;
    let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    // Some programs count a byte that fills up to an even length, and leave it out.
    Ok(reader.size() + 1 < HEAD_BYTES + u64::from(length))
}

/// The boxes of an MPEG-4 file (ISO 14496-12) say how long they are; one of length 0 reaches to the
/// end.
fn box_ends_within(reader: &mut SourceReader) -> Result<bool, Failure> {
    /// There are a handful, or the many pieces of a stream.
    const BOX_COUNT_MAX: usize = 1_000;
    /// Of those with samples, and with where these are.
    const NAMES: [&[u8; 4]; 3] = [b"mdat", b"moov", b"moof"];
    let mut at = 0_u64;
    for _ in 0..BOX_COUNT_MAX {
        if reader.size() - at < 8 {
            return Ok(false);
        }
        let mut head = [0; 16];
        let head_bytes = if reader.size() - at < 16 { 8 } else { 16 };
        rewind(reader, at)?;
        fill(reader, &mut head[..head_bytes])?;
        let (short, long) =
            (u32::from_be_bytes(part(&head, 0)), u64::from_be_bytes(part(&head, 8)));
        let length = match short {
            0 => return Ok(false),
            1 => long,
            _ => u64::from(short),
        };
        at = at.saturating_add(length.max(8));
        if at >= reader.size() {
            // Behind the last box may be anything; what looks like the head of another is none.
            let is_whole = at == reader.size() || !NAMES.contains(&&part(&head, 4));
            return Ok(!is_whole);
        }
    }
    Ok(false)
}

/// So many bytes from there on.
fn part<const COUNT: usize>(bytes: &[u8], at: usize) -> [u8; COUNT] {
    std::array::from_fn(|index| bytes[at + index])
}

/// The last page of an Ogg stream (RFC 3533) is marked as the last.
fn stream_ends_within(reader: &mut SourceReader) -> Result<bool, Failure> {
    /// The longest page, and one more byte than its beginning may be away from the end.
    const PAGE_BYTES_MAX: u64 = 27 + 255 + 255 * 255;
    const END_OF_STREAM: u8 = 4;
    let start = reader.size().saturating_sub(PAGE_BYTES_MAX);
    rewind(reader, start)?;
    let mut end = vec![0; usize::try_from(reader.size() - start).unwrap_or(0)];
    fill(reader, &mut end)?;
    let last_page = memchr::memmem::rfind(&end, b"OggS").map(|at| &end[at..]);
    let Some(page) = last_page else { return Ok(true) };
    let lengths = page.get(26).and_then(|count| page.get(27..27 + usize::from(*count)));
    let Some(lengths) = lengths else { return Ok(true) };
    let content: usize = lengths.iter().map(|length| usize::from(*length)).sum();
    let is_whole = page.len() >= 27 + lengths.len() + content;
    Ok(!is_whole || page[5] & END_OF_STREAM == 0)
}

/// Refuses a CAF file that claims huge packets, before room for one is made.
pub(super) fn check_caf(reader: &mut SourceReader) -> Result<(), Failure> {
    const DESCRIPTION_END: usize = 52;
    // Codecs have up to 4,096 samples in a packet.
    const PACKET_MAX: u32 = 1 << 16;
    let mut head = [0; DESCRIPTION_END];
    if reader.size() < head.len() as u64 {
        return Err(damaged("it ends within its headers"));
    }
    fill(reader, &mut head)?;
    rewind(reader, 0)?;
    let number =
        |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (bytes, samples) = (number(36), number(40));
    if bytes > PACKET_MAX || samples > PACKET_MAX {
        return Err(damaged(format!(
            "it claims packets of {bytes} bytes and {samples} samples, and the limit is {PACKET_MAX}"
        )));
    }
    Ok(())
}

/// What names a format to those who go by names.
pub(super) fn extension(media: Media) -> Option<&'static str> {
    match media {
        Media::Wav => Some("wav"),
        Media::Mp3 => Some("mp3"),
        Media::Flac => Some("flac"),
        Media::Ogg => Some("ogg"),
        Media::M4a => Some("m4a"),
        Media::Aac => Some("aac"),
        Media::Aiff => Some("aiff"),
        Media::Caf => Some("caf"),
        _ => None,
    }
}

/// The first audio track whose codec is known here.
pub(super) fn decodable(tracks: &[Track]) -> Option<(&Track, &AudioCodecParameters)> {
    tracks.iter().find_map(|track| {
        let params = track.codec_params.as_ref()?.audio()?;
        DECODERS.get_audio_decoder(params.codec).map(|_| (track, params))
    })
}

/// Why no track can be decoded.
pub(super) fn no_codec(file: &Shared, media: Media, tracks: &[Track]) -> Failure {
    let params = tracks.iter().filter_map(|track| track.codec_params.as_ref()?.audio());
    let mut codecs = params.map(|params| params.codec).filter(|id| *id != CODEC_ID_NULL_AUDIO);
    let by_id = codecs.next().map(|id| {
        let known = CODINGS.iter().find(|(known, _)| *known == id);
        known.map_or_else(|| id.to_string(), |(_, name)| (*name).to_owned())
    });
    let name = by_id.or_else(|| named_in(&file.ends()).map(str::to_owned));
    unsupported(&name.unwrap_or_else(|| format!("of an unknown codec in {}", media.label())))
}

/// Why the container could not be opened.
pub(super) fn refused(file: &Shared, media: Media, error: &Error) -> Failure {
    if let Some(name) = named_in(&file.ends()) {
        return unsupported(name);
    }
    match error {
        // Where a file ends too early, which Symphonia takes for one of another kind.
        Error::Unsupported(what) if what.ends_with("missing moov atom") => {
            damaged("it has no table of contents, which stands at the end of most such files")
        }
        Error::Unsupported(what) if !what.starts_with("core (probe)") => {
            unsupported(&format!("in {} ({what})", media.label()))
        }
        Error::Unsupported(_) => damaged("no decoder finds its beginning"),
        Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            damaged("it ends within its headers")
        }
        error => damaged(error),
    }
}

/// Each channel's weight in the loudness.
pub(super) fn weights(channels: &Channels) -> Vec<f64> {
    // The positions' bits are those of WAV.
    let mask = match channels {
        Channels::Positioned(positions) => positions.bits(),
        _ => 0,
    };
    weights_of_mask(channels.count(), mask)
}

/// Whether samples are A-law's or mu-law's.
pub(super) fn is_companded(params: &AudioCodecParameters) -> bool {
    matches!(params.codec, CODEC_ID_PCM_ALAW | CODEC_ID_PCM_MULAW)
}

/// What the headers say; rate and channels come with the first packet.
pub(super) fn facts(
    media: Media,
    params: &AudioCodecParameters,
    decoder: &dyn AudioDecoder,
) -> Facts {
    let codec = CODINGS.iter().find(|(id, _)| *id == params.codec);
    let codec = codec.map_or_else(|| decoder.codec_info().long_name, |(_, name)| name);
    let is_exact = matches!(codec, "FLAC" | "ALAC") || codec.starts_with("PCM");
    let bits = params.bits_per_sample.filter(|bits| is_exact && (1..=64).contains(bits));
    let bits = if is_companded(params) { Some(8) } else { bits };
    let format = match media {
        Media::Wav => "WAV",
        Media::Mp3 => "MPEG audio",
        Media::Flac => "FLAC",
        Media::Ogg => "Ogg",
        Media::M4a => "MPEG-4",
        Media::Aac => "ADTS",
        Media::Aiff => "AIFF",
        Media::Caf => "CAF",
        _ => "unknown",
    };
    Facts {
        format,
        codec: codec.to_owned(),
        sample_rate: 0,
        channels: 0,
        sample_width: bits.map(|bits| bits.div_ceil(8)),
        bit_depth: bits,
        is_whole_number: is_exact && !codec.contains("float"),
        weights: Vec::new(),
        tags: Tags::default(),
    }
}
