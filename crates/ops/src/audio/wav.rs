//! Samples of a WAV file by a direct path, as they lie there.

use super::chunks::{Chunks, Header};
use super::sound::{
    Block, Facts, Sound, check, cut_off, damaged, empty, fill, rewind, unsupported, weights_of_mask,
};
use crate::SourceReader;
use windlass_core::Failure;

/// Bytes of samples that are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// How samples are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    U8,
    S16,
    S24,
    S32,
    F32,
    F64,
    Alaw,
    Mulaw,
}

impl Coding {
    const fn bytes(self) -> usize {
        match self {
            Coding::U8 | Coding::Alaw | Coding::Mulaw => 1,
            Coding::S16 => 2,
            Coding::S24 => 3,
            Coding::S32 | Coding::F32 => 4,
            Coding::F64 => 8,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Coding::U8 => "PCM unsigned",
            Coding::S16 | Coding::S24 | Coding::S32 => "PCM",
            Coding::F32 | Coding::F64 => "PCM float",
            Coding::Alaw => "A-law",
            Coding::Mulaw => "mu-law",
        }
    }

    const fn is_whole_number(self) -> bool {
        matches!(self, Coding::U8 | Coding::S16 | Coding::S24 | Coding::S32)
    }
}

/// What became of opening a WAV.
pub(super) enum Opened {
    Wav(Wav),
    /// A coding that is not laid out sample by sample: a decoder's matter.
    Coded(SourceReader),
}

pub(super) struct Wav {
    reader: SourceReader,
    facts: Facts,
    coding: Coding,
    is_big_endian: bool,
    /// Bytes of samples still to read.
    left: u64,
    bytes: Vec<u8>,
    warnings: Vec<String>,
}

impl Wav {
    pub(super) fn open(mut reader: SourceReader) -> Result<Opened, Failure> {
        let chunks = Chunks::read(&mut reader)?;
        let header = chunks.header.ok_or_else(|| damaged("its format is not described"))?;
        let Some(coding) = coding(&header)? else {
            rewind(&mut reader, 0)?;
            return Ok(Opened::Coded(reader));
        };
        check(header.sample_rate, usize::from(header.channels))?;
        let channels = usize::from(header.channels);
        let frame_bytes = (coding.bytes() * channels) as u64;
        let data = chunks.data.filter(|data| data.length >= frame_bytes);
        let data = data.ok_or_else(|| empty("it has a header and no samples"))?;
        let bytes_per_second = u64::from(header.sample_rate) * frame_bytes;
        let warnings = if data.missing > 0 {
            vec![cut_off(data.missing as f64 / bytes_per_second as f64)]
        } else {
            Vec::new()
        };
        let bits = match coding {
            Coding::S16 | Coding::S24 | Coding::S32 if header.bits > 0 => u32::from(header.bits),
            other => 8 * other.bytes() as u32,
        };
        let facts = Facts {
            format: "WAV",
            codec: coding.name().to_owned(),
            sample_rate: header.sample_rate,
            channels,
            sample_width: Some(coding.bytes() as u32),
            bit_depth: Some(bits),
            is_whole_number: coding.is_whole_number(),
            weights: weights_of_mask(channels, u64::from(header.mask)),
            tags: chunks.tags,
        };
        rewind(&mut reader, data.start)?;
        Ok(Opened::Wav(Wav {
            reader,
            facts,
            coding,
            is_big_endian: chunks.is_big_endian,
            left: data.length - data.length % frame_bytes,
            bytes: Vec::new(),
            warnings,
        }))
    }
}

impl Sound for Wav {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn position(&self) -> u64 {
        self.reader.position()
    }

    fn next(&mut self, block: &mut Block) -> Result<bool, Failure> {
        let frame_bytes = self.coding.bytes() * self.facts.channels;
        let piece = (PIECE_BYTES / frame_bytes).max(1) * frame_bytes;
        let wanted = usize::try_from(self.left).map_or(piece, |left| piece.min(left));
        if wanted == 0 {
            return Ok(false);
        }
        self.bytes.resize(wanted, 0);
        fill(&mut self.reader, &mut self.bytes)?;
        self.left -= wanted as u64;
        if self.is_big_endian {
            for sample in self.bytes.chunks_exact_mut(self.coding.bytes()) {
                sample.reverse();
            }
        }
        convert(self.coding, &self.bytes, block.planes(self.facts.channels));
        Ok(true)
    }

