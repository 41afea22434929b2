//! Maximal runs of a class of characters, found 64 bytes at a time as bits of a mask.

use super::class::{Class, HIGH_BITS};
use super::pieces::Split;
use super::table::{SHORT_BYTES_MAX, Table, WORD_BYTES_MAX, with_length};
use std::marker::PhantomData;

const BLOCK_BYTES: usize = 64;
/// Characters below U+0800, those of at most two bytes of UTF-8.
const TWO_BYTE_COUNT: usize = 0x800;

/// Counts the runs of `C`.
pub(crate) struct Runs<C> {
    two_byte: &'static TwoByte,
    buffer: String,
    class: PhantomData<C>,
}

/// What is known of the characters below U+0800, so that they cost no search.
pub(crate) struct TwoByte {
    belongs: [bool; TWO_BYTE_COUNT],
    /// Lower case of a character where that is one character of the basic plane and depends on
    /// nothing else, otherwise 0.
    lower: [u16; TWO_BYTE_COUNT],
}

impl TwoByte {
    pub(crate) fn of(belongs_wide: fn(char) -> bool) -> TwoByte {
        let mut tables = TwoByte { belongs: [false; TWO_BYTE_COUNT], lower: [0; TWO_BYTE_COUNT] };
        for character in '\0'..'\u{800}' {
            tables.belongs[character as usize] = belongs_wide(character);
            let mut lowered = character.to_lowercase();
            if lowered.len() == 1 && character != 'Σ' {
                let lowered = lowered.next().map_or(0, u32::from);
                tables.lower[character as usize] = u16::try_from(lowered).unwrap_or(0);
            }
        }
        tables
    }

    /// Whether a character belongs to a word; `None` from U+0800 on.
    pub(crate) fn belongs(&self, character: char) -> Option<bool> {
        self.belongs.get(character as usize).copied()
    }
}

impl<C: Class> Runs<C> {
    pub(crate) fn new() -> Runs<C> {
        Runs { two_byte: C::two_byte(), buffer: String::new(), class: PhantomData }
    }

    /// Bits of the block's non-ASCII bytes that belong to a run, and of those that the last
    /// character has in the next block.
    fn wide_mask(&self, text: &[u8], base: usize, mut wide: u64) -> (u64, u64) {
        let mut inside = 0_u128;
        while wide != 0 {
            let offset = wide.trailing_zeros();
            wide &= wide - 1;
            let at = base + offset as usize;
            if !is_lead(text[at]) {
                continue;
            }
            let (character, length) = decode(&text[at..]);
            let belongs = match self.two_byte.belongs.get(character as usize) {
                Some(belongs) => *belongs,
                None => C::wide(char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER)),
            };
            if belongs {
                inside |= ((1_u128 << length) - 1) << offset;
            }
        }
        (inside as u64, (inside >> BLOCK_BYTES) as u64)
    }

    #[inline]
    fn add(&mut self, text: &[u8], start: usize, end: usize, table: &mut Table) {
        let length = end - start;
        let Some(bytes) = text[start..].first_chunk::<16>().filter(|_| length <= SHORT_BYTES_MAX)
        else {
            return self.add_slowly(&text[start..end], table);
        };
        let key = u128::from_le_bytes(*bytes) & ((1 << (length * 8)) - 1);
        let halves = [key as u64, (key >> 64) as u64];
        if !C::LOWERED {
            table.add_short(key | with_length(length));
        } else if (halves[0] | halves[1]) & HIGH_BITS == 0 {
            let [low, high] = halves.map(lower_ascii);
            table.add_short(u128::from(high) << 64 | u128::from(low) | with_length(length));
        } else {
            self.add_slowly(&text[start..end], table);
        }
    }

    /// A long word, one at the end of the text, or one with letters beyond ASCII.
    fn add_slowly(&mut self, word: &[u8], table: &mut Table) {
        if !C::LOWERED || word.len() > WORD_BYTES_MAX {
            return table.add(word);
        }
        self.buffer.clear();
        if !self.lower_by_table(word) {
            // Words are cut from checked text, so nothing is lost here.
            self.buffer = String::from_utf8_lossy(word).to_lowercase();
        }
        table.add(self.buffer.as_bytes());
    }

    /// Lowers a word into the buffer, or gives up on a capital sigma, which depends on its
    /// neighbours.
    fn lower_by_table(&mut self, word: &[u8]) -> bool {
        let mut rest = word;
        while !rest.is_empty() {
            let (code, length) = decode(rest);
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            match self.two_byte.lower.get(code as usize) {
                Some(0) if character == 'Σ' => return false,
                None | Some(0) => self.buffer.extend(character.to_lowercase()),
                Some(lowered) => {
                    let lowered = char::from_u32(u32::from(*lowered)).unwrap_or(character);
                    self.buffer.push(lowered);
                }
            }
            rest = &rest[length.min(rest.len())..];
        }
        true
    }

    fn belongs(character: &[u8]) -> bool {
        match character {
            [byte @ ..=0x7F] => C::ascii(u64::from(*byte)) & 0x80 != 0,
            _ if !C::UNICODE => false,
            _ => C::wide(char::from_u32(decode(character).0).unwrap_or(' ')),
        }
    }
}

