//! Codecs by name: those that are decoded here, and those that are refused by it.

use super::opus::{Opus, has_places};
use std::sync::LazyLock;
use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::registry::CodecRegistry;

/// All decoders.
pub(super) static DECODERS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut decoders = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut decoders);
    decoders.register_audio_decoder::<Opus>();
    decoders
});

/// What users call a codec.
pub(super) const CODINGS: &[(AudioCodecId, &str)] = &[
    (CODEC_ID_MP1, "MPEG layer I"),
    (CODEC_ID_MP2, "MPEG layer II"),
    (CODEC_ID_MP3, "MP3"),
    (CODEC_ID_AAC, "AAC"),
    (CODEC_ID_ALAC, "ALAC"),
    (CODEC_ID_FLAC, "FLAC"),
    (CODEC_ID_VORBIS, "Vorbis"),
    (CODEC_ID_ADPCM_MS, "ADPCM (Microsoft)"),
    (CODEC_ID_ADPCM_IMA_WAV, "ADPCM (IMA)"),
    (CODEC_ID_ADPCM_IMA_QT, "ADPCM (IMA, QuickTime)"),
    (CODEC_ID_PCM_S8, "PCM"),
    (CODEC_ID_PCM_U8, "PCM unsigned"),
    (CODEC_ID_PCM_S16LE, "PCM"),
    (CODEC_ID_PCM_S16BE, "PCM"),
    (CODEC_ID_PCM_S24LE, "PCM"),
    (CODEC_ID_PCM_S24BE, "PCM"),
    (CODEC_ID_PCM_S32LE, "PCM"),
    (CODEC_ID_PCM_S32BE, "PCM"),
    (CODEC_ID_PCM_F32LE, "PCM float"),
    (CODEC_ID_PCM_F32BE, "PCM float"),
    (CODEC_ID_PCM_F64LE, "PCM float"),
    (CODEC_ID_PCM_F64BE, "PCM float"),
    (CODEC_ID_PCM_ALAW, "A-law"),
    (CODEC_ID_PCM_MULAW, "mu-law"),
    (CODEC_ID_OPUS, "Opus"),
    (CODEC_ID_SPEEX, "Speex"),
    (CODEC_ID_WMA, "WMA"),
    (CODEC_ID_AC3, "AC-3"),
    (CODEC_ID_EAC3, "E-AC-3"),
    (CODEC_ID_AC4, "AC-4"),
    (CODEC_ID_DCA, "DTS"),
    (CODEC_ID_TRUEHD, "TrueHD"),
];

/// Marks that name a codec which is not decoded here.
const MARKS: &[(&[u8], &str)] = &[
    (b"Speex   ", "Speex"),
    (b"#!AMR-WB", "AMR-WB"),
    (b"#!AMR", "AMR"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "WMA"),
];

/// Sample entries of MPEG-4 files: four letters behind a box's length.
const ENTRIES: &[(&[u8; 4], &str)] = &[
    (b"samr", "AMR"),
    (b"sawb", "AMR-WB"),
    (b"ac-3", "AC-3"),
    (b"ec-3", "E-AC-3"),
    (b"ac-4", "AC-4"),
    (b"dtsc", "DTS"),
    (b"drms", "AAC with copy protection"),
];

/// The codec that these bytes of a file name.
pub(super) fn named_in(bytes: &[u8]) -> Option<&'static str> {
    let mark = MARKS.iter().find(|(mark, _)| memchr::memmem::find(bytes, mark).is_some());
    let opus = memchr::memmem::find(bytes, b"OpusHead").map(|at| &bytes[at..]);
    let opus = opus.filter(|head| !has_places(head));
    let name = mark.map(|(_, name)| *name);
    name.or(opus.map(|_| "Opus whose channels have no places")).or_else(|| {
        // `stsd`: version, count, then the first entry's length and name.
        let entries = memchr::memmem::find_iter(bytes, b"stsd");
        let mut names = entries.filter_map(|at| bytes.get(at + 16..at + 20));
        names.find_map(|name| ENTRIES.iter().find(|entry| entry.0 == name).map(|entry| entry.1))
    })
}
