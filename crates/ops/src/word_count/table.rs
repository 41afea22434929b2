//! Counts of distinct words: an open-addressed index of short words, a map of the long ones.
//!
//! A word of up to 15 bytes is one `u128` in a list of entries, in order of first appearance: the
//! words that a text repeats come early, so they lie close together and stay in the nearest cache.

use super::long_word::LongWord;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use windlass_core::Failure;

/// Longest word that a slot holds; the sixteenth byte of the key is the length.
pub(crate) const SHORT_BYTES_MAX: usize = 15;
/// A longer word is counted under a shortened name: its start, its length and its hash.
pub(crate) const WORD_BYTES_MAX: usize = 1 << 20;
/// Distinct words of one file: 16 Mi of them need up to 1 GiB of entries and 512 MiB of index.
const DISTINCT_COUNT_MAX: usize = 16 << 20;
/// All distinct words above [`SHORT_BYTES_MAX`] together.
const LONG_BYTES_MAX: usize = 256 << 20;
const SLOT_COUNT_MIN: usize = 1 << 8;
/// Slots made at once for a large text: 512 KiB, which a text that repeats one word hardly notices.
const SLOT_COUNT_EXPECTED_MAX: usize = 1 << 17;
/// So few slots are in use that most words are found at the first look: a second one costs more
/// than the cache that four bytes take.
const SLOTS_PER_WORD: usize = 4;
/// English prose has a new word about every 20 bytes at first.
const TEXT_BYTES_PER_SLOT: u64 = 4;
/// Words that occur up to so many times are sorted among their equals.
const RARE_COUNT_MAX: usize = 4;

/// Key 0 is no word: a word has at least one byte, so its length byte is not 0.
#[derive(Clone, Copy, Default)]
struct Entry {
    key: u128,
    count: u64,
    order: u64,
}

struct LongCount {
    count: u64,
    order: u64,
}

/// Words and how often each was added.
pub(crate) struct Table {
    /// Where in `entries` the word of a slot is; 0: the slot is free.
    index: Vec<u32>,
    /// The first is no word, nor are those behind the `short_count` words.
    entries: Vec<Entry>,
    short_count: usize,
    /// With so many words `entries` or `index` must grow.
    short_count_max: usize,
    long: HashMap<Box<[u8]>, LongCount>,
    long_bytes: usize,
    seeds: [u64; 2],
    shortened_count: u64,
    total: u64,
    next_order: u64,
}

impl Table {
    /// A table for the words of a text of about this many bytes.
    pub(crate) fn for_text(bytes: u64) -> Table {
        let expected = usize::try_from(bytes / TEXT_BYTES_PER_SLOT).unwrap_or(usize::MAX);
        let slot_count =
            expected.clamp(SLOT_COUNT_MIN, SLOT_COUNT_EXPECTED_MAX).next_power_of_two();
        // Seeds of their own for every table: nobody can write a file whose words all collide.
        let random = RandomState::new();
        Table {
            index: vec![0; slot_count],
            entries: vec![Entry::default(); slot_count / SLOTS_PER_WORD / 2],
            short_count: 0,
            short_count_max: slot_count / SLOTS_PER_WORD / 2 - 1,
            long: HashMap::with_hasher(random.clone()),
            long_bytes: 0,
            seeds: [random.hash_one(0_u8), random.hash_one(1_u8)],
            shortened_count: 0,
            total: 0,
            next_order: 0,
        }
    }

    /// Counts a word of at least one byte.
    pub(crate) fn add(&mut self, word: &[u8]) {
        match short_key(word) {
            Some(key) => self.add_short(key),
            None => self.add_long(word),
        }
    }

    /// Counts a word given as its [`short_key`].
    ///
    /// Whether a word is new is hard to foretell, so new and known words take the same path: the
    /// entry of a new one holds zeros.
    #[inline]
    pub(crate) fn add_short(&mut self, key: u128) {
        self.total += 1;
        let slot = self.find(key);
        let known = self.index[slot];
        let is_new = known == 0;
        let position = if is_new { self.short_count as u32 + 1 } else { known };
        self.index[slot] = position;
        let entry = &mut self.entries[position as usize];
        entry.key = key;
        entry.count += 1;
        entry.order = if is_new { self.next_order } else { entry.order };
        self.next_order += u64::from(is_new);
        self.short_count += usize::from(is_new);
        if self.short_count >= self.short_count_max {
            self.grow();
        }
    }

    fn add_long(&mut self, word: &[u8]) {
        if word.len() > WORD_BYTES_MAX {
            let mut long = LongWord::default();
            long.push(word);
            return self.add_shortened(&long);
        }
        self.total += 1;
        if let Some(known) = self.long.get_mut(word) {
            known.count += 1;
            return;
        }
        self.long.insert(word.into(), LongCount { count: 1, order: self.next_order });
        self.next_order += 1;
        self.long_bytes += word.len();
    }

