//! # audio: levels, loudness and spectrum of a recording
//!
//! Takes WAV (8 to 32 bits, float, A-law, mu-law, ADPCM; RF64), MP3 and MPEG layers I and II, FLAC,
//! Ogg Vorbis, Opus, MPEG-4 with AAC (LC), ALAC or Opus, bare AAC, AIFF and CAF; the bytes decide,
//! not the file name. WMA, AMR and others are refused by name. A file is read once, in pieces;
//! memory does not grow with its length. Writes `<name>_audio_analysis.json` and, if asked,
//! pictures.
//!
//! **The file.** `duration_seconds`, `sample_rate` (Hz; of Opus always 48,000), `channels`,
//! `sample_width` (bytes of a sample; null for MP3, AAC, Vorbis, Opus, ADPCM), `bit_depth`,
//! `samples_per_channel`, `file_size_bytes`, `bit_rate` (bits a second, whole file by duration),
//! `format`, `codec`, `tags` (title, artist, album, date and the like, where there), `warnings`
//! (what was damaged, missing or left out). Duration and all else are of the samples that are
//! there, whatever a header claims.
//!
//! **All channels together.** `rms_energy` (root of the mean square, full scale 1), `rms_dbfs`,
//! `peak` (highest absolute sample), `peak_dbfs`, `true_peak_dbtp`, `lufs_integrated`,
//! `loudness_range_lu`, `clipped_samples`, `non_finite_samples` (samples of a float file that are
//! no numbers; they count as 0), and `zero_crossings`, which is that of the mono mix.
//!
//! **`mono`** (the mean of the channels) and **`per_channel`** (in file order) have each:
//!
//! - `rms`, `rms_dbfs`, `peak`, `peak_dbfs`: as above; decibels are null for silence. `rms` is that
//!   of librosa over one frame that holds everything.
//! - `true_peak_dbtp`: the peak between the samples (ITU-R BS.1770-5), four times oversampled,
//!   twice from 96 kHz on; within 0.5 dB of ffmpeg's `ebur128`.
//! - `lufs_integrated`: loudness by BS.1770-5 and EBU R 128 in LUFS, within 0.1 of ffmpeg's
//!   `ebur128`; null under 0.5 s, for silence and below 4 kHz. Surround channels weigh 1.41, the
//!   bass effects channel nothing. `loudness_range_lu`: EBU Tech 3342; null under 3 s.
//! - `dc_offset`: mean of the samples. `clipped_samples`: those at the highest value that the
//!   format has. `silence_share`: the part of all 10 ms pieces whose RMS is below -60 dBFS.
//! - `zero_crossings`: changes between negative and not negative from one sample to the next, as
//!   `librosa.zero_crossings(y, pad=False).sum()`; values within 1e-10 of 0 count as 0.
//! - `spectral_centroid_hz`, `spectral_bandwidth_hz`, `spectral_rolloff_hz` (85 %),
//!   `spectral_flatness`, `mfcc_means` (13): means over frames of 2,048 samples every 512, by the
//!   definitions and defaults of librosa 0.11 (`librosa.feature.*`, `sr` the file's own).
//!
//! Figures in LUFS, LU and dB are rounded to hundredths.
//!
//! **Pictures.** `waveform=true` draws `<name>_waveform.png`: from lowest to highest sample of each
//! column, and the RMS inside. `spectrogram=true` draws `<name>_spectrogram.png`: mean power of the
//! same frames over time and mel frequency, in dB to a sine at full scale. Each channel has a panel
//! of its own, the first eight at most.

mod analysis;
mod axes;
mod canvas;
mod chunks;
mod codecs;
mod columns;
mod containers;
mod edits;
mod levels;
mod loudness;
mod mel;
mod opus;
mod packets;
mod pictures;
mod report;
mod shared;
mod sound;
mod spectrogram;
mod spectrum;
mod tags;
mod true_peak;
mod wav;
mod waveform;

#[cfg(test)]
mod tests;

