//! WAV in all its dresses.

use super::{chunk, format, report, riff, run, run_as, sine, wav_float, wav16};
use serde_json::json;
use windlass_core::BlobId;
use windlass_core::media::Media;

/// One channel at 8 kHz of one coding.
fn coded(tag: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    riff(&[chunk(b"fmt ", &format(tag, 1, 8_000, bits)), chunk(b"data", data)])
}

#[test]
fn every_coding_has_its_full_scale() {
    let half_f32 = [0.5_f32, -0.5].map(f32::to_le_bytes).concat();
    let half_f64 = [0.5_f64, -0.5].map(f64::to_le_bytes).concat();
    // G.711: code 0xd5 ^ 0x55 … as decoded by libsndfile: A-law 0x9a is 16,384 less a half step.
    for (tag, bits, data, codec, width, peak) in [
        (1, 8, vec![192, 64], "PCM unsigned", 1, 0.5),
        (1, 16, vec![0, 0x40, 0, 0xc0], "PCM", 2, 0.5),
        (1, 24, vec![0, 0, 0x40, 0, 0, 0xc0], "PCM", 3, 0.5),
        (1, 32, vec![0, 0, 0, 0x40, 0, 0, 0, 0xc0], "PCM", 4, 0.5),
        (3, 32, half_f32, "PCM float", 4, 0.5),
        (3, 64, half_f64, "PCM float", 8, 0.5),
        (6, 8, vec![0xaa, 0x2a], "A-law", 1, 32_256.0 / 32_768.0),
        (7, 8, vec![0x80, 0x00], "mu-law", 1, 32_124.0 / 32_768.0),
    ] {
        let result = report(&coded(tag, bits, &data));
        assert_eq!(result["codec"], codec);
        assert_eq!(result["sample_width"], width, "{codec}");
        assert_eq!(result["bit_depth"], bits, "{codec}");
        assert_eq!(result["peak"], peak, "{codec}");
        assert_eq!(result["rms_energy"], peak, "{codec}");
        assert_eq!(result["mono"]["dc_offset"], 0.0, "{codec}");
        assert_eq!(result["zero_crossings"], 1, "{codec}");
        assert_eq!(result["samples_per_channel"], 2, "{codec}");
    }
}

