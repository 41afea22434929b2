//! What VADER knows of a word: valence, booster, negation, its part in a rule; and names of emoji.
//!
//! Valences and emoji come from the crate `vader_sentiment`, whose lexicon is an older one. What
//! version 3.3.2 has otherwise is said here.

use crate::word_count::short_key;
use std::collections::HashMap;
use std::sync::LazyLock;
use vader_sentiment::{EMOJI_LEXICON, LEXICON};

/// In 3.3.2, and missing or different in the crate. The crate merges `:P` into `:p`; VADER never
/// meets `:P`, since it looks words up in lower case.
const VALENCES_OF_3_3_2: [(&str, f64); 3] = [("heart", 3.2), ("hearts", 3.3), (":p", 1.0)];

const BOOST: f64 = 0.293;

const BOOSTERS: &str = "absolutely amazingly awfully completely considerable considerably \
    decidedly deeply effing enormous enormously entirely especially exceptional exceptionally \
    extreme extremely fabulously flipping flippin frackin fracking fricking frickin frigging \
    friggin fully fuckin fucking fuggin fugging greatly hella highly hugely incredible incredibly \
    intensely major majorly more most particularly purely quite really remarkably so \
    substantially thoroughly total totally tremendous tremendously uber unbelievably \
    unusually utter utterly very";

const DAMPENERS: &str = "almost barely hardly kinda kindof kind-of less little marginal marginally \
    occasional occasionally partly scarce scarcely slight slightly somewhat sorta sortof sort-of";

const NEGATIONS: &str = "aint arent cannot cant couldnt darent didnt doesnt ain't aren't can't \
    couldn't daren't didn't doesn't dont hadnt hasnt havent isnt mightnt mustnt neither don't \
    hadn't hasn't haven't isn't mightn't mustn't neednt needn't never none nope nor not nothing \
    nowhere oughtnt shant shouldnt uhuh wasnt werent oughtn't shan't shouldn't uh-uh wasn't \
    weren't without wont wouldnt won't wouldn't rarely seldom despite";

/// A word that some rule names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Term {
    #[default]
    Other,
    Ass,
    At,
    Bad,
    Beating,
    Bomb,
    Bus,
    But,
    Death,
    Die,
    Doubt,
    Enough,
    For,
    Heart,
    Just,
    Kind,
    Kiss,
    Least,
    Never,
    No,
    Nor,
    Of,
    Or,
    Right,
    Shit,
    So,
    Sort,
    Stop,
    The,
    This,
    To,
    Very,
    Without,
    Yeah,
}

const TERMS: [(&str, Term); 33] = [
    ("ass", Term::Ass),
    ("at", Term::At),
    ("bad", Term::Bad),
    ("beating", Term::Beating),
    ("bomb", Term::Bomb),
    ("bus", Term::Bus),
    ("but", Term::But),
    ("death", Term::Death),
    ("die", Term::Die),
    ("doubt", Term::Doubt),
    ("enough", Term::Enough),
    ("for", Term::For),
    ("heart", Term::Heart),
    ("just", Term::Just),
    ("kind", Term::Kind),
    ("kiss", Term::Kiss),
    ("least", Term::Least),
    ("never", Term::Never),
    ("no", Term::No),
    ("nor", Term::Nor),
    ("of", Term::Of),
    ("or", Term::Or),
    ("right", Term::Right),
    ("shit", Term::Shit),
    ("so", Term::So),
    ("sort", Term::Sort),
    ("stop", Term::Stop),
    ("the", Term::The),
    ("this", Term::This),
    ("to", Term::To),
    ("very", Term::Very),
    ("without", Term::Without),
    ("yeah", Term::Yeah),
];

/// What is known of a word in lower case.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Entry {
    /// How good or bad it is, -4 to 4; `None`: it is not in the lexicon.
    pub(crate) valence: Option<f64>,
    /// What it adds to the valence of a good word after it; 0 for most words.
    pub(crate) boost: f64,
    /// Whether it turns the word after it around.
    pub(crate) negates: bool,
    /// The word itself where a rule names it.
    pub(crate) term: Term,
}

/// All words that VADER knows.
pub(crate) struct Lexicon {
    entries: HashMap<u128, Entry, FoldState>,
    long: HashMap<String, Entry>,
    /// Names of the emoji of one code point; others are never looked up.
    emoji: HashMap<char, &'static str>,
}

