//! Words with a number each, found by their bytes.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Words, each once.
#[derive(Debug, Default)]
pub(super) struct Table {
    bytes: Vec<u8>,
    /// Where each ends, and its number.
    words: Vec<(u32, u32)>,
    places: HashTable<u32>,
    /// Bytes of the longest one.
    word_bytes_max: usize,
}

impl Table {
    /// Adds a word; `false` where it is there already, or all together are too long.
    pub(super) fn add(&mut self, word: &[u8], number: u32) -> bool {
        let end = u32::try_from(self.bytes.len() + word.len()).ok();
        let place = u32::try_from(self.words.len()).ok();
        let (Some(end), Some(place), None) = (end, place, self.find(word)) else { return false };
        self.bytes.extend_from_slice(word);
        self.words.push((end, number));
        self.word_bytes_max = self.word_bytes_max.max(word.len());
        let Table { bytes, words, places, .. } = self;
        places.insert_unique(xxh3_64(word), place, |it| xxh3_64(word_at(bytes, words, *it)));
        true
    }

    /// The number of a word.
    pub(super) fn find(&self, word: &[u8]) -> Option<u32> {
        if word.len() > self.word_bytes_max {
            return None;
        }
        let Table { bytes, words, places, .. } = self;
        let found = places.find(xxh3_64(word), |it| word_at(bytes, words, *it) == word);
        found.map(|place| words[*place as usize].1)
    }
}

fn word_at<'a>(bytes: &'a [u8], words: &[(u32, u32)], place: u32) -> &'a [u8] {
    let place = place as usize;
    let start = place.checked_sub(1).map_or(0, |before| words[before].0 as usize);
    &bytes[start..words[place].0 as usize]
}
