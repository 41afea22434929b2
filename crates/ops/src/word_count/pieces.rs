//! A file as pieces that end between words, so that memory is bound by the distinct words.
//!
//! UTF-8 is streamed. A file that turns out to be in another encoding is read again as a whole.

use super::long_word::LongWord;
use super::table::{Table, WORD_BYTES_MAX};
use crate::encoding::decode_text;
use crate::work::{Output, Source};
use windlass_core::Failure;

/// Largest file that is not UTF-8: it lies in memory as it is and decoded.
const DECODED_BYTES_MAX: u64 = 256 << 20;
/// Where `decode_text` looks for the zero bytes that tell UTF-16 and UTF-32.
const ZERO_SEARCH_BYTES: u64 = 1 << 20;
/// How much of decoded text is counted between two signs of progress.
const DECODED_PIECE_BYTES: usize = 4 << 20;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A way of splitting text into words.
pub(crate) trait Split {
    /// Whether it splits characters; otherwise bytes, whatever the encoding.
    fn is_of_characters(&self) -> bool;

    /// Counts the words of a text that starts and ends between words.
    fn count(&mut self, text: &[u8], table: &mut Table);

    /// The last place of the text where no word is cut whatever follows; 0: there is none.
    fn last_gap(&self, text: &[u8]) -> usize;

    /// The first place where the word that the text starts with has ended.
    fn first_gap(&self, text: &[u8]) -> Option<usize>;
}

/// Counts the words of a file and names its encoding; `None`: its bytes were counted.
///
/// # Errors
/// As [`Source::stream`], and `too_many_words`.
pub(crate) fn count_file(
    source: &mut Source,
    split: &mut dyn Split,
    table: &mut Table,
    output: &mut dyn Output,
) -> Result<Option<&'static str>, Failure> {
    let size = source.size;
    let mut feeder = Feeder::new(split, table);
    let mut done = 0;
    let mut is_utf8 = true;
    let streamed = source.stream(|piece| {
        if feeder.split.is_of_characters() {
            let head = &piece[..piece.len().min(remaining(ZERO_SEARCH_BYTES, done))];
            let is_wide = head.contains(&0) || (done == 0 && has_wide_mark(piece));
            is_utf8 = !is_wide;
        }
        let piece = if done == 0 { feeder.without_mark(piece) } else { piece };
        done += piece.len() as u64;
        is_utf8 = is_utf8 && feeder.feed(piece);
        if !is_utf8 {
            return Err(Failure::rejected("not_utf8", "the file is not in utf-8", ""));
        }
        output.progress(done, size);
        feeder.table.check_bounds()
    });
    if is_utf8 {
        streamed?;
        is_utf8 = feeder.finish();
    }
    let of_characters = feeder.split.is_of_characters();
    if is_utf8 {
        return Ok(of_characters.then_some("UTF-8"));
    }
    *table = Table::for_text(size);
    count_decoded(source, split, table, output)
}

fn count_decoded(
    source: &mut Source,
    split: &mut dyn Split,
    table: &mut Table,
    output: &mut dyn Output,
) -> Result<Option<&'static str>, Failure> {
    let bytes = source.read(DECODED_BYTES_MAX)?;
    let (text, encoding) = decode_text(bytes);
    let mut feeder = Feeder::new(split, table);
    let mut done = 0;
    for piece in text.as_bytes().chunks(DECODED_PIECE_BYTES) {
        feeder.feed(piece);
        done += piece.len() as u64;
        output.progress(done, text.len() as u64);
        feeder.table.check_bounds()?;
    }
    feeder.finish();
    Ok(Some(encoding))
}

fn remaining(bound: u64, done: u64) -> usize {
    usize::try_from(bound.saturating_sub(done)).unwrap_or(usize::MAX)
}

fn has_wide_mark(head: &[u8]) -> bool {
    head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF])
}

/// Takes pieces of any length and counts them up to the last gap between words.
struct Feeder<'a> {
    split: &'a mut dyn Split,
    table: &'a mut Table,
    /// What follows the last gap.
    rest: Vec<u8>,
    /// How much of `rest` is known to be whole characters without a gap.
    checked: usize,
    /// A word too long to be kept.
    long: Option<LongWord>,
}

impl<'a> Feeder<'a> {
    fn new(split: &'a mut dyn Split, table: &'a mut Table) -> Feeder<'a> {
        Feeder { split, table, rest: Vec::new(), checked: 0, long: None }
    }

    fn without_mark<'b>(&self, piece: &'b [u8]) -> &'b [u8] {
        match piece.strip_prefix(UTF8_MARK) {
            Some(rest) if self.split.is_of_characters() => rest,
            _ => piece,
        }
    }

    /// Whether the text so far is what the split asks for: UTF-8, or any bytes.
    fn feed(&mut self, piece: &[u8]) -> bool {
        // Without a rest the piece is used in place.
        let mut joined = std::mem::take(&mut self.rest);
        let text = match joined.is_empty() {
            true => piece,
            false => {
                joined.extend_from_slice(piece);
                &joined
            }
        };
        let Some(whole) = self.whole_length(text) else { return false };
        let mut start = 0;
        if self.long.is_some() {
            start = self.feed_long(&text[..whole]);
        }
        let searched = self.checked.max(start);
        let gap = match self.split.last_gap(&text[searched..whole]) {
            0 => start,
            gap => searched + gap,
        };
        self.split.count(&text[start..gap], self.table);
        self.checked = whole - gap;
        if self.checked > WORD_BYTES_MAX {
            self.long.get_or_insert_default().push(&text[gap..whole]);
            self.checked = 0;
            self.rest = text[whole..].to_vec();
        } else {
            self.rest = text[gap..].to_vec();
        }
        true
    }

    /// Length of the text without a character that is cut at its end; `None`: it is not UTF-8.
    fn whole_length(&self, text: &[u8]) -> Option<usize> {
        if !self.split.is_of_characters() {
            return Some(text.len());
        }
        match std::str::from_utf8(&text[self.checked..]) {
            Ok(_) => Some(text.len()),
            Err(error) if error.error_len().is_none() => Some(self.checked + error.valid_up_to()),
            Err(_) => None,
        }
    }

    /// Goes on with a word that is too long to be kept; says where in the text it ends.
    fn feed_long(&mut self, text: &[u8]) -> usize {
        let end = self.split.first_gap(text);
        if let Some(long) = &mut self.long {
            long.push(&text[..end.unwrap_or(text.len())]);
        }
        if end.is_some() {
            self.end_long();
        }
        end.unwrap_or(text.len())
    }

    fn end_long(&mut self) {
        if let Some(long) = self.long.take() {
            self.table.add_shortened(&long);
        }
    }

    /// Counts what is left at the end of the file; whether it ended with a whole character.
    fn finish(&mut self) -> bool {
        let rest = std::mem::take(&mut self.rest);
        self.end_long();
        self.split.count(&rest[..self.checked], self.table);
        self.checked == rest.len()
    }
}
