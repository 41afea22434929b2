//! Words by Unicode's UAX 29 with the changes that ICU 72 makes: a colon ends a word, `@` is a
//! letter, Korean stands apart from other letters, and scripts without spaces are cut by a
//! dictionary.

use super::pieces::Split;
use super::table::Table;
use icu_properties::props::{ExtendedPictographic, Ideographic, LineBreak, Script, WordBreak};
use icu_properties::{CodePointMapData, CodePointSetData};
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed, options::WordBreakInvariantOptions};

/// ASCII signs that may join what stands beside them; after any other one a word has ended.
const JOINING_SIGNS: &[u8] = b"'\".,;_@";

/// What a character is for the rules. Combining marks and format characters are `Extend`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Other,
    CarriageReturn,
    LineEnd,
    Extend,
    Joiner,
    Pictograph,
    Space,
    Regional,
    Numeric,
    Letter,
    /// A letter of a script without spaces: Thai, Lao, Khmer, Burmese.
    Complex,
    Hangul,
    Hebrew,
    Katakana,
    /// Chinese characters and hiragana.
    Kanji,
    /// Chinese, but no character that is written alone.
    Radical,
    SingleQuote,
    DoubleQuote,
    MidLetter,
    MidNumber,
    MidBoth,
    /// Underscore and the like.
    Connector,
}

/// Counts the words that ICU's word iterator marks as such.
pub(crate) struct Words {
    segmenter: WordSegmenterBorrowed<'static>,
    ascii: [Kind; 128],
}

/// A stretch between two boundaries of the rules.
struct Stretch {
    end: usize,
    is_word: bool,
    /// Whether a dictionary has to cut it further.
    needs_dictionary: bool,
}

impl Words {
    pub(crate) fn new() -> Words {
        Words {
            segmenter: WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()),
            ascii: std::array::from_fn(|code| kind_by_property(char::from(code as u8))),
        }
    }

    /// The character at `at` with its end; `None` at the end of the text.
    fn kind(&self, text: &str, at: usize) -> Option<(Kind, usize)> {
        let byte = *text.as_bytes().get(at)?;
        if byte < 0x80 {
            return Some((self.ascii[usize::from(byte)], at + 1));
        }
        let character = text[at..].chars().next()?;
        Some((kind_by_property(character), at + character.len_utf8()))
    }

    /// The stretch that starts at `start`, which is not the end of the text.
    fn stretch(&self, text: &str, start: usize) -> Option<Stretch> {
        let (first, mut end) = self.kind(text, start)?;
        let mut last = first;
        let mut is_word = first.is_word();
        let mut needs_dictionary = first.needs_dictionary();
        let mut regional_count = usize::from(first == Kind::Regional);
        loop {
            let marks = self.skip_marks(text, end, last);
            let is_adjacent = marks.end == end;
            let Some((next, next_end)) = self.kind(text, marks.end) else {
                let is_word = is_word && (is_adjacent || last.is_word_with_marks());
                return Some(Stretch { end: marks.end, is_word, needs_dictionary });
            };
            end = marks.end;
            let joins_two = || {
                let after = self.skip_marks(text, next_end, next).end;
                let (far, far_end) = self.kind(text, after)?;
                last.joins_across(next, far).then_some((far, far_end))
            };
            if marks.ends_in_joiner && next == Kind::Pictograph {
                (last, end, is_word) = (next, next_end, false);
            } else if last == Kind::Regional && next == Kind::Regional && regional_count == 1 {
                (end, regional_count) = (next_end, 2);
            } else if last.joins(next, is_adjacent) {
                (last, end, is_word) = (next, next_end, next.is_word_after_another());
            } else if let Some((far, far_end)) = joins_two() {
                (last, end, is_word) = (far, far_end, true);
            } else if last == Kind::Hebrew && next == Kind::SingleQuote {
                (last, end, is_word) = (next, next_end, true);
            } else {
                let is_word = is_word && (is_adjacent || last.is_word_with_marks());
                return Some(Stretch { end, is_word, needs_dictionary });
            }
            needs_dictionary |= last.needs_dictionary();
        }
    }

    /// Skips the marks that belong to the character `last` before them.
    fn skip_marks(&self, text: &str, start: usize, last: Kind) -> Marks {
        let mut marks = Marks { end: start, ends_in_joiner: last == Kind::Joiner };
        if matches!(last, Kind::CarriageReturn | Kind::LineEnd) {
            return marks;
        }
        while let Some((kind @ (Kind::Extend | Kind::Joiner), end)) = self.kind(text, marks.end) {
            marks = Marks { end, ends_in_joiner: kind == Kind::Joiner };
        }
        marks
    }

    fn count_text(&self, text: &str, table: &mut Table) {
        let mut start = 0;
        while let Some(stretch) = self.stretch(text, start) {
            let part = &text[start..stretch.end];
            start = stretch.end;
            if !stretch.is_word {
                continue;
            }
            if !stretch.needs_dictionary {
                table.add(part.as_bytes());
                continue;
            }
            self.count_by_dictionary(part, table);
        }
    }

    /// Cuts the runs of scripts without spaces. Where such a run touches another script there is no
    /// boundary, as in ICU.
    fn count_by_dictionary(&self, part: &str, table: &mut Table) {
        let (mut word_start, mut run_start) = (0, 0);
        while run_start < part.len() {
            let mut characters = part[run_start..].char_indices();
            let own = characters.next().and_then(|(_, character)| dictionary(character));
            let run_end = characters.find(|(_, character)| dictionary(*character) != own);
            let run_end = run_end.map_or(part.len(), |(length, _)| run_start + length);
            let run = &part[run_start..run_end];
            let is_cut = own.is_some_and(|own| run.chars().nth(own.characters_min() - 1).is_some());
            if is_cut {
                let ends =
                    self.segmenter.segment_str(run).filter(|end| (1..run.len()).contains(end));
                for end in ends.map(|end| run_start + end) {
                    table.add(&part.as_bytes()[word_start..end]);
                    word_start = end;
                }
            }
            run_start = run_end;
        }
        table.add(&part.as_bytes()[word_start..]);
    }
}

