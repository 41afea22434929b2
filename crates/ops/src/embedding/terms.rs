//! Different terms with a count each: one copy of each term, found by its hash.

use super::term::Term;
use hashbrown::HashTable;
use windlass_core::Failure;

/// Bytes of all different terms together.
const BYTES_MAX: usize = 512 << 20;

/// The terms, numbered from 0 as they come, and the count of each.
#[derive(Debug, Default)]
pub(super) struct Terms {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    counts: Vec<u64>,
    table: HashTable<u32>,
}

impl Terms {
    /// With room for those of a text of so many bytes, if it is short.
    pub(super) fn of_text(text_bytes: usize) -> Terms {
        const TEXT_BYTES_MAX: usize = 64 << 10;
        /// Of the text for each term: a word and what parts it from the next.
        const TERM_BYTES: usize = 8;
        let text_bytes = text_bytes.min(TEXT_BYTES_MAX);
        let count = text_bytes / TERM_BYTES + 1;
        Terms {
            bytes: Vec::with_capacity(text_bytes),
            ends: Vec::with_capacity(count),
            counts: Vec::with_capacity(count),
            table: HashTable::with_capacity(count),
        }
    }

    /// Counts a term once.
    ///
    /// # Errors
    /// `too_many_terms`.
    pub(super) fn add(&mut self, term: Term<'_>) -> Result<(), Failure> {
        let number = self.number(term)?;
        self.counts[number] += 1;
        Ok(())
    }

    /// The number of a term, which it gets if it has none.
    ///
    /// # Errors
    /// `too_many_terms`.
    pub(super) fn number(&mut self, term: Term<'_>) -> Result<usize, Failure> {
        let Terms { bytes, ends, counts, table } = self;
        let hash = term.hash();
        if let Some(number) = table.find(hash, |number| term_at(bytes, ends, *number) == term) {
            return Ok(*number as usize);
        }
        let number = ends.len();
        let end = bytes.len() + term.bytes().len();
        let fits = (end <= BYTES_MAX).then_some(());
        let (Some(()), Ok(end), Ok(number_u32)) = (fits, u32::try_from(end), u32::try_from(number))
        else {
            return Err(too_many());
        };
        bytes.extend_from_slice(term.bytes());
        ends.push(end);
        counts.push(0);
        table.insert_unique(hash, number_u32, |it| term_at(bytes, ends, *it).hash());
        Ok(number)
    }

    /// How many different ones there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The term of a number that was given out.
    pub(super) fn term(&self, number: usize) -> Term<'_> {
        term_at(&self.bytes, &self.ends, number as u32)
    }

    /// Each with its count, by code point.
    pub(super) fn sorted(&self) -> Vec<(Term<'_>, u64)> {
        let each = |number: usize| (self.term(number), self.counts[number]);
        let mut all: Vec<_> = (0..self.len()).map(each).collect();
        all.sort_unstable();
        all
    }
}

fn term_at<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> Term<'a> {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before] as usize);
    Term::within(bytes, start..ends[number] as usize)
}

fn too_many() -> Failure {
    Failure::rejected(
        "too_many_terms",
        format!("the different terms have more than {} MB", BYTES_MAX >> 20),
        "Give a smaller ngram_max, or split the file.",
    )
}