use crate::{Operation, Output, Source, Work};
use analysis::Analysis;
use pictures::Pictures;
use report::Report;
use sound::{Block, Sound};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::limits::PROGRESS_TIMEOUT_MS;
use windlass_core::media::Media;
use windlass_core::params::{ParamKind, ParamSpec};

/// Width of the pictures where the parameters say nothing.
const PICTURE_WIDTH: i64 = 1_200;

/// The operation.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("audio.rs"), run: Some(run), is_instant: None };

const SPEC: OperationSpec = OperationSpec {
    name: "audio",
    version: 2,
    summary: "levels, loudness and spectrum of WAV, MP3, FLAC, Ogg, M4A, AIFF",
    accepts: Accepts::Media(&[
        Media::Wav,
        Media::Mp3,
        Media::Flac,
        Media::Ogg,
        Media::M4a,
        Media::Aac,
        Media::Aiff,
        Media::Caf,
        Media::Amr,
        Media::Wma,
    ]),
    params: PARAMS,
    home: Home::Executor,
    cacheable: Cacheable::Always,
    // A day of stereo sound takes about five minutes.
    attempt_ms_max: 1_800_000,
    progress_ms_max: Some(PROGRESS_TIMEOUT_MS),
    memory_bytes_max: 1 << 30,
    output_bytes_max: 64 << 20,
    steps: &[],
};

const PARAMS: &[ParamSpec] = &[
    ParamSpec {
        name: "waveform",
        kind: ParamKind::Bool,
        default: Some("false"),
        required: false,
        doc: "Whether a picture of the waveform is drawn too.",
    },
    ParamSpec {
        name: "spectrogram",
        kind: ParamKind::Bool,
        default: Some("false"),
        required: false,
        doc: "Whether a picture of the spectrogram is drawn too.",
    },
    ParamSpec {
        name: "picture_width",
        kind: ParamKind::Int { min: 400, max: 8_000 },
        default: Some("1200"),
        required: false,
        doc: "Width of the pictures in pixels.",
    },
];

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let Some(source) = work.source.take() else {
        return Err(Failure::rejected("input_missing", "no sound was given", "Name a file."));
    };
    let size = source.size;
    let mut sound = open(source)?;
    let mut analysis = Analysis::new(sound.facts());
    let mut pictures = Pictures::new(work.params, sound.facts());
    let (mut block, mut non_finite, mut is_any) = (Block::default(), 0, false);
    while sound.next(&mut block)? {
        non_finite += block.make_finite();
        pictures.push(block.samples());
        analysis.push(block.samples(), &mut |channel, power| pictures.push_frame(channel, power));
        work.output.progress(sound.position(), size);
        is_any |= block.samples().iter().any(|plane| !plane.is_empty());
    }
    if !is_any {
        return Err(sound::empty("it has headers and no samples"));
    }
    let measured = analysis.finish(&mut |channel, power| pictures.push_frame(channel, power));
    let facts = sound.take_facts();
    let mut warnings = sound.finish()?;
    if non_finite > 0 {
        warnings.push(format!("{non_finite} samples are no numbers; they count as 0."));
    }
    for warning in &warnings {
        work.output.note(warning.clone());
    }
    let report = Report::new(facts, size, non_finite, warnings, &measured);
    write(work.output, &report)?;
    pictures.write(&measured, work.output)?;
    work.output.progress(size, size);
    Ok(())
}

fn open(source: Source) -> Result<Box<dyn Sound>, Failure> {
    let media = source.media;
    let mut reader = source.into_reader()?;
    if media == Media::Wav {
        match wav::Wav::open(reader)? {
            wav::Opened::Wav(wav) => return Ok(Box::new(wav)),
            wav::Opened::Coded(coded) => reader = coded,
        }
    }
    Ok(Box::new(packets::Packets::open(reader, media)?))
}

fn write(output: &mut dyn Output, report: &Report) -> Result<(), Failure> {
    let mut json = serde_json::to_vec_pretty(report).map_err(|error| {
        Failure::rejected("result_unwritable", format!("the result is no JSON: {error}"), "")
    })?;
    json.push(b'\n');
    output.artifact("{base}_audio_analysis.json", "application/json", &json)
}
