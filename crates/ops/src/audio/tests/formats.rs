//! Every format that is taken, by the samples of the repository, and those that are not.

use super::{media_of, report, run, sample, set_checksum};
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
        ("bells.opus", Media::Ogg, "Ogg", "Opus", 48_000, 2, 0.9),
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
    for name in ["bells.flac", "bells.mp3", "bells.ogg", "bells.opus", "bells.m4a"] {
        let tags = &report(&sample(&format!("heap/sounds/{name}")))["tags"];
        assert_eq!(tags["title"], "Two bells", "{name}: {tags}");
        assert_eq!(tags["artist"], "Windlass samples", "{name}: {tags}");
    }
    assert_eq!(report(&sample("heap/sounds/heave.wav"))["tags"]["title"], "Heave away!");
}

/// RMS and peak of both channels by libopus 1.3.1, as ffmpeg 5.1 rounds them to 16 bits.
#[test]
fn opus_is_decoded_as_by_libopus() {
    // The edit list of the second does not say how much the encoder put behind the sound.
    for (name, length) in [("heap/sounds/bells.opus", 43_200), ("more/bells-opus.m4a", 43_848)] {
        let result = report(&sample(name));
        assert_eq!(result["codec"], "Opus", "{name}");
        assert_eq!(result["sample_rate"], 48_000, "{name}");
        assert_eq!(result["samples_per_channel"], length, "{name}");
        assert_eq!(result["warnings"], json!([]), "{name}");
        for channel in result["per_channel"].as_array().unwrap() {
            let near = |field: &str, expected: f64| {
                let value = channel[field].as_f64().unwrap();
                assert!((value / expected - 1.0).abs() < 1e-4, "{name}: {field} {value}");
            };
            near("rms", 0.037_948_62 * (43_200.0 / f64::from(length)).sqrt());
            near("peak", 0.193_603_52);
        }
    }
}

#[test]
fn channels_of_opus_are_in_the_order_of_wav() {
    let result = report(&sample("more/six-tones.opus"));
    assert_eq!(result["channels"], 6);
    assert_eq!(result["duration_seconds"], 0.2);
    let channels = result["per_channel"].as_array().unwrap();
    // The fourth is of bass, which counts for nothing in the loudness and is less exact here.
    for (channel, hertz) in channels.iter().zip([200.0, 400.0, 600.0, 100.0, 1_000.0, 1_200.0]) {
        let measured = channel["zero_crossings"].as_f64().unwrap() / 2.0 / 0.2;
        assert!((measured / hertz - 1.0).abs() < 0.15, "{measured} Hz for {hertz}");
    }
}

/// RFC 7845, 5.1: the header of a stream says how much louder or softer it is to be played.
#[test]
fn the_gain_of_opus_is_followed() {
    let bytes = sample("heap/sounds/bells.opus");
    let softer = with_head(&bytes, |head| {
        head[16..18].copy_from_slice(&(-6_i16 * 256).to_le_bytes());
    });
    let in_mpeg_4 = sample("more/bells-opus.m4a");
    let head = memchr::memmem::find(&in_mpeg_4, b"dOps").unwrap();
    let mut softer_in_mpeg_4 = in_mpeg_4.clone();
    softer_in_mpeg_4[head + 12..head + 14].copy_from_slice(&(-6_i16 * 256).to_be_bytes());
    let rms = |bytes: &[u8]| report(bytes)["rms_dbfs"].as_f64().unwrap();
    for (softer, bytes) in [(softer, bytes), (softer_in_mpeg_4, in_mpeg_4)] {
        let difference = rms(&softer) - rms(&bytes);
        assert!((difference + 6.0).abs() < 0.02, "{difference} dB");
    }
}

/// The encoder's lead-in is a part of what the last page counts, and nothing that is missing.
#[test]
fn a_long_lead_in_is_not_missed() {
    let bytes = sample("heap/sounds/bells.opus");
    let bytes = with_head(&bytes, |head| head[10..12].copy_from_slice(&6_000_u16.to_le_bytes()));
    let result = report(&bytes);
    assert_eq!(result["samples_per_channel"], 43_200 + 312 - 6_000);
    assert_eq!(result["warnings"], json!([]));
}

/// Of what a header says of its channels only what all players agree on is followed.
#[test]
fn opus_with_channels_without_places_is_refused_by_name() {
    let bytes = sample("heap/sounds/bells.opus");
    let bytes = with_head(&bytes, |head| head[18] = 255);
    let failure = run(&bytes, &[]).err().unwrap();
    assert_eq!(failure.code, "audio_unsupported");
    assert_eq!(failure.cause, "audio Opus whose channels have no places is not decoded here");
}

#[test]
fn opus_that_ends_within_its_only_page_is_damaged() {
    let bytes = sample("heap/sounds/bells.opus");
    let failure = run(&bytes[..bytes.len() * 2 / 3], &[]).err().unwrap();
    assert_eq!(failure.code, "audio_damaged", "{}", failure.cause);
}

/// The stream with another header, alone on the first page, whose checksum is right.
fn with_head(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let page_end = 4 + memchr::memmem::find(&bytes[4..], b"OggS").unwrap();
    let head = memchr::memmem::find(&bytes, b"OpusHead").unwrap();
    change(&mut bytes[head..page_end]);
    set_checksum(&mut bytes[..page_end]);
    bytes
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
        (sample("hard/bells.spx"), Media::Ogg, "Speex"),
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
