//! A document between two steps: where it comes from, and its terms with their counts.

use super::origin::Origin;
use super::term::Term;
use super::terms::Terms;
use super::varint::{Reader, push_bytes, push_number};

/// A document's counts.
#[derive(Clone, Debug)]
pub(super) struct Counts<'a> {
    pub(super) origin: Origin<'a>,
    /// By code point.
    pub(super) terms: Vec<(Term<'a>, u64)>,
}

const VERSION: u8 = 2;

/// One version byte, then pieces and numbers.
pub(super) fn encode(origin: &Origin<'_>, terms: &Terms) -> Vec<u8> {
    let mut out = Vec::with_capacity(terms.encoded_bytes());
    out.push(VERSION);
    origin.push(&mut out);
    push_number(terms.len() as u64, &mut out);
    for (term, count) in terms.sorted() {
        push_bytes(term.bytes(), &mut out);
        push_number(count, &mut out);
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
