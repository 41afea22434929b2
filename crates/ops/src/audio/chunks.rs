//! The chunks of a WAV file (RIFF, RIFX, RF64, BW64): the format, where the samples lie, tags. What
//! a header promises and what is there may differ: the bytes that are there count.

use super::sound::{damaged, fill, rewind};
use super::tags::Tags;
use crate::SourceReader;
use std::io::Read;
use windlass_core::Failure;

/// Chunks that are looked at: no real file has more than some dozens.
const CHUNK_COUNT_MAX: usize = 4_096;
/// Bytes of a `fmt ` chunk and of a list of tags that are read.
const FMT_BYTES_MAX: u64 = 64;
const LIST_BYTES_MAX: u64 = 64 << 10;
/// Bytes before a chunk's content: its name and its length.
const HEAD_BYTES: u64 = 8;
/// The chunks begin behind the file's signature.
const FIRST_CHUNK: u64 = 12;
/// The length that stands where a longer one stands in `ds64`, or where it was not known.
const LENGTH_ELSEWHERE: u64 = 0xffff_ffff;

/// What the `fmt ` chunk says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The coding; that behind `WAVE_FORMAT_EXTENSIBLE` where it is used.
    pub(super) tag: u16,
    pub(super) channels: u16,
    pub(super) sample_rate: u32,
    /// Bytes of one sample of all channels.
    pub(super) frame_bytes: u16,
    /// Bits of a sample that have a meaning.
    pub(super) bits: u16,
    /// Speaker positions; 0: not given.
    pub(super) mask: u32,
}

/// The samples' place in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Data {
    pub(super) start: u64,
    /// Bytes that are there.
    pub(super) length: u64,
    /// Bytes that the header promises beyond those.
    pub(super) missing: u64,
}

/// What a look over the chunks found.
#[derive(Default)]
pub(super) struct Chunks {
    pub(super) is_big_endian: bool,
    pub(super) header: Option<Header>,
    pub(super) data: Option<Data>,
    pub(super) tags: Tags,
}

impl Chunks {
    /// Goes through the chunks without reading the samples.
    pub(super) fn read(reader: &mut SourceReader) -> Result<Chunks, Failure> {
        let mut signature = [0; FIRST_CHUNK as usize];
        if reader.size() < FIRST_CHUNK {
            return Err(damaged("it ends within its first bytes"));
        }
        fill(reader, &mut signature)?;
        let mut chunks =
            Chunks { is_big_endian: signature.starts_with(b"RIFX"), ..Chunks::default() };
        let mut wide_length = None;
        let (size, mut at) = (reader.size(), FIRST_CHUNK);
        for _ in 0..CHUNK_COUNT_MAX {
            if at + HEAD_BYTES > size {
                break;
            }
            rewind(reader, at)?;
            let mut head = [0; HEAD_BYTES as usize];
            fill(reader, &mut head)?;
            let [n0, n1, n2, n3, l0, l1, l2, l3] = head;
            let start = at + HEAD_BYTES;
            let mut length = u64::from(chunks.u32([l0, l1, l2, l3]));
            match &[n0, n1, n2, n3] {
                b"ds64" => {
                    let content = content(reader, length.min(FMT_BYTES_MAX), size - start)?;
                    let field = content.get(8..16).and_then(<[u8]>::first_chunk);
                    wide_length = field.copied().map(u64::from_le_bytes);
                }
                b"fmt " => {
                    let content = content(reader, length.min(FMT_BYTES_MAX), size - start)?;
                    chunks.header = chunks.header.or(chunks.parse_header(&content));
                }
                b"data" if chunks.data.is_none() => {
                    let data = available(reader, start, length, wide_length)?;
                    length = data.length;
                    chunks.data = Some(data);
                }
                b"LIST" if length <= LIST_BYTES_MAX => {
                    let content = content(reader, length, size - start)?;
                    chunks.tags.add_riff(&content);
                }
                _ => {}
            }
            // Chunks begin at even places.
            at = start.saturating_add(length).saturating_add(length % 2);
        }
        Ok(chunks)
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn u16_at(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let two = *bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    }

    fn u32_at(&self, bytes: &[u8], at: usize) -> Option<u32> {
        Some(self.u32(*bytes.get(at..)?.first_chunk()?))
    }

    fn parse_header(&self, content: &[u8]) -> Option<Header> {
        const EXTENSIBLE: u16 = 0xfffe;
        let mut header = Header {
            tag: self.u16_at(content, 0)?,
            channels: self.u16_at(content, 2)?,
            sample_rate: self.u32_at(content, 4)?,
            frame_bytes: self.u16_at(content, 12)?,
            bits: self.u16_at(content, 14).unwrap_or(0),
            mask: 0,
        };
        if header.tag == EXTENSIBLE {
            let valid_bits = self.u16_at(content, 18)?;
            if (1..=header.bits).contains(&valid_bits) {
                header.bits = valid_bits;
            }
            header.mask = self.u32_at(content, 20)?;
            header.tag = self.u16_at(content, 24)?;
        }
        Some(header)
    }
}

fn content(reader: &mut SourceReader, length: u64, left: u64) -> Result<Vec<u8>, Failure> {
    let mut content = vec![0; usize::try_from(length.min(left)).unwrap_or(0)];
    fill(reader, &mut content)?;
    Ok(content)
}

/// How many of the claimed bytes are there. Programs that write to a pipe leave 0 or the largest
/// number, and samples up to the file's end.
fn available(
    reader: &mut SourceReader,
    start: u64,
    claimed: u64,
    wide_length: Option<u64>,
) -> Result<Data, Failure> {
    let rest = reader.size() - start;
    let whole = Data { start, length: rest, missing: 0 };
    if claimed == LENGTH_ELSEWHERE {
        return Ok(match wide_length {
            Some(wide) if wide > 0 => {
                Data { start, length: wide.min(rest), missing: wide.saturating_sub(rest) }
            }
            _ => whole,
        });
    }
    if claimed == 0 && rest > 0 {
        let mut next = [0; 8];
        let count = reader.read(&mut next).unwrap_or(0);
        let is_chunk = count == 8
            && next[..4].iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
            && u64::from(u32::from_le_bytes([next[4], next[5], next[6], next[7]])) + 8 <= rest;
        return Ok(if is_chunk { Data { start, length: 0, missing: 0 } } else { whole });
    }
    Ok(Data { start, length: claimed.min(rest), missing: claimed.saturating_sub(rest) })
}
