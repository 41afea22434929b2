//! A document between two steps: its name, what it was read as, and its terms with their counts.

use super::terms::Terms;
use super::varint::{Reader, push_bytes, push_number};

/// A document's counts.
#[derive(Clone, Debug)]
pub(super) struct Counts<'a> {
    /// What its result is named by.
    pub(super) base: &'a str,
    /// What it was read as.
    pub(super) encoding: &'a str,
    /// By code point, which is the order of UTF-8 bytes.
    pub(super) terms: Vec<(&'a [u8], u64)>,
}

const VERSION: u8 = 1;

/// One version byte, then pieces and numbers.
pub(super) fn encode(base: &str, encoding: &str, terms: &Terms) -> Vec<u8> {
    let mut out = vec![VERSION];
    push_bytes(base.as_bytes(), &mut out);
    push_bytes(encoding.as_bytes(), &mut out);
    push_number(terms.len() as u64, &mut out);
    for (term, count) in terms.sorted() {
        push_bytes(term, &mut out);
        push_number(count, &mut out);
    }
    out
}

impl Counts<'_> {
    /// The reverse of [`encode`]; `None` for what it did not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Counts<'_>> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let mut reader = Reader(rest);
        let (base, encoding) = (reader.text()?, reader.text()?);
        let count = reader.count(2)?;
        let terms = (0..count).map(|_| Some((reader.bytes()?, reader.number()?)));
        let terms: Vec<_> = terms.collect::<Option<_>>()?;
        let is_sorted = terms.is_sorted_by(|(a, _), (b, _)| a < b);
        (is_sorted && reader.0.is_empty()).then_some(Counts { base, encoding, terms })
    }
}