#[test]
fn extensible_headers_say_the_coding_the_bits_and_the_places() {
    let mut header = format(0xfffe, 6, 48_000, 24);
    header.extend(22_u16.to_le_bytes());
    header.extend(20_u16.to_le_bytes());
    header.extend(0x3f_u32.to_le_bytes());
    header.extend([1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    let result = report(&riff(&[chunk(b"fmt ", &header), chunk(b"data", &[0; 36])]));
    assert_eq!(result["bit_depth"], 20);
    assert_eq!(result["sample_width"], 3);
    assert_eq!(result["channels"], 6);
    assert_eq!(result["samples_per_channel"], 2);
}

#[test]
fn chunks_come_in_any_order_and_tags_behind_the_samples() {
    let (header, data) = (chunk(b"fmt ", &format(1, 1, 8_000, 16)), chunk(b"data", &[1, 0, 2, 0]));
    let info = [&b"INFO"[..], &chunk(b"INAM", b"Caf\xe9\0"), &chunk(b"IART", b"Ada\0")].concat();
    let tags = chunk(b"LIST", &info);
    let odd = chunk(b"odd ", &[1, 2, 3]);
    let expected = json!({"title": "Caf\u{e9}", "artist": "Ada"});
    for chunks in [[&odd, &header, &data, &tags], [&data, &odd, &tags, &header]] {
        let result = report(&riff(&chunks.map(Clone::clone)));
        assert_eq!(result["samples_per_channel"], 2);
        assert_eq!(result["tags"], expected);
    }
}

#[test]
fn rf64_has_its_length_elsewhere() {
    let mut wide = vec![0; 24];
    wide[8..16].copy_from_slice(&6_u64.to_le_bytes());
    let header = chunk(b"fmt ", &format(1, 1, 8_000, 16));
    let data = [b"data", &[0xff; 4][..], &[1, 0, 2, 0, 3, 0], &chunk(b"LIST", b"INFO")].concat();
    let mut file = riff(&[chunk(b"ds64", &wide), header, data]);
    file[..4].copy_from_slice(b"RF64");
    assert_eq!(report(&file)["samples_per_channel"], 3);
}

#[test]
fn rifx_is_big_endian() {
    let bytes = [
        &b"RIFX\0\0\0\x28WAVEfmt \0\0\0\x10\0\x01\0\x01"[..],
        &[0, 0, 0x1f, 0x40, 0, 0, 0x3e, 0x80, 0, 2, 0, 16],
        b"data\0\0\0\x04\x40\0\xc0\0",
    ]
    .concat();
    let result = report(&bytes);
    assert_eq!((&result["peak"], &result["sample_rate"]), (&json!(0.5), &json!(8_000)));
}

#[test]
fn streamed_and_cut_off_files_are_taken_as_far_as_they_go() {
    let good = wav16(1, 8_000, &sine(8_000, 440.0, 0.5, 8_000));
    for unknown in [0_u32, u32::MAX] {
        let mut streamed = good.clone();
        streamed[40..44].copy_from_slice(&unknown.to_le_bytes());
        let result = report(&streamed);
        assert_eq!(result["samples_per_channel"], 8_000, "length {unknown}");
        assert_eq!(result["warnings"], json!([]));
    }
    let cut = run(&good[..44 + 9_001], &[]).unwrap();
    let said = "The file is cut off: 0.44 s that its header promises are missing.";
    assert_eq!(cut.notes, [said]);
    let result = report(&good[..44 + 9_001]);
    assert_eq!(result["samples_per_channel"], 4_500);
    assert_eq!(result["warnings"], json!([said]));
}

#[test]
fn files_without_samples_are_refused() {
    let header = chunk(b"fmt ", &format(1, 2, 8_000, 16));
    let list = chunk(b"LIST", b"INFO");
    for chunks in [
        vec![header.clone()],
        vec![header.clone(), chunk(b"data", &[])],
        vec![header.clone(), chunk(b"data", &[1, 0, 2])],
        // A length of 0 that is meant: another chunk follows.
        vec![header, chunk(b"data", &[]), list],
    ] {
        let failure = run(&riff(&chunks), &[]).err().unwrap();
        assert_eq!(failure.code, "audio_empty", "{}", failure.cause);
        assert!(!failure.next_step.is_empty());
    }
}

#[test]
fn absurd_headers_are_refused_by_name() {
    for (header, code, word) in [
        (format(1, 0, 8_000, 16), "audio_damaged", "0 channels"),
        (format(1, 65_535, 8_000, 16), "audio_damaged", "65535 channels"),
        (format(1, 1, 0, 16), "audio_damaged", "0 samples a second"),
        (format(1, 1, u32::MAX, 16), "audio_damaged", "4294967295 samples"),
        (format(1, 1, 8_000, 0), "audio_damaged", "0 bits"),
        (format(1, 1, 8_000, 65_535), "audio_damaged", "65535 bits"),
        (format(0x161, 1, 8_000, 16), "audio_unsupported", "WMA"),
        (format(0x1234, 1, 8_000, 16), "audio_unsupported", "0x1234"),
        (vec![1, 0, 1, 0], "audio_damaged", "format is not described"),
    ] {
        let file = riff(&[chunk(b"fmt ", &header), chunk(b"data", &[0; 64])]);
        let failure = run(&file, &[]).err().unwrap();
        assert_eq!(failure.code, code, "{}", failure.cause);
        assert!(failure.cause.contains(word), "{}", failure.cause);
        assert!(!failure.next_step.is_empty());
    }
}

#[test]
fn what_is_no_number_counts_as_nothing() {
    let samples = [0.5, f32::NAN, f32::INFINITY, -0.5, f32::NEG_INFINITY, f32::MAX, f32::MIN];
    let output = run(&wav_float(8_000, &samples), &[]).unwrap();
    assert_eq!(output.notes, ["3 samples are no numbers; they count as 0."]);
    let result = report(&wav_float(8_000, &samples[..5]));
    assert_eq!(result["non_finite_samples"], 3);
    assert_eq!(result["peak"], 0.5);
    assert_eq!(result["rms_energy"], (0.1_f64).sqrt());
}

#[test]
fn silence_and_one_sample_have_figures_too() {
    let result = report(&wav16(1, 8_000, &[0; 8_000]));
    assert_eq!(result["rms_energy"], 0.0);
    assert_eq!(result["mono"]["silence_share"], 1.0);
    assert_eq!(result["mono"]["spectral_centroid_hz"], 0.0);
    assert!((result["mono"]["spectral_flatness"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    for field in ["rms_dbfs", "peak_dbfs", "true_peak_dbtp", "lufs_integrated"] {
        assert!(result[field].is_null(), "{field}");
    }
    let result = report(&wav16(1, 8_000, &[-32_768]));
    assert_eq!(result["duration_seconds"], 1.0 / 8_000.0);
    assert_eq!(result["peak"], 1.0);
    assert_eq!(result["clipped_samples"], 1);
}

#[test]
fn clipped_samples_are_those_at_the_formats_end() {
    let result = report(&wav16(2, 8_000, &[32_767, 0, -32_768, 32_766, 0, 32_767]));
    assert_eq!(result["clipped_samples"], 3);
    assert_eq!(result["per_channel"][0]["clipped_samples"], 2);
    assert_eq!(report(&wav_float(8_000, &[1.5, -1.0, 0.999]))["clipped_samples"], 2);
}

#[test]
fn content_that_is_not_what_was_submitted_is_refused() {
    let bytes = wav16(1, 8_000, &sine(8_000, 440.0, 0.5, 100));
    let other = Some(BlobId::of(b"another"));
    assert_eq!(run_as(Media::Wav, &bytes, other, &[]).err().unwrap().code, "input_changed");
}
