//! One field of a shard: its values, the rows of each, and the value of each row.

use crate::dictionary::Dictionary;
use crate::postings::{NO_VALUE, Postings};
use std::borrow::Cow;
use windlass_core::records::Wanted;

/// A field that can be asked for.
#[derive(Debug)]
pub(crate) struct Field {
    values: Dictionary,
    postings: Postings,
    /// The number of each row's value; empty where rows are never filtered by it.
    column: Vec<u32>,
}

/// Numbers of the values that a condition accepts and some row has: one, or one of each of two
/// kinds; [`NO_VALUE`] stands for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Accepted(u32, u32);

impl Accepted {
    pub(crate) fn numbers(self) -> impl Iterator<Item = u32> {
        [self.0, self.1].into_iter().filter(|&number| number != NO_VALUE)
    }

    pub(crate) fn only(self) -> Option<u32> {
        (self.0 != NO_VALUE && self.1 == NO_VALUE).then_some(self.0)
    }

    /// What both accept.
    pub(crate) fn and(self, other: Accepted) -> Accepted {
        let keep = |number| if other.has(number) { number } else { NO_VALUE };
        Accepted(keep(self.0), keep(self.1)).in_order()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == NO_VALUE
    }

    fn has(self, number: u32) -> bool {
        number != NO_VALUE && (number == self.0 || number == self.1)
    }

    /// Where there is one, it comes first.
    fn in_order(self) -> Accepted {
        Accepted(self.0.min(self.1), self.0.max(self.1))
    }
}

impl Field {
    pub(crate) fn new(mut values: Dictionary, mut column: Vec<u32>) -> Field {
        values.shrink();
        column.shrink_to_fit();
        let postings = Postings::of_column(&column, values.len());
        Field { values, postings, column }
    }

    /// The same without the value of each row.
    pub(crate) fn without_column(self) -> Field {
        Field { column: Vec::new(), ..self }
    }

    /// The values that would do.
    pub(crate) fn accepted(&self, wanted: &Wanted) -> Accepted {
        let mut accepted = [NO_VALUE; 2];
        let mut canonical = Vec::new();
        for (slot, value) in accepted.iter_mut().zip(wanted.values()) {
            canonical.clear();
            value.write_canonical(&mut canonical);
            *slot = self.values.number(&canonical).unwrap_or(NO_VALUE);
        }
        Accepted(accepted[0], accepted[1]).in_order()
    }

    /// Rows that have an accepted value, ascending.
    pub(crate) fn rows(&self, accepted: Accepted) -> Cow<'_, [u32]> {
        joined(accepted.numbers().map(|number| self.postings.rows(number)))
    }

    /// How many rows these are.
    pub(crate) fn row_count(&self, accepted: Accepted) -> usize {
        accepted.numbers().map(|number| self.postings.rows(number).len()).sum()
    }

    /// Whether a row's value is accepted.
    pub(crate) fn is_met(&self, row: u32, accepted: Accepted) -> bool {
        accepted.has(self.column[row as usize])
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.values.memory_bytes() + self.postings.memory_bytes() + self.column.capacity() * 4
    }
}

/// One ascending list of several that have nothing in common.
pub(crate) fn joined<'a>(mut lists: impl Iterator<Item = &'a [u32]>) -> Cow<'a, [u32]> {
    let Some(first) = lists.next() else { return Cow::Borrowed(&[]) };
    let mut rows = Cow::Borrowed(first);
    for list in lists {
        rows.to_mut().extend_from_slice(list);
    }
    if let Cow::Owned(rows) = &mut rows {
        rows.sort_unstable();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_conditions_accept_is_what_both_do() {
        let none = Accepted(NO_VALUE, NO_VALUE);
        let both = Accepted(3, 5);
        assert_eq!(both.and(Accepted(5, 7)), Accepted(5, NO_VALUE));
        assert_eq!(both.and(Accepted(3, 5)), both);
        assert_eq!(both.and(Accepted(1, NO_VALUE)), none);
        assert!(none.is_empty() && none.and(both).is_empty() && !none.has(NO_VALUE));
        assert_eq!((both.only(), Accepted(4, NO_VALUE).only(), none.only()), (None, Some(4), None));
    }
}