/// Dictionaries for scripts without spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dictionary {
    Thai,
    Lao,
    Khmer,
    Burmese,
    ChineseJapanese,
}

impl Dictionary {
    /// Shorter runs are not cut: two words of two characters each are the least.
    fn characters_min(self) -> usize {
        if self == Dictionary::ChineseJapanese { 1 } else { 4 }
    }
}

fn dictionary(character: char) -> Option<Dictionary> {
    if character < '\u{E00}' {
        return None;
    }
    if matches!(character, '\u{30FC}' | '\u{FF70}' | '\u{FF9E}' | '\u{FF9F}') {
        return Some(Dictionary::ChineseJapanese);
    }
    let line_break = CodePointMapData::<LineBreak>::new().get(character);
    match CodePointMapData::<Script>::new().get(character) {
        Script::Han | Script::Hiragana | Script::Katakana => Some(Dictionary::ChineseJapanese),
        _ if line_break != LineBreak::ComplexContext => None,
        Script::Thai => Some(Dictionary::Thai),
        Script::Lao => Some(Dictionary::Lao),
        Script::Khmer => Some(Dictionary::Khmer),
        Script::Myanmar => Some(Dictionary::Burmese),
        _ => None,
    }
}

/// Where marks end, and what the last of them is.
struct Marks {
    end: usize,
    ends_in_joiner: bool,
}

impl Split for Words {
    fn is_of_characters(&self) -> bool {
        true
    }

    fn count(&mut self, text: &[u8], table: &mut Table) {
        for chunk in text.utf8_chunks() {
            self.count_text(chunk.valid(), table);
        }
    }

    fn last_gap(&self, text: &[u8]) -> usize {
        (1..=text.len()).rev().find(|end| end_sign_bytes(&text[..*end]) > 0).unwrap_or(0)
    }

    fn first_gap(&self, text: &[u8]) -> Option<usize> {
        (1..=text.len()).find_map(|end| match end_sign_bytes(&text[..end]) {
            0 => None,
            bytes => Some(end - bytes),
        })
    }
}

/// Length of the sign that ends this text and any word before it, whatever follows; 0: it is none.
fn end_sign_bytes(text: &[u8]) -> usize {
    match text {
        [.., byte @ ..=0x7F] => {
            usize::from(!byte.is_ascii_alphanumeric() && !JOINING_SIGNS.contains(byte))
        }
        // The ideographic full stop and comma, U+3001 and U+3002: Chinese has no spaces.
        [.., 0xE3, 0x80, 0x81 | 0x82] => 3,
        _ => 0,
    }
}

impl Kind {
    fn is_letter(self) -> bool {
        matches!(self, Kind::Letter | Kind::Complex | Kind::Hebrew)
    }

    fn is_word(self) -> bool {
        let others = matches!(self, Kind::Numeric | Kind::Hangul | Kind::Katakana | Kind::Kanji);
        others || self.is_letter()
    }