    /// Counts a word above [`WORD_BYTES_MAX`] under its shortened name.
    pub(crate) fn add_shortened(&mut self, word: &LongWord) {
        self.add_long(word.name().as_bytes());
        self.shortened_count += 1;
    }

    /// The slot where `key` is, or the free one where it belongs.
    #[inline]
    fn find(&self, key: u128) -> usize {
        let (low, high) = (key as u64 ^ self.seeds[0], (key >> 64) as u64 ^ self.seeds[1]);
        let product = u128::from(low) * u128::from(high);
        let mask = self.index.len() - 1;
        let mut slot = (product as u64 ^ (product >> 64) as u64) as usize & mask;
        loop {
            let position = self.index[slot];
            // One branch, nearly always taken, instead of two.
            if (position == 0) | (self.entries[position as usize].key == key) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        if self.short_count + 1 >= self.entries.len() {
            self.entries.resize(self.entries.len() * 2, Entry::default());
        }
        if self.short_count * SLOTS_PER_WORD >= self.index.len() {
            self.index = vec![0; self.index.len() * 2];
            for position in 1..=self.short_count {
                let slot = self.find(self.entries[position].key);
                self.index[slot] = position as u32;
            }
        }
        self.short_count_max = (self.index.len() / SLOTS_PER_WORD).min(self.entries.len() - 1);
    }

    fn short_words(&self) -> &[Entry] {
        &self.entries[1..=self.short_count]
    }

    /// # Errors
    /// `too_many_words` where the file has more distinct words than memory is set aside for. Asked
    /// once a piece of the file, not once a word.
    pub(crate) fn check_bounds(&self) -> Result<(), Failure> {
        if self.distinct() <= DISTINCT_COUNT_MAX && self.long_bytes <= LONG_BYTES_MAX {
            return Ok(());
        }
        Err(Failure::rejected(
            "too_many_words",
            format!("the file has more than {} distinct words", self.distinct() - 1),
            "Split the file and add up the results.",
        ))
    }

    /// How many words were added.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many words were added under a shortened name.
    pub(crate) fn shortened_count(&self) -> u64 {
        self.shortened_count
    }

    /// How many different words were added.
    pub(crate) fn distinct(&self) -> usize {
        self.short_count + self.long.len()
    }

    /// How often this word was added.
    pub(crate) fn count_of(&self, word: &str) -> u64 {
        match short_key(word.as_bytes()) {
            Some(key) => self.entries[self.index[self.find(key)] as usize].count,
            None => self.long.get(word.as_bytes()).map_or(0, |long| long.count),
        }
    }

    /// The `count_max` most frequent words; of two equally frequent ones the earlier is first.
    pub(crate) fn most_common(&self, count_max: usize) -> Vec<(String, u64)> {
        let short = self.short_words().iter();
        let short = short.map(|entry| (entry.count, entry.order, entry.key, None));
        let long = self.long.iter().map(|(word, long)| (long.count, long.order, 0, Some(word)));
        let mut words: Vec<_> = short.chain(long).collect();
        let rank = |word: &(u64, u64, u128, Option<_>)| (std::cmp::Reverse(word.0), word.1);
        if words.len() > count_max {
            words.select_nth_unstable_by_key(count_max, rank);
            words.truncate(count_max);
        }
        words.sort_unstable_by_key(rank);
        let spell = |(count, _, key, long): (u64, u64, u128, Option<&Box<[u8]>>)| {
            let key = key.to_le_bytes();
            let word = long.map_or_else(|| short_word(&key), |word| &**word);
            (String::from_utf8_lossy(word).into_owned(), count)
        };
        words.into_iter().map(spell).collect()
    }

    /// Every word, the most frequent first, equally frequent ones by code point.
    pub(crate) fn for_each_sorted(self, mut each: impl FnMut(Word<'_>, u64)) {
        let short = sorted_short(self.short_words());
        drop((self.index, self.entries));
        let long = self.long.into_iter();
        let mut long: Vec<_> = long.map(|(word, l)| (l.count, long_rank(&word), word)).collect();
        long.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.cmp(&b.2)));
        let mut long = long.into_iter().peekable();
        for (count, rank) in short {
            let is_earlier = |(other_count, other, _): &(u64, u128, _)| {
                *other_count > count || (*other_count == count && *other < rank)
            };
            while let Some((count, _, word)) = long.next_if(is_earlier) {
                each(Word::Long(&word), count);
            }
            each(Word::Short(&rank.to_be_bytes()), count);
        }
        for (count, _, word) in long {
            each(Word::Long(&word), count);
        }
    }
}

/// Where a long word stands among the byte-swapped keys: its first bytes, and behind every short
/// word that is a start of it.
fn long_rank(word: &[u8]) -> u128 {
    let mut bytes = [u8::MAX; 16];
    bytes[..SHORT_BYTES_MAX].copy_from_slice(&word[..SHORT_BYTES_MAX]);
    u128::from_be_bytes(bytes)
}