/// The lexicon of this process; made on first use, in about three milliseconds.
pub(crate) static KNOWN: LazyLock<Lexicon> = LazyLock::new(Lexicon::load);

impl Lexicon {
    fn load() -> Lexicon {
        let mut words: HashMap<String, Entry> = HashMap::new();
        for (word, valence) in LEXICON.iter() {
            // Looked up in lower case, a word with a capital letter is never found.
            if word.to_lowercase() == **word {
                words.entry((**word).to_owned()).or_default().valence = Some(*valence);
            }
        }
        for (word, valence) in VALENCES_OF_3_3_2 {
            words.entry(word.to_owned()).or_default().valence = Some(valence);
        }
        for word in BOOSTERS.split_whitespace() {
            words.entry(word.to_owned()).or_default().boost = BOOST;
        }
        for word in DAMPENERS.split_whitespace() {
            words.entry(word.to_owned()).or_default().boost = -BOOST;
        }
        for word in NEGATIONS.split_whitespace() {
            words.entry(word.to_owned()).or_default().negates = true;
        }
        for (word, term) in TERMS {
            words.entry(word.to_owned()).or_default().term = term;
        }
        let mut lexicon =
            Lexicon { entries: HashMap::default(), long: HashMap::new(), emoji: HashMap::new() };
        for (word, entry) in words {
            match short_key(word.as_bytes()) {
                Some(key) => lexicon.entries.insert(key, entry),
                None => lexicon.long.insert(word, entry),
            };
        }
        for (emoji, name) in EMOJI_LEXICON.iter() {
            let mut characters = emoji.chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                lexicon.emoji.insert(character, name);
            }
        }
        lexicon
    }

    /// What is known of a word in lower case.
    pub(crate) fn get(&self, word: &str) -> Entry {
        match short_key(word.as_bytes()) {
            Some(key) => self.get_short(key),
            None => self.long.get(word).copied().unwrap_or_default(),
        }
    }

    /// What is known of a word given as its [`short_key`].
    pub(crate) fn get_short(&self, key: u128) -> Entry {
        self.entries.get(&key).copied().unwrap_or_default()
    }

    /// The English name of an emoji.
    pub(crate) fn emoji_name(&self, character: char) -> Option<&'static str> {
        // The first of them is the copyright sign.
        if character < '©' { None } else { self.emoji.get(&character).copied() }
    }
}

/// Hashes by one multiplication: the keys of this map are ours, so nobody can make them collide.
#[derive(Clone, Copy, Default)]
struct FoldState;

struct Fold(u64);

impl std::hash::BuildHasher for FoldState {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(0)
    }
}

impl std::hash::Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn write_u128(&mut self, number: u128) {
        // Odd constants with an even mix of bits: the golden ratio's and xxHash's second prime.
        let low = (number as u64 ^ self.0) ^ 0x9E37_79B9_7F4A_7C15;
        let high = (number >> 64) as u64 ^ 0xC2B2_AE3D_27D4_EB4F;
        let product = u128::from(low) * u128::from(high);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes and sums of vaderSentiment 3.3.2's files: 7,506 words, of which 14 have a capital
    /// letter; valences times ten, which are whole numbers.
    #[test]
    fn holds_the_lexicon_of_3_3_2() {
        let all = KNOWN.entries.values().chain(KNOWN.long.values());
        let valences: Vec<f64> = all.filter_map(|entry| entry.valence).collect();
        let tenths = valences.iter().map(|valence| (valence * 10.0).round() as i64);
        let (sum, squares) = tenths.fold((0, 0), |(a, b), tenth| (a + tenth, b + tenth * tenth));
        assert_eq!((valences.len(), sum, squares), (7_492, -13_728, 2_193_990));
        assert_eq!(KNOWN.emoji.len(), 1_212);
    }

    #[test]
    fn differences_to_the_crate_are_applied() {
        for (word, valence) in VALENCES_OF_3_3_2 {
            assert_eq!(KNOWN.get(word).valence, Some(valence));
        }
        assert_eq!(KNOWN.get(":þ").valence, None);
        assert!(KNOWN.get("despite").negates);
        assert_eq!(KNOWN.emoji_name('💘'), Some("heart with arrow"));
    }
}
