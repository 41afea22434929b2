//! Every format that is taken, by the samples of the repository, and those that are not.

use super::{media_of, report, run, sample};
use serde_json::json;
use windlass_core::media::Media;

#[test]
fn the_samples_are_what_they_are() {
    // Seconds by ffprobe; the bells were 0.9 s long before they were encoded.
    for (name, media, format, codec, rate, channels, seconds) in [
        ("heave.wav", Media::Wav, "WAV", "PCM", 8_000, 1, 0.988_625),
        ("bells.flac", Media::Flac, "FLAC", "FLAC", 16_000, 2, 0.9),
        ("bells.mp3", Media::Mp3, "MPEG audio", "MP3", 16_000, 2, 0.9),
        ("bells.ogg", Media::Ogg, "Ogg", "Vorbis", 16_000, 2, 0.9),
        ("bells.m4a", Media::M4a, "MPEG-4", "AAC", 16_000, 2, 0.9),
        ("bells-alac.m4a", Media::M4a, "MPEG-4", "ALAC", 8_000, 1, 0.9),
        ("bells.aac", Media::Aac, "ADTS", "AAC", 16_000, 1, 1.024),
        ("bells.aiff", Media::Aiff, "AIFF", "PCM", 8_000, 1, 0.9),
        ("bells.caf", Media::Caf, "CAF", "A-law", 8_000, 1, 0.9),
    ] {
        let bytes = sample(&format!("heap/sounds/{name}"));
        assert_eq!(media_of(&bytes), media, "{name}");
        let result = report(&bytes);
        assert_eq!(result["format"], format, "{name}");
        assert_eq!(result["codec"], codec, "{name}");
        assert_eq!(result["sample_rate"], rate, "{name}");
        assert_eq!(result["channels"], channels, "{name}");
        assert_eq!(result["duration_seconds"], seconds, "{name}");
        assert_eq!(result["file_size_bytes"], bytes.len(), "{name}");
        assert_eq!(result["warnings"], json!([]), "{name}");
        let peak = result["peak"].as_f64().unwrap();
        assert!((0.1..=1.0).contains(&peak), "{name}: {peak}");
    }
}

#[test]
fn tags_have_the_same_names_in_all_formats() {
    for name in ["bells.flac", "bells.mp3", "bells.ogg", "bells.m4a"] {
        let tags = &report(&sample(&format!("heap/sounds/{name}")))["tags"];
        assert_eq!(tags["title"], "Two bells", "{name}: {tags}");
        assert_eq!(tags["artist"], "Windlass samples", "{name}: {tags}");
    }
    assert_eq!(report(&sample("heap/sounds/heave.wav"))["tags"]["title"], "Heave away!");
}

#[test]
fn codecs_that_are_not_decoded_are_refused_by_name() {
    let amr = b"#!AMR\n\x3c\x91\x17\x16\xbe\x66".to_vec();
    let mut windows = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c".to_vec();
    windows.extend(b"\0\0\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b");
    let coded = super::riff(&[
        super::chunk(b"fmt ", &super::format(0x55, 1, 8_000, 16)),
        super::chunk(b"data", &[0; 16]),
    ]);
    for (bytes, media, codec) in [
        (sample("hard/bells.opus"), Media::Ogg, "Opus"),
        (amr, Media::Amr, "AMR"),
        (windows, Media::Wma, "WMA"),
        (coded, Media::Wav, "MP3 in WAV"),
    ] {
        assert_eq!(media_of(&bytes), media);
        let failure = run(&bytes, &[]).err().unwrap();
        assert_eq!(failure.code, "audio_unsupported");
        assert_eq!(failure.cause, format!("audio {codec} is not decoded here"));
        assert!(failure.next_step.contains("ffmpeg -i"), "{}", failure.next_step);
    }
}