impl<C: Class> Split for Runs<C> {
    fn is_of_characters(&self) -> bool {
        C::UNICODE
    }

    fn count(&mut self, text: &[u8], table: &mut Table) {
        // Where the word begins that is open, if `previous` says that one is.
        let mut start = 0;
        let mut spilled = 0_u64;
        let mut previous = 0_u64;
        for base in (0..text.len()).step_by(BLOCK_BYTES) {
            let mut padded = [b' '; BLOCK_BYTES];
            let block = text[base..].first_chunk::<BLOCK_BYTES>().unwrap_or_else(|| {
                padded[..text.len() - base].copy_from_slice(&text[base..]);
                &padded
            });
            let mut inside = inside_mask::<C>(block) | spilled;
            spilled = 0;
            if C::UNICODE && !block.is_ascii() {
                let (wide_inside, rest) = self.wide_mask(text, base, wide_bytes(block));
                inside |= wide_inside;
                spilled = rest;
            }
            let shifted = inside << 1 | previous;
            let (mut starts, mut ends) = (inside & !shifted, shifted & !inside);
            if previous == 0 {
                start = take_first(&mut starts, base);
            }
            previous = inside >> (BLOCK_BYTES - 1);
            while ends != 0 {
                let end = take_first(&mut ends, base);
                self.add(text, start, end, table);
                start = take_first(&mut starts, base);
            }
        }
        if previous != 0 {
            self.add(text, start, text.len(), table);
        }
    }

    fn last_gap(&self, text: &[u8]) -> usize {
        let mut end = text.len();
        while end > 0 {
            let start = text[..end].iter().rposition(|byte| starts::<C>(*byte)).unwrap_or(0);
            if !Self::belongs(&text[start..end]) {
                return end;
            }
            end = start;
        }
        0
    }

    fn first_gap(&self, text: &[u8]) -> Option<usize> {
        let mut start = 0;
        while start < text.len() {
            let next = text[start + 1..].iter().position(|byte| starts::<C>(*byte));
            let end = next.map_or(text.len(), |next| start + 1 + next);
            if !Self::belongs(&text[start..end]) {
                return Some(start);
            }
            start = end;
        }
        None
    }
}

/// Removes the lowest bit and says where in the text it stands; behind the block if there is none.
#[inline]
fn take_first(bits: &mut u64, base: usize) -> usize {
    let first = base + bits.trailing_zeros() as usize;
    *bits &= bits.wrapping_sub(1);
    first
}

/// Bits of the ASCII bytes that belong to a run.
#[inline]
fn inside_mask<C: Class>(block: &[u8; BLOCK_BYTES]) -> u64 {
    mask_of(block, |bytes| C::ascii(bytes & !HIGH_BITS) & !bytes)
}

/// Bits of the bytes that are not ASCII.
fn wide_bytes(block: &[u8; BLOCK_BYTES]) -> u64 {
    mask_of(block, |bytes| bytes)
}

#[inline]
fn mask_of(block: &[u8; BLOCK_BYTES], high_bits: impl Fn(u64) -> u64) -> u64 {
    let eights = block.as_chunks::<8>().0.iter().enumerate();
    eights.fold(0, |mask, (index, bytes)| {
        mask | gather(high_bits(u64::from_le_bytes(*bytes)) & HIGH_BITS) << (index * 8)
    })
}

/// The eight high bits of the bytes as the low eight bits: 2^(8i) times 2^(7(8-i)) is 2^(56+i).
#[inline]
fn gather(high_bits: u64) -> u64 {
    (high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[inline]
fn lower_ascii(bytes: u64) -> u64 {
    bytes | super::class::between(bytes, b'A', b'Z') >> 2
}

fn is_lead(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// Whether a character starts here.
fn starts<C: Class>(byte: u8) -> bool {
    !C::UNICODE || is_lead(byte)
}

/// The first code point of UTF-8 text and its length in bytes.
#[inline]
fn decode(text: &[u8]) -> (u32, usize) {
    let tail = |index: usize| text.get(index).map_or(0, |byte| u32::from(byte & 0x3F));
    let lead = u32::from(text[0]);
    match lead {
        0..0xC0 => (lead, 1),
        0xC0..0xE0 => ((lead & 0x1F) << 6 | tail(1), 2),
        0xE0..0xF0 => ((lead & 0x0F) << 12 | tail(1) << 6 | tail(2), 3),
        _ => ((lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    }
}
