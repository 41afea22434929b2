//! Counts of distinct words: an open-addressed table of short words, a map of the long ones.
//!
//! A word of up to 15 bytes lies in the slot itself as one `u128`, so that counting it touches one
//! cache line and compares one number. Every word keeps its order of first appearance.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use windlass_core::Failure;

/// Longest word that a slot holds; the sixteenth byte of the key is the length.
pub(crate) const SHORT_BYTES_MAX: usize = 15;
/// A longer word is counted under a shortened name: its start, its length and its hash.
pub(crate) const WORD_BYTES_MAX: usize = 1 << 20;
/// How much of a shortened word is shown.
const WORD_START_BYTES: usize = 64;
/// Distinct words of one file: at two thirds load, 16 Mi words need 1 GiB of slots.
const DISTINCT_COUNT_MAX: usize = 16 << 20;
/// All distinct words above [`SHORT_BYTES_MAX`] together.
const LONG_BYTES_MAX: usize = 256 << 20;
const SLOT_COUNT_MIN: usize = 1 << 8;
/// Slots made at once for a large text: 1 MiB, which a text that repeats one word hardly notices.
const SLOT_COUNT_EXPECTED_MAX: usize = 1 << 15;
/// English prose has a new word about every 40 bytes at first.
const TEXT_BYTES_PER_SLOT: u64 = 32;
/// Words that occur up to so many times are sorted among their equals.
const RARE_COUNT_MAX: usize = 4;

/// Key 0 is a free slot: a word has at least one byte, so its length byte is not 0.
#[derive(Clone, Copy, Default)]
struct Slot {
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
    slots: Vec<Slot>,
    short_count: usize,
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
            slots: vec![Slot::default(); slot_count],
            short_count: 0,
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
    #[inline]
    pub(crate) fn add_short(&mut self, key: u128) {
        self.total += 1;
        let index = self.find(key);
        let slot = &mut self.slots[index];
        if slot.key == key {
            slot.count += 1;
            return;
        }
        *slot = Slot { key, count: 1, order: self.next_order };
        self.next_order += 1;
        self.short_count += 1;
        if self.short_count * 3 > self.slots.len() * 2 {
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

    /// Where `key` is, or the free slot where it belongs.
    #[inline]
    fn find(&self, key: u128) -> usize {
        let (low, high) = (key as u64 ^ self.seeds[0], (key >> 64) as u64 ^ self.seeds[1]);
        let product = u128::from(low) * u128::from(high);
        let mask = self.slots.len() - 1;
        let mut index = (product as u64 ^ (product >> 64) as u64) as usize & mask;
        loop {
            let found = self.slots[index].key;
            if found == key || found == 0 {
                return index;
            }
            index = (index + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![Slot::default(); self.slots.len() * 2];
        let smaller = std::mem::replace(&mut self.slots, larger);
        for slot in smaller.into_iter().filter(|slot| slot.key != 0) {
            let index = self.find(slot.key);
            self.slots[index] = slot;
        }
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
            Some(key) => self.slots[self.find(key)].count,
            None => self.long.get(word.as_bytes()).map_or(0, |long| long.count),
        }
    }

    /// The `count_max` most frequent words; of two equally frequent ones the earlier is first.
    pub(crate) fn most_common(&self, count_max: usize) -> Vec<(String, u64)> {
        let short = self.slots.iter().filter(|slot| slot.key != 0);
        let short = short.map(|slot| (slot.count, slot.order, slot.key, None));
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
    pub(crate) fn for_each_sorted(self, mut each: impl FnMut(&[u8], u64)) {
        let short = sorted_short(&self.slots);
        drop(self.slots);
        let mut long: Vec<_> = self.long.into_iter().map(|(word, l)| (l.count, word)).collect();
        long.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut long = long.into_iter().peekable();
        for (count, key) in short {
            let key = key.to_be_bytes();
            let word = short_word(&key);
            let is_earlier = |(other_count, other): &(u64, Box<[u8]>)| {
                *other_count > count || (*other_count == count && **other < *word)
            };
            while let Some((count, word)) = long.next_if(is_earlier) {
                each(&word, count);
            }
            each(word, count);
        }
        for (count, word) in long {
            each(&word, count);
        }
    }
}

/// Count and byte-swapped key of every word, in order. With its first byte foremost, a key compares
/// as its word does; the length comes last.
fn sorted_short(slots: &[Slot]) -> Vec<(u64, u128)> {
    // Most words of a text occur once or twice: sorted apart, they need no look at the counts.
    let mut rare: [Vec<u128>; RARE_COUNT_MAX] = Default::default();
    let mut sorted = Vec::new();
    for slot in slots.iter().filter(|slot| slot.key != 0) {
        match rare.get_mut((slot.count - 1) as usize) {
            Some(equals) => equals.push(slot.key.swap_bytes()),
            None => sorted.push((slot.count, slot.key.swap_bytes())),
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

/// A word above [`WORD_BYTES_MAX`], seen piece by piece.
#[derive(Default)]
pub(crate) struct LongWord {
    start: Vec<u8>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl LongWord {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let missing = WORD_START_BYTES - self.start.len();
        self.start.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn name(&self) -> String {
        let start = self.start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let hash = self.hasher.finalize().to_hex();
        format!("{start}… ({} bytes, blake3 {})", self.bytes, &hash[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sorted(table: Table) -> Vec<(Vec<u8>, u64)> {
        let mut all = Vec::new();
        table.for_each_sorted(|word, count| all.push((word.to_vec(), count)));
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
