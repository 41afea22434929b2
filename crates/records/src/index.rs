//! A shard in memory, which finds rows by key, by each indexed field, and by the first two of these
//! together.
//!
//! Values of a field are interned ([`Dictionary`]), rows lie sorted by value ([`Postings`]). What
//! can be asked for is what is indexed: no query reads all rows.

use crate::dictionary::Dictionary;
use crate::fault::RowFault;
use crate::field::{Accepted, Field, joined};
use crate::postings::{NO_VALUE, Postings};
use crate::row::{FIELD_COUNT_MAX, find, key_text, scalar};
use crate::shard::{ShardFault, ShardRows, row_at};
use std::borrow::Cow;
use thiserror::Error;
use windlass_core::records::{FieldName, Query, QueryError, RecordSet, Rows, SetError};

/// A shard that cannot be served.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum IndexError {
    /// The set's description does not hold together.
    #[error("read the record set's description: {0}")]
    Set(#[from] SetError),
    /// It is no shard of this version.
    #[error("read the shard: {0}")]
    Shard(#[from] ShardFault),
    /// A row that no loader would have let in.
    #[error("read row {row} of the shard: {fault}")]
    Row {
        /// From 0.
        row: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// Its values take more than 4 GB.
    #[error("index field {0}: its values are too large")]
    Values(FieldName),
}

/// What is accepted of each field, where anything is asked of it; positions as in
/// [`Index::fields`].
type Conditions = [Option<Accepted>; FIELD_COUNT_MAX];

/// So many rows are few.
const SHORT_ROW_COUNT_MAX: usize = 16;

/// A shard that answers.
#[derive(Debug)]
pub struct Index {
    set: RecordSet,
    /// The stored shard; rows are parts of it.
    bytes: Vec<u8>,
    /// Where each row begins.
    starts: Vec<u32>,
    /// Key first, then the indexed ones.
    fields: Vec<Field>,
    /// Pairs of values of the first two indexed fields.
    pairs: Dictionary,
    pair_postings: Postings,
}

/// Rows that were found.
#[derive(Clone, Debug)]
pub struct Matches<'a> {
    index: &'a Index,
    rows: Cow<'a, [u32]>,
}

impl Index {
    /// Indexes a stored shard of this set.
    ///
    /// # Errors
    /// The first thing in it that cannot be.
    pub fn new(set: &RecordSet, bytes: Vec<u8>) -> Result<Index, IndexError> {
        set.check()?;
        let names: Vec<&str> = set.fields().map(FieldName::as_str).collect();
        let mut values: Vec<Dictionary> = names.iter().map(|_| Dictionary::default()).collect();
        let mut columns: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
        let mut starts = Vec::new();
        let (mut canonical, mut text) = (Vec::new(), String::new());
        for row in ShardRows::new(&bytes)? {
            let (start, row) = row?;
            let at_row = |fault| IndexError::Row { row: starts.len() as u64, fault };
            let found = find(row, &names).map_err(at_row)?;
            key_text(found[0], &set.key).map_err(at_row)?;
            for (position, field) in set.fields().enumerate() {
                let value = found[position].and_then(|json| scalar(json, &mut text));
                let number = match value {
                    None => NO_VALUE,
                    Some(value) => {
                        canonical.clear();
                        value.write_canonical(&mut canonical);
                        let too_large = || IndexError::Values(field.clone());
                        values[position].intern(&canonical).ok_or_else(too_large)?
                    }
                };
                columns[position].push(number);
            }
            starts.push(start);
        }
        starts.shrink_to_fit();
        let (pairs, pair_postings) = pairs_of(&columns, starts.len());
        let columns = values.into_iter().zip(columns).enumerate();
        let fields = columns.map(|(position, (values, column))| {
            let field = Field::new(values, column);
            // A key's own rows are where a search begins: it is never a filter.
            if position == 0 { field.without_column() } else { field }
        });
        let fields = fields.collect();
        Ok(Index { set: set.clone(), bytes, starts, fields, pairs, pair_postings })
    }

    /// How many rows it has.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.starts.len()
    }

    /// Bytes of memory that it takes, with the rows themselves.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.starts.capacity() * 4
            + self.fields.iter().map(Field::memory_bytes).sum::<usize>()
            + self.pairs.memory_bytes()
            + self.pair_postings.memory_bytes()
    }

    /// The rows that meet a query, in the order of their files. A value that no row has, of
    /// whatever kind, finds none.
    ///
    /// # Errors
    /// The set cannot answer such a query.
    pub fn find(&self, query: &Query) -> Result<Matches<'_>, QueryError> {
        self.set.check_query(query)?;
        let rows = self.accepted(query).and_then(|accepted| self.rows_of(accepted));
        Ok(Matches { index: self, rows: rows.unwrap_or_default() })
    }

    /// What an instance answers: the rows behind the first `skip`, as many as fit the bounds (but
    /// one at least, if there is one), and how many there are in all.
    ///
    /// # Errors
    /// The set cannot answer such a query.
    pub fn answer(
        &self,
        query: &Query,
        skip: u64,
        row_count_max: usize,
        bytes_max: usize,
    ) -> Result<Rows, QueryError> {
        Ok(self.find(query)?.part(skip, row_count_max, bytes_max))
    }

    /// What [`Index::answer`] does, where a key leads to a few rows; `None`: it may take long.
    pub fn answer_short(
        &self,
        query: &Query,
        skip: u64,
        row_count_max: usize,
        bytes_max: usize,
    ) -> Option<Result<Rows, QueryError>> {
        if let Err(error) = self.set.check_query(query) {
            return Some(Err(error));
        }
        let rows = match self.accepted(query) {
            None => Cow::default(),
            Some(accepted) => {
                let is_short = |key| self.fields[0].row_count(key) <= SHORT_ROW_COUNT_MAX;
                accepted[0].filter(|key| is_short(*key))?;
                self.rows_of(accepted).unwrap_or_default()
            }
        };
        Some(Ok(Matches { index: self, rows }.part(skip, row_count_max, bytes_max)))
    }

    fn row(&self, row: u32) -> &str {
        let start = self.starts[row as usize] as usize;
        let (row, _) = row_at(&self.bytes, start).expect("every row was read as it was indexed");
        std::str::from_utf8(row).expect("every row was read as it was indexed")
    }

    /// What is accepted of each field; `None` where nothing can match.
    fn accepted(&self, query: &Query) -> Option<Conditions> {
        let mut accepted = Conditions::default();
        for condition in &query.conditions {
            let position = self.set.fields().position(|field| *field == condition.field)?;
            let here = self.fields[position].accepted(&condition.wanted);
            let here = accepted[position].map_or(here, |earlier| earlier.and(here));
            if here.is_empty() {
                return None;
            }
            accepted[position] = Some(here);
        }
        Some(accepted)
    }

    /// The rows that have what is accepted, of one field at least.
    fn rows_of(&self, mut accepted: Conditions) -> Option<Cow<'_, [u32]>> {
        let mut rows = self.shortest(&mut accepted)?;
        for (field, accepted) in self.fields.iter().zip(accepted) {
            if let Some(accepted) = accepted {
                let is_met = |row: &u32| field.is_met(*row, accepted);
                rows = Cow::Owned(rows.iter().copied().filter(is_met).collect());
            }
        }
        Some(rows)
    }

    /// Takes the conditions that are met by the fewest rows, and returns these rows: those of the
    /// key, else of the pair, else of one field.
    fn shortest(&self, accepted: &mut Conditions) -> Option<Cow<'_, [u32]>> {
        let position = match *accepted {
            [Some(_), ..] => 0,
            [_, Some(first), Some(second), ..] => {
                accepted[1..3].fill(None);
                return Some(self.rows_of_pair(first, second));
            }
            _ => {
                let row_count = |position: &usize| {
                    accepted[*position].map(|accepted| self.fields[*position].row_count(accepted))
                };
                let asked = (0..self.fields.len()).filter(|position| accepted[*position].is_some());
                asked.min_by_key(row_count)?
            }
        };
        accepted[position].take().map(|accepted| self.fields[position].rows(accepted))
    }

    fn rows_of_pair(&self, first: Accepted, second: Accepted) -> Cow<'_, [u32]> {
        let rows = |first: u32, second: u32| {
            let number = self.pairs.number(&pair_bytes(first, second))?;
            Some(self.pair_postings.rows(number))
        };
        if let (Some(first), Some(second)) = (first.only(), second.only()) {
            return Cow::Borrowed(rows(first, second).unwrap_or_default());
        }
        let pairs = first.numbers().flat_map(|a| second.numbers().map(move |b| (a, b)));
        joined(pairs.filter_map(|(a, b)| rows(a, b)))
    }
}

