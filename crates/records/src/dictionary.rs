//! Distinct values of a field, numbered from 0 as they appear: one copy of each, found by hash.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The values.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    /// All values, one behind the other.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
}

impl Dictionary {
    /// The number of a value, if it has one.
    pub(crate) fn number(&self, value: &[u8]) -> Option<u32> {
        let is_it = |number: &u32| value_at(&self.bytes, &self.ends, *number) == value;
        self.table.find(xxh3_64(value), is_it).copied()
    }

    /// The number of a value, which it gets if it has none; `None` where numbers run out.
    pub(crate) fn intern(&mut self, value: &[u8]) -> Option<u32> {
        let Dictionary { bytes, ends, table } = self;
        let hash = xxh3_64(value);
        if let Some(number) = table.find(hash, |&number| value_at(bytes, ends, number) == value) {
            return Some(*number);
        }
        let number = u32::try_from(ends.len()).ok()?;
        let end = u32::try_from(bytes.len() + value.len()).ok()?;
        bytes.extend_from_slice(value);
        ends.push(end);
        table.insert_unique(hash, number, |&number| xxh3_64(value_at(bytes, ends, number)));
        Some(number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Gives back memory that growing took in advance.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.table.allocation_size()
    }
}

fn value_at<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start as usize..ends[number] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_as_they_appear() {
        let mut dictionary = Dictionary::default();
        let values: Vec<String> =
            (0..1_000).map(|number| format!("value {}", number % 700)).collect();
        let numbers: Vec<u32> =
            values.iter().filter_map(|value| dictionary.intern(value.as_bytes())).collect();
        let wanted: Vec<u32> = (0..1_000).map(|number| number % 700).collect();
        assert_eq!(numbers, wanted);
        assert_eq!((dictionary.len(), dictionary.number(b"value 699")), (700, Some(699)));
        assert_eq!((dictionary.number(b"value 700"), dictionary.number(b"")), (None, None));
        assert_eq!(dictionary.intern(b""), Some(700));
        assert_eq!(dictionary.number(b""), Some(700));
    }
}
