//! The result as it is written: the fields, and how they follow from what was measured.

use super::levels::LevelFigures;
use super::loudness::Loudness;
use super::sound::Facts;
use super::spectrum::SpectralFigures;
use super::tags::Tags;
use serde::Serialize;

/// Figures of one channel or of the mono mix.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    rms: f64,
    rms_dbfs: Option<f64>,
    peak: f64,
    peak_dbfs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    lufs_integrated: Option<f64>,
    loudness_range_lu: Option<f64>,
    dc_offset: f64,
    clipped_samples: u64,
    zero_crossings: u64,
    silence_share: f64,
    spectral_centroid_hz: f64,
    spectral_bandwidth_hz: f64,
    spectral_rolloff_hz: f64,
    spectral_flatness: f64,
    mfcc_means: Vec<f64>,
    #[serde(skip)]
    true_peak: f64,
}

impl Figures {
    pub(super) fn new(
        levels: LevelFigures,
        true_peak: f64,
        loudness: Loudness,
        spectral: SpectralFigures,
    ) -> Figures {
        Figures {
            rms: levels.rms,
            rms_dbfs: decibels(levels.rms),
            peak: levels.peak,
            peak_dbfs: decibels(levels.peak),
            true_peak_dbtp: decibels(true_peak),
            lufs_integrated: loudness.integrated_lufs.map(hundredths),
            loudness_range_lu: loudness.range_lu.map(hundredths),
            dc_offset: levels.dc_offset,
            clipped_samples: levels.clipped_samples,
            zero_crossings: levels.zero_crossings,
            silence_share: levels.silence_share,
            spectral_centroid_hz: spectral.centroid_hz,
            spectral_bandwidth_hz: spectral.bandwidth_hz,
            spectral_rolloff_hz: spectral.rolloff_hz,
            spectral_flatness: spectral.flatness,
            mfcc_means: spectral.mfcc,
            true_peak,
        }
    }
}

/// What was measured of a sound.
#[derive(Debug)]
pub(super) struct Measured {
    /// Samples of each channel.
    pub(super) samples: u64,
    pub(super) seconds: f64,
    /// Loudness of all channels together.
    pub(super) whole: Loudness,
    /// Each channel's figures, then those of the mono mix where there are several.
    pub(super) parts: Vec<Figures>,
}

/// The result; field order is that of the file.
#[derive(Serialize)]
pub(super) struct Report {
    duration_seconds: f64,
    sample_rate: u32,
    channels: usize,
    sample_width: Option<u32>,
    rms_energy: f64,
    zero_crossings: u64,
    file_size_bytes: u64,
    format: &'static str,
    codec: String,
    bit_depth: Option<u32>,
    samples_per_channel: u64,
    bit_rate: f64,
    tags: Tags,
    rms_dbfs: Option<f64>,
    peak: f64,
    peak_dbfs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    lufs_integrated: Option<f64>,
    loudness_range_lu: Option<f64>,
    clipped_samples: u64,
    non_finite_samples: u64,
    warnings: Vec<String>,
    mono: Figures,
    per_channel: Vec<Figures>,
}

impl Report {
    pub(super) fn new(
        facts: Facts,
        file_size_bytes: u64,
        non_finite_samples: u64,
        warnings: Vec<String>,
        measured: &Measured,
    ) -> Report {
        let Measured { samples, seconds, whole, ref parts } = *measured;
        let mut parts = parts.clone();
        let mono = if parts.len() > facts.channels { parts.pop() } else { None };
        let mono = mono.unwrap_or_else(|| parts[0].clone());
        let channels = parts.len() as f64;
        let rms = (parts.iter().map(|part| part.rms * part.rms).sum::<f64>() / channels).sqrt();
        let highest = |value: fn(&Figures) -> f64| parts.iter().map(value).fold(0.0, f64::max);
        let peak = highest(|part| part.peak);
        Report {
            duration_seconds: seconds,
            sample_rate: facts.sample_rate,
            channels: facts.channels,
            sample_width: facts.sample_width,
            rms_energy: rms,
            zero_crossings: mono.zero_crossings,
            file_size_bytes,
            format: facts.format,
            codec: facts.codec,
            bit_depth: facts.bit_depth,
            samples_per_channel: samples,
            bit_rate: (file_size_bytes as f64 * 8.0 / seconds).round(),
            tags: facts.tags,
            rms_dbfs: decibels(rms),
            peak,
            peak_dbfs: decibels(peak),
            true_peak_dbtp: decibels(highest(|part| part.true_peak)),
            lufs_integrated: whole.integrated_lufs.map(hundredths),
            loudness_range_lu: whole.range_lu.map(hundredths),
            clipped_samples: parts.iter().map(|part| part.clipped_samples).sum(),
            non_finite_samples,
            warnings,
            mono,
            per_channel: parts,
        }
    }
}

/// Decibels of an amplitude to full scale; silence has none.
fn decibels(amplitude: f64) -> Option<f64> {
    (amplitude > 0.0).then(|| hundredths(20.0 * amplitude.log10()))
}

/// What is known to a tenth is not written with sixteen digits.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