fn pair_bytes(first: u32, second: u32) -> [u8; 8] {
    (u64::from(first) << 32 | u64::from(second)).to_le_bytes()
}

/// Interns the pairs of the first two indexed fields.
fn pairs_of(columns: &[Vec<u32>], row_count: usize) -> (Dictionary, Postings) {
    let mut pairs = Dictionary::default();
    let [_, first, second, ..] = columns else { return (pairs, Postings::default()) };
    let mut column = Vec::with_capacity(row_count);
    for (&first, &second) in first.iter().zip(second) {
        let has_both = first != NO_VALUE && second != NO_VALUE;
        // A pair without a number would need 500 million different ones: the shard is smaller.
        let number = has_both.then(|| pairs.intern(&pair_bytes(first, second))).flatten();
        column.push(number.unwrap_or(NO_VALUE));
    }
    pairs.shrink();
    let postings = Postings::of_column(&column, pairs.len());
    (pairs, postings)
}

impl<'a> Matches<'a> {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows behind the first `skip`, as many as fit the bounds (but one at least, if there is
    /// one), and how many there are in all.
    fn part(&self, skip: u64, row_count_max: usize, bytes_max: usize) -> Rows {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        for row in self.iter().skip(skip).take(row_count_max) {
            bytes += row.len();
            if bytes > bytes_max && !rows.is_empty() {
                break;
            }
            rows.push(row.to_owned());
        }
        Rows { rows, total_count: self.len() as u64 }
    }

    /// The rows, JSON objects in compact form.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        let index = self.index;
        self.rows.iter().map(move |&row| index.row(row))
    }
}
