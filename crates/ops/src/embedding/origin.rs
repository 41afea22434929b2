//! Where what passes between steps comes from: the document's name, what it was read as, and what
//! the user should know of it.

use super::varint::{Reader, push_bytes, push_number};
use crate::document;
use crate::encoding::decode_text;
use crate::work::Work;
use windlass_core::Failure;
use windlass_core::media::Media;

/// Largest text file, or text within a document.
const TEXT_BYTES_MAX: u64 = 256 << 20;

/// A document, without its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Origin<'a> {
    /// What its result is named by.
    pub(super) base: &'a str,
    /// The encoding of a text, the kind of another document.
    pub(super) encoding: &'a str,
    /// Sentences for the user.
    pub(super) notes: Vec<&'a str>,
}

/// A document's text with its origin.
pub(super) struct Text {
    pub(super) base: String,
    pub(super) encoding: &'static str,
    pub(super) notes: Vec<String>,
    pub(super) text: String,
}

impl Text {
    /// Reads the input's text: decoded, or taken out of the document.
    pub(super) fn of(work: &mut Work<'_>) -> Result<Text, Failure> {
        let Some(source) = work.source.as_mut() else {
            return Err(Failure::rejected(
                "input_missing",
                "there is no text to make a vector of",
                "Name the files.",
            ));
        };
        let base = source.base.clone();
        if source.media == Media::Text {
            let bytes = source.read(TEXT_BYTES_MAX)?;
            let (text, encoding) = decode_text(bytes);
            return Ok(Text { base, encoding, notes: Vec::new(), text });
        }
        let output = &mut *work.output;
        let mut progress = |done: usize, total: usize| output.progress(done as u64, total as u64);
        let document::Text { kind, text, warnings } =
            document::text(source, work.params, &mut progress)?;
        if text.len() as u64 > TEXT_BYTES_MAX {
            let cause = format!("the document's text has more than {} MB", TEXT_BYTES_MAX >> 20);
            return Err(Failure::rejected("input_too_large", cause, "Split the document."));
        }
        Ok(Text { base, encoding: kind, notes: warnings, text })
    }

    pub(super) fn origin(&self) -> Origin<'_> {
        let Text { base, encoding, notes, .. } = self;
        Origin { base, encoding, notes: notes.iter().map(String::as_str).collect() }
    }
}

impl<'a> Origin<'a> {
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        push_bytes(self.base.as_bytes(), out);
        push_bytes(self.encoding.as_bytes(), out);
        push_number(self.notes.len() as u64, out);
        self.notes.iter().for_each(|note| push_bytes(note.as_bytes(), out));
    }

    /// The reverse of [`Origin::push`]; `None` for what it did not write.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Origin<'a>> {
        let (base, encoding) = (reader.text()?, reader.text()?);
        let note_count = reader.count(1)?;
        let notes = (0..note_count).map(|_| reader.text()).collect::<Option<_>>()?;
        Some(Origin { base, encoding, notes })
    }
}
