//! A document between two steps: where it comes from, and its terms with their counts.

use super::analyzer;
use super::origin::Origin;
use super::settings::{Analyzer, Settings};
use super::term::Term;
use super::terms::Terms;
use super::varint::{Reader, push_bytes, push_number};
use windlass_core::Failure;

/// A document's counts.
#[derive(Clone, Debug)]
pub(super) struct Counts<'a> {
    pub(super) origin: Origin<'a>,
    /// By code point.
    pub(super) terms: Vec<(Term<'a>, u64)>,
}

const VERSION: u8 = 2;

/// Longest text, in bytes, whose words are put in order one by one to be counted: for so few, that
/// is less work than a table.
const ORDERED_BYTES_MAX: usize = 4 << 10;
/// Of such a text for each word that counts, with what parts it from the next.
const WORD_BYTES: usize = 8;

/// The counts of a prepared text, written down.
///
/// # Errors
/// `too_many_terms`.
pub(super) fn of_text(
    origin: &Origin<'_>,
    text: String,
    settings: &Settings,
) -> Result<Vec<u8>, Failure> {
    let are_words = settings.analyzer == Analyzer::Word && settings.ngrams.1 == 1;
    if are_words && text.len() <= ORDERED_BYTES_MAX {
        let mut words = Vec::with_capacity(text.len() / WORD_BYTES + 1);
        words.extend(analyzer::words(&text, settings).map(|word| (word, 1)));
        return Ok(encode(origin, in_order(&mut words)));
    }
    let mut terms = Terms::of_text(text.len());
    analyzer::each_term(&text, settings, &mut |term| terms.add(term))?;
    // The terms have what they need of it.
    drop(text);
    Ok(encode(origin, &terms.sorted()))
}

/// The different ones by code point, the counts of equal ones added up.
fn in_order<'c, 't>(counts: &'c mut Vec<(Term<'t>, u64)>) -> &'c [(Term<'t>, u64)] {
    counts.sort_unstable();
    counts.dedup_by(|(again, more), (term, count)| {
        let is_same = again == term;
        *count += if is_same { *more } else { 0 };
        is_same
    });
    counts
}

/// One version byte, then pieces and numbers.
pub(super) fn encode(origin: &Origin<'_>, terms: &[(Term<'_>, u64)]) -> Vec<u8> {
    /// Of a term's length and of its count, as nearly all are.
    const NUMBER_BYTES: usize = 1;
    /// Of what comes first.
    const HEAD_BYTES: usize = 64;
    let terms_bytes = |(term, _): &(Term<'_>, u64)| term.bytes().len() + 2 * NUMBER_BYTES;
    let mut out = Vec::with_capacity(HEAD_BYTES + terms.iter().map(terms_bytes).sum::<usize>());
    out.push(VERSION);
    origin.push(&mut out);
    push_number(terms.len() as u64, &mut out);
    for (term, count) in terms {
        push_bytes(term.bytes(), &mut out);
        push_number(*count, &mut out);
    }
    out
}

impl Counts<'_> {
    /// The reverse of [`encode`]; `None` for what it did not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Counts<'_>> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let mut reader = Reader(rest);
        let origin = Origin::read(&mut reader)?;
        let count = reader.count(2)?;
        let mut terms = Vec::with_capacity(count);
        for _ in 0..count {
            terms.push((reader.term()?, reader.number()?));
        }
        let is_sorted = terms.is_sorted_by(|(a, _), (b, _)| a < b);
        (is_sorted && reader.0.is_empty()).then_some(Counts { origin, terms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In order one by one, and by a table.
    #[test]
    fn few_words_are_counted_as_many_are() {
        let settings = Settings { ngrams: (1, 1), ..Settings::default() };
        let origin = Origin { base: "a", encoding: "UTF-8", notes: Vec::new() };
        let text = "wine abcdefghi bread wine abcdefghj \u{e4}\u{f6} bread_ wine abcdefgh bread";
        let mut terms = Terms::default();
        analyzer::each_term(text, &settings, &mut |term| terms.add(term)).expect("room");
        let few = of_text(&origin, text.to_owned(), &settings).expect("counted");
        assert_eq!(few, encode(&origin, &terms.sorted()));
        let counts = Counts::decode(&few).expect("whole");
        let wine = Term::of(b"wine");
        assert_eq!(counts.terms.iter().find(|(term, _)| *term == wine), Some(&(wine, 3)));
    }
}
