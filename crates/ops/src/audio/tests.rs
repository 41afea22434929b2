//! The operation from file bytes to fields: sounds are built here or lie in `samples/`, reference
//! values come from other tools.

mod agreement;
mod damage;
mod formats;
mod pictures;
mod wav;

use super::OPERATION;
use crate::kept::Kept;
use crate::{Source, Work};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use windlass_core::media::{Media, Sample, sniff};
use windlass_core::params::Params;
use windlass_core::{BlobId, Failure};

fn media_of(bytes: &[u8]) -> Media {
    sniff(&Sample { head: bytes, tail: &[], size: bytes.len() as u64 })
}

/// Runs over bytes of this kind whose hash was `hash` at submission.
fn run_as(
    media: Media,
    bytes: &[u8],
    hash: Option<BlobId>,
    given: &[(&str, &str)],
) -> Result<Kept, Failure> {
    let given: BTreeMap<_, _> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let params = Params::normalise("audio", OPERATION.spec.params, &given).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::new(file, "x".to_owned(), media, bytes.len() as u64, hash);
    let mut output = Kept::default();
    let mut work = Work::new(Some(source), &params, &mut output);
    OPERATION.run.unwrap()(&mut work).map(|()| output)
}

fn run(bytes: &[u8], given: &[(&str, &str)]) -> Result<Kept, Failure> {
    run_as(media_of(bytes), bytes, Some(BlobId::of(bytes)), given)
}

/// The result of sound bytes.
fn report(bytes: &[u8]) -> Value {
    let output = run(bytes, &[]).unwrap();
    let [(name, json)] = &output.artifacts[..] else { panic!("one artifact") };
    assert_eq!(name, "{base}_audio_analysis.json");
    serde_json::from_slice(json).unwrap()
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A `fmt ` chunk's content.
fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame_bytes = channels.wrapping_mul(bits.div_ceil(8));
    let mut content = Vec::new();
    content.extend(tag.to_le_bytes());
    content.extend(channels.to_le_bytes());
    content.extend(rate.to_le_bytes());
    content.extend(rate.wrapping_mul(frame_bytes.into()).to_le_bytes());
    content.extend(frame_bytes.to_le_bytes());
    content.extend(bits.to_le_bytes());
    content
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = [&name[..], &(content.len() as u32).to_le_bytes(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    let length = (content.len() as u32 + 4).to_le_bytes();
    [b"RIFF", &length[..], b"WAVE", &content].concat()
}

/// A 16-bit WAV of interleaved samples.
fn wav16(channels: u16, rate: u32, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    riff(&[chunk(b"fmt ", &format(1, channels, rate, 16)), chunk(b"data", &data)])
}

/// A 32-bit float WAV of one channel.
fn wav_float(rate: u32, samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    riff(&[chunk(b"fmt ", &format(3, 1, rate, 32)), chunk(b"data", &data)])
}

/// A sine of this amplitude.
fn sine(rate: u32, hertz: f64, amplitude: f64, count: usize) -> Vec<i16> {
    let step = 2.0 * std::f64::consts::PI * hertz / f64::from(rate);
    (0..count).map(|n| (amplitude * 32_768.0 * (n as f64 * step).sin()).round() as i16).collect()
}

/// Ogg's checksum (RFC 3533, 6), with its own place as zeros.
fn set_checksum(page: &mut [u8]) {
    page[22..26].fill(0);
    let sum = page.iter().fold(0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
}
