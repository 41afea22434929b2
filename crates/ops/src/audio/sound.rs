//! What all kinds of audio files have in common once they are open: facts, blocks of samples, and
//! how they fail.

use super::tags::Tags;
use crate::{SourceReader, input_changed};
use std::io::{Read, Seek, SeekFrom};
use windlass_core::Failure;

/// Channels of the largest consoles' files; more are a damaged header.
const CHANNEL_COUNT_MAX: usize = 64;
/// Far above every converter's.
const SAMPLE_RATE_MAX: u32 = 4_000_000;

/// What is known of a sound before its first sample.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) format: &'static str,
    pub(super) codec: String,
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    /// Bytes of a sample; `None` for codecs that have no such thing.
    pub(super) sample_width: Option<u32>,
    /// Bits of a sample that have a meaning.
    pub(super) bit_depth: Option<u32>,
    /// Whether samples are whole numbers, whose largest one is a little under full scale.
    pub(super) is_whole_number: bool,
    /// Each channel's weight in the loudness.
    pub(super) weights: Vec<f64>,
    pub(super) tags: Tags,
}

impl Facts {
    /// The smallest positive value that is as high as the format goes.
    pub(super) fn full_scale(&self) -> f32 {
        match self.bit_depth {
            // 24 bits are as many as a 32-bit float tells apart.
            Some(bits @ 1..=24) if self.is_whole_number => 1.0 - 0.5_f32.powi(bits as i32 - 1),
            _ => 1.0,
        }
    }
}

/// Samples of all channels, as many of each.
#[derive(Debug, Default)]
pub(super) struct Block(Vec<Vec<f32>>);

impl Block {
    /// Emptied planes to write to.
    pub(super) fn planes(&mut self, channels: usize) -> &mut [Vec<f32>] {
        self.0.resize_with(channels, Vec::new);
        self.0.iter_mut().for_each(Vec::clear);
        &mut self.0
    }

    /// All planes, to be replaced.
    pub(super) fn vecs(&mut self) -> &mut Vec<Vec<f32>> {
        &mut self.0
    }

    /// All planes.
    pub(super) fn samples(&self) -> &[Vec<f32>] {
        &self.0
    }

    /// Puts 0 in the place of what is no number or infinite; returns how many there were.
    pub(super) fn make_finite(&mut self) -> u64 {
        let mut count = 0;
        for plane in &mut self.0 {
            // The sum is finite unless one of them is not, or they are far beyond full scale.
            if plane.iter().map(|sample| sample.abs()).sum::<f32>().is_finite() {
                continue;
            }
            for sample in plane.iter_mut().filter(|sample| !sample.is_finite()) {
                *sample = 0.0;
                count += 1;
            }
        }
        count
    }
}

/// An open sound.
pub(super) trait Sound {
    fn facts(&self) -> &Facts;

    /// How far into the file the samples given out lie, in bytes.
    fn position(&self) -> u64;

    /// Fills the block with what comes next; false: there is nothing more.
    fn next(&mut self, block: &mut Block) -> Result<bool, Failure>;

    /// The facts with all tags, once the samples are read: some formats have them at the end.
    fn take_facts(&mut self) -> Facts;

    /// Verifies the content; returns what is to be said of the file.
    fn finish(self: Box<Self>) -> Result<Vec<String>, Failure>;
}

/// Refuses what no real file has.
pub(super) fn check(sample_rate: u32, channels: usize) -> Result<(), Failure> {
    if channels == 0 || channels > CHANNEL_COUNT_MAX {
        return Err(damaged(format!(
            "it claims {channels} channels, and the limit is {CHANNEL_COUNT_MAX}"
        )));
    }
    if sample_rate == 0 || sample_rate > SAMPLE_RATE_MAX {
        return Err(damaged(format!(
            "it claims {sample_rate} samples a second, and the limit is {SAMPLE_RATE_MAX}"
        )));
    }
    Ok(())
}

/// BS.1770's weights by speaker positions as WAV has them: surround channels count 1.41 times, bass
/// effects not at all. Without positions (0), those that are usual for so many channels.
pub(super) fn weights_of_mask(channels: usize, mask: u64) -> Vec<f64> {
    const BASS: u64 = 1 << 3;
    // Behind, at the sides, above behind.
    const SURROUND: u64 = 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 10 | 7 << 15;
    let usual = match channels {
        4 => 0x33,
        5 => 0x37,
        6 => 0x3f,
        7 => 0x70f,
        8 => 0x63f,
        _ => 0,
    };
    let mask = if mask.count_ones() as usize == channels { mask } else { usual };
    let positions = (0..64).map(|bit| 1_u64 << bit).filter(|bit| mask & bit != 0);
    let weights = positions.map(|position| match position {
        BASS => 0.0,
        position if position & SURROUND != 0 => 1.41,
        _ => 1.0,
    });
    weights.chain(std::iter::repeat(1.0)).take(channels).collect()
}

/// Reads so many bytes; they were there when the file was submitted.
pub(super) fn fill(reader: &mut SourceReader, bytes: &mut [u8]) -> Result<(), Failure> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => input_changed(),
        _ => unreadable(&error),
    })
}

pub(super) fn rewind(reader: &mut SourceReader, to: u64) -> Result<(), Failure> {
    reader.seek(SeekFrom::Start(to)).map(|_| ()).map_err(|error| unreadable(&error))
}

/// What is said of a file whose end is missing.
pub(super) fn cut_off(seconds: f64) -> String {
    format!("The file is cut off: {seconds:.2} s that its header promises are missing.")
}

/// The bytes are not what they should be.
pub(super) fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::rejected(
        "audio_damaged",
        format!("the audio file is damaged: {error}"),
        "Get the file again from where it came: it may have been cut off while it was copied.",
    )
}

/// There is nothing to measure.
pub(super) fn empty(why: &str) -> Failure {
    Failure::rejected(
        "audio_empty",
        format!("there is no sound in the file: {why}"),
        "Record or export it again; the recording may have ended before it began.",
    )
}

/// A codec that is not decoded here.
pub(super) fn unsupported(codec: &str) -> Failure {
    Failure::rejected(
        "audio_unsupported",
        format!("audio {codec} is not decoded here"),
        "Convert it first: ffmpeg -i INPUT -c:a flac OUTPUT.flac",
    )
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::rejected(
        "input_unreadable",
        format!("the file cannot be read: {error}"),
        "Check the disk and the permissions, then run again with --failed.",
    )
}
