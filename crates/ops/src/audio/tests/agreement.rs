//! Agreement with librosa 0.11.0 and ffmpeg 5.1.
//!
//! The values were made once. With `y` read by `soundfile.read(path, dtype="float32")`, mono by
//! `librosa.to_mono`: `librosa.zero_crossings(y, pad=False).sum()`, and the means over all frames
//! of `librosa.feature.spectral_centroid(y=y, sr=sr)`, `…bandwidth`, `…rolloff`, `…flatness(y=y)`,
//! `mfcc(y=y, sr=sr, n_mfcc=13)`. Loudness: `ffmpeg -i FILE -af ebur128=peak=true -f null -`.

use super::{report, wav16};
use serde_json::Value;

/// A sweep and noise in whole numbers, equal in every language; for n from 0, c from 0:
/// `state = (state * 1664525 + 1013904223) % 2**32`, from 1; `noise = (state >> 20) - 2048`;
/// `tri = abs((n * n // (64 * (c + 1)) & 0xffff) - 32768) - 16384`; channel 0 is
/// `(tri >> 1) + noise`, the others `noise * (4 if n // 4410 % 2 else 1) + (tri >> (2 + c))`.
fn signal(channels: u64, count: u64) -> Vec<i16> {
    let mut state = 1_u64;
    let mut samples = Vec::new();
    for n in 0..count {
        for c in 0..channels {
            state = (state * 1_664_525 + 1_013_904_223) % (1 << 32);
            let noise = (state >> 20).cast_signed() - 2_048;
            let phase = ((n * n / (64 * (c + 1))) & 0xffff).cast_signed();
            let tri = (phase - 32_768).abs() - 16_384;
            let gain = if n / 4_410 % 2 == 1 { 4 } else { 1 };
            let value = if c == 0 { (tri >> 1) + noise } else { noise * gain + (tri >> (2 + c)) };
            samples.push(i16::try_from(value).unwrap());
        }
    }
    samples
}

#[track_caller]
fn close(value: &Value, expected: f64, relative: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() <= relative * expected.abs(), "{value}, not {expected}");
}

/// What librosa says of one channel.
struct Expected {
    rms: f64,
    zero_crossings: u64,
    centroid: f64,
    bandwidth: f64,
    rolloff: f64,
    flatness: f64,
    mfcc: [f64; 13],
}

#[track_caller]
fn agree(value: &Value, expected: &Expected) {
    close(&value["rms"], expected.rms, 1e-6);
    assert_eq!(value["zero_crossings"], expected.zero_crossings);
    close(&value["spectral_centroid_hz"], expected.centroid, 1e-6);
    close(&value["spectral_bandwidth_hz"], expected.bandwidth, 1e-6);
    close(&value["spectral_rolloff_hz"], expected.rolloff, 1e-6);
    close(&value["spectral_flatness"], expected.flatness, 1e-5);
    for (value, expected) in value["mfcc_means"].as_array().unwrap().iter().zip(expected.mfcc) {
        assert!((value.as_f64().unwrap() - expected).abs() <= 1e-3, "{value}, not {expected}");
    }
}

#[track_caller]
fn loud(value: &Value, lufs: f64, range: f64, true_peak: f64) {
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs();
    assert!(near(&value["lufs_integrated"], lufs) <= 0.1, "{}", value["lufs_integrated"]);
    // ffmpeg counts the first windows too, which are not full yet.
    assert!(near(&value["loudness_range_lu"], range) <= 0.3, "{}", value["loudness_range_lu"]);
    // A filter of 12 taps reads noise up to half the sampling rate a little low.
    assert!(near(&value["true_peak_dbtp"], true_peak) <= 0.5, "{}", value["true_peak_dbtp"]);
}

#[test]
fn two_channels_and_their_mix_agree_with_librosa() {
    let result = report(&wav16(2, 22_050, &signal(2, 88_200)));
    assert_eq!(result["duration_seconds"], 4.0);
    close(&result["rms_energy"], 0.131_831_195_456_756_92, 1e-6);
    assert_eq!(result["zero_crossings"], 20_281);
    assert_eq!(result["peak"], 0.311_889_648_437_5);
    agree(&result["mono"], &MONO);
    agree(&result["per_channel"][0], &LEFT);
    agree(&result["per_channel"][1], &RIGHT);
}

#[test]
fn two_channels_and_their_mix_are_as_loud_as_ffmpeg_says() {
    let result = report(&wav16(2, 22_050, &signal(2, 88_200)));
    loud(&result, -13.7, 0.5, -6.4);
    loud(&result["mono"], -19.7, 0.5, -8.8);
    loud(&result["per_channel"][0], -17.0, 0.5, -9.2);
    loud(&result["per_channel"][1], -16.4, 0.5, -6.4);
}

#[test]
fn surround_channels_weigh_more_and_bass_effects_nothing() {
    // 5.1: front left and right, centre, bass effects, two surround channels; 0.92 s.
    let result = report(&wav16(6, 48_000, &signal(6, 44_100)));
    let lufs = result["lufs_integrated"].as_f64().unwrap();
    assert!((lufs + 8.8).abs() <= 0.1, "{lufs}");
    assert!(result["loudness_range_lu"].is_null());
    close(&result["mono"]["spectral_centroid_hz"], 11_156.225_113_743_043, 1e-6);
}

#[test]
fn a_sound_shorter_than_a_frame_agrees_with_librosa() {
    let result = report(&wav16(1, 8_000, &signal(1, 300)));
    agree(&result["mono"], &SHORT);
    assert!(result["lufs_integrated"].is_null());
}

const MONO: Expected = Expected {
    rms: 0.09346153732804385,
    zero_crossings: 20281,
    centroid: 4885.296935339321,
    bandwidth: 3396.9114349912393,
    rolloff: 9122.921135522038,
    flatness: 0.18452211591075954,
    mfcc: [
        -89.017118, 10.007539, 7.916269, 4.569799, 2.087832, -0.498055, -0.603596, -0.022161,
        0.086265, -0.178004, -0.589189, -0.977438, -1.601134,
    ],
};

const LEFT: Expected = Expected {
    rms: 0.1493996126921793,
    zero_crossings: 7993,
    centroid: 4399.141277775398,
    bandwidth: 3474.5786988292834,
    rolloff: 8878.08986068461,
    flatness: 0.03573937804002121,
    mfcc: [
        -109.133901,
        10.540011,
        5.553198,
        2.025483,
        -0.805100,
        -3.306105,
        -3.123738,
        -0.490584,
        0.604962,
        0.642759,
        0.983941,
        0.021926,
        -1.177266,
    ],
};

const RIGHT: Expected = Expected {
    rms: 0.11152884792080528,
    zero_crossings: 36216,
    centroid: 5340.306879211377,
    bandwidth: 3265.659333154548,
    rolloff: 9307.509229362355,
    flatness: 0.4294586112733521,
    mfcc: [
        -45.046876, 1.714817, 4.471603, 4.083089, 3.465256, 2.107940, 1.416447, 0.346547,
        -0.792646, -1.108148, -1.004427, -0.833183, -0.682534,
    ],
};

const SHORT: Expected = Expected {
    rms: 0.2460751430223534,
    zero_crossings: 0,
    centroid: 1034.8806124952753,
    bandwidth: 1258.2044625772764,
    rolloff: 2742.1875,
    flatness: 0.016887754201889038,
    mfcc: [
        -93.617310, 40.502281, 35.231953, 26.302925, 9.922136, 7.371684, 14.329079, 14.981935,
        12.328600, 2.017053, 1.461715, -0.539033, 8.082647,
    ],
};