    fn take_facts(&mut self) -> Facts {
        self.facts.clone()
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>, Failure> {
        self.reader.finish()?;
        Ok(self.warnings)
    }
}

/// How the samples are written; `None`: by a codec.
fn coding(header: &Header) -> Result<Option<Coding>, Failure> {
    // Format tags of Microsoft's `mmreg.h`.
    const PCM: u16 = 1;
    const ADPCM_MICROSOFT: u16 = 2;
    const FLOAT: u16 = 3;
    const ALAW: u16 = 6;
    const MULAW: u16 = 7;
    const ADPCM_IMA: u16 = 0x11;
    // A sample lies in whole bytes; with 20 bits in three, say, the upper ones.
    let by_bits = header.bits.div_ceil(8);
    let by_frame = header.frame_bytes / header.channels.max(1);
    let is_even = by_frame * header.channels.max(1) == header.frame_bytes;
    let bytes = if is_even && by_frame > by_bits && by_frame <= 4 { by_frame } else { by_bits };
    let coding = match (header.tag, bytes) {
        (PCM, 1) => Coding::U8,
        (PCM, 2) => Coding::S16,
        (PCM, 3) => Coding::S24,
        (PCM, 4) => Coding::S32,
        (FLOAT, 4) => Coding::F32,
        (FLOAT, 8) => Coding::F64,
        (ALAW, _) => Coding::Alaw,
        (MULAW, _) => Coding::Mulaw,
        (ADPCM_MICROSOFT | ADPCM_IMA, _) => return Ok(None),
        (PCM | FLOAT, _) => {
            return Err(damaged(format!("it claims samples of {} bits", header.bits)));
        }
        (tag, _) => return Err(unsupported(&codec_name(tag))),
    };
    Ok(Some(coding))
}

fn codec_name(tag: u16) -> String {
    match tag {
        0x31 => "GSM 6.10".to_owned(),
        0x50 => "MPEG layer II in WAV".to_owned(),
        0x55 => "MP3 in WAV".to_owned(),
        0x92 | 0x2000 => "AC-3".to_owned(),
        0x160..=0x163 => "WMA".to_owned(),
        0x00ff | 0x1600..=0x1610 => "AAC in WAV".to_owned(),
        0x2001 => "DTS".to_owned(),
        0x674f..=0x6771 => "Vorbis in WAV".to_owned(),
        other => format!("of WAV format tag 0x{other:04x}"),
    }
}

/// Interleaved samples to planes of full scale 1.
fn convert(coding: Coding, bytes: &[u8], planes: &mut [Vec<f32>]) {
    match coding {
        Coding::U8 => spread(bytes, planes, |[byte]: [u8; 1]| (f32::from(byte) - 128.0) / 128.0),
        Coding::S16 => spread(bytes, planes, |two| f32::from(i16::from_le_bytes(two)) / 32_768.0),
        Coding::S24 => spread(bytes, planes, |[low, middle, high]: [u8; 3]| {
            (i32::from_le_bytes([0, low, middle, high]) >> 8) as f32 / 8_388_608.0
        }),
        Coding::S32 => spread(bytes, planes, |four| {
            (f64::from(i32::from_le_bytes(four)) / 2_147_483_648.0) as f32
        }),
        Coding::F32 => spread(bytes, planes, f32::from_le_bytes),
        Coding::F64 => spread(bytes, planes, |eight| f64::from_le_bytes(eight) as f32),
        Coding::Alaw => spread(bytes, planes, |[byte]: [u8; 1]| f32::from(alaw(byte)) / 32_768.0),
        Coding::Mulaw => spread(bytes, planes, |[byte]: [u8; 1]| f32::from(mulaw(byte)) / 32_768.0),
    }
}

fn spread<const N: usize>(bytes: &[u8], planes: &mut [Vec<f32>], value: impl Fn([u8; N]) -> f32) {
    let (samples, _) = bytes.as_chunks::<N>();
    let channels = planes.len();
    for (channel, plane) in planes.iter_mut().enumerate() {
        plane.extend(samples.iter().skip(channel).step_by(channels).map(|sample| value(*sample)));
    }
}

/// ITU-T G.711, A-law.
fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, mantissa) = (byte >> 4 & 7, i16::from(byte & 15) << 4);
    let value = match segment {
        0 => mantissa + 8,
        segment => (mantissa + 0x108) << (segment - 1),
    };
    if byte & 0x80 == 0 { -value } else { value }
}

/// ITU-T G.711, mu-law.
fn mulaw(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let byte = !byte;
    let (segment, mantissa) = (byte >> 4 & 7, i16::from(byte & 15) << 3);
    let value = ((mantissa + BIAS) << segment) - BIAS;
    if byte & 0x80 == 0 { value } else { -value }
}