/// A word of a table.
#[derive(Clone, Copy)]
pub(crate) enum Word<'a> {
    /// The bytes of a [`short_key`]: the word, zeros, and its length.
    Short(&'a [u8; 16]),
    Long(&'a [u8]),
}

impl<'a> Word<'a> {
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Word::Short(key) => short_word(key),
            Word::Long(word) => word,
        }
    }
}

/// Count and byte-swapped key of every word, in order. With its first byte foremost, a key compares
/// as its word does; the length comes last.
fn sorted_short(entries: &[Entry]) -> Vec<(u64, u128)> {
    // Most words of a text occur once or twice: sorted apart, they need no look at the counts.
    let mut rare: [Vec<u128>; RARE_COUNT_MAX] = Default::default();
    let mut sorted = Vec::new();
    for entry in entries {
        match rare.get_mut((entry.count - 1) as usize) {
            Some(equals) => equals.push(entry.key.swap_bytes()),
            None => sorted.push((entry.count, entry.key.swap_bytes())),
        }
    }
    sorted.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (count, mut equals) in (1..=RARE_COUNT_MAX as u64).rev().zip(rare.into_iter().rev()) {
        equals.sort_unstable();
        sorted.extend(equals.into_iter().map(|key| (count, key)));
    }
    sorted
}

/// The word as a number: its bytes from the lowest up, zeros, and its length as the highest byte.
/// `None` where it is too long.
#[inline]
pub(crate) fn short_key(word: &[u8]) -> Option<u128> {
    if word.len() > SHORT_BYTES_MAX {
        return None;
    }
    let mut bytes = [0; 16];
    bytes[..word.len()].copy_from_slice(word);
    Some(u128::from_le_bytes(bytes) | with_length(word.len()))
}

/// The length byte of a [`short_key`].
#[inline]
pub(crate) fn with_length(length: usize) -> u128 {
    (length as u128) << 120
}

fn short_word(key: &[u8; 16]) -> &[u8] {
    &key[..usize::from(key[SHORT_BYTES_MAX])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sorted(table: Table) -> Vec<(Vec<u8>, u64)> {
        let mut all = Vec::new();
        table.for_each_sorted(|word, count| all.push((word.bytes().to_vec(), count)));
        all
    }

    #[test]
    fn equals_a_plain_map_through_growth_and_across_lengths() {
        let mut table = Table::for_text(0);
        let mut naive: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        let mut state = 7_u32;
        for _ in 0..60_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let length = 1 + (state >> 8) as usize % 20;
            let word = format!("{:0length$}", (state >> 16) % 7_000).into_bytes();
            table.add(&word);
            *naive.entry(word).or_default() += 1;
        }
        assert_eq!((table.total(), table.distinct()), (60_000, naive.len()));
        let mut expected: Vec<_> = naive.into_iter().collect();
        expected.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        assert_eq!(sorted(table), expected);
    }

    #[test]
    fn long_words_stand_among_the_short_ones() {
        let mut words = vec![
            "aaaaaaaaaaaaaaa".to_owned(),
            "aaaaaaaaaaaaaaa\0".to_owned(),
            "aaaaaaaaaaaaaaaa".to_owned(),
            "aaaaaaaaaaaaaab".to_owned(),
            "aa\0".to_owned(),
            format!("aa{}", "\0".repeat(14)),
            "aa".to_owned(),
            "éééééééé".to_owned(),
            "éé".to_owned(),
        ];
        let mut table = Table::for_text(0);
        words.iter().for_each(|word| table.add(word.as_bytes()));
        words.sort_unstable();
        let expected: Vec<_> = words.into_iter().map(|word| (word.into_bytes(), 1)).collect();
        assert_eq!(sorted(table), expected);
    }

    #[test]
    fn zero_bytes_belong_to_the_word() {
        let mut table = Table::for_text(0);
        for word in [&b"a"[..], b"a\0", b"\0", b"a"] {
            table.add(word);
        }
        let expected: [(&[u8], u64); 3] = [(b"a", 2), (b"\0", 1), (b"a\0", 1)];
        assert_eq!(sorted(table), expected.map(|(word, count)| (word.to_vec(), count)));
    }

    #[test]
    fn ties_of_the_most_common_keep_their_order_of_appearance() {
        let mut table = Table::for_text(0);
        for word in ["zebra", "an exceedingly long one", "ape", "ape", "bee"] {
            table.add(word.as_bytes());
        }
        let words: Vec<_> = table.most_common(3).into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, ["ape", "zebra", "an exceedingly long one"]);
        assert_eq!((table.count_of("ape"), table.count_of("an exceedingly long one")), (2, 1));
        assert_eq!((table.count_of("cow"), table.count_of("another exceedingly long one")), (0, 0));
    }
}