    /// Whether a stretch of several characters that ends with this one is a word.
    fn is_word_after_another(self) -> bool {
        self.is_word() || matches!(self, Kind::Connector | Kind::Radical)
    }

    /// Whether a word may end with this character and a mark; ICU's rules leave some cases out.
    fn is_word_with_marks(self) -> bool {
        self.is_word() && self != Kind::Hangul
    }

    fn is_chinese_or_japanese(self) -> bool {
        matches!(self, Kind::Katakana | Kind::Kanji | Kind::Radical)
    }

    fn needs_dictionary(self) -> bool {
        self == Kind::Complex || self.is_chinese_or_japanese()
    }

    /// Whether `next` belongs to the same word; `is_adjacent`: no marks stand between.
    fn joins(self, next: Kind, is_adjacent: bool) -> bool {
        match (self, next) {
            (Kind::CarriageReturn, Kind::LineEnd) => true,
            (Kind::Space, Kind::Space) | (Kind::Hangul, Kind::Hangul) => is_adjacent,
            (Kind::Katakana, Kind::Katakana) => true,
            (last, next) if last.is_chinese_or_japanese() && next.is_chinese_or_japanese() => {
                is_adjacent
            }
            (Kind::Katakana | Kind::Connector, Kind::Connector)
            | (Kind::Connector, Kind::Katakana) => true,
            (Kind::Connector, next) => next.is_letter() || next == Kind::Numeric,
            (last, next) if last.is_letter() || last == Kind::Numeric => {
                next.is_letter() || matches!(next, Kind::Numeric | Kind::Connector)
            }
            _ => false,
        }
    }

    /// Whether a sign and what follows it belong to the same word.
    fn joins_across(self, sign: Kind, far: Kind) -> bool {
        match sign {
            Kind::MidBoth | Kind::SingleQuote => {
                (self.is_letter() && far.is_letter())
                    || (self, far) == (Kind::Numeric, Kind::Numeric)
            }
            Kind::MidLetter => self.is_letter() && far.is_letter(),
            Kind::MidNumber => (self, far) == (Kind::Numeric, Kind::Numeric),
            Kind::DoubleQuote => (self, far) == (Kind::Hebrew, Kind::Hebrew),
            _ => false,
        }
    }
}

fn kind_by_property(character: char) -> Kind {
    if matches!(character, '\u{AC00}'..='\u{D7A3}') {
        return Kind::Hangul;
    }
    let word_break = CodePointMapData::<WordBreak>::new().get(character);
    let script = CodePointMapData::<Script>::new().get(character);
    let is_mark = matches!(word_break, WordBreak::Extend | WordBreak::Format | WordBreak::ZWJ);
    if !is_mark && matches!(script, Script::Han | Script::Hiragana) {
        let is_written_alone = script == Script::Hiragana
            || CodePointSetData::new::<Ideographic>().contains(character);
        return if is_written_alone { Kind::Kanji } else { Kind::Radical };
    }
    if character == '@' {
        return Kind::Letter;
    }
    match word_break {
        WordBreak::CR => Kind::CarriageReturn,
        WordBreak::LF | WordBreak::Newline => Kind::LineEnd,
        WordBreak::Extend | WordBreak::Format => Kind::Extend,
        WordBreak::ZWJ => Kind::Joiner,
        WordBreak::WSegSpace => Kind::Space,
        WordBreak::RegionalIndicator => Kind::Regional,
        WordBreak::Numeric => Kind::Numeric,
        WordBreak::HebrewLetter => Kind::Hebrew,
        WordBreak::Katakana => Kind::Katakana,
        WordBreak::SingleQuote => Kind::SingleQuote,
        WordBreak::DoubleQuote => Kind::DoubleQuote,
        WordBreak::MidNumLet => Kind::MidBoth,
        // ICU takes the colon for the end of a word: only Swedish and Finnish write it inside one.
        WordBreak::MidLetter if matches!(character, ':' | '\u{FE55}' | '\u{FF1A}') => Kind::Other,
        WordBreak::MidLetter => Kind::MidLetter,
        WordBreak::MidNum => Kind::MidNumber,
        WordBreak::ExtendNumLet => Kind::Connector,
        other => {
            let line_break = CodePointMapData::<LineBreak>::new().get(character);
            let is_pictograph =
                || CodePointSetData::new::<ExtendedPictographic>().contains(character);
            match (line_break, other) {
                (LineBreak::ComplexContext, _) => Kind::Complex,
                (_, WordBreak::ALetter) => Kind::Letter,
                _ if is_pictograph() => Kind::Pictograph,
                _ => Kind::Other,
            }
        }
    }
}
